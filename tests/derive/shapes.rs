//! The structs that the derive takes, and what it lets through.

use std::{borrow::Cow, marker::PhantomData, time::Duration};

use actix_web::{App, HttpRequest, test::init_service, web};
use sessions::{
    MemoryStore, ServerSide, Session, SessionConfig, SessionInterface, SessionState, SignedCookie,
    backend::Backend,
    error::OpenError,
    interface::{OpenContext, Opened},
};
use sessions_tests::{Browser, key, linted::Cart};

use crate::{configured, count, signed};

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

    async fn open<'r>(&'r self, cx: OpenContext<'r>) -> Result<Opened<SessionState>, OpenError> {
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
struct GenericContent<T: sessions::session::SessionData> {
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
                    backend: ServerSide<MemoryStore>,
                }
                let sessions = $name { backend: ServerSide::new(MemoryStore::new()) };
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
        LongestAnonymousLifetime(anonymous_lifetime = "400 days"),
        ShortestAnonymousLifetime(anonymous_lifetime = 1),
    }
}
