//! The derive: what it writes holds in every surrounding, and does what the attributes say.

use std::{
    borrow::Cow,
    marker::PhantomData,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use actix_web::{
    App, HttpRequest,
    http::header::HOST,
    test::{TestRequest, init_service},
    web,
};
use sessions::{
    Backend, CookieName, Dictionary, NullSession, OpenContext, OpenError, SameSite, SaveContext,
    SaveError, Saved, Session, SessionConfig, SessionInterface, SignedCookie, Typed,
};
use sessions_tests::{
    Answer, Browser, SetCookie, key,
    linted::{self, Cart},
};

async fn count(session: Session) -> actix_web::Result<String> {
    Ok(session.update("visits", |n: Option<u32>| n.unwrap_or(0) + 1)?.to_string())
}

/// An application that counts visits in sessions of this interface.
macro_rules! counting {
    ($sessions:expr) => {
        init_service(App::new().wrap($sessions).default_service(web::to(count))).await
    };
}

/// Asserts that an interface keeps a session from one request to the next, and returns the cookie.
macro_rules! assert_counts {
    ($sessions:expr) => {{
        let (app, mut browser) = (counting!($sessions), Browser::new());
        let first = browser.get(&app, "/").await;
        assert_eq!((first.status.as_u16(), first.body.as_str()), (200, "1"));
        assert_eq!(browser.get(&app, "/").await.body, "2");
        first.cookie().expect("the session is saved")
    }};
}

fn signed() -> SignedCookie {
    SignedCookie::new(key(1))
}

fn configured() -> SessionConfig {
    SessionConfig::new().cookie_name(CookieName::from_static("configured"))
}

// Surroundings.

/// Every name of the prelude, and more, means something else.
#[allow(dead_code, non_camel_case_types, reason = "they are there to be in the way")]
mod shadowed {
    struct Option;
    struct Result;
    struct Some;
    struct None;
    struct Ok;
    struct Err;
    struct String;
    struct Box;
    struct Vec;
    struct Cow;
    struct Duration;
    struct SystemTime;
    struct Ready;
    struct Dictionary;
    struct HttpRequest;
    struct Overrides;
    struct Typed;
    trait Clone {}
    trait Copy {}
    trait Send {}
    trait Sync {}
    trait Sized {}
    trait Drop {}
    trait Fn {}
    trait Future {}
    trait Iterator {}
    trait Default {}
    trait From {}
    trait Into {}
    trait AsRef {}
    trait Backend {}
    trait Transform {}
    trait Service {}
    trait SessionContent {}
    trait SessionInterface {}
    mod core {}
    mod std {}
    mod alloc {}
    mod sessions {}
    mod actix_web {}
    fn drop() {}
    fn map() {}

    #[derive(::core::clone::Clone, ::sessions::SessionInterface)]
    #[session(cookie_name = "shadowed", samesite = "Strict", lifetime = "1 h", permanent = true)]
    pub(super) struct Values {
        pub(super) backend: ::sessions::SignedCookie,
        pub(super) config: ::sessions::SessionConfig,
    }

    #[derive(::core::clone::Clone, ::sessions::SessionInterface)]
    #[session(data = ::sessions_tests::linted::Cart, cookie_name = "shadowed")]
    pub(super) struct TypedValues {
        pub(super) backend: ::sessions::SignedCookie,
    }

    #[derive(::core::clone::Clone, ::sessions::SessionInterface)]
    #[session(cookie_name = name, domain = domain, httponly = flag, samesite = samesite)]
    #[session(expiration_time = expiration_time, should_set_cookie = should_set_cookie)]
    #[session(open_with = open, save_with = save, null_session = null)]
    pub(super) struct Functions(#[session(backend)] pub(super) ::sessions::SignedCookie);

    fn name<'r>(_: &'r Functions, _: &'r ::actix_web::HttpRequest) -> ::std::borrow::Cow<'r, str> {
        ::std::borrow::Cow::Borrowed("shadowed")
    }

    fn domain<'r>(
        _: &'r Functions,
        _: &'r ::actix_web::HttpRequest,
    ) -> ::core::option::Option<::std::borrow::Cow<'r, str>> {
        ::core::option::Option::None
    }

    fn flag(_: &Functions, _: &::actix_web::HttpRequest) -> bool {
        false
    }

    fn samesite(_: &Functions, _: &::actix_web::HttpRequest) -> ::sessions::SameSite {
        ::sessions::SameSite::Lax
    }

    fn expiration_time(
        _: &Functions,
        _: &::sessions::Dictionary,
        _: ::std::time::SystemTime,
    ) -> ::core::option::Option<::std::time::SystemTime> {
        ::core::option::Option::None
    }

    fn should_set_cookie(_: &Functions, content: &::sessions::Dictionary) -> bool {
        content.is_modified()
    }

    fn null(_: &Functions, null: ::sessions::NullSession) -> ::sessions::Dictionary {
        ::sessions::Dictionary::null(null)
    }

    async fn open(
        functions: &Functions,
        cx: ::sessions::OpenContext<'_>,
    ) -> ::core::result::Result<::core::option::Option<::sessions::Dictionary>, ::sessions::OpenError>
    {
        ::sessions::Backend::open(&functions.0, &cx).await
    }

    async fn save(
        functions: &Functions,
        content: &::sessions::Dictionary,
        cx: ::sessions::SaveContext<'_>,
    ) -> ::core::result::Result<::sessions::Saved, ::sessions::SaveError> {
        ::sessions::Backend::save(&functions.0, content, &cx).await
    }
}

