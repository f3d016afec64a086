//! Records that are sealed at rest, opened with the keys of the application.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use clap::Args;
use sessions::{
    KeyRing, SealedStore, SecretKey,
    store::{
        CreateOutcome, DeleteIfOutcome, DeleteOutcome, Loaded, NotReady, OwnerIndex, Record,
        RecordKey, ReplaceOutcome, Revision, Store, StoreError, Touch,
    },
};
use zeroize::Zeroizing;

use crate::{failure::Failure, output::sessions, secret};

/// The variable with the key that seals, and the one with those before it.
const VARIABLE: &str = "STORE_KEY";
const FALLBACKS: &str = "STORE_KEY_FALLBACKS";

/// The keys of sealed records.
#[derive(Args, Debug)]
pub(crate) struct SealingKeys {
    /// The file with the keys of a `SealedStore`, or `-` for standard input: the current one, and fallbacks in lines
    /// of their own [default: the variables `STORE_KEY` and `STORE_KEY_FALLBACKS`, the latter with commas]
    #[arg(long, value_name = "FILE")]
    store_key_file: Option<PathBuf>,
}

impl SealingKeys {
    /// Returns the keys, if there are any.
    fn ring(&self) -> Result<Option<KeyRing>, Failure> {
        let (keys, separator) = match &self.store_key_file {
            Some(path) => (secret::read(path, "the keys of the store")?, '\n'),
            None => match variables()? {
                Some(keys) => (keys, ','),
                None => return Ok(None),
            },
        };
        let mut keys = keys.split(separator).map(str::trim).filter(|key| !key.is_empty());
        let key = |text: &str| {
            SecretKey::from_bytes(text)
                .map_err(|err| Failure::usage(format_args!("a key of the store is refused: {err}")))
        };
        let Some(current) = keys.next() else { return Ok(None) };
        let mut ring = KeyRing::new(key(current)?);
        for text in keys {
            ring = ring.with_fallback(key(text)?);
        }
        Ok(Some(ring))
    }

    /// Returns the store, with its sealed records opened where there are keys.
    pub(crate) fn open<S: Store + Clone>(&self, store: S) -> Result<Unsealed<S>, Failure> {
        let ring = self.ring()?;
        let sealed = ring.map(|ring| SealedStore::new(store.clone(), ring).accept_unsealed());
        Ok(Unsealed { store, sealed, unread: Arc::default() })
    }
}

fn variables() -> Result<Option<Zeroizing<String>>, Failure> {
    let Some(current) = secret::variable(VARIABLE)? else { return Ok(None) };
    let mut keys = current;
    if let Some(fallbacks) = secret::variable(FALLBACKS)? {
        keys.push(',');
        keys.push_str(&fallbacks);
    }
    Ok(Some(keys))
}

/// A store whose sealed records are opened where there are keys, and counted where they cannot be.
pub(crate) struct Unsealed<S> {
    store: S,
    sealed: Option<SealedStore<S>>,
    unread: Arc<AtomicU64>,
}

impl<S: Store> Unsealed<S> {
    /// Fails when sealed records were met that could not be opened.
    pub(crate) fn check_read(&self) -> Result<(), Failure> {
        let number = self.unread.load(Ordering::Relaxed);
        if number == 0 {
            return Ok(());
        }
        let what = sessions(number);
        Err(if self.sealed.is_none() {
            Failure::usage(format_args!(
                "the content of {what} is sealed: set the variable `{VARIABLE}` to the key of the \
                 `SealedStore`, or use --store-key-file; `end --all` needs none"
            ))
        } else {
            Failure::usage(format_args!(
                "none of the keys opens the sealed content of {what}: check `{VARIABLE}` and \
                 `{FALLBACKS}`, or --store-key-file"
            ))
        })
    }
}

impl<S: Store> Store for Unsealed<S> {
    async fn create(
        &self,
        key: &RecordKey,
        record: &Record,
        ttl: Duration,
    ) -> Result<CreateOutcome, StoreError> {
        self.store.create(key, record, ttl).await
    }

    async fn load(
        &self,
        key: &RecordKey,
        touch: Option<Touch>,
    ) -> Result<Option<Loaded>, StoreError> {
        let loaded = self.store.load(key, touch).await?;
        if !loaded.as_ref().is_some_and(|loaded| loaded.record.is_sealed()) {
            return Ok(loaded);
        }
        let Some(sealed) = &self.sealed else {
            self.unread.fetch_add(1, Ordering::Relaxed);
            return Ok(loaded);
        };
        let opened = sealed.load(key, touch).await;
        if matches!(opened, Err(StoreError::Corrupt { .. })) {
            self.unread.fetch_add(1, Ordering::Relaxed);
            // It is sealed, and what is beside its content can be read: it can be ended.
            return Ok(loaded);
        }
        opened
    }

    async fn replace(
        &self,
        key: &RecordKey,
        revision: Revision,
        record: &Record,
        ttl: Duration,
    ) -> Result<ReplaceOutcome, StoreError> {
        self.store.replace(key, revision, record, ttl).await
    }

    async fn delete(&self, key: &RecordKey) -> Result<DeleteOutcome, StoreError> {
        self.store.delete(key).await
    }

    async fn delete_if(
        &self,
        key: &RecordKey,
        revision: Revision,
    ) -> Result<DeleteIfOutcome, StoreError> {
        self.store.delete_if(key, revision).await
    }

    fn owners(&self) -> Option<&dyn OwnerIndex> {
        self.store.owners()
    }

    fn server(&self) -> Option<String> {
        self.store.server()
    }

    async fn ready(&self) -> Result<(), NotReady> {
        self.store.ready().await
    }
}
