//! The program of `docs/getting-started.md`, as it stands there.

include!(concat!(env!("OUT_DIR"), "/hello.rs"));
