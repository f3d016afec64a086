//! Cookies and keys.

use std::{fs::OpenOptions, io::Write, os::unix::fs::OpenOptionsExt, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;
use serde_json::{Value, json, value::RawValue};
use sessions::{
    EncryptedCookie, SecretKey, SignedCookie,
    backend::{DecodedToken, HashAlgorithm, TokenError, TokenScope},
    error::KeyError,
    flask::FlaskCookie,
};
use zeroize::Zeroizing;

use crate::{
    cli::{Decode, Encoding, Key, Kind},
    failure::Failure,
    output::{Output, shown, utc},
    secret,
};

/// The bytes of a new key, as many as `openssl rand -base64 48` makes.
const KEY_LENGTH: usize = 48;
/// The variable with the key.
const VARIABLE: &str = "SECRET_KEY";
/// The length of each half of the id of a session in a store.
const HALF_ID: usize = 22;

#[derive(Serialize)]
struct Decoded<'d> {
    kind: &'static str,
    sealed_at: String,
    session: &'d RawValue,
}

pub(crate) fn decode(decode: &Decode, output: Output) -> Result<(), Failure> {
    let stdin = Path::new("-");
    let cookie_file = decode.cookie_file.as_deref().unwrap_or(stdin);
    if cookie_file == stdin && decode.key_file.as_deref() == Some(stdin) {
        return Err(Failure::usage(
            "the key and the cookie cannot both be read from standard input: use --cookie-file",
        ));
    }
    let key = key_text(decode)?;
    let cookie = secret::read(cookie_file, "the value of the cookie")?;
    let token = value_of(&cookie, &decode.cookie_name);
    let scope = match &decode.salt {
        Some(salt) => TokenScope::Salt(salt),
        None => TokenScope::Cookie(&decode.cookie_name),
    };
    let kinds = match decode.kind {
        Kind::Auto => &[Kind::Signed, Kind::SignedSha512, Kind::Encrypted, Kind::Flask][..],
        _ => std::slice::from_ref(&decode.kind),
    };
    let mut refused = None;
    for kind in kinds {
        match open(*kind, &key, decode.key_encoding, token, scope) {
            Ok(Ok(decoded)) => return write(*kind, &decoded, output),
            Ok(Err(err)) => refused = Some(err),
            // The other kinds need stronger keys than Flask.
            Err(err) if *kind == decode.kind || *kind == Kind::Flask => {
                return Err(wrong_key(&err));
            }
            Err(_) => {}
        }
    }
    Err(Failure::nothing(if is_id(token) {
        "the cookie holds the id of a session in a store, and no content; `sessions-admin list` shows the \
         sessions of an owner"
            .to_owned()
    } else {
        let tried = if kinds.len() == 1 { "" } else { "; tried as signed, encrypted and Flask's" };
        let cause = refused.map_or_else(String::new, |err| err.to_string());
        format!(
            "{cause}{tried}; check the key, --key-encoding, and --cookie-name or --salt: a cookie is bound to \
             them"
        )
    }))
}

fn key_text(decode: &Decode) -> Result<Zeroizing<String>, Failure> {
    if let Some(path) = &decode.key_file {
        return secret::read(path, "the key");
    }
    secret::variable(VARIABLE)?.ok_or_else(|| {
        Failure::usage(format_args!(
            "which key? set the variable `{VARIABLE}` to it, or use --key-file"
        ))
    })
}

fn open(
    kind: Kind,
    key: &str,
    encoding: Encoding,
    token: &str,
    scope: TokenScope<'_>,
) -> Result<Result<DecodedToken, TokenError>, KeyError> {
    let key = match (encoding, kind) {
        (Encoding::Hex, _) => SecretKey::from_hex(key)?,
        (Encoding::Base64, _) => SecretKey::from_base64(key)?,
        // Flask takes any key.
        (Encoding::Text, Kind::Flask) => SecretKey::for_interoperation(key)?,
        (Encoding::Text, _) => SecretKey::from_bytes(key)?,
    };
    Ok(match kind {
        Kind::Encrypted => EncryptedCookie::new(key).decode(token, scope),
        Kind::Flask => FlaskCookie::new(key).decode(token, scope),
        Kind::SignedSha512 => {
            SignedCookie::new(key).with_hash(HashAlgorithm::Sha512).decode(token, scope)
        }
        Kind::Signed | Kind::Auto => SignedCookie::new(key).decode(token, scope),
    })
}

fn write(kind: Kind, decoded: &DecodedToken, output: Output) -> Result<(), Failure> {
    let (name, verb) = match kind {
        Kind::Encrypted => ("encrypted", "encrypted"),
        Kind::Flask => ("flask", "signed as Flask does"),
        Kind::SignedSha512 => ("signed-sha512", "signed with SHA-512"),
        Kind::Signed | Kind::Auto => ("signed", "signed"),
    };
    let sealed_at = utc(decoded.sealed_at());
    let is_no_json = |err| Failure::nothing(format_args!("the cookie holds no JSON: {err}"));
    let session: &RawValue = serde_json::from_str(decoded.json()).map_err(is_no_json)?;
    let value: Value = serde_json::from_str(decoded.json()).map_err(is_no_json)?;
    let pretty = serde_json::to_string_pretty(&value).map_err(Failure::failed)?;
    // JSON escapes all control characters but those between its values.
    let lines = pretty.lines().map(shown).collect::<Vec<_>>().join("\n");
    let text = format!("{verb} at {sealed_at}\n{lines}");
    output.write(&text, &Decoded { kind: name, sealed_at, session })
}

/// Returns the value where `name=value` was given.
fn value_of<'c>(cookie: &'c str, name: &str) -> &'c str {
    let cookie = cookie.trim();
    cookie.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')).unwrap_or(cookie)
}

/// Whether this is an id, `selector.verifier`, signed or not.
fn is_id(token: &str) -> bool {
    let mut parts = token.split('.');
    let is_half = |part: Option<&str>| part.is_some_and(|part| part.len() == HALF_ID);
    is_half(parts.next()) && is_half(parts.next())
}

fn wrong_key(err: &KeyError) -> Failure {
    Failure::usage(format_args!("the key is refused: {err}"))
}

pub(crate) fn key(key: &Key, output: Output) -> Result<(), Failure> {
    let mut bytes = Zeroizing::new([0; KEY_LENGTH]);
    getrandom::fill(&mut *bytes).map_err(|err| {
        Failure::failed(format_args!("the operating system has no random bytes: {err}"))
    })?;
    let text = Zeroizing::new(STANDARD.encode(*bytes));
    let Some(path) = &key.out else {
        return output.write(&text, &json!({"key": *text}));
    };
    let shown = path.display();
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| writeln!(file, "{}", *text)).map_err(|err| {
        Failure::failed(format_args!(
            "cannot write the key to `{shown}`: {err}; a file that exists is not overwritten"
        ))
    })?;
    output.write(&format!("a new key is in `{shown}`"), &json!({"file": shown.to_string()}))
}
