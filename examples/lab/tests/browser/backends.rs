//! The lab on each backend.

use std::{env, fs};

use sessions_tests::{Postgres, Redis};

use crate::{chromium::Chromium, sites::Lab};

/// Logs in with two jars, and out on the other one where the backend can.
fn walk(browser: &Chromium, lab: &Lab, has_devices: bool) {
    let (page, other) = (browser.tab(), browser.tab_elsewhere());
    page.open(&lab.url("/"));
    page.follow("button[value=Flask]");
    lab.sign_up(&page, "ada");
    lab.log_in(&other, "ada");
    page.open(&lab.url("/cart"));
    assert!(page.text(".lines").contains("Flask × 1"));
    other.open(&lab.url("/cart"));
    assert!(other.text("main").contains("It is empty."));
    page.open(&lab.url("/devices"));
    assert_eq!(page.text("h2").is_empty(), has_devices);
    if has_devices {
        page.follow("form[action='/devices/end-others'] button");
        assert_eq!(page.text(".flash"), "Logged out on 1 other devices.");
        other.open(&lab.url("/account"));
        assert_eq!(other.eval("location.pathname"), "/login");
    }
    page.open(&lab.url("/account"));
    assert_eq!(page.text("h1"), "ada");
}

#[test]
#[ignore = "needs chromium: run scripts/test"]
fn the_lab_runs_without_a_server_beside_it() {
    let browser = Chromium::start();
    let file = env::temp_dir().join(format!("sessions-lab-{}.db", std::process::id()));
    let sqlite = format!("sqlite://{}", file.display());
    for (backend, has_devices) in [("encrypted", false), (&sqlite, true)] {
        walk(&browser, &Lab::start(backend), has_devices);
    }
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{end}", file.display()));
    }
}

#[test]
#[ignore = "needs chromium and redis-server: run scripts/test"]
fn the_lab_runs_on_redis() {
    walk(&Chromium::start(), &Lab::start(&Redis::new().url()), true);
}

#[test]
#[ignore = "needs chromium and postgresql: run scripts/test"]
fn the_lab_runs_on_postgres() {
    walk(&Chromium::start(), &Lab::start(&Postgres::new().url()), true);
}
