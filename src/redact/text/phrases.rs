//! Phrases that programs write directly before a secret, without a name of the forms of `pairs`.
//!
//! All of it is data: the phrase, and how far the secret behind it extends.

use super::line::{Found, MAX_ESCAPES};
use super::pairs::is_variable_name;
use super::urls::argument;
use super::value::{closing, harmless};
use crate::redact::rules::Rule;

/// A phrase with a secret behind it. In lower case: triggers ignore case.
pub(super) struct Phrase {
    pub(super) text: &'static str,
    ends: Ends,
}

/// Where a secret behind a phrase ends.
#[derive(Clone, Copy)]
enum Ends {
    /// With the argument of a program.
    Argument,
    /// At the bar and the dots that close a quotation.
    Bars,
    /// With the call, at the parenthesis or brace that closes it.
    Call(u8),
    /// With the command: at `;`, `&`, a bar, a quote, or the line.
    Command,
    /// With the line, or with the text in quotes around it.
    Line,
    /// With the quotes around it.
    Quotes,
    /// With the quotes around it, or with a word; secret only beside a secret name.
    BesideName,
}

const fn phrase(text: &'static str, ends: Ends) -> Phrase {
    Phrase { text, ends }
}

pub(super) const PHRASES: &[Phrase] = &[
    // Lines of SSLKEYLOGFILE, and secrets that `openssl s_client` prints.
    phrase("client_early_traffic_secret ", Ends::Line),
    phrase("client_handshake_traffic_secret ", Ends::Line),
    phrase("client_random ", Ends::Line),
    phrase("client_traffic_secret_0 ", Ends::Line),
    phrase("early_exporter_master_secret ", Ends::Line),
    phrase("early_exporter_secret ", Ends::Line),
    phrase("ech_secret ", Ends::Line),
    phrase("exporter_secret ", Ends::Line),
    phrase("keying material: ", Ends::Line),
    phrase("master-key: ", Ends::Line),
    phrase("resumption psk: ", Ends::Line),
    phrase("server_handshake_traffic_secret ", Ends::Line),
    phrase("server_traffic_secret_0 ", Ends::Line),
    // What a decoder or a parser quotes of its input.
    phrase("byte of ...|", Ends::Bars),
    phrase("bigger context ...|", Ends::Bars),
    phrase("cannot unmarshal string ", Ends::Quotes),
    phrase("cannot unmarshal json string ", Ends::Quotes),
    phrase("cannot unmarshal !!binary ", Ends::Quotes),
    phrase("cannot unmarshal !!str ", Ends::Quotes),
    phrase("invalid type: string ", Ends::Quotes),
    phrase("from string ", Ends::Quotes),
    phrase("trying to unmarshal ", Ends::Quotes),
    phrase("cannot unmarshal !!float ", Ends::BesideName),
    phrase("cannot unmarshal !!int ", Ends::BesideName),
    phrase("cannot unmarshal number ", Ends::BesideName),
    phrase("could not convert string to float: ", Ends::BesideName),
    phrase("for input string: ", Ends::BesideName),
    phrase("invalid argument ", Ends::BesideName),
    phrase("invalid boolean value ", Ends::BesideName),
    phrase("invalid duration ", Ends::BesideName),
    phrase("invalid literal for int() with base 10: ", Ends::BesideName),
    phrase("invalid type: integer ", Ends::BesideName),
    phrase("invalid value ", Ends::BesideName),
    phrase("parse ", Ends::BesideName),
    phrase("parsing ", Ends::BesideName),
    phrase("unrecognized token ", Ends::BesideName),
    // Data of a Secret as Go prints it, and credentials as arguments of a constructor.
    phrase(".basic(", Ends::Call(b')')),
    phrase("basicauth(", Ends::Call(b')')),
    phrase("basic_auth(", Ends::Call(b')')),
    phrase("basiccredentials(", Ends::Call(b')')),
    phrase("digestauth(", Ends::Call(b')')),
    phrase("map[string][]byte{", Ends::Call(b'}')),
    phrase("map[string][]uint8{", Ends::Call(b'}')),
    phrase("passwordauthentication(", Ends::Call(b')')),
    phrase("plaintextauthprovider(", Ends::Call(b')')),
    phrase("proxyauth(", Ends::Call(b')')),
    phrase("usernamepasswordcredentials(", Ends::Call(b')')),
    // Apigee's key value maps.
    phrase("encrypted=true, value=", Ends::Argument),
    // Programs whose arguments are a user and a password.
    phrase("ansible-vault encrypt_string ", Ends::Command),
    phrase("aws configure set aws_secret_access_key ", Ends::Command),
    phrase("rclone config create ", Ends::Command),
    phrase("snyk auth ", Ends::Command),
    phrase("wpa_passphrase ", Ends::Command),
    phrase("radtest ", Ends::Command),
    phrase("passwd --stdin <<<", Ends::Command),
    phrase("bindpw ", Ends::Argument),
    phrase("geniekey ", Ends::Argument),
    phrase("passphrase for key: ", Ends::Argument),
    phrase("user_pw ", Ends::Argument),
    phrase("owner_pw ", Ends::Argument),
    phrase("lftp -u ", Ends::Argument),
    phrase("sonar.login=", Ends::Argument),
    phrase("chpasswd <<<", Ends::Command),
    phrase("htpasswd -b", Ends::Command),
    phrase("htpasswd -cb", Ends::Command),
    phrase("htpasswd -nb", Ends::Command),
    phrase("--from-literal=", Ends::Argument),
    phrase("--from-literal ", Ends::Argument),
    phrase("htpasswd -ib", Ends::Command),
    phrase("impdp ", Ends::Argument),
    phrase("expdp ", Ends::Argument),
    phrase("-pass pass:", Ends::Argument),
    phrase("-passin pass:", Ends::Argument),
    phrase("-passout pass:", Ends::Argument),
    phrase("rabbitmqctl add_user ", Ends::Command),
    phrase("rabbitmqctl change_password ", Ends::Command),
    phrase("smbclient -u ", Ends::Argument),
    phrase("sqlplus -s ", Ends::Argument),
    phrase("sqlplus ", Ends::Argument),
    phrase("vault login ", Ends::Command),
];

