//! Two answers to one request, held against each other.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::{
    http::Answer,
    jar::SetCookie,
    settings::{FORMER_KEYS, KEY, Settings},
    token::Token,
};

/// How far apart the clocks' readings of two answers may be: they are given one after the other.
const APART: Duration = Duration::from_secs(10);

/// What differs by intent, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tolerated {
    MaxAge,
    CacheControl,
    PrivatePage,
    VaryByAll,
    NothingToRemove,
    FormerKey,
    EqualValue,
}

impl Tolerated {
    pub(crate) const ALL: [Self; 7] = [
        Self::MaxAge,
        Self::CacheControl,
        Self::PrivatePage,
        Self::VaryByAll,
        Self::NothingToRemove,
        Self::FormerKey,
        Self::EqualValue,
    ];

    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::MaxAge => {
                "ours writes `Max-Age` beside `Expires`: a client whose clock is wrong keeps the cookie for the right time (RFC 6265bis, 5.6)"
            }
            Self::CacheControl => {
                "ours writes `Cache-Control: private, no-cache=\"Set-Cookie\"` beside a cookie: a cache must not hand it to somebody else"
            }
            Self::PrivatePage => {
                "ours writes `Cache-Control: private` beside the `Vary: Cookie` of a page that used the session: a cache that ignores `Vary` must not show it to somebody else"
            }
            Self::VaryByAll => {
                "Flask adds `Cookie` to a handler's `Vary: *`, which says everything already (RFC 9110, 12.5.5)"
            }
            Self::NothingToRemove => {
                "Flask's `clear` removes a cookie that is not there or opens no session; ours leaves it, and `purge` removes it"
            }
            Self::FormerKey => {
                "ours signs a session under a former key again when it is first used, so that the key can be dropped; Flask when it changes"
            }
            Self::EqualValue => {
                "Flask sets the cookie once more, with the payload that came in, when a value is set to what it is: to ours that is no change"
            }
        }
    }
}

/// One thing that is not the same.
#[derive(Clone, Debug)]
pub(crate) struct Difference {
    pub(crate) what: &'static str,
    pub(crate) flask: String,
    pub(crate) actix: String,
    pub(crate) tolerated: Option<Tolerated>,
}

/// What both were asked with.
pub(crate) struct Asked<'a> {
    pub(crate) settings: &'a Settings,
    /// The token of the session's cookie, if one was sent.
    pub(crate) token: Option<&'a str>,
}

impl Asked<'_> {
    fn is_by_former_key(&self) -> bool {
        let keys = &FORMER_KEYS[..self.settings.fallbacks()];
        let token = self.token.and_then(Token::parse);
        token.is_some_and(|token| keys.iter().any(|key| token.is_signed_by(key)))
    }

    /// Whether the token, if there is one, opens no session: its signature is invalid, or it is too old.
    fn opens_nothing(&self) -> bool {
        let Some(token) = self.token.and_then(Token::parse) else { return true };
        let is_old = token
            .signed_at
            .elapsed()
            .is_ok_and(|age| age > Duration::from_secs(self.settings.lifetime()));
        is_old || !token.is_signed_by(KEY) && !self.is_by_former_key()
    }

    fn payload(&self) -> Option<String> {
        self.token.and_then(Token::parse).map(|token| token.payload)
    }
}

/// Returns what differs between two answers, the tolerated too.
pub(crate) fn compare(asked: &Asked<'_>, flask: &Answer, actix: &Answer) -> Vec<Difference> {
    let mut found = Differences(Vec::new());
    found.note("status", flask.status, actix.status);
    let body = |answer: &Answer| serde_json::from_str::<Value>(&answer.body).ok();
    match (body(flask), body(actix)) {
        (Some(one), Some(other)) => found.note("body", one, other),
        _ => found.note("body", &flask.body, &actix.body),
    }
    if vary(flask) == [["*", "cookie"]] && vary(actix) == [["*"]] {
        found.tolerate("Vary", vary(flask), vary(actix), Tolerated::VaryByAll);
    } else {
        found.note("Vary", vary(flask), vary(actix));
    }
    found.note("Content-Type", flask.all("content-type"), actix.all("content-type"));
    let cookies = |answer: &Answer| -> Vec<_> {
        answer.all("set-cookie").into_iter().filter_map(SetCookie::parse).collect()
    };
    match (cookies(flask).as_slice(), cookies(actix).as_slice()) {
        ([], []) => {}
        ([one], [other]) => compare_cookies(&mut found, one, other),
        ([one], []) if one.is_removal() && asked.opens_nothing() => {
            found.tolerate("cookie", one, "none", Tolerated::NothingToRemove);
        }
        ([one], []) if Token::parse(&one.value).map(|token| token.payload) == asked.payload() => {
            found.tolerate("cookie", one, "none", Tolerated::EqualValue);
        }
        ([], [other])
            if asked.is_by_former_key()
                && Token::parse(&other.value).map(|token| token.payload) == asked.payload() =>
        {
            found.tolerate("cookie", "none", other, Tolerated::FormerKey);
            // And says so, as with any cookie that it sets.
            if vary(flask).is_empty() && vary(actix) == [["cookie"]] {
                let vary = found.0.iter_mut().filter(|difference| difference.what == "Vary");
                vary.for_each(|difference| difference.tolerated = Some(Tolerated::FormerKey));
            }
        }
        (one, other) => found.note("cookies", one, other),
    }
    let control = |answer: &Answer| answer.all("cache-control").join(", ");
    if control(flask) != control(actix) {
        let sets = !actix.all("set-cookie").is_empty();
        let varies =
            vary(actix).concat().iter().any(|name| matches!(name.as_str(), "*" | "cookie"));
        let tolerated = match control(actix).as_str() {
            _ if !control(flask).is_empty() => None,
            r#"private, no-cache="Set-Cookie""# if sets => Some(Tolerated::CacheControl),
            "private" if !sets && varies => Some(Tolerated::PrivatePage),
            _ => None,
        };
        found.push("Cache-Control", control(flask), control(actix), tolerated);
    }
    found.0
}

