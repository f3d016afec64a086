//! Ten minutes.

#![allow(dead_code, reason = "`main` is served, by the test program `served`")]

include!(concat!(env!("OUT_DIR"), "/hello.rs"));
include!(concat!(env!("OUT_DIR"), "/hello_tests.rs"));
