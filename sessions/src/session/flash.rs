//! Messages for the next page.

use super::rerun::Rerun;
use crate::{
    dictionary::{Dictionary, FLASHES, Format},
    error::SessionError,
};

/// A message to be put behind those that are there. They stay the text they are: another program
/// may have written them.
pub(super) struct Flash {
    pub(super) category: String,
    pub(super) message: String,
}

impl Rerun for Flash {
    type Loaded = (Format, Option<String>);
    type Outcome = String;
    type Answer = ();

    fn load(&self, dictionary: &Dictionary) -> Result<Self::Loaded, SessionError> {
        Ok((dictionary.format(), dictionary.raw(FLASHES).map(Into::into)))
    }

    fn run(&self, (format, flashes): Self::Loaded) -> Result<(String, ()), SessionError> {
        let flash = (self.category.as_str(), self.message.as_str());
        let flashes = format.append_flash(flashes.as_deref(), flash).ok_or_else(|| {
            let source = serde::de::Error::custom("expected a list of messages");
            SessionError::Decode { key: FLASHES.into(), source }
        })?;
        Ok((flashes, ()))
    }

    fn apply(&self, outcome: String, dictionary: &mut Dictionary) -> Result<(), SessionError> {
        dictionary.insert_json(FLASHES, outcome)
    }
}
