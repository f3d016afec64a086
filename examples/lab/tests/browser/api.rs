//! A program without cookies, beside a browser of the same user.

use serde_json::{Value, json};

use crate::{
    chromium::{Chromium, Tab},
    sites::{Lab, PASSWORD},
};

/// Sends a request as a program does, and returns the status and the body.
fn send(
    tab: &Tab<'_>,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: Option<&Value>,
) -> (u64, Value) {
    let options = json!({
        "method": method,
        "credentials": "omit",
        "body": body.map(Value::to_string),
        "headers": token.map_or(json!({"Content-Type": "application/json"}), |token| {
            json!({"Authorization": format!("Bearer {token}")})
        }),
    });
    let answer = tab.eval(&format!(
        "fetch('{path}', {options}).then(async (it) => [it.status, await it.json().catch(() => null)])"
    ));
    (answer[0].as_u64().expect("a status"), answer[1].clone())
}

#[test]
#[ignore = "needs chromium: run scripts/test"]
fn a_program_buys_by_its_token_until_it_is_ended_on_the_devices() {
    let (lab, browser) = (Lab::start("memory"), Chromium::start());
    let tab = browser.tab();
    lab.sign_up(&tab, "ada");
    let jar = browser.cookies();
    let send =
        |method: &str, path: &str, token: Option<&str>| send(&tab, method, path, token, None);

    let wrong = json!({"name": "ada", "password": "wrong"});
    assert_eq!(self::send(&tab, "POST", "/api/login", None, Some(&wrong)).0, 401);
    let credentials = json!({"name": "ada", "password": PASSWORD});
    let (status, answer) = self::send(&tab, "POST", "/api/login", None, Some(&credentials));
    assert_eq!(status, 200);
    let token = answer["access_token"].as_str().expect("a token");
    assert!(token.starts_with("ses_"));

    assert_eq!(send("GET", "/api/me", Some(token)), (200, json!({"id": 1, "name": "ada"})));
    assert_eq!(send("GET", "/api/me", None).0, 401);
    assert_eq!(send("POST", "/api/cart/Flask", Some(token)).0, 204);
    let cart = json!({"lines": [{"product": "Flask", "count": 1}]});
    assert_eq!(send("GET", "/api/cart", Some(token)), (200, cart));
    assert_eq!(browser.cookies(), jar, "no cookie comes or goes");

    tab.open(&lab.url("/devices"));
    assert_eq!(tab.eval("document.querySelectorAll('.lines li').length"), 2);
    tab.follow("form[action='/devices/end'] button");
    assert_eq!(tab.text(".flash"), "That device is logged out.");
    assert_eq!(send("GET", "/api/me", Some(token)).0, 401);
    assert_eq!(tab.text(".account"), "ada");
}
