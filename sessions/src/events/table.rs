//! The table of events.

use tracing::Level;

/// A row of the table.
pub(super) struct Row {
    name: &'static str,
    level: Level,
    fields: &'static [&'static str],
    reasons: &'static [&'static str],
}

/// Makes the enum, its rows, and the list of all.
macro_rules! events {
    ($($(#[$doc:meta])+ $event:ident = $name:literal, $level:ident, [$($field:literal),*], [$($reason:literal),*];)+) => {
        /// An event. Names, fields, levels and reasons stay as they are between major versions; texts of
        /// lines may change.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Event {
            $($(#[$doc])+ $event,)+
        }

        impl Event {
            /// All events, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$event),+];

            const fn row(self) -> Row {
                match self {
                    $(Self::$event => Row {
                        name: $name,
                        level: Level::$level,
                        fields: &[$($field),*],
                        reasons: &[$($reason),*],
                    },)+
                }
            }
        }
    };
}

events! {
    /// A request has saved a new session.
    SessionCreated = "session.created", DEBUG, ["session", "owner"], [];
    /// A session got another token: at a login, a renewal or a rotation.
    SessionRenewed = "session.renewed", DEBUG, ["reason", "session", "owner"], ["login", "renewal", "rotation"];
    /// A session has ended: its client logged out or its last key was removed, its owner's sessions were
    /// ended, or its owner has logged in above the limit.
    SessionEnded = "session.ended", DEBUG, ["reason", "session"], ["logout", "owner", "limit"];
    /// A cookie or a bearer token opens no session. A client gets at most nine of these lines for one request.
    SessionRefused = "session.refused", INFO, ["reason", "session"], [
        "format", "signature", "seal", "expired", "future", "unknown", "verifier", "replaced", "owner_ended", "others"
    ];
    /// A request has several cookies that open different sessions: the newest is used.
    SessionAmbiguous = "session.ambiguous", WARN, [], [];
    /// A request has more session cookies than are looked up.
    SessionCookiesExceeded = "session.cookies_exceeded", WARN, [], [];
    /// A session could not be opened or saved, and its client got an error, or the policies tolerate it.
    SessionFailed = "session.failed", ERROR, ["reason", "interface", "path"], [
        "unavailable", "timeout", "read_only", "full", "newer_format", "server"
    ];
    /// A request that changed its session came after another one had ended it.
    SessionGone = "session.gone", WARN, ["interface", "path"], [];
    /// A request that changed its session came after a login or a renewal of another one.
    SessionSuperseded = "session.superseded", WARN, ["interface", "path"], [];
    /// A request wrote with a bearer token that opens no session, or asked for one with the session's cookie.
    SessionUnauthorized = "session.unauthorized", INFO, ["reason", "interface", "path"], [
        "unknown_token", "came_in_cookie"
    ];
    /// A handler asks for a session that is not there: its route has none, or several.
    SessionMisused = "session.misused", ERROR, ["path"], [];
    /// A field of a typed session does not parse, and its default is used.
    SessionDefaulted = "session.defaulted", WARN, ["data", "field"], [];
    /// A login was refused: its owner's sessions were ended while its request ran, or there are as many as
    /// there may be.
    LoginRefused = "login.refused", INFO, ["reason", "owner", "interface", "path"], ["ended", "limit"];
    /// The sessions of an owner were ended: all, or all but the caller's.
    OwnerEnded = "owner.ended", INFO, ["reason", "owner"], ["all", "others"];
    /// The store fails: calls in a row failed, so that the circuit is open, or it refuses writes.
    StoreFailed = "store.failed", ERROR, ["reason"], ["outage", "refuses_writes"];
    /// The store works again.
    StoreRecovered = "store.recovered", INFO, ["reason"], ["outage", "refuses_writes"];
    /// The store failed, and the request went on without what it asked for.
    StoreTolerated = "store.tolerated", WARN, [], [];
    /// The store failed to delete what opens nothing any more, and expires.
    StoreLeftover = "store.leftover", DEBUG, [], [];
    /// Another writer of the record was faster, and the change is made again on what it left.
    StoreConflict = "store.conflict", DEBUG, ["session"], [];
    /// The store has an id already that was drawn at random.
    StoreIdTaken = "store.id_taken", WARN, [], [];
    /// A record cannot be read: of a session, or of one that was taken over.
    StoreUnreadable = "store.unreadable", ERROR, ["reason", "problem", "session"], ["session", "mark"];
    /// The store's server is set up so that sessions are not safe there.
    StoreUnfit = "store.unfit", WARN, [], [];
    /// The store has removed records that had expired.
    StoreSwept = "store.swept", DEBUG, ["removed"], [];
    /// The store could not remove records that have expired.
    StoreNotSwept = "store.not_swept", WARN, [], [];
    /// A health check found that the store does not serve sessions, or fails for another reason than before.
    HealthFailed = "health.failed", ERROR, [], [];
    /// A health check found that the store serves sessions again.
    HealthRecovered = "health.recovered", INFO, [], [];
    /// The keys were replaced.
    KeyReplaced = "key.replaced", INFO, ["key", "fallbacks", "has_next"], [];
    /// A key for development is read from a file.
    KeyDevelopment = "key.development", WARN, ["path"], [];
    /// A setting has no effect, or not the one that is meant. Written once.
    ConfigWarned = "config.warned", WARN, ["interface", "store", "server_name", "variable", "err"], [];
    /// The policies are wrong, and the service does not start.
    ConfigRefused = "config.refused", ERROR, ["interface"], [];
    /// A client without a session comes over plain http, and the cookie is `Secure`. Written once.
    CookieInsecure = "cookie.insecure", WARN, ["host", "cookie"], [];
    /// A response set the session's cookie by itself, and that one is dropped.
    CookieDropped = "cookie.dropped", WARN, ["cookie"], [];
    /// A response with a session let shared caches keep it, and is made private.
    CacheOverruled = "cache.overruled", WARN, ["removed"], [];
    /// A session of actix-session was imported.
    ImportDone = "import.done", INFO, [], [];
    /// A session of actix-session was not imported, or its cookie opens nothing.
    ImportRefused = "import.refused", INFO, ["reason"], [
        "format", "signature", "empty", "unknown", "ended", "too_old"
    ];
    /// A request has several cookies of actix-session that verify: the first is used.
    ImportAmbiguous = "import.ambiguous", WARN, [], [];
    /// A value of actix-session was not imported.
    ImportValueDropped = "import.value_dropped", WARN, ["key"], [];
    /// A session of actix-session that was ended or imported here could not be ended there.
    ImportNotEnded = "import.not_ended", ERROR, [], [];
}

impl Event {
    /// Returns the name, as the field `event` has it.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// Returns the level of its lines.
    pub const fn level(self) -> Level {
        self.row().level
    }

    /// Returns the fields that its lines may have, besides `event` and the message.
    pub const fn fields(self) -> &'static [&'static str] {
        self.row().fields
    }

    /// Returns what the field `reason` may be. Empty for an event without that field.
    pub const fn reasons(self) -> &'static [&'static str] {
        self.row().reasons
    }
}
