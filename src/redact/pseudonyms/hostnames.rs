//! Recognises hostnames and addresses in free text by their form.
//!
//! A hostname has at least two labels, the last one of letters. Names of the platform (API groups,
//! registries, Services of the cluster) are kept: they identify nobody, and support needs them. Fields of
//! objects, classes and files are kept too. What may be either is taken for a hostname. Names of a single
//! label are not recognised. Where a type says that a text is a hostname, this file is not consulted.

use std::net::IpAddr;
use std::ops::Range;

use super::addresses::address;
use super::runs::run;

const MAX_HOST: usize = 253;

/// Domains of the platform, which are kept.
const PLATFORM: &[&str] = &[
    "apigee-tls.invalid",
    "apigee.com",
    "argoproj.io",
    "cert-manager.io",
    "cilium.io",
    "cluster.local",
    "cncf.io",
    "coreos.com",
    "docker.elastic.co",
    "docker.io",
    "eks.amazonaws.com",
    "envoyproxy.io",
    "external-secrets.io",
    "fluxcd.io",
    "gcr.io",
    "ghcr.io",
    "github.com",
    "gke.io",
    "golang.org",
    "google.com",
    "google.internal",
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
    "quay.io",
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

/// Known top-level domains, besides those of two letters.
const DOMAINS: &[&str] = &[
    "aero",
    "agency",
    "app",
    "bank",
    "biz",
    "capital",
    "cloud",
    "club",
    "com",
    "coop",
    "corp",
    "dev",
    "digital",
    "edu",
    "energy",
    "example",
    "finance",
    "global",
    "gmbh",
    "gov",
    "group",
    "health",
    "home",
    "info",
    "insurance",
    "int",
    "internal",
    "invalid",
    "jobs",
    "k8s",
    "lan",
    "life",
    "live",
    "local",
    "media",
    "mil",
    "mobi",
    "museum",
    "net",
    "network",
    "online",
    "org",
    "partners",
    "pro",
    "shop",
    "site",
    "software",
    "services",
    "solutions",
    "store",
    "systems",
    "tech",
    "test",
    "today",
    "top",
    "travel",
    "ventures",
    "vip",
    "world",
    "xyz",
];

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
    name == "localhost" || PLATFORM.iter().any(|domain| is_below(domain))
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
    let known = DOMAINS.contains(&last) || last.len() == 2 && last.bytes().all(|byte| byte.is_ascii_alphabetic());
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
        (None, Some((head, tail))) if DOMAINS.contains(&head) || counted(head, tail) => head.len(),
        _ => return name,
    };
    &name[..name.len() - last.len() + length]
}

/// Returns whether a name is a class: `com.google.apigee.Handler`, with a package first and a capital later.
fn is_class(name: &str) -> bool {
    let package = ["com.", "org.", "net.", "io."].iter().any(|start| name.starts_with(start));
    package && name.split('.').any(|label| label.starts_with(|char: char| char.is_ascii_uppercase()))
}