fn compare_cookies(found: &mut Differences, flask: &SetCookie, actix: &SetCookie) {
    found.note("cookie's name", &flask.name, &actix.name);
    let attributes = |cookie: &SetCookie| {
        let mut attributes = cookie.attributes.clone();
        attributes.retain(|(name, _)| !matches!(name.as_str(), "expires" | "max-age"));
        // A flag is set by its name. Flask writes the setting behind it, such as `Secure=1`.
        for (name, value) in &mut attributes {
            if matches!(name.as_str(), "secure" | "httponly" | "partitioned") {
                value.clear();
            }
        }
        attributes.sort();
        attributes
    };
    found.note("cookie's attributes", attributes(flask), attributes(actix));
    match (flask.expires(), actix.expires()) {
        (None, None) => {}
        (Some(one), Some(other)) if is_close(one, other) => {}
        (one, other) => found.note("Expires", one, other),
    }
    let ages = (flask.attribute("max-age"), actix.attribute("max-age"));
    if ages.0 != ages.1 {
        let age = ages.1.and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
        let fits = |expires| age.is_some_and(|age| is_close(SystemTime::now() + age, expires));
        let tolerated = ages.0.is_none() && flask.expires().is_some_and(fits);
        let tolerated = tolerated.then_some(Tolerated::MaxAge);
        found.push("Max-Age", ages.0, ages.1, tolerated);
    }
    match (Token::parse(&flask.value), Token::parse(&actix.value)) {
        (Some(one), Some(other)) => {
            found.note("payload", &one.payload, &other.payload);
            found.note(
                "the current key's signature",
                one.is_signed_by(KEY),
                other.is_signed_by(KEY),
            );
            if !is_close(one.signed_at, other.signed_at) {
                found.note("time of signing", one.signed_at, other.signed_at);
            }
            if one.signed_at == other.signed_at {
                found.note("token", &flask.value, &actix.value);
            }
        }
        _ => found.note("token", &flask.value, &actix.value),
    }
}

fn is_close(one: SystemTime, other: SystemTime) -> bool {
    one.duration_since(other).or_else(|_| other.duration_since(one)).is_ok_and(|by| by <= APART)
}

/// Returns what an answer says it depends on: one header, names without case, in their order.
fn vary(answer: &Answer) -> Vec<Vec<String>> {
    let names = |value: &str| value.split(',').map(|name| name.trim().to_lowercase()).collect();
    answer.all("vary").into_iter().map(names).collect()
}

struct Differences(Vec<Difference>);

impl Differences {
    fn note<T: std::fmt::Debug, U: std::fmt::Debug>(
        &mut self,
        what: &'static str,
        flask: T,
        actix: U,
    ) {
        if format!("{flask:?}") != format!("{actix:?}") {
            self.push(what, flask, actix, None);
        }
    }

    fn tolerate(
        &mut self,
        what: &'static str,
        flask: impl std::fmt::Debug,
        actix: impl std::fmt::Debug,
        tolerated: Tolerated,
    ) {
        self.push(what, flask, actix, Some(tolerated));
    }

    fn push(
        &mut self,
        what: &'static str,
        flask: impl std::fmt::Debug,
        actix: impl std::fmt::Debug,
        tolerated: Option<Tolerated>,
    ) {
        let (flask, actix) = (format!("{flask:?}"), format!("{actix:?}"));
        self.0.push(Difference { what, flask, actix, tolerated });
    }
}
