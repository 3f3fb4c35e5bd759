//! From the flags of `edge` to what gathering needs.

use std::io;
use std::net::IpAddr;
use std::path::Path;

use http::Uri;

use super::super::Error;
use super::super::sources::unfinished;
use super::credentials;
use crate::cli::{
    ApiChoice, ClientProfile, EdgeOptions as EdgeFlags, Expectation, JavaChoice, LegChoice, LegProbe, SniArgument,
};
use crate::evidence::Reason;
use crate::evidence::certificate::Certificate;
use crate::evidence::edge::{Dialect, EdgeQuestion, JavaProfile, Leg, SniChoice, Unseen};
use crate::gather::edge::{self, ConnectTo, EdgeOptions, MANAGEMENT_API, files};
use crate::gather::http::client::Client;
use crate::gather::probe::Proxy;
use crate::run::Stop;
use crate::wire::certificate;

const EDGE_URL: &str = "https://api.enterprise.apigee.com/v1";
const GOOGLE_URL: &str = "https://apigee.googleapis.com/v1";
/// Longest time of one handshake.
const HANDSHAKE: std::time::Duration = std::time::Duration::from_secs(10);
/// Maximum number of characters of a symptom, and of bytes of its file.
const MAX_SYMPTOM: usize = 64 << 10;
/// Maximum number of bytes of a file of certificates.
const MAX_CERTIFICATES: usize = 4 << 20;
/// Maximum number of bytes of a file with a password.
const MAX_PASSWORD: usize = 4 << 10;

/// Validates the flags and reads the files that they name. Evidence that the run ended before is unavailable;
/// without another file there is no run.
pub(super) fn of(
    args: &EdgeFlags,
    keeps_answers: bool,
    env: impl Fn(&str) -> Option<String>,
    stop: &Stop,
) -> Result<EdgeOptions, Error> {
    let missing = |flag: &str| argument(&format!("edge without {flag}"), "give --org and --env");
    let organization = args.org.clone().ok_or_else(|| missing("--org"))?;
    let environment = args.env.clone().ok_or_else(|| missing("--env"))?;
    let dialect = match args.api {
        ApiChoice::Edge => Dialect::Edge,
        ApiChoice::Google => Dialect::Google,
    };
    let url = (!args.offline).then(|| management_url(args.management_url.as_deref(), dialect)).transpose()?;
    let legs = legs(args, dialect)?;
    let question = EdgeQuestion {
        organization,
        environment,
        api: dialect,
        management_url: url.as_ref().map(|url| url.to_string().trim_end_matches('/').to_owned()),
        offline: args.offline,
        probed: probed(args, &legs)?,
        legs,
        expect_non_sni: args.expect == Some(Expectation::NonSni),
        java: java(args, dialect),
        edge_version: args.edge_version.as_deref().map(edge_version).transpose()?,
        sni: match args.sni {
            SniArgument::On => SniChoice::On,
            SniArgument::Off => SniChoice::Off,
            SniArgument::Auto => SniChoice::Auto,
        },
        client: match args.client {
            ClientProfile::Modern => None,
            ClientProfile::Java(java) => Some(profile(java)),
        },
        client_authorities: args.ca_files.iter().map(|path| path.display().to_string()).collect(),
        client_certificate: args.client_cert.as_ref().map(|path| path.display().to_string()),
        own_certificate: args.mp_cert.as_ref().map(|path| path.display().to_string()),
        message_processor_addresses: args.mp_addresses.clone(),
        router_addresses: args.router_addresses.clone(),
        login: credentials::login(args, &env),
        flags: super::flags::of(args),
    };
    let client = url.map(|url| client(args, url, &env, stop)).transpose()?;
    let mut proxy_files = Vec::new();
    for name in &args.proxy_bundles {
        proxy_files.push(files::proxy(name, stop).map_err(|source| Error::Input { name: name.clone(), source })?);
    }
    if let Some(folder) = &args.api_dump
        && !folder.is_dir()
    {
        let source = io::Error::new(io::ErrorKind::NotFound, "it is no folder");
        return Err(Error::Input { name: folder.display().to_string(), source });
    }
    Ok(EdgeOptions {
        question,
        client,
        dump: args.api_dump.clone(),
        virtual_hosts: args.virtual_hosts.clone(),
        target_servers: args.target_servers.clone(),
        proxies: args.proxies.clone(),
        keystores: keystores(args, stop)?,
        proxy_files,
        routers: args.routers.iter().map(|text| router(text)).collect::<Result<_, _>>()?,
        connect_to: args.connect_to.iter().map(|text| connect_to(text)).collect::<Result<_, _>>()?,
        client_authorities: args.ca_files.clone(),
        client_identity: args.client_cert.clone().map(|certificate| (certificate, args.client_key.clone())),
        own_identity: args.mp_cert.clone().map(|certificate| (certificate, args.mp_key.clone())),
        handshake_time: args.request_timeout.min(HANDSHAKE),
        keeps_answers,
    })
}

