//! Collects evidence from the cluster and from the user's files, for every command that judges.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Error, log_stores};
use crate::bundle::source;
use crate::cli::{ClusterArgs, EvidenceArgs, Expectation, LogArgs, ProbePlace, Until};
use crate::evidence::overrides::OverridesFile;
use crate::evidence::stored::{StoredCertificate, StoredIn};
use crate::evidence::{
    ClusterAccess, Evidence, HybridQuestion, LogLimits, LogOrigin, LogStream, Reason, Seen, Unavailable,
};
use crate::gather::files::file_kind::FileKind;
use crate::gather::files::log_file::{self, LogReading};
use crate::gather::files::manifests;
use crate::gather::hybrid::follow::Follow;
use crate::gather::hybrid::{GatewayProbe, Places};
use crate::gather::probe::{self, ProbeOptions, Prober};
use crate::gather::{self, BundleSink, ConnectionOptions, GatherOptions, KubeconfigFiles, LogSink};
use crate::redact::{Redactions, Redactor};
use crate::run::{self, Stop};
use crate::wire::access_log::{AccessLogScanner, Format, Ledger};

/// Timeout of one handshake of `diagnose` and `collect`.
const HANDSHAKE_TIME: Duration = Duration::from_secs(5);

/// What to collect, and the kubeconfig if it was read already.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) args: &'a EvidenceArgs,
    pub(super) files: Option<&'a KubeconfigFiles>,
}

impl<'a> From<&'a EvidenceArgs> for Wanted<'a> {
    fn from(args: &'a EvidenceArgs) -> Self {
        Self { args, files: None }
    }
}

/// Adds the user's files to `evidence`, wherever the rest came from.
///
/// `ledger` has the records of the logs in `evidence`, so that a file that repeats one of these logs counts
/// none of them again. Each file is read once, for the judgement and for the bundle. A file that could not be
/// read in time is recorded as unavailable.
///
/// # Errors
/// A file cannot be read, or is not what its flag expects.
pub(super) async fn add_files(
    args: &EvidenceArgs,
    evidence: &mut Evidence,
    stop: &Stop,
    bundle: Option<&dyn BundleSink>,
    ledger: &Arc<Ledger>,
) -> Result<(), Error> {
    // Evidence of an earlier run already holds the certificates of its own files.
    let earlier = std::mem::take(&mut evidence.overrides);
    let mut manifests = Vec::new();
    for (number, name) in (1..).zip(&args.overrides) {
        let file = name.clone();
        let read = in_time(stop, move || gather::files::overrides::overrides_file(&file)).await;
        let (file, content) = match read {
            Ok(read) => {
                let (file, bytes) = read.map_err(|source| Error::Input { name: name.clone(), source })?;
                let manifest = manifests::manifest(name, &bytes);
                let is_manifest = manifest.is_some();
                manifests.extend(manifest);
                if is_manifest {
                    if let Some(bundle) = bundle {
                        bundle.overrides(number, name, Ok(&bytes));
                    }
                    continue;
                }
                (file, Ok(bytes))
            }
            Err(reason) => {
                let why = not_read(evidence, name, reason);
                (OverridesFile { name: name.clone(), content: Seen::Unavailable(why.clone()) }, Err(why))
            }
        };
        if let Some(bundle) = bundle {
            bundle.overrides(number, &file.name, content.as_deref());
        }
        evidence.overrides.push(file);
    }
    let files = keep_or_replace(evidence, earlier);
    let named = files.clone();
    let found = match in_time(stop, move || gather::local_certificates(&files)).await {
        Ok(found) => found,
        Err(reason) => {
            let found = gather::unread_certificates(&named, &reason);
            if !found.is_empty() {
                drop(not_read(evidence, "the certificate files", reason));
            }
            found
        }
    };
    manifests::add(manifests, evidence);
    add_certificates(evidence, found);
    let format = Arc::new(log_format(evidence));
    let (since, until) = (evidence.question.log_limits().since, evidence.question.log_limits().until);
    // A single log repeats no other. Those of earlier evidence are not in the ledger.
    let known_logs: Vec<LogStream> = if ledger.is_empty() { evidence.access_logs.clone() } else { Vec::new() };
    let logs = args.access_logs.len() + evidence.access_logs.len() + args.stores.log_stores.len();
    let is_compared = logs > 1;
    for name in &args.access_logs {
        let source = is_compared.then(|| ledger.source(&LogOrigin::File(name.clone())));
        let reading = LogReading { since, until, format: Arc::clone(&format), ledger: source };
        if let Some(bundle) = bundle {
            let retained = bundle.log(&LogOrigin::File(name.clone()), false);
            let mut stream = log_file::read_and_retain(name, &reading, retained, stop).await?;
            leave_out_repeated(&mut stream, &known_logs);
            if let Some(reason) = stop.reason() {
                drop(not_read(evidence, name, reason));
            }
            evidence.access_logs.push(stream);
            continue;
        }
        let origin = LogOrigin::File(name.clone());
        let file = name.clone();
        let stream = match in_time(stop, move || log_file::read(&file, &reading)).await {
            Ok(read) => {
                let read = read?;
                let mut stream = LogStream { origin, log: Seen::Seen(read.log), cut: read.cut, store: None };
                leave_out_repeated(&mut stream, &known_logs);
                stream
            }
            Err(reason) => {
                LogStream { origin, log: Seen::Unavailable(not_read(evidence, name, reason)), cut: None, store: None }
            }
        };
        evidence.access_logs.push(stream);
    }
    Ok(())
}

