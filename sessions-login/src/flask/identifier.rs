//! Who a client is to Flask-Login: a hash of its address and its user agent, spelt as Python spells them.

use std::fmt::Write;

use sha2::{Digest, Sha512};

/// Returns the identifier of a client: of the first address in this header, or of its own, and of its user
/// agent.
pub(super) fn identifier(address: Option<Vec<u8>>, user_agent: Option<Vec<u8>>) -> String {
    let address = address.map(|address| first_address(&utf8_of_latin1(&address)).to_vec());
    let user_agent = user_agent.map(|user_agent| utf8_of_latin1(&user_agent));
    let text =
        format!("{}|{}", python_repr(address.as_deref()), python_repr(user_agent.as_deref()));
    hex(&Sha512::digest(text))
}

/// WSGI hands headers on as Latin-1, and Flask-Login writes that as UTF-8.
fn utf8_of_latin1(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|&byte| char::from(byte)).collect::<String>().into_bytes()
}

fn first_address(addresses: &[u8]) -> &[u8] {
    let first = addresses.split(|&byte| byte == b',').next().unwrap_or_default();
    // With the vertical tab, which Rust does not trim.
    let is_space = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0x0b;
    let start = first.iter().position(|byte| !is_space(byte)).unwrap_or(first.len());
    let end = first.iter().rposition(|byte| !is_space(byte)).map_or(start, |last| last + 1);
    &first[start..end]
}

/// Writes bytes as Python's `repr` does, and nothing as `None`.
fn python_repr(bytes: Option<&[u8]>) -> String {
    let Some(bytes) = bytes else { return "None".to_owned() };
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' };
    let mut written = format!("b{quote}");
    for &byte in bytes {
        match byte {
            b'\t' => written.push_str("\\t"),
            b'\n' => written.push_str("\\n"),
            b'\r' => written.push_str("\\r"),
            b'\\' => written.push_str("\\\\"),
            b' '..=b'~' if char::from(byte) == quote => written.extend(['\\', quote]),
            b' '..=b'~' => written.push(char::from(byte)),
            _ => write!(written, "\\x{byte:02x}").expect("a `String` takes any text"),
        }
    }
    written.push(quote);
    written
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a `String` takes any text");
        hex
    })
}
