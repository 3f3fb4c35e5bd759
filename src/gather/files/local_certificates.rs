//! The certificate files that overrides name (`sslCertPath`, `sslKeyPath`), where they are on this machine.
//!
//! Helm takes their paths relative to the chart, whose folder is not known here; so they are looked for beside the overrides file
//! and in the current folder. A file that is not found is no fault of anything: the user may run this elsewhere.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

use crate::evidence::overrides::{OverridesFile, Placed, VirtualHost};
use crate::evidence::stored::{KeyFit, StoredCertificate, StoredContent, StoredIn};
use crate::evidence::{Reason, Unavailable};
use crate::gather::files::overrides::STANDARD_INPUT;
use crate::gather::stored::compared;

/// Files of no more virtual hosts are read.
const MAX_PAIRS: usize = 64;
/// No file is larger: a Secret could not hold it.
const MAX_FILE: usize = 1 << 20;
const CERTIFICATE: &str = "sslCertPath";
const KEY: &str = "sslKeyPath";
const NOT_HERE: &str = "no such file here";

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

/// The same files, when they could not be read for a reason that has nothing to do with them.
#[must_use]
pub fn unread(files: &[OverridesFile], reason: &Reason) -> Vec<StoredCertificate> {
    named(files).map(|(file, _, path)| stored(file, path, Err(Unavailable::new(&path.value, reason.clone())))).collect()
}

/// The virtual hosts that name a certificate file.
fn named(files: &[OverridesFile]) -> impl Iterator<Item = (&OverridesFile, &VirtualHost, &Placed<String>)> {
    let hosts = files.iter().flat_map(|file| {
        let hosts = file.content.seen().map_or(&[][..], |overrides| overrides.virtual_hosts.as_slice());
        hosts.iter().map(move |host| (file, host))
    });
    hosts.filter_map(|(file, host)| Some((file, host, filled(host.ssl_cert_path.as_ref())?)))
}

fn stored(
    file: &OverridesFile,
    path: &Placed<String>,
    content: Result<StoredContent, Unavailable>,
) -> StoredCertificate {
    StoredCertificate {
        origin: StoredIn::File { path: path.value.clone(), named_at: format!("{}:{}", file.name, path.place) },
        content: content.into(),
    }
}

/// A key without a value is as good as none.
fn filled(path: Option<&Placed<String>>) -> Option<&Placed<String>> {
    path.filter(|path| !path.value.is_empty())
}

fn content(overrides: &str, host: &VirtualHost, path: &str) -> Result<StoredContent, Reason> {
    let pem = found(overrides, path)?;
    let mut keys = vec![CERTIFICATE.to_owned()];
    let key = filled(host.ssl_key_path.as_ref()).map(|named| {
        keys.push(KEY.to_owned());
        found(overrides, &named.value).map_err(|reason| Unavailable::new(&named.value, reason))
    });
    let (key, unread) = match key {
        Some(Ok(key)) => (Some(key), None),
        Some(Err(why)) => (None, Some(why)),
        None => (None, None),
    };
    let mut content = compared(Some((CERTIFICATE, &pem)), key.as_deref().map(Vec::as_slice));
    if let Some(why) = unread {
        content.key = KeyFit::NotRead(why);
    }
    Ok(StoredContent { keys, ..content })
}

/// The bytes of the first of the places that has the file. A place that cannot be looked at may have it: it is not passed over.
fn found(overrides: &str, path: &str) -> Result<Zeroizing<Vec<u8>>, Reason> {
    let path = Path::new(path);
    let beside = Path::new(overrides).parent().filter(|_| overrides != STANDARD_INPUT);
    // An absolute path replaces what it is joined to.
    let places = beside.map(|folder| folder.join(path)).into_iter().chain([path.to_owned()]);
    for place in places {
        match read(&place) {
            Ok(bytes) => return Ok(bytes),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
            Err(error) => return Err(Reason::Broken(error.to_string())),
        }
    }
    Err(Reason::NotRequested(NOT_HERE.into()))
}

/// Into a buffer that is overwritten when it is dropped, and never grows, which would leave a copy behind.
fn read(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    // Before it is opened, because opening a pipe waits for its writer, and again afterwards, for another may stand there by now.
    // A pipe would have no end, and a folder has no bytes.
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
