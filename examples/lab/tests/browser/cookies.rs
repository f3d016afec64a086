//! What is in the jar of the browser.

use crate::{chromium::Chromium, sites::Lab};

/// What browsers keep of a cookie: its name and value together (RFC 6265bis, 5.7).
const MAX_COOKIE: usize = 4_096;

#[test]
#[ignore = "needs chromium: run scripts/test"]
fn a_host_cookie_belongs_to_its_host_and_to_no_script() {
    let (lab, browser) = (Lab::start("memory"), Chromium::start());
    let tab = browser.tab();
    lab.sign_up(&tab, "ada");
    let cookie = browser.cookie("__Host-lab").expect("Chromium took it");
    assert_eq!((cookie.domain.as_str(), cookie.path.as_str()), ("localhost", "/"));
    assert!(cookie.secure && cookie.httponly);
    assert_eq!(cookie.samesite, "Strict");
    assert!(!tab.eval("document.cookie").as_str().expect("a text").contains("__Host-lab"));

    // What a script, or a page below another path or host, would plant.
    for planted in [
        "__Host-lab=planted; Secure; Path=/",
        "__Host-lab=planted; Secure; Path=/cart",
        "__Host-lab=planted; Path=/",
        "__Host-lab=planted; Secure; Path=/; Domain=localhost",
    ] {
        tab.eval(&format!("document.cookie = '{planted}'"));
        assert_eq!(browser.cookies(), std::slice::from_ref(&cookie), "{planted}");
    }
    tab.open(&lab.url("/account"));
    assert_eq!(tab.text("h1"), "ada");
}

#[test]
#[ignore = "needs chromium: run scripts/test"]
fn a_logout_and_an_empty_cart_empty_the_jar() {
    let browser = Chromium::start();
    let tab = browser.tab();
    for backend in ["memory", "signed", "encrypted"] {
        let lab = Lab::start(backend);
        lab.sign_up(&tab, "ada");
        tab.follow("button[value=dark]");
        assert_eq!(browser.cookies().len(), 2, "{backend}");
        tab.follow("button[value=system]");
        assert_eq!(browser.cookies().len(), 1, "{backend}");
        tab.follow("form[action='/logout'] button");
        assert_eq!(tab.text(".flash"), "You are logged out.");
        assert_eq!(browser.cookies(), [], "{backend}");

        tab.follow("button[value=Beaker]");
        assert_eq!(browser.cookies().len(), 1, "{backend}");
        tab.follow("form[action='/cart/empty'] button");
        assert_eq!(browser.cookies(), [], "{backend}");
    }
}

#[test]
#[ignore = "needs chromium: run scripts/test"]
fn a_cookie_grows_to_the_last_byte_that_browsers_keep() {
    let browser = Chromium::start();
    let tab = browser.tab();
    for backend in ["signed", "encrypted"] {
        let lab = Lab::start(backend);
        tab.open(&lab.url("/cart"));
        let is_kept = |length: usize| {
            let before = tab.eval("note.value.length");
            tab.fill("#note", &"n".repeat(length));
            tab.follow("form[action='/cart/note'] button");
            let is_kept = !tab.has("[role=alert]");
            let expected = if is_kept { length.into() } else { before };
            assert_eq!(tab.eval("note.value.length"), expected, "{backend}: {length}");
            is_kept
        };
        let (mut kept, mut refused) = (2_500, 3_500);
        assert!(is_kept(kept) && !is_kept(refused), "{backend}");
        let mut largest = 0;
        while refused - kept > 1 {
            let length = usize::midpoint(kept, refused);
            if is_kept(length) {
                kept = length;
            } else {
                refused = length;
            }
            let cookie = browser.cookie("__Host-lab").expect("the browser kept it");
            largest = largest.max(cookie.name.len() + cookie.value.len());
        }
        println!("{backend}: a note of {kept} characters fits, in a cookie of {largest} bytes");
        assert!(largest <= MAX_COOKIE, "{backend}: {largest}");
        // The message beside the note has its bytes too.
        assert!(largest > MAX_COOKIE - 100, "{backend}: {largest}");
        tab.open(&lab.url("/cart"));
        assert_eq!(tab.eval("note.value.length"), kept, "{backend}: what was there is kept");
    }
}
