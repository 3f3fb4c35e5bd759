//! The certificate files that overrides name (`sslCertPath`, `sslKeyPath`), where they are on this machine.
//!
//! Helm takes their paths relative to the chart, whose folder is not known here; so they are looked for beside the overrides file
//! and in the current folder. A file that is not found is no fault of anything: the user may run this elsewhere.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::overrides::STANDARD_INPUT;
use super::stored::compared;
use crate::evidence::overrides::{OverridesFile, Placed, VirtualHost};
use crate::evidence::stored::{KeyFit, StoredCertificate, StoredContent, StoredIn};
use crate::evidence::{Reason, Unavailable};

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
    let hosts = files.iter().flat_map(|file| {
        let hosts =
            file.content.seen().map_or_else(|_| Vec::new(), |overrides| overrides.virtual_hosts.iter().collect());
        hosts.into_iter().map(move |host| (file, host))
    });
    let named = hosts.filter_map(|(file, host)| Some((file, host, filled(host.ssl_cert_path.as_ref())?)));
    named.enumerate().map(|(position, (file, host, path))| stored(position, file, host, path)).collect()
}

fn stored(position: usize, file: &OverridesFile, host: &VirtualHost, path: &Placed<String>) -> StoredCertificate {
    let content = if position < MAX_PAIRS {
        content(&file.name, host, &path.value)
    } else {
        Err(Reason::NotRequested(format!("the files of no more than {MAX_PAIRS} virtual hosts are read")))
    };
    StoredCertificate {
        origin: StoredIn::File { path: path.value.clone(), named_at: format!("{}:{}", file.name, path.place) },
        content: content.map_err(|reason| Unavailable::new(&path.value, reason)).into(),
    }
}

/// A key without a value is as good as none.
fn filled(path: Option<&Placed<String>>) -> Option<&Placed<String>> {
    path.filter(|path| !path.value.is_empty())
}

fn content(overrides: &str, host: &VirtualHost, path: &str) -> Result<StoredContent, Reason> {
    let pem = match find(overrides, path).map(|path| read(&path)) {
        Some(Ok(pem)) => pem,
        Some(Err(error)) => return Err(Reason::Broken(error.to_string())),
        None => return Err(Reason::NotRequested(NOT_HERE.into())),
    };
    let mut keys = vec![CERTIFICATE.to_owned()];
    let key = filled(host.ssl_key_path.as_ref()).map(|named| {
        keys.push(KEY.to_owned());
        match find(overrides, &named.value).map(|path| read(&path)) {
            Some(Ok(key)) => Ok(key),
            Some(Err(error)) => Err(Unavailable::new(&named.value, Reason::Broken(error.to_string()))),
            None => Err(Unavailable::new(&named.value, Reason::NotRequested(NOT_HERE.into()))),
        }
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

fn find(overrides: &str, path: &str) -> Option<PathBuf> {
    let path = Path::new(path);
    let beside = Path::new(overrides).parent().filter(|_| overrides != STANDARD_INPUT);
    // An absolute path replaces what it is joined to.
    beside.map(|folder| folder.join(path)).into_iter().chain([path.to_owned()]).find(|candidate| candidate.exists())
}

/// Into a buffer that is overwritten when it is dropped, and never grows, which would leave a copy behind.
fn read(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut file = File::open(path)?;
    // A pipe would have no end, and a folder has no bytes.
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file with bytes in it"));
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
