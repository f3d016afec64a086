//! The scripts: one for each operation that is more than one command.
//!
//! The keys of a script are in one slot, so that it runs on a cluster. A server caches a script from
//! the first call until it restarts: the store calls it by its hash, and sends the text when the
//! server answers `NOSCRIPT`. No script begins with `#!lua`: a full server refuses such a script as a
//! whole unless it has flags, even if it only reads.

use std::sync::LazyLock;

use redis::{Arg, Cmd, ToRedisArgs};

pub(crate) static CREATE: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("lua/create.lua")));
pub(crate) static LOAD: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("lua/load.lua")));
pub(crate) static REPLACE: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("lua/replace.lua")));
pub(crate) static DELETE_IF: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("lua/delete_if.lua")));
pub(crate) static INDEX_ADD: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("lua/index_add.lua")));
pub(crate) static OWNER_STATE: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("lua/owner_state.lua")));
pub(crate) static END_BEFORE: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("lua/end_before.lua")));

pub(crate) struct Script {
    text: &'static str,
    hash: String,
}

impl Script {
    fn new(text: &'static str) -> Self {
        Self { text, hash: redis::Script::new(text).get_hash().to_owned() }
    }

    /// Starts a call on these keys.
    pub(crate) fn on(&self, keys: &[&str]) -> Call<'_> {
        self.with_capacity(keys, 0)
    }

    /// Starts a call on these keys, with capacity for an argument of so many bytes.
    pub(crate) fn with_capacity(&self, keys: &[&str], bytes: usize) -> Call<'_> {
        let mut by_hash = Cmd::with_capacity(8, 256 + bytes);
        by_hash.arg("EVALSHA").arg(&self.hash).arg(keys.len()).arg(keys);
        Call { script: self, by_hash }
    }
}

/// A call of a script, with its keys and arguments.
pub(crate) struct Call<'s> {
    script: &'s Script,
    by_hash: Cmd,
}

impl Call<'_> {
    pub(crate) fn arg(mut self, argument: impl ToRedisArgs) -> Self {
        self.by_hash.arg(argument);
        self
    }

    pub(crate) fn by_hash(&self) -> &Cmd {
        &self.by_hash
    }

    pub(crate) fn by_text(&self) -> Cmd {
        let mut command = redis::cmd("EVAL");
        command.arg(self.script.text);
        // The arguments after `EVALSHA` and the hash.
        for argument in self.by_hash.args_iter().skip(2) {
            if let Arg::Simple(bytes) = argument {
                command.arg(bytes);
            }
        }
        command
    }
}
