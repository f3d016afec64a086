//! The settings of an interface, resolved once when its service is built.

use std::{sync::Arc, time::Duration};

use sessions_policy::{
    CookiePolicy, ImportMode, OnDecodeError, OnGone, OnLoadError, OnSaveError, OpenMode, SaveWhen,
};

/// What attributes, configuration and defaults come to, checked. Backends get it in their
/// contexts.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The cookie of an interface whose policies do not look at the request. `None` when a
    /// function has to be asked first.
    pub(crate) cookie: Option<Arc<CookiePolicy>>,
    pub(crate) permanent: bool,
    pub(crate) lifetime: Duration,
    pub(crate) salt: Option<Box<str>>,
    pub(crate) open: OpenMode,
    pub(crate) save_when: SaveWhen,
    pub(crate) on_load_error: OnLoadError,
    pub(crate) on_save_error: OnSaveError,
    pub(crate) on_gone: OnGone,
    pub(crate) on_decode_error: OnDecodeError,
    pub(crate) import: ImportMode,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) absolute_timeout: Option<Duration>,
    pub(crate) touch_interval: Duration,
    pub(crate) renew_grace: Duration,
    /// A use of a session starts the time of its record anew.
    pub(crate) sliding: bool,
}

impl Settings {
    /// Returns whether new sessions outlive the browser session.
    pub fn permanent(&self) -> bool {
        self.permanent
    }

    /// Returns the age limit of tokens and records.
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Returns the salt of signatures, where one is set.
    pub fn salt(&self) -> Option<&str> {
        self.salt.as_deref()
    }

    /// Returns when sessions are opened.
    pub fn open(&self) -> OpenMode {
        self.open
    }

    /// Returns which responses save the data.
    pub fn save_when(&self) -> SaveWhen {
        self.save_when
    }

    /// Returns what a failed opening leads to.
    pub fn on_load_error(&self) -> OnLoadError {
        self.on_load_error
    }

    /// Returns what a failed saving leads to.
    pub fn on_save_error(&self) -> OnSaveError {
        self.on_save_error
    }

    /// Returns what a request gets whose session was ended by someone else while it ran.
    pub fn on_gone(&self) -> OnGone {
        self.on_gone
    }

    /// Returns what a field of typed content that does not parse leads to.
    pub fn on_decode_error(&self) -> OnDecodeError {
        self.on_decode_error
    }

    /// Returns what becomes of a session elsewhere that is taken over.
    pub fn import(&self) -> ImportMode {
        self.import
    }

    /// Returns how long a session may go unused, if that is limited.
    pub fn idle_timeout(&self) -> Option<Duration> {
        self.idle_timeout
    }

    /// Returns how long a session may last at all, if that is limited.
    pub fn absolute_timeout(&self) -> Option<Duration> {
        self.absolute_timeout
    }

    /// Returns how much of the idle time must have passed before a use is noted.
    pub fn touch_interval(&self) -> Duration {
        self.touch_interval
    }

    /// Returns how long a token from before a renewal may read.
    pub fn renew_grace(&self) -> Duration {
        self.renew_grace
    }
}
