//! Which policies have an effect, by what the backend does.

use super::Policies;

/// What a backend does, as far as policies depend on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BackendTraits {
    /// The backend's name, for messages.
    pub(crate) name: &'static str,
    /// It keeps records in a store.
    pub(crate) keeps_records: bool,
    /// It asks a store whether sessions were ended.
    pub(crate) is_revocable: bool,
    /// It takes over the sessions of another framework.
    pub(crate) imports: bool,
}

impl BackendTraits {
    /// The traits of a backend that keeps its sessions in their cookies, and asks no store.
    pub(crate) const NONE: Self =
        Self { name: "", keeps_records: false, is_revocable: false, imports: false };
}

/// What a policy needs to have an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    /// Sessions in a store.
    Records,
    /// A store that is asked when a session is opened.
    Lookup,
    /// Sessions that another request can end.
    Endings,
    /// Sessions that a use prolongs.
    Prolonging,
    /// The import of another framework's sessions.
    Import,
    /// Typed content, which is the interface's, not the backend's.
    TypedContent,
}

/// Every policy, and what it needs, if it does not count at every backend.
const NEEDS: [(&str, Option<Needs>); 25] = [
    ("application_root", None),
    ("cookie_name", None),
    ("cookie_domain", None),
    ("cookie_path", None),
    // In a store, too: the hashes in it cover the salt, signed or not.
    ("salt", None),
    ("cookie_httponly", None),
    ("cookie_secure", None),
    ("cookie_samesite", None),
    ("cookie_partitioned", None),
    ("permanent", None),
    ("lifetime", None),
    ("anonymous_lifetime", Some(Needs::Records)),
    ("refresh_each_request", None),
    ("open", None),
    ("save_when", None),
    ("on_load_error", Some(Needs::Lookup)),
    ("on_save_error", None),
    ("on_gone", Some(Needs::Endings)),
    ("on_decode_error", Some(Needs::TypedContent)),
    ("import", Some(Needs::Import)),
    ("rotate_grace", Some(Needs::Records)),
    ("idle_timeout", None),
    ("absolute_timeout", None),
    ("remembered", None),
    ("touch_interval", Some(Needs::Prolonging)),
];

impl Needs {
    fn are_met(self, policies: Policies<'_>, backend: BackendTraits) -> bool {
        let BackendTraits { keeps_records, is_revocable, imports, .. } = backend;
        let asks_a_store = keeps_records || is_revocable || imports;
        match self {
            Self::TypedContent => true,
            Self::Records => keeps_records,
            Self::Lookup | Self::Endings => asks_a_store,
            Self::Prolonging => {
                policies.idle_timeout().is_some()
                    || keeps_records && policies.refresh_each_request()
            }
            Self::Import => imports,
        }
    }

    /// Returns what the policy applies to, and what to do where that is missing.
    fn advice(self) -> (&'static str, &'static str) {
        match self {
            Self::Records => ("sessions in a store", "remove it, or use `ServerSide`"),
            Self::Lookup => ("backends that ask a store", "remove it, or use `ServerSide`"),
            Self::Endings => {
                ("sessions that other requests can end", "remove it, or use `ServerSide`")
            }
            Self::Prolonging => {
                ("sessions that their use prolongs", "remove it, or set `idle_timeout`")
            }
            Self::Import => (
                "a backend with an import",
                "remove it, or wrap the backend, for example in `ImportActixSession`",
            ),
            Self::TypedContent => ("typed content", "remove it, or set `data`"),
        }
    }
}

/// Returns a message for each policy that is set and has no effect with this backend, `bearer` among them.
pub(crate) fn without_effect(
    policies: Policies<'_>,
    takes_bearer: bool,
    backend: BackendTraits,
) -> Vec<String> {
    let name = format!("`{}`", backend.name);
    let mut messages = unmet(policies, &name, |needs| !needs.are_met(policies, backend));
    if takes_bearer && !backend.keeps_records {
        messages.push(message("bearer", &name, Needs::Records));
    }
    messages
}

