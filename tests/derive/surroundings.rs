//! Where the derive is used: other names in the way, other paths, macros.

use actix_web::{App, HttpRequest, test::init_service, web};
use sessions::{SessionConfig, SessionInterface, SignedCookie};
use sessions_tests::{
    Browser, key,
    linted::{self, Cart},
};

use crate::{configured, count, no_domain, signed};

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
    struct SessionState;
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
        _: &::sessions::SessionState,
        _: ::std::time::SystemTime,
    ) -> ::core::option::Option<::std::time::SystemTime> {
        ::core::option::Option::None
    }

    fn should_set_cookie(_: &Functions, content: &::sessions::SessionState) -> bool {
        content.is_modified()
    }

    fn null(_: &Functions, null: ::sessions::interface::NullSession) -> ::sessions::SessionState {
        ::sessions::SessionState::null(null)
    }

    async fn open(
        functions: &Functions,
        cx: ::sessions::interface::OpenContext<'_>,
    ) -> ::core::result::Result<
        ::sessions::interface::Opened<::sessions::SessionState>,
        ::sessions::error::OpenError,
    > {
        ::sessions::backend::Backend::open(&functions.0, &cx).await
    }

    async fn save(
        functions: &Functions,
        content: &::sessions::SessionState,
        cx: ::sessions::interface::SaveContext<'_>,
    ) -> ::core::result::Result<::sessions::interface::Saved, ::sessions::error::SaveError> {
        ::sessions::backend::Backend::save(&functions.0, content, &cx).await
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
            cx: ::sessions::interface::OpenContext<'_>,
        ) -> ::core::result::Result<
            ::sessions::interface::Opened<::sessions::SessionState>,
            ::sessions::error::OpenError,
        > {
            ::sessions::backend::Backend::open(&self.config, &cx).await
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
    // Its `absolute_timeout`, which is below its `lifetime`.
    assert_eq!(cookie.attribute("Max-Age"), Some("28800"));

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
#[session(crate = "crate::surroundings::my_framework::web", cookie_name = "renamed", secure = Self::secure)]
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

interface!(FromMacro, kept_in: SignedCookie, "written", "1 h", no_domain, httponly = false, Cart);

#[actix_web::test]
async fn a_macro_may_write_the_struct() {
    let cookie = assert_counts!(FromMacro { kept_in: signed() });
    assert_eq!(cookie.name, "written");
    assert_eq!(cookie.attribute("Max-Age"), Some("3600"));
    assert_eq!(cookie.attribute("HttpOnly"), None);
}
