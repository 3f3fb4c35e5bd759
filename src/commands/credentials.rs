//! Secrets from files, for every command that sends credentials. A secret is never an argument, and no error
//! repeats one.

use std::io::Read;

use secrecy::SecretString;
use zeroize::Zeroizing;

use super::Error;
use crate::gather::files;
use crate::gather::http::client::Credentials;

/// Maximum number of bytes of a file with secrets as text.
const MAX_TEXT: u64 = 64 << 10;
/// Maximum number of bytes of a file with certificates or a key.
const MAX_BYTES: u64 = 1 << 20;

/// Reads a file or standard input.
///
/// # Errors
/// It cannot be read.
pub(super) fn bytes(name: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    let input = |source| Error::Input { name: name.to_owned(), source };
    let mut bytes = Zeroizing::new(Vec::new());
    files::open(name).map_err(input)?.take(MAX_BYTES).read_to_end(&mut bytes).map_err(input)?;
    Ok(bytes)
}

/// Reads a file or standard input as text.
///
/// # Errors
/// It cannot be read, or is not UTF-8.
pub(super) fn text(name: &str) -> Result<Zeroizing<String>, Error> {
    let input = |source| Error::Input { name: name.to_owned(), source };
    let mut text = Zeroizing::new(String::new());
    files::open(name).map_err(input)?.take(MAX_TEXT).read_to_string(&mut text).map_err(input)?;
    Ok(text)
}

/// Reads a file with one word. `expected` describes the word.
///
/// # Errors
/// It cannot be read, or has another form.
pub(super) fn word(name: &str, flag: &str, expected: &str) -> Result<SecretString, Error> {
    let text = text(name)?;
    let word = text.trim();
    if word.is_empty() || word.contains(char::is_whitespace) {
        return Err(wrong(flag, name, expected));
    }
    Ok(SecretString::from(word.to_owned()))
}

/// Reads a file with the line `USER:PASSWORD`.
///
/// # Errors
/// It cannot be read, or has another form.
pub(super) fn user(name: &str, flag: &str) -> Result<Credentials, Error> {
    let text = text(name)?;
    let line = text.lines().next().unwrap_or_default();
    let (user, password) = line.split_once(':').ok_or_else(|| wrong(flag, name, "one line USER:PASSWORD"))?;
    Ok(basic(user, password))
}

/// Returns a name with its password.
pub(super) fn basic(user: &str, password: &str) -> Credentials {
    Credentials::Basic { user: user.to_owned(), password: SecretString::from(password.to_owned()) }
}

fn wrong(flag: &str, name: &str, expected: &str) -> Error {
    Error::Argument { what: format!("{flag} {name}: it has another form"), hint: format!("expected {expected}") }
}
