//! Credentials for the Management API: from a file or standard input, from the environment, from netrc.
//! Flags win over the environment, and that over netrc.

use secrecy::SecretString;

use super::super::Error;
use super::super::credentials::{basic, text, user, word};
use crate::cli::EdgeOptions;
use crate::evidence::edge::Login;
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

/// Returns which of them a run uses, in the order of [`of`], for the calls that a report prints.
pub(super) fn login(args: &EdgeOptions, env: impl Fn(&str) -> Option<String>) -> Login {
    let given = |name: &str| env(name).is_some_and(|value| !value.is_empty());
    // Standard input cannot be read again by a call.
    let file = |name: &String| Some(name.clone()).filter(|name| name != "-");
    match (&args.user_file, &args.netrc_file) {
        _ if args.token_file.is_some() => Login::Token,
        (Some(name), _) => file(name).map_or(Login::User, Login::UserFile),
        _ if given("APIGEE_TLS_TOKEN") => Login::Token,
        _ if given("APIGEE_TLS_USER") && env("APIGEE_TLS_PASSWORD").is_some() => Login::User,
        (None, Some(name)) => file(name).map_or(Login::User, Login::NetrcFile),
        (None, None) => Login::Token,
    }
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
    use clap::Parser;
    use secrecy::ExposeSecret;

    use super::*;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        edge: EdgeOptions,
    }

    #[test]
    fn printed_calls_log_in_as_the_run_does() {
        let of = |words: &[&str], names: &[&str]| {
            let Flags { edge } = Flags::parse_from(std::iter::once(&"edge").chain(words));
            login(&edge, |name| names.contains(&name).then(|| "secret".to_owned()))
        };
        let variables = ["APIGEE_TLS_USER", "APIGEE_TLS_PASSWORD"];
        assert_eq!(of(&[], &[]), Login::Token);
        assert_eq!(of(&[], &variables), Login::User);
        assert_eq!(of(&[], &["APIGEE_TLS_TOKEN", "APIGEE_TLS_USER", "APIGEE_TLS_PASSWORD"]), Login::Token);
        assert_eq!(of(&["--netrc-file", "n"], &[]), Login::NetrcFile("n".into()));
        assert_eq!(of(&["--netrc-file", "n"], &variables), Login::User);
        assert_eq!(of(&["--user-file", "u"], &["APIGEE_TLS_TOKEN"]), Login::UserFile("u".into()));
        assert_eq!(of(&["--user-file", "-"], &[]), Login::User);
        assert_eq!(of(&["--token-file", "t"], &variables), Login::Token);
    }

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
