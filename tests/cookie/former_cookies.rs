//! Cookies of a former domain or path: the browser keeps them beside the present one, and a session
//! that was logged out does not come back with them.

use std::{borrow::Cow, time::Duration};

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error, HttpRequest, HttpResponse,
    body::BoxBody,
    dev::ServiceResponse,
    http::header::COOKIE,
    test::{TestRequest, init_service},
    web::{self, ServiceConfig},
};
use proptest::{collection::vec, prelude::*};
use sessions::{
    EncryptedCookie, MemoryStore, Session, SessionConfig, SessionInterface, SessionMiddleware,
    SignedCookie,
    backend::Backend,
    policy::{CookieDomain, CookiePath},
    test::{FaultStore, Moment, Operation, TestClock},
};
use sessions_tests::{Answer, AppSessions, Jar, Mode, SetCookie, flask_json, key};

const SECOND: Duration = Duration::from_secs(1);
const LIFETIME: Duration = Duration::from_secs(14 * 24 * 60 * 60);

fn modes() -> [Mode; 3] {
    let [signed, encrypted] = Mode::in_cookie(key(1));
    [signed, encrypted, Mode::flask(key(1))]
}

fn config() -> SessionConfig {
    SessionConfig::new().lifetime(LIFETIME).remembered(LIFETIME)
}

fn below_example_com() -> SessionConfig {
    config().cookie_domain(CookieDomain::from_static("example.com"))
}

fn below_app() -> SessionConfig {
    config().cookie_path(CookiePath::from_static("/app"))
}

/// Both orders of two configurations: the former one, and the present one.
fn both_ways(one: &SessionConfig, other: &SessionConfig) -> [[SessionConfig; 2]; 2] {
    [[one.clone(), other.clone()], [other.clone(), one.clone()]]
}

/// A host of the site. Its pages are at the root and below `/app`.
async fn host<B: Backend + Clone>(
    backend: &B,
    config: &SessionConfig,
    time: &TestClock,
) -> impl Service<Request, Response = ServiceResponse<BoxBody>, Error = Error> + use<B> {
    host_of(AppSessions { backend: backend.clone(), config: config.clone() }, time).await
}

async fn host_of<I: SessionInterface>(
    sessions: I,
    time: &TestClock,
) -> impl Service<Request, Response = ServiceResponse<BoxBody>, Error = Error> + use<I> {
    fn pages(config: &mut ServiceConfig) {
        config
            .route("/user", web::get().to(user))
            .route("/set/{user}", web::get().to(set))
            .route("/remember/{user}", web::get().to(remember))
            .route("/own/{user}", web::get().to(own))
            .route("/purge", web::get().to(purge))
            .route("/clear", web::get().to(clear))
            .route("/leave", web::get().to(leave));
    }
    let sessions = SessionMiddleware::new(sessions).with_clock(time.clock());
    let app = App::new().wrap(sessions).service(web::scope("/app").configure(pages));
    init_service(app.configure(pages)).await
}

type Page = actix_web::Result<HttpResponse>;

async fn user(session: Session) -> Page {
    let user: Option<String> = session.get("user")?;
    assert_eq!(session.is_new(), session.is_empty());
    Ok(HttpResponse::Ok().body(user.unwrap_or_else(|| "nobody".to_owned())))
}

async fn set(session: Session, user: web::Path<String>) -> Page {
    session.insert("user", user.into_inner())?;
    Ok(HttpResponse::Ok().finish())
}

async fn remember(session: Session, user: web::Path<String>) -> Page {
    session.set_permanent(true)?;
    set(session, user).await
}

async fn own(session: Session, user: web::Path<String>) -> Page {
    session.set_owner(&*user)?;
    set(session, user).await
}

async fn purge(session: Session) -> Page {
    session.purge()?;
    Ok(HttpResponse::Ok().finish())
}

async fn clear(session: Session) -> Page {
    session.clear()?;
    Ok(HttpResponse::Ok().finish())
}

/// Logs out and leaves a message for the next page.
async fn leave(session: Session) -> Page {
    session.purge()?;
    session.insert("message", "goodbye")?;
    Ok(HttpResponse::Ok().finish())
}

