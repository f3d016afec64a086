//! A backend of any mode, for tests that hold in several.

use std::time::Duration;

use sessions::{
    EncryptedCookie, MemoryStore, ServerSide, SessionState, SharedKeys, SignedCookie,
    backend::Backend,
    error::{ConfigError, NotReady, OpenError, SaveError},
    flask::FlaskCookie,
    interface::{CheckContext, OpenContext, Opened, SaveContext, Saved},
};

/// A backend of one of the modes.
#[derive(Clone, Debug)]
pub enum Mode {
    /// The session in the cookie, signed.
    Signed(SignedCookie),
    /// The session in the cookie, encrypted.
    Encrypted(EncryptedCookie),
    /// The session in Flask's cookie.
    Flask(FlaskCookie),
    /// The session in a store, its id signed.
    SignedId(ServerSide<MemoryStore>),
    /// The session in a store, its id as it is.
    Id(ServerSide<MemoryStore>),
}

impl Mode {
    /// Returns both modes that keep the session in its cookie.
    pub fn in_cookie(keys: impl Into<SharedKeys>) -> [Self; 2] {
        let keys = keys.into();
        [Self::Signed(SignedCookie::new(keys.clone())), Self::Encrypted(EncryptedCookie::new(keys))]
    }

    /// Returns all modes, the stores of their own.
    pub fn all(keys: impl Into<SharedKeys>) -> [Self; 4] {
        let keys = keys.into();
        let [signed, encrypted] = Self::in_cookie(keys.clone());
        // A busy machine is no outage.
        let patience = Duration::from_secs(60);
        let store = || {
            ServerSide::new(MemoryStore::new())
                .with_call_deadline(patience)
                .with_request_deadline(patience)
        };
        [signed, encrypted, Self::SignedId(store().signed(keys)), Self::Id(store())]
    }

    /// Returns the mode that shares its cookie with Flask, which binds it to a salt alone.
    pub fn flask(keys: impl Into<SharedKeys>) -> Self {
        Self::Flask(FlaskCookie::new(keys))
    }

    /// Returns what the mode is called.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Signed(_) => "signed",
            Self::Encrypted(_) => "encrypted",
            Self::Flask(_) => "Flask",
            Self::SignedId(_) => "signed id",
            Self::Id(_) => "id",
        }
    }
}

impl From<SignedCookie> for Mode {
    fn from(backend: SignedCookie) -> Self {
        Self::Signed(backend)
    }
}

impl Backend for Mode {
    async fn open(&self, cx: &OpenContext<'_>) -> Result<Opened<SessionState>, OpenError> {
        match self {
            Self::Signed(backend) => backend.open(cx).await,
            Self::Encrypted(backend) => backend.open(cx).await,
            Self::Flask(backend) => backend.open(cx).await,
            Self::SignedId(backend) | Self::Id(backend) => backend.open(cx).await,
        }
    }

    fn open_at_once(
        &self,
        cx: &OpenContext<'_>,
    ) -> Option<Result<Opened<SessionState>, OpenError>> {
        match self {
            Self::Signed(backend) => backend.open_at_once(cx),
            Self::Encrypted(backend) => backend.open_at_once(cx),
            Self::Flask(backend) => backend.open_at_once(cx),
            Self::SignedId(backend) | Self::Id(backend) => backend.open_at_once(cx),
        }
    }

    async fn save(
        &self,
        dictionary: &SessionState,
        cx: &SaveContext<'_>,
    ) -> Result<Saved, SaveError> {
        match self {
            Self::Signed(backend) => backend.save(dictionary, cx).await,
            Self::Encrypted(backend) => backend.save(dictionary, cx).await,
            Self::Flask(backend) => backend.save(dictionary, cx).await,
            Self::SignedId(backend) | Self::Id(backend) => backend.save(dictionary, cx).await,
        }
    }

    fn save_at_once(
        &self,
        dictionary: &SessionState,
        cx: &SaveContext<'_>,
    ) -> Option<Result<Saved, SaveError>> {
        match self {
            Self::Signed(backend) => backend.save_at_once(dictionary, cx),
            Self::Encrypted(backend) => backend.save_at_once(dictionary, cx),
            Self::Flask(backend) => backend.save_at_once(dictionary, cx),
            Self::SignedId(backend) | Self::Id(backend) => backend.save_at_once(dictionary, cx),
        }
    }

    async fn ready(&self) -> Result<(), NotReady> {
        match self {
            Self::Signed(backend) => backend.ready().await,
            Self::Encrypted(backend) => backend.ready().await,
            Self::Flask(backend) => backend.ready().await,
            Self::SignedId(backend) | Self::Id(backend) => backend.ready().await,
        }
    }

    fn check(&self, cx: &CheckContext<'_>) -> Result<(), ConfigError> {
        match self {
            Self::Signed(backend) => backend.check(cx),
            Self::Encrypted(backend) => backend.check(cx),
            Self::Flask(backend) => backend.check(cx),
            Self::SignedId(backend) | Self::Id(backend) => backend.check(cx),
        }
    }
}
