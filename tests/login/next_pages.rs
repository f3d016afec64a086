//! Where a login goes back to: a page of this site, and nothing else.

use std::fmt::Write;

use actix_web::{FromRequest, test::TestRequest, web};
use serde::Deserialize;
use sessions_login::NextPage;

/// Percent-encodes each byte, as an attacker may.
fn encoded(page: &str) -> String {
    let mut encoded = String::new();
    for byte in page.bytes() {
        write!(encoded, "%{byte:02x}").expect("a `String` takes any text");
    }
    encoded
}

async fn next_of(query: &str) -> Option<String> {
    let request = TestRequest::get().uri(&format!("/login?{query}")).to_http_request();
    let next = NextPage::extract(&request).await.expect("it never fails");
    next.path().map(str::to_owned)
}

#[actix_web::test]
async fn a_page_of_this_site_is_kept_as_it_is() {
    let pages = [
        "/",
        "/me",
        "/me?tab=1&q=a+b",
        "/me#top",
        "/go?to=https://other.test//x",
        "/a/b/",
        "/%2F%2Fother.test",
        "/@other.test",
        "/~alice",
    ];
    for page in pages {
        assert_eq!(next_of(&format!("next={}", encoded(page))).await.as_deref(), Some(page));
    }
    let long = format!("/{}", "a".repeat(1_999));
    assert_eq!(next_of(&format!("next={long}")).await, Some(long));
}

#[actix_web::test]
async fn what_leads_to_another_site_is_no_page() {
    let pages = [
        "//evil.test",
        "///evil.test",
        "////evil.test/",
        "https://evil.test",
        "https:evil.test",
        "http:/evil.test",
        "javascript:alert(1)",
        "data:text/html,x",
        "evil.test",
        "\\\\evil.test",
        "/\\evil.test",
        "\\/evil.test",
        "/\t/evil.test",
        "/\n/evil.test",
        "/\r/evil.test",
        "\t//evil.test",
        " //evil.test",
        "/ /evil.test",
        "/\0/evil.test",
        "/\u{7f}/evil.test",
        "/.//evil.test",
        "/..//evil.test",
        "/a/..//evil.test",
        "/\u{ff0f}evil.test",
        "/\u{2028}/evil.test",
        "/me\r\nSet-Cookie: a=b",
        "?next=//evil.test",
        "#",
        "",
    ];
    for page in pages {
        assert_eq!(next_of(&format!("next={}", encoded(page))).await, None, "{page:?}");
        let location = location(NextPage::from(page.to_owned()));
        assert_eq!(location, "/home", "{page:?}");
    }
    let long = format!("/{}", "a".repeat(2_000));
    assert_eq!(next_of(&format!("next={long}")).await, None);
}

fn location(next: NextPage) -> String {
    use actix_web::Responder;

    let response = next.or("/home").respond_to(&TestRequest::default().to_http_request());
    assert_eq!(response.status(), 303);
    let location = response.headers().get("location").expect("it redirects");
    location.to_str().expect("ASCII").to_owned()
}

#[actix_web::test]
async fn of_several_pages_none_counts() {
    assert_eq!(next_of("next=/a&next=/b").await, None);
    assert_eq!(next_of("next=/a&next=//evil.test").await, None);
    assert_eq!(next_of("a=1&next=/a&b=2").await.as_deref(), Some("/a"));
    assert_eq!(next_of("Next=/a").await, None);
    assert_eq!(next_of("").await, None);
    assert_eq!(next_of("next=%ff%fe").await, None);
}

#[actix_web::test]
async fn a_field_of_a_form_is_checked_too() {
    #[derive(Deserialize)]
    struct Login {
        #[serde(default)]
        next: NextPage,
    }
    let next = |form: &str| {
        let form = web::Query::<Login>::from_query(form).expect("a form");
        form.next.path().map(str::to_owned)
    };
    assert_eq!(next("next=/me").as_deref(), Some("/me"));
    assert_eq!(next("next=//evil.test"), None);
    assert_eq!(next(""), None);
}
