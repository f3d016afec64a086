//! The cookie as it is written: every combination of attributes, every byte, the exact size.

use std::{
    collections::BTreeSet,
    future::ready,
    time::{Duration, SystemTime},
};

use actix_web::{
    App, HttpRequest, HttpResponse,
    test::{TestRequest, call_service, init_service},
    web,
};
use sessions::{
    SameSite, Session, SessionConfig, SessionInterface, SessionMiddleware, SessionState,
    SignedCookie,
    error::ConfigError,
    policy::{CookieDomain, CookieName, CookiePath, DomainSetting},
    test::TestClock,
};
use sessions_tests::{Answer, AppSessions, Browser, SetCookie, key};

async fn act(session: Session, request: HttpRequest) -> actix_web::Result<HttpResponse> {
    match request.path() {
        "/set" => session.insert("a", 1)?,
        "/remove" => drop(session.purge()?),
        other => panic!("nothing to do at {other}"),
    }
    Ok(HttpResponse::Ok().finish())
}

/// Sets the cookie, then removes it.
async fn set_and_remove(config: SessionConfig) -> (SetCookie, SetCookie) {
    let app =
        init_service(App::new().wrap(AppSessions::signed(config)).default_service(web::to(act)))
            .await;
    let mut browser = Browser::new();
    let set = browser.get(&app, "/set").await.cookie().expect("one cookie is set");
    let removal = browser.get(&app, "/remove").await.cookie().expect("one cookie is removed");
    (set, removal)
}

// The attributes.

/// One combination.
#[derive(Clone, Copy, Debug)]
struct Case {
    name: &'static str,
    domain: Option<&'static str>,
    path: &'static str,
    secure: bool,
    httponly: bool,
    samesite: SameSite,
    partitioned: bool,
    lifetime: Option<u64>,
}

const DAY: u64 = 24 * 60 * 60;
const LIFETIMES: [Option<u64>; 4] = [None, Some(1), Some(31 * DAY), Some(400 * DAY)];

const NAMES: [&str; 5] =
    ["session", "__Secure-session", "__Host-session", "__Http-session", "__Host-Http-session"];

impl Case {
    /// All 2 × 2 × 2 × 4 × 4 × 5 × 3 × 3 of them.
    fn all() -> Vec<Self> {
        let samesites = [SameSite::Unset, SameSite::None, SameSite::Lax, SameSite::Strict];
        let mut cases = Vec::new();
        for flags in 0..8 {
            for (samesite, lifetime) in
                samesites.into_iter().flat_map(|samesite| LIFETIMES.map(|it| (samesite, it)))
            {
                for name in NAMES {
                    for domain in [None, Some("example.com"), Some(".example.com")] {
                        for path in ["/", "/app", "/a%20b/%C3%A9='"] {
                            let [secure, httponly, partitioned] =
                                [1, 2, 4].map(|flag| flags & flag > 0);
                            cases.push(Self {
                                name,
                                domain,
                                path,
                                secure,
                                httponly,
                                samesite,
                                partitioned,
                                lifetime,
                            });
                        }
                    }
                }
            }
        }
        cases
    }

    /// What RFC 6265bis, 4.1.3 and 5.7, and CHIPS say: browsers refuse the others.
    fn is_legal(&self) -> bool {
        let host = self.name.starts_with("__Host-");
        let needs_secure =
            self.name.starts_with("__") || self.samesite == SameSite::None || self.partitioned;
        let needs_httponly = self.name.contains("Http-");
        (self.secure || !needs_secure)
            && (self.httponly || !needs_httponly)
            && !(host && (self.domain.is_some() || self.path != "/"))
    }

    fn config(&self) -> SessionConfig {
        let domain = self
            .domain
            .map_or(DomainSetting::Never, |domain| CookieDomain::from_static(domain).into());
        let config = SessionConfig::new()
            .cookie_name(CookieName::from_static(self.name))
            .cookie_domain(domain)
            .cookie_path(CookiePath::from_static(self.path))
            .cookie_secure(self.secure)
            .cookie_httponly(self.httponly)
            .cookie_samesite(self.samesite)
            .cookie_partitioned(self.partitioned)
            .permanent(self.lifetime.is_some());
        match self.lifetime {
            Some(seconds) => config.lifetime(Duration::from_secs(seconds)),
            None => config,
        }
    }

