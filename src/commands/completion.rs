//! Completion: shell scripts, and the candidates that kubectl requests.
//!
//! kubectl runs `kubectl_complete-apigee_tls` with the words typed so far. It reads one candidate per line
//! (`value<TAB>description`), and a last line `:N` with cobra's directive.

use std::ffi::OsString;

use clap::CommandFactory;
use clap_complete::engine::complete;

use super::Error;
use crate::cli::{Cli, CompleteArgs, CompletionArgs};
use crate::terminal::Console;

/// Cobra's directive `ShellCompDirectiveNoFileComp`. Directive 0 lets the shell offer file names.
const NO_FILES: u8 = 4;

pub(super) fn script(args: &CompletionArgs, console: &Console) -> Result<u8, Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "kubectl-apigee-tls", &mut script);
    console.result(&String::from_utf8_lossy(&script)).map_err(Error::Output)?;
    Ok(0)
}

pub(super) fn candidates(args: CompleteArgs, console: &Console) -> Result<u8, Error> {
    let mut words: Vec<OsString> = vec!["kubectl-apigee-tls".into()];
    words.extend(args.words.into_iter().map(OsString::from));
    let last = words.len().saturating_sub(1).max(1);
    words.resize(words.len().max(2), OsString::new());
    let found = complete(&mut Cli::command(), words, last, None).unwrap_or_default();
    let mut text: String = found
        .iter()
        .filter(|candidate| !candidate.is_hide_set())
        .map(|candidate| {
            let value = candidate.get_value().to_string_lossy();
            match candidate.get_help() {
                Some(help) => format!("{value}\t{help}\n"),
                None => format!("{value}\n"),
            }
        })
        .collect();
    text += &format!(":{}\n", if found.is_empty() { 0 } else { NO_FILES });
    console.result(&text).map_err(Error::Output)?;
    Ok(0)
}