/// Returns the format of log records: of the mesh settings, or, where they were not seen, of the last
/// overrides file that has one.
pub(super) fn log_format(evidence: &Evidence) -> Format {
    let files = evidence.overrides.iter().rev();
    let of_file = || files.clone().find_map(|file| file.content.seen().ok()?.access_log.as_ref());
    evidence.mesh_logging.seen().ok().or_else(of_file).map(Format::of).unwrap_or_default()
}

/// Decides on the overrides files of an earlier run: those that were given replace them, because helm gets
/// these. One with the content of a given file is that file, under the name that it has now.
///
/// Returns the files whose certificates have to be read.
fn keep_or_replace(evidence: &mut Evidence, earlier: Vec<OverridesFile>) -> Vec<OverridesFile> {
    if evidence.overrides.is_empty() {
        evidence.overrides = earlier;
        return Vec::new();
    }
    let is_same =
        |one: &OverridesFile, other: &OverridesFile| one.content.seen().is_ok() && one.content == other.content;
    let files = evidence.overrides.iter().filter(|file| !earlier.iter().any(|known| is_same(known, file))).cloned();
    let files = files.collect();
    let mut replaced = Vec::new();
    for known in earlier {
        let now = evidence.overrides.iter().find(|file| is_same(&known, file)).map(|file| file.name.clone());
        if now.is_none() {
            replaced.push(known.name.clone());
        }
        if let Seen::Seen(stored) = &mut evidence.stored_certificates {
            stored.retain_mut(|stored| match &mut stored.origin {
                StoredIn::File { named_at, .. } if named_at.file == known.name => {
                    now.as_ref().map(|now| named_at.file.clone_from(now)).is_some()
                }
                _ => true,
            });
        }
    }
    evidence.question.replace_overrides(replaced);
    files
}

/// Leaves out the records of a file that a log of earlier evidence has too.
fn leave_out_repeated(stream: &mut LogStream, known: &[LogStream]) {
    let Seen::Seen(log) = &mut stream.log else { return };
    for other in known {
        if let Seen::Seen(other_log) = &other.log {
            log.leave_out_repeated(&other.origin, other_log);
        }
    }
}

/// Adds certificates from files to those of the cluster's Secrets, or puts them in their place if the Secrets
/// were not seen. Without routes the Secrets to read are unknown, and no check mistakes files for them.
fn add_certificates(evidence: &mut Evidence, found: Vec<StoredCertificate>) {
    match &mut evidence.stored_certificates {
        Seen::Seen(known) => known.extend(found),
        Seen::Unavailable(_) if !found.is_empty() => evidence.stored_certificates = Seen::Seen(found),
        Seen::Unavailable(_) => {}
    }
}

/// Runs blocking work bounded by the end of the run, so that a pipe without a writer does not outlast it.
pub(super) async fn in_time<T: Send + 'static>(
    stop: &Stop,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Reason> {
    let done = stop.bound(tokio::task::spawn_blocking(work)).await?;
    done.map_err(|_| Reason::Broken("internal error while reading it; please report this bug".into()))
}

