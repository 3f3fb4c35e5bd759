//! A kubeconfig whose contexts point to local servers, and runs of the program with it.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use flate2::read::MultiGzDecoder;
use tempfile::TempDir;

/// The response to every request: the API server knows the user, and forbids everything.
const FORBIDDEN: &str =
    r#"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"forbidden","reason":"Forbidden","code":403}"#;

/// A folder with a kubeconfig.
pub(crate) struct Home {
    folder: TempDir,
}

impl Home {
    /// Writes these contexts, in this order, each with a local port.
    pub(crate) fn new(contexts: &[(&str, u16)]) -> Self {
        let servers = contexts.iter().map(|(name, port)| (*name, format!("http://127.0.0.1:{port}")));
        Self::with_servers(&servers.collect::<Vec<_>>())
    }

    /// Writes these contexts, in this order, each with the address of its API server.
    pub(crate) fn with_servers(contexts: &[(&str, String)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let entries = |entry: &dyn Fn(usize, &str, &str) -> String| {
            let lines = contexts.iter().enumerate().map(|(i, (name, server))| entry(i, name, server));
            lines.collect::<Vec<_>>().join(", ")
        };
        let text = format!(
            "apiVersion: v1\nkind: Config\ncontexts: [{}]\nclusters: [{}]\n",
            entries(&|i, name, _| format!("{{name: {name:?}, context: {{cluster: c{i}}}}}")),
            entries(&|i, _, server| format!("{{name: c{i}, cluster: {{server: '{server}'}}}}")),
        );
        fs::write(folder.path().join("config"), text).expect("the kubeconfig is written");
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns the program, to run in this folder with this kubeconfig and without this machine's settings.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-apigee-tls"));
        for name in ["NO_COLOR", "CLICOLOR_FORCE", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
            command.env_remove(name);
        }
        command.env("KUBECONFIG", self.path("config")).env("HOME", self.folder.path());
        // The width of the report in a bundle.
        command.env("COLUMNS", "110");
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the program starts")
    }

    /// Returns the bundles in the folder, by name.
    pub(crate) fn bundles(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.folder.path()).expect("the folder can be listed");
        let paths = entries.map(|entry| entry.expect("it can be listed").path());
        let mut found: Vec<PathBuf> = paths.filter(|path| path.to_string_lossy().ends_with(".tar.gz")).collect();
        found.sort();
        found
    }
}

/// Returns the files of a bundle, by path below its top-level folder.
pub(crate) fn unpacked(bundle: &Path) -> BTreeMap<String, String> {
    let mut archive = tar::Archive::new(MultiGzDecoder::new(fs::File::open(bundle).expect("the bundle is there")));
    let entries = archive.entries().expect("it is an archive");
    entries
        .map(|entry| {
            let mut entry = entry.expect("it is whole");
            let path = entry.path().expect("it has a name").to_string_lossy().into_owned();
            let mut text = String::new();
            entry.read_to_string(&mut text).expect("it is text");
            (path.split_once('/').map_or_else(String::new, |(_, below)| below.to_owned()), text)
        })
        .collect()
}

/// Starts an API server that responds to everything with 403; returns its port.
pub(crate) fn forbidding() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("it listens").port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
                let mut line = String::new();
                while reader.read_line(&mut line).is_ok_and(|length| length > 0) {
                    if line == "\r\n" {
                        let length = FORBIDDEN.len();
                        let answer = format!(
                            "HTTP/1.1 403 Forbidden\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{FORBIDDEN}"
                        );
                        if stream.write_all(answer.as_bytes()).is_err() {
                            return;
                        }
                    }
                    line.clear();
                }
            });
        }
    });
    port
}
