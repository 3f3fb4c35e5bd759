//! `pcap`: follow the connections of captures, count, judge, report.
//!
//! Lines of single connections are printed while the captures are read; what is kept is a sum.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use tokio::runtime::Builder;

use super::captures::{self as captures_of_user, key_log};
use super::flow_redactor::FlowRedactor;
use super::{Error, fail_on};
use crate::bundle::{self, NewFile};
use crate::checks::captured::{FlowJudge, Standing};
use crate::cli::{PcapArgs, PcapOutput};
use crate::evidence::capture::{Flow, ServerName, Summary};
use crate::gather::files::captures::{self, CaptureError};
use crate::gather::files::file_kind::FileKind;
use crate::judgement::capture::{self as judgement, CaptureReport, Question};
use crate::redact::{Redactions, Redactor};
use crate::report::Format;
use crate::report::documents::capture::line;
use crate::report::formats::jsonl;
use crate::run::{Progress, Stop};
use crate::terminal::{self, Console};
use crate::wire::capture::{CaptureWriter, KeptPacket, RecordKind};

pub(super) fn run(args: &PcapArgs, console: &Console) -> Result<u8, Error> {
    check(args)?;
    // Signals need a runtime; the captures are read by this thread.
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(Error::Runtime)?;
    let stop = runtime.block_on(async { Stop::on_signal(None, bundle::abandon) }).map_err(Error::Runtime)?;
    let printed = read(args, &stop, console);
    // Signals are handled up to here.
    runtime.shutdown_background();
    printed
}

fn check(args: &PcapArgs) -> Result<(), Error> {
    captures_of_user::check(&args.files)?;
    super::check_files(&[("pcap", &args.files, &[FileKind::Capture])])?;
    if let (Some(since), Some(until)) = (args.since, args.until)
        && since >= until
    {
        return Err(Error::Argument {
            what: "--since with an earlier --until".into(),
            hint: "no connection can have begun between them".into(),
        });
    }
    check_target(args.write.as_deref())
}

/// Validates the name of the file that packets are written to.
pub(super) fn check_target(path: Option<&Path>) -> Result<(), Error> {
    if path == Some(Path::new("-")) {
        return Err(Error::Usage {
            what: "--write -: standard output is for the report".into(),
            hint: "give --write a file name".into(),
        });
    }
    Ok(())
}

fn read(args: &PcapArgs, stop: &Stop, console: &Console) -> Result<u8, Error> {
    let reporter = console.progress();
    let keys = key_log(args.key_log.as_deref())?;
    let mut session = Session::new(args.output, args.write.as_deref())?;
    let task = format!("packets of {}", if let [only] = args.files.as_slice() { only } else { "the captures" });
    let mut redactor = FlowRedactor::new(Redactor::secrets_only().keep_random_tokens(args.keep_random_tokens));
    reporter.started(&task);
    let mut judge = FlowJudge::default();
    let mut question = Question { filters: filters(args), ..Question::default() };
    let result = captures::read(&args.files, keys, args.write.is_some(), stop, &*reporter, &mut |flow, packets| {
        question.connections += 1;
        if !is_selected(&flow, args) {
            session.leave_out(&flow);
            return;
        }
        let flow = redactor.flow(flow);
        let standing = judge.judge(&flow).standing;
        question.matching += 1;
        question.matching_completed += u64::from(standing == Standing::Good);
        if standing.is_failure() || !args.failed {
            session.count(&flow);
        } else {
            session.leave_out(&flow);
        }
        if standing.is_failure() {
            session.write(packets);
        }
    });
    let count = result.as_ref().map_or(0, |capture| capture.traffic.packets);
    reporter.finished(&task, &format!("{count} packets, {} connections", session.summary.flows));
    reporter.finish();
    let mut capture = result.map_err(|CaptureError { name, source }| Error::Input { name, source })?;
    let Counted { summary, left_out, written } = session.finish()?;
    capture.summary = summary;
    question.written = written;
    let report = judgement::build(capture, &left_out, question, fail_on(args.fail_on));
    print(console, args.output, &report)
}

/// Prints the report, and returns its exit code.
pub(super) fn print(console: &Console, output: PcapOutput, report: &CaptureReport) -> Result<u8, Error> {
    let format = match output {
        PcapOutput::Jsonl => return Ok(report.exit_code),
        PcapOutput::Text => Format::Text,
        PcapOutput::Wide => Format::Wide,
        PcapOutput::Json => Format::Json,
        PcapOutput::Yaml => Format::Yaml,
        PcapOutput::Html => Format::Html,
    };
    super::print_result(console, format, report).map(|()| report.exit_code)
}

