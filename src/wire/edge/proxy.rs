//! An API proxy: the targets of its TargetEndpoints, from a zip archive or from single files.
//!
//! XML without DTD and entities. Nothing is unpacked to disk, and nothing that a document names is fetched.

use std::collections::BTreeSet;
use std::io::{Cursor, Read};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::properties::words;
use crate::evidence::edge::{Target, TargetOrigin, TlsSettings};

/// Maximum number of bytes of an archive.
pub const MAX_ARCHIVE: usize = 64 << 20;
/// Maximum number of bytes of an XML file.
pub const MAX_XML: usize = 1 << 20;
const MAX_ENTRIES: usize = 4096;
const MAX_UNPACKED: u64 = 64 << 20;
const MAX_DEPTH: usize = 64;
/// Maximum number of bytes of the files that are kept for a bundle.
const MAX_KEPT: usize = 4 << 20;
/// Maximum number of characters of a text that is kept.
const MAX_TEXT: usize = 2048;

/// The parts of a proxy that are judged.
#[derive(Clone, Debug, Default)]
pub struct Proxy {
    /// Absent if no file names it.
    pub name: Option<String>,
    pub endpoints: Vec<TargetEndpoint>,
    /// Files that could not be read, with the reason.
    pub faults: Vec<(String, String)>,
    /// The XML files that could be read, for a bundle, up to a limit.
    pub files: Vec<(String, Vec<u8>)>,
}

/// A TargetEndpoint.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TargetEndpoint {
    pub name: String,
    pub url: Option<TargetUrl>,
    /// Names of the target servers of its LoadBalancer.
    pub servers: Vec<String>,
    /// Absent without `SSLInfo`.
    pub tls: Option<TlsSettings>,
}

/// Where the URL of a TargetEndpoint leads.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetUrl {
    pub is_https: bool,
    /// Absent if it has a flow variable.
    pub host: Option<String>,
    pub port: u16,
}

/// Reads an archive.
///
/// # Errors
/// It is no zip archive, or exceeds a limit.
pub fn archive(bytes: &[u8]) -> Result<Proxy, String> {
    let mut archive =
        zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| format!("not a zip archive: {error}"))?;
    if archive.len() > MAX_ENTRIES {
        return Err(format!("a zip archive of {} entries; at most {MAX_ENTRIES} are read", archive.len()));
    }
    let mut proxy = Proxy::default();
    let repeated = repeated(bytes, archive.central_directory_start());
    for path in &repeated {
        proxy.faults.push((path.clone(), "the archive has it more than once: which one counts is not known".into()));
    }
    let mut unpacked = 0_u64;
    for index in 0..archive.len() {
        let Ok(entry) = archive.by_index(index) else {
            proxy.faults.push((format!("entry {}", index + 1), "it cannot be unpacked".into()));
            continue;
        };
        let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
        let Some(path) = relevant(&name).filter(|path| !repeated.contains(path)) else { continue };
        let mut content = Vec::new();
        let limit = MAX_XML as u64 + 1;
        let read = entry.take(limit).read_to_end(&mut content);
        unpacked += content.len() as u64;
        if unpacked > MAX_UNPACKED {
            return Err(format!("a zip archive of more than {} MiB unpacked", MAX_UNPACKED >> 20));
        }
        match read {
            Ok(_) => proxy.add(&path, content),
            Err(error) => proxy.faults.push((path, format!("it cannot be unpacked: {error}"))),
        }
    }
    Ok(proxy)
}

/// Returns the relevant paths that the directory of an archive has more than once, also in several folders.
/// The reader of archives keeps only the last file of a name.
fn repeated(bytes: &[u8], start: u64) -> BTreeSet<String> {
    let (mut known, mut repeated) = (BTreeSet::new(), BTreeSet::new());
    let mut rest = usize::try_from(start).ok().and_then(|start| bytes.get(start..)).unwrap_or_default();
    // A header of 46 bytes, then name, extra field and comment (APPNOTE 4.3.12).
    while let Some((header, after)) = rest.split_at_checked(46).filter(|(header, _)| header.starts_with(b"PK\x01\x02"))
    {
        let length = |at: usize| {
            let bytes = header.get(at..at + 2).and_then(|bytes| bytes.try_into().ok());
            bytes.map_or(0, |bytes| usize::from(u16::from_le_bytes(bytes)))
        };
        let (name, others) = (length(28), length(30) + length(32));
        let path = relevant(&String::from_utf8_lossy(after.get(..name).unwrap_or_default()));
        if let Some(path) = path
            && !known.insert(path.clone())
        {
            repeated.insert(path);
        }
        rest = after.get(name + others..).unwrap_or_default();
    }
    repeated
}

