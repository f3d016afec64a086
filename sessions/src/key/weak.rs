//! The check for weak keys.

use super::SecretKey;
use crate::error::KeyError;

/// The longest repeated pattern that makes a key weak, in bytes.
const LONGEST_PATTERN: usize = 16;

/// Words of examples and placeholders. A key of only such words is public knowledge.
const PLACEHOLDERS: [&str; 61] = [
    "abcdefghijklmnopqrstuvwxyz",
    "0123456789abcdef",
    "0123456789",
    "1234567890",
    "123456789",
    "12345678",
    "placeholder",
    "development",
    "production",
    "qwertyuiop",
    "asdfghjkl",
    "changeme",
    "password",
    "insecure",
    "randomly",
    "generated",
    "generate",
    "sessions",
    "security",
    "replace",
    "example",
    "default",
    "session",
    "testing",
    "unsafe",
    "secret",
    "random",
    "string",
    "cookie",
    "please",
    "signed",
    "change",
    "django",
    "flask",
    "actix",
    "bytes",
    "value",
    "chars",
    "least",
    "super",
    "local",
    "this",
    "that",
    "with",
    "your",
    "long",
    "here",
    "safe",
    "keep",
    "must",
    "test",
    "key",
    "for",
    "the",
    "dev",
    "not",
    "app",
    "123",
    "my",
    "32",
    "64",
];

/// How many other letters and digits a key of placeholders may have.
const MAX_OTHERS: usize = 6;

pub(crate) fn check(key: &[u8]) -> Result<(), KeyError> {
    if key.len() < SecretKey::MIN_LENGTH {
        return Err(KeyError::TooShort { length: key.len(), minimum: SecretKey::MIN_LENGTH });
    }
    let weak = |because| Err(KeyError::Weak { because });
    if is_repetition(key) {
        return weak("it repeats a short pattern");
    }
    if is_arithmetic(key) {
        return weak("its bytes are consecutive");
    }
    if is_placeholder(key) {
        return weak("it is made of words from examples");
    }
    Ok(())
}

fn is_repetition(key: &[u8]) -> bool {
    (1..=LONGEST_PATTERN)
        .any(|length| key.iter().zip(&key[length..]).all(|(one, next)| one == next))
}

fn is_arithmetic(key: &[u8]) -> bool {
    let step = key[1].wrapping_sub(key[0]);
    key.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) == step)
}

/// Compares letters and digits in any case. It keeps their positions only, since a text of them
/// would be a copy of the key.
fn is_placeholder(key: &[u8]) -> bool {
    if !key.is_ascii() {
        return false;
    }
    let mut others: Vec<usize> =
        (0..key.len()).filter(|at| key[*at].is_ascii_alphanumeric()).collect();
    for word in PLACEHOLDERS {
        remove_word(key, &mut others, word.as_bytes());
    }
    others.len() <= MAX_OTHERS
}

/// Removes the positions at which the word stands.
fn remove_word(key: &[u8], positions: &mut Vec<usize>, word: &[u8]) {
    let (mut at, mut kept) = (0, 0);
    while at < positions.len() {
        let is_word = positions.get(at..at + word.len()).is_some_and(|positions| {
            positions.iter().zip(word).all(|(at, letter)| key[*at].eq_ignore_ascii_case(letter))
        });
        if is_word {
            at += word.len();
        } else {
            positions[kept] = positions[at];
            (at, kept) = (at + 1, kept + 1);
        }
    }
    positions.truncate(kept);
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn refuses_weak_keys() {
        let weak: [&[u8]; 30] = [
            b"",
            b"secret",
            b"0123456789012345678901234567890",
            &[7; 31],
            &[0; 32],
            &[0xff; 64],
            &[b'a'; 32],
            b"abababababababababababababababab",
            b"changemechangemechangemechangeme",
            b"change-me-change-me-change-me-change-me",
            b"CHANGE_ME_please_this_is_not_a_secret!",
            b"secretsecretsecretsecretsecretsecret",
            b"your-secret-key-here-your-secret-key-here",
            b"replace this with a long random secret key",
            b"super-secret-key-for-development-only!!",
            b"my super secret session key, 32 bytes long",
            b"insecure-development-key-do-not-use-this",
            b"this-is-a-placeholder-for-your-secret-key",
            b"0123456789abcdef0123456789abcdef",
            b"0123456789abcdef0123456789abcdef0123",
            b"abcdefghijklmnopqrstuvwxyz0123456789",
            b"12345678901234567890123456789012",
            b"passwordpassword1234567890password",
            b"the default secret key must be changed",
            b"flask-secret-key-flask-secret-key-flask",
            b"django-insecure-secret-key-for-testing!",
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
            b"qwertyuiopasdfghjklqwertyuiopasdfghjkl",
            &[
                0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
                23, 24, 25, 26, 27, 28, 29, 30, 31,
            ],
            b"test-key-test-key-for-the-example-app-123",
        ];
        for key in weak {
            assert!(check(key).is_err(), "{}", String::from_utf8_lossy(key));
        }
    }

    #[test]
    fn takes_keys_with_32_bytes_of_their_own() {
        let good: [&[u8]; 5] = [
            "секретный ключ для примера".as_bytes(),
            b"3d6f45a5fc12445dbac2f59c3b6c7cb1d1c0b8a7e2f4936d5b8a7c6e9f012345",
            b"my-app-secret-key-Zk3vQ8rT1yWn5LxB7dGm",
            b"correct horse battery staple, twice over",
            &[
                0xd1, 0x3f, 0x00, 0x77, 0x9c, 0x21, 0xe5, 0x4a, 0x08, 0xbb, 0x66, 0xf2, 0x1d, 0x93,
                0xc0, 0x5e, 0x84, 0x39, 0xaf, 0x12, 0x70, 0xdd, 0x4b, 0x26, 0xf9, 0x81, 0x35, 0xce,
                0x0a, 0x57, 0xe8, 0x62,
            ],
        ];
        for key in good {
            assert_eq!(check(key).err().map(|err| err.to_string()), None);
        }
    }
}
