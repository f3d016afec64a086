//! Redis errors as errors of a store.

use redis::RedisError;
use sessions::store::StoreError;

pub(crate) fn store_error(err: RedisError) -> StoreError {
    if err.is_timeout() {
        return StoreError::Timeout;
    }
    match () {
        () if has_code(&err, "OOM") => StoreError::Full,
        () if has_code(&err, "WRONGTYPE") => corrupt(),
        () if ["READONLY", "NOREPLICAS", "MISCONF"].iter().any(|code| has_code(&err, code)) => {
            StoreError::read_only(err)
        }
        () => StoreError::unavailable(err),
    }
}

/// Whether the server says that it is not the primary, or not now: it was made a replica, has lost its
/// primary or its replicas, or loads what another server sent. It has not done what it was asked, and
/// the address may lead to another server.
pub(crate) fn is_role_change(err: &RedisError) -> bool {
    ["READONLY", "LOADING", "MASTERDOWN", "NOREPLICAS"].iter().any(|code| has_code(err, code))
}

/// What is the matter with a replica, as [`advice`] says it.
pub(crate) const IS_REPLICA: &str =
    "is a replica and takes no writes; the address must lead to the primary";

/// Returns what is the matter with the server, as the rest of a sentence that begins with its name, and
/// what to do.
pub(crate) fn advice(err: &RedisError) -> Option<&'static str> {
    let advices = [
        ("READONLY", IS_REPLICA),
        ("MASTERDOWN", "is a replica that lost its primary; the address must lead to the primary"),
        ("NOREPLICAS", "takes no writes, since it has fewer replicas than `min-replicas-to-write`"),
        ("LOADING", "is loading its data; wait until it has"),
        ("MISCONF", "takes no writes, since it cannot save to its disk; see its log"),
        ("NOAUTH", "wants a user and a password; put them into the URL"),
        ("WRONGPASS", "does not know this user with this password"),
        (
            "NOPERM",
            "does not permit this to the user; the documentation of the crate \
                    actix-web-sessions-redis lists the rules of the ACL",
        ),
    ];
    advices.iter().find(|(code, _)| has_code(err, code)).map(|(_, advice)| *advice)
}

/// Whether this is the code of a server's error. Before version 7, the server wraps the error of a
/// command in a script into its own error.
fn has_code(err: &RedisError, code: &str) -> bool {
    let is_wrapped = |detail: &str| {
        let mut errors = detail.match_indices(code).map(|(at, _)| detail.split_at(at));
        errors.any(|(before, after)| before.ends_with('-') && after[code.len()..].starts_with(' '))
    };
    err.code() == Some(code) || err.detail().is_some_and(is_wrapped)
}

/// Returns the error for a value that no store wrote.
pub(crate) fn corrupt() -> StoreError {
    StoreError::Corrupt {
        problem: "the value has another format; give the store a key prefix of its own",
    }
}

#[cfg(test)]
mod tests {
    use redis::{RedisError, Value, parse_redis_value};
    use sessions::store::StoreError;

    use super::store_error;

    fn store_error_of(line: &str) -> StoreError {
        match parse_redis_value(format!("-{line}\r\n").as_bytes()) {
            Ok(Value::ServerError(err)) => store_error(RedisError::from(err)),
            other => panic!("{other:?}"),
        }
    }

    /// The error of a command in a script, as Redis 7 passes it on, and as Redis 6 wraps it.
    fn store_errors_in_script(line: &str) -> [StoreError; 2] {
        let (code, rest) = line.split_once(' ').expect("a code and a text");
        [
            store_error_of(&format!("{line} script: 1f2, on @user_script:6.")),
            store_error_of(&format!(
                "ERR Error running script (call to f_1f2): @user_script:6: @user_script: 6: -{code} {rest}"
            )),
        ]
    }

    #[test]
    fn errors_of_old_and_new_servers_are_recognised() {
        for err in store_errors_in_script("OOM command not allowed when used memory > 'maxmemory'.")
        {
            assert!(matches!(err, StoreError::Full), "{err:?}");
        }
        let wrong = "WRONGTYPE Operation against a key holding the wrong kind of value";
        for err in store_errors_in_script(wrong).into_iter().chain([store_error_of(wrong)]) {
            assert!(matches!(err, StoreError::Corrupt { .. }), "{err:?}");
        }
        for line in [
            "READONLY You can't write against a read only replica.",
            "NOREPLICAS Not enough good replicas to write.",
            "MISCONF Redis is configured to save RDB snapshots, but it is currently not able to persist on disk.",
        ] {
            for err in store_errors_in_script(line).into_iter().chain([store_error_of(line)]) {
                assert!(matches!(err, StoreError::ReadOnly { .. }), "{err:?}");
            }
        }
        for line in [
            "LOADING Redis is loading the dataset in memory",
            "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
            "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
            "CLUSTERDOWN The cluster is down",
            "NOAUTH Authentication required.",
            "NOPERM this user has no permissions to run the 'evalsha' command",
            "ERR max number of clients reached",
        ] {
            assert!(matches!(store_error_of(line), StoreError::Unavailable { .. }), "{line}");
        }
    }
}
