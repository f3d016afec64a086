//! The users of the lab: in SQLite, their passwords hashed with argon2.

use std::{env, fmt::Display, io, sync::Arc};

use actix_web::{
    error::{ErrorInternalServerError, ErrorServiceUnavailable},
    web::block,
};
use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use sessions_login::{User, Users};
use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

/// A user.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) id: i64,
    pub(crate) name: String,
    password_hash: String,
}

/// A row of the table.
type Row = (i64, String, String);

impl From<Row> for Account {
    fn from((id, name, password_hash): Row) -> Self {
        Self { id, name, password_hash }
    }
}

impl User for Account {
    fn id(&self) -> impl Display {
        self.id
    }

    /// A changed password ends all other sessions of the user.
    fn stamp(&self) -> impl AsRef<[u8]> {
        &self.password_hash
    }
}

/// The table of users.
#[derive(Clone)]
pub(crate) struct Accounts {
    pool: SqlitePool,
    /// What a wrong name is verified against, so that it takes as long as a wrong password.
    nobodys_hash: Arc<str>,
}

impl Users for Accounts {
    type User = Account;

    async fn find(&self, id: &str) -> actix_web::Result<Option<Account>> {
        let Ok(id) = id.parse::<i64>() else { return Ok(None) };
        let found = sqlx::query_as("SELECT id, name, password_hash FROM accounts WHERE id = ?")
            .bind(id)
            .fetch_optional(&self.pool);
        let row: Option<Row> = found.await.map_err(ErrorServiceUnavailable)?;
        Ok(row.map(Account::from))
    }
}

impl Accounts {
    /// Opens the file that `LAB_DATABASE` names, or a database in memory.
    pub(crate) async fn open() -> io::Result<Self> {
        let options = match env::var_os("LAB_DATABASE") {
            Some(path) => SqliteConnectOptions::new().filename(path).create_if_missing(true),
            None => SqliteConnectOptions::new().in_memory(true),
        };
        // A database in memory is gone with its connection.
        let pool =
            SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
        let pool = pool.connect_with(options).await.map_err(io::Error::other)?;
        // With `AUTOINCREMENT` nobody gets the id of a deleted user, whose sessions may still be there.
        let table = "CREATE TABLE IF NOT EXISTS accounts (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL UNIQUE COLLATE NOCASE,
            password_hash TEXT NOT NULL
        )";
        sqlx::query(table).execute(&pool).await.map_err(io::Error::other)?;
        let nobodys_hash = hash("nobody's password").map_err(io::Error::other)?.into();
        Ok(Self { pool, nobodys_hash })
    }

    /// Adds a user. Returns `None` when the name is taken.
    pub(crate) async fn sign_up(
        &self,
        name: &str,
        password: String,
    ) -> actix_web::Result<Option<Account>> {
        let password_hash = hash_apart(password).await?;
        let insert = "INSERT INTO accounts (name, password_hash) VALUES (?, ?)
            ON CONFLICT DO NOTHING RETURNING id, name, password_hash";
        let added =
            sqlx::query_as(insert).bind(name).bind(password_hash).fetch_optional(&self.pool);
        let row: Option<Row> = added.await.map_err(ErrorServiceUnavailable)?;
        Ok(row.map(Account::from))
    }

    /// Returns the user with this name and password.
    pub(crate) async fn verify(
        &self,
        name: &str,
        password: String,
    ) -> actix_web::Result<Option<Account>> {
        let found = sqlx::query_as("SELECT id, name, password_hash FROM accounts WHERE name = ?")
            .bind(name)
            .fetch_optional(&self.pool);
        let row: Option<Row> = found.await.map_err(ErrorServiceUnavailable)?;
        let account = row.map(Account::from);
        let kept = account.as_ref().map_or(&*self.nobodys_hash, |account| &account.password_hash);
        let kept = kept.to_owned();
        let is_right = block(move || {
            PasswordHash::new(&kept).is_ok_and(|kept| {
                Argon2::default().verify_password(password.as_bytes(), &kept).is_ok()
            })
        });
        let is_right = is_right.await?;
        Ok(account.filter(|_| is_right))
    }

    /// Changes a password. Returns the user as it is afterwards.
    pub(crate) async fn change_password(
        &self,
        account: &Account,
        password: String,
    ) -> actix_web::Result<Account> {
        let password_hash = hash_apart(password).await?;
        sqlx::query("UPDATE accounts SET password_hash = ? WHERE id = ?")
            .bind(&password_hash)
            .bind(account.id)
            .execute(&self.pool)
            .await
            .map_err(ErrorServiceUnavailable)?;
        Ok(Account { password_hash, ..account.clone() })
    }

    pub(crate) async fn delete(&self, account: &Account) -> actix_web::Result<()> {
        let delete = sqlx::query("DELETE FROM accounts WHERE id = ?").bind(account.id);
        delete.execute(&self.pool).await.map(drop).map_err(ErrorServiceUnavailable)
    }
}

/// Hashes on a thread of its own: it takes a while, on purpose.
async fn hash_apart(password: String) -> actix_web::Result<String> {
    block(move || hash(&password)).await?.map_err(ErrorInternalServerError)
}

fn hash(password: &str) -> Result<String, argon2::password_hash::Error> {
    let hash: PasswordHash = Argon2::default().hash_password(password.as_bytes())?;
    Ok(hash.to_string())
}
