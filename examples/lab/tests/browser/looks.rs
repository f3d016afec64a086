//! How the pages look and sound, on a phone and a desktop, in light and dark.

use std::{env, fs, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use crate::{
    chromium::{Chromium, Tab},
    sites::Lab,
};

/// Returns what is wrong with a page.
const PROBLEMS: &str = include_str!("looks.js");

const PAGES: [&str; 11] = [
    "/",
    "/cart",
    "/signup",
    "/login",
    "/account",
    "/account/delete",
    "/devices",
    "/live",
    "/inspector",
    "/programs",
    "/metrics",
];

#[test]
#[ignore = "needs chromium: run scripts/test"]
fn each_page_is_readable_named_and_within_its_policy() {
    let variables = [("LAB_SESSION_IDLE_TIMEOUT", "30 min")];
    let lab = Lab::start_with("memory", &variables);
    let browser = Chromium::start();
    let tab = browser.tab();
    lab.sign_up(&tab, "ada");
    lab.log_in(&browser.tab_elsewhere(), "ada");
    tab.listen();
    for product in ["Flask", "Goggles"] {
        tab.open(&lab.url("/"));
        tab.follow(&format!("button[value={product}]"));
    }
    for (screen, width, height) in [("phone", 390, 844), ("desktop", 1280, 800)] {
        tab.resize(width, height);
        for scheme in ["light", "dark"] {
            tab.prefer(scheme);
            for page in PAGES {
                tab.open(&lab.url(page));
                if page == "/live" {
                    tab.wait_for("document.querySelector('#live').innerText === 'Connected'");
                }
                assert_eq!(tab.eval(PROBLEMS), json!([]), "{page} on a {screen}, {scheme}");
                keep_picture(&tab, page, screen, scheme);
            }
        }
    }
    assert_eq!(tab.complaints(), [""; 0]);
}

/// Keeps a picture of a page in the folder that `LAB_PICTURES` names.
fn keep_picture(tab: &Tab<'_>, page: &str, screen: &str, scheme: &str) {
    let Some(folder) = env::var_os("LAB_PICTURES") else { return };
    let name = page.trim_start_matches('/').replace('/', "-");
    let name = if name.is_empty() { "shop" } else { &name };
    let file = Path::new(&folder).join(format!("lab-{name}-{screen}-{scheme}.png"));
    fs::write(file, STANDARD.decode(tab.picture()).expect("base64")).expect("the folder is there");
}

#[test]
#[ignore = "needs chromium: run scripts/test"]
fn a_keyboard_skips_to_the_content_and_a_theme_goes_above_the_system() {
    let (lab, browser) = (Lab::start("memory"), Chromium::start());
    let tab = browser.tab();
    tab.open(&lab.url("/"));
    tab.press("Tab", 9, "");
    assert_eq!(tab.eval("document.activeElement.innerText"), "Skip to content");
    tab.press("Enter", 13, "\r");
    tab.wait_for("document.activeElement.id === 'main'");

    let ground = || tab.eval("getComputedStyle(document.body).backgroundColor");
    tab.prefer("light");
    let light = ground();
    tab.prefer("dark");
    let dark = ground();
    assert_ne!(light, dark);
    tab.follow("button[value=light]");
    assert_eq!(ground(), light);
    assert!(tab.has("button[value=light][aria-pressed=true]"));
    tab.prefer("light");
    tab.follow("button[value=dark]");
    assert_eq!(ground(), dark);
}
