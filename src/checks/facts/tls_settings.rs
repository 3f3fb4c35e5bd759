//! TLS versions and cipher suites of the gateway, as overrides files name them, and the settings of objects.

use super::overrides::{is_filled, renders, virtual_hosts};
use super::routes::{routes, routes_of};
use crate::checks::{Finding, Judgement, Kind, Location, Object, Outcome};
use crate::evidence::hybrid::{Port, RouteConfig, Tls};
use crate::evidence::overrides::{HostSettings, Positioned};
use crate::evidence::{Evidence, Reason, Seen};

/// The cipher suites that can be chosen, by OpenSSL's names. Source: Istio `pkg/config/security`,
/// `ValidCipherSuites`, made from the list of `BoringSSL`.
pub(crate) const SUITES: [&str; 15] = [
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-RSA-AES128-SHA",
    "ECDHE-ECDSA-AES256-SHA",
    "ECDHE-RSA-AES256-SHA",
    "AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
    "AES128-SHA",
    "AES256-SHA",
    "DES-CBC3-SHA",
];

/// Returns whether the version is older than all default suites.
pub(crate) fn is_old(version: &str) -> bool {
    matches!(version, "1.0" | "1.1")
}

/// Returns the minor version; `None` for `AUTO` and for values that the chart refuses (AT305).
fn number(version: &str) -> Option<u8> {
    version.strip_prefix("1.")?.parse().ok()
}

/// Returns whether a minimum is above a maximum.
pub(crate) fn is_reversed(min: &str, max: &str) -> bool {
    matches!((number(min), number(max)), (Some(min), Some(max)) if min > max)
}

/// Returns whether a suite works below TLS 1.2, or may do so. A placeholder is no suite.
pub(crate) fn serves_old_versions(suites: &[Positioned<String>]) -> bool {
    may_serve_old_versions(suites.iter().filter(|suite| is_filled(suite)).map(|suite| suite.value.as_str()))
}

fn may_serve_old_versions<'a>(mut suites: impl Iterator<Item = &'a str>) -> bool {
    let is_unclear = |suite: &str| suite == "ALL" || !suite.starts_with(|first: char| first.is_alphanumeric());
    suites.any(|suite| (SUITES.contains(&suite) && suite.ends_with("-SHA")) || is_unclear(suite))
}

/// Returns what is wrong with an unknown name; `None` for a known one.
pub(crate) fn why_unknown(name: &str) -> Option<String> {
    // Istio passes on operators and groups of OpenSSL's notation.
    let is_notation = name == "ALL" || !name.starts_with(|first: char| first.is_ascii_alphanumeric());
    if is_notation || SUITES.contains(&name) {
        return None;
    }
    if ["TLS_AES_", "TLS_CHACHA20_"].iter().any(|start| name.starts_with(start)) {
        return Some("a suite of TLS 1.3 is always enabled and cannot be chosen".into());
    }
    // Java and Go name suites also without the beginning.
    let iana = if name.starts_with("TLS_") { name.to_owned() } else { format!("TLS_{name}") };
    if let Some(openssl) = openssl_name(&iana).filter(|openssl| SUITES.contains(&openssl.as_str())) {
        return Some(format!("OpenSSL's name is {openssl}"));
    }
    if name.contains([':', ',', ' ']) {
        return Some("each suite is an item of its own".into());
    }
    Some("Istio drops it".into())
}

/// Returns OpenSSL's name of a suite with an IANA name. The suites of the gateway follow one pattern.
fn openssl_name(name: &str) -> Option<String> {
    let (exchange, cipher) = name.strip_prefix("TLS_")?.split_once("_WITH_")?;
    let exchange = match exchange {
        "RSA" => String::new(),
        other => format!("{}-", other.replace('_', "-")),
    };
    let cipher = cipher.replace("AES_", "AES").replace("_CBC", "").replace('_', "-");
    let cipher = cipher.replace("3DES-EDE-SHA", "DES-CBC3-SHA").replace("POLY1305-SHA256", "POLY1305");
    Some(exchange + &cipher)
}

