//! Only typed content is decoded as a whole.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(on_decode_error = "default")]
struct AppSessions {
    backend: SignedCookie,
}

mod legal {
    use sessions::{SessionInterface, SignedCookie};

    #[derive(Default, serde::Deserialize, serde::Serialize)]
    pub struct Cart {}

    #[derive(Clone, SessionInterface)]
    #[session(data = Cart, on_decode_error = "default")]
    pub struct A {
        backend: SignedCookie,
    }

    #[derive(Clone, SessionInterface)]
    #[session(data = Cart)]
    pub struct B {
        backend: SignedCookie,
    }
}

fn main() {}
