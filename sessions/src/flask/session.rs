//! The top-level dictionary of a Flask session, which may look like a tag and is then escaped.

use crate::{
    codec::{
        flask::{
            canonical::{self, Dicts},
            tag::Tag,
        },
        json_scan,
    },
    dictionary::{Dictionary, Format},
};

/// Returns the JSON of a session as Flask writes it, with one more member.
pub(crate) fn session_to_json(dictionary: &Dictionary, more: Option<(&str, &str)>) -> String {
    let dicts = match dictionary.format() {
        Format::Flask => Dicts::Tagged,
        Format::Json => Dicts::Plain,
    };
    let members = dictionary.members().chain(more);
    canonical::dictionary(members, dictionary.surrogate_members(), dicts)
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
