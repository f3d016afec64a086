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
    let server = store.server();
    let place = server.as_deref().unwrap_or("the store");
    output.write(&format!("{place} serves sessions"), &json!({"ready": true, "server": server}))
}

pub(crate) async fn count(store: &impl Administer, output: Output) -> Result<(), Failure> {
    let mut progress = output.progress("counted so far");
    let counted = store.count(|number| progress.at(number)).await;
    drop(progress);
    let number = counted.map_err(|err| failed(store, &err))?;
    output.write(&sessions(number), &Number { sessions: number })
}

pub(crate) async fn sweep(store: &impl Administer, output: Output) -> Result<(), Failure> {
    let mut progress = output.progress("deleted so far");
    let swept = store.sweep(|number| progress.at(number)).await;
    drop(progress);
    let swept = swept.map_err(|err| failed(store, &err))?;
    let text = match swept {
        Some(deleted) => format!("{} that had expired deleted", sessions(deleted)),
        None => "nothing to do: Redis deletes expired sessions by itself".to_owned(),
    };
    output.write(&text, &json!({"deleted": swept}))
}

pub(crate) async fn migrate(
    store: &impl Administer,
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
    store.migrate().await.map_err(Failure::failed)?;
    let text = "the tables are there";
    output.write(text, &json!({"migrated": true, "statements": statements}))
}
