//! Reads the trusted CAs of this machine: for a cluster whose kubeconfig names none, and to judge whether a
//! certificate would be trusted here.
//!
//! The bundled OpenSSL looks in the folder it was built for, which exists on no user's machine. So the CA
//! bundles of common systems are read here. `SSL_CERT_FILE` and `SSL_CERT_DIR` need no code: OpenSSL reads
//! them itself.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::OnceLock;

use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::ssl::SslFiletype;
use openssl::stack::{Stack, StackRef};
use openssl::x509::store::{X509Lookup, X509Store, X509StoreBuilder, X509StoreRef};
use openssl::x509::verify::X509VerifyFlags;
use openssl::x509::{X509, X509NameRef, X509Ref, X509StoreContext, X509VerifyResult};

use crate::evidence::handshake::Verification;
use crate::wire::{certificate, x509};

/// CA bundles in the order in which Go looks for them, so that this works on every machine where kubectl
/// works.
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

/// Returns the first bundle found, as DER; `None` leaves the choice to OpenSSL.
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

/// The trusted CAs of this machine, for certificates that an endpoint serves.
///
/// A bundle holds more than a hundred; parsing them all takes longer than the handshakes. So they are kept as
/// DER, and only those are parsed to which a served list can lead.
pub(super) struct SystemAuthorities {
    bundle: Vec<Vec<u8>>,
    /// `SSL_CERT_DIR`, where OpenSSL finds certificates by the hashes of their names.
    folders: Option<String>,
}

/// Returns the trusted CAs of this machine, read once, when the first list needs them; absent if it has none.
pub(super) fn system() -> Option<&'static SystemAuthorities> {
    static SYSTEM: OnceLock<Option<SystemAuthorities>> = OnceLock::new();
    SYSTEM.get_or_init(load).as_ref()
}

/// Judges a list by the CAs of a store. The leaf is the first of the list or given separately. Names are not
/// checked, and dates only if the store checks them.
///
/// # Errors
/// OpenSSL could not start the verification.
pub(super) fn verify(store: &X509StoreRef, leaf: &X509Ref, list: &StackRef<X509>) -> Result<Verification, ErrorStack> {
    X509StoreContext::new()?.init(store, leaf, list, |context| {
        let trusted = context.verify_cert()?;
        let result = if trusted { X509VerifyResult::OK } else { context.error() };
        Ok(Verification {
            code: result.as_raw(),
            message: result.error_string().to_owned(),
            depth: context.error_depth(),
            related: Vec::new(),
        })
    })
}

/// Whether the trusted CAs of this machine trust a list of certificates, its leaf first; absent for an empty
/// list and for a machine without CAs.
pub(super) fn trusts(list: &[X509]) -> Option<bool> {
    let store = system()?.store_for(list.iter().map(AsRef::as_ref))?;
    trusts_by(&store, list)
}

fn trusts_by(store: &X509StoreRef, list: &[X509]) -> Option<bool> {
    let (leaf, rest) = list.split_first()?;
    let mut chain = Stack::new().ok()?;
    for certificate in rest {
        chain.push(certificate.clone()).ok()?;
    }
    verify(store, leaf, &chain).ok().map(|verification| verification.code == 0)
}

/// Reads the CAs that `SSL_CERT_FILE` and `SSL_CERT_DIR` name, or else the bundle of the system.
fn load() -> Option<SystemAuthorities> {
    let named = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let folders = named("SSL_CERT_DIR");
    let bundle = match named("SSL_CERT_FILE") {
        Some(path) => bundle(Path::new(&path)),
        None if folders.is_some() => None,
        None => BUNDLES.iter().find_map(|path| bundle(Path::new(path))),
    };
    if bundle.is_none() && folders.is_none() {
        return None;
    }
    Some(SystemAuthorities { bundle: bundle.unwrap_or_default(), folders })
}

/// Reads block by block: the whole file would take more memory than the result.
fn bundle(path: &Path) -> Option<Vec<Vec<u8>>> {
    let mut file = BufReader::new(File::open(path).ok()?);
    let (mut found, mut block) = (Vec::new(), Vec::new());
    loop {
        let begin = block.len();
        if file.read_until(b'\n', &mut block).ok()? == 0 {
            break;
        }
        if block[begin..].starts_with(b"-----END") {
            found.extend(x509::blocks(&block));
            block.clear();
        }
    }
    (!found.is_empty()).then_some(found)
}

/// Maximum number of CAs that are named as related to an issuer.
const MAX_RELATED: usize = 8;

/// Returns the subjects of the CAs that belong to the organization of this issuer.
pub(super) fn related<'a>(issuer: &X509NameRef, authorities: impl Iterator<Item = &'a X509Ref>) -> Vec<String> {
    let Some(organization) = organization(issuer) else { return Vec::new() };
    let of_organization = authorities.filter(|authority| {
        self::organization(authority.subject_name()).is_some_and(|other| other.eq_ignore_ascii_case(&organization))
    });
    of_organization.take(MAX_RELATED).map(|authority| certificate::name(authority.subject_name())).collect()
}

