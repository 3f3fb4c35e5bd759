//! One file per command: choose the source, run, render, pick the exit code.
//!
//! Errors come in two tiers. Findings are data and never an `Error`. An `Error` stops the tool; each
//! variant has its exit code in one exhaustive `match`.

mod capture;
mod captures;
mod collect;
mod completion;
mod contexts;
mod credentials;
mod diagnose;
mod diff;
mod earlier;
mod edge;
mod explain;
mod flow_redactor;
mod log_stores;
mod pcap;
mod probe;
mod rbac;
mod reveal;
mod shim;
mod sources;
mod trace;
mod version;
mod watch;

use std::error::Error as StdError;
use std::io;
use std::process::ExitCode;
use std::sync::LazyLock;

use crate::bundle::{NamesError, ReadError, WriteError};
use crate::cli::{Cli, ColorChoice, Command, FailOn};
use crate::gather;
use crate::gather::files::file_kind::{self, FileKind};
use crate::gather::files::log_file::LogFileError;
use crate::gather::hybrid::recorder::RecorderError;
use crate::gather::probe::ProberError;
use crate::judgement;
use crate::redact::{Redactions, Redactor};
use crate::report::styles::Styles;
use crate::report::{Document, Format, FormatError, RenderError, TextOptions, write};
use crate::terminal::{self, Console};
use crate::text::visible;

