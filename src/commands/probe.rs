//! `probe`: tests handshakes with endpoints that the user names, judges them and prints the report.

use std::collections::HashSet;
use std::fmt::Display;
use std::io::{self, BufRead, BufReader, Read};
use std::net::IpAddr;
use std::num::NonZero;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::runtime::{Builder, Runtime};

use super::{Error, fail_on, sources};
use crate::cli::{ClientProfile, ProbeArgs, TlsVersion};
use crate::evidence::edge::Edge;
use crate::evidence::{Evidence, HybridQuestion, Seen, Unavailable};
use crate::gather::probe::{self, Family, Given, ProbeOptions, Prober, Proxy, Sni, Target, TargetError};
use crate::judgement::probe as judgement;
use crate::run::Stop;
use crate::terminal::Console;
use crate::wire::tls::Version;

/// Maximum number of endpoints in a run; more are taken for a mistake.
const MAX_TARGETS: usize = 100_000;
/// Maximum number of bytes of the ALPN protocol list: an extension holds 65,535, less the two of the list's
/// length (RFC 7301 §3.1).
const MAX_ALPN: usize = 65_533;
/// Maximum number of bytes per line of an endpoint list.
const MAX_LINE: usize = 4096;

pub(super) fn run(args: &ProbeArgs, console: &Console) -> Result<u8, Error> {
    let given = probe_inputs(args, console)?;
    let prober = Arc::new(Prober::new(options(args)?)?);
    let runtime = runtime(given.targets.len()).map_err(Error::Runtime)?;
    #[expect(clippy::disallowed_methods, reason = "the one clock of every judgement of this run")]
    let collected_at = Timestamp::now();
    let (seen, interrupted) = runtime.block_on(async {
        let stop = Stop::on_signal(None, || {}).map_err(Error::Runtime)?;
        let report_probed = |target: &Target| console.verbose(&format!("probed {}:{}", target.host, target.port));
        Ok::<_, Error>((probe::given(prober, &given, &stop, report_probed).await, stop.reason()))
    })?;
    let mut evidence =
        Evidence::not_gathered(question(), collected_at, "`kubectl apigee-tls diagnose` queries the cluster");
    evidence.probes = Seen::Seen(seen);
    evidence.interrupted = interrupted.map(|reason| Unavailable::new("the endpoints", reason));
    let evidence = sources::clean(&evidence, args.keep_random_tokens)?;
    let report = judgement::build(&evidence, fail_on(args.fail_on));
    let printed = super::print_result(console, args.output, &report).map(|()| report.exit_code);
    // Signals are handled up to here.
    runtime.shutdown_background();
    printed
}

/// Builds a runtime with at most one worker thread per endpoint. An idle thread costs memory; on a machine
/// with many cores more than the handshakes.
fn runtime(endpoints: usize) -> io::Result<Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    Builder::new_multi_thread().worker_threads(endpoints.clamp(1, cores)).enable_all().build()
}

/// Returns a question without a cluster: `probe` queries none.
fn question() -> HybridQuestion {
    HybridQuestion { offline: true, ..HybridQuestion::default() }
}

fn probe_inputs(args: &ProbeArgs, console: &Console) -> Result<Given, Error> {
    let targets = targets(args)?;
    let sni = match &args.sni {
        _ if args.no_sni => Sni::None,
        Some(name) => Sni::Name(
            probe::server_name(name).map_err(|why| usage(&format!("--sni {name:?}: {why}"), "expected a DNS name"))?,
        ),
        None => Sni::Host,
    };
    let proxies = match args.via_proxy.as_deref() {
        None => Vec::new(),
        Some("") => {
            if !Proxy::is_in_environment(process_env) {
                return Err(usage("--via-proxy without a URL: HTTPS_PROXY is not set", PROXY_HINT));
            }
            targets.iter().map(|target| proxy_from_environment(target, console)).collect::<Result<_, _>>()?
        }
        Some(url) => {
            let proxy = Proxy::parse(url).map_err(|why| usage(&format!("--via-proxy: {why}"), PROXY_HINT))?;
            targets.iter().map(|_| Some(proxy.clone())).collect()
        }
    };
    let connect_to = args.connect_to.as_deref().map(connect_to).transpose()?;
    let family = match (args.ipv4, args.ipv6) {
        (true, _) => Family::V4,
        (_, true) => Family::V6,
        _ => Family::Any,
    };
    if let Some((address, _)) = connect_to
        && (family == Family::V4 && address.is_ipv6() || family == Family::V6 && address.is_ipv4())
    {
        return Err(usage(&format!("--connect-to {address} with -4 or -6"), "use an address of the selected version"));
    }
    Ok(Given { targets, sni, connect_to, family, proxies, full: args.full, parallel: usize::from(args.parallel) })
}