#[actix_web::test]
async fn the_prelude_may_mean_something_else() {
    let values = shadowed::Values { backend: signed(), config: configured() };
    assert_eq!(assert_counts!(values).name, "shadowed");
    assert_eq!(assert_counts!(shadowed::TypedValues { backend: signed() }).name, "shadowed");
    let cookie = assert_counts!(shadowed::Functions(signed()));
    assert_eq!((cookie.name.as_str(), cookie.attribute("HttpOnly")), ("shadowed", None));
}

/// There is no prelude at all.
#[no_implicit_prelude]
mod bare {
    #[derive(::core::clone::Clone, ::sessions::SessionInterface)]
    #[session(cookie_name = "bare", partitioned, secure = Self::secure, open_with = Self::open)]
    pub(super) struct AppSessions {
        pub(super) config: ::sessions::SessionConfig,
    }

    impl AppSessions {
        #[expect(clippy::unused_self, reason = "the signature of the policy")]
        fn secure(&self, _: &::actix_web::HttpRequest) -> bool {
            true
        }

        async fn open(
            &self,
            cx: ::sessions::OpenContext<'_>,
        ) -> ::core::result::Result<
            ::core::option::Option<::sessions::Dictionary>,
            ::sessions::OpenError,
        > {
            ::sessions::Backend::open(&self.config, &cx).await
        }
    }
}

#[actix_web::test]
async fn there_need_not_be_a_prelude() {
    let config = SessionConfig::new().secret_key(key(1));
    let cookie = assert_counts!(bare::AppSessions { config });
    assert_eq!(cookie.name, "bare");
    assert_eq!(cookie.attribute("Partitioned"), Some(""));
}

#[actix_web::test]
async fn what_is_written_gives_no_warning_and_works() {
    let values = linted::Values { backend: signed(), config: configured() };
    let cookie = assert_counts!(values);
    assert_eq!(cookie.name, "__Host-linted");
    for (attribute, value) in [
        ("Path", Some("/")),
        ("Domain", None),
        ("HttpOnly", Some("")),
        ("Secure", Some("")),
        ("SameSite", Some("Strict")),
        ("Partitioned", Some("")),
    ] {
        assert_eq!(cookie.attribute(attribute), value, "{attribute}");
    }
    assert_eq!(cookie.attribute("Max-Age"), Some("1209600"));

    for answer in [
        Browser::new().get(&counting!(linted::Functions), "/").await,
        Browser::new().get(&counting!(linted::TypedFunctions), "/").await,
    ] {
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "1"));
        let cookie = answer.cookie().expect("the session is saved");
        assert!(["linted", "typed"].contains(&cookie.value.as_str()), "{cookie:?}");
    }
}

/// Where a framework built on this one re-exports it.
mod my_framework {
    pub(super) mod web {
        pub(crate) use ::sessions::*;
    }
}

