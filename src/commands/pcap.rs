//! `pcap`: follow the connections of captures, count, judge, report.
//!
//! Lines of single connections are printed while the captures are read; what is kept is a sum.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use jiff::Timestamp;
use tokio::runtime::Builder;

use super::captures::{self as captures_of_user, redacted};
use super::{Error, fail_on};
use crate::checks::captured;
use crate::cli::{PcapArgs, PcapOutput};
use crate::evidence::capture::{Flow, ServerName, Signature, Summary};
use crate::gather::files::captures::{self, CaptureError};
use crate::judgement::capture::{self as judgement, Question};
use crate::redact::Redactor;
use crate::report::Format;
use crate::report::documents::capture::line;
use crate::run::{Progress, Stop};
use crate::terminal::{self, Console};
use crate::wire::capture::{CaptureWriter, KeptPacket};

pub(super) fn run(args: &PcapArgs, console: &Console) -> Result<u8, Error> {
    check(args)?;
    // Signals need a runtime; the captures are read by this thread.
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(Error::Runtime)?;
    let stop = runtime.block_on(async { Stop::on_signal(None, || {}) }).map_err(Error::Runtime)?;
    let printed = read(args, &stop, console);
    // Signals are handled up to here.
    runtime.shutdown_background();
    printed
}

fn check(args: &PcapArgs) -> Result<(), Error> {
    captures_of_user::check(&args.files)?;
    if let (Some(since), Some(until)) = (args.since, args.until)
        && since >= until
    {
        return Err(Error::Argument {
            what: "--since with an earlier --until".into(),
            hint: "no connection can have begun between them".into(),
        });
    }
    Ok(())
}

fn read(args: &PcapArgs, stop: &Stop, console: &Console) -> Result<u8, Error> {
    let reporter = console.progress();
    let lines = matches!(args.output, PcapOutput::Wide | PcapOutput::Jsonl);
    let mut session = Session {
        args,
        out: terminal::Output::stdout(),
        writer: args.write.as_deref().map(create).transpose()?,
        summary: Summary::default(),
        failed: None,
        lines,
    };
    let task = format!("packets of {}", if let [only] = args.files.as_slice() { only } else { "the captures" });
    let redactor = Redactor::secrets_only().keep_random_tokens(args.keep_random_tokens);
    reporter.started(&task);
    let result = captures::read(&args.files, args.write.is_some(), stop, &*reporter, &mut |flow, packets| {
        session.flow(&redacted(&redactor, flow), &packets);
    });
    let count = result.as_ref().map_or(0, |capture| capture.traffic.packets);
    reporter.finished(&task, &format!("{count} packets, {} connections", session.summary.flows));
    reporter.finish();
    let mut capture = result.map_err(|CaptureError { name, source }| Error::Input { name, source })?;
    let Session { out, writer, summary, failed, .. } = session;
    if let Some(error) = failed {
        return Err(error);
    }
    out.finish().map_err(Error::Output)?;
    capture.summary = summary;
    capture.summary.finish();
    let written = match (writer, &args.write) {
        (Some(writer), Some(path)) => {
            let packets = writer.packets();
            let unwritable = |source| Error::Unwritable { name: path.display().to_string(), source };
            let file =
                writer.finish().map_err(unwritable)?.into_inner().map_err(|error| unwritable(error.into_error()))?;
            file.sync_all().map_err(unwritable)?;
            Some((path.display().to_string(), packets))
        }
        _ => None,
    };
    let report = judgement::build(capture, Question { filters: filters(args), written }, fail_on(args.fail_on));
    let format = match args.output {
        PcapOutput::Jsonl => return Ok(report.exit_code),
        PcapOutput::Text => Format::Text,
        PcapOutput::Wide => Format::Wide,
        PcapOutput::Json => Format::Json,
        PcapOutput::Yaml => Format::Yaml,
        PcapOutput::Html => Format::Html,
    };
    super::print_result(console, format, &report).map(|()| report.exit_code)
}

