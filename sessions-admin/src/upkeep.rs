//! The store as a whole: whether it is ready, how many sessions there are, sweeping and tables.

use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use sessions::{ServerSide, backend::Backend};

use crate::{
    administer::{Administer, failed},
    cli::Migrate,
    failure::Failure,
    output::{Output, sessions},
    steps::Steps,
};

#[derive(Serialize)]
struct Number {
    sessions: u64,
}

pub(crate) async fn ready(
    store: &impl Administer,
    deadline: Duration,
    output: Output,
) -> Result<(), Failure> {
    ServerSide::new(store.clone()).with_request_deadline(deadline).ready().await?;
    let object = json!({"ready": true, "server": store.server()});
    output.write(&format!("{} serves sessions", place(store)), &object)
}

fn place(store: &impl Administer) -> String {
    store.server().unwrap_or_else(|| "the store".to_owned())
}

pub(crate) async fn count(
    store: &impl Administer,
    deadline: Duration,
    output: Output,
) -> Result<(), Failure> {
    let (steps, mut progress) = (Steps::new(deadline), output.progress("counted so far"));
    let count = store.count(|number| {
        steps.next();
        progress.at(number);
    });
    let counted = steps.of(place(store), count).await;
    drop(progress);
    let number = counted?.map_err(|err| failed(store, &err))?;
    output.write(&sessions(number), &Number { sessions: number })
}

pub(crate) async fn sweep(
    store: &impl Administer,
    deadline: Duration,
    output: Output,
) -> Result<(), Failure> {
    let (steps, mut progress) = (Steps::new(deadline), output.progress("deleted so far"));
    let sweep = store.sweep(|number| {
        steps.next();
        progress.at(number);
    });
    let swept = steps.of(place(store), sweep).await;
    drop(progress);
    let swept = swept?.map_err(|err| failed(store, &err))?;
    let text = match swept {
        Some(deleted) => format!("{} that had expired deleted", sessions(deleted)),
        None => "nothing to do: Redis deletes expired sessions by itself".to_owned(),
    };
    output.write(&text, &json!({"deleted": swept}))
}

pub(crate) async fn migrate(
    store: &impl Administer,
    deadline: Duration,
    migrate: &Migrate,
    output: Output,
) -> Result<(), Failure> {
    let Some(statements) = store.migration() else {
        let text = "nothing to do: Redis has no tables";
        return output.write(text, &json!({"migrated": false, "statements": null}));
    };
    if migrate.print {
        return output
            .write(statements.trim_end(), &json!({"migrated": false, "statements": statements}));
    }
    let migrated = Steps::new(deadline).of(place(store), store.migrate()).await?;
    migrated.map_err(Failure::failed)?;
    let text = "the tables are there";
    output.write(text, &json!({"migrated": true, "statements": statements}))
}