#[derive(Clone, my_framework::web::SessionInterface)]
#[session(crate = "crate::my_framework::web", cookie_name = "renamed", secure = Self::secure)]
#[session(samesite = "None", data = Cart, open = "eager")]
struct Renamed {
    backend: SignedCookie,
    config: SessionConfig,
}

impl Renamed {
    #[expect(clippy::unused_self, reason = "the signature of the policy")]
    fn secure(&self, _: &HttpRequest) -> bool {
        true
    }
}

#[actix_web::test]
async fn the_library_may_have_another_name() {
    /// In here `sessions` is not what it was.
    mod elsewhere {
        use super::my_framework::web as renamed;

        #[derive(Clone, renamed::SessionInterface)]
        #[session(crate = "self::renamed", cookie_name = "renamed")]
        pub(super) struct AppSessions {
            pub(super) backend: renamed::SignedCookie,
        }
    }
    let cookie = assert_counts!(Renamed { backend: signed(), config: configured() });
    assert_eq!((cookie.name.as_str(), cookie.attribute("SameSite")), ("renamed", Some("None")));
    assert_eq!(assert_counts!(elsewhere::AppSessions { backend: signed() }).name, "renamed");
}

/// Writes an interface from the pieces it is given.
macro_rules! interface {
    ($name:ident, $backend:ident: $backend_type:ty, $cookie:literal, $lifetime:expr,
     $domain:path, $key:ident = $flag:tt, $data:ty) => {
        #[derive(Clone, SessionInterface)]
        #[session(cookie_name = $cookie, domain = $domain, $key = $flag, data = $data)]
        #[session(permanent = true, lifetime = $lifetime)]
        struct $name {
            #[session(backend)]
            $backend: $backend_type,
        }
    };
}

fn no_domain<'r, T>(_: &'r T, _: &'r HttpRequest) -> Option<Cow<'r, str>> {
    None
}

interface!(FromMacro, kept_in: SignedCookie, "written", "1 h", no_domain, httponly = false, Cart);

#[actix_web::test]
async fn a_macro_may_write_the_struct() {
    let cookie = assert_counts!(FromMacro { kept_in: signed() });
    assert_eq!(cookie.name, "written");
    assert_eq!(cookie.attribute("Max-Age"), Some("3600"));
    assert_eq!(cookie.attribute("HttpOnly"), None);
}

// Shapes.

/// Generics of every kind, with names that the derive might have chosen.
#[derive(Clone, SessionInterface)]
#[session(cookie_name = Self::name, open_with = Self::open)]
struct Generic<'a: 'static, S: Backend + Clone, B = u8, const N: usize = 3>
where
    B: Clone + Send + Sync + 'static,
{
    name: &'a str,
    backend: S,
    others: [B; N],
}

impl<S: Backend + Clone, B: Clone + Send + Sync + 'static, const N: usize> Generic<'_, S, B, N> {
    fn name<'r>(&'r self, _: &'r HttpRequest) -> Cow<'r, str> {
        format!("{}-{}", self.name, self.others.len()).into()
    }

    async fn open<'r>(&'r self, cx: OpenContext<'r>) -> Result<Option<Dictionary>, OpenError> {
        self.backend.open(&cx).await
    }
}

#[actix_web::test]
async fn a_struct_keeps_its_generics() {
    let three = Generic { name: "generic", backend: signed(), others: [0_u8; 3] };
    assert_eq!(assert_counts!(three).name, "generic-3");
    let none = Generic { name: "generic", backend: signed(), others: [(); 0] };
    assert_eq!(assert_counts!(none).name, "generic-0");
}

#[derive(Clone, SessionInterface)]
#[session(data = T)]
struct GenericContent<T: sessions::SessionData> {
    backend: SignedCookie,
    data: PhantomData<fn() -> T>,
}

#[actix_web::test]
async fn the_content_may_be_generic() {
    async fn add(session: Session<GenericContent<Cart>>) -> actix_web::Result<String> {
        Ok(session.modify(|cart| {
            cart.items += 1;
            cart.items.to_string()
        })?)
    }
    let sessions = GenericContent::<Cart> { backend: signed(), data: PhantomData };
    let app = init_service(App::new().wrap(sessions).default_service(web::to(add))).await;
    let mut browser = Browser::new();
    assert_eq!(browser.get(&app, "/").await.body, "1");
    assert_eq!(browser.get(&app, "/").await.body, "2");
}