/// Returns the path below `apiproxy` of a file that is judged: the proxy itself, and target endpoints.
/// `None` for every other file, and for paths that leave the archive.
#[must_use]
pub fn relevant(path: &str) -> Option<String> {
    let path = path.replace('\\', "/");
    if path.starts_with('/') || path.split('/').any(|part| part == "..") {
        return None;
    }
    let path = match path.find("apiproxy/") {
        Some(0) => &path["apiproxy/".len()..],
        Some(at) if path[..at].ends_with('/') => &path[at + "apiproxy/".len()..],
        _ => path.as_str(),
    };
    if !path.to_ascii_lowercase().ends_with(".xml") {
        return None;
    }
    match path.split('/').collect::<Vec<_>>().as_slice() {
        [_] | ["targets", _] => Some(path.to_owned()),
        _ => None,
    }
}

impl Proxy {
    /// Adds a file whose path is one of [`relevant`].
    pub fn add(&mut self, path: &str, content: Vec<u8>) {
        if content.len() > MAX_XML {
            self.faults.push((path.to_owned(), format!("it has more than {} MiB", MAX_XML >> 20)));
            return;
        }
        match read(&content) {
            Ok(Document::Proxy(name)) => self.name = self.name.take().or(name),
            Ok(Document::Target(endpoint)) => self.endpoints.push(*endpoint),
            Ok(Document::Other) => return,
            Err(why) => {
                self.faults.push((path.to_owned(), why));
                return;
            }
        }
        let kept: usize = self.files.iter().map(|(_, known)| known.len()).sum();
        if kept + content.len() <= MAX_KEPT {
            self.files.push((path.to_owned(), content));
        }
    }

    /// Returns the targets of its URLs, and the names of the target servers that it uses.
    #[must_use]
    pub fn targets(&self, name: &str) -> (Vec<Target>, Vec<String>) {
        let mut targets = Vec::new();
        let mut servers = Vec::new();
        for endpoint in &self.endpoints {
            servers.extend(endpoint.servers.iter().cloned());
            // With a LoadBalancer the URL is not used.
            let Some(url) = endpoint.url.clone().filter(|_| endpoint.servers.is_empty()) else { continue };
            let TargetUrl { is_https, host, port } = url;
            targets.push(Target {
                object: format!("proxies/{name}"),
                origin: TargetOrigin::Url,
                endpoint: Some(endpoint.name.clone()),
                host,
                port,
                enabled: true,
                tls: endpoint.tls.clone(),
                is_https,
            });
        }
        (targets, servers)
    }
}

/// Reads a URL. Its user information is left out, and no text of it is repeated, because that may be a
/// password.
fn target_url(url: &str) -> Result<TargetUrl, String> {
    let (scheme, rest) = url.trim().split_once("://").unwrap_or(("", url));
    let is_https = scheme.eq_ignore_ascii_case("https");
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let authority = authority.rsplit('@').next().unwrap_or_default();
    let default = if is_https { 443 } else { 80 };
    if authority.contains(['{', '}']) || authority.is_empty() || scheme.contains('{') {
        return Ok(TargetUrl { is_https, host: None, port: default });
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, "")) => (host, default),
        Some((host, port)) if !port.contains(']') => {
            let port = port.parse().ok().filter(|port| *port > 0);
            (host, port.ok_or("the port of its URL cannot be read")?)
        }
        _ => (authority, default),
    };
    let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
    Ok(TargetUrl { is_https, host: Some(host), port })
}

enum Document {
    Proxy(Option<String>),
    Target(Box<TargetEndpoint>),
    Other,
}

