//! What a customer does.

use crate::{
    chromium::{Chromium, Profile},
    sites::{Lab, PASSWORD},
};

#[test]
#[ignore = "needs chromium: run scripts/test"]
fn a_visitor_fills_a_cart_that_a_login_keeps() {
    let (lab, browser) = (Lab::start("memory"), Chromium::start());
    let tab = browser.tab();
    tab.open(&lab.url("/"));
    assert!(browser.cookies().is_empty(), "a page that keeps nothing sets no cookie");
    tab.follow("button[value=Flask]");
    assert_eq!(tab.text(".flash"), "Flask is in the cart.");
    tab.follow("form[action='/cart/add'] button");
    assert!(tab.text(".lines").contains("Flask × 2"));
    assert_eq!(tab.text(".sum .price"), "17.00 €");
    let visitor = browser.cookie("__Host-lab").expect("a cookie").value;
    lab.sign_up(&tab, "ada");
    assert_ne!(browser.cookie("__Host-lab").expect("a cookie").value, visitor);
    assert!(!tab.text("header").contains("Log in"));
    tab.open(&lab.url("/cart"));
    assert!(tab.text(".lines").contains("Flask × 2"));
    assert!(!tab.has(".flash"), "a message is shown once");
}

#[test]
#[ignore = "needs chromium: run scripts/test"]
fn a_page_for_users_comes_after_the_login() {
    let (lab, browser) = (Lab::start("memory"), Chromium::start());
    let tab = browser.tab();
    lab.sign_up(&tab, "ada");
    tab.follow("form[action='/logout'] button");
    tab.open(&lab.url("/account"));
    assert_eq!(tab.eval("location.pathname + location.search"), "/login?next=/account");
    tab.fill("#name", "ada");
    tab.fill("#password", "wrong password");
    tab.follow("main form button");
    assert_eq!(tab.text(".flash"), "Name or password is wrong.");
    tab.fill("#name", "ada");
    tab.fill("#password", PASSWORD);
    tab.follow("main form button");
    assert_eq!(tab.eval("location.pathname"), "/account");
    assert_eq!(tab.text("h1"), "ada");
}

#[test]
#[ignore = "needs chromium: run scripts/test"]
fn a_live_page_notices_a_logout_in_another_browser() {
    let lab = Lab::start("memory");
    let (here, there) = (Chromium::start(), Chromium::start());
    let (page, other) = (here.tab(), there.tab());
    lab.sign_up(&page, "ada");
    lab.log_in(&other, "ada");
    page.open(&lab.url("/live"));
    page.wait_for("document.querySelector('#live').innerText === 'Connected'");
    other.open(&lab.url("/devices"));
    assert_eq!(other.eval("document.querySelectorAll('.lines li').length"), 2);
    assert_eq!(page.text("#live"), "Connected");
    other.follow("form[action='/devices/end'] button");
    assert_eq!(other.text(".flash"), "That device is logged out.");
    page.wait_for("document.querySelector('#live').innerText === 'This session has ended'");
    page.follow(".live .button");
    assert_eq!(page.eval("location.pathname"), "/login");
    other.open(&lab.url("/account"));
    assert_eq!(other.text("h1"), "ada");
}

#[test]
#[ignore = "needs chromium: run scripts/test"]
fn a_remembered_login_outlives_the_browser_and_another_does_not() {
    let lab = Lab::start("memory");
    let browser = Chromium::with_profile(Profile::new());
    lab.sign_up(&browser.tab(), "ada");
    assert!(browser.cookie("__Host-lab").expect("a cookie").is_of_browser_session);
    let browser = Chromium::with_profile(browser.close());
    let tab = browser.tab();
    tab.open(&lab.url("/inspector"));
    assert!(tab.text("header").contains("Log in"));
    assert!(browser.cookies().is_empty());

    tab.open(&lab.url("/login"));
    tab.fill("#name", "ada");
    tab.fill("#password", PASSWORD);
    tab.eval("document.querySelector('[name=remember]').checked = true");
    tab.follow("main form button");
    assert!(!browser.cookie("__Host-lab").expect("a cookie").is_of_browser_session);
    let browser = Chromium::with_profile(browser.close());
    let tab = browser.tab();
    tab.open(&lab.url("/inspector"));
    assert_eq!(tab.text(".account"), "ada");
    assert_eq!(tab.text("#remembered"), "yes");
}

#[test]
#[ignore = "needs chromium: run scripts/test"]
fn a_changed_password_ends_the_others_where_no_store_could() {
    let lab = Lab::start("signed");
    let browser = Chromium::start();
    let (page, other) = (browser.tab(), browser.tab_elsewhere());
    lab.sign_up(&page, "ada");
    lab.log_in(&other, "ada");
    page.open(&lab.url("/devices"));
    assert!(page.text("main").contains("Nobody keeps a list"));
    page.open(&lab.url("/account"));
    page.fill("#password", "another password");
    page.follow("form[action='/account/password'] button");
    assert_eq!(page.text(".account"), "ada");
    other.open(&lab.url("/account"));
    assert_eq!(other.eval("location.pathname"), "/login");
}

#[test]
#[ignore = "needs chromium: run scripts/test"]
fn a_deleted_account_is_gone_on_all_devices() {
    let lab = Lab::start("memory");
    let browser = Chromium::start();
    let (page, other) = (browser.tab(), browser.tab_elsewhere());
    lab.sign_up(&page, "ada");
    lab.log_in(&other, "ada");
    page.open(&lab.url("/account"));
    page.follow("a[href='/account/delete']");
    page.follow("main form button");
    assert_eq!(page.text(".flash"), "The account is deleted.");
    other.open(&lab.url("/account"));
    assert_eq!(other.eval("location.pathname"), "/login");
    other.fill("#name", "ada");
    other.fill("#password", PASSWORD);
    other.follow("main form button");
    assert_eq!(other.text(".flash"), "Name or password is wrong.");
}

#[test]
#[ignore = "needs chromium: run scripts/test"]
fn a_confirmation_takes_the_right_password_alone() {
    let (lab, browser) = (Lab::start("memory"), Chromium::start());
    let tab = browser.tab();
    lab.sign_up(&tab, "ada");
    let token = browser.cookie("__Host-lab").expect("a cookie").value;
    tab.open(&lab.url("/confirm?next=/account/delete"));
    tab.fill("#password", "wrong password");
    tab.follow("main form button");
    assert_eq!(tab.text(".flash"), "The password is wrong.");
    assert_eq!(browser.cookie("__Host-lab").expect("a cookie").value, token);
    tab.fill("#password", PASSWORD);
    tab.follow("main form button");
    assert_eq!(tab.eval("location.pathname"), "/account/delete");
    assert_ne!(browser.cookie("__Host-lab").expect("a cookie").value, token, "it is another token");
}
