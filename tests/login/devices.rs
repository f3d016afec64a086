//! Where a login was made, for users to recognise their sessions by.

use actix_http::Request;
use actix_service::Service;
use actix_web::{Error, body::MessageBody, dev::ServiceResponse, http::header, test::TestRequest};
use sessions::{
    MemoryStore, SealedStore, SecretKey, ServerSide,
    store::{RecordKey, Store},
};
use sessions_login::{Device, LoginDevice};
use sessions_tests::{Answer, Browser, Mode, key};

use crate::site::{Site, post};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0";

/// Logs alice in with a browser of this name, at this address.
async fn log_in_with<S, B>(browser: &mut Browser, app: &S, user_agent: &[u8]) -> Answer
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let user_agent = header::HeaderValue::from_bytes(user_agent).expect("a header");
    let form = TestRequest::post()
        .uri("/login")
        .peer_addr(([203, 0, 113, 7], 50_000).into())
        .append_header((header::USER_AGENT, user_agent))
        .append_header(("x-forwarded-for", "198.51.100.1"))
        .append_header(("forwarded", "for=198.51.100.1"))
        .append_header(("x-real-ip", "192.0.2.9"))
        .set_form([("name", "alice")]);
    browser.send(app, form).await
}

#[actix_web::test]
async fn a_login_notes_its_device_in_every_backend_and_a_confirmation_keeps_it() {
    for mode in Mode::all(key(1)) {
        let name = mode.name();
        let site = Site::new(mode);
        let app = site.app_with(site.logins().devices()).await;
        let mut browser = Browser::new();
        assert_eq!(browser.get(&app, "/device").await.body, "none", "{name}");
        log_in_with(&mut browser, &app, FIREFOX.as_bytes()).await;
        let device = format!("{FIREFOX} (203.0.113.7)");
        assert_eq!(browser.get(&app, "/device").await.body, device, "{name}");
        post(&mut browser, &app, "/confirm").await;
        assert_eq!(browser.get(&app, "/device").await.body, device, "{name}");
        post(&mut browser, &app, "/logout").await;
        assert_eq!(browser.get(&app, "/device").await.body, "none", "{name}");
    }
}

#[actix_web::test]
async fn nothing_of_a_client_is_noted_unless_it_is_asked_for() {
    let store = MemoryStore::new();
    let site = Site::new(ServerSide::new(store.clone()));
    let app = site.app().await;
    log_in_with(&mut Browser::new(), &app, FIREFOX.as_bytes()).await;
    let sessions = site.sessions.backend.sessions_of("alice").await.expect("memory answers");
    assert_eq!(sessions[0].device(), None);
    let record = kept(&store, &sessions[0].id()).await;
    for of_client in ["Firefox", "203.0.113.7"] {
        assert!(!record.contains(of_client), "{record}");
    }
}

/// Returns a record as it is kept, as text.
async fn kept(store: &MemoryStore, id: &str) -> String {
    let key = RecordKey::parse(id).expect("an id is the key of a record");
    let loaded = store.load(&key, None).await.expect("memory answers").expect("it is there");
    String::from_utf8_lossy(&loaded.record.to_bytes()).into_owned()
}

#[actix_web::test]
async fn the_list_of_a_user_s_sessions_has_their_devices() {
    let site = Site::new(ServerSide::new(MemoryStore::new()));
    let app = site.app_with(site.logins().devices()).await;
    for user_agent in ["Firefox", "Safari"] {
        log_in_with(&mut Browser::new(), &app, user_agent.as_bytes()).await;
    }
    let sessions = site.sessions.backend.sessions_of("alice").await.expect("memory answers");
    let devices = sessions.iter().map(|session| session.device().expect("noted").to_string());
    let mut devices: Vec<_> = devices.collect();
    devices.sort();
    assert_eq!(devices, ["Firefox (203.0.113.7)", "Safari (203.0.113.7)"]);
}

