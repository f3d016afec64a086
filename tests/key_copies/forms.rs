//! The forms in which a key may be left in memory.

use std::{collections::BTreeMap, fmt::Write};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE},
};

/// How long a piece of a form is found, in bytes: an eighth of the shortest key in hexadecimal digits,
/// a quarter of it as it is.
const PIECE: usize = 8;

/// Pieces of a key in every form.
#[derive(Debug, Default)]
pub struct Forms {
    pieces: BTreeMap<[u8; PIECE], &'static str>,
}

impl Forms {
    /// Returns the forms of a key.
    pub fn of(key: &[u8]) -> Self {
        let mut forms = Self::default();
        forms.add_key(key);
        forms
    }

    /// Adds a key, or what is derived from it, in every form.
    ///
    /// # Panics
    ///
    /// Never: a text is JSON.
    pub fn add_key(&mut self, key: &[u8]) {
        let hex = hex(key);
        self.add("as it is", key);
        self.add("hexadecimal", hex.as_bytes());
        self.add("hexadecimal, upper case", hex.to_uppercase().as_bytes());
        // A text that it is part of shifts base64 by none, one or two bytes.
        for shift in 0..3 {
            let shifted = [&b"--"[..shift], key].concat();
            for text in [STANDARD.encode(&shifted), URL_SAFE.encode(&shifted)] {
                self.add("base64", &text.as_bytes()[shift + 1..]);
            }
        }
        self.add("lower case", &key.to_ascii_lowercase());
        self.add("upper case", &key.to_ascii_uppercase());
        let letters: Vec<u8> = key.iter().copied().filter(u8::is_ascii_alphanumeric).collect();
        self.add("letters and digits", &letters);
        self.add("letters and digits, lower case", &letters.to_ascii_lowercase());
        // The two pads of HMAC.
        for pad in [0x36, 0x5c] {
            let padded: Vec<u8> = key.iter().map(|byte| byte ^ pad).collect();
            self.add("padded for HMAC", &padded);
        }
        self.add("a list of numbers", format!("{key:?}").as_bytes());
        if let Ok(text) = str::from_utf8(key) {
            let json = serde_json::to_string(text).expect("a text is JSON");
            self.add("JSON", json.as_bytes());
            self.add("JSON, all escaped", escaped(text).as_bytes());
        }
    }

    /// Adds the pieces of one form.
    pub fn add(&mut self, form: &'static str, bytes: &[u8]) {
        // Zeros and the like are everywhere.
        let is_plain = |piece: &[u8; PIECE]| piece.iter().all(|byte| *byte == piece[0]);
        for piece in pieces(bytes).filter(|piece| !is_plain(piece)) {
            self.pieces.entry(*piece).or_insert(form);
        }
    }

    /// Returns the forms of which there are pieces in this memory, and how many.
    pub fn found_in(&self, memory: &[u8]) -> BTreeMap<&'static str, usize> {
        let mut found = BTreeMap::new();
        for piece in pieces(memory) {
            if let Some(form) = self.pieces.get(piece) {
                *found.entry(*form).or_default() += 1;
            }
        }
        found
    }
}

/// Returns the bytes as hexadecimal digits.
///
/// # Panics
///
/// Never: writing to a string does not fail.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("writing to a string does not fail");
        hex
    })
}

/// Returns the text as a JSON string without its quotes, with every character as an escape.
///
/// # Panics
///
/// Never: writing to a string does not fail.
pub fn escaped(text: &str) -> String {
    text.encode_utf16().fold(String::new(), |mut escaped, unit| {
        write!(escaped, "\\u{unit:04x}").expect("writing to a string does not fail");
        escaped
    })
}

fn pieces(bytes: &[u8]) -> impl Iterator<Item = &[u8; PIECE]> {
    bytes.windows(PIECE).filter_map(<[u8]>::first_chunk)
}
