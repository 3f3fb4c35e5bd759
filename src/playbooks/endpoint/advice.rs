//! How to correct what is wrong with a server of which nothing is known but its handshakes: no words of
//! Apigee, which the catalogue has.

use crate::checks::{Check, Code, codes};

/// Returns the fix of a check for any server.
pub(in crate::playbooks) fn for_any_server(check: &'static Check) -> &'static str {
    NEUTRAL.iter().find(|(code, _)| *code == check.code).map_or(check.explanation.fix, |(_, fix)| fix)
}

/// The checks whose fix names objects of Apigee.
const NEUTRAL: &[(Code, &str)] = &[
    (
        codes::CIPHER_SUITE_REFUSED,
        "Offer a cipher suite of the server (--full lists them), or allow one of the client's at the server. To exclude the \
         server name as the cause, compare with another name.",
    ),
    (
        codes::CLIENT_CERTIFICATE_ASKED,
        "If this is intended, do nothing. Give the clients certificates of the CAs that the server lists.",
    ),
    (
        codes::CLIENT_CERTIFICATE_DEMANDED,
        "Offer a client certificate that was issued by a CA of the server: --cert FILE --key FILE. If clients need no \
         certificate, let the server not require one.",
    ),
    (
        codes::CLIENT_CERTIFICATE_REJECTED,
        "Compare the issuer of the certificate with the CAs that the server lists. Check its dates and extendedKeyUsage \
         clientAuth, and send the intermediates too.",
    ),
    (
        codes::CLIENT_WITHOUT_SERVER_NAME_REFUSED,
        "To serve clients without SNI, give the server a default certificate. Or make the clients send SNI.",
    ),
    (
        codes::ENDPOINT_UNREACHABLE,
        "Correct the DNS name, the port, the firewall or the proxy, and check that the server runs and listens there.",
    ),
    (
        codes::FORWARD_SECRECY_MISSING,
        "Leave only suites that begin with ECDHE, and have no NULL in the name, in the list of the server.",
    ),
    (
        codes::LOAD_BALANCER_DIFFERS,
        "Correct the DNS name or the address of the load balancer. If it is meant to terminate TLS, check its own \
         certificate and TLS policy.",
    ),
    (
        codes::OUTDATED_VERSION_OFFERED,
        "Set the lowest version of the server to TLS 1.2. Clients that speak nothing newer will then fail.",
    ),
    (
        codes::PROTOCOL_VERSION_REFUSED,
        "If the server allows only older versions, raise its highest version, or let the client offer an older one. If it \
         allows only newer versions, raise the TLS version of the client. If old clients must be served, lower the lowest \
         version of the server, and allow cipher suites that these clients support.",
    ),
    (
        codes::PROTOCOL_VERSIONS_OUTDATED,
        "Enable TLS 1.2 and 1.3 on the server. For a load balancer, choose a security policy with TLS 1.2.",
    ),
    (codes::SERVED_CERTIFICATE_EXPIRED, "Give the server the new certificate, and let it load the file again."),
    (
        codes::SERVED_CERTIFICATE_EXPIRING,
        "Renew the certificate, and let the server load it. Repeat this probe to confirm that it is served.",
    ),
    (
        codes::SERVED_CERTIFICATE_NOT_YET_VALID,
        "Compare the clocks. If they are correct, give the server the certificate that is valid now.",
    ),
    (
        codes::SERVED_CERTIFICATES_SUPERFLUOUS,
        "Write the leaf and then each issuer, once, to the certificate file of the server.",
    ),
    (
        codes::SERVED_CHAIN_INCOMPLETE,
        "Write the leaf and then the intermediates to the certificate file of the server.",
    ),
    (
        codes::SERVED_CHAIN_MISORDERED,
        "Write the leaf first, and then each issuer, to the certificate file of the server.",
    ),
    (
        codes::SERVED_CHAIN_UNTRUSTED,
        "Find out what the unknown issuer is: download its certificate, or look it up in the list of its CA. If it is an \
         intermediate, add it to the certificate file of the server. If it is a root, add it to the truststore of the \
         clients (--ca-file FILE judges with it), or serve a certificate of a CA that they trust.",
    ),
    (
        codes::SERVER_NAME_REFUSED,
        "Add the name to the server, or correct the address: another server may listen there.",
    ),
    (
        codes::SERVER_NAME_REQUIRED,
        "If every client sends SNI, do nothing. Otherwise give the server a default certificate.",
    ),
    (
        codes::UNPROTECTED_SUITE_OFFERED,
        "Remove the suites with NULL, ADH, AECDH or anon in their names from the list of the server.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks;

    /// Words of Apigee hybrid and of its charts, in lower case.
    const OF_APIGEE: [&str; 12] = [
        "apigee ",
        "apigeeroute",
        "apigee hybrid",
        "environment group",
        "gateway",
        "helm",
        "ingress",
        "virtual host",
        "sslcertpath",
        "the route",
        "the pod",
        "additionalgateways",
    ];

    #[test]
    fn no_advice_for_an_unknown_server_names_apigee() {
        let of_one_endpoint = checks::all()
            .filter(|(family, check)| family.name == "handshake" && !NEEDS_CLUSTER.contains(&check.name))
            .map(|(_, check)| check);
        for check in of_one_endpoint {
            let fix = for_any_server(check);
            // The name of the program is no word of Apigee.
            let text = fix.replace("kubectl apigee-tls", "").to_lowercase();
            let named: Vec<&&str> = OF_APIGEE.iter().filter(|word| text.contains(**word)).collect();
            assert!(named.is_empty(), "{} {}: {named:?} in {fix:?}", check.code, check.name);
        }
    }

    /// Checks that compare with the pods or the routes of a cluster, of which `probe` has none.
    const NEEDS_CLUSTER: [&str; 6] = [
        "address-out-of-reach",
        "gateway-chain-without-route",
        "pods-differ",
        "pods-serve-different-certificates",
        "protocol-limits-unmet",
        "route-not-in-gateway",
    ];
}
