//! actix-session: how cookies are read, written and configured.

use actix_http::Request;
use actix_service::Service;
use actix_session::{
    Session, SessionMiddleware,
    config::{CookieContentSecurity, SessionMiddlewareBuilder},
    storage::CookieSessionStore,
};
use actix_web::{
    App, Error,
    body::MessageBody,
    cookie::{Key, SameSite},
    dev::ServiceResponse,
    http::header::COOKIE,
    test::{self, TestRequest},
    web,
};
use sessions_peers::{
    actix::{get, key, send, site},
    report,
};

const PEER: &str = "actix-session";

fn sessions() -> SessionMiddlewareBuilder<CookieSessionStore> {
    SessionMiddleware::builder(CookieSessionStore::default(), key())
}

async fn app(
    sessions: SessionMiddlewareBuilder<CookieSessionStore>,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    test::init_service(App::new().wrap(sessions.build()).configure(site)).await
}

#[actix_web::test]
async fn accepts_a_percent_encoded_name_as_a_host_cookie() {
    let app = app(sessions().cookie_name("__Host-id".to_owned())).await;
    let value = get(&app, "/login", "").await.cookie().value;

    let answer = get(&app, "/whoami", format!("__%48ost-id={value}")).await;

    assert_eq!(answer.body, "alice");
    report(PEER, "1 cookie name", "`__%48ost-id` is accepted as `__Host-id`");
}

#[actix_web::test]
async fn accepts_unicode_space_around_the_name_of_a_host_cookie() {
    let app = app(sessions().cookie_name("__Host-id".to_owned())).await;
    let value = get(&app, "/login", "").await.cookie().value;

    let mut accepted = Vec::new();
    for space in ['\u{85}', '\u{a0}', '\u{2003}', '\u{3000}'] {
        if get(&app, "/whoami", format!("{space}__Host-id={value}")).await.body == "alice" {
            accepted.push(format!("U+{:04X}", u32::from(space)));
        }
    }
    let nameless = get(&app, "/whoami", format!("=__Host-id={value}")).await.body;

    assert_eq!(accepted, ["U+0085", "U+00A0", "U+2003", "U+3000"]);
    assert_eq!(nameless, "nobody");
    report(
        PEER,
        "1 cookie name",
        format!(
            "accepted with {} before `__Host-id`; `=__Host-id=…` is refused",
            accepted.join(", ")
        ),
    );
}

#[actix_web::test]
async fn takes_a_signed_value_from_a_cookie_of_another_name() {
    let signed = |name: &str| {
        sessions()
            .cookie_content_security(CookieContentSecurity::Signed)
            .cookie_name(name.to_owned())
    };
    let value = get(&app(signed("shop")).await, "/login", "").await.cookie().value;

    let answer = get(&app(signed("admin")).await, "/whoami", format!("admin={value}")).await;

    assert_eq!(answer.body, "alice");
    report(
        PEER,
        "1 cookie name",
        "a value signed for `shop` is accepted in `admin` under the same key (signed mode)",
    );
}

#[actix_web::test]
async fn reads_the_first_cookie_of_its_name_only() {
    let app = app(sessions()).await;
    let valid = get(&app, "/login", "").await.cookie().pair();

    let junk_first = get(&app, "/whoami", format!("id=junk; {valid}")).await;
    let junk_last = get(&app, "/whoami", format!("{valid}; id=junk")).await;

    assert_eq!((&*junk_first.body, &*junk_last.body), ("nobody", "alice"));
    report(
        PEER,
        "6 junk cookie",
        "junk first, valid second: logged out; valid first, junk second: logged in",
    );
}

#[actix_web::test]
async fn loses_the_session_beside_a_cookie_that_is_not_utf_8() {
    let app = app(sessions()).await;
    let valid = get(&app, "/login", "").await.cookie().pair();

    let same_line = get(&app, "/whoami", [b"theme=\xff; ", valid.as_bytes()].concat()).await;
    let lines = TestRequest::get()
        .uri("/whoami")
        .append_header((COOKIE, valid))
        .append_header((COOKIE, &b"theme=\xff"[..]));
    let own_line = send(&app, lines).await;

    assert_eq!((same_line.status, &*same_line.body), (200, "nobody"));
    assert_eq!((own_line.status, &*own_line.body), (200, "nobody"));
    report(
        PEER,
        "7 non-UTF-8 neighbour",
        "logged out, in the same `Cookie` line and in a line of its own",
    );
}

