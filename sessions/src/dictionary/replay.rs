//! The change set, applied to a newer state.

use super::{Dictionary, Edit, Update};
use crate::error::SessionError;

impl Dictionary {
    /// Applies this request's changes to a newer state of the same session: sets and removals as
    /// they are, closures of `update` run again, and of a `clear` only what nobody else has
    /// changed. For interfaces that save to a store which more than one request can write.
    ///
    /// # Errors
    ///
    /// Those of the closures: a value that is by now of another type, for instance.
    pub fn replay_onto(&self, newer: &mut Dictionary) -> Result<(), SessionError> {
        newer.state.writable()?;
        for entry in &self.entries {
            let key = entry.key(&self.payload);
            match &entry.edit {
                Edit::Kept => {}
                Edit::Set(json) => newer.put(key, json.clone(), None),
                Edit::Removed => {
                    newer.take_out(key);
                }
                Edit::Cleared => {
                    let base = entry.base.map(|span| span.of(&self.payload));
                    if newer.stored(key) == base {
                        newer.take_out(key);
                    }
                }
                Edit::Updated { updates, .. } => {
                    for update in updates {
                        let json = update(newer.stored(key))?;
                        newer.put(key, json, Some(Update::clone(update)));
                    }
                }
            }
        }
        Ok(())
    }
}