#[derive(Clone, SessionInterface)]
struct Tuple(#[session(config)] SessionConfig, #[session(backend)] SignedCookie);

#[derive(Clone, SessionInterface)]
#[session()]
struct OneForBoth(
    #[session(backend)]
    #[session(config)]
    SessionConfig,
);

#[derive(Clone, SessionInterface)]
struct OtherNames {
    #[session(config)]
    settings: SessionConfig,
    #[session(backend)]
    store: SignedCookie,
    /// Not the backend, since another field says that it is.
    #[allow(dead_code, reason = "it is there to be passed over")]
    backend: (),
}

#[actix_web::test]
async fn fields_are_known_by_their_marks_or_their_names() {
    assert_eq!(assert_counts!(Tuple(configured(), signed())).name, "configured");
    let both = OneForBoth(configured().secret_key(key(1)));
    assert_eq!(assert_counts!(both).name, "configured");
    let named = OtherNames { settings: configured(), store: signed(), backend: () };
    assert_eq!(assert_counts!(named).name, "configured");
}

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "merged", path = "/")]
#[session()]
/// Attributes of others may stand in between.
#[session(samesite = "Strict")]
#[session(httponly = false, permanent = true)]
struct Merged {
    config: SessionConfig,
}

#[actix_web::test]
async fn several_attributes_are_one() {
    let config = configured().secret_key(key(1)).lifetime(Duration::from_secs(60));
    let cookie = assert_counts!(Merged { config });
    assert_eq!(cookie.name, "merged", "an attribute wins over the configuration");
    assert_eq!(cookie.attribute("SameSite"), Some("Strict"));
    assert_eq!(cookie.attribute("HttpOnly"), None);
    assert_eq!(cookie.attribute("Max-Age"), Some("60"), "the configuration over the default");
}

// Rules.

#[test]
fn what_the_derive_lets_through_passes_the_checks_of_the_run_time() {
    macro_rules! assert_legal {
        ($($name:ident($($entry:tt)*),)*) => {
            $({
                #[derive(Clone, SessionInterface)]
                #[session($($entry)*)]
                struct $name {
                    backend: SignedCookie,
                }
                let sessions = $name { backend: signed() };
                assert!(sessions.check().is_ok(), stringify!($($entry)*));
            })*
        };
    }
    assert_legal! {
        HostPrefix(cookie_name = "__Host-id", secure = true, path = "/", domain = false),
        SecurePrefix(cookie_name = "__Secure-id", domain = "example.com", path = "/app"),
        NoneIsSecure(samesite = "None"),
        LaxMayBeInsecure(samesite = "Lax", secure = false),
        Unset(samesite = false, secure = false),
        PartitionedIsSecure(partitioned),
        NotPartitioned(partitioned = false, secure = false),
        EqualTimeouts(idle_timeout = "1 h", absolute_timeout = "1 h"),
        TouchBelowIdle(idle_timeout = "2 s", touch_interval = 1),
        TouchWithoutIdle(touch_interval = "1 h"),
        LongestLifetime(lifetime = "400 days"),
        ShortestLifetime(lifetime = 1),
    }
}

// Functions.

mod policies {
    use super::{AllFunctions, Cow, HttpRequest};

    pub(super) fn path<'r>(_: &'r AllFunctions, request: &'r HttpRequest) -> Cow<'r, str> {
        request.path().into()
    }

    /// One function for several policies.
    pub(super) fn asked_for<T>(_: &T, request: &HttpRequest) -> bool {
        request.query_string().contains("yes")
    }
}

/// Each policy is a function: a method, of `Self` or of the type, or one of a module.
#[derive(Clone, SessionInterface)]
#[session(cookie_name = Self::cookie_name_of, domain = no_domain, path = policies::path)]
#[session(httponly = policies::asked_for, secure = policies::asked_for::<Self>)]
#[session(samesite = AllFunctions::samesite, partitioned = policies::asked_for)]
#[session(expiration_time = Self::in_a_minute, should_set_cookie = Self::looked_at)]
struct AllFunctions {
    backend: SignedCookie,
    prefix: &'static str,
}

