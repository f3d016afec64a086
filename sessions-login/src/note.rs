//! What a session keeps about its login.

use std::{
    fmt::Write,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{device::Device, user::User};

/// How far in the future a login may be: clocks of hosts differ, as for the tokens of a session.
const LEEWAY: u64 = 60;

/// The bytes of a stamp's hash that are kept: nobody finds another stamp with these 128 bits.
const STAMP_BYTES: usize = 16;

/// The note about a login: out of reach for the handlers' writes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LoginNote {
    /// When the user proved who it is, in seconds since 1970.
    proved: u64,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    stamp: String,
    /// Whose login it is, where the session's owner does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) device: Option<Device>,
}

impl LoginNote {
    pub(crate) fn new(user: &impl User, now: SystemTime, device: Option<Device>) -> Self {
        Self { proved: unix_seconds(now), stamp: stamp(user), user: None, device }
    }

    /// Returns the note of a login that was never proved to this crate.
    pub(crate) fn unproved(user: &impl User) -> Self {
        Self::new(user, UNIX_EPOCH, None)
    }

    /// Returns the note of a login without a stamp.
    #[cfg(feature = "flask")]
    pub(crate) fn by(id: &str, now: SystemTime, device: Option<Device>) -> Self {
        let user = Some(id.to_owned());
        Self { proved: unix_seconds(now), stamp: String::new(), user, device }
    }

    /// Whether it is the note of a login of this user, without a stamp.
    #[cfg(feature = "flask")]
    pub(crate) fn is_by(&self, id: &str) -> bool {
        self.user.as_deref() == Some(id)
    }

    /// Returns the note of the same login, of a user who has just proved who it is.
    pub(crate) fn proved_at(self, now: SystemTime) -> Self {
        Self { proved: unix_seconds(now), ..self }
    }

    /// Whether the login was one of this user with its present stamp.
    pub(crate) fn is_of(&self, user: &impl User) -> bool {
        self.stamp == stamp(user)
    }

    /// Whether the user proved who it is less than `limit` ago.
    pub(crate) fn is_recent(&self, now: SystemTime, limit: Duration) -> bool {
        let now = unix_seconds(now);
        self.proved <= now.saturating_add(LEEWAY)
            && now.saturating_sub(self.proved) < limit.as_secs()
    }
}

/// Returns a hash of the user's id and stamp.
fn stamp(user: &impl User) -> String {
    let mut id = String::new();
    write!(id, "{}", user.id()).expect("an id can be displayed");
    let digest = Sha256::new()
        .chain_update(b"sessions-login stamp\0")
        // The length keeps an id and a stamp apart.
        .chain_update((id.len() as u64).to_be_bytes())
        .chain_update(id)
        .chain_update(user.stamp())
        .finalize();
    BASE64_URL_SAFE_NO_PAD.encode(&digest[..STAMP_BYTES])
}

fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
