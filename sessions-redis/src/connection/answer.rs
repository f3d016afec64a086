//! What an answer tells about the connection it came over.

use redis::{RedisError, RedisResult, Value};

use crate::error::is_role_change;

/// What an answer tells about the connection it came over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The server answered, perhaps with an error.
    Came,
    /// The server is not the primary, or not now, and has not done what it was asked.
    NotPrimary,
    /// The connection broke.
    Broke,
}

impl Answer {
    /// Judges the result of a command.
    pub(super) fn of(result: &RedisResult<Value>) -> Self {
        Self::of_all(result.as_ref().map(std::slice::from_ref))
    }

    /// Judges the results of a pipeline.
    pub(super) fn of_all(results: Result<&[Value], &RedisError>) -> Self {
        match results {
            Ok(values) if values.iter().any(is_not_primary) => Self::NotPrimary,
            Err(err) if is_role_change(err) => Self::NotPrimary,
            Err(err) if err.code().is_none() => Self::Broke,
            Ok(_) | Err(_) => Self::Came,
        }
    }

    /// Judges the answer to `ROLE`.
    pub(super) fn of_role(result: &RedisResult<Value>) -> Self {
        match result {
            Ok(Value::Array(parts)) => match parts.first() {
                Some(Value::BulkString(role)) if role != b"master" => Self::NotPrimary,
                _ => Self::Came,
            },
            result => Self::of(result),
        }
    }
}

fn is_not_primary(value: &Value) -> bool {
    match value {
        Value::ServerError(err) => is_role_change(&err.clone().into()),
        Value::Array(values) => values.iter().any(is_not_primary),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use redis::{Value, parse_redis_value};

    use super::Answer;

    fn parse(text: &str) -> Value {
        parse_redis_value(text.as_bytes()).expect("an answer of a server")
    }

    #[test]
    fn an_error_about_the_role_is_found_wherever_it_stands() {
        let readonly = "-READONLY You can't write against a read only replica.\r\n";
        let wrapped = "-ERR Error running script (call to f_1f2): @user_script:6: @user_script: 6: \
                       -READONLY You can't write against a read only replica. \r\n";
        for text in [readonly, wrapped, "-LOADING Redis is loading the dataset in memory\r\n"] {
            assert_eq!(Answer::of(&Ok(parse(text))), Answer::NotPrimary, "{text}");
            let pipeline = [parse(":1\r\n"), parse(text)];
            assert_eq!(Answer::of_all(Ok(&pipeline)), Answer::NotPrimary, "{text}");
            let nested = parse(&format!("*2\r\n:1\r\n{text}"));
            assert_eq!(Answer::of(&Ok(nested)), Answer::NotPrimary, "{text}");
            let Value::ServerError(err) = parse(text) else { panic!("{text}") };
            assert_eq!(Answer::of(&Err(err.into())), Answer::NotPrimary, "{text}");
        }
        for text in
            ["-NOSCRIPT No matching script.\r\n", "$9\r\n-READONLY\r\n", "-ERR READONLY?\r\n"]
        {
            assert_eq!(Answer::of(&Ok(parse(text))), Answer::Came, "{text}");
        }
    }

    #[test]
    fn the_answer_to_role_tells_a_replica() {
        let master = parse("*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n");
        assert_eq!(Answer::of_role(&Ok(master)), Answer::Came);
        let replica =
            parse("*5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:1\r\n$9\r\nconnected\r\n:0\r\n");
        assert_eq!(Answer::of_role(&Ok(replica)), Answer::NotPrimary);
        let denied = parse("-NOPERM this user has no permissions to run the 'role' command\r\n");
        assert_eq!(Answer::of_role(&Ok(denied)), Answer::Came);
    }
}