/// The outputs for each connection.
pub(super) struct Session {
    output: PcapOutput,
    out: terminal::Output<io::BufWriter<io::Stdout>>,
    file: Option<Written>,
    summary: Summary,
    /// The connections that filters leave out: what their servers do shows why they refuse others.
    left_out: Summary,
    /// The first error of writing.
    failed: Option<Error>,
}

/// The sums of all connections.
pub(super) struct Counted {
    pub(super) summary: Summary,
    pub(super) left_out: Summary,
    /// The name of the file that packets were written to, with their number.
    pub(super) written: Option<(String, u64)>,
}

/// The file that packets are written to.
struct Written {
    path: PathBuf,
    writer: CaptureWriter<BufWriter<NewFile>>,
    /// Masks the secrets of what is written: a peer that does not speak TLS sends them in clear.
    redactor: Redactor,
}

impl Written {
    fn new(path: &Path) -> Result<Self, Error> {
        let writer = NewFile::create(path).and_then(|file| CaptureWriter::new(BufWriter::new(file)));
        let writer = writer.map_err(|source| unwritable(path, source))?;
        Ok(Self { path: path.to_owned(), writer, redactor: Redactor::secrets_only() })
    }

    fn packet(&mut self, packet: KeptPacket) -> io::Result<()> {
        let mut data = packet.data.into_vec();
        let whole = 0..data.len();
        self.redactor.record(RecordKind::Packet, whole, &mut data, &mut Redactions::default());
        self.writer.packet(&KeptPacket { data: data.into(), ..packet })
    }
}

impl Session {
    /// Creates the file that packets are written to, if there is one.
    pub(super) fn new(output: PcapOutput, write: Option<&Path>) -> Result<Self, Error> {
        let file = write.map(Written::new).transpose()?;
        let out = terminal::Output::stdout();
        let (summary, left_out) = (Summary::default(), Summary::default());
        Ok(Self { output, out, file, summary, left_out, failed: None })
    }

    /// Counts a connection, and prints its line.
    pub(super) fn count(&mut self, flow: &Flow) {
        self.summary.add(flow);
        if self.failed.is_some() {
            return;
        }
        let line = match self.output {
            PcapOutput::Jsonl => jsonl::line(flow).map_err(io::Error::other),
            PcapOutput::Wide => Ok(line(flow)),
            PcapOutput::Text | PcapOutput::Json | PcapOutput::Yaml | PcapOutput::Html => return,
        };
        self.failed = line.and_then(|line| writeln!(self.out, "{line}")).err().map(Error::Output);
    }

    /// Counts a connection that filters leave out.
    pub(super) fn leave_out(&mut self, flow: &Flow) {
        self.left_out.add(flow);
    }

    /// Writes packets, if there is a file for them.
    pub(super) fn write(&mut self, packets: Vec<KeptPacket>) {
        if let (Some(file), None) = (&mut self.file, &self.failed) {
            let written = packets.into_iter().try_for_each(|packet| file.packet(packet));
            self.failed = written.err().map(|source| unwritable(&file.path, source));
        }
    }

    /// Returns the sums, and completes the file: there is none without packets.
    pub(super) fn finish(mut self) -> Result<Counted, Error> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.out.finish().map_err(Error::Output)?;
        self.summary.finish();
        let Self { summary, left_out, .. } = self;
        let Some(Written { path, writer, .. }) = self.file else {
            return Ok(Counted { summary, left_out, written: None });
        };
        let packets = writer.packets();
        // A file without packets would look like a capture of nothing.
        if packets > 0 {
            writer.finish().and_then(bundle::publish).map_err(|source| unwritable(&path, source))?;
        }
        Ok(Counted { summary, left_out, written: Some((path.display().to_string(), packets)) })
    }
}

fn unwritable(path: &Path, source: io::Error) -> Error {
    let name = path.display().to_string();
    match source.kind() {
        io::ErrorKind::AlreadyExists => Error::Exists { flag: "--write", name },
        _ => Error::Unwritable { name, source },
    }
}

/// Returns whether the filters other than `--failed` leave the connection.
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
