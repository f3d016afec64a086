//! A connection of the pool, for one operation.

use sqlx::{Connection, Error, SqlSafeStr, SqlStr};

use crate::{
    dialect::Dialect,
    lending::{Lender, NotLent},
    loan::Loan,
};

/// A connection that goes back to the pool at the end of an operation, even one that is dropped
/// half-way.
///
/// The server still answers a dropped operation, and the pool waits for that answer before it lends
/// the connection again. The lease closes at once a connection that cannot [go on](DB::RESUMES)
/// after that.
pub(crate) struct Lease<DB: Dialect> {
    connection: Option<Loan<DB>>,
    is_answered: bool,
    /// Whether a transaction may be open.
    is_open: bool,
}

impl<DB: Dialect> Lease<DB> {
    /// Takes a connection for an operation that may be repeated.
    pub(crate) async fn for_read(lender: &Lender<DB>) -> Result<Self, NotLent> {
        let connection = lender.lend().await?;
        Ok(Self { connection: Some(connection), is_answered: false, is_open: false })
    }

    /// Takes a live connection, for an operation that must not be repeated.
    pub(crate) async fn for_write(lender: &Lender<DB>) -> Result<Self, NotLent> {
        let options = lender.pool().options();
        if !DB::IS_REMOTE || options.get_test_before_acquire() {
            return Self::for_read(lender).await;
        }
        // One restart of the server may have broken them all.
        for _ in 0..options.get_max_connections() {
            let mut lease = Self::for_read(lender).await?;
            if lease.connection().ping().await.is_ok() {
                return Ok(lease);
            }
            lease.answered();
        }
        Self::for_read(lender).await
    }

    pub(crate) fn connection(&mut self) -> &mut DB::Connection {
        self.connection.as_mut().expect("only `drop` takes the connection")
    }

    /// Begins the transaction of an operation, where it has one. sqlx's own would stay open if the
    /// operation is dropped while it begins, and hold a pooler's connection.
    pub(crate) async fn begin(&mut self, begin: Option<SqlStr>) -> Result<(), Error> {
        let Some(begin) = begin else { return Ok(()) };
        self.is_open = true;
        DB::execute(self.connection(), begin).await
    }

    /// Commits the transaction, if there is one.
    pub(crate) async fn commit(&mut self) -> Result<(), Error> {
        if self.is_open {
            DB::execute(self.connection(), "COMMIT".into_sql_str()).await?;
            self.is_open = false;
        }
        Ok(())
    }

    /// Returns the connection to the pool after the operation's answer.
    pub(crate) fn answered(mut self) {
        self.is_answered = true;
    }
}

impl<DB: Dialect> Drop for Lease<DB> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        if DB::RESUMES || self.is_answered && !self.is_open {
            connection.give_back(self.is_open);
        } else {
            connection.close();
        }
    }
}

/// Runs an operation on a connection, and repeats it if the database reports it as not executed, or
/// if it is a read whose connection broke. A write holds the writer lock.
macro_rules! run {
    ($store:expr, write, $connection:ident => $operation:expr) => {
        $crate::lease::run!(@ $store, $crate::retry::RetryBudget::for_write(), for_write, $store.writer_lock.acquire(), $connection => $operation)
    };
    ($store:expr, read, $connection:ident => $operation:expr) => {{
        let budget = $crate::retry::RetryBudget::for_read($store.lender.pool().options().get_max_connections());
        $crate::lease::run!(@ $store, budget, for_read, $crate::writer_lock::no_lock(), $connection => $operation)
    }};
    (@ $store:expr, $budget:expr, $lease:ident, $lock:expr, $connection:ident => $operation:expr) => {{
        let mut budget = $budget;
        loop {
            let result = match $crate::lease::Lease::$lease(&$store.lender).await {
                Ok(mut lease) => {
                    let permit = $lock.await;
                    let result = match lease.begin($store.begin.clone()).await {
                        Ok(()) => {
                            let $connection = lease.connection();
                            match $operation.await {
                                Ok(done) => lease.commit().await.map(|()| done),
                                Err(err) => Err(err),
                            }
                        }
                        Err(err) => Err(err),
                    };
                    drop(permit);
                    lease.answered();
                    result
                }
                Err($crate::lending::NotLent::Pool(err)) => Err(err),
                Err($crate::lending::NotLent::Refused(err)) => {
                    break Err($crate::error::located($store.lender.pool(), err));
                }
            };
            match result {
                Ok(done) => break Ok(done),
                Err(err) => {
                    if let Err(err) = budget.after::<DB>(err).await {
                        break Err($crate::error::located($store.lender.pool(), err));
                    }
                }
            }
        }
    }};
}

pub(crate) use run;
