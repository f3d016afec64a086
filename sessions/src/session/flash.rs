//! Messages for the next page: Flask's `flash`.

use std::{collections::HashMap, marker::PhantomData, sync::Arc};

use serde::{
    Serialize,
    de::{DeserializeOwned, IntoDeserializer},
};
use serde_json::Value;

use super::{Session, SessionSelector, replay::Replayable};
use crate::{
    codec::json_scan,
    dictionary::{Dictionary, Format, Replay},
    error::{SessionError, ValueError},
    state::{FLASHES, SessionState},
};

/// # Messages for the next page
impl<I: SessionSelector> Session<I> {
    /// Adds a message for the next page, in a category of your choice: Flask's `flash`. The category is a
    /// text, or what serialises as one, such as an enum without data.
    ///
    /// # Errors
    ///
    /// Those of [`insert`](Self::insert), [`SessionError::Encode`] when the category is no text, and
    /// [`SessionError::Decode`] when what another program wrote in place of the messages is not a list.
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
        category: impl Serialize,
        message: impl Into<String>,
    ) -> Result<(), SessionError> {
        let (category, message) = (category_text(&category)?, message.into());
        self.change(|state| state.append(FLASHES, |format| format.flash((&category, &message))))
    }

    /// Removes and returns the messages that [`flash`](Self::flash) added, as pairs of category and
    /// message, oldest first. When there are none, the session is not changed.
    ///
    /// With a server-side store, a message that another request adds meanwhile stays for the next
    /// page. A message may be shown twice, by two requests at the same time.
    ///
    /// # Errors
    ///
    /// Those of [`remove`](Self::remove), and [`SessionError::Decode`] when the messages are not pairs
    /// of texts, as those of another program may be; the session then keeps them.
    pub fn take_flashes(&self) -> Result<Vec<(String, String)>, SessionError> {
        self.take_flashes_as()
    }

    /// Like [`take_flashes`](Self::take_flashes), with categories of your own type, such as an enum of levels.
    ///
    /// # Errors
    ///
    /// Those of [`take_flashes`](Self::take_flashes). A category that is not of this type is one too, and the
    /// session keeps the messages: where others write messages, give the enum a variant with
    /// `#[serde(other)]`. Flask's default category is `message`.
    ///
    /// # Examples
    ///
    /// ```
    /// use serde::{Deserialize, Serialize};
    /// use sessions::{Session, SessionError};
    ///
    /// #[derive(Serialize, Deserialize)]
    /// #[serde(rename_all = "lowercase")]
    /// enum Level {
    ///     Success,
    ///     Warning,
    ///     #[serde(other)]
    ///     Message,
    /// }
    ///
    /// fn saved(session: &Session) -> Result<(), SessionError> {
    ///     session.flash(Level::Success, "Your changes are saved.")
    /// }
    ///
    /// fn messages(session: &Session) -> Result<Vec<(Level, String)>, SessionError> {
    ///     session.take_flashes_as()
    /// }
    /// ```
    pub fn take_flashes_as<C>(&self) -> Result<Vec<(C, String)>, SessionError>
    where
        C: DeserializeOwned + 'static,
    {
        if !self.contains_key(FLASHES) {
            return Ok(Vec::new());
        }
        let taken = self.run_update(TakeFlashes(PhantomData::<fn() -> C>))?;
        let messages = taken.into_iter().map(|taken| (taken.category, taken.stored.1));
        Ok(messages.collect())
    }
}

/// Returns the text that a category serialises as.
fn category_text(category: &impl Serialize) -> Result<String, SessionError> {
    match serde_json::to_value(category) {
        Ok(Value::String(text)) => Ok(text),
        _ => {
            let source = ValueError::new("the category of a message is not a text");
            Err(SessionError::Encode { key: FLASHES.into(), source })
        }
    }
}

/// A message that is taken: as it was stored, and its category.
struct Taken<C> {
    stored: (String, String),
    category: C,
}

impl<C: DeserializeOwned> Taken<C> {
    fn of(stored: (String, String)) -> Result<Self, SessionError> {
        let category = C::deserialize(stored.0.as_str().into_deserializer());
        let category = category.map_err(|err: serde_json::Error| {
            let source = ValueError::from(err);
            SessionError::Decode { key: FLASHES.into(), source }
        })?;
        Ok(Self { stored, category })
    }
}

/// Removes the messages. On a newer state, those that were returned and no others.
struct TakeFlashes<C>(PhantomData<fn() -> C>);