/// As [`in_time`], for work that ends with the run by itself: waits a little longer for its result.
pub(super) async fn in_time_or_soon<T: Send + 'static>(
    stop: &Stop,
    grace: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Reason> {
    let mut work = tokio::task::spawn_blocking(work);
    let done = match stop.bound(&mut work).await {
        Ok(done) => done,
        Err(reason) => tokio::time::timeout(grace, work).await.map_err(|_| reason)?,
    };
    done.map_err(|_| Reason::Broken("internal error while reading it; please report this bug".into()))
}

/// Records that the run ended early, and returns why this file is missing.
fn not_read(evidence: &mut Evidence, name: &str, reason: Reason) -> Unavailable {
    evidence.interrupted.get_or_insert_with(|| Unavailable::new("the files", reason.clone()));
    Unavailable::new(name, reason)
}

/// Reads the evidence of an earlier run, within the time limit.
pub(super) async fn saved(name: &str, stop: &Stop) -> Result<Evidence, Error> {
    let file = name.to_owned();
    let read = in_time(stop, move || source::read(&file)).await;
    Ok(read.map_err(|reason| unfinished(name, &reason))??)
}

/// Refuses evidence of Apigee Edge, which only `edge diagnose` judges.
pub(super) fn of_cluster(name: &str, evidence: Evidence) -> Result<Evidence, Error> {
    if evidence.edge.seen().is_ok() && evidence.connection.seen().is_err() {
        return Err(Error::Usage {
            what: format!("{name}: it is a bundle of Apigee Edge"),
            hint: "judge it with `kubectl apigee-tls edge diagnose --from`".into(),
        });
    }
    Ok(evidence)
}

/// Converts the reason why the evidence file was not read into an error: without it there is nothing to
/// report.
pub(super) fn unfinished(name: &str, reason: &Reason) -> Error {
    match reason {
        Reason::Interrupted => Error::Cluster(gather::Error::Interrupted),
        reason => {
            let source = io::Error::new(io::ErrorKind::TimedOut, reason.to_string());
            Error::Input { name: name.to_owned(), source }
        }
    }
}

/// Redacts the secrets of `evidence`. Every report and evidence file is made of the result.
///
/// What the cluster, servers and files return may hold tokens and passwords. `collect` calls
/// [`Redactor::clean`] itself, with the redactor of its bundle.
pub(super) fn clean(evidence: &Evidence, keep_random_tokens: bool) -> Result<Evidence, Error> {
    let redactor = Redactor::secrets_only().keep_random_tokens(keep_random_tokens);
    Ok(redactor.clean(evidence, &mut Redactions::default())?)
}

/// Returns evidence without a cluster, for `--offline`.
pub(super) fn of_files(args: &EvidenceArgs) -> Evidence {
    let collected_at = now();
    Evidence::not_gathered(question(args, collected_at, true), collected_at, "--offline judges only the given files")
}

#[expect(clippy::disallowed_methods, reason = "the one clock of every judgement of this run")]
pub(super) fn now() -> Timestamp {
    Timestamp::now()
}

fn question(args: &EvidenceArgs, collected_at: Timestamp, offline: bool) -> HybridQuestion {
    HybridQuestion {
        namespace: args.cluster.namespace.clone(),
        selector: args.cluster.selector.clone(),
        container: args.logs.container.clone(),
        expect_non_sni: expects_non_sni(args),
        offline,
        log_limits: log_limits(&args.logs, collected_at),
        access: if offline { ClusterAccess::default() } else { cluster_access(&args.cluster) },
        replaced_overrides: Vec::new(),
    }
}

fn cluster_access(args: &ClusterArgs) -> ClusterAccess {
    let path = |given: &Option<std::path::PathBuf>| given.as_ref().map(|path| path.to_string_lossy().into_owned());
    ClusterAccess {
        context: args.context.clone(),
        kubeconfig: path(&args.kubeconfig),
        cluster: args.cluster.clone(),
        user: args.user.clone(),
        server: args.server.as_deref().map(without_user),
        tls_server_name: args.tls_server_name.clone(),
        insecure_skip_tls_verify: args.insecure_skip_tls_verify,
        as_user: args.as_user.clone(),
        as_uid: args.as_uid.clone(),
        as_groups: args.as_groups.clone(),
        certificate_authority: path(&args.certificate_authority),
        client_certificate: path(&args.client_certificate),
        client_key: path(&args.client_key),
        has_token: args.token.is_some(),
    }
}

