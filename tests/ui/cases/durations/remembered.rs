//! A remembered session lasts for 1 second to 400 days, and not shorter than another.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(remembered = "401 days")]
struct TooLong {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(absolute_timeout = "8 h", remembered = "7 h")]
struct BelowAbsolute {
    backend: SignedCookie,
}

mod legal {
    use sessions::{SessionInterface, SignedCookie};

    #[derive(Clone, SessionInterface)]
    #[session(absolute_timeout = "8 hours", idle_timeout = "30 min", remembered = "30 days")]
    pub struct A {
        backend: SignedCookie,
    }
}

fn main() {}
