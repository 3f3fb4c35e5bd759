//! What is a hostname or an address in free text: a matter of form.
//!
//! A hostname has at least two labels, the last one of letters. Names of the platform itself (API groups, registries, Services of the
//! cluster) stay, because they name no one and support cannot read a bundle without them; so do fields of objects, classes and
//! files. Where a name may be either, it is taken for a hostname. It does not know a name of a single label; where a type says that
//! something is a hostname, nobody asks here.

use std::net::IpAddr;
use std::ops::Range;

use super::addresses::address;
use super::runs::run;

const MAX_HOST: usize = 253;

/// Domains of the platform.
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

/// Last labels that are no domain: endings of files, parts of the cluster's names, fields of objects.
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

/// Endings of files that are domains as well: of two labels, only what stands as a file does is one.
const EITHER: &[&str] = &["cc", "md", "py", "rs", "sh", "so", "zip"];

/// First labels of what is a path of fields, a class or a filter, unless it ends in a domain that everybody knows.
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

/// Domains that everybody knows, beside those of two letters.
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

/// What was recognised.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Part<'a> {
    Address(IpAddr),
    Host(&'a str),
}

/// The next hostname or address at or after `from`, where it stands, and where to look on.
pub(super) fn next(line: &[u8], from: usize) -> Option<(Range<usize>, Part<'_>, usize)> {
    let mut at = from;
    while let Some(run) = run(line, at) {
        let address = address(line, &run);
        let end = address.as_ref().map_or(run.end, |(place, _)| place.start);
        if let Some((place, name)) = host(line, run.start..end) {
            at = place.end;
            return Some((place, Part::Host(name), at));
        }
        if let Some((place, address)) = address {
            // What is glued to it is the name of a counter: `listener.10.0.0.1_8443.ssl.handshake`.
            at = if line.get(place.end) == Some(&b'_') { run.end } else { place.end };
            return Some((place, Part::Address(address), at));
        }
        at = run.end;
    }
    None
}

/// A name of the platform, in lower case.
pub(super) fn is_of_platform(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    let is_below = |domain: &str| name.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    name == "localhost" || PLATFORM.iter().any(|domain| is_below(domain))
}

/// The first hostname of a run: without a port and without what is glued to it.
fn host(line: &[u8], run: Range<usize>) -> Option<(Range<usize>, &str)> {
    let mut begin = run.start;
    for segment in line[run].split(|byte| *byte == b':') {
        let signs = |byte: &&u8| matches!(**byte, b'.' | b'-' | b'_');
        let start = begin + segment.iter().take_while(signs).count();
        let end = begin + segment.len() - segment.iter().rev().take_while(signs).count();
        let text = line.get(start..end).and_then(|name| str::from_utf8(name).ok());
        let is_file = text.is_some_and(|text| stands_as_file(line, start, text));
        if let Some(name) = text.and_then(|text| text.get(..host_length(text, is_file)?)) {
            return Some((start..start + name.len(), name));
        }
        begin += segment.len() + 1;
    }
    None
}

/// How much of the text is a hostname: of `api.acme.com.crt` all but its ending, of `api.acme.com-cacert` what the object is named for.
fn host_length(text: &str, stands_as_file: bool) -> Option<usize> {
    let lower = text.to_ascii_lowercase();
    let mut name = without_suffix(&lower);
    let whole = name.len();
    loop {
        let (rest, last) = name.rsplit_once('.')?;
        // `outbound|443||api.acme.com.upstream_cx_total`
        let is_counter = last.contains('_') && without_suffix(name).len() == name.len();
        if !(is_counter || NO_DOMAIN.contains(&last) || EITHER.contains(&last) && stands_as_file && !rest.contains('.'))
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
        && (known
            || !name.split('.').rev().skip(1).all(|label| label.starts_with(|letter: char| letter.is_ascii_digit())))
        && !is_class(text);
    is_host.then_some(name.len())
}

/// `./install.sh`, `server.cc:1059]` as programs log where they are, `README.md`, `libssl.so`.
fn stands_as_file(line: &[u8], start: usize, text: &str) -> bool {
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

/// `db.acme.dc1`: a domain that somebody numbered. What has no more than that in front, or has a version behind, is none.
fn is_numbered(name: &str, last: &str) -> bool {
    let word = last.trim_end_matches(|letter: char| letter.is_ascii_digit());
    word.len() >= 2
        && word.len() < last.len()
        && !matches!(word, "http" | "sha" | "rc" | "beta" | "alpha" | "ipv")
        && word.bytes().all(|byte| byte.is_ascii_lowercase())
        && name.split('.').count() >= 3
        && !name.contains('_')
        && name.split('.').all(|label| label.starts_with(|letter: char| letter.is_ascii_alphabetic()))
}

/// Names that an object's name begins with are replaced there as they are alone, so that one can still be told from the other.
fn without_suffix(name: &str) -> &str {
    let Some(last) = name.rsplit('.').next().filter(|last| !last.starts_with("xn--")) else { return name };
    let counted = |head: &str, tail: &str| head.len() == 2 && tail.bytes().all(|byte| byte.is_ascii_digit());
    let kept = match (last.find('-'), last.split_once('_')) {
        (Some(at), _) => at,
        // Counters have such signs within their names, too.
        (None, Some((head, tail))) if DOMAINS.contains(&head) || counted(head, tail) => head.len(),
        _ => return name,
    };
    &name[..name.len() - last.len() + kept]
}

/// `com.google.apigee.Handler`: a package in front, a capital behind.
fn is_class(name: &str) -> bool {
    let package = ["com.", "org.", "net.", "io."].iter().any(|start| name.starts_with(start));
    package && name.split('.').any(|label| label.starts_with(|letter: char| letter.is_ascii_uppercase()))
}
