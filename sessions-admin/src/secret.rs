//! Secrets: from the environment, a file or standard input.

use std::{
    env, fs,
    io::{self, Read},
    path::Path,
};

use zeroize::Zeroizing;

use crate::failure::Failure;

/// Reads the text of a file, or of standard input for `-`, without the line break at its end. An error
/// names the file, not its content.
pub(crate) fn read(path: &Path, what: &str) -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::new());
    let read = if path == Path::new("-") {
        io::stdin().read_to_string(&mut text)
    } else {
        fs::File::open(path).and_then(|mut file| file.read_to_string(&mut text))
    };
    read.map_err(|err| {
        Failure::failed(format_args!("cannot read {what} from `{}`: {err}", path.display()))
    })?;
    let end = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(end);
    if text.is_empty() {
        return Err(Failure::usage(format_args!("{what} in `{}` is empty", path.display())));
    }
    Ok(text)
}

/// Reads a variable that is set and not empty.
pub(crate) fn variable(name: &str) -> Result<Option<Zeroizing<String>>, Failure> {
    match env::var(name) {
        Ok(value) if value.is_empty() => Ok(None),
        Ok(value) => Ok(Some(Zeroizing::new(value))),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => {
            Err(Failure::usage(format_args!("the variable `{name}` is not UTF-8")))
        }
    }
}
