//! Recognises hostnames and addresses in free text by their form.
//!
//! A hostname has at least two labels, the last one of letters. Names of the platform (API groups,
//! registries, Services of the cluster) are kept: they identify nobody, and support needs them. Fields of
//! objects, classes and files are kept too. What may be either is taken for a hostname. Names of a single
//! label are not recognised. Where a type says that a text is a hostname, this file is not consulted.

use std::collections::HashSet;
use std::net::IpAddr;
use std::ops::Range;
use std::sync::LazyLock;

use super::addresses::address;
use super::runs::run;

const MAX_HOST: usize = 253;
/// Maximum number of bytes of a label.
const MAX_LABEL: usize = 63;
/// Maximum number of bytes of a key that says host.
const MAX_KEY: usize = 32;
/// Ends of keys that say host, in lower case and without punctuation.
const HOST_WORDS: &[&str] = &["host", "hostname", "hostnames", "hosts", "servername", "snihost", "sni"];
/// Values of such keys that are no hosts.
const KEPT_LABELS: &[&str] = &["all", "any", "default", "false", "localhost", "nil", "none", "null", "true", "unknown"];

/// Domains of the platform, which are kept. See also [`SHARED_DOMAINS`].
const PLATFORM: &[&str] = &[
    "apigee-tls.invalid",
    "argoproj.io",
    "cert-manager.io",
    "cilium.io",
    "cloud.google.com",
    "cluster.local",
    "cncf.io",
    "coreos.com",
    "docker.elastic.co",
    "envoyproxy.io",
    "external-secrets.io",
    "fluxcd.io",
    "gke.io",
    "golang.org",
    "googleapis.com",
    "helm.sh",
    "istio.io",
    "k8s.io",
    "karpenter.sh",
    "keda.sh",
    "knative.dev",
    "kubernetes.azure.com",
    "kubernetes.io",
    "labels.app",
    "letsencrypt.org",
    "linkerd.io",
    "mcr.microsoft.com",
    "nvcr.io",
    "openshift.io",
    "opentelemetry.io",
    "pkg.dev",
    "projectcalico.org",
    "prometheus.io",
    "public.ecr.aws",
    "registry.redhat.io",
    "svc",
    "tekton.dev",
    "tigera.io",
    "traefik.io",
    "velero.io",
    "w3.org",
    "x-k8s.io",
];

/// Last labels that are not domains: file extensions, parts of cluster names, fields of objects.
const NO_DOMAIN: &[&str] = &[
    "bak",
    "cfg",
    "class",
    "conf",
    "cpp",
    "crt",
    "csr",
    "csv",
    "default",
    "der",
    "env",
    "exe",
    "go",
    "gz",
    "hash",
    "html",
    "ini",
    "jar",
    "java",
    "jks",
    "js",
    "json",
    "key",
    "log",
    "ocsp",
    "ocsp-staple",
    "options",
    "orig",
    "pcap",
    "pcapng",
    "pem",
    "pfx",
    "pid",
    "properties",
    "proto",
    "sock",
    "spec",
    "status",
    "svc",
    "tar",
    "tgz",
    "toml",
    "ts",
    "txt",
    "xml",
    "yaml",
    "yml",
];

/// Last labels that are both file extensions and domains. With two labels, only what is written as a file is
/// one.
const EITHER: &[&str] = &["cc", "md", "py", "rs", "sh", "so", "zip"];

/// First labels of field paths, classes and filters, unless the last label is one of [`DOMAINS`].
const FIELDS: &[&str] = &[
    "annotations",
    "cluster",
    "context",
    "data",
    "envoy",
    "involvedobject",
    "io.grpc",
    "istio",
    "java",
    "javax",
    "kubelet",
    "kubepods",
    "labels",
    "limits",
    "listener",
    "metadata",
    "org.apache",
    "requests",
    "resources",
    "spec",
    "status",
    "sun",
    "x509",
];

