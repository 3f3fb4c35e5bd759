//! Accepts flags before the command, as kubectl does: `kubectl apigee-tls -n apigee diagnose`.
//!
//! clap knows the flags of a command only after its name, so they are moved behind it. A flag's meaning does
//! not change by that.

use std::ffi::OsString;

use clap::{Arg, Command};

/// Returns the arguments with the flags of commands behind the name of the command. Without a command, these
/// flags are dropped: what is missing then is the command.
pub(super) fn flags_after_command(args: Vec<OsString>, command: &Command) -> Vec<OsString> {
    let mut args = args.into_iter();
    let mut ordered: Vec<OsString> = args.next().into_iter().collect();
    let mut moved = Vec::new();
    while let Some(arg) = args.next() {
        let text = arg.to_string_lossy().into_owned();
        if !text.starts_with('-') || text == "-" || text == "--" {
            ordered.push(arg);
            ordered.append(&mut moved);
            break;
        }
        let is_global = flag(command, &text).is_some();
        let known = flag(command, &text).or_else(|| command.get_subcommands().find_map(|known| flag(known, &text)));
        let target = if is_global || known.is_none() { &mut ordered } else { &mut moved };
        target.push(arg);
        if known.is_some_and(|known| takes_next(known, &text)) {
            target.extend(args.next());
        }
    }
    ordered.extend(args);
    ordered
}

/// Returns the flag of `command` that this argument begins with: `-n`, `-napigee`, `--context=x`.
fn flag<'a>(command: &'a Command, text: &str) -> Option<&'a Arg> {
    command.get_arguments().find(|arg| match text.strip_prefix("--") {
        Some(long) => arg.get_long() == Some(long.split('=').next().unwrap_or(long)),
        None => arg.get_short().is_some() && arg.get_short() == text.chars().nth(1),
    })
}

/// Returns whether the value of the flag is the next argument.
fn takes_next(flag: &Arg, text: &str) -> bool {
    let has_value = if text.starts_with("--") { text.contains('=') } else { text.chars().count() > 2 };
    flag.get_action().takes_values() && !flag.is_require_equals_set() && !has_value
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    fn ordered(line: &str) -> String {
        let args = line.split(' ').map(OsString::from).collect();
        let ordered = flags_after_command(args, &Cli::command());
        ordered.iter().map(|arg| arg.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn flags_before_the_command_are_moved_behind_it() {
        for (typed, expected) in [
            ("x -n apigee diagnose", "x diagnose -n apigee"),
            ("x -napigee --context=east diagnose -o json", "x diagnose -napigee --context=east -o json"),
            ("x --context diagnose collect", "x collect --context diagnose"),
            ("x --all-contexts diagnose", "x diagnose --all-contexts"),
            ("x --color never -v -n a diagnose", "x --color never -v diagnose -n a"),
            ("x -v=6 -f o.yaml diagnose", "x -v=6 diagnose -f o.yaml"),
            ("x diagnose -n apigee", "x diagnose -n apigee"),
            ("x -n apigee", "x"),
            ("x --no-such-flag diagnose", "x --no-such-flag diagnose"),
            ("x", "x"),
        ] {
            assert_eq!(ordered(typed), expected);
        }
    }
}
