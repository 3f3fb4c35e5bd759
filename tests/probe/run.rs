//! Runs the program against the servers and reads its output.

use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::certificates::{Certificates, HOST};
use crate::servers::Servers;
use crate::shell::{Finished, Result, finish};

/// The test environment.
pub struct Bench {
    pub certificates: Certificates,
    pub servers: Servers,
    /// Kept until the servers have ended.
    pub _folder: TempDir,
}

impl Bench {
    pub fn port(&self, server: &str) -> Result<u16> {
        self.servers.ports.get(server).copied().ok_or_else(|| format!("there is no server {server}"))
    }

    /// Runs `probe` with these arguments. `{NAME}` is replaced by the port of a server, `@FILE` by the path
    /// of a certificate file.
    pub fn probe(&self, arguments: &[&str], environment: &[(&str, &str)], input: &[u8]) -> Result<Finished> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-apigee-tls"));
        command
            .arg("probe")
            .env_remove("HTTPS_PROXY")
            .env_remove("https_proxy")
            .env_remove("NO_PROXY")
            .env("NO_COLOR", "1");
        for argument in arguments {
            command.arg(self.filled(argument)?);
        }
        for (name, value) in environment {
            command.env(name, self.filled(value)?);
        }
        finish(&mut command, input, Duration::from_secs(30))
    }

    /// Probes [`HOST`] at the port of a local server, and returns exit code and report.
    pub fn report(&self, server: &str, more: &[&str]) -> Result<(Option<i32>, Value)> {
        let endpoint = format!("{HOST}:{{{server}}}");
        let mut arguments = vec![endpoint.as_str(), "--connect-to", "127.0.0.1", "-o", "json"];
        if !more.contains(&"--ca-file") {
            arguments.extend(["--ca-file", "@root.pem"]);
        }
        arguments.extend(more);
        let finished = self.probe(&arguments, &[], b"")?;
        let report = serde_json::from_slice(&finished.stdout)
            .map_err(|error| format!("no report: {error}; stderr: {}", finished.stderr))?;
        Ok((finished.status.code(), report))
    }

    fn filled(&self, text: &str) -> Result<String> {
        if let Some(file) = text.strip_prefix('@') {
            return Ok(self.certificates.path(file));
        }
        let mut filled = text.to_owned();
        while let Some((before, rest)) = filled.split_once('{') {
            let Some((name, after)) = rest.split_once('}') else { break };
            filled = format!("{before}{}{after}", self.port(name)?);
        }
        Ok(filled)
    }
}