/// Removes user and password from a URL.
fn without_user(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
    let end = rest.find('/').unwrap_or(rest.len());
    let host = rest[..end].rfind('@').map_or(rest, |at| &rest[at + 1..]);
    if scheme.is_empty() { host.to_owned() } else { format!("{scheme}://{host}") }
}

/// Returns whether `--expect` declares clients without SNI, whether or not they were seen.
pub(super) fn expects_non_sni(args: &EvidenceArgs) -> bool {
    args.expect == Some(Expectation::NonSni)
}

/// Refuses files under the wrong flag, before the run that may take minutes.
pub(super) fn check_kinds(args: &EvidenceArgs, captures: &[String]) -> Result<(), Error> {
    super::check_files(&[
        ("-f", &args.overrides, &[FileKind::Objects, FileKind::Overrides]),
        ("--access-log", &args.access_logs, &[FileKind::AccessLog]),
        ("--pcap", captures, &[FileKind::Capture]),
    ])
}

/// Rejects arguments that name standard input (`-`) more than once.
pub(super) fn check_standard_input<'a>(inputs: impl Iterator<Item = &'a String>) -> Result<(), Error> {
    if inputs.filter(|name| *name == "-").count() <= 1 {
        return Ok(());
    }
    Err(Error::Usage {
        what: "-: standard input can be read only once".into(),
        hint: "save one of the inputs to a file first".into(),
    })
}

/// Collects from the cluster what the checks need.
pub(super) async fn gathered(
    wanted: impl Into<Wanted<'_>>,
    stop: &Stop,
    progress: Arc<dyn run::Progress>,
    ledger: &Arc<Ledger>,
) -> Result<Evidence, Error> {
    let sinks = |_: &LogOrigin, scanner| scanner;
    gathered_with(wanted.into(), now(), stop, progress, &sinks, None, ledger).await
}

/// Like [`gathered`], with every log fed to a sink around its scanner, and with the retained objects passed
/// to `bundle`.
pub(super) async fn gathered_with<S: LogSink>(
    wanted: Wanted<'_>,
    collected_at: Timestamp,
    stop: &Stop,
    progress: Arc<dyn run::Progress>,
    new_sink: &(impl Fn(&LogOrigin, AccessLogScanner) -> S + Sync),
    bundle: Option<&dyn BundleSink>,
    ledger: &Arc<Ledger>,
) -> Result<Evidence, Error> {
    let args = wanted.args;
    let question = question(args, collected_at, false);
    let mut options = gather_options(args, &question)?;
    options.connection.files = wanted.files.cloned();
    let (since, until) = (question.log_limits.since, question.log_limits.until);
    let scanner = |origin: &LogOrigin| {
        let is_compared = !args.access_logs.is_empty() || !args.stores.log_stores.is_empty();
        let source = is_compared.then(|| ledger.source(origin));
        AccessLogScanner::new().since(since).until(until).comparing(source)
    };
    let new_sink = |origin: &LogOrigin| new_sink(origin, scanner(origin));
    let mut evidence = Evidence::not_gathered(question, collected_at, "the cluster was not reached");
    let requests = gather::cluster(&options, &mut evidence, stop.clone(), progress.clone(), &new_sink, bundle).await?;
    progress.finished("API requests", &requests.to_string());
    Ok(evidence)
}

/// Returns what to read from the cluster.
fn gather_options(args: &EvidenceArgs, question: &HybridQuestion) -> Result<GatherOptions, Error> {
    Ok(GatherOptions {
        connection: connection_options(&args.cluster),
        namespace: question.namespace.clone(),
        selector: question.selector.clone(),
        container: question.container.clone(),
        log_limits: question.log_limits.clone(),
        probe: gateway_probe(args)?,
        followed: None,
    })
}