    /// The attributes besides the lifetime, sorted.
    fn attributes(&self) -> BTreeSet<(String, String)> {
        let samesite = match self.samesite {
            SameSite::None => Some("None"),
            SameSite::Lax => Some("Lax"),
            SameSite::Strict => Some("Strict"),
            SameSite::Unset => None,
        };
        let attributes = [
            ("Domain", self.domain),
            ("Path", Some(self.path)),
            ("Secure", self.secure.then_some("")),
            ("HttpOnly", self.httponly.then_some("")),
            ("SameSite", samesite),
            ("Partitioned", self.partitioned.then_some("")),
        ];
        let attributes = attributes.into_iter();
        attributes.filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect()
    }
}

fn lasting(cookie: &SetCookie) -> BTreeSet<(String, String)> {
    cookie.lasting().into_iter().cloned().collect()
}

#[actix_web::test]
async fn invariant_7_a_removal_differs_from_its_cookie_in_value_and_lifetime_only() {
    let (mut legal, mut illegal) = (0, 0);
    for case in Case::all() {
        let checked = AppSessions::signed(case.config()).check();
        if !case.is_legal() {
            illegal += 1;
            assert!(matches!(checked, Err(ConfigError::Cookie(_))), "{case:?} {checked:?}");
            continue;
        }
        legal += 1;
        assert_eq!(checked, Ok(()), "{case:?}");
        let (set, removal) = set_and_remove(case.config()).await;
        assert_eq!((set.name.as_str(), removal.name.as_str()), (case.name, case.name));
        assert!(!set.value.is_empty() && removal.value.is_empty(), "{case:?}");
        assert_eq!(lasting(&set), case.attributes(), "{case:?}");
        assert_eq!(lasting(&removal), case.attributes(), "{case:?}");
        let max_age = case.lifetime.map(|seconds| seconds.to_string());
        assert_eq!(set.attribute("Max-Age"), max_age.as_deref(), "{case:?}");
        assert_eq!(set.attribute("Expires").is_some(), max_age.is_some(), "{case:?}");
        assert_eq!(removal.attribute("Max-Age"), Some("0"), "{case:?}");
        assert_eq!(removal.attribute("Expires"), Some("Thu, 01 Jan 1970 00:00:00 GMT"));
    }
    println!("{legal} legal combinations of attributes, {illegal} illegal ones");
    assert_eq!((legal, illegal), (1_752, 4_008));
}

#[actix_web::test]
async fn no_byte_in_name_path_or_domain_adds_an_attribute() {
    let (mut refused, mut written) = (0, 0);
    for byte in 0..=u8::MAX {
        let c = char::from(byte);
        let at = |first: &str, rest: &str| {
            [format!("{c}{first}{rest}"), format!("{first}{c}{rest}"), format!("{first}{rest}{c}")]
        };
        let plain = SessionConfig::new;
        let names = at("se", "ssion").map(|name| {
            let config = CookieName::new(name.clone()).map(|name| plain().cookie_name(name));
            config.ok().map(|config| (config, name, None, "/".to_owned()))
        });
        let domains = at("exam", "ple.com").map(|domain| {
            let config = CookieDomain::new(domain.clone()).map(|it| plain().cookie_domain(it));
            config.ok().map(|config| (config, "session".to_owned(), Some(domain), "/".to_owned()))
        });
        let paths = at("/a", "pp").map(|path| {
            let config = CookiePath::new(path.clone()).map(|path| plain().cookie_path(path));
            config.ok().map(|config| (config, "session".to_owned(), None, path))
        });
        for case in names.into_iter().chain(domains).chain(paths) {
            let Some((config, name, domain, path)) = case else {
                refused += 1;
                continue;
            };
            written += 1;
            let path = ("Path".to_owned(), path);
            let rest = [("Secure", ""), ("HttpOnly", ""), ("SameSite", "Lax")];
            let expected: BTreeSet<_> = domain
                .map(|domain| ("Domain".to_owned(), domain))
                .into_iter()
                .chain([path])
                .chain(rest.map(|(name, value)| (name.to_owned(), value.to_owned())))
                .collect();
            let (set, removal) = set_and_remove(config).await;
            for cookie in [set, removal] {
                assert_eq!(cookie.name, name);
                assert_eq!(lasting(&cookie), expected, "{byte:#x}");
            }
        }
    }
    println!("{refused} texts refused, {written} written");
    assert_eq!(refused + written, 2_304);
    assert!(written > 550 && refused > 1_700, "{written} {refused}");
}

// The size.

