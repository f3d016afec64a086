//! The arguments.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{places::Places, unseal::SealingKeys};

/// Sees to the sessions that actix-web-sessions keeps: lists, ends and counts them, sweeps and creates
/// tables, decodes cookies and makes keys.
#[derive(Debug, Parser)]
#[command(
    name = "sessions-admin",
    version,
    after_help = "Passwords and keys are read from the environment, a file or standard input, never from \
                  an argument, which other users of the machine can see.\n\n\
                  Exit codes: 0 done; 1 the store or a file failed; 2 wrong arguments or settings; 3 there is no such \
                  session, or the cookie does not verify."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,

    #[command(flatten)]
    pub(crate) places: Places,

    /// Writes one JSON object, for programs
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    Store(StoreCommand),
    /// Shows what is in a cookie, given its key
    Decode(Decode),
    /// Makes a new secret key
    Key(Key),
}

/// What is done in a store.
#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Asks whether the store serves sessions now
    Ready,
    /// Lists an owner's sessions, the last used one first
    List(List),
    /// Ends an owner's sessions, all or one
    End(End),
    /// Counts the sessions that have not expired
    Count,
    /// Deletes expired sessions from a database
    Sweep,
    /// Creates the tables of a database where they do not exist
    Migrate(Migrate),
}

impl StoreCommand {
    /// Whether a database that is not there is made.
    pub(crate) fn makes_tables(&self) -> bool {
        matches!(self, Self::Migrate(Migrate { print: false }))
    }
}

/// An owner of sessions.
#[derive(Args, Debug)]
pub(crate) struct OwnerArgs {
    /// What the application gave to `set_owner`, such as a user's id
    pub(crate) owner: String,

    /// The namespace of owners, where the application sets `with_owner_namespace`
    #[arg(long, default_value = "")]
    pub(crate) namespace: String,

    #[command(flatten)]
    pub(crate) keys: SealingKeys,
}

#[derive(Args, Debug)]
pub(crate) struct List {
    #[command(flatten)]
    pub(crate) owner: OwnerArgs,

    /// Shows the value under this key of each session as well, such as the name of a device
    #[arg(long = "value", value_name = "KEY")]
    pub(crate) values: Vec<String>,
}

#[derive(Args, Debug)]
#[group(id = "which", required = true, multiple = false, args = ["all", "id"])]
pub(crate) struct End {
    #[command(flatten)]
    pub(crate) owner: OwnerArgs,

    /// Ends all of them, and those in `revocable` cookies
    #[arg(long)]
    pub(crate) all: bool,

    // One id of 64 begins with a hyphen.
    /// Ends the one that `list` shows under this id
    #[arg(long, allow_hyphen_values = true)]
    pub(crate) id: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Migrate {
    /// Prints the statements instead of running them
    #[arg(long)]
    pub(crate) print: bool,
}

#[derive(Args, Debug)]
#[command(
    after_help = "The key is that of the variable SECRET_KEY or of --key-file. The value of the cookie is read \
                  from standard input or --cookie-file: whoever has it has the session."
)]
pub(crate) struct Decode {
    /// The name of the cookie
    #[arg(long, default_value = "session")]
    pub(crate) cookie_name: String,

    /// The policy `salt` of the interface, where it sets one
    #[arg(long)]
    pub(crate) salt: Option<String>,

    /// How the cookie was made
    #[arg(long, value_enum, default_value = "auto")]
    pub(crate) kind: Kind,

    /// The file with the key, or `-` for standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,

    /// How the key is written
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) key_encoding: Encoding,

    /// The file with the value of the cookie [default: standard input]
    #[arg(long, value_name = "FILE")]
    pub(crate) cookie_file: Option<PathBuf>,
}

/// How a cookie was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Tries all of them
    Auto,
    /// `SignedCookie`, with SHA-256
    Signed,
    /// `SignedCookie` with `HashAlgorithm::Sha512`
    SignedSha512,
    /// `EncryptedCookie`
    Encrypted,
    /// `FlaskCookie`, and Flask itself
    Flask,
}

/// How a key is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Encoding {
    /// As it is, as `SecretKey::from_env` takes it
    Text,
    Hex,
    Base64,
}

#[derive(Args, Debug)]
pub(crate) struct Key {
    /// Writes it into this new file, readable by its owner only, instead of printing it
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}
