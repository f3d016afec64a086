//! Finds secrets in a dump of the store and in the log, where none may be.

use std::collections::HashSet;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

/// Characters of each half of a token.
const HALF: usize = 22;

/// What is searched for, by its length.
#[derive(Default)]
pub(super) struct Secrets(Vec<(usize, HashSet<Vec<u8>>)>);

impl Secrets {
    /// Takes tokens, `selector.verifier` with a signature or without, in every form: the text of
    /// each half, its bytes, and the text in base64 once more.
    pub(super) fn of_tokens(tokens: &HashSet<String>) -> Self {
        let mut secrets = Self::default();
        for token in tokens {
            let halves = token.as_bytes();
            for half in [&halves[..HALF], &halves[HALF + 1..=2 * HALF]] {
                secrets.add(half.to_vec());
                secrets.add(URL_SAFE_NO_PAD.decode(half).expect("half a token"));
                // As far as what follows does not change it.
                let whole = half.len() / 3 * 3;
                secrets.add(STANDARD_NO_PAD.encode(&half[..whole]).into_bytes());
            }
        }
        secrets
    }

    /// Takes a secret key in every form.
    pub(super) fn add_key(&mut self, key: &[u8]) {
        self.add(key.to_vec());
        self.add(STANDARD_NO_PAD.encode(key).into_bytes());
        self.add(URL_SAFE_NO_PAD.encode(key).into_bytes());
        let digit = |half: u8| char::from_digit(half.into(), 16).expect("it is below 16");
        let hex = key.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
        self.add(hex.collect::<String>().into_bytes());
    }

    fn add(&mut self, secret: Vec<u8>) {
        let length = secret.len();
        match self.0.iter_mut().find(|(of, _)| *of == length) {
            Some((_, secrets)) => {
                secrets.insert(secret);
            }
            None => self.0.push((length, HashSet::from([secret]))),
        }
    }

    /// Returns how many places hold one.
    pub(super) fn found_in(&self, text: &[u8]) -> usize {
        let found = |(length, secrets): &(usize, HashSet<Vec<u8>>)| {
            text.windows(*length).filter(|window| secrets.contains(*window)).count()
        };
        self.0.iter().map(found).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use base64::{Engine, engine::general_purpose::STANDARD};

    use super::{HALF, Secrets};

    #[test]
    fn every_form_of_a_token_and_of_a_key_is_found() {
        let (selector, verifier) = ("abcdefghijklmnopqrstuA", "ABCDEFGHIJKLMNOPQRSTUQ");
        let token = format!("{selector}.{verifier}.signature");
        let mut secrets = Secrets::of_tokens(&HashSet::from([token.clone()]));
        secrets.add_key(b"a key of some bytes");
        let found = |text: &[u8]| secrets.found_in(&[b"some text ", text, b" and more"].concat());
        assert_eq!(found(b""), 0);
        assert_eq!(found(&token.as_bytes()[1..HALF]), 0, "a cut half");
        assert_eq!(found(token.as_bytes()), 2);
        assert_eq!(found(STANDARD.encode(verifier).as_bytes()), 1);
        assert_eq!(found(b"a key of some bytes"), 1);
        assert_eq!(found(STANDARD.encode("a key of some bytes").as_bytes()), 1);
        assert_eq!(found(b"61206b6579206f6620736f6d65206279746573"), 1);
    }
}
