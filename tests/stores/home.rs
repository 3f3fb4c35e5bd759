//! Runs of the program in a folder of their own, and the counts in their evidence.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::records::{BEGIN, LENGTH, lines, time};

/// A folder with files, and runs of the program in it.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.0.path().join(name), content).expect("it is written");
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-apigee-tls"));
        command.args(arguments).env_clear().env("HOME", self.0.path()).env("PATH", self.0.path()).stdin(Stdio::null());
        command.env("COLUMNS", "110").current_dir(self.0.path());
        // Nobody answers there.
        command.env("GCE_METADATA_HOST", "127.0.0.1:1");
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the program starts")
    }

    /// Judges without a cluster, and returns the streams of the evidence.
    pub(crate) fn streams(&self, arguments: &[&str]) -> (Vec<Value>, String) {
        let all = [&["diagnose", "--offline", "--write-evidence", "evidence.json"], arguments].concat();
        let output = self.run(&all);
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let evidence = fs::read_to_string(self.0.path().join("evidence.json")).unwrap_or_else(|_| panic!("{text}"));
        drop(fs::remove_file(self.0.path().join("evidence.json")));
        let evidence: Value = serde_json::from_str(&evidence).expect("it is JSON");
        (evidence["accessLogs"].as_array().expect("logs").clone(), text)
    }
}

/// The window of the records.
pub(crate) fn window() -> [String; 4] {
    ["--since-time".into(), time(BEGIN - 1), "--until".into(), time(BEGIN + LENGTH + 3_600_000)]
}

/// The keys of the counts that do not depend on how many records were read.
pub(crate) const CLASSES: [&str; 8] = [
    "first",
    "last",
    "resetWithoutName",
    "resetWithName",
    "servedWithoutName",
    "unroutedWithoutName",
    "otherHost",
    "own",
];

/// The counts of a log that must be equal, however it was read.
pub(crate) fn counts(stream: &Value) -> Value {
    let log = &stream["log"]["seen"];
    assert!(log.is_object(), "{stream}");
    let keys = CLASSES.iter().chain(&["records", "lacking"]);
    keys.map(|key| ((*key).to_owned(), log[*key].clone())).collect::<serde_json::Map<_, _>>().into()
}

/// Fails with the first difference of two values.
pub(crate) fn assert_same(one: &Value, other: &Value, path: &str) {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            for (key, value) in one {
                assert_same(value, other.get(key).unwrap_or(&Value::Null), &format!("{path}.{key}"));
            }
            for key in other.keys() {
                assert!(one.contains_key(key), "{path}.{key}: only in the other");
            }
        }
        _ => assert_eq!(one, other, "{path}"),
    }
}

/// Runs with a file and with a store that have the same records.
pub(crate) fn compare(home: &Home, store: &str, records: &[Value]) -> Value {
    home.write("gw.log", lines(records));
    let window = window();
    let window: Vec<&str> = window.iter().map(String::as_str).collect();
    let (of_file, _) = home.streams(&[&window, &["--access-log", "gw.log"][..]].concat());
    let (of_store, text) = home.streams(&[&window, &["--log-store", store][..]].concat());
    let (one, other) = (counts(of_file.first().expect("a file")), counts(of_store.first().expect("a store")));
    assert!(one["resetWithoutName"]["count"].as_u64().expect("a number") > 0);
    assert_same(&one, &other, "log");
    assert_eq!(of_store[0]["cut"], Value::Null, "{text}");
    of_store[0].clone()
}
