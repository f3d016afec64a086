//! Takes the programs out of the pages, as they stand, for `readme/*.rs`, `recipes/*.rs` and `guide/*.rs` to include.

use std::{env, fs, path::Path};

/// The programs of each page: what each is included as, and the text by which its block is found.
const PROGRAMS: [(&str, &[(&str, &str)]); 7] = [
    (
        "README.md",
        &[
            ("program", "HttpServer::new"),
            ("login", "session.flash("),
            ("everywhere", "async fn log_out_everywhere"),
        ],
    ),
    ("docs/bearer.md", &[("api_client", "fn routes")]),
    (
        "docs/recipes.md",
        &[
            ("callbacks", "struct PaymentSessions"),
            ("localhost", "struct OfficeSessions"),
            ("cors", "fn cors()"),
            ("changed_types", "struct Cart"),
            ("moved_cookies", "async fn remove_former"),
            ("cut_off", "async fn within_two_seconds"),
            ("kiosk", "const KIOSK"),
            ("extracting", "<Session>::extract"),
        ],
    ),
    ("docs/getting-started.md", &[("hello", "HttpServer::new"), ("hello_tests", "mod tests")]),
    ("docs/devices.md", &[("devices", "struct Device")]),
    ("docs/django.md", &[("django", "async fn add")]),
    ("docs/testing.md", &[("testing", "TestClock::new")]),
];
const ADDRESS: &str = r#"("127.0.0.1", 8080)"#;

fn main() {
    for (page, programs) in PROGRAMS {
        write_programs(page, programs);
    }
}

fn write_programs(page: &str, programs: &[(&str, &str)]) {
    let package = env::var("CARGO_MANIFEST_DIR").expect("Cargo sets it");
    let path = Path::new(&package).join("../..").join(page);
    println!("cargo::rerun-if-changed={}", path.display());
    let text = fs::read_to_string(path).expect("the page is read");
    let blocks: Vec<&str> = text
        .split("\n```")
        .filter_map(|block| block.strip_prefix("rust"))
        .map(|block| block.split_once('\n').expect("a line of its own for the language").1)
        .collect();
    let folder = env::var("OUT_DIR").expect("Cargo sets it");
    for (name, text) in programs {
        let found: Vec<_> = blocks.iter().filter(|block| block.contains(text)).collect();
        let [block] = found[..] else { panic!("{} blocks of {page} contain {text}", found.len()) };
        fs::write(Path::new(&folder).join(name).with_extension("rs"), on_a_free_port(block))
            .expect("the program is written");
    }
}

/// Returns a program that listens on `PORT`, so that tests can run beside each other.
fn on_a_free_port(block: &str) -> String {
    assert!(!block.contains("8080") || block.contains(ADDRESS), "the program listens elsewhere");
    block.replace(ADDRESS, r#"("127.0.0.1", sessions_examples_tests::port())"#)
}
