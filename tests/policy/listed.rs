//! The policies as a page lists them: each value, and where it comes from.

use std::time::Duration;

use actix_web::HttpRequest;
use sessions::{
    SecretKey, SessionConfig, SessionInterface, SignedCookie,
    policy::{CookiePath, PolicySource},
};
use sessions_tests::key;

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "__Secure-app", samesite = "Strict", lifetime = "14 days", secure = by_request)]
struct AppSessions {
    backend: SignedCookie,
    config: SessionConfig,
}

fn by_request(_: &AppSessions, _: &HttpRequest) -> bool {
    true
}

fn listed(config: SessionConfig) -> Vec<(&'static str, Option<String>, PolicySource)> {
    let sessions = AppSessions { backend: SignedCookie::new(key(1)), config };
    let policies = sessions.policies().list();
    let row = |policy: &sessions::policy::ListedPolicy| {
        (policy.name(), policy.value().map(str::to_owned), policy.source())
    };
    policies.iter().map(row).collect()
}

#[test]
fn each_policy_is_listed_once_with_its_value_and_source() {
    use PolicySource::{Attribute, Configuration, Default, Function};

    let config = SessionConfig::new()
        .secret_key(SecretKey::generate())
        // The attribute goes above it.
        .lifetime(Duration::from_secs(60))
        .idle_timeout(Duration::from_secs(30 * 60))
        .server_name("example.com:8080")
        .application_root(CookiePath::from_static("/app"));
    let listed = listed(config);
    let mut names: Vec<_> = listed.iter().map(|(name, ..)| *name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), listed.len());
    for (name, value, source) in [
        ("cookie_name", Some("__Secure-app"), Attribute),
        ("cookie_samesite", Some("Strict"), Attribute),
        ("lifetime", Some("14 days"), Attribute),
        ("cookie_secure", None, Function),
        ("idle_timeout", Some("30 min"), Configuration),
        ("cookie_domain", Some("example.com"), Configuration),
        ("cookie_path", Some("/app"), Configuration),
        ("absolute_timeout", None, Default),
        ("remembered", Some("30 days"), Default),
        ("cookie_httponly", Some("true"), Default),
        ("on_gone", Some("error"), Default),
        ("salt", None, Default),
    ] {
        let row = listed.iter().find(|(found, ..)| *found == name).expect(name);
        assert_eq!((row.1.as_deref(), row.2), (value, source), "{name}");
    }
}

#[test]
fn without_settings_all_but_the_attributes_are_defaults() {
    let listed = listed(SessionConfig::new());
    let from: Vec<_> =
        listed.iter().filter(|(_, _, source)| *source != PolicySource::Default).collect();
    assert_eq!(from.len(), 4, "{from:?}");
    let domain = listed.iter().find(|(name, ..)| *name == "cookie_domain").expect("it is listed");
    assert_eq!((&domain.1, domain.2), (&None, PolicySource::Default));
}