/// A new file, which only its owner may read: packets are not for everybody.
fn create(path: &Path) -> Result<CaptureWriter<BufWriter<File>>, Error> {
    let unwritable = |source: io::Error| {
        let name = path.display().to_string();
        match source.kind() {
            io::ErrorKind::AlreadyExists => Error::Exists { name },
            _ => Error::Unwritable { name, source },
        }
    };
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(unwritable)?;
    CaptureWriter::new(BufWriter::new(file)).map_err(unwritable)
}

/// The outputs for each connection.
struct Session<'a> {
    args: &'a PcapArgs,
    out: terminal::Output<io::BufWriter<io::Stdout>>,
    writer: Option<CaptureWriter<BufWriter<File>>>,
    summary: Summary,
    /// The first error of writing.
    failed: Option<Error>,
    lines: bool,
}

impl Session<'_> {
    fn flow(&mut self, flow: &Flow, packets: &[KeptPacket]) {
        if !is_selected(flow, self.args) {
            return;
        }
        self.summary.add(flow);
        if self.lines && self.failed.is_none() {
            let line = match self.args.output {
                PcapOutput::Jsonl => serde_json::to_string(flow).map_err(io::Error::other),
                _ => Ok(line(flow)),
            };
            let written = line.and_then(|line| writeln!(self.out, "{line}"));
            self.failed = written.err().map(Error::Output);
        }
        if let Some(writer) = &mut self.writer
            && self.failed.is_none()
            && captured::judge(&Signature::of(flow)).standing.is_failure()
        {
            let written = packets.iter().try_for_each(|packet| writer.packet(packet));
            let name = self.args.write.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
            self.failed = written.err().map(|source| Error::Unwritable { name, source });
        }
    }
}

fn is_selected(flow: &Flow, args: &PcapArgs) -> bool {
    let (client, server) = (flow.client.ip(), flow.server.ip());
    let began = |moment: Option<Timestamp>, test: fn(Timestamp, Timestamp) -> bool| {
        moment.is_none_or(|moment| test(flow.started_at, moment))
    };
    (args.hosts.is_empty() || args.hosts.contains(&client) || args.hosts.contains(&server))
        && (args.ports.is_empty() || args.ports.contains(&flow.server.port()))
        && (args.clients.is_empty() || args.clients.contains(&client))
        && (args.names.is_empty() || args.names.iter().any(|name| has_name(flow, name)))
        && began(args.since, |at, since| at >= since)
        && began(args.until, |at, until| at < until)
        && (!args.failed || captured::judge(&Signature::of(flow)).standing.is_failure())
}

/// Returns whether the ClientHello has this server_name; an empty one means none, `*.` for all names below.
fn has_name(flow: &Flow, wanted: &str) -> bool {
    let Some(hello) = &flow.hello else { return false };
    match &hello.server_name {
        ServerName::None => wanted.is_empty(),
        ServerName::Sent(name) | ServerName::Address(name) => {
            let (name, wanted) = (name.to_ascii_lowercase(), wanted.to_ascii_lowercase());
            match wanted.strip_prefix('*') {
                Some(end) => name.len() > end.len() && name.ends_with(end),
                None => name == wanted,
            }
        }
        ServerName::Encrypted | ServerName::Unknown => false,
    }
}

/// The filters as they were typed.
fn filters(args: &PcapArgs) -> Vec<String> {
    let mut filters = Vec::new();
    let mut add = |flag: &str, value: String| filters.push(format!("--{flag} {value}"));
    args.hosts.iter().for_each(|host| add("host", host.to_string()));
    args.ports.iter().for_each(|port| add("port", port.to_string()));
    args.names.iter().for_each(|name| add("sni", if name.is_empty() { "''".to_owned() } else { name.clone() }));
    args.clients.iter().for_each(|client| add("client", client.to_string()));
    args.since.iter().for_each(|since| add("since", since.to_string()));
    args.until.iter().for_each(|until| add("until", until.to_string()));
    if args.failed {
        filters.push("--failed".to_owned());
    }
    filters
}
