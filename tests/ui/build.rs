//! Says whether this is the compiler whose messages the files in `ui` hold.

use std::{env, process::Command};

const UI_COMPILER: &str = "rustc 1.95.0 ";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(ui_compiler)");
    let rustc = env::var_os("RUSTC").expect("cargo names the compiler");
    let output = Command::new(rustc).arg("--version").output().expect("the compiler runs");
    if output.stdout.starts_with(UI_COMPILER.as_bytes()) {
        println!("cargo::rustc-cfg=ui_compiler");
    }
}
