//! Completion: shell scripts, and the candidates that shells and kubectl request.
//!
//! The scripts call this program for each word, so that names of the kubeconfig and of the cluster complete
//! too. kubectl runs `kubectl_complete-apigee_tls` with the words typed so far. It reads one candidate per
//! line (`value<TAB>description`), and a last line `:N` with cobra's directive.

use std::ffi::{OsStr, OsString};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Arg, Command, CommandFactory, ValueHint};
use clap_complete::engine::{ArgValueCandidates, ArgValueCompleter, CompletionCandidate, complete};
use clap_complete::env::{Bash, CompleteEnv, Elvish, EnvCompleter, Fish, Powershell, Zsh};
use tokio::runtime::Builder;
use tokio::sync::watch;

use super::{Error, shim};
use crate::checks;
use crate::cli::{Cli, CompleteArgs, CompletionArgs};
use crate::gather::{self, ConnectionOptions, EntryNames};
use crate::run::Stop;
use crate::terminal::Console;

/// Cobra's directive `ShellCompDirectiveNoFileComp`. Directive 0 lets the shell offer file names.
const NO_FILES: u8 = 4;
const PROGRAM: &str = "kubectl-apigee-tls";
/// The environment variable by which a script requests candidates.
const VARIABLE: &str = "KUBECTL_APIGEE_TLS_COMPLETE";
/// Time limit of a request to the cluster, while the user waits for the shell.
const PATIENCE: Duration = Duration::from_millis(1500);

pub(super) fn script(args: &CompletionArgs, console: &Console) -> Result<u8, Error> {
    if let Some(folder) = &args.install {
        return shim::install(folder.as_deref(), console);
    }
    let shell: &dyn EnvCompleter = match args.shell {
        Some(clap_complete::Shell::Elvish) => &Elvish,
        Some(clap_complete::Shell::Fish) => &Fish,
        Some(clap_complete::Shell::PowerShell) => &Powershell,
        Some(clap_complete::Shell::Zsh) => &Zsh,
        _ => &Bash,
    };
    let mut script = Vec::new();
    shell.write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut script).map_err(Error::Output)?;
    console.result(&String::from_utf8_lossy(&script)).map_err(Error::Output)?;
    Ok(0)
}

/// Prints candidates if a shell's script requests them; `None` in any other run.
pub(super) fn answer_shell() -> Option<ExitCode> {
    let folder = std::env::current_dir().ok();
    let answer = CompleteEnv::with_factory(command).var(VARIABLE);
    match answer.try_complete(std::env::args_os(), folder.as_deref()) {
        Ok(false) => None,
        Ok(true) => Some(ExitCode::SUCCESS),
        // The shell shows no message while it completes.
        Err(_) => Some(ExitCode::from(2)),
    }
}

pub(super) fn candidates(args: CompleteArgs, console: &Console) -> Result<u8, Error> {
    let mut words: Vec<OsString> = vec![PROGRAM.into()];
    words.extend(args.words.into_iter().map(OsString::from));
    words.resize(words.len().max(2), OsString::new());
    let words = Cli::ordered(words);
    let mut command = command();
    if takes_file(&command, &words) {
        console.result(":0\n").map_err(Error::Output)?;
        return Ok(0);
    }
    let last = words.len() - 1;
    let found = complete(&mut command, words, last, None).unwrap_or_default();
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
    text += &format!(":{NO_FILES}\n");
    console.result(&text).map_err(Error::Output)?;
    Ok(0)
}

/// Returns whether the last word is the name of a file.
fn takes_file(command: &Command, words: &[OsString]) -> bool {
    let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let Some((last, before)) = words.split_last() else { return false };
    let Some(command) = before.iter().find_map(|word| command.find_subcommand(word)) else { return false };
    let named = |word: &str| {
        command.get_arguments().find(|arg| match word.strip_prefix("--") {
            Some(long) => arg.get_long() == Some(long),
            None => {
                word.strip_prefix('-').is_some_and(|short| arg.get_short().map(String::from).as_deref() == Some(short))
            }
        })
    };
    let is_waiting = |arg: &&Arg| arg.get_action().takes_values() && !arg.is_require_equals_set();
    let arg = match (before.last().and_then(|word| named(word)).filter(is_waiting), last.split_once('=')) {
        (Some(arg), _) => Some(arg),
        (None, Some((flag, _))) if flag.starts_with("--") => named(flag),
        (None, _) if last.starts_with('-') && last != "-" => None,
        (None, _) => command.get_positionals().last(),
    };
    let is_file =
        |arg: &Arg| matches!(arg.get_value_hint(), ValueHint::AnyPath | ValueHint::FilePath | ValueHint::DirPath);
    arg.is_some_and(is_file)
}