const PROXY_HINT: &str = "write --via-proxy=http://HOST:PORT, with = and no space";

fn proxy_from_environment(target: &Target, console: &Console) -> Result<Option<Proxy>, Error> {
    let proxy = Proxy::of_environment(&target.host, target.port, process_env)
        .map_err(|why| usage(&format!("--via-proxy with HTTPS_PROXY: {why}"), PROXY_HINT))?;
    if proxy.is_none() {
        let host = &target.host;
        console.verbose(&format!("connecting to {host} directly: NO_PROXY excludes it, or it is this machine"));
    }
    Ok(proxy)
}

fn process_env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn connect_to(text: &str) -> Result<(IpAddr, Option<u16>), Error> {
    let hint = "expected an address, with or without a port: 203.0.113.7 or [2001:db8::7]:8443";
    let wrong = |why: &dyn Display| usage(&format!("--connect-to {:?}: {why}", probe::shown(text)), hint);
    // Other parts of a URL would make it ambiguous whether a port is given.
    if text.contains(|char: char| char.is_whitespace() || "/@?#".contains(char)) {
        return Err(wrong(&"it is not just an address"));
    }
    let target = probe::target(text).map_err(|why| wrong(&why))?;
    let address = target.address().ok_or_else(|| wrong(&"it is not an IP address"))?;
    // Without a port, the port of the endpoint applies.
    let has_port =
        text.parse::<IpAddr>().is_err() && (text.rsplit_once(':').is_some_and(|(_, end)| !end.ends_with(']')));
    Ok((address, has_port.then_some(target.port)))
}

fn options(args: &ProbeArgs) -> Result<ProbeOptions, Error> {
    let alpn: Vec<String> =
        args.alpn.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    if let Some(long) = alpn.iter().find(|name| name.len() > usize::from(u8::MAX)) {
        return Err(usage(
            &format!("--alpn: a protocol of {} characters", long.len()),
            "the maximum is 255 (RFC 7301)",
        ));
    }
    let length: usize = alpn.iter().map(|name| name.len() + 1).sum();
    if length > MAX_ALPN {
        return Err(usage(&format!("--alpn: a list of {length} bytes"), "the maximum is 65533"));
    }
    let (min_version, max_version) = (args.tls_min.map(version), args.tls_max.map(version));
    if min_version.zip(max_version).is_some_and(|(min, max)| min > max) {
        return Err(usage("--tls-min above --tls-max", "give a --tls-min that is not above --tls-max"));
    }
    let (min_version, max_version, ciphers) = match args.client {
        None => (min_version, max_version, args.ciphers.clone()),
        Some(client) => of_client(client),
    };
    Ok(ProbeOptions {
        min_version,
        max_version,
        ciphers,
        client: args.client.map(client_name),
        alpn,
        ca_file: args.ca_file.clone(),
        identity: args.cert.clone().map(|certificate| (certificate, args.key.clone())),
        proxy_protocol: args.proxy_protocol,
        timeout: args.timeout,
    })
}

/// Returns the versions and the cipher suites that a client offers.
fn of_client(client: ClientProfile) -> (Option<Version>, Option<Version>, Option<String>) {
    let ClientProfile::Java(java) = client else { return (Some(Version::Tls12), Some(Version::Tls13), None) };
    let profile = super::edge::profile(java);
    let offered = Edge::default().offered_versions(profile);
    let versions = || offered.iter().filter_map(|name| Version::from_name(name));
    (versions().min(), versions().max(), Some(profile.suites().join(":")))
}