/// TLS versions and cipher suites of a virtual host or an object, versions as overrides files name them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Limits<'a> {
    pub(crate) min: Option<&'a str>,
    pub(crate) max: Option<&'a str>,
    pub(crate) suites: Vec<&'a str>,
}

impl<'a> Limits<'a> {
    fn of_object(tls: &'a Tls) -> Self {
        let version = |text: &'a Option<String>| text.as_deref().map(name_of_version);
        Self {
            min: version(&tls.min_protocol_version),
            max: version(&tls.max_protocol_version),
            suites: tls.cipher_suites.iter().map(String::as_str).collect(),
        }
    }

    fn of_host(settings: &'a HostSettings) -> Self {
        let version = |value: &'a Option<Positioned<String>>| value.as_ref().map(|value| value.value.as_str());
        Self {
            min: version(&settings.min_version),
            max: version(&settings.max_version),
            suites: settings.cipher_suites.iter().map(|suite| suite.value.as_str()).collect(),
        }
    }

    /// Returns whether no suite works below TLS 1.2.
    pub(crate) fn lacks_old_suites(&self) -> bool {
        !may_serve_old_versions(self.suites.iter().copied())
    }
}

/// Returns the name of a version of an object, such as `TLSV1_2`, as overrides files write it.
fn name_of_version(version: &str) -> &str {
    match version {
        "TLS_AUTO" => "AUTO",
        "TLSV1_0" => "1.0",
        "TLSV1_1" => "1.1",
        "TLSV1_2" => "1.2",
        "TLSV1_3" => "1.3",
        other => other,
    }
}

/// The settings of ApigeeRoutes and of the ApigeeRouteConfig that they are made of.
struct OfObjects<'a> {
    /// Name of the ApigeeRouteConfig, or of a route that was made by hand.
    group: &'a str,
    objects: Vec<Object>,
    limits: Limits<'a>,
}

/// What is wrong with the settings of objects: the field, what it does to the objects, and both values.
pub(crate) struct Fault {
    pub(crate) field: &'static str,
    /// Follows the names of the objects: `allows …`.
    pub(crate) message: String,
    pub(crate) observed: String,
    pub(crate) expected: String,
}

/// Judges the TLS settings of ApigeeRoutes and ApigeeRouteConfigs. A fault that the virtual host of an
/// overrides file has too is found there, and one of a route is not found again at its ApigeeRouteConfig.
pub(crate) fn judge_objects(evidence: &Evidence, right: &str, judge: impl Fn(&Limits<'_>) -> Vec<Fault>) -> Judgement {
    let hosts = virtual_hosts(evidence).unwrap_or_default();
    let is_of_host = |settings: &OfObjects<'_>, fault: &Fault| {
        hosts.iter().filter(|(_, content, host)| renders(content, host, settings.group)).any(|(_, _, host)| {
            let limits = host.settings.as_ref().map(Limits::of_host);
            limits.is_some_and(|limits| judge(&limits).iter().any(|other| other.message == fault.message))
        })
    };
    let mut findings = Vec::new();
    let objects = of_objects(evidence);
    for settings in &objects {
        for fault in judge(&settings.limits) {
            if !is_of_host(settings, &fault) {
                let Some(first) = settings.objects.first().cloned() else { continue };
                let message = format!("{} {}", names(&settings.objects), fault.message);
                let place = Location::field(fault.field);
                let finding = Finding::new(first, place, message, fault.observed, fault.expected);
                findings.push(finding.at(settings.objects.clone()));
            }
        }
    }
    if findings.is_empty() {
        match (evidence.routes.seen(), evidence.route_configs.seen()) {
            // Only objects of the other kind were given as files.
            (Err(why), Ok(_)) if matches!(why.reason, Reason::NotRequested(_)) => {}
            (routes, _) => {
                routes?;
            }
        }
        if objects.is_empty() {
            return Ok(Outcome::NotApplicable("no ApigeeRoute has a port for TLS".into()));
        }
    }
    Ok(Outcome::of(findings, right))
}

