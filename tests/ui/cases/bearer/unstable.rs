//! `bearer` is for backends whose token stays the same.

use sessions::{
    backend::Backend, flask::FlaskCookie, AnyBackend, EncryptedCookie, MemoryStore,
    SealedStore, ServerSide, SessionConfig, SessionInterface, SignedCookie,
};

#[derive(Clone, SessionInterface)]
#[session(bearer)]
struct Signed {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(bearer)]
struct Encrypted {
    backend: EncryptedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(bearer)]
struct SharedWithFlask {
    backend: FlaskCookie,
}

#[derive(Clone, SessionInterface)]
#[session(bearer)]
struct Configured {
    config: SessionConfig,
}

#[derive(Clone, SessionInterface)]
#[session(bearer)]
struct Generic<B: Backend + Clone> {
    backend: B,
}

mod legal {
    use super::*;

    #[derive(Clone, SessionInterface)]
    #[session(bearer, confidential)]
    struct Stored(#[session(backend)] ServerSide<MemoryStore>);

    #[derive(Clone, SessionInterface)]
    #[session(bearer)]
    struct Sealed {
        backend: ServerSide<SealedStore<MemoryStore>>,
        config: SessionConfig,
    }

    #[derive(Clone, SessionInterface)]
    #[session(bearer)]
    struct Chosen {
        backend: AnyBackend,
    }
}

fn main() {}