/// Returns a message for each policy that is set and has no effect on content that is not typed.
pub(crate) fn without_typed_content(policies: Policies<'_>) -> Vec<String> {
    unmet(policies, "this interface", |needs| needs == Needs::TypedContent)
}

fn unmet(policies: Policies<'_>, with: &str, is_unmet: impl Fn(Needs) -> bool) -> Vec<String> {
    let unmet = NEEDS.iter().filter_map(|(policy, needs)| {
        let needs = needs.filter(|needs| is_unmet(*needs) && policies.is_set(policy))?;
        Some(message(policy, with, needs))
    });
    unmet.collect()
}

fn message(policy: &str, with: &str, needs: Needs) -> String {
    let (applies_to, todo) = needs.advice();
    format!("`{policy}` has no effect with {with}: it applies to {applies_to}; {todo}")
}

#[cfg(test)]
mod tests {
    use super::{BackendTraits, NEEDS, without_effect};
    use crate::policy::{Overrides, Policies, SessionConfig, policies};

    const COOKIE: BackendTraits = BackendTraits { name: "SignedCookie", ..BackendTraits::NONE };

    macro_rules! names {
        ($($group:ident { $($field:ident: $type:ty $(=> $resolved:ty)? { $($rest:tt)* })* })*) => {
            [$($(stringify!($field),)*)*]
        };
    }

    #[test]
    fn every_policy_has_a_row() {
        let texts = ["application_root", "cookie_name", "cookie_domain", "cookie_path", "salt"];
        let mut expected: Vec<_> = texts.into_iter().chain(policies!(names)).collect();
        let mut rows = NEEDS.map(|(policy, _)| policy);
        expected.sort_unstable();
        rows.sort_unstable();
        assert_eq!(rows.as_slice(), expected);
    }

    #[test]
    fn each_trait_of_a_backend_gives_its_policies_an_effect() {
        let seconds = std::time::Duration::from_secs;
        let config = SessionConfig::new()
            .anonymous_lifetime(seconds(60))
            .on_load_error(crate::policy::OnLoadError::Null)
            .on_gone(crate::policy::OnGone::Drop)
            .import(crate::policy::ImportMode::Move)
            .rotate_grace(seconds(1))
            .touch_interval(seconds(1));
        let left = |config: &SessionConfig, backend| {
            let policies = Policies::new(&Overrides::NONE, config);
            let messages = without_effect(policies, false, backend);
            messages
                .iter()
                .map(|message| message.split('`').nth(1).expect("the policy").to_owned())
                .collect::<Vec<_>>()
        };
        let all = [
            "anonymous_lifetime",
            "on_load_error",
            "on_gone",
            "import",
            "rotate_grace",
            "touch_interval",
        ];
        assert_eq!(left(&config, COOKIE), all);
        assert_eq!(
            left(&config, BackendTraits { is_revocable: true, ..COOKIE }),
            ["anonymous_lifetime", "import", "rotate_grace", "touch_interval"]
        );
        assert_eq!(
            left(&config, BackendTraits { imports: true, ..COOKIE }),
            ["anonymous_lifetime", "rotate_grace", "touch_interval"]
        );
        let store = BackendTraits { keeps_records: true, ..COOKIE };
        assert_eq!(left(&config, store), ["import"]);
        let fixed = config.clone().refresh_each_request(false);
        assert_eq!(left(&fixed, store), ["import", "touch_interval"]);
        let idle = config.idle_timeout(seconds(60));
        assert_eq!(left(&idle, COOKIE), &all[..5]);
        assert_eq!(left(&SessionConfig::new(), COOKIE), [""; 0]);
    }

    #[test]
    fn messages_name_policy_backend_and_remedy() {
        let config = SessionConfig::new().import(crate::policy::ImportMode::Move);
        let policies = Policies::new(&Overrides::NONE, &config);
        assert_eq!(
            without_effect(policies, false, COOKIE),
            [
                "`import` has no effect with `SignedCookie`: it applies to a backend with an import; \
              remove it, or wrap the backend, for example in `ImportActixSession`"
            ]
        );
    }
}
