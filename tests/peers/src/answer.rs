//! What a client sees of a response, the same for every peer.

use std::str;

/// A response as a client sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code, in the range 100–999 (inclusive).
    pub status: u16,
    /// All header lines in order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, which is text in all of these tests.
    pub body: String,
}

impl Answer {
    /// Builds an answer from the parts of any HTTP library.
    pub fn new<'a>(
        status: u16,
        headers: impl Iterator<Item = (&'a str, &'a [u8])>,
        body: &[u8],
    ) -> Self {
        let text = |bytes| str::from_utf8(bytes).expect("the peers answer in UTF-8").to_owned();
        Self {
            status,
            headers: headers
                .map(|(name, value)| (name.to_ascii_lowercase(), text(value)))
                .collect(),
            body: text(body),
        }
    }

    /// Returns the value of a header that is there at most once.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(other, _)| other == name);
        let (_, value) = values.next()?;
        assert!(values.next().is_none(), "`{name}` is there twice");
        Some(value)
    }

    /// Returns all cookies which the response sets or removes.
    pub fn cookies(&self) -> Vec<SetCookie> {
        let lines = self.headers.iter().filter(|(name, _)| name == "set-cookie");
        lines.map(|(_, value)| SetCookie::parse(value)).collect()
    }

    /// Returns the one cookie which the response sets, and insists that there is one.
    pub fn cookie(&self) -> SetCookie {
        let mut cookies = self.cookies();
        assert_eq!(cookies.len(), 1, "one cookie expected in {self:?}");
        cookies.remove(0)
    }
}

/// A `Set-Cookie` header, split at its octets and not decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetCookie {
    /// The cookie's name.
    pub name: String,
    /// The cookie's value as sent.
    pub value: String,
    /// The attributes as sent, in order.
    pub attributes: Vec<String>,
}

impl SetCookie {
    fn parse(header: &str) -> Self {
        let mut parts = header.split(';').map(|part| part.trim_matches([' ', '\t']));
        let pair = parts.next().expect("`split` yields at least one part");
        let (name, value) = pair.split_once('=').expect("a cookie has a name and a value");
        Self {
            name: name.to_owned(),
            value: value.to_owned(),
            attributes: parts.map(str::to_owned).collect(),
        }
    }

    /// Returns `name=value`, as a client sends it back.
    pub fn pair(&self) -> String {
        format!("{}={}", self.name, self.value)
    }

    /// Returns the bytes of name and value together, which browsers limit to 4096.
    pub fn size(&self) -> usize {
        self.name.len() + self.value.len()
    }

    /// Returns whether the attribute was sent, spelt as given, with its value if it has one.
    pub fn has(&self, attribute: &str) -> bool {
        self.attributes.iter().any(|other| other.eq_ignore_ascii_case(attribute))
    }
}
