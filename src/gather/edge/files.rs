//! Files of Routers and Message Processors, proxies and keystores.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use zeroize::Zeroizing;

use crate::evidence::Reason;
use crate::evidence::edge::{MessageProcessorLog, MessageProcessorSettings, RouterSettings};
use crate::gather::files::open;
use crate::gather::files::packed::{GZIP_MAGIC, HEAD_BYTES, packed};
use crate::gather::files::read_ahead;
use crate::run::Stop;
use crate::wire::edge::keystore_file::{self, Content, MAX_KEYSTORE};
use crate::wire::edge::mp_log::{Excerpt, Meaning, Scanner};
use crate::wire::edge::proxy::{self, MAX_ARCHIVE, MAX_XML, Proxy};
use crate::wire::edge::{self, MAX_SETTINGS, nginx, properties};

const CHUNK: usize = 1 << 20;
/// Number of bytes of a pipe that are read at once.
const PIECE: usize = 64 << 10;
/// Maximum number of files of a folder that are looked at.
const MAX_FILES: usize = 4096;

/// A keystore given as a file.
pub struct KeystoreFile {
    pub store: String,
    /// Absent if the user gave none.
    pub alias: Option<String>,
    /// As the user gave it.
    pub name: String,
    pub content: Result<Content, Reason>,
}

/// A proxy given as an archive or folder.
pub struct ProxyFile {
    /// As the user gave it.
    pub name: String,
    pub content: Result<Proxy, Reason>,
}

impl ProxyFile {
    /// Returns the name of the file without its ending, for a proxy that does not name itself.
    #[must_use]
    pub fn stem(&self) -> String {
        Path::new(&self.name).file_stem().map_or_else(|| self.name.clone(), |stem| stem.to_string_lossy().into_owned())
    }
}

/// Reads a file of settings, or standard input for `-`, as UTF-8.
///
/// # Errors
/// It cannot be opened or read, or is larger than such a file. Within the result, why the run ended before.
pub fn settings(name: &str, stop: &Stop) -> io::Result<Result<Vec<u8>, Reason>> {
    text(name, MAX_SETTINGS, stop)
}

/// Reads a text of at most `most` bytes as UTF-8.
///
/// # Errors
/// It cannot be opened or read, or is larger. Within the result, why the run ended before.
pub fn text(name: &str, most: usize, stop: &Stop) -> io::Result<Result<Vec<u8>, Reason>> {
    Ok(bounded(name, most, stop)?.map(|bytes| edge::text(&bytes)))
}

/// Reads at most `most` bytes. A pipe may be silent until the run ends.
///
/// # Errors
/// It cannot be opened or read, or is larger. Within the result, why the run ended before.
pub fn bounded(name: &str, most: usize, stop: &Stop) -> io::Result<Result<Vec<u8>, Reason>> {
    let mut bytes = Vec::new();
    let read = read_ahead::open(name, PIECE, stop)?.take(most as u64 + 1).read_to_end(&mut bytes);
    match (read, stop.reason()) {
        (Err(error), Some(reason)) if read_ahead::is_stopped(&error) => return Ok(Err(reason)),
        (read, _) => drop(read?),
    }
    if bytes.len() > most {
        let most = if most < 1 << 20 { format!("{} KiB", most >> 10) } else { format!("{} MiB", most >> 20) };
        return Err(io::Error::other(format!("it is larger than {most}")));
    }
    Ok(Ok(bytes))
}

/// Settings of hosts in one file.
pub struct Settings<T> {
    pub settings: T,
    /// Why nothing was learnt from it.
    pub nothing: Option<String>,
}

/// Reads the configuration of a Router.
#[must_use]
pub fn router_conf(name: &str, bytes: &[u8]) -> Settings<RouterSettings> {
    let settings = nginx::router(name, bytes);
    let holds_any = settings.protocols.is_some() || settings.ciphers.is_some();
    let nothing = (!holds_any).then(|| nothing_in(bytes, "no ssl_protocols and no ssl_ciphers"));
    Settings { settings, nothing }
}

/// Reads the overrides of a Router.
#[must_use]
pub fn router_properties(name: &str, bytes: &[u8]) -> Settings<RouterSettings> {
    Settings { settings: properties::router(name, bytes), nothing: no_properties(bytes) }
}

/// Reads properties of a Message Processor.
#[must_use]
pub fn message_processor(name: &str, bytes: &[u8], is_effective: bool) -> Settings<MessageProcessorSettings> {
    let settings = properties::message_processor(name, bytes, is_effective);
    Settings { settings, nothing: no_properties(bytes) }
}

fn no_properties(bytes: &[u8]) -> Option<String> {
    (!properties::holds_any(bytes)).then(|| nothing_in(bytes, "no property of Apigee or Java (NAME=VALUE)"))
}