/// Answers a request that fills the cookie called `name`: key `big` with `size` letters.
async fn fill(browser: &mut Browser, name: String, size: usize) -> (Answer, Option<String>) {
    let config = SessionConfig::new().cookie_name(CookieName::new(name).expect("a name"));
    let fill = move |session: Session| {
        let inserted = session.insert("small", 1);
        let inserted = inserted.and_then(|()| session.insert("big", "x".repeat(size)));
        ready(inserted.map(|()| "kept"))
    };
    let app =
        init_service(App::new().wrap(AppSessions::signed(config)).default_service(web::to(fill)))
            .await;
    let answer = browser.get(&app, "/").await;
    let again = call_service(&app, TestRequest::default().to_request()).await;
    let err = again.response().error().map(ToString::to_string);
    (answer, err)
}

#[actix_web::test]
async fn a_cookie_of_4096_bytes_is_sent_and_one_of_4097_is_an_error() {
    let (answer, _) = fill(&mut Browser::new(), "n".to_owned(), 2_800).await;
    let rest = answer.cookie().unwrap().value.len();
    let mut browser = Browser::new();
    for (total, fits) in
        [(4_090, true), (4_095, true), (4_096, true), (4_097, false), (4_110, false)]
    {
        let name = "n".repeat(total - rest);
        browser.set_cookie(&name, "old");
        let (answer, err) = fill(&mut browser, name.clone(), 2_800).await;
        if fits {
            let cookie = answer.cookie().unwrap();
            assert_eq!(cookie.name.len() + cookie.value.len(), total);
            assert_eq!((answer.status.as_u16(), answer.body.as_str(), err), (200, "kept", None));
            continue;
        }
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (500, ""));
        let cookie = answer.cookie().unwrap();
        assert!(cookie.value.len() < 100, "what fits is kept: {cookie:?}");
        let expected = "`big` does not fit in the session: the cookie's name and value would have \
                        more than 4096 bytes; store less, or keep sessions on the server";
        assert_eq!(err.as_deref(), Some(expected));
    }
}

#[actix_web::test]
async fn a_session_far_too_large_is_an_error_too() {
    let (answer, err) = fill(&mut Browser::new(), "session".to_owned(), 1 << 16).await;
    assert_eq!(answer.status.as_u16(), 500);
    assert!(err.unwrap().starts_with("`big` does not fit in the session: "));
}

// The lifetime.

#[derive(Clone, SessionInterface)]
#[session(expiration_time = from_content, lifetime = "400 days")]
struct Expiring {
    backend: SignedCookie,
}

/// The session says how many seconds it has left; it may be none.
fn from_content(_: &Expiring, content: &SessionState, now: SystemTime) -> Option<SystemTime> {
    let left: Option<i64> = content.get("left").ok().flatten();
    left.map(|left| {
        let by = Duration::from_secs(left.unsigned_abs());
        if left < 0 { now - by } else { now + by }
    })
}

#[actix_web::test]
async fn no_cookie_lives_longer_than_400_days_and_expires_agrees_with_max_age() {
    const MAX: i64 = 400 * 24 * 60 * 60;
    let cases = [
        (1, 1),
        (MAX - 1, MAX - 1),
        (MAX, MAX),
        (MAX + 1, MAX),
        (1_000 * MAX, MAX),
        (0, 0),
        (-1, 0),
        (-1_000_000_000, 0),
    ];
    let time = TestClock::new();
    let sessions = Expiring { backend: SignedCookie::new(key(1)) };
    let sessions = SessionMiddleware::new(sessions).with_clock(time.clock());
    for (left, max_age) in cases {
        let handler = move |session: Session| ready(session.insert("left", left).map(|()| "kept"));
        let app =
            init_service(App::new().wrap(sessions.clone()).default_service(web::to(handler))).await;
        let cookie = Browser::new().get(&app, "/").await.cookie().expect("one cookie");
        assert_eq!(cookie.attribute("Max-Age"), Some(max_age.to_string().as_str()), "{left}");
        let expires = httpdate::parse_http_date(cookie.attribute("Expires").unwrap()).unwrap();
        let expected = time.now() + Duration::from_secs(max_age.unsigned_abs());
        assert_eq!(expires, expected, "{left}");
    }
}

#[actix_web::test]
async fn without_an_expiration_the_cookie_lasts_until_the_browser_is_closed() {
    let sessions = Expiring { backend: SignedCookie::new(key(1)) };
    let handler = |session: Session| ready(session.insert("a", 1).map(|()| "kept"));
    let app = init_service(App::new().wrap(sessions).default_service(web::to(handler))).await;
    let cookie = Browser::new().get(&app, "/").await.cookie().expect("one cookie");
    assert_eq!((cookie.attribute("Max-Age"), cookie.attribute("Expires")), (None, None));
}
