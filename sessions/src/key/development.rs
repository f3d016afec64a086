//! A key for development, kept in a file so that sessions survive a restart.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::SecretKey;
use crate::{error::KeyError, events::event};

/// The longest file that is read: far more than any key.
const MAX_FILE: usize = 4096;

impl SecretKey {
    /// Reads the key from the file at `path`, and creates the file and its folder the first time.
    /// Of processes that start at the same time, all get the key of one of them.
    ///
    /// Logs a warning at each call: in production, take the key from a secret store or the
    /// environment. The file holds base64 and has mode 0600 on Unix, readable by its owner only.
    /// Keep it out of version control, for example in a build folder.
    ///
    /// # Security
    ///
    /// On Unix the file must belong to the user of this process and be closed to all others, and
    /// must not be a symbolic link: another user who chooses the key can write sessions. What leads
    /// to the file is not checked, so give it a folder in which only this user may write.
    ///
    /// # Errors
    ///
    /// [`KeyError::File`] when the file cannot be read or created, when it does not hold a key, or
    /// when another user can choose or read what it holds.
    pub fn for_development(path: impl AsRef<Path>) -> Result<Self, KeyError> {
        let path = path.as_ref();
        event!(
            KeyDevelopment,
            path = %path.display(),
            "using a development key from a file; in production, take the key from a secret store \
             or the environment"
        );
        let file_error = |source| KeyError::File { path: path.into(), source };
        match read(path) {
            Err(err) if err.kind() == ErrorKind::NotFound => {}
            read => return read.map_err(file_error),
        }
        let key = Self::try_generate()?;
        match create(path, &key) {
            Ok(()) => Ok(key),
            // Another process was faster: its key is the one.
            Err(err) if err.kind() == ErrorKind::AlreadyExists => read(path).map_err(file_error),
            Err(err) => Err(file_error(err)),
        }
    }
}

/// Writes a file of its own and links it into place, which fails where a file is already: under the
/// name of the key there is never a part of one, even after a crash.
fn create(path: &Path, key: &SecretKey) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let draft = Draft::write(folder, key)?;
    fs::hard_link(&draft.0, path).map_err(|err| match err.kind() {
        ErrorKind::AlreadyExists => err,
        kind => io::Error::new(
            kind,
            format!("it cannot be linked into place ({err}); use a file system with hard links"),
        ),
    })?;
    // The name survives a crash too, where folders can be synchronised.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

/// A file with a key under a name of its own, which is removed when this is dropped.
struct Draft(PathBuf);

impl Draft {
    fn write(folder: &Path, key: &SecretKey) -> io::Result<Self> {
        let number = getrandom::u64()?;
        let path = folder.join(format!(".session-key-{number:016x}.tmp"));
        let mut options = OpenOptions::new();
        // Never a file that is there, nor where a symbolic link leads.
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path)?;
        let draft = Self(path);
        let length = base64::encoded_len(key.bytes().len(), false).unwrap_or_default();
        // A buffer that grows would leave a copy of the key behind.
        let mut text = Zeroizing::new(String::with_capacity(length + "\n".len()));
        URL_SAFE_NO_PAD.encode_string(key.bytes(), &mut text);
        text.push('\n');
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        Ok(draft)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn read(path: &Path) -> io::Result<SecretKey> {
    let file = open_own(path)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_FILE + 1));
    file.take(MAX_FILE as u64 + 1).read_to_end(&mut bytes)?;
    let invalid = |problem: &str| {
        let message = format!("{problem}; delete it, and the next start makes a new key");
        io::Error::new(ErrorKind::InvalidData, message)
    };
    let text = str::from_utf8(&bytes).map(str::trim_end);
    let text = text.map_err(|_| invalid("it does not hold base64"))?;
    if text.is_empty() {
        return Err(invalid("it is empty, as after a crash"));
    }
    SecretKey::from_base64(text).map_err(|err| {
        invalid(&match err {
            KeyError::Encoding { .. } => "it does not hold base64".to_owned(),
            KeyError::TooShort { length, minimum } => {
                format!("it holds {length} bytes of a key, and a key has at least {minimum}")
            }
            err => format!("it holds no usable key: {err}"),
        })
    })
}

/// Opens a file that no other user can have written or can read.
#[cfg(unix)]
fn open_own(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

    use rustix::{fs::OFlags, process::geteuid};

    // `NONBLOCK`, since opening a pipe would wait for its writer.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let flags = i32::try_from(flags.bits()).expect("flags are small");
    let refused = |message| io::Error::new(ErrorKind::PermissionDenied, message);
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(|err| {
        match fs::symlink_metadata(path) {
            Ok(found) if found.is_symlink() => refused(
                "it is a symbolic link, which may lead to a file of another user; give the path that \
                 it leads to".to_owned(),
            ),
            _ => err,
        }
    })?;
    // Of the file that is open, whatever has become of its name.
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(refused("it is not a file; give a path at which there is none".to_owned()));
    }
    let user = geteuid().as_raw();
    if found.uid() != user {
        return Err(refused(format!(
            "it belongs to user {} and this process runs as user {user}; delete it or give another path",
            found.uid(),
        )));
    }
    let mode = found.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(refused(format!(
            "other users may read or write it (mode {mode:04o}); set mode 0600 or delete it"
        )));
    }
    Ok(file)
}

#[cfg(not(unix))]
fn open_own(path: &Path) -> io::Result<File> {
    File::open(path)
}
