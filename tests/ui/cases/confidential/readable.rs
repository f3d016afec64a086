//! `confidential` is for backends whose content the client cannot read.

use sessions::{
    backend::Backend, flask::FlaskCookie, AnyBackend, EncryptedCookie, MemoryStore, ServerSide,
    SessionConfig, SessionInterface, SignedCookie,
};

#[derive(Clone, SessionInterface)]
#[session(confidential)]
struct Signed {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(confidential)]
struct Configured {
    config: SessionConfig,
}

#[derive(Clone, SessionInterface)]
#[session(confidential)]
struct Generic<B: Backend + Clone> {
    backend: B,
}

#[derive(Clone, SessionInterface)]
#[session(confidential)]
struct SharedWithFlask {
    backend: FlaskCookie,
}

#[derive(Clone, SessionInterface)]
#[session(confidential)]
struct Chosen {
    backend: AnyBackend,
}

mod legal {
    use super::*;

    #[derive(Clone, SessionInterface)]
    #[session(confidential)]
    struct Encrypted {
        backend: EncryptedCookie,
        config: SessionConfig,
    }

    #[derive(Clone, SessionInterface)]
    #[session(confidential)]
    struct Stored(#[session(backend)] ServerSide<MemoryStore>);
}

fn main() {}
