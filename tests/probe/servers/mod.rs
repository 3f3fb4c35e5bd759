//! The probed servers: a real Envoy, OpenSSL and Java, and peers that no TLS library would produce.

mod envoy;
mod odd;
mod process;
mod proxy;

use std::collections::BTreeMap;
use std::path::Path;

use crate::certificates::Certificates;
use crate::shell::Result;

pub use self::odd::silent_address;

use self::process::Running;

/// All servers, each on a local port, until this is dropped.
pub struct Servers {
    /// Ports by name.
    pub ports: BTreeMap<&'static str, u16>,
    running: Vec<Running>,
}

impl Servers {
    pub fn start(folder: &Path, certificates: &Certificates, envoy: &Path) -> Result<Self> {
        let mut servers = Self { ports: BTreeMap::new(), running: Vec::new() };
        let (running, ports) = envoy::start(envoy, folder, certificates)?;
        servers.running.push(running);
        servers.ports.extend(ports);
        for (name, arguments) in process::OPENSSL {
            let (running, port) = process::openssl(name, arguments, certificates)?;
            servers.running.push(running);
            servers.ports.insert(name, port);
        }
        for (name, wants_client) in [("java", false), ("java-mutual", true)] {
            let (running, port) = process::java(name, wants_client, folder, certificates)?;
            servers.running.push(running);
            servers.ports.insert(name, port);
        }
        servers.ports.extend(odd::start(certificates)?);
        servers.ports.extend(proxy::start()?);
        for running in &mut servers.running {
            running.wait()?;
        }
        Ok(servers)
    }
}