fn read(content: &[u8]) -> Result<Document, String> {
    let mut reader = Reader::from_reader(content);
    reader.config_mut().expand_empty_elements = true;
    let mut path: Vec<String> = Vec::new();
    let mut text = String::new();
    let mut document = Document::Other;
    let mut known = BTreeSet::new();
    loop {
        let at = reader.buffer_position();
        let wrong = |what: &dyn std::fmt::Display| format!("malformed XML at byte {at}: {what}");
        match reader.read_event().map_err(|error| wrong(&error))? {
            Event::Start(element) => {
                let name = String::from_utf8_lossy(element.local_name().as_ref()).into_owned();
                if path.len() >= MAX_DEPTH {
                    return Err(format!("XML of more than {MAX_DEPTH} levels"));
                }
                if path.is_empty() {
                    document = match name.as_str() {
                        "APIProxy" => Document::Proxy(attribute(&element, "name")),
                        "TargetEndpoint" => Document::Target(Box::new(TargetEndpoint {
                            name: attribute(&element, "name").unwrap_or_default(),
                            ..TargetEndpoint::default()
                        })),
                        _ => Document::Other,
                    };
                }
                path.push(name);
                text.clear();
                if let Document::Target(endpoint) = &mut document {
                    let below = below(&path).join("/");
                    if is_single(&below) && !known.insert(below.clone()) {
                        return Err(format!("more than one {below}: which one counts is not known"));
                    }
                    start(endpoint, &path, &element);
                }
            }
            Event::End(_) => {
                if let Document::Target(endpoint) = &mut document {
                    end(endpoint, &path, text.trim())?;
                }
                path.pop();
                text.clear();
            }
            Event::Text(part) => {
                let part = part.xml10_content().map_err(|error| wrong(&error))?;
                text.extend(part.chars().take(MAX_TEXT.saturating_sub(text.len())));
            }
            Event::CData(part) => text.extend(String::from_utf8_lossy(&part).chars().take(MAX_TEXT)),
            Event::GeneralRef(reference) => match reference.resolve_char_ref() {
                Ok(Some(character)) => text.push(character),
                _ => match reference.xml10_content().as_deref() {
                    Ok("lt") => text.push('<'),
                    Ok("gt") => text.push('>'),
                    Ok("amp") => text.push('&'),
                    Ok("quot") => text.push('"'),
                    Ok("apos") => text.push('\''),
                    _ => return Err("an XML entity, which is not expanded".into()),
                },
            },
            Event::DocType(_) => return Err("a DTD (DOCTYPE), which is not read: it could name entities".into()),
            Event::Eof => break,
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
    if !path.is_empty() {
        return Err("malformed XML: it ends within an element".into());
    }
    if let Document::Target(endpoint) = &document
        && known.contains("HTTPTargetConnection")
        && endpoint.url.is_none()
        && endpoint.servers.is_empty()
    {
        return Err("its HTTPTargetConnection has neither a URL nor servers of a LoadBalancer".into());
    }
    Ok(document)
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let attribute = element.try_get_attribute(name).ok()??;
    Some(attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0).ok()?.chars().take(MAX_TEXT).collect())
}

/// The elements below a TargetEndpoint, without that.
fn below(path: &[String]) -> Vec<&str> {
    path.iter().skip(1).map(String::as_str).collect()
}

/// Returns whether a TargetEndpoint has at most one of these elements.
fn is_single(below: &str) -> bool {
    let Some(inner) = below.strip_prefix("HTTPTargetConnection") else { return false };
    let Some(inner) = inner.strip_prefix('/') else { return inner.is_empty() };
    match inner.strip_prefix("SSLInfo/") {
        Some(field) => !field.contains('/'),
        None => matches!(inner, "URL" | "LoadBalancer" | "SSLInfo"),
    }
}

fn start(endpoint: &mut TargetEndpoint, path: &[String], element: &BytesStart<'_>) {
    match below(path).as_slice() {
        ["HTTPTargetConnection", "SSLInfo"] => endpoint.tls = Some(TlsSettings::default()),
        ["HTTPTargetConnection", "LoadBalancer", "Server"] => endpoint.servers.extend(attribute(element, "name")),
        _ => {}
    }
}

fn end(endpoint: &mut TargetEndpoint, path: &[String], text: &str) -> Result<(), String> {
    let below = below(path);
    let ["HTTPTargetConnection", rest @ ..] = below.as_slice() else { return Ok(()) };
    if rest == ["URL"] {
        endpoint.url = Some(target_url(text)?);
    }
    let (["SSLInfo", field @ ..], Some(tls)) = (rest, &mut endpoint.tls) else { return Ok(()) };
    let given = || Some(text.to_owned()).filter(|text| !text.is_empty());
    let is_true = text.eq_ignore_ascii_case("true");
    if let [name @ ("Enabled" | "ClientAuthEnabled" | "IgnoreValidationErrors" | "Enforce")] = field
        && !is_true
        && !text.is_empty()
        && !text.eq_ignore_ascii_case("false")
    {
        return Err(format!("SSLInfo/{name} is neither true nor false"));
    }
    match field {
        ["Enabled"] => tls.enabled = is_true,
        ["ClientAuthEnabled"] => tls.client_auth = is_true,
        ["KeyStore"] => tls.key_store = given(),
        ["KeyAlias"] => tls.key_alias = given(),
        ["TrustStore"] => tls.trust_store = given(),
        ["IgnoreValidationErrors"] => tls.ignore_validation_errors = is_true,
        ["Enforce"] => tls.enforce = Some(is_true),
        ["CommonName"] => tls.common_name = given(),
        ["Protocols", "Protocol"] => tls.protocols.extend(words(text)),
        ["Ciphers", "Cipher"] => tls.ciphers.extend(words(text)),
        _ => {}
    }
    Ok(())
}

/// Fuzzing entry: reads any bytes as an archive and as a file of one.
pub fn fuzz_proxy(bytes: &[u8]) {
    let _ = archive(bytes).map(|proxy| proxy.targets("fuzz"));
    let _ = read(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: &str = r#"<?xml version="1.0"?><TargetEndpoint name="default"><HTTPTargetConnection>
        <SSLInfo><Enabled>true</Enabled><TrustStore>ref://ts</TrustStore><Protocols><Protocol>TLSv1.2</Protocol>
        </Protocols><KeyStore>{ssl.keystore}</KeyStore></SSLInfo>
        <URL>https://backend.example:8443/a?b=1&amp;c=2</URL></HTTPTargetConnection></TargetEndpoint>"#;

    fn proxy(files: &[(&str, &str)]) -> Proxy {
        let mut proxy = Proxy::default();
        for (path, text) in files {
            proxy.add(path, text.as_bytes().to_vec());
        }
        proxy
    }

    #[test]
    fn reads_url_and_settings_of_a_target_endpoint() {
        let proxy = proxy(&[("weather.xml", "<APIProxy name='weather'/>"), ("targets/default.xml", TARGET)]);
        assert_eq!(proxy.name.as_deref(), Some("weather"));
        let (targets, servers) = proxy.targets("weather");
        assert!(servers.is_empty());
        let target = &targets[0];
        assert_eq!((target.host.as_deref(), target.port, target.has_tls()), (Some("backend.example"), 8443, true));
        let tls = target.tls.as_ref().unwrap();
        assert_eq!((tls.trust_store.as_deref(), tls.protocols.as_slice()), (Some("ref://ts"), &["TLSv1.2".into()][..]));
    }

    #[test]
    fn a_load_balancer_takes_the_place_of_the_url() {
        let text = "<TargetEndpoint name='d'><HTTPTargetConnection><SSLInfo><Enabled>true</Enabled></SSLInfo>\
            <LoadBalancer><Server name='one'/><Server name='two'/></LoadBalancer></HTTPTargetConnection></TargetEndpoint>";
        let (targets, servers) = proxy(&[("targets/d.xml", text)]).targets("p");
        assert!(targets.is_empty());
        assert_eq!(servers, ["one", "two"]);
    }

    #[test]
    fn refuses_doctypes_entities_and_deep_documents() {
        let deep = "<a>".repeat(MAX_DEPTH + 1);
        for (text, why) in [
            ("<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><TargetEndpoint>&x;</TargetEndpoint>", "DOCTYPE"),
            ("<TargetEndpoint>&x;</TargetEndpoint>", "entity"),
            (deep.as_str(), "levels"),
            ("<TargetEndpoint>", "ends within"),
        ] {
            let faults = proxy(&[("targets/a.xml", text)]).faults;
            assert!(faults[0].1.contains(why), "{faults:?}");
        }
    }

    #[test]
    fn an_element_that_is_there_twice_or_no_boolean_is_refused() {
        for (inner, why) in [
            ("<URL>https://a</URL><URL>https://b</URL>", "more than one HTTPTargetConnection/URL"),
            ("<SSLInfo/><SSLInfo/>", "more than one HTTPTargetConnection/SSLInfo"),
            ("<SSLInfo><TrustStore>a</TrustStore><TrustStore>b</TrustStore></SSLInfo>", "SSLInfo/TrustStore"),
            ("<SSLInfo><Enabled>yes</Enabled></SSLInfo>", "SSLInfo/Enabled is neither"),
            ("<URL>https://a:port</URL>", "port of its URL"),
            ("<Path>/x</Path>", "neither a URL nor servers"),
        ] {
            let text = format!("<TargetEndpoint><HTTPTargetConnection>{inner}</HTTPTargetConnection></TargetEndpoint>");
            let proxy = proxy(&[("targets/a.xml", &text)]);
            assert!(proxy.endpoints.is_empty() && proxy.faults[0].1.contains(why), "{:?}", proxy.faults);
        }
    }

    #[test]
    fn a_file_that_an_archive_has_twice_is_reported() {
        let archive = |names: &[&str]| {
            let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
            for (number, name) in (0..).zip(names) {
                // The writer refuses a second file of the same name.
                let unlike = format!("{}{number}", &name[..name.len() - 1]);
                writer.start_file(&unlike, zip::write::SimpleFileOptions::default()).unwrap();
                std::io::Write::write_all(&mut writer, TARGET.as_bytes()).unwrap();
            }
            let mut bytes = writer.finish().unwrap().into_inner();
            for (number, name) in (0..).zip(names) {
                let unlike = format!("{}{number}", &name[..name.len() - 1]);
                while let Some(at) = memchr::memmem::find(&bytes, unlike.as_bytes()) {
                    bytes[at..at + name.len()].copy_from_slice(name.as_bytes());
                }
            }
            super::archive(&bytes).unwrap()
        };
        let one = "apiproxy/targets/a.xml";
        let twice = archive(&[one, "apiproxy/targets/b.xml", one]);
        assert_eq!((twice.endpoints.len(), twice.faults.len()), (1, 1), "{twice:?}");
        assert!(twice.faults[0].0 == "targets/a.xml" && twice.faults[0].1.contains("more than once"), "{twice:?}");
        let folders = archive(&[one, "copy/apiproxy/targets/a.xml"]);
        assert!(folders.endpoints.is_empty() && folders.faults[0].1.contains("more than once"), "{folders:?}");
        assert!(archive(&[one]).faults.is_empty());
    }

    #[test]
    fn takes_only_paths_inside_the_archive() {
        assert_eq!(relevant("apiproxy/targets/default.xml").as_deref(), Some("targets/default.xml"));
        assert_eq!(relevant("bundle/apiproxy/weather.xml").as_deref(), Some("weather.xml"));
        for outside in ["../../apiproxy/targets/a.xml", "/apiproxy/targets/a.xml", "apiproxy/targets/../../a.xml"] {
            assert_eq!(relevant(outside), None, "{outside}");
        }
        assert_eq!(relevant("apiproxy/resources/jsc/a.xml"), None);
        assert_eq!(relevant("apiproxy/proxies/default.xml"), None);
    }

    #[test]
    fn hosts_with_flow_variables_are_not_known() {
        let read = |url: &str| target_url(url).map(|url| (url.is_https, url.host, url.port));
        assert_eq!(read("https://{host}/x"), Ok((true, None, 443)));
        assert_eq!(read("http://a:8080"), Ok((false, Some("a".into()), 8080)));
        assert_eq!(read("https://[::1]:8443/"), Ok((true, Some("::1".into()), 8443)));
        assert_eq!(read("https://me:pw@a:/"), Ok((true, Some("a".into()), 443)));
        for wrong in ["https://a:70000/", "https://a:0", "https://a:pw-SENTINEL/x@b"] {
            assert!(read(wrong).is_err_and(|why| !why.contains("SENTINEL")), "{wrong}");
        }
        fuzz_proxy(b"PK\x03\x04");
        fuzz_proxy(b"<");
    }
}
