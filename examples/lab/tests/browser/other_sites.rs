//! What pages of other sites can do: links, forms and frames.

use crate::{
    chromium::Chromium,
    sites::{Lab, Stranger},
};

#[test]
#[ignore = "needs chromium: run scripts/test"]
fn a_link_from_another_site_carries_the_lax_cookie_and_not_the_strict_one() {
    let (lab, browser) = (Lab::start("memory"), Chromium::start());
    let tab = browser.tab();
    lab.sign_up(&tab, "ada");
    tab.follow("button[value=dark]");
    let stranger = Stranger::with_page(format!("<a href='{}'>lab</a>", lab.url("/inspector")));
    tab.open(&stranger.url("127.0.0.1"));
    tab.follow("a");
    assert_eq!(tab.text("h1"), "Inspector");
    assert!(tab.text("header").contains("Log in"), "the strict cookie stays at home");
    assert_eq!(
        tab.eval("document.documentElement.dataset.theme"),
        "dark",
        "the lax one comes along"
    );
    // A step further, on the site itself.
    tab.follow("header a[href='/']");
    assert_eq!(tab.text(".account"), "ada");
}

#[test]
#[ignore = "needs chromium: run scripts/test"]
fn a_form_of_another_site_is_refused() {
    let (lab, browser) = (Lab::start("memory"), Chromium::start());
    let tab = browser.tab();
    lab.sign_up(&tab, "ada");
    let form = |path: &str, field: &str| {
        format!(
            "<form method=post action='{}'><input name=product value='{field}'><button>go</button></form>",
            lab.url(path)
        )
    };
    for path in ["/cart/add", "/logout", "/login", "/account/delete", "/theme"] {
        let stranger = Stranger::with_page(form(path, "Flask"));
        tab.open(&stranger.url("127.0.0.1"));
        tab.follow("button");
        let status = "performance.getEntriesByType('navigation')[0].responseStatus";
        assert_eq!(tab.eval(status), 403, "{path}");
    }
    tab.open(&lab.url("/cart"));
    assert_eq!(tab.text(".account"), "ada");
    assert!(tab.text("main").contains("It is empty."));
}

#[test]
#[ignore = "needs chromium: run scripts/test"]
fn a_partitioned_cookie_counts_for_each_site_around_the_frame() {
    let (lab, browser) = (Lab::start("memory"), Chromium::start());
    let tab = browser.tab();
    let widget = lab.url("/widget");
    let stranger = Stranger::with_page(format!("<iframe src='{widget}'></iframe>"));
    let views = |host: &str| {
        tab.open(&stranger.url(host));
        let frame = browser.frame(&widget);
        frame.wait_for("document.readyState === 'complete' && !!document.querySelector('#views')");
        frame.text("#views")
    };
    assert_eq!((views("127.0.0.1"), views("127.0.0.1")), ("1".into(), "2".into()));
    assert_eq!(views("shop.localhost"), "1");
    assert_eq!(views("127.0.0.1"), "3");
    let cookies = browser.cookies();
    let partitions: Vec<_> =
        cookies.iter().filter_map(|cookie| cookie.partition.as_deref()).collect();
    assert_eq!(partitions, ["http://127.0.0.1", "http://shop.localhost"], "{cookies:?}");
}
