//! The tests of the page about tests.

include!(concat!(env!("OUT_DIR"), "/testing.rs"));