impl<C: DeserializeOwned + 'static> Replayable for TakeFlashes<C> {
    type Loaded = (Format, Option<String>);
    type Outcome = ();
    type Answer = Vec<Taken<C>>;

    fn key(&self) -> Option<&str> {
        Some(FLASHES)
    }

    fn check(&self, state: &SessionState) -> Result<(), SessionError> {
        state.check_writable(FLASHES)
    }

    fn load(&self, dictionary: &Dictionary) -> Result<Self::Loaded, SessionError> {
        Ok((dictionary.format(), dictionary.raw(FLASHES).map(Into::into)))
    }

    fn run(&self, (format, flashes): Self::Loaded) -> Result<((), Self::Answer), SessionError> {
        let stored: Vec<_> =
            flashes.map_or(Ok(Vec::new()), |json| format.decode(FLASHES, &json))?;
        Ok(((), stored.into_iter().map(Taken::of).collect::<Result<_, _>>()?))
    }

    fn apply(&self, (): (), dictionary: &mut Dictionary) -> Result<(), SessionError> {
        dictionary.remove(FLASHES).map(drop)
    }

    fn replay(self: &Arc<Self>, returned: &Self::Answer) -> Replay {
        let returned: Vec<_> = returned.iter().map(|taken| taken.stored.clone()).collect();
        Arc::new(move |dictionary| {
            remove_flashes(dictionary, &returned);
            Ok(())
        })
    }
}

/// Removes each of these messages once, the oldest first, if it is there.
fn remove_flashes(dictionary: &mut Dictionary, returned: &[(String, String)]) {
    let Some(present) = dictionary.raw(FLASHES) else { return };
    // What is not a list has no messages.
    let Some(messages) = json_scan::elements(present) else { return };
    let mut counts = HashMap::new();
    for message in returned {
        *counts.entry(message.clone()).or_insert(0_usize) += 1;
    }
    let format = dictionary.format();
    let mut is_kept = |json: &str| {
        let message = format.decode::<(String, String)>(FLASHES, json).ok();
        match message.and_then(|message| counts.get_mut(&message)) {
            Some(count) if *count > 0 => {
                *count -= 1;
                false
            }
            _ => true,
        }
    };
    let messages = messages.into_iter().map(|range| &present[range]);
    let kept: Vec<_> = messages.filter(|json| is_kept(json)).collect();
    if kept.is_empty() {
        dictionary.remove_untracked(FLASHES);
    } else {
        let kept = format!("[{}]", kept.join(","));
        dictionary.set_untracked(FLASHES, kept);
    }
}

#[cfg(test)]
mod tests {
    use super::{FLASHES, remove_flashes};
    use crate::dictionary::{Dictionary, Format};

    fn left(format: Format, present: &str, returned: &[(&str, &str)]) -> Option<String> {
        let mut dictionary = Dictionary::default();
        dictionary.set_format(format);
        dictionary.set_untracked(FLASHES, present.to_owned());
        let own = |(category, text): &(&str, &str)| ((*category).to_owned(), (*text).to_owned());
        remove_flashes(&mut dictionary, &returned.iter().map(own).collect::<Vec<_>>());
        dictionary.raw(FLASHES).map(str::to_owned)
    }

    #[test]
    fn what_was_returned_is_removed_once_each_and_what_is_no_message_stays() {
        let left = |present, returned| left(Format::Json, present, returned);
        assert_eq!(left(r#"[["a","1"],["a","2"]]"#, &[("a", "1"), ("a", "2")]), None);
        let twice = r#"[["a","1"],["b","1"],["a","1"]]"#;
        assert_eq!(left(twice, &[("a", "1")]).unwrap(), r#"[["b","1"],["a","1"]]"#);
        assert_eq!(left(twice, &[("c", "1")]).unwrap(), twice);
        assert_eq!(left(r#"[7,["a","1"]]"#, &[("a", "1")]).unwrap(), "[7]");
        assert_eq!(left("7", &[("a", "1")]).unwrap(), "7");
    }

    #[cfg(feature = "flask")]
    #[test]
    fn messages_of_flask_are_tuples_or_lists() {
        let present = r#"[{" t":["a","1"]},["a","1"],{" t":["b","2"]}]"#;
        let left = left(Format::Flask, present, &[("a", "1"), ("b", "2")]);
        assert_eq!(left.unwrap(), r#"[["a","1"]]"#);
    }
}
