//! What Redis says, in the words of a store.

use redis::{ErrorKind, RedisError, ServerErrorKind};
use sessions::store::StoreError;

pub(crate) fn store_error(err: RedisError) -> StoreError {
    if err.is_timeout() {
        return StoreError::Timeout;
    }
    // Servers before version 7 wrap the error of a command in a script into their own.
    let says = |code: &str| {
        err.code() == Some(code) || err.detail().is_some_and(|detail| detail.contains(code))
    };
    match err.kind() {
        ErrorKind::Server(ServerErrorKind::ReadOnly) => StoreError::read_only(err),
        _ if says("OOM") => StoreError::Full,
        _ if says("WRONGTYPE") => corrupt(),
        _ if says("READONLY") || says("NOREPLICAS") || says("MISCONF") => {
            StoreError::read_only(err)
        }
        _ => StoreError::unavailable(err),
    }
}

/// Something else is kept under the key.
pub(crate) fn corrupt() -> StoreError {
    StoreError::Corrupt { problem: "it is not what this store wrote" }
}
