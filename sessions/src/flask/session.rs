//! The top-level dictionary of a Flask session, which may look like a tag and is then escaped.

use crate::{
    codec::{
        flask::{
            canonical::{self, Dicts, Member, Style},
            tag::Tag,
        },
        json_scan,
    },
    dictionary::{Dictionary, Format, Origin, WrittenKey},
};

/// What Flask's JSON provider is set to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JsonSettings {
    pub(crate) sort_keys: bool,
    pub(crate) ensure_ascii: bool,
}

/// Returns the JSON of a session as Flask writes it, with one more member. What the request did not
/// touch stays byte for byte and in its place.
pub(crate) fn session_to_json(
    dictionary: &Dictionary,
    settings: JsonSettings,
    more: Option<(&str, &str)>,
) -> String {
    let is_flask = dictionary.format() == Format::Flask;
    let style = Style {
        dicts: if is_flask { Dicts::Tagged } else { Dicts::Plain },
        // A text that is not ASCII was written by a Flask that does not escape.
        ascii: settings.ensure_ascii && !(is_flask && dictionary.was_opened_beyond_ascii()),
    };
    let mut written: Vec<_> = dictionary.written().collect();
    written.sort_by_key(|member| member.origin);
    let (mut opened, mut new) = (Vec::with_capacity(written.len()), Vec::new());
    for member in &written {
        match (member.origin, &member.key) {
            (Origin::Opened { is_changed: false, .. }, WrittenKey::Opened(text)) if is_flask => {
                opened.extend(Member::kept(text, member.value));
            }
            (_, WrittenKey::Opened(text)) => {
                opened.extend(Member::rewritten(text, member.value, style));
            }
            (_, WrittenKey::New(key)) => new.push(Member::new(key, member.value, style)),
        }
    }
    new.extend(more.map(|(key, json)| Member::new(key, json, style)));
    canonical::session(opened, new, settings.sort_keys)
}

/// Removes the escape of a session that looks like a tag. Returns `None` for a tagged value, which
/// is not a session.
pub(crate) fn unescape_session(json: String) -> Option<String> {
    let members = json_scan::member_list(&json)?;
    let [member] = members.as_slice() else { return Some(json) };
    let tag = Tag::of_key(&json[member.key.clone()]);
    if tag.is_none() {
        return Some(json);
    }
    let inner = tag.filter(|tag| *tag == Tag::Dict).map(|_| &json[member.value.clone()])?;
    let members = json_scan::member_list(inner)?;
    let [member] = members.as_slice() else { return None };
    let key = inner[member.key.clone()].strip_suffix("__")?;
    Some(format!("{{\"{key}\":{}}}", &inner[member.value.clone()]))
}