/// Maximum number of bytes between a quotation and the name beside it.
const MAX_BESIDE: usize = 160;

/// What a validator writes between the path of a field and its value (`field.Error` of Kubernetes).
pub(super) const VERDICTS: &[&str] =
    &["duplicate value: ", "invalid value: ", "not supported value: ", "unsupported value: "];

/// Returns what is behind a phrase, which ends at `at`.
pub(super) fn behind(phrase: &Phrase, line: &[u8], at: usize) -> Option<Found> {
    let quoted = || closing(line, at, b'"', 0).unwrap_or(line.len());
    let rest = &line[at..];
    let end = match phrase.ends {
        Ends::Argument => return argument(line, at),
        Ends::Bars => at + memchr::memmem::find(rest, b"|...").unwrap_or(rest.len()),
        Ends::Call(close) => at + memchr::memchr(close, rest).unwrap_or(rest.len()),
        Ends::Command => {
            let ends = |byte: &u8| matches!(byte, b';' | b'&' | b'|' | b'"' | b'`' | b']' | b'\\');
            at + rest.iter().position(ends).unwrap_or(rest.len())
        }
        Ends::Line => quoted(),
        Ends::Quotes => return quotation(line, at),
        Ends::BesideName => {
            let found = quotation(line, at).or_else(|| number(line, at))?;
            let is_secret = names_secret(&line[at.saturating_sub(MAX_BESIDE)..at - phrase.text.len()])
                || names_secret(&line[found.end..line.len().min(found.end + MAX_BESIDE)]);
            return is_secret.then_some(found);
        }
    };
    let text = &line[at..end];
    (!text.trim_ascii().is_empty()).then(|| Found::new(at, end, Rule::NamedValue))
}

/// Returns the text in the quotes that begin at `at`.
fn quotation(line: &[u8], at: usize) -> Option<Found> {
    let escapes = line[at..].iter().take(MAX_ESCAPES).take_while(|byte| **byte == b'\\').count();
    let quote = *line.get(at + escapes).filter(|byte| matches!(byte, b'"' | b'\'' | b'`'))?;
    let start = at + escapes + 1;
    let end = closing(line, start, quote, escapes).unwrap_or(line.len());
    (!harmless(&line[start..end])).then(|| Found::new(start, end, Rule::NamedValue))
}

/// Returns the number that begins at `at`.
fn number(line: &[u8], at: usize) -> Option<Found> {
    let length = line[at..].iter().take_while(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-')).count();
    (length > 0).then(|| Found::new(at, at + length, Rule::NamedValue))
}

/// Returns whether a text has the name of a secret: of a field, a flag or a variable.
fn names_secret(text: &[u8]) -> bool {
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    text.split(|byte| !part(byte)).any(|word| !word.is_empty() && is_variable_name(word))
}
