//! The certificate authorities of this machine, for a cluster whose kubeconfig names none.
//!
//! The OpenSSL that this program carries looks in the folder it was built for, which exists on no machine of a user. So the
//! bundles that systems keep are read here. `SSL_CERT_FILE` and `SSL_CERT_DIR` need nothing: OpenSSL reads them itself.

use std::path::Path;

use crate::wire::x509;

/// In the order in which Go looks for them, so that a machine where kubectl works is a machine where this works.
const BUNDLES: [&str; 8] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/etc/ssl/cert.pem",
    "/opt/homebrew/etc/ca-certificates/cert.pem",
];

/// The first bundle found, as DER; `None` leaves the choice to OpenSSL.
pub(super) fn system_authorities() -> Option<Vec<Vec<u8>>> {
    let named = ["SSL_CERT_FILE", "SSL_CERT_DIR"];
    if named.iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty())) {
        return None;
    }
    BUNDLES.iter().find_map(|path| authorities(Path::new(path)))
}

fn authorities(path: &Path) -> Option<Vec<Vec<u8>>> {
    let found = x509::certificates(&std::fs::read(path).ok()?);
    (!found.is_empty()).then_some(found)
}