fn nothing_in(bytes: &[u8], what: &str) -> String {
    if bytes.trim_ascii().is_empty() {
        return "it is empty: nothing was learnt from it".to_owned();
    }
    format!("it holds {what}: nothing was learnt from it")
}

/// What logs hold.
pub struct Logs {
    pub log: MessageProcessorLog,
    /// Lines of failed handshakes, if they are wanted.
    pub lines: Option<Excerpt>,
    /// Files whose end could not be read, or that hold nothing of a log, with the reason.
    pub cut: Vec<(String, String)>,
}

/// Reads logs, plain or compressed with gzip, until the end of the run. If `keeps` is true, the first lines
/// of each failure come with what was counted. `meaning` joins failures of which there are too many.
///
/// # Errors
/// A file cannot be opened or read, or is compressed otherwise, with its name.
pub fn logs(
    names: &[String],
    organization: &str,
    environment: &str,
    keeps: bool,
    meaning: Meaning,
    stop: &Stop,
) -> Result<Logs, (String, io::Error)> {
    let scanner = Scanner::new(organization, environment).joining(meaning);
    let mut scanner = if keeps { scanner.keeping_lines() } else { scanner };
    let mut chunk = vec![0; CHUNK];
    let mut cut = Vec::new();
    for name in names {
        let fail = |error| (name.clone(), error);
        let mut source = open(name).map_err(fail)?;
        let mut head = Vec::new();
        source.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head).map_err(fail)?;
        if let Some(what) = packed(&head) {
            return Err(fail(io::Error::new(io::ErrorKind::InvalidData, format!("it is {what}"))));
        }
        let is_gzip = head.starts_with(GZIP_MAGIC);
        let whole = io::Cursor::new(head).chain(source);
        let mut source: Box<dyn Read> =
            if is_gzip { Box::new(MultiGzDecoder::new(io::BufReader::new(whole))) } else { Box::new(whole) };
        while stop.reason().is_none() {
            match source.read(&mut chunk) {
                Ok(0) => break,
                Ok(count) => scanner.push(chunk.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Its beginning was read, and a log that is still written may have no end.
                Err(error) if is_gzip => {
                    cut.push((name.clone(), format!("its end cannot be unpacked: {error}")));
                    break;
                }
                Err(error) => return Err(fail(error)),
            }
        }
        let is_log = scanner.end();
        if !is_log && stop.reason().is_none() {
            cut.push((name.clone(), "it holds no line of a Message Processor log".to_owned()));
        }
    }
    let lines = scanner.take_excerpt();
    Ok(Logs { log: scanner.finish(names.to_vec()), lines, cut })
}

/// Reads a proxy.
///
/// # Errors
/// It cannot be opened. What it holds is judged later.
pub fn proxy(name: &str, stop: &Stop) -> io::Result<ProxyFile> {
    let path = Path::new(name);
    let content = if fs::metadata(path)?.is_dir() {
        Ok(folder(path, stop))
    } else {
        bounded(name, MAX_ARCHIVE, stop)?.and_then(|bytes| proxy::archive(&bytes).map_err(Reason::Broken))
    };
    Ok(ProxyFile { name: name.to_owned(), content })
}

fn folder(path: &Path, stop: &Stop) -> Proxy {
    let root = path.join("apiproxy");
    let root = if root.is_dir() { root } else { path.to_owned() };
    let mut found = Proxy::default();
    for (folder, prefix) in [(root.clone(), ""), (root.join("targets"), "targets/")] {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        let mut names: Vec<_> = entries.flatten().take(MAX_FILES).map(|entry| entry.path()).collect();
        names.sort();
        for file in names {
            let Some(name) = file.file_name().map(|name| format!("{prefix}{}", name.to_string_lossy())) else {
                continue;
            };
            // A link could lead out of the folder.
            let is_file = fs::symlink_metadata(&file).is_ok_and(|metadata| metadata.is_file());
            let Some(relevant) = proxy::relevant(&name).filter(|_| is_file) else { continue };
            match bounded(&file.to_string_lossy(), MAX_XML, stop) {
                Ok(Ok(bytes)) => found.add(&relevant, bytes),
                Ok(Err(reason)) => found.faults.push((relevant, reason.to_string())),
                Err(error) => found.faults.push((relevant, error.to_string())),
            }
        }
    }
    found
}

/// Reads a keystore.
///
/// # Errors
/// It cannot be opened. What it holds is judged later.
pub fn keystore(
    store: &str,
    alias: Option<&str>,
    name: &str,
    password: Option<&str>,
    stop: &Stop,
) -> io::Result<KeystoreFile> {
    let bytes = bounded(name, MAX_KEYSTORE, stop)?.map(Zeroizing::new);
    let read = |bytes: Zeroizing<Vec<u8>>| keystore_file::read(name, &bytes, password).map_err(Reason::Broken);
    Ok(KeystoreFile {
        store: store.to_owned(),
        alias: alias.map(str::to_owned),
        name: name.to_owned(),
        content: bytes.and_then(read),
    })
}
