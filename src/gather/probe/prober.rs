//! Holds what all handshakes of a run share: the offered parameters, the trusted CAs and the time limit.

use std::path::PathBuf;
use std::time::Duration;

use data_encoding::HEXLOWER;
use openssl::error::ErrorStack;
use openssl::ssl::{SslContext, SslMethod, SslOptions, SslVerifyMode};
use openssl::stack::StackRef;
use openssl::x509::store::{X509Store, X509StoreBuilder};
use openssl::x509::verify::X509VerifyFlags;
use openssl::x509::{X509, X509Ref, X509VerifyResult};

use super::identity::{self, FileError};
use crate::evidence::handshake::{PROBE_NAME_SUFFIX, ProbeQuestion, Trust, Verification};
use crate::gather::trust;
use crate::wire::tls::{Version, suites};

/// Parameters of all handshakes.
#[derive(Clone, Debug, Default)]
pub struct ProbeOptions {
    pub min_version: Option<Version>,
    pub max_version: Option<Version>,
    /// A cipher list in OpenSSL's syntax. It may also contain suites of TLS 1.3.
    pub ciphers: Option<String>,
    /// The name of the client that versions and suites are those of.
    pub client: Option<String>,
    /// Protocols to offer by ALPN; if empty, the extension is not sent.
    pub alpn: Vec<String>,
    /// The trusted CAs; if absent, those of this machine.
    pub ca_file: Option<PathBuf>,
    /// The client certificate, and the file of its key if it is a separate one.
    pub identity: Option<(PathBuf, Option<PathBuf>)>,
    /// Whether each connection begins with a PROXY protocol header.
    pub proxy_protocol: bool,
    /// Time limit of one handshake, from connecting to its end.
    pub timeout: Duration,
}

/// Performs handshakes; cheap to clone.
pub struct Prober {
    pub(in crate::gather) options: ProbeOptions,
    pub(in crate::gather) context: SslContext,
    /// Versions of the options, without those for which they leave no cipher suite.
    pub(in crate::gather) min_version: Option<Version>,
    pub(in crate::gather) max_version: Option<Version>,
    /// The CAs of `--ca-file`. If absent, those of this machine are read when the first certificate needs
    /// them.
    authorities: Option<(X509Store, Vec<X509>)>,
    unknown_name: String,
}

/// Why a prober cannot be created.
#[derive(Debug, thiserror::Error)]
pub enum ProberError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("offer the cipher suites \"{ciphers}\": the TLS library knows none of them")]
    Ciphers { ciphers: String },
    #[error("offer the cipher suite \"{name}\": names that begin with TLS_ are for TLS 1.3")]
    CipherName { name: String, openssl: String },
    #[error("offer the cipher suites \"{ciphers}\" {limit}: none of them is for such a version")]
    NothingToOffer { ciphers: String, limit: String },
    #[error("set up the TLS library")]
    Library(#[from] ErrorStack),
}

impl ProberError {
    /// Returns a hint for the user.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::File(error) => error.hint(),
            Self::Ciphers { .. } => {
                Some("`openssl ciphers -v ALL` lists names; suites of TLS 1.3 begin with TLS_".into())
            }
            Self::CipherName { openssl, .. } => Some(format!("OpenSSL calls it {openssl}")),
            Self::NothingToOffer { .. } => {
                Some("suites of TLS 1.3 begin with TLS_, and all others are for versions up to 1.2".into())
            }
            Self::Library(_) => None,
        }
    }
}

