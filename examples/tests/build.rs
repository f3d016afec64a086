//! Takes the programs out of the README, as they stand, for `readme/*.rs` to include.

use std::{env, fs, path::Path};

/// What each is included as, and the text by which its block is found.
const PROGRAMS: [(&str, &str); 3] = [
    ("program", "HttpServer::new"),
    ("login", "session.flash("),
    ("everywhere", "async fn log_out_everywhere"),
];
const ADDRESS: &str = r#"("127.0.0.1", 8080)"#;

fn main() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    println!("cargo::rerun-if-changed={}", path.display());
    let readme = fs::read_to_string(path).expect("the README is read");
    let blocks: Vec<&str> = readme
        .split("\n```")
        .filter_map(|block| block.strip_prefix("rust"))
        .map(|block| block.split_once('\n').expect("a line of its own for the language").1)
        .collect();
    let folder = env::var("OUT_DIR").expect("Cargo sets it");
    for (name, text) in PROGRAMS {
        let found: Vec<_> = blocks.iter().filter(|block| block.contains(text)).collect();
        let [block] = found[..] else {
            panic!("{} blocks of the README contain {text}", found.len())
        };
        fs::write(Path::new(&folder).join(name).with_extension("rs"), on_a_free_port(block))
            .expect("the program is written");
    }
}

/// Returns a program that listens on `PORT`, so that tests can run beside each other.
fn on_a_free_port(block: &str) -> String {
    assert!(!block.contains("8080") || block.contains(ADDRESS), "the README listens elsewhere");
    block.replace(ADDRESS, r#"("127.0.0.1", sessions_examples_tests::port())"#)
}
