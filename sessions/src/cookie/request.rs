//! Reading the cookies of one name from a request.

use std::{collections::HashSet, fmt};

use memchr::{memchr, memchr_iter};

/// How many different cookies of one name are tried: more than any browser keeps for a site, so that
/// an attacker on a sibling domain, who can add cookies in front, hides none.
const MAX_VALUES: usize = 1_000;
/// How many of them need no allocation.
const INLINE: usize = 2;

/// The values of the cookies with the session's name: in the order of the request, without
/// duplicates, at most 1,000.
///
/// Names are compared as bytes: nothing is percent-decoded, and only space and tab are trimmed. A
/// pair without `=` or without a name is ignored, and a malformed pair does not hide another. A value
/// between double quotes is the value within: the two forms of RFC 6265, 4.1.1, of which clients of
/// RFC 2109 send the quoted one, and which Werkzeug reads as one, too.
#[derive(Clone, Default)]
pub struct CookieValues<'r> {
    few: [&'r [u8]; INLINE],
    len: usize,
    /// All of them, if they are more than `few` holds.
    many: Vec<&'r [u8]>,
    /// How many came, duplicates and those beyond the limit included.
    sent: usize,
}

impl<'r> CookieValues<'r> {
    /// Finds the cookies called `name` in the `Cookie` headers, in one pass.
    ///
    /// A request may carry several `Cookie` headers: HTTP/2 and HTTP/3 split them (RFC 9113,
    /// 8.2.3).
    pub fn find(headers: impl Iterator<Item = &'r [u8]>, name: &str) -> Self {
        let mut found = Self::default();
        // Only where many came: comparing each with all would take the square of their number.
        let mut known = None;
        for pair in headers.flat_map(pairs) {
            let Some(value) = value_of(pair, name.as_bytes()) else { continue };
            found.sent += 1;
            if found.len < INLINE {
                if !found.as_slice().contains(&value) {
                    found.push(value);
                }
            } else if found.len < MAX_VALUES {
                found.push_beyond_few(value, &mut known);
            }
        }
        found
    }

    #[cold]
    fn push_beyond_few(&mut self, value: &'r [u8], known: &mut Option<HashSet<&'r [u8]>>) {
        let known = known.get_or_insert_with(|| self.iter().collect());
        if known.insert(value) {
            self.push(value);
        }
    }

    /// Returns these values except `value`.
    #[cfg(feature = "import-actix-session")]
    pub(crate) fn without(&self, value: &[u8]) -> Self {
        let mut others = Self { sent: self.sent, ..Self::default() };
        for other in self.iter().filter(|other| *other != value) {
            others.push(other);
        }
        others
    }

    fn push(&mut self, value: &'r [u8]) {
        match self.few.get_mut(self.len) {
            Some(place) => *place = value,
            None => {
                if self.many.is_empty() {
                    self.many.extend(self.few);
                }
                self.many.push(value);
            }
        }
        self.len += 1;
    }

    /// Returns the values as a slice.
    pub fn as_slice(&self) -> &[&'r [u8]] {
        if self.many.is_empty() { &self.few[..self.len] } else { &self.many }
    }

    /// Iterates over the values.
    pub fn iter(&self) -> impl Iterator<Item = &'r [u8]> {
        self.as_slice().iter().copied()
    }

    #[cfg(feature = "import-actix-session")]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Whether the browser has several cookies of this name, even if their values are the same or
    /// left out here.
    pub(crate) fn are_several(&self) -> bool {
        self.sent > 1
    }

    /// Whether the request carries no cookie of this name.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl fmt::Debug for CookieValues<'_> {
    /// Shows the number of values, but none of them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CookieValues").field("len", &self.len).finish_non_exhaustive()
    }
}

fn pairs(header: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    memchr_iter(b';', header).chain([header.len()]).map(move |end| {
        let pair = &header[start..end];
        start = end + 1;
        pair
    })
}

fn value_of<'r>(pair: &'r [u8], name: &[u8]) -> Option<&'r [u8]> {
    let pair = trim(pair);
    // The fast path compares the position of `=`: most cookies of a request have other names.
    if *pair.get(name.len())? == b'=' && pair.starts_with(name) {
        return Some(unquoted(trim(&pair[name.len() + 1..])));
    }
    let equals = memchr(b'=', pair)?;
    (trim(&pair[..equals]) == name).then(|| unquoted(trim(&pair[equals + 1..])))
}

/// Returns the value between a pair of double quotes, as it is: a token needs no escapes.
fn unquoted(value: &[u8]) -> &[u8] {
    if let [b'"', value @ .., b'"'] = value { value } else { value }
}

