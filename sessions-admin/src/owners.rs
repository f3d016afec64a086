//! An owner's sessions: listed and ended.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;
use serde_json::Value;
use sessions::{
    ServerSide,
    backend::{OwnedSession, OwnerError},
    store::Store,
};

use crate::{
    administer::{Administer, failed},
    cli::{End, List},
    failure::Failure,
    output::{Output, sessions, shown, utc},
};

#[derive(Serialize)]
struct Listed<'o> {
    owner: &'o str,
    sessions: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    id: String,
    created: String,
    last_seen: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    values: BTreeMap<String, Value>,
}

#[derive(Serialize)]
struct Outcome<'o> {
    owner: &'o str,
    namespace: &'o str,
    ended: u64,
}

pub(crate) async fn list<S: Administer>(
    store: S,
    deadline: Duration,
    list: &List,
    output: Output,
) -> Result<(), Failure> {
    let owner = &*list.owner.owner;
    let backend = backend(list.owner.keys.open(store)?, deadline, &list.owner.namespace);
    let found = backend.sessions_of(owner).await.map_err(|err| of_owner(&backend, &err))?;
    backend.store().check_read()?;
    let rows = found.iter().map(|session| row(session, &list.values)).collect::<Vec<_>>();
    output.write(&table(owner, &rows), &Listed { owner, sessions: rows })
}

pub(crate) async fn end<S: Administer>(
    store: S,
    deadline: Duration,
    end: &End,
    output: Output,
) -> Result<(), Failure> {
    let owner = &*end.owner.owner;
    let namespace = &*end.owner.namespace;
    let backend = backend(end.owner.keys.open(store)?, deadline, namespace);
    let ended = match &end.id {
        Some(id) => backend.end_by_id(owner, id).await.map(u64::from),
        None => backend.end_all(owner).await.map(|ended| ended as u64),
    };
    let ended = ended.map_err(|err| of_owner(&backend, &err))?;
    let whose = shown(owner);
    if end.id.is_some() && ended == 0 {
        backend.store().check_read()?;
        return Err(Failure::nothing(format_args!(
            "`{whose}` has no session with this id; `sessions-admin list` shows the ids"
        )));
    }
    let text = if ended > 0 {
        format!("{} of `{whose}` ended", sessions(ended))
    } else {
        let place = match namespace {
            "" => "the empty namespace".to_owned(),
            name => format!("the namespace `{}`", shown(name)),
        };
        format!(
            "no sessions of `{whose}` found in {place}, those in `revocable` cookies are ended; check \
             that --namespace is what the application gives to `with_owner_namespace`"
        )
    };
    output.write(&text, &Outcome { owner, namespace, ended })
}

fn backend<S: Store>(store: S, deadline: Duration, namespace: &str) -> ServerSide<S> {
    ServerSide::new(store)
        .with_owner_namespace(namespace)
        .with_call_deadline(deadline)
        .with_request_deadline(deadline)
}

fn of_owner<S: Store>(backend: &ServerSide<S>, err: &OwnerError) -> Failure {
    match err {
        OwnerError::Store(err) => failed(backend.store(), err),
        err => Failure::failed(err),
    }
}

fn row(session: &OwnedSession, keys: &[String]) -> Row {
    let value = |key: &String| {
        // What is stored is JSON.
        let value = session.get::<Value>(key).ok().flatten();
        (key.clone(), value.unwrap_or(Value::Null))
    };
    Row {
        id: session.id(),
        created: utc(session.created()),
        last_seen: utc(session.last_seen()),
        values: keys.iter().map(value).collect(),
    }
}

fn table(owner: &str, rows: &[Row]) -> String {
    let mut lines = Vec::new();
    if let Some(first) = rows.first() {
        let keys = first.values.keys().map(|key| shown(key));
        lines.push(line(["id", "created", "last used"], keys));
    }
    for Row { id, created, last_seen, values } in rows {
        let values = values.values().map(|value| shown(&value.to_string()));
        lines.push(line([id, created, last_seen], values));
    }
    lines.push(format!("{} of `{}`", sessions(rows.len() as u64), shown(owner)));
    lines.join("\n")
}

fn line([id, created, last_seen]: [&str; 3], others: impl Iterator<Item = String>) -> String {
    let mut line = format!("{id:43}  {created:20}  {last_seen:20}");
    for other in others {
        line.push_str("  ");
        line.push_str(&other);
    }
    line.truncate(line.trim_end().len());
    line
}
