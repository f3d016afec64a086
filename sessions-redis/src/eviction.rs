//! Whether a server evicts keys when its memory is full.

use redis::Value;

/// Returns the policy by which a server evicts keys, from its answer to `INFO memory`: `None` when it has
/// memory without limit, or evicts none. On a cluster, the first of its nodes that evicts.
///
/// Every policy but `noeviction` is unsafe. The index of an owner and the moment up to which the owner's
/// sessions are ended are used less often than sessions, so that `lru` and `lfu` evict them first;
/// `random` spares nothing, and `ttl` compares a few keys at a time, of which a session and its index
/// expire at about the same time.
pub(crate) fn evicting_policy(info: &Value) -> Option<String> {
    match info {
        Value::BulkString(text) => policy_in(&String::from_utf8_lossy(text)),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => policy_in(text),
        Value::Array(nodes) => nodes.iter().find_map(evicting_policy),
        Value::Map(nodes) => nodes.iter().find_map(|(_, info)| evicting_policy(info)),
        _ => None,
    }
}

fn policy_in(info: &str) -> Option<String> {
    let value = |name| {
        let mut fields = info.lines().filter_map(|line| line.trim_end().split_once(':'));
        fields.find(|(field, _)| *field == name).map(|(_, value)| value)
    };
    let policy = value("maxmemory_policy")?;
    (value("maxmemory") != Some("0") && policy != "noeviction").then(|| policy.to_owned())
}

#[cfg(test)]
mod tests {
    use redis::Value;

    use super::evicting_policy;

    #[test]
    fn a_policy_counts_where_memory_has_a_limit() {
        let info = |limit: &str, policy: &str| {
            let text = format!(
                "# Memory\r\nused_memory:1\r\nmaxmemory:{limit}\r\nmaxmemory_policy:{policy}\r\n"
            );
            Value::BulkString(text.into_bytes())
        };
        let evicting = |info: &Value| evicting_policy(info);
        assert_eq!(evicting(&info("1024", "allkeys-lru")).as_deref(), Some("allkeys-lru"));
        assert_eq!(evicting(&info("1024", "volatile-ttl")).as_deref(), Some("volatile-ttl"));
        assert_eq!(evicting(&info("1024", "noeviction")), None);
        assert_eq!(evicting(&info("0", "allkeys-lru")), None);
        assert_eq!(evicting(&Value::BulkString(b"# Memory\r\n".to_vec())), None);
        let nodes = [info("1024", "noeviction"), info("1024", "volatile-lru")];
        let nodes = nodes.map(|info| (Value::Int(1), info)).to_vec();
        assert_eq!(evicting(&Value::Map(nodes)).as_deref(), Some("volatile-lru"));
    }
}
