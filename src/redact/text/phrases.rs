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
    /// The same, secret only beside a secret name.
    CallBesideName(u8),
    /// With the command: at `;`, `&`, a bar, a quote, or the line.
    Command,
    /// With the word, at a comma between two settings; secret only in a variable of an environment.
    InVariable,
    /// With the line, or with the text in quotes around it.
    Line,
    /// With the quotes around it.
    Quotes,
    /// At the last quote of the line.
    Rest,
    /// With the quotes around it, or with a number; secret only beside a secret name.
    BesideName,
    /// With the word; secret only beside a secret name.
    WordBesideName,
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
    phrase("input_value=", Ends::Quotes),
    phrase("cannot unmarshal !!float ", Ends::BesideName),
    phrase("cannot unmarshal !!int ", Ends::BesideName),
    phrase("cannot unmarshal number ", Ends::BesideName),
    phrase("but was ", Ends::WordBesideName),
    phrase("convert ", Ends::BesideName),
    phrase("could not convert string to float: ", Ends::BesideName),
    phrase("for input string: ", Ends::BesideName),
    phrase("got ", Ends::BesideName),
    phrase("invalid argument ", Ends::BesideName),
    phrase("invalid boolean value ", Ends::BesideName),
    phrase("invalid duration ", Ends::BesideName),
    phrase("invalid literal for int() with base 10: ", Ends::BesideName),
    phrase("invalid type: integer ", Ends::BesideName),
    phrase("invalid value ", Ends::BesideName),
    phrase("invalidvalue=", Ends::WordBesideName),
    phrase("rejected value [", Ends::CallBesideName(b']')),
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
    phrase("stringdata:map[string]string{", Ends::Call(b'}')),
    phrase("usernamepasswordcredentials(", Ends::Call(b')')),
    // Rows of a table with a secret column, and the commands of Redis.
    phrase(" values (", Ends::CallBesideName(b')')),
    phrase(" values(", Ends::CallBesideName(b')')),
    phrase("] \"auth\" ", Ends::Rest),
    phrase("] \\\"auth\\\" ", Ends::Rest),
    phrase(" auth default ", Ends::Argument),
    phrase("set requirepass ", Ends::Argument),
    phrase("= password(", Ends::Call(b')')),
    phrase("c: pass ", Ends::Argument),
    phrase("> pass ", Ends::Argument),
    // A setting of helm that is a path.
    phrase("].value=", Ends::InVariable),
    // Apigee's key value maps.
    phrase("encrypted=true, value=", Ends::Argument),
    // Programs whose arguments are a user and a password.
    phrase("ansible-vault encrypt_string ", Ends::Command),
    phrase("aws configure set aws_secret_access_key ", Ends::Command),
    phrase("convertto-securestring -string ", Ends::Argument),
    phrase("convertto-securestring ", Ends::Argument),
    phrase(":_authtoken ", Ends::Argument),
    phrase(":_password ", Ends::Argument),
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
pub(super) const VERDICTS: &[&str] = &[
    "duplicate value: ",
    "invalid value: ",
    "invalid value ",
    "not supported value: ",
    "rejected value [",
    "unsupported value: ",
];

/// Returns what is behind a phrase, which ends at `at`.
pub(super) fn behind(phrase: &Phrase, line: &[u8], at: usize) -> Option<Found> {
    let quoted = || closing(line, at, b'"', 0).unwrap_or(line.len());
    let rest = &line[at..];
    let end = match phrase.ends {
        Ends::Argument => return argument(line, at),
        Ends::Bars => at + memchr::memmem::find(rest, b"|...").unwrap_or(rest.len()),
        Ends::CallBesideName(close) => {
            let end = at + memchr::memchr(close, rest).unwrap_or(rest.len());
            if !is_beside_name(line, at - phrase.text.len(), end) {
                return None;
            }
            end
        }
        Ends::InVariable => return variable(line, at, at - phrase.text.len()),
        Ends::Rest => at + memchr::memrchr(b'"', rest).unwrap_or(rest.len()),
        Ends::WordBesideName => {
            let found = argument(line, at)?;
            let text = &line[at..found.end];
            let end = at + text.iter().position(|byte| matches!(byte, b',' | b'}' | b')' | b']')).unwrap_or(text.len());
            return is_beside_name(line, at - phrase.text.len(), end).then(|| Found::new(at, end, Rule::NamedValue));
        }
        Ends::Call(close) => at + memchr::memchr(close, rest).unwrap_or(rest.len()),
        Ends::Command => {
            let ends = |byte: &u8| matches!(byte, b';' | b'&' | b'|' | b'"' | b'`' | b']' | b'\\');
            at + rest.iter().position(ends).unwrap_or(rest.len())
        }
        Ends::Line => quoted(),
        Ends::Quotes => return quotation(line, at),
        Ends::BesideName => {
            let found = quotation(line, at).or_else(|| number(line, at))?;
            return is_beside_name(line, at - phrase.text.len(), found.end).then_some(found);
        }
    };
    let text = &line[at..end];
    (!text.trim_ascii().is_empty()).then(|| Found::new(at, end, Rule::NamedValue))
}

/// Returns whether the name of a secret is before `start` or behind `end`.
fn is_beside_name(line: &[u8], start: usize, end: usize) -> bool {
    names_secret(&line[start.saturating_sub(MAX_BESIDE)..start])
        || names_secret(&line[end..line.len().min(end + MAX_BESIDE)])
}

/// Returns the value of a setting at `at` if its path, which ends at `end`, is that of a variable of an
/// environment: `--set env[0].value=x,a=b`.
fn variable(line: &[u8], at: usize, end: usize) -> Option<Found> {
    let before = &line[..end];
    let name = &before[..before.len() - before.iter().rev().take_while(|byte| byte.is_ascii_digit()).count()];
    let name = name.strip_suffix(b"[").or_else(|| name.strip_suffix(b"[\\"))?;
    let length = name.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    let name = name[name.len() - length..].to_ascii_lowercase();
    let is_environment = [&b"env"[..], b"envvars", b"extraenv", b"extraenvvars", b"environment"].contains(&&*name);
    let found = argument(line, at).filter(|_| is_environment)?;
    let text = &line[found.start..found.end];
    let comma = (0..text.len()).find(|at| text[*at] == b',' && !text[..*at].ends_with(b"\\"));
    Some(Found { end: found.start + comma.unwrap_or(text.len()), ..found })
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