impl Prober {
    /// Reads the files that the options name.
    ///
    /// # Errors
    /// A file or a list of cipher suites cannot be used.
    pub fn new(options: ProbeOptions) -> Result<Self, ProberError> {
        let authorities = options.ca_file.as_deref().map(identity::authorities).transpose()?;
        let mut context = SslContext::builder(SslMethod::tls_client())?;
        // The certificates are judged afterwards: verification must not end the handshake.
        context.set_verify(SslVerifyMode::NONE);
        // Lower OpenSSL's defaults: a server with only legacy parameters must be seen, not be refused by this
        // program.
        context.set_security_level(0);
        context.set_options(SslOptions::ALLOW_UNSAFE_LEGACY_RENEGOTIATION);
        if !options.alpn.is_empty() {
            context.set_alpn_protos(&protocol_list(&options.alpn))?;
        }
        let (mut min_version, mut max_version) = (options.min_version, options.max_version);
        if let Some(ciphers) = &options.ciphers {
            let (old, new) = set_ciphers(&mut context, ciphers)?;
            if !old {
                min_version = min_version.max(Some(Version::Tls13));
            }
            if !new {
                max_version = Some(max_version.map_or(Version::Tls12, |max| max.min(Version::Tls12)));
            }
            // A refusal by this program would look like a refusal by the server.
            if min_version.zip(max_version).is_some_and(|(min, max)| min > max) {
                let limit = match options.max_version.filter(|_| !old) {
                    Some(max) => format!("up to {}", max.name()),
                    None => format!("from {} on", options.min_version.unwrap_or(Version::Tls13).name()),
                };
                return Err(ProberError::NothingToOffer { ciphers: ciphers.clone(), limit });
            }
        }
        if let Some((certificate, key)) = &options.identity {
            let identity = identity::identity(certificate, key.as_deref())?;
            context.set_certificate(&identity.certificate)?;
            for intermediate in identity.intermediates {
                context.add_extra_chain_cert(intermediate)?;
            }
            context.set_private_key(&identity.key)?;
        }
        Ok(Self {
            options,
            context: context.build(),
            min_version,
            max_version,
            authorities,
            unknown_name: unknown_name(),
        })
    }

    /// Trusts the CAs of all these files, in place of those of the options.
    ///
    /// # Errors
    /// A file cannot be used.
    pub(in crate::gather) fn trusting(mut self, files: &[PathBuf]) -> Result<Self, ProberError> {
        let mut all = Vec::new();
        for file in files {
            all.extend(identity::authorities(file)?.1);
        }
        self.authorities = if files.is_empty() { None } else { Some((store_of(&all)?, all)) };
        Ok(self)
    }

    /// Returns a prober with other options that trusts the same CAs.
    ///
    /// # Errors
    /// The TLS library cannot offer what the options demand.
    pub(in crate::gather) fn with(&self, options: ProbeOptions) -> Result<Self, ProberError> {
        let mut other = Self::new(options)?;
        if let Some((_, all)) = &self.authorities {
            other.authorities = Some((store_of(all)?, all.clone()));
        }
        Ok(other)
    }

    /// Returns the server name that no route has.
    #[must_use]
    pub fn unknown_name(&self) -> &str {
        &self.unknown_name
    }