/// Runs the program: parses the arguments, runs the command and returns the exit code.
#[must_use]
pub fn main() -> ExitCode {
    if let Some(code) = completion::answer_shell() {
        return code;
    }
    let cli = match Cli::parse_arguments(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => {
            // clap prints help to standard output and usage errors to standard error. A closed pipe is not an
            // error.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    terminal::clean_messages(clean_message);
    let verbosity = cli.verbose.iter().fold(0, |sum: u8, level| sum.saturating_add(*level));
    let console = Console::new(color(cli.color), verbosity);
    let result = match cli.command {
        Command::Diagnose(args) => diagnose::run(&args, &console),
        Command::Probe(args) => probe::run(&args, &console),
        Command::Pcap(args) => pcap::run(&args, &console),
        Command::Capture(args) => capture::run(&args, &console),
        Command::Watch(args) => watch::run(&args, &console),
        Command::Collect(args) => collect::run(&args, &console),
        Command::Edge(args) => edge::run(&args, &console),
        Command::Trace(args) => trace::run(&args, &console),
        Command::Diff(args) => diff::run(&args, &console),
        Command::Rbac(args) => rbac::run(&args, &console),
        Command::Explain(args) => explain::run(&args, &console),
        Command::Completion(args) => completion::script(&args, &console),
        Command::Complete(args) => completion::candidates(args, &console),
        Command::Reveal(args) => reveal::run(&args, &console),
        Command::Version(args) => version::run(&args, &console),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            print_error(&error, &console);
            ExitCode::from(error.exit_code())
        }
    }
}

/// Redacts a text for standard error.
fn clean_message(text: &str) -> String {
    static REDACTOR: LazyLock<Redactor> = LazyLock::new(Redactor::secrets_only);
    REDACTOR.text(text, &mut Redactions::default())
}

/// An error that stops the tool. Texts are lower-case fragments that read after "could not ".
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("use {what}")]
    Argument { what: String, hint: String },
    #[error("read {name} as the report of an earlier run: {why}")]
    Baseline { name: String, why: String },
    #[error(transparent)]
    Cluster(#[from] gather::Error),
    #[error(transparent)]
    Bundle(#[from] WriteError),
    #[error(transparent)]
    Evidence(#[from] ReadError),
    #[error("finish: internal error; please report this bug")]
    Internal,
    #[error("read {name}")]
    Input { name: String, source: io::Error },
    #[error("make the report")]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Log(#[from] LogFileError),
    #[error("listen at {address}")]
    Listen { address: std::net::SocketAddr, source: io::Error },
    #[error("write {name}: it exists; nothing is replaced")]
    Exists { flag: &'static str, name: String },
    #[error("write {name}")]
    Unwritable { name: String, source: io::Error },
    #[error("write the report")]
    Output(#[source] io::Error),
    #[error(transparent)]
    Names(#[from] NamesError),
    #[error(transparent)]
    Prober(#[from] ProberError),
    #[error(transparent)]
    Recorder(#[from] RecorderError),
    #[error("make the report")]
    Report(#[from] RenderError),
    #[error("start: {0}")]
    Runtime(io::Error),
    #[error("use these flags together: {what}")]
    Usage { what: String, hint: String },
    #[error("use {name} with {flag}: it is {}", kind.what())]
    WrongFile { flag: &'static str, name: String, kind: FileKind },
    #[error("make the report")]
    Yaml(#[from] serde_yaml::Error),
}

impl Error {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Cluster(gather::Error::Interrupted)
            | Self::Recorder(RecorderError::Cluster(gather::Error::Interrupted)) => 130,
            Self::Argument { .. }
            | Self::Baseline { .. }
            | Self::Bundle(_)
            | Self::Cluster(_)
            | Self::Evidence(_)
            | Self::Exists { .. }
            | Self::Internal
            | Self::Input { .. }
            | Self::Json(_)
            | Self::Listen { .. }
            | Self::Log(_)
            | Self::Names(_)
            | Self::Output(_)
            | Self::Prober(_)
            | Self::Recorder(_)
            | Self::Report(_)
            | Self::Runtime(_)
            | Self::Unwritable { .. }
            | Self::Usage { .. }
            | Self::WrongFile { .. }
            | Self::Yaml(_) => 2,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Cluster(error) => error.hint(),
            Self::Bundle(error) => error.hint(),
            Self::Evidence(error) => error.hint(),
            Self::Argument { hint, .. } | Self::Usage { hint, .. } => Some(hint.clone()),
            Self::Baseline { .. } => Some("write one with `diagnose -o json` and the same contexts".into()),
            Self::Exists { flag, .. } => {
                Some(format!("give {flag} the name of a new file, or remove this one first (rm -f in a pipeline)"))
            }
            Self::Listen { .. } => Some("give --listen another address or port".into()),
            Self::Names(error) => Some(error.hint().to_owned()),
            Self::Prober(error) => error.hint(),
            Self::Recorder(error) => error.hint(),
            Self::WrongFile { kind, .. } => Some(kind.way_out().to_owned()),
            _ => None,
        }
    }
}

/// Refuses a file that is known to be of another kind than the flag takes.
fn check_file(flag: &'static str, name: &str, takes: &[FileKind]) -> Result<(), Error> {
    match file_kind::of_file(name).filter(|kind| !takes.contains(kind)) {
        Some(kind) => Err(Error::WrongFile { flag, name: name.to_owned(), kind }),
        None => Ok(()),
    }
}

/// Checks the files of each flag like [`check_file`].
fn check_files(flags: &[(&'static str, &[String], &[FileKind])]) -> Result<(), Error> {
    let mut files = flags.iter().flat_map(|(flag, names, takes)| names.iter().map(move |name| (*flag, name, *takes)));
    files.try_for_each(|(flag, name, takes)| check_file(flag, name, takes))
}

fn fail_on(level: FailOn) -> judgement::FailOn {
    match level {
        FailOn::Error => judgement::FailOn::Error,
        FailOn::Warning => judgement::FailOn::Warning,
        FailOn::Notice => judgement::FailOn::Notice,
        FailOn::Never => judgement::FailOn::Never,
    }
}

fn color(choice: ColorChoice) -> terminal::ColorChoice {
    match choice {
        ColorChoice::Always => terminal::ColorChoice::Always,
        ColorChoice::Auto => terminal::ColorChoice::Auto,
        ColorChoice::Never => terminal::ColorChoice::Never,
    }
}

/// Writes a document to standard output in the requested format.
fn print_result(console: &Console, format: Format, document: &impl Document) -> Result<(), Error> {
    let styles = if console.colors() { Styles::colorize() } else { Styles::default() };
    let options = TextOptions { styles, width: console.width(), wide: false };
    console.result_written(|output| write(document, format, options, output)).map_err(|error| match error {
        FormatError::Output(source) => Error::Output(source),
        FormatError::Render(source) => Error::Report(source),
    })
}

/// Prints `error: could not …: cause`, and after a blank line the hint.
fn print_error(error: &Error, console: &Console) {
    // Causes quote servers and files. `visible` escapes line breaks, so that none can start a line of its
    // own.
    console.error(&visible(&format!("error: {}", message(error))));
    if let Some(hint) = error.hint() {
        console.error(&format!("\nhint: {}", visible(&hint)));
    }
}

/// Returns `could not …: cause`, with the whole chain of sources.
fn message(error: &Error) -> String {
    let mut text = format!("could not {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // A transparent error has the same text as its source.
        if !text.ends_with(&cause_text) {
            text += &format!(": {cause_text}");
        }
        source = cause.source();
    }
    text
}