fn argument(what: &str, hint: &str) -> Error {
    Error::Argument { what: what.to_owned(), hint: hint.to_owned() }
}

/// Reads the URL of the Management API. User info is refused without being repeated.
fn management_url(given: Option<&str>, dialect: Dialect) -> Result<Uri, Error> {
    let default = if dialect == Dialect::Edge { EDGE_URL } else { GOOGLE_URL };
    let text = given.unwrap_or(default).trim();
    let hint = "expected http://HOST:PORT or https://HOST, with or without /v1";
    let authority =
        text.split_once("://").map_or(text, |(_, rest)| rest).split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(argument("--management-url with a user", "give credentials with --user-file or --token-file"));
    }
    let wrong = || argument(&format!("--management-url {text:?}: it is no URL of HTTP"), hint);
    let url: Uri = text.parse().map_err(|_| wrong())?;
    if !matches!(url.scheme_str(), Some("http" | "https"))
        || url.host().is_none_or(str::is_empty)
        || url.query().is_some()
    {
        return Err(wrong());
    }
    if matches!(url.path(), "" | "/") {
        return format!("{}/v1", text.trim_end_matches('/')).parse().map_err(|_| wrong());
    }
    Ok(url)
}

fn client(args: &EdgeFlags, url: Uri, env: impl Fn(&str) -> Option<String>, stop: &Stop) -> Result<Client, Error> {
    let host = url.host().unwrap_or_default().to_owned();
    let credentials = credentials::of(args, &host, &env)?;
    let hint = "write --management-proxy http://HOST:PORT";
    let port = url.port_u16().unwrap_or(if url.scheme_str() == Some("http") { 80 } else { 443 });
    let proxy = match &args.management_proxy {
        Some(text) => Some(Proxy::parse(text).map_err(|why| argument(&format!("--management-proxy: {why}"), hint))?),
        None if url.scheme_str() == Some("https") => {
            Proxy::of_environment(&host, port, env).map_err(|why| argument(&format!("HTTPS_PROXY: {why}"), hint))?
        }
        None => None,
    };
    let authorities = args.management_ca_file.as_ref().map(|name| bytes(name, MAX_CERTIFICATES, stop)).transpose()?;
    if let (Some(pem), Some(name)) = (&authorities, &args.management_ca_file)
        && certificate::from_pem(pem).0.is_empty()
    {
        return Err(argument(&format!("--management-ca-file {name}: there is no certificate in it"), "expected PEM"));
    }
    Client::new(url, MANAGEMENT_API, credentials, proxy, (authorities.as_deref(), None), args.request_timeout)
        .map_err(|error| argument(&format!("the TLS library: {error}"), "check --management-ca-file"))
}

fn bytes(name: &str, most: usize, stop: &Stop) -> Result<Vec<u8>, Error> {
    let read = files::bounded(name, most, stop).map_err(|source| Error::Input { name: name.to_owned(), source })?;
    read.map_err(|reason| unfinished(name, &reason))
}

fn legs(args: &EdgeFlags, dialect: Dialect) -> Result<Vec<Leg>, Error> {
    match (args.leg, dialect) {
        (Some(LegChoice::Northbound), Dialect::Google) => Err(argument(
            "--leg northbound with --api google",
            "its northbound leg is judged by `kubectl apigee-tls diagnose`",
        )),
        (Some(LegChoice::Northbound), Dialect::Edge) => Ok(vec![Leg::Northbound]),
        (Some(LegChoice::Southbound), _) | (None, Dialect::Google) => Ok(vec![Leg::Southbound]),
        (None, Dialect::Edge) => Ok(vec![Leg::Northbound, Leg::Southbound]),
    }
}