/// Collects what the checks need from a cluster whose logs are followed.
pub(super) async fn followed(args: &EvidenceArgs, follow: &Follow, stop: &Stop) -> Result<Evidence, Error> {
    let collected_at = now();
    let question = question(args, collected_at, false);
    let options = gather_options(args, &question)?;
    let mut evidence = Evidence::not_gathered(question, collected_at, "the cluster was not reached");
    let progress: Arc<dyn run::Progress> = Arc::new(run::progress::Silent);
    follow.evidence(&options, &mut evidence, stop.clone(), &progress).await?;
    add_files(args, &mut evidence, stop, None, &Arc::default()).await?;
    clean(&evidence, args.keep_random_tokens)
}

/// Validates the arguments that can be rejected without contacting a cluster.
pub(super) fn validate(args: &EvidenceArgs) -> Result<(), Error> {
    gather::check_selector(&args.cluster.selector)?;
    log_stores::validate(args)?;
    gateway_probe(args).map(drop)
}

/// Returns the limit that `--timeout` sets; `None` for 0.
pub(super) fn timeout(args: &EvidenceArgs) -> Option<Duration> {
    (args.timeout > Duration::ZERO).then_some(args.timeout)
}

/// Returns the handshakes to make; `None` for `--probe none`.
fn gateway_probe(args: &EvidenceArgs) -> Result<Option<GatewayProbe>, Error> {
    let places = Places {
        pods: args.probing.probe.contains(&ProbePlace::Pods),
        services: args.probing.probe.contains(&ProbePlace::Services),
        dns: args.probing.probe.contains(&ProbePlace::Dns),
    };
    if args.probing.probe.contains(&ProbePlace::None) {
        if places.any() {
            let hint = "give either --probe none or the places to probe";
            return Err(Error::Usage { what: "--probe none and --probe PLACE".into(), hint: hint.into() });
        }
        return Ok(None);
    }
    let mut hosts = Vec::new();
    for name in &args.probing.probe_host {
        hosts.push(probe::server_name(name).map_err(|why| Error::Argument {
            what: format!("--probe-host {name:?}: {why}"),
            hint: "expected a DNS name".into(),
        })?);
    }
    let options = ProbeOptions {
        min_version: None,
        max_version: None,
        ciphers: None,
        client: None,
        alpn: ["h2", "http/1.1"].map(str::to_owned).to_vec(),
        ca_file: args.probing.ca_file.clone(),
        identity: None,
        proxy_protocol: false,
        timeout: HANDSHAKE_TIME,
    };
    let prober = Arc::new(Prober::new(options)?);
    Ok(Some(GatewayProbe { prober, places, hosts, expect_without_sni: expects_non_sni(args) }))
}

pub(super) fn log_limits(args: &LogArgs, now: Timestamp) -> LogLimits {
    let since = args.since.map(|length| {
        let length = SignedDuration::try_from(length).unwrap_or(SignedDuration::MAX);
        now.checked_sub(length).unwrap_or(Timestamp::MIN)
    });
    LogLimits {
        since: since.or(args.since_time),
        until: args.until.map(|until| match until {
            Until::At(at) => at,
            Until::Ago(length) => {
                let length = SignedDuration::try_from(length).unwrap_or(SignedDuration::MAX);
                now.checked_sub(length).unwrap_or(Timestamp::MIN)
            }
        }),
        // As for kubectl, -1 means all lines.
        tail: args.tail.and_then(|lines| u64::try_from(lines).ok()),
        limit_bytes: args.limit_bytes,
    }
}

pub(super) fn connection_options(args: &ClusterArgs) -> ConnectionOptions {
    ConnectionOptions {
        kubeconfig: args.kubeconfig.clone(),
        files: None,
        context: args.context.clone(),
        cluster: args.cluster.clone(),
        user: args.user.clone(),
        server: args.server.clone(),
        tls_server_name: args.tls_server_name.clone(),
        insecure_skip_tls_verify: args.insecure_skip_tls_verify,
        certificate_authority: args.certificate_authority.clone(),
        client_certificate: args.client_certificate.clone(),
        client_key: args.client_key.clone(),
        token: args.token.clone(),
        as_user: args.as_user.clone(),
        as_uid: args.as_uid.clone(),
        as_groups: args.as_groups.clone(),
        request_timeout: args.request_timeout,
    }
}
