//! A member as the session's JSON has it.

/// The text of a member: its key in quotes, a colon, and the JSON text of its value.
pub(crate) struct Member {
    text: String,
    value_at: usize,
}

impl Member {
    pub(crate) fn new(key: &str, json: &str) -> Self {
        let mut text = String::with_capacity(key.len() + "\"\":".len() + json.len());
        push_key(key, &mut text);
        let value_at = text.len();
        text.push_str(json);
        Self { text, value_at }
    }

    /// Takes a text whose value begins at this place.
    pub(super) fn from_text(text: String, value_at: usize) -> Self {
        Self { text, value_at }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Returns the JSON text of the value.
    pub(crate) fn value(&self) -> &str {
        &self.text[self.value_at..]
    }

    pub(super) fn into_value(mut self) -> String {
        self.text.drain(..self.value_at);
        self.text
    }

    /// Changes the text from the given byte on, where the value begins.
    pub(super) fn change_value<R>(&mut self, change: impl FnOnce(&mut String, usize) -> R) -> R {
        change(&mut self.text, self.value_at)
    }

    /// Returns the key as it is written, without its quotes.
    pub(super) fn plain_key(&self) -> &str {
        &self.text["\"".len()..self.value_at - "\":".len()]
    }

    /// Whether this key, which is the member's own, needs no escape.
    pub(super) fn is_plain(&self, key: &str) -> bool {
        self.value_at == key.len() + "\"\":".len()
    }
}

/// Returns a key as JSON.
pub(crate) fn quoted(key: &str) -> String {
    serde_json::to_string(key).expect("a string is always valid JSON")
}

/// Appends a key in its quotes, and a colon.
pub(super) fn push_key(key: &str, text: &mut String) {
    if key.bytes().all(|byte| !matches!(byte, 0..b' ' | b'"' | b'\\')) {
        text.push('"');
        text.push_str(key);
        text.push_str("\":");
    } else {
        text.push_str(&quoted(key));
        text.push(':');
    }
}