/// Top-level domains of three letters and more: those of IANA's root zone database, without words that are
/// also names of fields (`metadata.name`).
const TOP_LEVEL_DOMAINS: &str = include_str!("top-level-domains.txt");

/// Last labels of private names.
const PRIVATE_DOMAINS: &[&str] = &["corp", "example", "home", "internal", "invalid", "k8s", "lan", "local", "test"];

/// Domains below which customers have names of their own, with the names that are the platform's.
const SHARED_DOMAINS: &[(&str, &[&str])] = &[
    ("apigee.com", &["api.enterprise", "community", "docs", "login", "status", "www"]),
    // The certificate that the public cloud serves for unknown names.
    ("apigee.net", &["*"]),
    ("docker.io", &["auth", "hub", "index", "registry-1"]),
    ("eks.amazonaws.com", &[]),
    ("gcr.io", &["asia", "eu", "k8s", "launcher", "marketplace", "mirror", "us"]),
    ("ghcr.io", &["pkg-containers"]),
    ("github.com", &["api", "codeload", "gist", "raw", "uploads", "www"]),
    ("google.com", &["accounts", "cloud", "developers", "dl", "groups", "issuetracker", "mail", "support", "www"]),
    ("google.internal", &["metadata"]),
    ("quay.io", &["cdn", "cdn01", "cdn02", "cdn03"]),
    ("storage.googleapis.com", &[]),
];

/// Returns whether a label is a known last label of a hostname.
pub(super) fn is_top_level(label: &str) -> bool {
    static KNOWN: LazyLock<HashSet<&str>> =
        LazyLock::new(|| TOP_LEVEL_DOMAINS.split_whitespace().chain(PRIVATE_DOMAINS.iter().copied()).collect());
    KNOWN.contains(label)
}

/// A recognised hostname or address.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Recognised<'a> {
    Address(IpAddr),
    Host(&'a str),
}

/// Returns the next hostname or address at or after `from`, its range, and where to continue.
pub(super) fn next(line: &[u8], from: usize) -> Option<(Range<usize>, Recognised<'_>, usize)> {
    let mut at = from;
    while let Some(run) = run(line, at) {
        let run = without_port(line, run);
        let address = address(line, &run);
        let end = address.as_ref().map_or(run.end, |(place, _)| place.start);
        if let Some((place, name)) = host(line, run.start..end) {
            at = place.end;
            return Some((place, Recognised::Host(name), at));
        }
        if let Some((place, address)) = address {
            // Followed by `_`, it is part of a counter's name: `listener.10.0.0.1_8443.ssl.handshake`.
            at = if line.get(place.end) == Some(&b'_') { run.end } else { place.end };
            return Some((place, Recognised::Address(address), at));
        }
        at = run.end;
    }
    None
}

/// Returns whether a lower-case name is one of the platform.
pub(super) fn is_of_platform(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    let is_below = |domain: &str| name.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    for (domain, known) in SHARED_DOMAINS {
        if is_below(domain) {
            let below = name[..name.len() - domain.len()].trim_end_matches('.');
            let is_narrower = |inner: &&&str| inner.len() > domain.len() && is_below(inner);
            return below.is_empty() || known.contains(&below) || PLATFORM.iter().any(|inner| is_narrower(&inner));
        }
    }
    name == "localhost" || PLATFORM.iter().any(|domain| is_below(domain))
}

/// Returns whether the text before or behind a run is that of tcpdump, which writes a port as a further
/// label: `IP 10.0.0.1.44321 > api.acme.com.443`.
pub(super) fn is_of_tcpdump(line: &[u8], run: &Range<usize>) -> bool {
    let (before, after) = (&line[..run.start], &line[run.end..]);
    [&b"IP "[..], b"IP6 ", b" > ", b" < "].iter().any(|word| before.ends_with(word))
        || [&b" > "[..], b" < "].iter().any(|word| after.starts_with(word))
}

