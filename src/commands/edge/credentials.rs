//! Credentials for the Management API: from a file or standard input, from the environment, from netrc.
//! Flags win over the environment, and that over netrc.

use secrecy::SecretString;

use super::super::Error;
use super::super::credentials::{basic, text, user, word};
use crate::cli::EdgeOptions;
use crate::gather::http::client::Credentials;

/// Chooses the credentials for a host.
///
/// # Errors
/// A file cannot be read, or has another form.
pub(super) fn of(args: &EdgeOptions, host: &str, env: impl Fn(&str) -> Option<String>) -> Result<Credentials, Error> {
    let given = |name: &str| env(name).filter(|value| !value.is_empty());
    if let Some(name) = &args.token_file {
        return Ok(Credentials::Token(word(name, "--token-file", "one token")?));
    }
    if let Some(name) = &args.user_file {
        return user(name, "--user-file");
    }
    if let Some(token) = given("APIGEE_TLS_TOKEN") {
        return Ok(Credentials::Token(SecretString::from(token.trim().to_owned())));
    }
    if let (Some(user), Some(password)) = (given("APIGEE_TLS_USER"), env("APIGEE_TLS_PASSWORD")) {
        return Ok(basic(&user, &password));
    }
    if let Some(name) = &args.netrc_file {
        let text = text(name)?;
        return Ok(netrc(&text, host).unwrap_or_default());
    }
    Ok(Credentials::None)
}

/// Returns the entry of a host, else the default entry.
fn netrc(text: &str, host: &str) -> Option<Credentials> {
    let mut words = text.split_whitespace();
    let (mut is_for_host, mut is_default) = (false, false);
    let mut user: Option<&str> = None;
    while let Some(word) = words.next() {
        match word {
            "machine" => {
                is_for_host = words.next()?.eq_ignore_ascii_case(host);
                (is_default, user) = (false, None);
            }
            "default" => (is_for_host, is_default, user) = (false, true, None),
            "login" => user = words.next(),
            "password" => {
                let password = words.next()?;
                if is_for_host || is_default {
                    return Some(basic(user.unwrap_or_default(), password));
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn netrc_takes_the_entry_of_the_host_else_the_default() {
        let text =
            "machine other login a password b\nmachine api.example login me password p:w\ndefault login d password e";
        let read = |host: &str| match netrc(text, host) {
            Some(Credentials::Basic { user, password }) => Some((user, password.expose_secret().to_owned())),
            _ => None,
        };
        assert_eq!(read("API.example"), Some(("me".into(), "p:w".into())));
        assert_eq!(read("x"), Some(("d".into(), "e".into())));
        assert!(netrc("machine a login b", "a").is_none());
    }
}
