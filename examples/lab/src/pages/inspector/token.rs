//! The token that the browser sent, without what would make a copy of this page a login.

use std::time::SystemTime;

use actix_web::{HttpRequest, http::header::COOKIE};
use sessions::backend::{DecodedToken, TokenScope};

use crate::backend::Tokens;

pub(super) struct Token {
    /// Of the whole token, in bytes.
    pub(super) length: usize,
    pub(super) parts: Vec<Part>,
    pub(super) key: String,
    /// When it was signed or encrypted.
    pub(super) sealed_at: Option<SystemTime>,
}

pub(super) struct Part {
    pub(super) name: &'static str,
    pub(super) text: String,
}

impl Token {
    /// Returns what can be shown of the cookie with this name.
    pub(super) fn of(request: &HttpRequest, name: &str, tokens: &Tokens) -> Option<Self> {
        let token = cookie(request, name)?;
        let scope = TokenScope::Cookie(name);
        let (parts, decoded) = match tokens {
            Tokens::Signed(backend) => (signed(token), backend.decode(token, scope).ok()),
            Tokens::Encrypted(backend) => {
                (vec![hidden("Sealed", token)], backend.decode(token, scope).ok())
            }
            Tokens::Random => (random(token), None),
        };
        let key = match (&decoded, tokens) {
            (Some(decoded), _) => position(decoded),
            (None, Tokens::Random) => {
                "None: the token is random, and the store has only hashes of it".into()
            }
            (None, _) => "None of ours: the token opens nothing".into(),
        };
        let sealed_at = decoded.map(|decoded| decoded.sealed_at());
        Some(Self { length: token.len(), parts, key, sealed_at })
    }
}

/// Whoever has the signature has the session.
fn signed(token: &str) -> Vec<Part> {
    let mut parts = token.rsplitn(3, '.');
    let (signature, time, payload) = (parts.next(), parts.next(), parts.next());
    vec![
        Part { name: "Payload", text: payload.unwrap_or_default().to_owned() },
        Part { name: "Time", text: time.unwrap_or_default().to_owned() },
        hidden("Signature", signature.unwrap_or_default()),
    ]
}

/// The store finds the session by a hash of the id. Whoever has the secret too has the session.
fn random(token: &str) -> Vec<Part> {
    let (id, secret) = token.split_once('.').unwrap_or_default();
    vec![Part { name: "Id", text: id.to_owned() }, hidden("Secret", secret)]
}

fn hidden(name: &'static str, text: &str) -> Part {
    Part { name, text: format!("{} characters, not shown", text.len()) }
}

fn position(decoded: &DecodedToken) -> String {
    match decoded.key() {
        0 => "The current one".to_owned(),
        key => format!("Number {key} of the ring, behind the current one"),
    }
}

fn cookie<'r>(request: &'r HttpRequest, name: &str) -> Option<&'r str> {
    let headers = request.headers().get_all(COOKIE).filter_map(|header| header.to_str().ok());
    let mut pairs =
        headers.flat_map(|header| header.split(';')).filter_map(|it| it.split_once('='));
    pairs.find(|(found, _)| found.trim() == name).map(|(_, value)| value.trim())
}
