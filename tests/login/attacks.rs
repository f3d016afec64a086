//! What an attacker gets of a login. Each test counts what went through: nothing.

use actix_web::{App, http::header, test::TestRequest, test::init_service, web};
use serde_json::{Value, json};
use sessions::SessionMiddleware;
use sessions_login::{LoginSession, NextPage, SameOrigin};
use sessions_tests::{Answer, Browser, Mode, key};

use crate::site::{Accounts, PAGE, Site, log_in, post};

/// Says how often an attack was tried, and checks that it never went through.
fn assert_none(attack: &str, tries: usize, went_through: &[String]) {
    println!("{attack}: {tries} tries, {} went through", went_through.len());
    assert!(went_through.is_empty(), "{attack}: {went_through:?}");
}

/// The attacker plants a session of its own in the victim's browser, before the victim logs in there.
#[actix_web::test]
async fn fixation_through_a_login_takes_over_no_session() {
    let (mut tries, mut taken) = (0, Vec::new());
    for mode in Mode::all(key(1)) {
        let name = mode.name();
        for before in ["anonymous", "logged in", "confirmed", "logged out", "made up"] {
            let site = Site::new(mode.clone());
            let app = site.app().await;
            let mut attacker = Browser::new();
            let form = TestRequest::post().uri("/forge").set_form([("cart", "1")]);
            attacker.send(&app, form).await;
            if before != "anonymous" {
                log_in(&mut attacker, &app, "bob").await;
            }
            if before == "confirmed" {
                post(&mut attacker, &app, "/confirm").await;
            }
            let planted = match before {
                "made up" => "made.up".to_owned(),
                _ => attacker.cookie("session").expect("a session").to_owned(),
            };
            if before == "logged out" {
                post(&mut attacker, &app, "/logout").await;
            }
            let mut victim = Browser::new();
            victim.set_cookie("session", &planted);
            log_in(&mut victim, &app, "alice").await;

            // The planted token opens nothing of alice, and writes nothing into her session.
            let mut thief = Browser::new();
            thief.set_cookie("session", &planted);
            let form = TestRequest::post().uri("/forge").set_form([("planted", "1")]);
            thief.send(&app, form).await;
            for browser in [&mut attacker, &mut thief] {
                tries += 1;
                if browser.get(&app, "/maybe").await.body == "alice" {
                    taken.push(format!("{name}: {before}"));
                }
            }
            assert_eq!(victim.get(&app, "/me").await.body, "alice", "{name}: {before}");
        }
    }
    assert_none("fixation through a login", tries, &taken);
}

/// Another site posts the login form with the attacker's own name and password, in the victim's browser.
#[actix_web::test]
async fn a_login_from_another_site_logs_nobody_in() {
    const FROM_ELSEWHERE: [&[(&str, &str)]; 12] = [
        &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.test")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site"), ("origin", "https://blog.shop.test")],
        &[("sec-fetch-site", "cross-site"), ("origin", "https://shop.test")],
        &[("origin", "https://evil.test")],
        &[("origin", "null")],
        &[("origin", "https://shop.test.evil.test")],
        &[("origin", "https://shop.test:8443")],
        &[("origin", "https://shop.test"), ("origin", "https://evil.test")],
        &[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")],
        &[("referer", "https://shop.test/login")],
        &[("origin", "https://evil.test"), ("x-forwarded-host", "evil.test")],
    ];

    async fn login(
        session: sessions::Session,
        accounts: web::Data<Accounts>,
        next: NextPage,
    ) -> actix_web::Result<impl actix_web::Responder> {
        session.log_in(&accounts.named("bob"))?;
        Ok(next.or("/"))
    }
    let (mut tries, mut logged_in) = (0, Vec::new());
    for mode in Mode::all(key(1)) {
        let name = mode.name();
        let site = Site::new(mode);
        let app = App::new()
            .app_data(web::Data::new(site.accounts.clone()))
            .route("/login", web::post().to(login))
            .wrap(site.logins())
            .wrap(SessionMiddleware::new(site.sessions.clone()))
            .wrap(SameOrigin::new());
        let app = init_service(app).await;
        let form = || {
            let form = TestRequest::post().uri("/login").append_header(("host", "shop.test"));
            form.set_form([("name", "bob")])
        };
        for headers in FROM_ELSEWHERE {
            let request = headers.iter().fold(form(), |form, header| form.append_header(*header));
            let answer = Answer::of(&app, request).await;
            tries += 1;
            if answer.status != 403 || !answer.cookies().is_empty() {
                logged_in.push(format!("{name}: {headers:?}"));
            }
        }
        let own = form().append_header(("sec-fetch-site", "same-origin"));
        assert_eq!(Answer::of(&app, own).await.cookies().len(), 1, "{name}");
    }
    assert_none("login from another site", tries, &logged_in);
}

