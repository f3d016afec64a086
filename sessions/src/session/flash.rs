//! Messages for the next page: Flask's `flash`.

use super::{Session, SessionSelector, replay::Replayable};
use crate::{
    dictionary::{Dictionary, Format},
    error::{SessionError, ValueError},
    state::SessionState,
};

/// The key of the messages, as in Flask.
const FLASHES: &str = "_flashes";

/// # Messages for the next page
impl<I: SessionSelector> Session<I> {
    /// Adds a message for the next page, in a category of your choice: Flask's `flash`.
    ///
    /// # Errors
    ///
    /// Those of [`update`](Self::update).
    ///
    /// # Examples
    ///
    /// ```
    /// # use sessions::{Session, SessionError};
    /// fn saved(session: &Session) -> Result<(), SessionError> {
    ///     session.flash("success", "Your changes are saved.")
    /// }
    /// ```
    pub fn flash(
        &self,
        category: impl Into<String>,
        message: impl Into<String>,
    ) -> Result<(), SessionError> {
        self.run_update(Flash { category: category.into(), message: message.into() })
    }

    /// Removes and returns the messages that [`flash`](Self::flash) added, as pairs of category and
    /// message, oldest first. When there are none, the session is not changed.
    ///
    /// # Errors
    ///
    /// Those of [`take`](Self::take).
    pub fn take_flashes(&self) -> Result<Vec<(String, String)>, SessionError> {
        if !self.contains_key(FLASHES) {
            return Ok(Vec::new());
        }
        Ok(self.take(FLASHES)?.unwrap_or_default())
    }
}

/// Appends a message to the list. The messages in it are kept as text, since another program may
/// have written them.
struct Flash {
    category: String,
    message: String,
}

impl Replayable for Flash {
    type Loaded = (Format, Option<String>);
    type Outcome = String;
    type Answer = ();

    fn check(&self, state: &SessionState) -> Result<(), SessionError> {
        state.check_writable(FLASHES)
    }

    fn load(&self, dictionary: &Dictionary) -> Result<Self::Loaded, SessionError> {
        Ok((dictionary.format(), dictionary.raw(FLASHES).map(Into::into)))
    }

    fn run(&self, (format, flashes): Self::Loaded) -> Result<(String, ()), SessionError> {
        let flash = (self.category.as_str(), self.message.as_str());
        let flashes = format.append_flash(flashes.as_deref(), flash).ok_or_else(|| {
            let source = ValueError::new("expected a list of messages");
            SessionError::Decode { key: FLASHES.into(), source }
        })?;
        Ok((flashes, ()))
    }

    fn apply(&self, outcome: String, dictionary: &mut Dictionary) -> Result<(), SessionError> {
        dictionary.insert_json(FLASHES, outcome)
    }
}