    /// Returns the parameters for the evidence.
    #[must_use]
    pub fn question(&self, via_proxy: Option<String>) -> ProbeQuestion {
        let options = &self.options;
        ProbeQuestion {
            unknown_name: self.unknown_name.clone(),
            min_version: options.min_version.map(|version| version.name().to_owned()),
            max_version: options.max_version.map(|version| version.name().to_owned()),
            ciphers: options.ciphers.clone(),
            client: options.client.clone(),
            alpn: options.alpn.clone(),
            trust: options.ca_file.as_ref().map_or(Trust::System, |path| Trust::File(path.display().to_string())),
            client_certificate: options.identity.as_ref().map(|(certificate, _)| certificate.display().to_string()),
            client_key: options.identity.as_ref().and_then(|(_, key)| Some(key.as_ref()?.display().to_string())),
            proxy_protocol: options.proxy_protocol,
            via_proxy,
            timeout_milliseconds: u64::try_from(options.timeout.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// Judges a served list, whose first certificate is the leaf, by the trusted CAs. Returns `None` without
    /// any.
    pub(in crate::gather) fn verify(&self, served: &StackRef<X509>) -> Option<Verification> {
        let leaf = served.iter().next()?;
        let system;
        let store = if let Some((store, _)) = &self.authorities {
            store
        } else {
            system = trust::system()?.store_for(served.iter())?;
            &system
        };
        let mut verification = trust::verify(store, leaf, served).ok()?;
        if verification.lacks_issuer()
            && let Some(last) = usize::try_from(verification.depth).ok().and_then(|depth| last_of_path(served, depth))
        {
            let issuer = last.issuer_name();
            verification.related = match &self.authorities {
                Some((_, list)) => trust::related(issuer, list.iter().map(AsRef::as_ref)),
                None => trust::system().map(|system| system.related(issuer)).unwrap_or_default(),
            };
        }
        Some(verification)
    }
}

/// Creates a store of these CAs.
fn store_of(authorities: &[X509]) -> Result<X509Store, ErrorStack> {
    let mut store = X509StoreBuilder::new()?;
    // Checks judge the dates by the clock of the evidence.
    store.set_flags(X509VerifyFlags::NO_CHECK_TIME)?;
    for authority in authorities {
        store.add_cert(authority.clone())?;
    }
    Ok(store.build())
}

/// Returns the certificate at this depth of the path from the leaf, by the names of subjects and issuers.
fn last_of_path(served: &StackRef<X509>, depth: usize) -> Option<&X509Ref> {
    let mut certificate = served.iter().next()?;
    for _ in 0..depth {
        let is_issuer = |other: &&X509Ref| other.issued(certificate) == X509VerifyResult::OK;
        certificate = served.iter().find(is_issuer)?;
    }
    Some(certificate)
}

/// OpenSSL configures the suites of TLS 1.3 separately; the user has one list. Returns whether the list
/// contains suites for versions up to 1.2, and for 1.3.
fn set_ciphers(context: &mut openssl::ssl::SslContextBuilder, ciphers: &str) -> Result<(bool, bool), ProberError> {
    let unknown = || ProberError::Ciphers { ciphers: ciphers.to_owned() };
    let (new, old): (Vec<&str>, Vec<&str>) =
        ciphers.split([':', ',', ' ']).filter(|name| !name.is_empty()).partition(|name| name.starts_with("TLS_"));
    // The IANA registry begins the names of all suites this way, OpenSSL only those of TLS 1.3.
    for name in &new {
        let openssl = suites::number(name).map(suites::name);
        if let Some(openssl) = openssl.filter(|openssl| !openssl.starts_with("TLS_")) {
            return Err(ProberError::CipherName { name: (*name).to_owned(), openssl });
        }
    }
    if !new.is_empty() {
        context.set_ciphersuites(&new.join(":")).map_err(|_| unknown())?;
    }
    if !old.is_empty() {
        context.set_cipher_list(&old.join(":")).map_err(|_| unknown())?;
    }
    if new.is_empty() && old.is_empty() { Err(unknown()) } else { Ok((!old.is_empty(), !new.is_empty())) }
}

/// Encodes the protocols as RFC 7301 §3.1 requires: each name after its length. Names longer than 255 bytes
/// were rejected before.
fn protocol_list(protocols: &[String]) -> Vec<u8> {
    let mut list = Vec::new();
    for protocol in protocols {
        if let Ok(length) = u8::try_from(protocol.len()) {
            list.push(length);
            list.extend_from_slice(protocol.as_bytes());
        }
    }
    list
}

/// Returns a server name that no route can have, new for every run.
fn unknown_name() -> String {
    let mut random = [0; 8];
    // Without random bytes TLS would fail anyway; the name only has to be new.
    let _ = openssl::rand::rand_bytes(&mut random);
    format!("p{}{PROBE_NAME_SUFFIX}", HEXLOWER.encode(&random))
}