/// The attacker sends a link to the login page, or to a page behind it, that leads to its own site.
#[actix_web::test]
async fn of_twelve_forms_of_an_open_redirect_none_leads_elsewhere() {
    const FORMS: [&str; 12] = [
        "//evil.test",
        "///evil.test",
        "https://evil.test",
        "https:evil.test",
        "javascript:alert(1)",
        "/\\evil.test",
        "\\\\evil.test",
        "/%09/evil.test",
        "/%0d%0aLocation:%20//evil.test",
        "/.//evil.test",
        "/a/..//evil.test",
        "%2f%2fevil.test",
    ];

    let [mode, ..] = Mode::all(key(1));
    let site = Site::new(mode);
    let app = site.app().await;
    let (mut tries, mut led_away) = (0, Vec::new());
    for next in FORMS {
        let form = TestRequest::post().uri(&format!("/login?next={next}"));
        let answer = Answer::of(&app, form.set_form([("name", "bob")])).await;
        tries += 1;
        if answer.all(header::LOCATION) != ["/me"] {
            led_away.push(format!("{next}: {:?}", answer.all(header::LOCATION)));
        }
        // The page that was asked for, which becomes the `next` of the login page.
        let mut browser = Browser::new();
        let page = TestRequest::get().uri(&format!("/admin/{next}")).append_header(PAGE);
        let answer = browser.send(&app, page).await;
        let [login_page] = answer.all(header::LOCATION)[..] else { panic!("no login page") };
        let form = TestRequest::post().uri(login_page).set_form([("name", "bob")]);
        let answer = browser.send(&app, form).await;
        let [location] = answer.all(header::LOCATION)[..] else { panic!("no page") };
        tries += 1;
        if location != "/me" && !location.starts_with("/admin/") {
            led_away.push(format!("/admin/{next}: {location}"));
        }
    }
    assert_none("open redirect", tries, &led_away);
}

/// A handler writes keys and values that a client names: notes that are made up, and a true one.
#[actix_web::test]
async fn a_forged_login_note_logs_nobody_in_and_makes_no_login_recent() {
    let (mut tries, mut forged) = (0, Vec::new());
    for mode in Mode::all(key(1)).into_iter().chain([Mode::flask(key(1))]) {
        let name = mode.name();
        let site = Site::new(mode);
        let app = site.app().await;
        let now = site.time.now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        let notes = [
            json!({"proved": now.as_secs(), "stamp": ""}),
            json!({"proved": now.as_secs(), "stamp": "", "user": "alice"}),
            json!({"proved": u64::MAX, "stamp": "AAAAAAAAAAAAAAAAAAAAAA"}),
            json!("by passkey"),
            Value::Null,
        ];
        for note in notes {
            for owner in [Value::Null, json!("alice"), json!(1)] {
                let keys = json!({
                    "_login": note, "_owner": owner, "_owner_since": 0, "_started": 0,
                    "_remembered": true,
                });
                let write = || TestRequest::post().uri("/forge-all").set_json(&keys);
                let mut visitor = Browser::new();
                let written = visitor.send(&app, write()).await.body;
                let user = visitor.get(&app, "/maybe").await.body;

                let mut bob = Browser::new();
                log_in(&mut bob, &app, "bob").await;
                site.time.advance(std::time::Duration::from_secs(16 * 60));
                let written = (written, bob.send(&app, write()).await.body);
                let recent = bob.get(&app, "/delete").await.status;
                let bob = bob.get(&app, "/maybe").await.body;
                tries += 2;
                let none = ("0".to_owned(), "0".to_owned());
                if written != none || user != "nobody" || bob != "bob" || recent != 403 {
                    forged.push(format!("{name}: {keys}: {written:?} {user} {bob} {recent}"));
                }
            }
        }
    }
    assert_none("forged login note", tries, &forged);
}