/// Whether the cookie lives for the lifetime.
fn is_lasting(cookie: &SetCookie) -> bool {
    cookie.attribute("Max-Age") == Some(LIFETIME.as_secs().to_string().as_str())
        && cookie.attribute("Expires").is_some()
}

#[actix_web::test]
async fn a_logout_holds_for_cookies_of_a_former_domain() {
    for mode in modes() {
        for [former, present] in both_ways(&config(), &below_example_com()) {
            for logout in ["/purge", "/clear", "/leave"] {
                for pause in [Duration::ZERO, SECOND] {
                    let case = format!("{} {former:?} {logout} {pause:?}", mode.name());
                    let time = TestClock::new();
                    let former = host(&mode, &former, &time).await;
                    let present = host(&mode, &present, &time).await;
                    let mut jar = Jar::new();
                    jar.get(&former, "/set/alice").await;
                    time.advance(pause);
                    jar.get(&present, "/set/alicia").await;
                    assert_eq!(jar.sent_to("/").len(), 2, "{case}");
                    assert_eq!(jar.get(&present, "/user").await.body, "alicia", "{case}");
                    time.advance(pause);
                    let set = jar.get(&present, logout).await.cookie().expect("it ends");
                    assert!(!set.is_removal() && is_lasting(&set), "{case}: {set:?}");
                    for host in [&present, &present] {
                        assert_eq!(jar.get(host, "/user").await.body, "nobody", "{case}");
                        time.advance(pause);
                    }
                    assert_eq!(jar.get(&former, "/user").await.body, "nobody", "{case}");
                    // So does the next one.
                    jar.get(&present, "/set/bob").await;
                    assert_eq!(jar.get(&present, "/user").await.body, "bob", "{case}");
                    jar.get(&present, logout).await;
                    assert_eq!(jar.get(&present, "/user").await.body, "nobody", "{case}");
                }
            }
        }
    }
}

#[actix_web::test]
async fn a_logout_holds_for_cookies_of_a_former_path_where_both_are_sent() {
    for mode in modes() {
        for [former, present] in both_ways(&config(), &below_app()) {
            let time = TestClock::new();
            let former = host(&mode, &former, &time).await;
            let present = host(&mode, &present, &time).await;
            let mut jar = Jar::new();
            jar.get(&former, "/app/set/alice").await;
            time.advance(SECOND);
            jar.get(&present, "/app/set/alicia").await;
            assert_eq!(jar.sent_to("/app/user").len(), 2);
            jar.get(&present, "/app/purge").await;
            assert_eq!(jar.get(&present, "/app/user").await.body, "nobody", "{}", mode.name());
            assert_eq!(jar.sent_to("/user").len(), 1);
        }
    }
}

#[actix_web::test]
async fn an_ending_that_comes_alone_is_not_removed() {
    for mode in modes() {
        let time = TestClock::new();
        let former = host(&mode, &below_app(), &time).await;
        let present = host(&mode, &config(), &time).await;
        let mut jar = Jar::new();
        jar.get(&former, "/app/set/alice").await;
        jar.get(&present, "/app/set/alicia").await;
        jar.get(&present, "/app/purge").await;
        // The former cookie is not sent here.
        let set = jar.get(&present, "/purge").await.cookie().expect("it stays");
        assert!(!set.is_removal() && is_lasting(&set), "{}: {set:?}", mode.name());
        assert_eq!(jar.get(&present, "/app/user").await.body, "nobody", "{}", mode.name());
        // Nor may a session that begins here be older than that cookie.
        jar.get(&present, "/set/bob").await;
        assert_eq!(jar.get(&present, "/app/user").await.body, "bob", "{}", mode.name());
    }
}

#[actix_web::test]
async fn with_one_cookie_a_logout_removes_it() {
    for mode in modes() {
        for logout in ["/purge", "/clear"] {
            let app = host(&mode, &config(), &TestClock::new()).await;
            let mut jar = Jar::new();
            jar.get(&app, "/set/alice").await;
            let set = jar.get(&app, logout).await.cookie().expect("it is removed");
            assert!(set.is_removal() && set.value.is_empty(), "{}: {set:?}", mode.name());
        }
    }
}

