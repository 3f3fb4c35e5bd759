//! Where answers of the Management API come from: saved ones in a folder, the API itself, or both.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::evidence::edge::Dialect;
use crate::evidence::{Reason, Unavailable};
use crate::gather::http::client::{Client, Fault, MAX_ANSWER};
use crate::wire::edge::answers;
use crate::wire::edge::proxy::MAX_ARCHIVE;

/// Unreserved characters of RFC 3986.
const NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Maximum number of bytes of the answers that are kept for a bundle.
const MAX_KEPT: usize = 16 << 20;

/// The sources of answers, in the order in which they are asked.
pub(super) struct Answers<'a> {
    pub(super) dump: Option<PathBuf>,
    pub(super) client: Option<&'a Client>,
    pub(super) organization: String,
    pub(super) environment: String,
    pub(super) dialect: Dialect,
    /// The answers by path, if they are wanted for a bundle.
    pub(super) kept: Option<Mutex<BTreeMap<String, Vec<u8>>>>,
}

/// An answer that is missing: which, and why.
pub(super) struct Missing {
    pub(super) fault: Fault,
    path: String,
}

impl Missing {
    pub(super) fn is_absent(&self) -> bool {
        self.fault.status == Some(404)
    }

    pub(super) fn why(self) -> Unavailable {
        Unavailable::new(self.path, self.fault.reason)
    }
}

/// Encodes one segment of a path.
pub(super) fn encoded(name: &str) -> String {
    match name {
        // A segment of dots would be removed by a server.
        "." | ".." => name.replace('.', "%2E"),
        _ => utf8_percent_encode(name, NAME).to_string(),
    }
}

impl Answers<'_> {
    /// Returns whether there is any source.
    pub(super) fn is_none(&self) -> bool {
        self.dump.is_none() && self.client.is_none()
    }

    /// Requests an object or a list below the environment, given as the names of its path.
    pub(super) async fn json(&self, names: Vec<&str>) -> Result<Value, Missing> {
        let bytes = self.bytes(&names, &format!("{}.json", file(&names))).await?;
        answers::json(&bytes).map_err(|why| missing(&names, None, Reason::Broken(why)))
    }

    /// Requests a list of names. A folder without a saved list has the names of its files.
    pub(super) async fn list(&self, kind: &str) -> Result<Vec<String>, Missing> {
        match self.json(vec![kind]).await {
            Ok(answer) => {
                answers::names(&answer, self.dialect).map_err(|why| missing(&[kind], None, Reason::Broken(why)))
            }
            Err(missing) => {
                let folder = self.dump.as_ref().map(|dump| dump.join(kind));
                match folder.and_then(|folder| fs::read_dir(folder).ok()) {
                    Some(files) if self.client.is_none() => {
                        let name = |entry: fs::DirEntry| {
                            let name = entry.file_name().to_string_lossy().into_owned();
                            name.strip_suffix(".json").map(str::to_owned)
                        };
                        let mut names: Vec<String> = files.flatten().filter_map(name).collect();
                        names.sort();
                        Ok(names)
                    }
                    _ => Err(missing),
                }
            }
        }
    }

    /// Requests the encoding of certificates.
    pub(super) async fn pem(&self, names: Vec<&str>) -> Result<Vec<u8>, Missing> {
        // A saved answer has the path of the alias.
        let saved = format!("{}.pem", file(names.get(..names.len() - 1).unwrap_or(&names)));
        self.bytes(&names, &saved).await
    }

    /// Requests the archive of a revision.
    pub(super) async fn archive(&self, proxy: &str, revision: &str) -> Result<Vec<u8>, Missing> {
        let names = ["apis", proxy, "revisions", revision];
        let Some(client) = self.client else { return Err(not_saved(&names)) };
        let path = format!(
            "organizations/{}/apis/{}/revisions/{}?format=bundle",
            encoded(&self.organization),
            encoded(proxy),
            encoded(revision)
        );
        client.get(&path, MAX_ARCHIVE).await.map_err(|fault| Missing { fault, path: names.join("/") })
    }

    async fn bytes(&self, names: &[&str], saved: &str) -> Result<Vec<u8>, Missing> {
        if let Some(dump) = &self.dump {
            let path = dump.join(saved);
            // What is no file may block, and must not outlast the run.
            let bytes =
                tokio::task::spawn_blocking(move || read(&path)).await.unwrap_or_else(|error| Err(error.into()));
            match bytes {
                Ok(bytes) => {
                    self.keep(saved, &bytes);
                    return Ok(bytes);
                }
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(missing(names, None, Reason::Broken(error.to_string())));
                }
                Err(_) => {}
            }
        }
        if self.lists_without(names) {
            let why = format!("the saved list of {} lacks it", names.first().unwrap_or(&""));
            return Err(missing(names, Some(404), Reason::Missing(why)));
        }
        let Some(client) = self.client else { return Err(not_saved(names)) };
        let path: Vec<String> = names.iter().map(|name| encoded(name)).collect();
        let path = format!(
            "organizations/{}/environments/{}/{}",
            encoded(&self.organization),
            encoded(&self.environment),
            path.join("/")
        );
        let bytes = client.get(&path, MAX_ANSWER).await.map_err(|fault| Missing { fault, path: names.join("/") })?;
        self.keep(saved, &bytes);
        Ok(bytes)
    }

    /// Returns whether the saved list of a kind proves that the environment has no object of this name.
    fn lists_without(&self, names: &[&str]) -> bool {
        let ([kind, name, ..], Some(dump)) = (names, &self.dump) else { return false };
        let list = read(&dump.join(format!("{kind}.json"))).ok().and_then(|bytes| answers::json(&bytes).ok());
        let listed = list.and_then(|list| answers::names(&list, self.dialect).ok());
        listed.is_some_and(|listed| !listed.iter().any(|known| known == name))
    }

    /// Keeps an answer for a bundle, if one is wanted.
    pub(super) fn keep(&self, saved: &str, bytes: &[u8]) {
        let Some(Ok(mut kept)) = self.kept.as_ref().map(Mutex::lock) else { return };
        let size: usize = kept.values().map(Vec::len).sum();
        if size + bytes.len() <= MAX_KEPT {
            kept.insert(saved.to_owned(), bytes.to_vec());
        }
    }
}

fn missing(names: &[&str], status: Option<u16>, reason: Reason) -> Missing {
    Missing { fault: Fault { status, reason }, path: names.join("/") }
}

/// An answer that was not saved. Whether the object exists is not known.
fn not_saved(names: &[&str]) -> Missing {
    let why = Reason::Broken("it is not among the saved answers".into());
    missing(names, if names.len() == 1 { Some(404) } else { None }, why)
}

/// Path of a saved answer. A name cannot leave the folder.
fn file(names: &[&str]) -> String {
    names
        .iter()
        .map(
            |name| if name.contains(['/', '\\']) || name.starts_with('.') { encoded(name) } else { (*name).to_owned() },
        )
        .collect::<Vec<_>>()
        .join("/")
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(MAX_ANSWER as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_ANSWER {
        return Err(std::io::Error::other(format!("more than {} MiB", MAX_ANSWER >> 20)));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_encoded_and_cannot_leave_their_segment() {
        assert_eq!(encoded("a b/c"), "a%20b%2Fc");
        assert_eq!(encoded(".."), "%2E%2E");
        assert_eq!(file(&["virtualhosts", "../x"]), "virtualhosts/..%2Fx");
        assert_eq!(file(&["keystores", "ks-1"]), "keystores/ks-1");
    }
}
