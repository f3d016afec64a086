//! `sessions-admin`: an operator's view of the sessions that `actix-web-sessions` keeps.

mod administer;
mod cli;
mod failure;
mod output;
mod owners;
mod places;
mod secret;
mod steps;
mod tokens;
mod unseal;
mod upkeep;

use std::process::ExitCode;

use clap::Parser;
use sessions::store::NotReady;

use self::{
    administer::Administer,
    cli::{Arguments, Command, StoreCommand},
    failure::Failure,
    output::Output,
    places::{Place, Places},
};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(run(arguments)),
        Err(err) => Err(Failure::failed(format!("cannot start: {err}"))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { command, places, json } = arguments;
    let output = Output::new(json);
    match command {
        Command::Decode(decode) => tokens::decode(&decode, output),
        Command::Key(key) => tokens::key(&key, output),
        Command::Store(command) => in_store(command, &places, output).await,
    }
}

async fn in_store(command: StoreCommand, places: &Places, output: Output) -> Result<(), Failure> {
    match places.open(command.makes_tables()).await? {
        Place::Redis(store) => on(store, command, places, output).await,
        Place::Postgres(store) => on(store, command, places, output).await,
        Place::MySql(store) => on(store, command, places, output).await,
        Place::Sqlite(store) => on(store, command, places, output).await,
    }
}

async fn on<S: Administer>(
    store: S,
    command: StoreCommand,
    places: &Places,
    output: Output,
) -> Result<(), Failure> {
    match command {
        StoreCommand::Ready => upkeep::ready(&store, places.deadline(), output).await,
        StoreCommand::List(list) => owners::list(store, places.deadline(), &list, output).await,
        StoreCommand::End(end) => owners::end(store, places.deadline(), &end, output).await,
        StoreCommand::Count => upkeep::count(&store, places.deadline(), output).await,
        StoreCommand::Sweep => upkeep::sweep(&store, places.deadline(), output).await,
        StoreCommand::Migrate(migrate) => {
            upkeep::migrate(&store, places.deadline(), &migrate, output).await
        }
    }
}

impl From<NotReady> for Failure {
    fn from(err: NotReady) -> Self {
        Self::failed(err.to_string())
    }
}
