//! The scripts: one for each operation that is more than one command.
//!
//! Each touches the keys of one slot, so that it runs on a cluster. A server knows a script from its
//! first call on, until it restarts; calls are sent by the script's hash, and the text follows once
//! when the server asks for it. None begins with `#!lua`: such a script without flags would be
//! refused as a whole on a full server, even where it only reads.

use std::sync::LazyLock;

use redis::Script;

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