fn of_objects(evidence: &Evidence) -> Vec<OfObjects<'_>> {
    let mut found: Vec<OfObjects<'_>> = Vec::new();
    let routes = routes(evidence).unwrap_or_default();
    for route in &routes {
        for tls in route.ports.iter().filter(|port| port.is_for_tls()).filter_map(|port: &Port| port.tls.as_ref()) {
            let limits = Limits::of_object(tls);
            let object = Object::new(Kind::ApigeeRoute, &route.name);
            // Routes of one group, and ports of one route, have the same settings.
            match found.iter_mut().find(|known| known.group == route.group() && known.limits == limits) {
                Some(known) if known.objects.contains(&object) => {}
                Some(known) => known.objects.push(object),
                None => found.push(OfObjects { group: route.group(), objects: vec![object], limits }),
            }
        }
    }
    let configs: &[RouteConfig] = match &evidence.route_configs {
        Seen::Seen(configs) => &configs.items,
        Seen::Unavailable(_) => &[],
    };
    for config in configs {
        let Some(tls) = &config.tls else { continue };
        let limits = Limits::of_object(tls);
        let own = routes_of(&routes, config);
        let is_known =
            |known: &&mut OfObjects<'_>| known.group == config.name && known.limits == limits && !own.is_empty();
        let object = Object::new(Kind::ApigeeRouteConfig, &config.name);
        match found.iter_mut().find(is_known) {
            Some(known) => known.objects.push(object),
            None => found.push(OfObjects { group: &config.name, objects: vec![object], limits }),
        }
    }
    found
}

/// `ApigeeRoute a` of one object; of several, the first of each kind.
fn names(objects: &[Object]) -> String {
    let of_kind =
        |kind: Kind| objects.iter().filter(move |object| object.kind == kind).map(|object| object.name.as_str());
    let first = |kind: Kind, word: &str| {
        let names: Vec<&str> = of_kind(kind).collect();
        (!names.is_empty()).then(|| format!("{word} {}", super::first_of(&names)))
    };
    first(Kind::ApigeeRoute, "ApigeeRoute")
        .or_else(|| first(Kind::ApigeeRouteConfig, "ApigeeRouteConfig"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_objects_are_those_of_overrides_files() {
        let tls = Tls {
            min_protocol_version: Some("TLSV1_3".into()),
            max_protocol_version: Some("TLSV1_2".into()),
            ..Tls::default()
        };
        let limits = Limits::of_object(&tls);
        assert!(is_reversed(limits.min.unwrap(), limits.max.unwrap()) && !is_reversed("AUTO", "1.0"));
        assert!(is_old(name_of_version("TLSV1_0")) && number(name_of_version("TLS_AUTO")).is_none());
    }

    #[test]
    fn every_suite_is_found_by_its_iana_name() {
        for (iana, openssl) in [
            ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"),
            ("TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "ECDHE-ECDSA-AES128-SHA"),
            ("TLS_RSA_WITH_AES_256_CBC_SHA", "AES256-SHA"),
            ("TLS_RSA_WITH_AES_128_GCM_SHA256", "AES128-GCM-SHA256"),
            ("TLS_RSA_WITH_3DES_EDE_CBC_SHA", "DES-CBC3-SHA"),
            ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"),
        ] {
            assert_eq!(openssl_name(iana).as_deref(), Some(openssl));
            assert!(SUITES.contains(&openssl), "{openssl}");
        }
        assert_eq!(why_unknown("ECDHE-RSA-AES128-GCM-SHA256"), None);
        assert_eq!(why_unknown("ECDHE-ECDSA-AES256-SHA384").as_deref(), Some("Istio drops it"));
        let named = why_unknown("ECDHE_RSA_WITH_AES_128_GCM_SHA256");
        assert_eq!(named.as_deref(), Some("OpenSSL's name is ECDHE-RSA-AES128-GCM-SHA256"));
    }
}
