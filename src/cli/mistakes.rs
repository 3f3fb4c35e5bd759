//! Answers to flags and values that users of kubectl, curl and openssl try, in place of clap's guess.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, Error};

/// A flag that does not exist here, and what to do instead.
struct Answer {
    /// The commands that have the answer; all if empty.
    commands: &'static [&'static str],
    flags: &'static [&'static str],
    text: &'static str,
}

const ANSWERS: &[Answer] = &[
    Answer {
        commands: &[],
        flags: &["-A", "--all-namespaces"],
        text: "Apigee hybrid is in one namespace: name it with -n; for several clusters use --all-contexts",
    },
    Answer {
        commands: &["probe"],
        flags: &["-k", "--insecure", "--insecure-skip-tls-verify"],
        text: "not needed: probe never stops at an untrusted certificate, and reports it",
    },
    Answer { commands: &["probe"], flags: &["-servername", "--servername"], text: "use --sni NAME" },
    Answer { commands: &["probe"], flags: &["-noservername", "--noservername"], text: "use --no-sni" },
    Answer {
        commands: &["probe"],
        flags: &["-connect", "--connect", "-host", "--host"],
        text: "give HOST:PORT as an argument; --connect-to IP connects to another address",
    },
    Answer { commands: &["probe"], flags: &["-p", "-port", "--port"], text: "give the port with the host: HOST:443" },
    Answer {
        commands: &["probe"],
        flags: &["-n", "--namespace", "--context", "--contexts", "--all-contexts", "--kubeconfig"],
        text: "probe contacts no cluster; diagnose probes the ingress of one",
    },
];

/// Templates of kubectl that `-o` does not take.
const TEMPLATES: [&str; 7] = [
    "jsonpath",
    "jsonpath-as-json",
    "jsonpath-file",
    "go-template",
    "go-template-file",
    "custom-columns",
    "custom-columns-file",
];

/// Replaces clap's message where a better answer is known.
pub(super) fn explained(error: Error, args: &[OsString], command: &Command) -> Error {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.as_str(),
        _ => "",
    };
    let argument = text(ContextKind::InvalidArg);
    // Whole lines of something, such as an answer or a key, which no message repeats.
    let is_pasted = |text: &str| text.contains(['\n', '\r']);
    let values = [argument, text(ContextKind::InvalidValue), text(ContextKind::InvalidSubcommand)];
    if values.into_iter().any(is_pasted) {
        let why = "unexpected argument of several lines, which is not repeated: give a text to the flag that takes it, \
                   in quotes\n";
        return Error::raw(error.kind(), why);
    }
    let typed: Vec<String> = args.iter().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
    let name = typed.iter().find(|word| command.find_subcommand(word).is_some()).map_or("", String::as_str);
    let answer = match error.kind() {
        ErrorKind::UnknownArgument => answer(name, argument, &typed),
        ErrorKind::InvalidValue if argument.starts_with("--output") => jq(text(ContextKind::InvalidValue)).map(|jq| {
            // The other arguments are not repeated, because a token can be among them.
            let others = if typed.len() > 3 { " …" } else { "" };
            format!("templates are not supported; use jq:\n\n  kubectl apigee-tls {name}{others} -o json | {jq}")
        }),
        ErrorKind::InvalidUtf8 => args.iter().find(|argument| argument.to_str().is_none()).map(|argument| {
            let argument = argument.to_string_lossy();
            let argument = argument.escape_debug();
            format!(
                "the argument '{argument}' is not UTF-8: give the file through a link with another name, or rename it"
            )
        }),
        ErrorKind::MissingRequiredArgument if name == "trace" => {
            Some("give the server name that clients send: trace HOST; for clients without SNI: trace --no-sni".into())
        }
        _ => None,
    };
    answer.map(|answer| Error::raw(error.kind(), answer + "\n")).unwrap_or(error)
}