#[actix_web::test]
async fn cookies_are_several_whatever_they_hold() {
    for mode in modes() {
        let app = host(&mode, &config(), &TestClock::new()).await;
        let set = Answer::of(&app, TestRequest::with_uri("/set/alice")).await.cookie();
        let pair = format!("session={}", set.expect("it is saved").value);
        for other in [&pair, "session=", "session=junk"] {
            for header in [format!("{pair}; {other}"), format!("{other}; {pair}")] {
                let request = TestRequest::with_uri("/purge").insert_header((COOKIE, header));
                let set = Answer::of(&app, request).await.cookie().expect("it ends");
                assert!(!set.is_removal(), "{} {other}", mode.name());
            }
        }
    }
}

#[actix_web::test]
async fn an_ending_outlives_a_browser_restart() {
    for mode in modes() {
        // The last cookie before the restart is an ending, a message, a session after them.
        for pages in
            ["/purge", "/clear", "/leave", "/leave /clear", "/purge /set/bob", "/leave /set/bob"]
        {
            let time = TestClock::new();
            let former = host(&mode, &config(), &time).await;
            let present = host(&mode, &below_example_com(), &time).await;
            let mut jar = Jar::new();
            jar.get(&former, "/remember/alice").await;
            // Not permanent.
            jar.get(&present, "/leave").await;
            jar.get(&present, "/set/alicia").await;
            for page in pages.split(' ') {
                jar.get(&present, page).await;
            }
            jar.restart();
            let user = jar.get(&present, "/user").await.body;
            let expected = if pages.ends_with("bob") { "bob" } else { "nobody" };
            assert_eq!(user, expected, "{} {pages}", mode.name());
        }
    }
}

#[actix_web::test]
async fn a_session_that_begins_on_an_ending_outlives_a_browser_restart() {
    for mode in modes() {
        let time = TestClock::new();
        let former = host(&mode, &below_app(), &time).await;
        let present = host(&mode, &config(), &time).await;
        let mut jar = Jar::new();
        jar.get(&former, "/app/remember/alice").await;
        time.advance(SECOND);
        jar.get(&present, "/app/set/alicia").await;
        jar.get(&present, "/app/purge").await;
        // Only the ending is sent here.
        jar.get(&present, "/set/bob").await;
        jar.restart();
        assert_eq!(jar.get(&present, "/app/user").await.body, "bob", "{}", mode.name());
    }
}

/// A login that is refused, since all of its owner's sessions were ended while it ran.
#[actix_web::test]
async fn a_login_that_is_refused_uncovers_no_older_cookie() {
    let time = TestClock::new();
    let store = FaultStore::new(MemoryStore::new());
    let backend = SignedCookie::new(key(1)).revocable(store.clone());
    let former = host(&backend, &config(), &time).await;
    let present = host(&backend, &below_example_com(), &time).await;
    let mut jar = Jar::new();
    jar.get(&former, "/set/bob").await;
    time.advance(SECOND);
    jar.get(&present, "/purge").await;
    jar.get(&present, "/leave").await;
    let login = jar.get(&present, "/own/alice");
    let all = async {
        time.advance(SECOND);
        backend.end_all("alice").await.expect("the store answers");
    };
    let moment = Moment::Before(Operation::OwnerState);
    let (refused, ()) = store.overtake(moment, login, all).await;
    assert_eq!(refused.status, 409);
    assert_eq!(jar.get(&present, "/user").await.body, "nobody");
}

