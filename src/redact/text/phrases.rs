//! Phrases that programs write directly before a secret, without a name of the forms of `pairs`.
//!
//! All of it is data: the phrase, and how far the secret behind it extends.

use super::line::Found;
use super::urls::argument;
use super::value::closing;
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
    };
    let text = &line[at..end];
    (!text.trim_ascii().is_empty()).then(|| Found::new(at, end, Rule::NamedValue))
}
