//! Keeps what is logged, so that a test can read it.

use std::{
    error::Error,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span,
    subscriber::{DefaultGuard, set_default, set_global_default},
};

/// Keeps every event of this thread, down to `TRACE`, until it is dropped.
#[derive(Debug)]
pub struct Logged {
    lines: Lines,
    _default: DefaultGuard,
}

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Its level.
    pub level: Level,
    /// Its target.
    pub target: String,
    /// Its message, then its other fields except `event` as `name=value`; errors with all their
    /// sources, for users and for developers.
    pub text: String,
    /// Its field `event`.
    pub event: Option<String>,
    /// The names and values of its fields besides `event` and the message.
    pub fields: Vec<(&'static str, String)>,
}

type Lines = Arc<Mutex<Vec<Line>>>;

impl Logged {
    /// Begins to keep events.
    pub fn start() -> Self {
        // Without a default for all threads, what one thread without a subscriber logs first would
        // count as of no interest to any. A second call fails, and need not succeed.
        let _ = set_global_default(Keeper { lines: None });
        let lines = Lines::default();
        let subscriber = Keeper { lines: Some(Arc::clone(&lines)) };
        Self { lines, _default: set_default(subscriber) }
    }

    /// Returns the events since the last call.
    pub fn take(&self) -> Vec<Line> {
        std::mem::take(&mut self.lines.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts an event back, for the next call of [`take`](Self::take).
    pub fn put_back(&self, line: Line) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    /// Returns the level and the text of the framework's own events since the last call, those of level
    /// `DEBUG` left out.
    pub fn take_own(&self) -> Vec<(Level, String)> {
        let own = |line: &Line| line.target == "sessions" || line.target.starts_with("sessions::");
        let lines = self.take().into_iter().filter(|line| own(line) && line.level <= Level::INFO);
        lines.map(|line| (line.level, line.text)).collect()
    }
}

struct Keeper {
    /// `None` for threads without a reader.
    lines: Option<Lines>,
}

impl Keeper {
    fn keep(&self, metadata: &Metadata<'_>, text: Text) {
        let line = Line {
            level: *metadata.level(),
            target: metadata.target().to_owned(),
            text: text.line(),
            event: text.event,
            fields: text.fields,
        };
        if let Some(lines) = &self.lines {
            lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    }
}

impl Subscriber for Keeper {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::TRACE)
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        let mut text = Text::default();
        attributes.record(&mut text);
        self.keep(attributes.metadata(), text);
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text::default();
        event.record(&mut text);
        self.keep(event.metadata(), text);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[derive(Default)]
struct Text {
    message: String,
    event: Option<String>,
    fields: Vec<(&'static str, String)>,
}

impl Text {
    fn line(&self) -> String {
        let mut line = self.message.clone();
        for (name, value) in &self.fields {
            line.extend([" ", name, "=", value]);
        }
        line
    }
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            "event" => self.event = Some(format!("{value:?}").trim_matches('"').to_owned()),
            name => self.fields.push((name, format!("{value:?}"))),
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let mut chain = format!("{value}");
        let mut source = value.source();
        while let Some(err) = source {
            chain = format!("{chain}: {err}");
            source = err.source();
        }
        self.record_debug(field, &format_args!("{chain} ({value:?})"));
    }
}
