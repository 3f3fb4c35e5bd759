//! The certificate authorities of this machine: for a cluster whose kubeconfig names none, and to say whether a certificate
//! would be trusted here.
//!
//! The OpenSSL that this program carries looks in the folder it was built for, which exists on no machine of a user. So the
//! bundles that systems keep are read here. `SSL_CERT_FILE` and `SSL_CERT_DIR` need nothing: OpenSSL reads them itself.

use std::path::Path;
use std::sync::OnceLock;

use openssl::error::ErrorStack;
use openssl::stack::Stack;
use openssl::x509::store::{X509Store, X509StoreBuilder, X509StoreRef};
use openssl::x509::verify::X509VerifyFlags;
use openssl::x509::{X509, X509StoreContext, X509StoreContextRef};

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
    if is_named() {
        return None;
    }
    BUNDLES.iter().find_map(|path| authorities(Path::new(path)))
}

/// The authorities of this machine, to verify what an ingress serves or stores. Loaded once, when first asked for; absent where
/// this machine keeps none.
///
/// Dates are not judged with it: whether a certificate has expired is asked of the evidence, at its own clock.
pub(crate) fn system_store() -> Option<&'static X509StoreRef> {
    static STORE: OnceLock<Option<X509Store>> = OnceLock::new();
    STORE.get_or_init(|| load().ok().flatten()).as_deref()
}

/// Whether the system's authorities trust a list of certificates, its leaf first. Names, dates and purpose aside; absent for an
/// empty list and a machine without authorities.
pub(super) fn trusts(list: &[X509]) -> Option<bool> {
    verifies(list, system_store()?)
}

fn verifies(list: &[X509], store: &X509StoreRef) -> Option<bool> {
    let (leaf, rest) = list.split_first()?;
    let mut chain = Stack::new().ok()?;
    for certificate in rest {
        chain.push(certificate.clone()).ok()?;
    }
    X509StoreContext::new().ok()?.init(store, leaf, &chain, X509StoreContextRef::verify_cert).ok()
}

fn load() -> Result<Option<X509Store>, ErrorStack> {
    let mut builder = X509StoreBuilder::new()?;
    builder.set_flags(X509VerifyFlags::NO_CHECK_TIME)?;
    match system_authorities() {
        Some(authorities) => {
            for der in authorities {
                builder.add_cert(X509::from_der(&der)?)?;
            }
        }
        None if is_named() => builder.set_default_paths()?,
        None => return Ok(None),
    }
    Ok(Some(builder.build()))
}

/// The user names the authorities, in OpenSSL's own way.
fn is_named() -> bool {
    let names = ["SSL_CERT_FILE", "SSL_CERT_DIR"];
    names.iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

fn authorities(path: &Path) -> Option<Vec<Vec<u8>>> {
    let found = x509::certificates(&std::fs::read(path).ok()?);
    (!found.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    use super::super::test_certificates::Issuer;

    #[test]
    fn a_list_is_trusted_whatever_the_date_and_only_when_it_is_whole() {
        let root = Issuer::root("root");
        let intermediate = root.issuer("intermediate");
        // Valid for a day in 1970.
        let leaf = intermediate.leaf("api.example.com", 0, 1).0;
        let mut builder = X509StoreBuilder::new().unwrap();
        builder.set_flags(X509VerifyFlags::NO_CHECK_TIME).unwrap();
        builder.add_cert(root.certificate.clone()).unwrap();
        let store = builder.build();
        assert_eq!(verifies(&[leaf.clone(), intermediate.certificate.clone()], &store), Some(true));
        assert_eq!(verifies(&[leaf], &store), Some(false));
        assert_eq!(verifies(std::slice::from_ref(&Issuer::root("other").certificate), &store), Some(false));
        assert_eq!(verifies(&[], &store), None);
    }
}