#[actix_web::test]
async fn builds_cookies_which_browsers_refuse() {
    let cross_site = sessions().cookie_same_site(SameSite::None).cookie_secure(false);
    let cookie = get(&app(cross_site).await, "/login", "").await.cookie();
    assert!(cookie.has("SameSite=None") && !cookie.has("Secure"), "{cookie:?}");
    report(PEER, "10 contradictions", "`SameSite=None` without `Secure`: built and sent");

    let host = sessions()
        .cookie_name("__Host-id".to_owned())
        .cookie_domain(Some("example.com".to_owned()))
        .cookie_path("/app".to_owned())
        .cookie_secure(false);
    let cookie = get(&app(host).await, "/login", "").await.cookie();
    assert_eq!(cookie.name, "__Host-id");
    assert!(
        cookie.has("Domain=example.com") && cookie.has("Path=/app") && !cookie.has("Secure"),
        "{cookie:?}"
    );
    report(
        PEER,
        "10 contradictions",
        "`__Host-` with `Domain`, `Path=/app` and without `Secure`: built and sent",
    );
}

#[actix_web::test]
async fn writes_a_domain_with_a_semicolon_as_a_second_attribute() {
    let domain = Some("example.com; Max-Age=34560000".to_owned());

    let cookie = get(&app(sessions().cookie_domain(domain)).await, "/login", "").await.cookie();

    assert!(cookie.has("Max-Age=34560000"), "{cookie:?}");
    report(PEER, "10 contradictions", "a `;` in the domain is sent as it is and adds an attribute");
}

#[actix_web::test]
async fn sends_cookies_of_more_than_4096_bytes() {
    async fn fill(session: Session, length: web::Path<usize>) -> Result<&'static str, Error> {
        session.insert("k", "a".repeat(length.into_inner()))?;
        Ok("filled")
    }

    for (mode, security) in
        [("private", CookieContentSecurity::Private), ("signed", CookieContentSecurity::Signed)]
    {
        let sessions = sessions().cookie_content_security(security).build();
        let app =
            test::init_service(App::new().wrap(sessions).route("/{length}", web::get().to(fill)))
                .await;

        let (mut too_large, mut largest) = (None, (0, 0));
        let refused = loop {
            let length = largest.0 + 1;
            let answer = get(&app, &format!("/{length}"), "").await;
            if answer.status != 200 {
                break answer;
            }
            largest = (length, answer.cookie().size());
            if largest.1 > 4096 {
                too_large.get_or_insert(largest);
            }
        };

        let too_large = too_large.expect("some cookie is above the limit of browsers");
        assert_eq!((refused.status, &*refused.body, refused.cookies().len()), (500, "", 0));
        // A slash of the base64 text takes three bytes, so the figures of the private mode differ from run to run.
        report(
            PEER,
            "11 large cookie",
            format!(
                "{mode}: {} letters make {} bytes, sent with 200, and so on up to {} letters and {} bytes; above: 500, empty body, no cookie",
                too_large.0, too_large.1, largest.0, largest.1,
            ),
        );
    }
}

#[actix_web::test]
async fn sets_the_cookie_when_a_value_is_written_again() {
    let app = app(sessions()).await;
    let first = get(&app, "/login", "").await.cookie();

    let again = get(&app, "/login", first.pair()).await;

    assert_eq!(again.cookies().len(), 1);
    report(
        PEER,
        "14 equal value",
        "writing the value which is already there sets the cookie again",
    );
}

#[actix_web::test]
async fn accepts_weak_keys() {
    for weak in [[0; 64], *b"changemechangemechangemechangemechangemechangemechangemechangeme"] {
        let sessions = SessionMiddleware::new(CookieSessionStore::default(), Key::from(&weak));
        let app = test::init_service(App::new().wrap(sessions).configure(site)).await;
        let cookie = get(&app, "/login", "").await.cookie();
        assert_eq!(get(&app, "/whoami", cookie.pair()).await.body, "alice");
    }
    assert!(Key::try_from(&[7; 63][..]).is_err());
    report(
        PEER,
        "15 weak keys",
        "64 zeros and eight times `changeme` are accepted; the only check is 64 bytes of length",
    );
}