fn answer(command: &str, argument: &str, typed: &[String]) -> Option<String> {
    // `-v 6`: the number was taken for an argument of its own.
    let before = typed.iter().position(|word| word == argument).and_then(|at| typed.get(at.checked_sub(1)?));
    if argument.parse::<u8>().is_ok() && before.is_some_and(|before| matches!(before.as_str(), "-v" | "--v")) {
        return Some(format!("unexpected argument '{argument}': write -v={argument}"));
    }
    // clap names the first letter of `-servername`.
    let word = typed.iter().find(|word| argument.len() == 2 && word.len() > 2 && word.starts_with(argument));
    let is_for = |answer: &&Answer| answer.commands.is_empty() || answer.commands.contains(&command);
    [word.map(String::as_str), Some(argument)].into_iter().flatten().find_map(|flag| {
        let flag = flag.split('=').next().unwrap_or(flag);
        let known = ANSWERS.iter().filter(is_for).find(|answer| answer.flags.contains(&flag))?;
        Some(format!("unexpected argument '{flag}': {}", known.text))
    })
}

/// Returns the jq command for a template of kubectl; `None` for any other value.
fn jq(value: &str) -> Option<String> {
    let (kind, template) = value.split_once('=').unwrap_or((value, ""));
    if !TEMPLATES.contains(&kind) {
        return None;
    }
    let template = template.trim().replace('\'', "\"");
    let filter = match kind {
        "jsonpath" | "jsonpath-as-json" => of_json_path(&template),
        "go-template" => one_action(&template, "{{", "}}").filter(|path| is_path(path)).map(str::to_owned),
        "custom-columns" => of_columns(&template),
        _ => None,
    };
    Some(match filter {
        Some(filter) => format!("jq -r '{filter}'"),
        None => "jq .".to_owned(),
    })
}

fn of_json_path(template: &str) -> Option<String> {
    let path = one_action(template, "{", "}").unwrap_or(template);
    let path = path.trim_start_matches('$');
    let path = path.replace("[*]", "[]").replace("[?(", "[] | select(").replace("@.", ".");
    let path = path.replace(")].", ") | .").replace(")]", ")");
    let path = if path.starts_with('.') { path } else { format!(".{path}") };
    (is_path(&path) && path != "." && !path.contains("..")).then_some(path)
}

/// `NAME:.a.b,OTHER:.c` prints a line of columns.
fn of_columns(template: &str) -> Option<String> {
    let columns = template.split(',').map(|column| column.split_once(':').map(|(_, path)| path));
    let columns: Option<Vec<&str>> = columns.map(|path| path.filter(|path| is_path(path))).collect();
    Some(format!("[{}] | @tsv", columns?.join(", ")))
}

/// Returns the text between the braces, if there is one pair only.
fn one_action<'a>(template: &'a str, open: &str, close: &str) -> Option<&'a str> {
    let inner = template.strip_prefix(open)?.strip_suffix(close)?.trim();
    (!inner.contains(['{', '}'])).then_some(inner)
}

fn is_path(text: &str) -> bool {
    let known = |letter: char| letter.is_ascii_alphanumeric() || " _.[]|()=<>!\"-".contains(letter);
    text.starts_with('.') && text.chars().all(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_become_filters_of_jq() {
        for (value, expected) in [
            ("jsonpath={.verdict.kind}", Some("jq -r '.verdict.kind'")),
            ("jsonpath={$.checks[*].code}", Some("jq -r '.checks[].code'")),
            (
                "jsonpath={.checks[?(@.level=='error')].code}",
                Some("jq -r '.checks[] | select(.level==\"error\") | .code'"),
            ),
            ("jsonpath={range .checks[*]}{.code}{end}", Some("jq .")),
            ("jsonpath={..code}", Some("jq .")),
            ("go-template={{.verdict.kind}}", Some("jq -r '.verdict.kind'")),
            ("go-template={{range .checks}}x{{end}}", Some("jq .")),
            ("custom-columns=A:.exitCode,B:.verdict.kind", Some("jq -r '[.exitCode, .verdict.kind] | @tsv'")),
            ("jsonpath", Some("jq .")),
            ("jsonpath={.a'; rm -rf x; '}", Some("jq .")),
            ("table", None),
        ] {
            assert_eq!(jq(value).as_deref(), expected, "{value}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_name_that_is_no_utf_8_is_shown() {
        use std::os::unix::ffi::OsStringExt as _;

        let args = ["x", "pcap"].map(OsString::from).into_iter();
        let args = args.chain([OsString::from_vec(b"a\xFF\x1b.pcap".to_vec())]);
        let error = crate::cli::Cli::parse_arguments(args).unwrap_err().to_string();
        assert!(error.contains("the argument 'a\u{fffd}\\u{1b}.pcap' is not UTF-8"), "{error}");
    }
}
