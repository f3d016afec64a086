//! Where a login was made: [`Device`].

use std::{fmt, net::IpAddr};

use serde::{Deserialize, Serialize};

/// The longest user agent that is kept, in bytes.
const MAX_USER_AGENT: usize = 256;

/// The browser, and the address, that a user logged in with: what the client said of itself, for users to
/// recognise their sessions by. Kept if [`Logins::devices`](crate::Logins::devices) says so.
///
/// # Security
///
/// Decide nothing by it: a client writes what it likes as its user agent, and an address is shared by
/// many. Both are personal data, see docs/login.md.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    #[serde(rename = "ua", default, skip_serializing_if = "String::is_empty")]
    user_agent: String,
    #[serde(rename = "ip", default, skip_serializing_if = "Option::is_none")]
    address: Option<IpAddr>,
}

impl Device {
    /// Returns the device of a client that sent this header `User-Agent`, from this address.
    pub(crate) fn new(user_agent: Option<&[u8]>, address: Option<IpAddr>) -> Self {
        // An IPv4 client of a socket for both is that client.
        let address = address.map(|address| address.to_canonical());
        Self { user_agent: user_agent.map(harmless).unwrap_or_default(), address }
    }

    /// Returns the client's header `User-Agent`, or an empty text without one: at most 256 bytes, the
    /// rest is cut off. Characters that control a terminal, the direction of text, or HTML are escaped, as
    /// in `\u{3c}` for `<`. A page escapes it nevertheless, as any text that a client wrote.
    pub fn user_agent(&self) -> &str {
        &self.user_agent
    }

    /// Returns the address of the client: of its connection, or what
    /// [`client_address`](crate::Logins::client_address) returned.
    pub fn address(&self) -> Option<IpAddr> {
        self.address
    }
}

impl fmt::Display for Device {
    /// Shows both: `Mozilla/5.0 (X11; Linux x86_64) (203.0.113.7)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user_agent = Some(self.user_agent.as_str()).filter(|agent| !agent.is_empty());
        f.write_str(user_agent.unwrap_or("unknown"))?;
        self.address.map_or(Ok(()), |address| write!(f, " ({address})"))
    }
}

/// Returns a text of at most [`MAX_USER_AGENT`] bytes that controls nothing where it is shown.
fn harmless(text: &[u8]) -> String {
    let mut shown = String::new();
    // The rest would be cut off: a character is read from four bytes at most, and shown as one at least.
    for c in String::from_utf8_lossy(&text[..text.len().min(4 * MAX_USER_AGENT)]).chars() {
        let before = shown.len();
        match c {
            '<' | '>' | '&' | '"' | '\'' | '`' => shown.extend(c.escape_unicode()),
            _ => shown.extend(c.escape_debug()),
        }
        if shown.len() > MAX_USER_AGENT {
            shown.truncate(before);
            break;
        }
    }
    shown
}
