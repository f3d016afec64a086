//! The syntax of IP addresses, checked in constants, where the parsers of `std` cannot run.

/// Four decimal parts of 0 to 255 without leading zeros.
pub(crate) const fn is_ipv4(text: &[u8]) -> bool {
    let (mut parts, mut digits, mut value) = (1, 0, 0_u32);
    let mut rest = text;
    while let [byte, tail @ ..] = rest {
        match *byte {
            b'0'..=b'9' if digits == 0 || value != 0 => {
                digits += 1;
                value = value * 10 + (*byte - b'0') as u32;
                if value > 255 {
                    return false;
                }
            }
            b'.' if digits > 0 => (parts, digits, value) = (parts + 1, 0, 0),
            _ => return false,
        }
        rest = tail;
    }
    parts == 4 && digits > 0
}

/// Eight groups of one to four hexadecimal digits, or fewer with one `::`.
///
/// The form that ends in an IPv4 address is left out: browsers rewrite it into groups (WHATWG URL, "IPv6 serializer"),
/// so a cookie with it would match no host.
pub(crate) const fn is_ipv6(text: &[u8]) -> bool {
    let (mut groups, mut digits, mut shortened) = (0, 0, false);
    let mut rest = text;
    while let [byte, tail @ ..] = rest {
        rest = tail;
        match *byte {
            b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F' if digits < 4 => {
                if digits == 0 {
                    groups += 1;
                }
                digits += 1;
            }
            b':' => {
                match tail {
                    [b':', after @ ..] if !shortened => (shortened, rest) = (true, after),
                    [b':', ..] | [] => return false,
                    _ if digits == 0 => return false,
                    _ => {}
                }
                digits = 0;
            }
            _ => return false,
        }
    }
    if shortened { groups < 8 } else { groups == 8 }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    #[test]
    fn agrees_with_std_on_ipv4() {
        // Every text of one to five of these parts, and some of one byte too many.
        let parts = ["", "0", "9", "255", "256", "01", "a"];
        let agrees = |text: &str| {
            assert_eq!(is_ipv4(text.as_bytes()), text.parse::<Ipv4Addr>().is_ok(), "{text}");
        };
        for count in 1..=5 {
            for code in 0..parts.len().pow(count) {
                agrees(&nth_join(&parts, code, count, "."));
            }
        }
        for text in ["1.2.3.4 ", " 1.2.3.4", "1.2.3.4\n", "1.2.3.4444444444444", "+1.2.3.4"] {
            agrees(text);
        }
    }

    #[test]
    fn agrees_with_std_on_ipv6() {
        let agrees = |text: &str| {
            assert_eq!(is_ipv6(text.as_bytes()), text.parse::<Ipv6Addr>().is_ok(), "{text}");
        };
        // Every text of one to nine of these groups; "12345" has one digit too many.
        let groups = ["", "1", "ffff", "12345"];
        for count in 1..=9 {
            for code in 0..groups.len().pow(count) {
                agrees(&nth_join(&groups, code, count, ":"));
            }
        }
        for text in ["::", ":::", "g::", "::1%eth0", "FE80::A", " ::1", "::1 "] {
            agrees(text);
        }
    }

    /// The `code`-th text of `count` of these pieces.
    fn nth_join(pieces: &[&str], code: usize, count: u32, separator: &str) -> String {
        (0..count)
            .map(|at| pieces[code / pieces.len().pow(at) % pieces.len()])
            .collect::<Vec<_>>()
            .join(separator)
    }
}