/// Returns the next value of one label under a key that says host: `host: gateway`, `"sni":"gateway"`.
pub(super) fn single_label(line: &[u8], from: usize) -> Option<Range<usize>> {
    let mut at = from;
    loop {
        let separator = at + memchr::memchr2(b':', b'=', line.get(at..)?)?;
        at = separator + 1;
        let quotes = |byte: &u8| matches!(byte, b'"' | b'\'' | b'\\' | b' ');
        let key = &line[..separator];
        let key = &key[..key.iter().rposition(|byte| !quotes(byte)).map_or(0, |end| end + 1)];
        let part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let length = key.iter().rev().take(MAX_KEY).take_while(|byte| part(byte)).count();
        let word: String = key[key.len() - length..]
            .iter()
            .filter(|byte| byte.is_ascii_alphanumeric())
            .map(|byte| char::from(byte.to_ascii_lowercase()))
            .collect();
        if !HOST_WORDS.iter().any(|end| word.ends_with(end)) || matches!(&*word, "localhost" | "ghost") {
            continue;
        }
        let start = at + line[at..].iter().take(MAX_KEY).take_while(|byte| quotes(byte) || **byte == b'[').count();
        let end = start + line[start..].iter().take(MAX_LABEL + 1).take_while(|byte| part(byte)).count();
        let label = str::from_utf8(&line[start..end]).ok()?;
        let is_kept = label.len() > MAX_LABEL
            || !label.bytes().any(|byte| byte.is_ascii_alphabetic())
            || KEPT_LABELS.iter().any(|kept| label.eq_ignore_ascii_case(kept));
        // More of a name, of an address or of a path, or another key.
        let goes_on = match line.get(end) {
            Some(b'.' | b'/' | b'(' | b'%' | b'<' | b'=') => true,
            Some(b':') => !line.get(end + 1).is_some_and(u8::is_ascii_digit),
            byte => byte.is_some_and(|byte| !byte.is_ascii()),
        };
        if end > start && !is_kept && !goes_on {
            return Some(start..end);
        }
    }
}

/// Returns a run without the port that tcpdump writes behind a dot.
fn without_port(line: &[u8], run: Range<usize>) -> Range<usize> {
    // A colon ends the names of a packet.
    let end = run.end - usize::from(line[run.clone()].ends_with(b":"));
    let text = &line[run.start..end];
    let digits = text.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let rest = &text[..text.len() - digits];
    let is_name = memchr::memchr_iter(b'.', rest).count() >= 2;
    let is_address =
        memchr::memchr_iter(b'.', text).count() == 3 && rest.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    if (2..=5).contains(&digits)
        && rest.ends_with(b".")
        && !is_address
        && (is_name || rest.contains(&b':'))
        && is_of_tcpdump(line, &run)
    {
        return run.start..run.start + rest.len() - 1;
    }
    run
}

/// Returns the first hostname of a run, without a port and without adjacent characters.
fn host(line: &[u8], run: Range<usize>) -> Option<(Range<usize>, &str)> {
    let mut begin = run.start;
    for segment in line[run].split(|byte| *byte == b':') {
        let punctuation = |byte: &&u8| matches!(**byte, b'.' | b'-' | b'_');
        let start = begin + segment.iter().take_while(punctuation).count();
        let end = begin + segment.len() - segment.iter().rev().take_while(punctuation).count();
        let text = line.get(start..end).and_then(|name| str::from_utf8(name).ok());
        let is_file = text.is_some_and(|text| is_written_as_file(line, start, text));
        if let Some(name) = text.and_then(|text| text.get(..host_length(text, is_file)?)) {
            return Some((start..start + name.len(), name));
        }
        begin += segment.len() + 1;
    }
    None
}

