//! The sessions of the lab: of a customer, of a program, of how pages look, and of what other sites show.

use serde::{Deserialize, Serialize};
use sessions::{
    AnyBackend, Session, SessionConfig, SessionInterface, SharedKeys, SignedCookie,
    error::InvalidSetting,
};

use crate::backend::Backend;

/// The session of a customer.
pub(crate) type LabSession = Session<LabSessions>;

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "__Host-lab", samesite = "Strict", data = Cart)]
#[session(absolute_timeout = "8 hours", remembered = "30 days")]
pub(crate) struct LabSessions {
    backend: AnyBackend,
    config: SessionConfig,
}

impl LabSessions {
    /// Takes what no attribute above sets from the environment, as `LAB_SESSION_IDLE_TIMEOUT`.
    pub(crate) fn new(backend: &Backend) -> Result<Self, InvalidSetting> {
        Ok(Self { backend: backend.any.clone(), config: SessionConfig::from_prefixed_env("LAB_")? })
    }
}

/// The session of a program, which has no cookies.
#[derive(Clone, SessionInterface)]
#[session(cookie_name = "__Host-api", samesite = "Strict", bearer, data = Cart)]
#[session(idle_timeout = "30 days", lifetime = "90 days")]
pub(crate) struct ApiSessions {
    backend: AnyBackend,
}

impl ApiSessions {
    /// Returns none where the token changes with each write: with sessions in cookies.
    pub(crate) fn new(backend: &Backend) -> Option<Self> {
        backend.devices.as_ref().map(|_| Self { backend: backend.any.clone() })
    }
}

/// What a customer wants to buy. What is empty is not kept: an empty cart leaves no cookie.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Cart {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) lines: Vec<Line>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) note: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) product: String,
    pub(crate) count: u32,
}

impl Cart {
    /// Adds one of a product, at most 99.
    pub(crate) fn add(&mut self, product: &str) {
        match self.lines.iter_mut().find(|line| line.product == product) {
            Some(line) => line.count = (line.count + 1).min(99),
            None => self.lines.push(Line { product: product.to_owned(), count: 1 }),
        }
    }

    /// Removes one of a product.
    pub(crate) fn remove(&mut self, product: &str) {
        for line in self.lines.iter_mut().filter(|line| line.product == product) {
            line.count = line.count.saturating_sub(1);
        }
        self.lines.retain(|line| line.count > 0);
    }

    pub(crate) fn count(&self) -> u32 {
        self.lines.iter().map(|line| line.count).sum()
    }
}

/// How pages look: outlives logins and logouts, and comes along with links from other sites.
#[derive(Clone, SessionInterface)]
#[session(cookie_name = "__Host-theme", samesite = "Lax", data = Look)]
#[session(permanent = true, lifetime = "365 days", refresh_each_request = false)]
pub(crate) struct ThemeSessions {
    backend: SignedCookie,
}

impl ThemeSessions {
    pub(crate) fn new(keys: &SharedKeys) -> Self {
        Self { backend: SignedCookie::new(keys.clone()) }
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Look {
    #[serde(skip_serializing_if = "Theme::is_system")]
    pub(crate) theme: Theme,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Theme {
    Light,
    Dark,
    /// As the system has it.
    #[default]
    System,
}

impl Theme {
    pub(crate) const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
            Self::System => "system",
        }
    }

    // Serde passes a reference.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
    fn is_system(&self) -> bool {
        *self == Self::System
    }
}

/// What is shown in frames on other sites: one cookie for each of those sites.
#[derive(Clone, SessionInterface)]
#[session(cookie_name = "__Host-widget", samesite = "None", partitioned)]
pub(crate) struct WidgetSessions {
    backend: SignedCookie,
}

impl WidgetSessions {
    pub(crate) fn new(keys: &SharedKeys) -> Self {
        Self { backend: SignedCookie::new(keys.clone()) }
    }
}