#[actix_web::test]
async fn after_an_ending_a_session_begins_as_without_a_cookie() {
    let limits = |config: SessionConfig| {
        config.permanent(true).absolute_timeout(Duration::from_secs(60 * 60))
    };
    for mode in modes() {
        let time = TestClock::new();
        let former = host(&mode, &limits(config()), &time).await;
        let present = host(&mode, &limits(below_example_com()), &time).await;
        let mut jar = Jar::new();
        jar.get(&former, "/set/alice").await;
        jar.get(&present, "/set/alicia").await;
        time.advance(Duration::from_secs(59 * 60));
        let ending = jar.get(&present, "/clear").await.cookie().expect("it ends");
        if matches!(mode, Mode::Flask(_)) {
            assert_eq!(flask_json(&ending.value), "{}");
        }
        assert_eq!(jar.get(&present, "/user").await.cookie(), None);
        // The ending is as old as it is, not as the session that it ended.
        time.advance(Duration::from_secs(30 * 60));
        let again = jar.get(&present, "/purge").await.cookie().expect("it ends again");
        assert!(!again.is_removal());
        time.advance(Duration::from_secs(59 * 60));
        let begun = jar.get(&present, "/set/bob").await.cookie().expect("it is saved");
        let fresh = Answer::of(&present, TestRequest::with_uri("/set/bob")).await.cookie();
        let fresh = fresh.expect("it is saved");
        match &mode {
            Mode::Encrypted(_) => assert_eq!(begun.value.len(), fresh.value.len()),
            _ => assert_eq!(begun.value, fresh.value),
        }
        // It hides what the ending hid, for as long.
        assert!(is_lasting(&begun) && !is_lasting(&fresh), "{begun:?}");
        time.advance(Duration::from_secs(60 * 60 - 1));
        assert_eq!(jar.get(&present, "/user").await.body, "bob");
        time.advance(SECOND);
        assert_eq!(jar.get(&present, "/user").await.body, "nobody");
    }
}

#[actix_web::test]
async fn many_saves_in_a_second_do_not_outrun_the_clock() {
    for mode in modes() {
        let time = TestClock::new();
        let (fast, behind) = (time.clone(), TestClock::new());
        fast.advance(Duration::from_secs(60));
        let former = host(&mode, &config(), &fast).await;
        let present = host(&mode, &below_example_com(), &fast).await;
        let behind = host(&mode, &below_example_com(), &behind).await;
        let mut jar = Jar::new();
        for number in 0..1_000 {
            let page = format!("/set/{number}");
            if number % 2 == 0 {
                jar.get(&former, &page).await;
            } else {
                jar.get(&present, &page).await;
            }
        }
        assert_eq!(jar.sent_to("/").len(), 2);
        assert_eq!(jar.get(&present, "/user").await.body, "999", "{}", mode.name());
        assert_eq!(jar.get(&behind, "/user").await.body, "999", "{}", mode.name());
        jar.get(&behind, "/purge").await;
        assert_eq!(jar.get(&present, "/user").await.body, "nobody", "{}", mode.name());
    }
}

#[actix_web::test]
async fn hosts_whose_clocks_differ_order_their_seals() {
    for mode in modes() {
        let (time, ahead) = (TestClock::new(), TestClock::new());
        ahead.advance(Duration::from_secs(30));
        let former = host(&mode, &config(), &ahead).await;
        let slow = host(&mode, &below_example_com(), &time).await;
        let fast = host(&mode, &below_example_com(), &ahead).await;
        let mut jar = Jar::new();
        jar.get(&former, "/set/alice").await;
        jar.get(&fast, "/set/alicia").await;
        for number in 0..5 {
            let page = format!("/set/{number}");
            if number % 2 == 0 {
                jar.get(&slow, &page).await
            } else {
                jar.get(&former, &page).await
            };
            for user in [jar.get(&slow, "/user").await, jar.get(&fast, "/user").await] {
                assert_eq!(user.body, number.to_string(), "{}", mode.name());
            }
        }
        jar.get(&slow, "/purge").await;
        for user in [jar.get(&slow, "/user").await, jar.get(&fast, "/user").await] {
            assert_eq!(user.body, "nobody", "{}", mode.name());
        }
        // Once its clock is further, the second alone orders.
        time.advance(Duration::from_secs(31));
        jar.get(&slow, "/set/bob").await;
        assert_eq!(jar.get(&fast, "/user").await.body, "bob", "{}", mode.name());
    }
}

