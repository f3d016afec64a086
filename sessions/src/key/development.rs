//! A key for development, kept in a file so that sessions survive a restart.

use std::{
    fs::{File, OpenOptions},
    io::{ErrorKind, Read, Write},
    path::Path,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::SecretKey;
use crate::error::KeyError;

impl SecretKey {
    /// Reads the key from the file at `path`, and creates the file and its folder the first time.
    ///
    /// Logs a warning at each call: in production, take the key from a secret store or the
    /// environment. The file holds base64 and has mode 0600 on Unix, readable by its owner only.
    /// Keep it out of version control, for example in a build folder.
    ///
    /// # Errors
    ///
    /// [`KeyError::File`] when the file cannot be read or created, or when other users may read it;
    /// [`KeyError::Encoding`] when it does not hold base64.
    pub fn for_development(path: impl AsRef<Path>) -> Result<Self, KeyError> {
        let path = path.as_ref();
        tracing::warn!(
            target: "sessions",
            path = %path.display(),
            "using a development key from a file; in production, take the key from a secret store \
             or the environment"
        );
        // Of several processes, the one that creates the file writes it and the others read it.
        match create(path) {
            Ok(key) => Ok(key),
            Err(KeyError::File { source, .. }) if source.kind() == ErrorKind::AlreadyExists => {
                read(path)
            }
            Err(err) => Err(err),
        }
    }
}

fn create(path: &Path) -> Result<SecretKey, KeyError> {
    let file_error = |source| KeyError::File { path: path.into(), source };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(file_error)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(file_error)?;
    let key = SecretKey::try_generate()?;
    let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(key.bytes()) + "\n");
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(file_error)?;
    Ok(key)
}

fn read(path: &Path) -> Result<SecretKey, KeyError> {
    let file_error = |source| KeyError::File { path: path.into(), source };
    let mut file = File::open(path).map_err(file_error)?;
    check_owner_only(&file).map_err(file_error)?;
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text).map_err(file_error)?;
    SecretKey::from_base64(text.trim_end())
}

#[cfg(unix)]
fn check_owner_only(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    let mode = file.metadata()?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let message =
        format!("other users may read or write it (mode {mode:04o}); set mode 0600 or delete it");
    Err(std::io::Error::new(ErrorKind::PermissionDenied, message))
}

#[cfg(not(unix))]
fn check_owner_only(_: &File) -> std::io::Result<()> {
    Ok(())
}