fn probed(args: &EdgeFlags, legs: &[Leg]) -> Result<Vec<Leg>, Error> {
    if args.offline {
        return Ok(Vec::new());
    }
    if args.probe.contains(&LegProbe::None) {
        return match args.probe.as_slice() {
            [LegProbe::None] => Ok(Vec::new()),
            _ => Err(argument("--probe none with a leg", "give none, or the legs")),
        };
    }
    let wanted = |leg: &Leg| {
        let probe = match leg {
            Leg::Northbound => LegProbe::Northbound,
            Leg::Southbound => LegProbe::Southbound,
        };
        args.probe.is_empty() || args.probe.contains(&probe)
    };
    Ok(legs.iter().copied().filter(wanted).collect())
}

/// The profiles that the Message Processors may have. Sources: release notes of Edge for Private Cloud (4.54:
/// Java 17 and 21; 4.16.05 to 4.53: Java 8; 4.16.01: Java 7) and "Supported software" (public cloud: Java
/// 8, TLS 1.2).
fn java(args: &EdgeFlags, dialect: Dialect) -> Vec<JavaProfile> {
    if let Some(java) = args.java {
        return vec![profile(java)];
    }
    let both = vec![JavaProfile::Java8Classic, JavaProfile::Java8Modern];
    let Some(version) = args.edge_version.as_deref() else {
        return if dialect == Dialect::Google { vec![JavaProfile::Java8Modern] } else { both };
    };
    if version.eq_ignore_ascii_case("cloud") {
        return vec![JavaProfile::Java8Classic];
    }
    let numbers: Vec<u32> = version.split('.').filter_map(|part| part.parse().ok()).collect();
    match numbers.as_slice() {
        [4, minor, ..] if *minor >= 54 => vec![JavaProfile::Java17],
        [4, 16, 1, ..] => vec![JavaProfile::Java7],
        _ => both,
    }
}

/// Refuses what is no version: it would be taken for an old private cloud.
fn edge_version(text: &str) -> Result<String, Error> {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if text.eq_ignore_ascii_case("cloud") || text.contains('.') && text.split('.').all(is_number) {
        return Ok(text.to_owned());
    }
    Err(argument(&format!("--edge-version {text:?}"), "expected a version such as 4.53.01, or cloud"))
}

/// Returns the profile of a choice of the command line.
pub(in crate::commands) fn profile(java: JavaChoice) -> JavaProfile {
    match java {
        JavaChoice::Java7 => JavaProfile::Java7,
        JavaChoice::Java8Limited => JavaProfile::Java8Limited,
        JavaChoice::Java8Classic => JavaProfile::Java8Classic,
        JavaChoice::Java8Modern => JavaProfile::Java8Modern,
        JavaChoice::Java11 => JavaProfile::Java11,
        JavaChoice::Java17 => JavaProfile::Java17,
        JavaChoice::Java21 => JavaProfile::Java21,
    }
}

fn router(text: &str) -> Result<(IpAddr, Option<u16>), Error> {
    if let Ok(address) = text.trim_matches(['[', ']']).parse() {
        return Ok((address, None));
    }
    let parsed = text.parse::<std::net::SocketAddr>();
    parsed.map(|socket| (socket.ip(), Some(socket.port()))).map_err(|_| {
        argument(
            &format!("--router {text:?}: it is no address"),
            "expected 10.0.0.5, 10.0.0.5:9001 or [2001:db8::5]:9001",
        )
    })
}

fn connect_to(text: &str) -> Result<ConnectTo, Error> {
    let wrong = || argument(&format!("--connect-to {text:?}"), "expected HOST:PORT:ADDRESS:PORT, as in curl");
    let mut parts: Vec<String> = Vec::new();
    let mut current = String::new();
    let mut bracketed = false;
    for character in text.chars() {
        match character {
            '[' => bracketed = true,
            ']' => bracketed = false,
            ':' if !bracketed => parts.push(std::mem::take(&mut current)),
            other => current.push(other),
        }
    }
    parts.push(current);
    let [host, port, address, to_port] = parts.as_slice() else { return Err(wrong()) };
    let number = |text: &str| if text.is_empty() { Ok(0) } else { text.parse::<u16>().map_err(|_| wrong()) };
    Ok(ConnectTo { host: host.clone(), port: number(port)?, address: address.clone(), to_port: number(to_port)? })
}