#[actix_web::test]
async fn the_only_token_is_ordered_too_but_for_flask() {
    for mode in modes() {
        let (time, ahead) = (TestClock::new(), TestClock::new());
        ahead.advance(SECOND);
        let fast = host(&mode, &config(), &ahead).await;
        let slow = host(&mode, &below_example_com(), &time).await;
        let mut jar = Jar::new();
        jar.get(&fast, "/set/alice").await;
        let set = jar.get(&slow, "/set/bob").await.cookie().expect("it is saved");
        if matches!(mode, Mode::Flask(_)) {
            // Flask, on the slow host, refuses a token of the fast one.
            assert_eq!(flask_json(&set.value), r#"{"user":"bob"}"#);
        } else {
            assert_eq!(jar.get(&slow, "/user").await.body, "bob", "{}", mode.name());
        }
    }
}

#[actix_web::test]
async fn a_number_stands_in_later_tokens_of_one_second_only() {
    let [signed, _, flask] = modes();
    for mode in [signed, flask] {
        let time = TestClock::new();
        let former = host(&mode, &config(), &time).await;
        let present = host(&mode, &below_example_com(), &time).await;
        let mut jar = Jar::new();
        jar.get(&former, "/set/0").await;
        jar.get(&present, "/set/1").await;
        time.advance(SECOND);
        for (number, expected) in [
            (2, r#"{"user":"2"}"#),
            (3, r#"{"_seal":1,"user":"3"}"#),
            (4, r#"{"_seal":2,"user":"4"}"#),
        ] {
            let set = jar.get(&present, &format!("/set/{number}")).await.cookie();
            assert_eq!(flask_json(&set.expect("it is saved").value), expected, "{}", mode.name());
        }
        time.advance(SECOND);
        let set = jar.get(&present, "/set/5").await.cookie().expect("it is saved");
        assert_eq!(flask_json(&set.value), r#"{"user":"5"}"#, "{}", mode.name());
        // A refresh is a seal as well.
        jar.get(&present, "/remember/6").await;
        time.advance(SECOND);
        for expected in
            [r#"{"_permanent":true,"user":"6"}"#, r#"{"_permanent":true,"_seal":1,"user":"6"}"#]
        {
            let set = jar.get(&present, "/user").await.cookie().expect("it is refreshed");
            assert_eq!(flask_json(&set.value), expected, "{}", mode.name());
        }
    }
}

#[actix_web::test]
async fn of_two_cookies_of_one_order_the_ending_counts() {
    for mode in modes() {
        let app = host(&mode, &config(), &TestClock::new()).await;
        let ask = async |page: &str, cookies: &[&str]| {
            let header: Vec<_> = cookies.iter().map(|value| format!("session={value}")).collect();
            let request = TestRequest::with_uri(page).insert_header((COOKIE, header.join("; ")));
            Answer::of(&app, request).await
        };
        let alice = ask("/set/alice", &[]).await.cookie().expect("it is saved").value;
        let ending = ask("/purge", &["a", "b"]).await.cookie().expect("it ends").value;
        for cookies in [[&*alice, &*ending], [&*ending, &*alice]] {
            assert_eq!(ask("/user", &cookies).await.body, "nobody", "{}", mode.name());
        }
        // Of two sessions the one that the browser got later.
        let bob = ask("/set/bob", &[]).await.cookie().expect("it is saved").value;
        assert_eq!(ask("/user", &[&alice, &bob]).await.body, "bob", "{}", mode.name());
    }
}

#[actix_web::test]
async fn where_the_newest_is_ended_no_older_cookie_opens() {
    async fn check<B: Backend + Clone>(backend: B, forgetful: B, end: impl AsyncFn(&B, &str)) {
        let time = TestClock::new();
        let former = host(&backend, &config(), &time).await;
        let present = host(&backend, &below_example_com(), &time).await;
        let mut jar = Jar::new();
        jar.get(&former, "/own/alice").await;
        let mut other = Jar::new();
        time.advance(SECOND);
        other.get(&present, "/own/bob").await;
        other.get(&present, "/set/bobby").await;
        other.sent_to("/").into_iter().for_each(|cookie| jar.keep(cookie.clone()));
        assert_eq!(jar.get(&present, "/user").await.body, "bobby");
        end(&backend, "bob").await;
        assert_eq!(jar.get(&present, "/user").await.body, "nobody");
        let passed_over = jar.sent_to("/")[1].clone();
        jar.get(&present, "/purge").await;
        assert_eq!(jar.get(&present, "/user").await.body, "nobody");
        // What is sealed is later than the cookie that was passed over, even where its end is forgotten.
        let ending = jar.sent_to("/")[1].value.clone();
        let pairs = format!("session={}; session={ending}", passed_over.value);
        let request = TestRequest::with_uri("/user").insert_header((COOKIE, pairs));
        let forgetful = host(&forgetful, &config(), &time).await;
        assert_eq!(Answer::of(&forgetful, request).await.body, "nobody");
    }
    let signed = SignedCookie::new(key(1));
    check(signed.clone().revocable(MemoryStore::new()), signed, async |backend, owner| {
        backend.end_all(owner).await.expect("the store answers");
    })
    .await;
    let encrypted = EncryptedCookie::new(key(1));
    check(encrypted.clone().revocable(MemoryStore::new()), encrypted, async |backend, owner| {
        backend.end_all(owner).await.expect("the store answers");
    })
    .await;
}

/// An interface whose domain is the answer of a function.
#[derive(Clone, SessionInterface)]
#[session(domain = Self::domain)]
struct Moving {
    backend: SignedCookie,
    domain: Option<&'static str>,
}

impl Moving {
    fn domain<'r>(&'r self, _: &'r HttpRequest) -> Option<Cow<'r, str>> {
        self.domain.map(Cow::Borrowed)
    }
}

#[actix_web::test]
async fn a_logout_holds_where_a_function_gives_the_domain() {
    let (backend, time) = (SignedCookie::new(key(1)), TestClock::new());
    let mut jar = Jar::new();
    for (number, domain) in
        [None, Some("example.com"), Some("shop.example.com")].into_iter().enumerate()
    {
        let site = host_of(Moving { backend: backend.clone(), domain }, &time).await;
        jar.get(&site, &format!("/set/{number}")).await;
        assert_eq!(jar.sent_to("/").len(), number + 1);
        if number > 0 {
            assert_eq!(jar.get(&site, "/user").await.body, number.to_string());
            jar.get(&site, "/purge").await;
            assert_eq!(jar.get(&site, "/user").await.body, "nobody");
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Tick,
    Restart,
    /// On one of the hosts, whose clocks differ.
    Get(usize, &'static str),
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn after_a_logout_no_older_session_opens(
        mode in 0..3_usize,
        by_path in any::<bool>(),
        steps in vec(
            prop_oneof![
                2 => Just(Step::Tick),
                1 => Just(Step::Restart),
                9 => (0..3_usize, prop::sample::select(vec!["/set/", "/remember/", "/purge", "/clear", "/leave"]))
                    .prop_map(|(host, page)| Step::Get(host, page)),
            ],
            1..30,
        ),
    ) {
        actix_web::rt::System::new().block_on(no_older_session_opens(&modes()[mode], by_path, &steps));
    }
}

/// Users are numbered: whoever opens after a logout came after it.
async fn no_older_session_opens(mode: &Mode, by_path: bool, steps: &[Step]) {
    let other = if by_path { below_app() } else { below_example_com() };
    let clocks = [0, 1, 2].map(|skew| {
        let time = TestClock::new();
        time.advance(SECOND * skew);
        time
    });
    let former = host(mode, &other, &clocks[1]).await;
    let hosts = [
        host(mode, &config(), &clocks[0]).await,
        host(mode, &config(), &clocks[1]).await,
        host(mode, &config(), &clocks[2]).await,
    ];
    let mut jar = Jar::new();
    jar.get(&former, "/app/remember/0").await;
    jar.get(&hosts[2], "/app/remember/0").await;
    let (mut next, mut ended) = (1, 0);
    for step in steps {
        match step {
            Step::Tick => clocks.iter().for_each(|time| time.advance(SECOND)),
            Step::Restart => jar.restart(),
            Step::Get(host, page) => {
                let mut page = format!("/app{page}");
                if page.ends_with('/') {
                    page = format!("{page}{next}");
                    next += 1;
                } else {
                    ended = next;
                }
                jar.get(&hosts[*host], &page).await;
            }
        }
        for host in &hosts {
            let user = jar.get(host, "/app/user").await.body;
            assert!(
                user == "nobody" || user.parse::<u32>().expect("a number") >= ended,
                "{user} {ended}"
            );
        }
    }
}
