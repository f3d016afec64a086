//! What the sessions hold.

/// A key and its value. Everything is text but the key that the workloads read and write.
pub enum Value {
    /// A counter, of two digits.
    Number(u64),
    /// Any text.
    Text(String),
}

/// The key that the workloads read and write.
pub const COUNTER: &str = "visits";

/// The other two keys of the small session.
pub const CSRF: (&str, &str) = ("csrf", "Zx3pQ7vLk2Rt9wYb5nHd8sJf4mGc6aUe1oKiTqXhVz");
/// The other two keys of the small session.
pub const USER: (&str, &str) = ("user", "7f9c2ba4-e88f-4827-a3f0-1c5d3b2a9e64");

/// Three keys, 111 bytes of JSON.
pub fn small() -> Vec<(String, Value)> {
    vec![text_member(CSRF), text_member(USER), (COUNTER.to_owned(), Value::Number(41))]
}

/// Twenty keys, 2,048 bytes of JSON.
pub fn large() -> Vec<(String, Value)> {
    of_size(2_048)
}

/// The counter, and as many keys of about a hundred bytes as make `bytes` of JSON.
pub fn of_size(bytes: usize) -> Vec<(String, Value)> {
    // {"visits":41}
    let mut left = bytes - 13;
    let mut members = vec![(COUNTER.to_owned(), Value::Number(41))];
    while left > 0 {
        let name = format!("field{:02}", members.len());
        // "field01":"…",
        let frame = name.len() + 6;
        let member = if left < 214 { left } else { 107 };
        members.push((name, Value::Text(text(member - frame))));
        left -= member;
    }
    members
}

/// Returns the JSON of such members.
pub fn json(members: &[(String, Value)]) -> String {
    let members = members.iter().map(|(key, value)| match value {
        Value::Number(number) => format!("\"{key}\":{number}"),
        Value::Text(text) => format!("\"{key}\":\"{text}\""),
    });
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

fn text_member((key, text): (&str, &str)) -> (String, Value) {
    (key.to_owned(), Value::Text(text.to_owned()))
}

fn text(length: usize) -> String {
    "The quick brown fox jumps over the lazy dog; ".chars().cycle().take(length).collect()
}

#[cfg(test)]
mod tests {
    use super::{json, large, of_size, small};

    #[test]
    fn payloads_are_of_the_size_they_say() {
        assert_eq!((small().len(), json(&small()).len()), (3, 111));
        assert_eq!((large().len(), json(&large()).len()), (20, 2_048));
        for bytes in [100, 200, 500, 1_000, 3_000, 4_000] {
            assert_eq!(json(&of_size(bytes)).len(), bytes);
        }
    }
}
