//! What the inspector shows, and what it must not.

use crate::{chromium::Chromium, sites::Lab};

#[test]
#[ignore = "needs chromium: run scripts/test"]
fn the_inspector_shows_no_part_of_a_token_that_would_be_a_login() {
    let browser = Chromium::start();
    let tab = browser.tab();
    for (backend, parts) in [
        ("memory", "Id|Secret|Key"),
        ("signed", "Payload|Time|Signature|Key"),
        ("encrypted", "Sealed|Key"),
    ] {
        let lab = Lab::start(backend);
        lab.sign_up(&tab, "ada");
        tab.open(&lab.url("/inspector"));
        let shown =
            "[...document.querySelectorAll('#token dt')].map((it) => it.innerText).join('|')";
        assert_eq!(tab.eval(shown), parts);
        let token = browser.cookie("__Host-lab").expect("a cookie").value;
        let page = tab.eval("document.documentElement.outerHTML").to_string();
        let secret = token.rsplit('.').next().expect("a last part");
        assert!(!page.contains(secret), "{backend}");
        assert_eq!(page.contains(&token[..20]), backend != "encrypted", "{backend}");
        assert_eq!(tab.text("#cookie-bytes"), ("__Host-lab".len() + token.len()).to_string());
    }
}

#[test]
#[ignore = "needs chromium: run scripts/test"]
fn the_inspector_says_where_each_policy_comes_from() {
    let variables = [("LAB_SESSION_IDLE_TIMEOUT", "30 min"), ("LAB_SESSION_COOKIE_NAME", "other")];
    let lab = Lab::start_with("memory", &variables);
    let browser = Chromium::start();
    let tab = browser.tab();
    tab.open(&lab.url("/inspector"));
    let row = |policy: &str| {
        let rows = "[...document.querySelectorAll('#policies tbody tr')].map((it) => it.innerText)";
        let row = tab.eval(&format!("{rows}.find((it) => it.startsWith('{policy}\\t'))"));
        row.as_str().expect("a row").replace('\t', " ")
    };
    assert_eq!(row("cookie_name"), "cookie_name __Host-lab attribute");
    assert_eq!(row("idle_timeout"), "idle_timeout 30 min configuration");
    assert_eq!(row("lifetime"), "lifetime 31 days default");
    assert_eq!(tab.text("#idle"), "30 minutes");
}