/// Returns the name of a client as `--client` takes it.
fn client_name(client: ClientProfile) -> String {
    match client {
        ClientProfile::Modern => "modern".to_owned(),
        ClientProfile::Java(java) => format!("java{}", super::edge::profile(java).name()),
    }
}

fn version(version: TlsVersion) -> Version {
    match version {
        TlsVersion::V1_0 => Version::Tls10,
        TlsVersion::V1_1 => Version::Tls11,
        TlsVersion::V1_2 => Version::Tls12,
        TlsVersion::V1_3 => Version::Tls13,
    }
}

/// Returns the endpoints of the command line, then those of the files, each once.
fn targets(args: &ProbeArgs) -> Result<Vec<Target>, Error> {
    let mut targets = Vec::new();
    let mut known = HashSet::new();
    let mut add = |target: Target| {
        if known.insert(target.clone()) {
            targets.push(target);
        }
    };
    for text in &args.hosts {
        // `--via-proxy URL` without `=` leaves the URL, which may hold a password, as an endpoint.
        if args.via_proxy.as_deref() == Some("") && text.contains("://") && !text.starts_with("https://") {
            return Err(usage("--via-proxy URL with a space: the URL was taken for an endpoint", PROXY_HINT));
        }
        let wrong = |why: TargetError| usage(&format!("{:?} as an endpoint: {why}", probe::shown(text)), ENDPOINT_HINT);
        add(probe::target(text).map_err(wrong)?);
    }
    if args.files.iter().filter(|name| *name == "-").count() > 1 {
        return Err(usage("-f - more than once", "standard input can be read once"));
    }
    for name in &args.files {
        let lines = lines(name).map_err(|source| Error::Input { name: name.clone(), source })?;
        for (number, line) in lines {
            let shown = probe::shown(&line);
            let wrong =
                |why: TargetError| usage(&format!("{name}:{number}: {shown:?} as an endpoint: {why}"), ENDPOINT_HINT);
            add(probe::target(&line).map_err(wrong)?);
        }
    }
    if targets.is_empty() {
        return Err(usage("-f with an empty list", ENDPOINT_HINT));
    }
    Ok(targets)
}

const ENDPOINT_HINT: &str = "expected HOST or HOST:PORT, one per line in a file; # begins a comment";

/// Returns the lines of an endpoint list with their numbers, without comments and empty lines.
fn lines(name: &str) -> io::Result<Vec<(usize, String)>> {
    let source: Box<dyn Read> = match name {
        "-" => Box::new(io::stdin().lock()),
        path => Box::new(std::fs::File::open(path)?),
    };
    let mut source = BufReader::new(source);
    let mut found = Vec::new();
    for number in 1.. {
        let mut line = Vec::new();
        let length = (&mut source).take(MAX_LINE as u64 + 1).read_until(b'\n', &mut line)?;
        if length == 0 {
            break;
        }
        if length > MAX_LINE {
            let what = format!("line {number} is longer than {MAX_LINE} bytes; expected one endpoint per line");
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        if found.len() >= MAX_TARGETS {
            let what = format!("it has more than {MAX_TARGETS} endpoints");
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        found.push((number, line.to_owned()));
    }
    Ok(found)
}

fn usage(what: &str, hint: &str) -> Error {
    Error::Argument { what: what.to_owned(), hint: hint.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_connect_to_with_and_without_a_port() {
        let address = |text| connect_to(text).ok();
        assert_eq!(address("203.0.113.7"), Some(("203.0.113.7".parse().unwrap(), None)));
        assert_eq!(address("203.0.113.7:8443"), Some(("203.0.113.7".parse().unwrap(), Some(8443))));
        assert_eq!(address("[::1]:443"), Some(("::1".parse().unwrap(), Some(443))));
        assert_eq!(address("[::1]"), Some(("::1".parse().unwrap(), None)));
        assert_eq!(address("::1"), Some(("::1".parse().unwrap(), None)));
        for wrong in ["api.example.com", "https://203.0.113.7:8443", " ::1", "203.0.113.7 ", "203.0.113.7/", "me@::1"] {
            assert_eq!(address(wrong), None, "{wrong}");
        }
    }
}
