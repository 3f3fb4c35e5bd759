//! TLS versions and cipher suites of an ApigeeRoute, compared with Envoy's configuration and with handshakes.

use super::{envoy, phrases, routes};
use crate::evidence::Seen;
use crate::evidence::gateway::FilterChain;
use crate::evidence::handshake::{ClientHelloKind, Endpoint};
use crate::evidence::hybrid::{Route, Tls};

/// Returns whether the port limits versions or cipher suites.
pub(crate) fn has_any(tls: &Tls) -> bool {
    tls.min_protocol_version.is_some() || tls.max_protocol_version.is_some() || !tls.cipher_suites.is_empty()
}

/// Formats the version limits as `TLSV1_2 to TLSV1_3`.
pub(crate) fn versions(tls: &Tls) -> String {
    let least = tls.min_protocol_version.as_deref().unwrap_or("any version");
    format!("{least} to {}", tls.max_protocol_version.as_deref().unwrap_or("the newest"))
}

/// Returns the filter chain for clients of this hostname. A chain with the name takes precedence over one
/// without server names.
pub(crate) fn chain_of<'a>(chains: &[&'a FilterChain], hostname: &str) -> Option<&'a FilterChain> {
    if hostname == "*" {
        return chains.iter().copied().find(|chain| chain.matches_without_sni());
    }
    let name = envoy::server_name(hostname);
    let takes =
        |own: bool| chains.iter().copied().find(|chain| chain.matches(&name) && chain.matches_without_sni() != own);
    takes(true).or_else(|| takes(false))
}

/// Returns each difference between chain and route as (value of the chain, value of the route). Values that
/// the chain does not state are not compared, because Envoy's defaults are not part of the evidence.
pub(crate) fn in_chain(tls: &Tls, chain: &FilterChain) -> Vec<(String, String)> {
    let mut differences = Vec::new();
    let versions = [
        ("minProtocolVersion", &tls.min_protocol_version, &chain.min_version),
        ("maxProtocolVersion", &tls.max_protocol_version, &chain.max_version),
    ];
    for (name, wanted, has) in versions {
        if let (Some(wanted), Some(has)) = (wanted, has)
            && let (Some(wanted_number), Some(has_number)) = (number(wanted), number(has))
            && wanted_number != has_number
        {
            differences.push((format!("{name} {has}"), format!("{name} {wanted}")));
        }
    }
    let lacking: Vec<&str> =
        tls.cipher_suites.iter().filter(|suite| !chain.cipher_suites.contains(suite)).map(String::as_str).collect();
    if !chain.cipher_suites.is_empty() && !lacking.is_empty() {
        let lacking = phrases::some_of(&lacking);
        differences.push((format!("cipherSuites without {lacking}"), format!("cipherSuites with {lacking}")));
    }
    differences
}

/// Returns the versions outside the route's limits that the endpoint negotiated for a name of the route, or
/// that a scan found.
pub(crate) fn beyond<'a>(route: &Route, tls: &Tls, endpoint: &'a Endpoint) -> Vec<&'a str> {
    let of_route: Vec<_> = endpoint
        .handshakes
        .iter()
        .filter(|handshake| handshake.kind == ClientHelloKind::Named)
        .filter(|handshake| handshake.server_name.as_deref().is_some_and(|name| routes::declares(route, name)))
        .collect();
    let least = tls.min_protocol_version.as_deref().and_then(number);
    let most = tls.max_protocol_version.as_deref().and_then(number);
    let is_beyond = |name: &&str| {
        number(name)
            .is_some_and(|number| least.is_some_and(|least| number < least) || most.is_some_and(|most| number > most))
    };
    let agreed = of_route.iter().filter_map(|handshake| Some(handshake.session.as_ref()?.protocol.as_str()));
    let scanned = match &endpoint.scan {
        Seen::Seen(scan) if !of_route.is_empty() => scan.versions.as_slice(),
        _ => &[],
    };
    let offered = scanned.iter().filter(|scan| !scan.suites.is_empty()).map(|scan| scan.version.as_str());
    let mut beyond: Vec<&str> = agreed.chain(offered).filter(is_beyond).collect();
    beyond.sort_unstable();
    beyond.dedup();
    beyond
}

/// Returns 12 for `TLSV1_2`, `TLSv1_2`, `TLSv1.2` and `1.2`.
fn number(version: &str) -> Option<u32> {
    let digits: String = version.chars().filter(char::is_ascii_digit).collect();
    digits.parse().ok().filter(|number| (10..=13).contains(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_all_spellings_of_a_version() {
        let numbers = ["TLSV1_2", "TLSv1_2", "TLSv1.2", "1.2", "TLS_AUTO", "SSLv3"].map(number);
        assert_eq!(numbers, [Some(12), Some(12), Some(12), Some(12), None, None]);
    }
}
