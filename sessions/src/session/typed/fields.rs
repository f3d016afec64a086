//! The fields of a serialised struct, each as JSON text.

use std::any::type_name;

use serde::Serialize;

use super::unwritable::unwritable_field;
use crate::{
    dictionary::{Dictionary, Format, same_value},
    error::SessionError,
    state::is_hidden,
};

/// The fields of a struct, in a dictionary.
pub(super) struct Fields(Dictionary);

impl Fields {
    /// # Errors
    ///
    /// [`SessionError::Encode`] when a field cannot be written, and [`SessionError::Data`] when the
    /// type does not serialise to a JSON object.
    pub(super) fn of<T: Serialize>(data: &T, format: Format) -> Result<Self, SessionError> {
        let wrong = |source| SessionError::Data { data: type_name::<T>(), source };
        let json = format.write(data).map_err(|err| match unwritable_field(data, format) {
            Some((key, source)) => SessionError::Encode { key, source },
            None => wrong(err.into()),
        })?;
        let mut fields = Dictionary::from_json(json).map_err(|err| wrong(err.into()))?;
        fields.set_format(format);
        Ok(Self(fields))
    }

    pub(super) fn get(&self, field: &str) -> Option<&str> {
        self.0.raw(field)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.members().map(|(key, _)| key)
    }

    /// Returns the keys whose values differ in `after`, with the new value, or `None` for a removed
    /// key. A field under a key that no accessor shows is passed over.
    pub(super) fn changed_to(&self, after: &Self) -> Vec<(Box<str>, Option<String>)> {
        let set = after
            .0
            .members()
            .filter(|(key, json)| !self.get(key).is_some_and(|before| same_value(before, json)));
        let removed = self.0.members().filter(|(key, _)| after.get(key).is_none());
        set.map(|(key, json)| (key.into(), Some(json.into())))
            .chain(removed.map(|(key, _)| (key.into(), None)))
            .filter(|(key, _): &(Box<str>, Option<String>)| !is_hidden(key))
            .collect()
    }
}