#[actix_web::test]
async fn a_device_is_sealed_at_rest_with_its_record() {
    let store = MemoryStore::new();
    let sealed = SealedStore::new(store.clone(), SecretKey::generate());
    let site = Site::new(ServerSide::new(sealed));
    let app = site.app_with(site.logins().devices()).await;
    log_in_with(&mut Browser::new(), &app, b"Firefox").await;
    let sessions = site.sessions.backend.sessions_of("alice").await.expect("memory answers");
    assert_eq!(sessions[0].device().expect("noted").user_agent(), "Firefox");
    let record = kept(&store, &sessions[0].id()).await;
    assert!(!record.contains("Firefox") && !record.contains("203.0.113.7"), "{record}");
}

/// Returns what is noted of a client with this user agent.
async fn noted(user_agent: &[u8]) -> Device {
    let site = Site::new(ServerSide::new(MemoryStore::new()));
    let app = site.app_with(site.logins().devices()).await;
    log_in_with(&mut Browser::new(), &app, user_agent).await;
    let sessions = site.sessions.backend.sessions_of("alice").await.expect("memory answers");
    sessions[0].device().expect("noted")
}

#[actix_web::test]
async fn a_user_agent_is_bounded_and_controls_nothing_where_it_is_shown() {
    let rows: [(&[u8], &str); 8] = [
        (FIREFOX.as_bytes(), FIREFOX),
        (b"", ""),
        ("Größe 日本".as_bytes(), "Größe 日本"),
        (
            b"<script>alert('x')</script>",
            r"\u{3c}script\u{3e}alert(\u{27}x\u{27})\u{3c}/script\u{3e}",
        ),
        (b"a & \"b\" `c`", r"a \u{26} \u{22}b\u{22} \u{60}c\u{60}"),
        (b"\tC:\\", r"\tC:\\"),
        ("\u{202e}gpj.exe\u{200b}\u{85}".as_bytes(), r"\u{202e}gpj.exe\u{200b}\u{85}"),
        (b"\xff\xfe\x9b31m", "\u{fffd}\u{fffd}\u{fffd}31m"),
    ];
    for (sent, shown) in rows {
        let device = noted(sent).await;
        assert_eq!(device.user_agent(), shown);
        assert_eq!(device.address(), Some([203, 0, 113, 7].into()));
    }
    assert_eq!(noted(b"").await.to_string(), "unknown (203.0.113.7)");
    assert_eq!(noted(&[b'a'; 256]).await.user_agent(), "a".repeat(256));
    assert_eq!(noted(&[b'a'; 8_000]).await.user_agent(), "a".repeat(256));
    // A character is not cut into pieces.
    assert_eq!(noted("日".repeat(1_000).as_bytes()).await.user_agent(), "日".repeat(85));
    assert_eq!(noted("<".repeat(1_000).as_bytes()).await.user_agent(), r"\u{3c}".repeat(42));
}

#[actix_web::test]
async fn the_address_is_that_of_the_connection_or_what_the_application_says() {
    let site = Site::new(ServerSide::new(MemoryStore::new()));
    let by_proxy = site
        .logins()
        .client_address(|request| request.headers().get("x-real-ip")?.to_str().ok()?.parse().ok());
    let unknown = site.logins().client_address(|_| None);
    let rows =
        [(site.logins().devices(), "203.0.113.7"), (by_proxy, "192.0.2.9"), (unknown, "none")];
    for (logins, address) in rows {
        let app = site.app_with(logins).await;
        let mut browser = Browser::new();
        log_in_with(&mut browser, &app, b"curl").await;
        let shown = browser.get(&app, "/device").await.body;
        let expected =
            if address == "none" { "curl".to_owned() } else { format!("curl ({address})") };
        assert_eq!(shown, expected);
    }
    let mapped = TestRequest::post().uri("/login").set_form([("name", "alice")]);
    let mapped = mapped.peer_addr("[::ffff:203.0.113.7]:1".parse().expect("an address"));
    let app = site.app_with(site.logins().devices()).await;
    let mut browser = Browser::new();
    browser.send(&app, mapped).await;
    assert_eq!(browser.get(&app, "/device").await.body, "unknown (203.0.113.7)");
}
