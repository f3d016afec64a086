//! The cookies that a browser keeps (RFC 6265bis, 5.6 and 5.7); for `Secure` it is on https.

use std::time::{Duration, SystemTime};

use super::http::HOST;

/// A `Set-Cookie` header, taken apart.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SetCookie {
    pub(crate) name: String,
    pub(crate) value: String,
    /// Names in lower case, in the order of the header.
    pub(crate) attributes: Vec<(String, String)>,
}

impl SetCookie {
    pub(crate) fn parse(header: &str) -> Option<Self> {
        let mut parts = header.split(';').map(str::trim);
        let (name, value) = parts.next()?.split_once('=')?;
        let attribute = |part: &str| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (name.to_ascii_lowercase(), value.to_owned())
        };
        let attributes = parts.map(attribute).collect();
        Some(Self { name: name.to_owned(), value: value.to_owned(), attributes })
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(candidate, _)| candidate == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn expires(&self) -> Option<SystemTime> {
        httpdate::parse_http_date(self.attribute("expires")?).ok()
    }

    pub(crate) fn is_removal(&self) -> bool {
        self.value.is_empty()
    }
}

#[derive(Clone, Debug)]
struct Kept {
    name: String,
    value: String,
    /// `None` for the host that set it, and no other.
    domain: Option<String>,
    path: String,
    expires: Option<SystemTime>,
}

/// The cookies of one client.
#[derive(Clone, Debug, Default)]
pub(crate) struct Jar(Vec<Kept>);

impl Jar {
    /// Returns the `Cookie` header for a request to this path, longer paths first.
    pub(crate) fn header(&self, path: &str) -> Option<String> {
        let now = SystemTime::now();
        let is_sent = |kept: &&Kept| {
            let fresh = kept.expires.is_none_or(|expires| expires > now);
            let below = path.strip_prefix(kept.path.as_str());
            let in_path = below.is_some_and(|rest| {
                rest.is_empty() || kept.path.ends_with('/') || rest.starts_with('/')
            });
            fresh && in_path
        };
        let mut sent: Vec<_> = self.0.iter().filter(is_sent).collect();
        sent.sort_by_key(|kept| std::cmp::Reverse(kept.path.len()));
        let pairs: Vec<_> =
            sent.iter().map(|kept| format!("{}={}", kept.name, kept.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// Keeps what an answer sets, and forgets what it removes.
    pub(crate) fn keep(&mut self, set: &SetCookie) {
        let domain = set.attribute("domain").filter(|domain| !domain.is_empty());
        let domain = domain.map(|domain| domain.trim_start_matches('.').to_owned());
        if let Some(domain) = &domain
            && HOST != domain
            && !HOST.ends_with(&format!(".{domain}"))
        {
            return;
        }
        let path = set.attribute("path").filter(|path| path.starts_with('/')).unwrap_or("/");
        let max_age = set.attribute("max-age").and_then(|seconds| seconds.parse().ok());
        let expires = match max_age {
            Some(seconds) => Some(SystemTime::now() + Duration::from_secs(seconds)),
            None => set.expires(),
        };
        self.0
            .retain(|kept| !(kept.name == set.name && kept.domain == domain && kept.path == path));
        if expires.is_none_or(|expires| expires > SystemTime::now()) {
            self.0.push(Kept {
                name: set.name.clone(),
                value: set.value.clone(),
                domain,
                path: path.to_owned(),
                expires,
            });
        }
    }

    /// Returns the value of a cookie.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|kept| kept.name == name);
        found.map(|kept| kept.value.as_str())
    }

    /// Returns the token of the session, if there is one.
    pub(crate) fn token(&self) -> Option<&str> {
        self.0.last().map(|kept| kept.value.as_str())
    }

    /// Puts another token in its place.
    pub(crate) fn replace_token(&mut self, token: String) {
        if let Some(kept) = self.0.last_mut() {
            kept.value = token;
        }
    }

    /// Forgets the cookies of this name.
    pub(crate) fn remove(&mut self, name: &str) {
        self.0.retain(|kept| kept.name != name);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}