/// Returns how many bytes of the text are a hostname: for `api.acme.com.crt` without the extension, for
/// `api.acme.com-cacert` without the suffix of the object.
fn host_length(text: &str, is_written_as_file: bool) -> Option<usize> {
    let lower = text.to_ascii_lowercase();
    let mut name = without_suffix(&lower);
    let whole = name.len();
    loop {
        let (rest, last) = name.rsplit_once('.')?;
        // `outbound|443||api.acme.com.upstream_cx_total`
        let is_counter = last.contains('_') && without_suffix(name).len() == name.len();
        if !(is_counter
            || NO_DOMAIN.contains(&last)
            || EITHER.contains(&last) && is_written_as_file && !rest.contains('.'))
        {
            break;
        }
        name = rest;
    }
    let is_file = name.len() < whole;
    // `api.acme.com_key.pem`
    let name = without_suffix(name);
    let last = name.rsplit('.').next()?;
    let known = is_top_level(last) || last.len() == 2 && last.bytes().all(|byte| byte.is_ascii_alphabetic());
    let fields = || {
        FIELDS.iter().any(|start| name.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
    };
    let is_host = name.len() <= MAX_HOST
        && name.contains('.')
        && name.split('.').all(|label| !label.is_empty() && label.len() <= 63)
        && last.chars().count() >= 2
        && (last.chars().all(char::is_alphabetic) || known || last.starts_with("xn--") || is_numbered(name, last))
        && !is_of_platform(name)
        && (known && !(text.contains('_') && fields()) || !is_file && !fields())
        && (known || !name.split('.').rev().skip(1).all(|label| label.starts_with(|char: char| char.is_ascii_digit())))
        && !is_class(text);
    is_host.then_some(name.len())
}

/// Returns whether a name is written as a file: `./install.sh`, `server.cc:1059]` in logs, `README.md`,
/// `libssl.so`.
fn is_written_as_file(line: &[u8], start: usize, text: &str) -> bool {
    let in_path = line[..start].ends_with(b"/");
    let digits = |rest: &[u8]| rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let at_line = line[start + text.len()..]
        .strip_prefix(b":")
        .is_some_and(|rest| digits(rest) > 0 && rest.get(digits(rest)) == Some(&b']'));
    if line[..start].ends_with(b"//") {
        return false;
    }
    in_path || at_line || text.starts_with("lib") || text.bytes().any(|byte| byte.is_ascii_uppercase() || byte == b'_')
}

/// Returns whether a name ends in a numbered label such as `db.acme.dc1`. It needs three labels, and the last
/// one must not look like a version.
fn is_numbered(name: &str, last: &str) -> bool {
    let word = last.trim_end_matches(|char: char| char.is_ascii_digit());
    word.len() >= 2
        && word.len() < last.len()
        && !matches!(word, "http" | "sha" | "rc" | "beta" | "alpha" | "ipv")
        && word.bytes().all(|byte| byte.is_ascii_lowercase())
        && name.split('.').count() >= 3
        && !name.contains('_')
        && name.split('.').all(|label| label.starts_with(|char: char| char.is_ascii_alphabetic()))
}

/// Returns the hostname at the start of an object's name, so that both get the same pseudonym.
fn without_suffix(name: &str) -> &str {
    let Some(last) = name.rsplit('.').next().filter(|last| !last.starts_with("xn--")) else { return name };
    let counted = |head: &str, tail: &str| head.len() == 2 && tail.bytes().all(|byte| byte.is_ascii_digit());
    let length = match (last.find('-'), last.split_once('_')) {
        (Some(at), _) => at,
        // Names of counters contain underscores as well.
        (None, Some((head, tail))) if is_top_level(head) || counted(head, tail) => head.len(),
        _ => return name,
    };
    &name[..name.len() - last.len() + length]
}

/// Returns whether a name is a class: `com.google.apigee.Handler`, with a package first and a capital later.
fn is_class(name: &str) -> bool {
    let package = ["com.", "org.", "net.", "io."].iter().any(|start| name.starts_with(start));
    package && name.split('.').any(|label| label.starts_with(|char: char| char.is_ascii_uppercase()))
}