impl AllFunctions {
    fn cookie_name_of<'r>(&'r self, request: &'r HttpRequest) -> Cow<'r, str> {
        format!("{}-{}", self.prefix, request.method().as_str().to_lowercase()).into()
    }

    fn samesite(&self, request: &HttpRequest) -> SameSite {
        if policies::asked_for(self, request) { SameSite::None } else { SameSite::Strict }
    }

    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "the signature of the policy"
    )]
    fn in_a_minute(&self, _: &Dictionary, now: SystemTime) -> Option<SystemTime> {
        Some(now + Duration::from_secs(60))
    }

    #[expect(clippy::unused_self, reason = "the signature of the policy")]
    fn looked_at(&self, content: &Dictionary) -> bool {
        content.is_accessed()
    }
}

#[actix_web::test]
async fn every_policy_can_be_a_function() {
    async fn handler(session: Session, request: HttpRequest) -> actix_web::Result<String> {
        if request.method() == "POST" {
            session.insert("a", 1)?;
        }
        Ok(session.len().to_string())
    }
    let sessions = AllFunctions { backend: signed(), prefix: "id" };
    let app = init_service(App::new().wrap(sessions).default_service(web::to(handler))).await;

    let yes = Answer::of(&app, TestRequest::post().uri("/some/page?yes")).await;
    let cookie = yes.cookie().expect("a new key");
    assert_eq!(cookie.name, "id-post");
    assert_eq!(cookie.attribute("Path"), Some("/some/page"));
    assert_eq!(cookie.attribute("Domain"), None);
    assert_eq!(cookie.attribute("SameSite"), Some("None"));
    assert_eq!(cookie.attribute("Max-Age"), Some("60"));
    for flag in ["HttpOnly", "Secure", "Partitioned"] {
        assert_eq!(cookie.attribute(flag), Some(""), "{flag}");
    }

    let mut browser = Browser::new();
    let no = browser.send(&app, TestRequest::post().uri("/?no")).await.cookie().expect("a new key");
    assert_eq!(no.attribute("SameSite"), Some("Strict"));
    for flag in ["HttpOnly", "Secure", "Partitioned"] {
        assert_eq!(no.attribute(flag), None, "{flag}");
    }

    browser.set_cookie("id-get", &no.value);
    let name_is_signed = browser.get(&app, "/").await;
    assert_eq!(name_is_signed.body, "0", "the token of `id-post` is none of `id-get`");
    let token = no.value.clone();
    browser.set_cookie("id-post", &token);
    let looked = browser.send(&app, TestRequest::post().uri("/")).await;
    assert!(looked.cookie().is_some(), "`should_set_cookie` says so");
}

/// The database of a program that opens and saves by itself.
#[derive(Clone, SessionInterface)]
#[session(open_with = open_from_memory, save_with = Self::save_in_memory)]
#[session(null_session = Self::closed)]
struct InMemory {
    memory: Arc<Mutex<Option<String>>>,
    open: bool,
}

const TOKEN: &str = "the-only-one";

async fn open_from_memory(
    sessions: &InMemory,
    cx: OpenContext<'_>,
) -> Result<Option<Dictionary>, OpenError> {
    if !sessions.open {
        return Ok(None);
    }
    let known = cx.cookies().iter().any(|token| token == TOKEN.as_bytes());
    let json = sessions.memory.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok(Some(match json {
        Some(json) if known => Dictionary::from_json(json).map_err(OpenError::unavailable)?,
        _ => Dictionary::new(),
    }))
}

impl InMemory {
    #[expect(clippy::unused_async, reason = "the signature of the policy")]
    async fn save_in_memory(
        &self,
        content: &Dictionary,
        _: SaveContext<'_>,
    ) -> Result<Saved, SaveError> {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if content.is_empty() {
            *memory = None;
            return Ok(Saved::Removed);
        }
        *memory = Some(content.to_json());
        Ok(Saved::Token(TOKEN.to_owned()))
    }

    #[expect(clippy::needless_pass_by_value, reason = "the signature of the policy")]
    fn closed(&self, null: NullSession) -> Dictionary {
        let reason = format!("closed ({}): {null}", self.open);
        Dictionary::null(NullSession::new(reason))
    }
}