fn organization(name: &X509NameRef) -> Option<String> {
    let entry = name.entries_by_nid(Nid::ORGANIZATIONNAME).next()?;
    Some(entry.data().to_string().ok()?.trim().to_owned()).filter(|organization| !organization.is_empty())
}

impl SystemAuthorities {
    /// Returns the subjects of the CAs that belong to the organization of this issuer. Parses only the CAs
    /// that contain its name.
    pub(super) fn related(&self, issuer: &X509NameRef) -> Vec<String> {
        let Some(organization) = organization(issuer) else { return Vec::new() };
        let has_it = |der: &&Vec<u8>| memchr::memmem::find(der, organization.as_bytes()).is_some();
        let found: Vec<X509> = self.bundle.iter().filter(has_it).filter_map(|der| X509::from_der(der).ok()).collect();
        related(issuer, found.iter().map(AsRef::as_ref))
    }

    /// Builds a store with the CAs to which these certificates can lead. It does not check dates.
    pub(super) fn store_for<'a>(&self, served: impl Iterator<Item = &'a X509Ref>) -> Option<X509Store> {
        let mut store = X509StoreBuilder::new().ok()?;
        store.set_flags(X509VerifyFlags::NO_CHECK_TIME).ok()?;
        let issuers = served.filter_map(|certificate| certificate.issuer_name().to_der().ok());
        for authority in leading_to(&self.bundle, issuers.collect()) {
            // One malformed certificate must not affect the others.
            let _ = store.add_cert(authority);
        }
        if let Some(folders) = &self.folders {
            store.add_lookup(X509Lookup::hash_dir()).ok()?.add_dir(folders, SslFiletype::PEM).ok()?;
        }
        Some(store.build())
    }
}

/// Returns the certificates of the bundle with one of these names, and their issuers in turn.
fn leading_to(bundle: &[Vec<u8>], mut names: Vec<Vec<u8>>) -> Vec<X509> {
    let mut found: Vec<(usize, X509)> = Vec::new();
    while !names.is_empty() {
        let wanted = std::mem::take(&mut names);
        for (position, der) in bundle.iter().enumerate() {
            let known = found.iter().any(|(known, _)| *known == position);
            // A certificate contains a name byte by byte, as subject or as issuer.
            if known || !wanted.iter().any(|name| memchr::memmem::find(der, name).is_some()) {
                continue;
            }
            if let Ok(certificate) = X509::from_der(der) {
                names.extend(certificate.issuer_name().to_der());
                found.push((position, certificate));
            }
        }
    }
    found.into_iter().map(|(_, certificate)| certificate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::gather::test_certificates::Issuer;

    #[test]
    fn a_list_is_trusted_whatever_the_date_and_only_when_it_is_whole() {
        let root = Issuer::root("root");
        let intermediate = root.issuer("intermediate");
        // Valid for a day in 1970.
        let leaf = intermediate.leaf("api.example.com", 0, 1).0;
        let others: Vec<Issuer> = (0..5).map(|i| Issuer::root(&format!("other {i}"))).collect();
        let mut bundle: Vec<Vec<u8>> = others.iter().map(|other| other.certificate.to_der().unwrap()).collect();
        bundle.insert(2, root.certificate.to_der().unwrap());
        let system = SystemAuthorities { bundle, folders: None };
        let trusted = |list: &[X509]| {
            let store = system.store_for(list.iter().map(AsRef::as_ref)).unwrap();
            trusts_by(&store, list)
        };
        assert_eq!(trusted(&[leaf.clone(), intermediate.certificate.clone()]), Some(true));
        assert_eq!(trusted(&[leaf]), Some(false));
        assert_eq!(trusted(&[others[3].certificate.clone()]), Some(true));
        assert_eq!(trusted(&[Issuer::root("stranger").certificate]), Some(false));
        assert_eq!(trusted(&[]), None);
    }

    #[test]
    fn a_bundle_is_read_block_by_block() {
        let roots = [Issuer::root("one"), Issuer::root("two")];
        let mut text = b"# comments\n".to_vec();
        for root in &roots {
            text.extend(root.certificate.to_pem().unwrap());
            text.extend(b"\nbetween\r\n");
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, &text).unwrap();
        let found = bundle(file.path());
        assert_eq!(found.unwrap(), roots.map(|root| root.certificate.to_der().unwrap()));
        std::fs::write(&file, b"no certificate\n").unwrap();
        assert!(bundle(file.path()).is_none());
    }

    #[test]
    fn a_folder_is_searched_by_the_hash_of_the_name() {
        let root = Issuer::root("root");
        let (leaf, _) = root.leaf("api.example.com", 0, 1);
        let folder = tempfile::tempdir().unwrap();
        let folders = Some(folder.path().to_str().unwrap().to_owned());
        let system = SystemAuthorities { bundle: Vec::new(), folders };
        let trusted =
            || trusts_by(&system.store_for([leaf.as_ref()].into_iter()).unwrap(), std::slice::from_ref(&leaf));
        assert_eq!(trusted(), Some(false));
        let name = format!("{:08x}.0", root.certificate.subject_name_hash());
        std::fs::write(folder.path().join(name), root.certificate.to_pem().unwrap()).unwrap();
        assert_eq!(trusted(), Some(true));
    }
}