fn keystores(args: &EdgeFlags, stop: &Stop) -> Result<Vec<files::KeystoreFile>, Error> {
    let password = args.keystore_password_file.as_ref().map(|name| bytes(name, MAX_PASSWORD, stop)).transpose()?;
    let password = password.map(|bytes| {
        zeroize::Zeroizing::new(String::from_utf8_lossy(&bytes).trim_end_matches(['\r', '\n']).to_owned())
    });
    let read = |text: &String| {
        let hint = "expected NAME=FILE or NAME/ALIAS=FILE";
        let (name, file) = text.split_once('=').ok_or_else(|| argument(&format!("--keystore-file {text:?}"), hint))?;
        let (store, alias) = match name.split_once('/') {
            Some((store, alias)) => (store, Some(alias)),
            None => (name, None),
        };
        let password = password.as_ref().map(|password| password.as_str());
        files::keystore(store, alias, file, password, stop)
            .map_err(|source| Error::Input { name: file.to_owned(), source })
    };
    args.keystore_files.iter().map(read).collect()
}

/// Reads the symptoms, of which some are in files. Those that the run ended before are missing, with the
/// reason.
pub(super) fn symptoms(args: &EdgeFlags, stop: &Stop) -> Result<(Vec<String>, Vec<Unseen>), Error> {
    let (mut symptoms, mut missing) = (Vec::new(), Vec::new());
    for (text, number) in args.symptoms.iter().zip(1..) {
        // No file has a name of several lines.
        let Some(name) = text.strip_prefix('@').filter(|name| !name.contains('\n')) else {
            let end = text.char_indices().nth(MAX_SYMPTOM).map(|(end, _)| end);
            if end.is_some() {
                let why = format!("only the first {MAX_SYMPTOM} characters of a symptom are read");
                missing.push(edge::unseen(&format!("the end of symptom {number}"), Reason::Broken(why)));
            }
            symptoms.push(text[..end.unwrap_or(text.len())].to_owned());
            continue;
        };
        let read = files::text(name, MAX_SYMPTOM, stop);
        match read.map_err(|source| Error::Input { name: name.to_owned(), source })? {
            Ok(text) => symptoms.push(String::from_utf8_lossy(&text).into_owned()),
            Err(reason) => missing.push(edge::unseen(name, reason)),
        }
    }
    Ok((symptoms, missing))
}

/// Reads the certificates of the file that a flag names, without its key. A file has at least one.
pub(super) fn certificates(flag: &str, path: Option<&Path>, stop: &Stop) -> Result<Vec<Certificate>, Error> {
    let Some(path) = path else { return Ok(Vec::new()) };
    let name = path.display().to_string();
    let bytes = zeroize::Zeroizing::new(bytes(&name, MAX_CERTIFICATES, stop)?);
    let list = certificate::from_pem(&bytes).0;
    if list.is_empty() {
        return Err(argument(&format!("{flag} {name}: there is no certificate in it"), "expected PEM"));
    }
    Ok(certificate::describe(list.iter().map(AsRef::as_ref)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_the_version_where_the_path_is_empty_and_refuses_users() {
        let url = |text: &str| management_url(Some(text), Dialect::Edge).map(|url| url.to_string());
        assert_eq!(url("http://ms:8080").unwrap(), "http://ms:8080/v1");
        assert_eq!(url("https://ms/v1/").unwrap(), "https://ms/v1/");
        let why = url("https://me:secret@ms").unwrap_err().to_string();
        assert!(!why.contains("secret"), "{why}");
        assert!(url("ftp://ms").is_err() && url("nonsense").is_err());
    }

    #[test]
    fn parses_addresses_as_curl_does() {
        assert_eq!(connect_to("a:443:[::1]:8443").unwrap().address, "::1");
        assert_eq!(
            connect_to("::b:").unwrap(),
            ConnectTo { host: String::new(), port: 0, address: "b".into(), to_port: 0 }
        );
        assert!(connect_to("a:443:b").is_err());
        assert_eq!(router("[::1]:9001").unwrap(), ("::1".parse().unwrap(), Some(9001)));
        assert_eq!(router("10.0.0.5").unwrap(), ("10.0.0.5".parse().unwrap(), None));
    }

    #[test]
    fn refuses_what_is_no_version_of_edge() {
        for version in ["4.53.01", "4.16.05.01", "cloud", "Cloud"] {
            assert_eq!(edge_version(version).unwrap(), version);
        }
        for wrong in ["", "4", "4.", "foo", "4.53.x", "v4.53"] {
            assert!(edge_version(wrong).is_err(), "{wrong}");
        }
    }
}