#[actix_web::test]
async fn opening_and_saving_can_be_functions() {
    async fn end(session: Session) -> actix_web::Result<&'static str> {
        session.purge()?;
        Ok("gone")
    }
    let sessions = InMemory { memory: Arc::default(), open: true };
    let cookie = assert_counts!(sessions.clone());
    assert_eq!(cookie.value, TOKEN);
    assert_eq!(sessions.memory.lock().unwrap().as_deref(), Some(r#"{"visits":2}"#));

    let app = init_service(App::new().wrap(sessions.clone()).default_service(web::to(end))).await;
    let mut browser = Browser::new();
    browser.set_cookie("session", TOKEN);
    assert!(browser.get(&app, "/").await.cookie().is_some_and(|cookie| cookie.is_removal()));
    assert_eq!(*sessions.memory.lock().unwrap(), None);
}

#[actix_web::test]
async fn the_null_session_can_be_a_function() {
    async fn why(session: Session) -> String {
        let err = session.insert("a", 1).expect_err("there is no session");
        err.to_string()
    }
    let sessions = InMemory { memory: Arc::default(), open: false };
    let app = init_service(App::new().wrap(sessions).default_service(web::to(why))).await;
    let answer = Browser::new().get(&app, "/").await;
    assert!(
        answer.body.contains("closed (false): `open_session` returned `None`"),
        "{}",
        answer.body
    );
    assert_eq!(answer.cookie(), None);
}

#[actix_web::test]
async fn functions_get_typed_content() {
    #[derive(Clone, SessionInterface)]
    #[session(data = Cart, should_set_cookie = never, save_with = save)]
    struct Shop {
        backend: SignedCookie,
    }
    fn never(_: &Shop, _: &Typed<Cart>) -> bool {
        false
    }
    async fn save(
        _: &Shop,
        content: &Typed<Cart>,
        cx: SaveContext<'_>,
    ) -> Result<Saved, SaveError> {
        let dictionary = sessions::SessionContent::dictionary(content);
        assert_eq!(cx.status(), 200);
        Ok(Saved::Token(format!("items-{}", dictionary.raw("items").unwrap_or("none"))))
    }
    async fn add(session: Session<Shop>) -> actix_web::Result<&'static str> {
        session.modify(|cart| cart.items += 2)?;
        session.renew()?;
        Ok("added")
    }
    let app =
        init_service(App::new().wrap(Shop { backend: signed() }).default_service(web::to(add)))
            .await;
    let cookie = Browser::new().get(&app, "/").await.cookie().expect("a renewed session is saved");
    assert_eq!(cookie.value, "items-2");
}

// Tenants.

/// One application for many shops, each below a host of its own.
#[derive(Clone, SessionInterface)]
#[session(cookie_name = "__Secure-shop", domain = Self::tenant, samesite = "Strict")]
struct Tenants {
    backend: SignedCookie,
    domains: &'static [&'static str],
}

impl Tenants {
    /// The domain that the host is, or is below.
    fn tenant<'r>(&'r self, request: &'r HttpRequest) -> Option<Cow<'r, str>> {
        let host = request.headers().get(HOST)?.to_str().ok()?;
        let is_at = |domain: &&&str| {
            host.strip_suffix(**domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        self.domains.iter().find(is_at).map(|&domain| domain.into())
    }
}

#[actix_web::test]
async fn one_application_serves_many_domains() {
    let domains = &["example.com", "example.org", "shop.example.net"];
    let app = counting!(Tenants { backend: signed(), domains });
    let request = |host: &'static str| TestRequest::default().insert_header((HOST, host));
    for (host, domain) in [
        ("example.com", Some("example.com")),
        ("www.example.org", Some("example.org")),
        ("shop.example.net", Some("shop.example.net")),
        ("notexample.com", None),
        ("example.net", None),
    ] {
        let answer = Answer::of(&app, request(host)).await;
        let cookie: SetCookie = answer.cookie().expect("the session is saved");
        assert_eq!(cookie.name, "__Secure-shop", "{host}");
        assert_eq!(cookie.attribute("Domain"), domain, "{host}");
        assert_eq!(answer.body, "1", "{host}");
    }

    let mut browser = Browser::new();
    for (host, visits) in [("example.com", "1"), ("a.example.com", "2"), ("b.example.com", "3")] {
        assert_eq!(browser.send(&app, request(host)).await.body, visits);
    }
}