/// Returns the command line with completers for names.
fn command() -> Command {
    let entry = |select: fn(EntryNames) -> Vec<String>| {
        ArgValueCandidates::new(move || names(gather::entry_names(&typed_connection()).map(select).unwrap_or_default()))
    };
    let of_cluster = move |command: Command| {
        command
            .mut_arg("namespace", |arg| arg.add(ArgValueCandidates::new(namespaces)))
            .mut_arg("context", |arg| arg.add(entry(|names| names.contexts)))
            .mut_arg("contexts", |arg| arg.add(entry(|names| names.contexts)))
            .mut_arg("cluster", |arg| arg.add(entry(|names| names.clusters)))
            .mut_arg("user", |arg| arg.add(entry(|names| names.users)))
    };
    let checks = |arg: Arg| arg.add(ArgValueCompleter::new(topics));
    Cli::command()
        .mut_subcommand("diagnose", |command| of_cluster(command).mut_arg("only", checks).mut_arg("skip", checks))
        .mut_subcommand("capture", of_cluster)
        .mut_subcommand("collect", |command| {
            of_cluster(command).mut_arg("env_groups", |arg| arg.add(ArgValueCandidates::new(environment_groups)))
        })
        .mut_subcommand("rbac", |command| {
            command.mut_arg("namespace", |arg| arg.add(ArgValueCandidates::new(namespaces)))
        })
        .mut_subcommand("explain", |command| command.mut_arg("topics", checks))
}

/// Returns families and codes, and names once a small letter was typed.
fn topics(current: &OsStr) -> Vec<CompletionCandidate> {
    let current = current.to_string_lossy();
    let families = checks::CATALOGUE.iter().map(|family| (family.name, format!("family {}xx", family.block)));
    let codes = checks::all().map(|(_, check)| (check.code.as_str(), check.name.to_owned()));
    let names = checks::all().filter(|_| !current.is_empty()).map(|(_, check)| (check.name, check.code.to_string()));
    families
        .chain(codes)
        .chain(names)
        .filter(|(value, _)| value.starts_with(&*current) || value.starts_with(&current.to_uppercase()))
        .map(|(value, help)| CompletionCandidate::new(value).help(Some(help.into())))
        .collect()
}

fn namespaces() -> Vec<CompletionCandidate> {
    of_cluster(async |stop| gather::namespaces(&typed_connection(), stop).await)
}

fn environment_groups() -> Vec<CompletionCandidate> {
    let namespace = typed(&["-n", "--namespace"]).unwrap_or_else(|| "apigee".into());
    of_cluster(async |stop| gather::environment_groups(&typed_connection(), &namespace, stop).await)
}

/// Returns names from the cluster; none if it does not answer in time.
fn of_cluster(request: impl AsyncFnOnce(Stop) -> Result<Vec<String>, gather::Error>) -> Vec<CompletionCandidate> {
    let Ok(runtime) = Builder::new_current_thread().enable_all().build() else { return Vec::new() };
    let found = runtime.block_on(async {
        let stop = Stop::new(Some(PATIENCE), watch::channel(false).1);
        let request = request(stop.clone());
        stop.bound(request).await
    });
    runtime.shutdown_background();
    names(found.ok().and_then(Result::ok).unwrap_or_default())
}

fn names(names: Vec<String>) -> Vec<CompletionCandidate> {
    names.into_iter().map(CompletionCandidate::new).collect()
}

/// Returns the cluster that the words typed so far select.
fn typed_connection() -> ConnectionOptions {
    ConnectionOptions {
        kubeconfig: typed(&["--kubeconfig"]).map(Into::into),
        context: typed(&["--context"]),
        cluster: typed(&["--cluster"]),
        user: typed(&["--user"]),
        server: typed(&["-s", "--server"]),
        ..ConnectionOptions::default()
    }
}

/// Returns the value that was typed for a flag. The last word is still being typed.
fn typed(flags: &[&str]) -> Option<String> {
    let words: Vec<String> = std::env::args().collect();
    let (_, before) = words.split_last()?;
    flags.iter().find_map(|flag| {
        let behind = before.iter().position(|word| word == flag).and_then(|at| before.get(at + 1));
        let joined = before.iter().find_map(|word| word.strip_prefix(flag)?.strip_prefix('='));
        behind.map(String::as_str).or(joined).map(str::to_owned)
    })
}