/// Trims space and tab only: trimming more would accept other names as the session's.
fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::CookieValues;

    fn find<'r>(headers: &[&'r [u8]], name: &str) -> Vec<&'r [u8]> {
        CookieValues::find(headers.iter().copied(), name).iter().collect()
    }

    #[test]
    fn finds_the_cookie_wherever_it_stands() {
        let forms: [&[&[u8]]; 8] = [
            &[b"id=a"],
            &[b"x=1; id=a"],
            &[b"id=a; x=1"],
            &[b"x=1;id=a;y=2"],
            &[b"  id=a\t"],
            &[b"id = a"],
            &[b"x=1", b"y=2; id=a"],
            &[b";;; id=a;"],
        ];
        for headers in forms {
            assert_eq!(find(headers, "id"), [b"a"], "{headers:?}");
        }
    }

    #[test]
    fn a_broken_neighbour_hides_nothing() {
        let huge = [b"x=", vec![b'v'; 120_000].as_slice(), b"; id=a"].concat();
        let many = [b"x=1; ".repeat(5_000).as_slice(), b"id=a"].concat();
        let broken: [&[u8]; 7] = [
            b"\xff\xfe; id=a",
            b"novalue; id=a",
            b"=; id=a",
            b"=x; id=a",
            b"x=\"; id=a; y=\"",
            &huge,
            &many,
        ];
        for header in broken {
            assert_eq!(find(&[header], "id"), [b"a"]);
        }
    }

    #[test]
    fn names_are_bytes() {
        let name = "__Host-id";
        let mut forged: Vec<Vec<u8>> = vec![
            b"__%48ost-id=evil".to_vec(),
            b"__host-id=evil".to_vec(),
            b"=__Host-id=evil".to_vec(),
            b"__Host-id".to_vec(),
            b"__Host-id2=evil".to_vec(),
            b"x__Host-id=evil".to_vec(),
            b"\"__Host-id\"=evil".to_vec(),
        ];
        for (at, byte) in name.bytes().enumerate() {
            forged.push(format!("{}%{byte:02x}{}=evil", &name[..at], &name[at + 1..]).into_bytes());
            forged.push(format!("{}%{byte:02X}{}=evil", &name[..at], &name[at + 1..]).into_bytes());
        }
        let not_trimmed =
            (0_u8..=0xff).map(char::from).chain((0x80..=0xffff).filter_map(char::from_u32));
        for white in not_trimmed
            .filter(|c| c.is_whitespace() || c.is_control())
            .filter(|c| !" \t".contains(*c))
        {
            forged.push(format!("{white}{name}=evil").into_bytes());
            forged.push(format!("{name}{white}=evil").into_bytes());
        }
        for header in forged {
            assert_eq!(
                find(&[&header], name),
                Vec::<&[u8]>::new(),
                "{}",
                String::from_utf8_lossy(&header)
            );
        }
    }

    #[test]
    fn legacy_syntax_has_no_meaning() {
        let header = b"$Version=1; a=\"x; __Host-id=evil; y\"";
        assert_eq!(find(&[header], "__Host-id"), [b"evil"]);
        assert_eq!(find(&[header], "a"), [b"\"x"]);
    }

    #[test]
    fn takes_each_value_once_and_at_most_a_thousand() {
        for count in [1, 2, 3, 4, 9, 10, 100, 999, 1_000, 1_001, 2_000] {
            let header: Vec<u8> =
                (0..2 * count).flat_map(|n| format!("id={}; ", n / 2).into_bytes()).collect();
            let expected: Vec<String> = (0..count.min(1_000)).map(|n| n.to_string()).collect();
            let values = CookieValues::find([header.as_slice()].into_iter(), "id");
            assert_eq!(
                values.as_slice(),
                expected.iter().map(String::as_bytes).collect::<Vec<_>>(),
                "{count}"
            );
            assert!(values.are_several() && !values.is_empty());
        }
    }

    #[test]
    fn a_duplicate_is_found_however_far_apart() {
        for count in [2, 3, 5, 9, 500] {
            let values: String = (0..count).fold(String::new(), |all, n| format!("{all}id={n}; "));
            let header = format!("{values}{values}");
            assert_eq!(find(&[header.as_bytes()], "id").len(), count);
        }
    }

    #[test]
    fn quotes_around_a_value_are_no_part_of_it() {
        for header in ["id=\"a\"", "id = \"a\" ", "x=1; id=\"a\"; id=a", "id=a; id=\"a\""] {
            assert_eq!(find(&[header.as_bytes()], "id"), [b"a"], "{header}");
        }
        for value in ["\"a", "a\"", "\"", "a\"b", "'a'"] {
            let header = format!("id={value}");
            assert_eq!(find(&[header.as_bytes()], "id"), [value.as_bytes()], "{header}");
        }
        assert_eq!(find(&[b"id=\"\""], "id"), [b""]);
        assert_eq!(find(&[b"id=\"\"a\"\""], "id"), [b"\"a\""]);
    }

    #[cfg(feature = "import-actix-session")]
    #[test]
    fn values_are_left_out_of_few_and_of_many() {
        for count in [2, 3, 4, 9, 20] {
            let header: String = (0..count).fold(String::new(), |all, n| format!("{all}id={n}; "));
            let values = CookieValues::find([header.as_bytes()].into_iter(), "id");
            let others = values.without(b"1");
            assert_eq!(others.len(), count - 1);
            assert!(!others.as_slice().contains(&b"1".as_slice()) && others.are_several());
        }
    }
}
