//! Reads the certificate files that overrides name (`sslCertPath`, `sslKeyPath`, `caCertPath`), if they exist
//! on this machine.
//!
//! The chart reads them in its own folder, `apigee-virtualhost`. So they are looked up there first: beside
//! the overrides file, above it, and below the current folder. Then they are looked up beside the overrides
//! file and in the current folder, for files that were copied to this machine. A missing file is not a
//! finding: the command may run on another machine. With `sslSecret` the chart reads none of them.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::evidence::overrides::{OverridesFile, OverridesPlace, Positioned, VirtualHost};
use crate::evidence::stored::{KeyFit, StoredCertificate, StoredContent, StoredIn};
use crate::evidence::{Reason, Seen, Unavailable};
use crate::gather::files::overrides::STANDARD_INPUT;
use crate::gather::stored::{client_authorities, compared};
use crate::text::has_placeholder;

/// Maximum number of virtual hosts whose files are read.
const MAX_PAIRS: usize = 64;
/// Maximum size of a file: a Secret could not hold a larger one.
const MAX_FILE: usize = 1 << 20;
const CERTIFICATE: &str = "sslCertPath";
const KEY: &str = "sslKeyPath";
const CLIENT_CAS: &str = "caCertPath";
/// The folder of the chart.
const CHART: &str = "apigee-virtualhost";
const NOT_HERE: &str = "no such file in apigee-virtualhost or beside the overrides file";
const NOT_FILLED: &str = "its path contains a placeholder";

/// Reads the files of each virtual host that names a certificate file.
#[must_use]
pub fn local_certificates(files: &[OverridesFile]) -> Vec<StoredCertificate> {
    named(files)
        .enumerate()
        .map(|(position, (file, host, path))| {
            let content = if position < MAX_PAIRS {
                content(&file.name, host, &path.value)
            } else {
                Err(Reason::NotRequested(format!("the files of no more than {MAX_PAIRS} virtual hosts are read")))
            };
            stored(file, path, content.map_err(|reason| Unavailable::new(&path.value, reason)))
        })
        .collect()
}

/// Returns the same files with a reason, if reading failed for a cause outside them.
#[must_use]
pub fn unread(files: &[OverridesFile], reason: &Reason) -> Vec<StoredCertificate> {
    named(files).map(|(file, _, path)| stored(file, path, Err(Unavailable::new(&path.value, reason.clone())))).collect()
}

/// Returns the virtual hosts that name a certificate file.
fn named(files: &[OverridesFile]) -> impl Iterator<Item = (&OverridesFile, &VirtualHost, &Positioned<String>)> {
    let hosts = files.iter().flat_map(|file| {
        let hosts = file.content.seen().map_or(&[][..], |overrides| overrides.virtual_hosts.as_slice());
        hosts.iter().map(move |host| (file, host))
    });
    hosts
        .filter(|(_, host)| filled(host.ssl_secret.as_ref()).is_none())
        .filter_map(|(file, host)| Some((file, host, filled(host.ssl_cert_path.as_ref())?)))
}

fn stored(
    file: &OverridesFile,
    path: &Positioned<String>,
    content: Result<StoredContent, Unavailable>,
) -> StoredCertificate {
    StoredCertificate {
        origin: StoredIn::File { path: path.value.clone(), named_at: OverridesPlace::new(file, path.place) },
        content: content.into(),
    }
}

/// A key without a value counts as missing.
fn filled(path: Option<&Positioned<String>>) -> Option<&Positioned<String>> {
    path.filter(|path| !path.value.is_empty())
}

fn content(overrides: &str, host: &VirtualHost, path: &str) -> Result<StoredContent, Reason> {
    let (file, pem) = found(overrides, path)?;
    let mut keys = vec![CERTIFICATE.to_owned()];
    let key = filled(host.ssl_key_path.as_ref()).map(|named| {
        keys.push(KEY.to_owned());
        found(overrides, &named.value).map_err(|reason| Unavailable::new(&named.value, reason))
    });
    let (key, unread) = match key {
        Some(Ok((_, key))) => (Some(key), None),
        Some(Err(why)) => (None, Some(why)),
        None => (None, None),
    };
    let mut content = compared(Some((CERTIFICATE, &pem)), key.as_deref().map(Vec::as_slice));
    if let Some(why) = unread {
        content.key = KeyFit::NotRead(why);
    }
    let client_cas = client_cas_path(host).map(|named| match found(overrides, &named.value) {
        Ok((file, pem)) => Seen::Seen(client_authorities(&file.display().to_string(), CLIENT_CAS, &pem)),
        Err(reason) => Seen::Unavailable(Unavailable::new(&named.value, reason)),
    });
    Ok(StoredContent { file: Some(file.display().to_string()), keys, client_cas, ..content })
}

/// Returns `caCertPath` of a virtual host that verifies client certificates.
fn client_cas_path(host: &VirtualHost) -> Option<&Positioned<String>> {
    let settings = host.settings.as_ref()?;
    let is_mutual = settings.tls_mode.as_ref().is_some_and(|mode| mode.value == "MUTUAL");
    filled(settings.ca_cert_path.as_ref()).filter(|_| is_mutual)
}

/// Returns the bytes from the first place that has the file, with its path. A place that cannot be examined
/// may have it, so it is not skipped.
fn found(overrides: &str, path: &str) -> Result<(PathBuf, Zeroizing<Vec<u8>>), Reason> {
    if has_placeholder(path) {
        return Err(Reason::NotRequested(NOT_FILLED.into()));
    }
    for place in places(overrides, path) {
        match read(&place) {
            Ok(bytes) => return Ok((place, bytes)),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
            Err(error) => return Err(Reason::Broken(error.to_string())),
        }
    }
    Err(Reason::NotRequested(NOT_HERE.into()))
}

/// Returns where the file is looked up, in this order.
fn places(overrides: &str, path: &str) -> Vec<PathBuf> {
    // As the chart does. Joining an absolute path replaces the folder.
    let path = Path::new(path.strip_prefix("./").unwrap_or(path));
    let beside = Path::new(overrides).parent().filter(|_| overrides != STANDARD_INPUT);
    let above = beside.map(|folder| folder.join(".."));
    let charts = [beside, above.as_deref(), Some(Path::new(""))].into_iter().flatten();
    let in_charts = charts.map(|folder| folder.join(CHART).join(path));
    let mut places: Vec<PathBuf> = in_charts.collect();
    places.extend(beside.map(|folder| folder.join(path)));
    places.push(path.to_owned());
    places
}

/// Reads into a buffer that is overwritten on drop. It never grows, which would leave a copy behind.
fn read(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    // Checks before opening, because opening a pipe waits for its writer, and again afterwards, because the
    // path may name another file by then. A pipe would have no end, and a folder has no bytes.
    let is_file = std::fs::metadata(path)?.is_file();
    let no_file = || io::Error::new(io::ErrorKind::InvalidInput, "it is no file with bytes in it");
    let mut file = if is_file { File::open(path)? } else { return Err(no_file()) };
    if !file.metadata()?.is_file() {
        return Err(no_file());
    }
    let mut bytes = Zeroizing::new(vec![0; MAX_FILE + 1]);
    let mut length = 0;
    loop {
        match file.read(&mut bytes[length..]) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    if length > MAX_FILE {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {} MiB", MAX_FILE >> 20)));
    }
    bytes.truncate(length);
    Ok(bytes)
}

#[cfg(test)]
#[path = "local_certificates_tests.rs"]
mod tests;
