//! The scripts: one for each operation that is more than one command.
//!
//! Each touches the keys of one slot, so that it runs on a cluster. A server knows a script from its
//! first call on, until it restarts; calls are sent by the script's hash, and again with the text
//! when the server says that it does not know it. None begins with `#!lua`: such a script without
//! flags would be refused as a whole on a full server, even where it only reads.

use std::sync::LazyLock;

use redis::{Cmd, ToRedisArgs};

pub(crate) static CREATE: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("lua/create.lua")));
pub(crate) static LOAD: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("lua/load.lua")));
pub(crate) static REPLACE: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("lua/replace.lua")));
pub(crate) static DELETE_IF: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("lua/delete_if.lua")));
pub(crate) static ENLIST: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("lua/enlist.lua")));
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

    pub(crate) fn on<'k>(&self, keys: &'k [&'k str]) -> Call<'_, 'k> {
        Call { script: self, keys, arguments: Vec::new() }
    }
}

/// A script with its keys and arguments.
pub(crate) struct Call<'s, 'k> {
    script: &'s Script,
    keys: &'k [&'k str],
    arguments: Vec<Vec<u8>>,
}

impl Call<'_, '_> {
    pub(crate) fn arg(mut self, argument: impl ToRedisArgs) -> Self {
        argument.write_redis_args(&mut self.arguments);
        self
    }

    pub(crate) fn by_hash(&self) -> Cmd {
        self.command("EVALSHA", &self.script.hash)
    }

    pub(crate) fn by_text(&self) -> Cmd {
        self.command("EVAL", self.script.text)
    }

    fn command(&self, name: &str, script: &str) -> Cmd {
        let mut command = redis::cmd(name);
        command.arg(script).arg(self.keys.len()).arg(self.keys).arg(&self.arguments);
        command
    }
}
