//! The walls of ARCHITECTURE.md, enforced by scanning `src/` as text: which rooms may use which crates and
//! rooms.
//!
//! A text scan suffices, because every use in this repository is written out: no glob imports of crates, and
//! no macros that hide paths. Comments and string literals do not count.

#![expect(clippy::panic, reason = "helpers of tests fail as tests do")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use apigee_tls::checks;
use apigee_tls::playbooks::PLAYBOOKS;
use apigee_tls::report::Format;

/// Maximum number of lines of a file.
const MAX_LINES: usize = 600;

/// Folders and files of pure functions.
const PURE: [&str; 11] = [
    "src/bundle/pages/",
    "src/checks/",
    "src/evidence/",
    "src/judgement/",
    "src/plan.rs",
    "src/playbooks/",
    "src/report/",
    "src/secrets/",
    "src/text/",
    "src/verdict/",
    "src/wire/",
];

/// Crates and the folders that may use them; a path that ends in `/` names a folder.
const ONLY_IN: [(&str, &[&str]); 9] = [
    ("granit_parser::", &["src/wire/yaml/"]),
    ("k8s_openapi::", &["src/gather/"]),
    ("kube::", &["src/gather/"]),
    ("openssl::", &["src/gather/", "src/wire/"]),
    ("indicatif::", &["src/terminal/"]),
    ("prometheus_client::", &["src/report/"]),
    ("rustix::", &["src/gather/"]),
    ("tempfile::", &["src/bundle/"]),
    // Only the room that breaks lines counts terminal columns.
    ("unicode_width::", &["src/text/"]),
];

/// What pure folders may not use, with the reason.
const NOT_IN_PURE: [(&str, &str); 15] = [
    ("std::fs", "files are opened by gather and bundle"),
    ("std::net::Tcp", "connections are made by gather"),
    ("std::net::Udp", "connections are made by gather"),
    ("std::net::ToSocketAddrs", "names are looked up by gather"),
    ("std::process", "nothing is started while judging"),
    ("std::env", "the environment is read once, by commands"),
    ("std::thread", "judging has no order but its own"),
    ("std::io::stdin", "streams are opened by gather"),
    ("println!", "output is what report returns"),
    ("eprintln!", "output is what report returns"),
    ("print!", "output is what report returns"),
    ("tokio", "judging waits for nothing"),
    ("Timestamp::now", "the clock is Evidence::now"),
    ("SystemTime", "the clock is Evidence::now"),
    ("Instant::now", "the clock is Evidence::now"),
];

/// The modules that each module may use: only those before it in the data flow.
const MAY_USE: [(&str, &[&str]); 17] = [
    // Leaves: every room may use them, and they use none.
    ("text", &[]),
    ("secrets", &[]),
    ("evidence", &["text"]),
    ("plan", &["evidence"]),
    ("wire", &["evidence", "secrets", "text"]),
    ("checks", &["evidence", "text"]),
    ("verdict", &["checks", "evidence", "text"]),
    ("playbooks", &["checks", "evidence", "text", "verdict"]),
    ("judgement", &["checks", "evidence", "playbooks", "text", "verdict"]),
    // Checks and playbooks stand before it, too, but what they conclude reaches documents in the values of
    // judgement.
    ("report", &["checks", "evidence", "judgement", "text", "verdict"]),
    ("run", &["evidence", "text"]),
    ("gather", &["evidence", "plan", "run", "text", "wire"]),
    // `wire` finds the certificates of a Secret; `checks` knows the addresses of load balancers, which are
    // kept.
    ("redact", &["checks", "evidence", "secrets", "text", "wire"]),
    // Only its pages use more than what reads and writes bundles (`pages_are_made_of_what_is_judged`).
    ("bundle", &["evidence", "judgement", "plan", "playbooks", "redact", "report", "text", "verdict"]),
    // Names of the catalogue are values of --only, --skip and explain; names of formats are values of -o.
    ("cli", &["checks", "report"]),
    // What it serves comes from commands.
    ("serve", &[]),
    // Progress is reported to a trait of run.
    ("terminal", &["run", "text"]),
];

#[test]
fn outside_crates_stay_in_their_folder() {
    for (path, code) in sources("src") {
        for (name, folders) in ONLY_IN {
            let allowed = folders.iter().any(|folder| path.starts_with(folder));
            assert!(allowed || !uses(&code, name), "{path} uses {name}, which belongs to {}", folders.join(", "));
        }
    }
}

#[test]
fn what_judges_has_no_world() {
    for (path, code) in sources("src").into_iter().filter(|(path, _)| PURE.iter().any(|pure| path.starts_with(pure))) {
        for (name, reason) in NOT_IN_PURE {
            assert!(!uses(&code, name), "{path} uses {name}: {reason}");
        }
    }
}

#[test]
fn modules_know_only_what_stands_before_them() {
    for (path, code) in sources("src") {
        let own = module(&path);
        let Some((_, allowed)) = MAY_USE.iter().find(|(module, _)| *module == own) else { continue };
        for used in used_modules(&code) {
            let known = used == own || allowed.contains(&used) || used.is_empty();
            assert!(known, "{path} uses crate::{used}; {own} may use {allowed:?}");
        }
        // `use crate::{…}` would hide names from this scan.
        assert!(!code.contains("crate::{"), "{path}: write one use for each module of ours");
    }
}

/// Rooms that use each other are one room. Every edge counts, also those of `commands`, which may use all
/// rooms.
#[test]
fn rooms_have_no_cycle() {
    let mut uses_of: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, code) in sources("src") {
        let own = module(&path);
        let used = used_modules(&code).filter(|used| !used.is_empty() && *used != own).map(str::to_owned);
        uses_of.entry(own.to_owned()).or_default().extend(used);
    }
    assert!(uses_of["report"].contains("judgement") && uses_of["judgement"].contains("playbooks"), "{uses_of:?}");
    // Takes away rooms that use none that is left, until nothing changes.
    while let Some(free) = uses_of.iter().find(|(_, used)| used.is_empty()).map(|(room, _)| room.clone()) {
        uses_of.remove(&free);
        for used in uses_of.values_mut() {
            used.remove(&free);
        }
    }
    assert!(uses_of.is_empty(), "these rooms use each other: {uses_of:?}");
}

/// A playbook is one folder and one line of the list; what two of them share is in `verdict`.
#[test]
fn every_playbook_is_in_the_list_and_knows_no_other() {
    let folders = entries("src/playbooks", Path::is_dir);
    let listed: BTreeSet<String> = PLAYBOOKS.iter().map(|playbook| playbook.name.replace('-', "_")).collect();
    assert_eq!(folders, listed, "folders of src/playbooks, and PLAYBOOKS");
    assert_eq!(PLAYBOOKS.len(), listed.len(), "a playbook is in the list twice");
    for (path, code) in sources("src/playbooks") {
        let Some(own) = listed.iter().find(|name| path.starts_with(&format!("src/playbooks/{name}/"))) else {
            continue;
        };
        for other in listed.iter().filter(|other| *other != own) {
            let named = uses(&code, &format!("{other}::")) || code.contains(&format!("playbooks::{other}"));
            assert!(!named, "{path} knows the playbook {other}");
        }
    }
}

/// A format is one file and one line of the list, and knows no rule.
#[test]
fn every_format_is_one_file_and_knows_no_rule() {
    let mut files = entries("src/report/formats", Path::is_file);
    files.remove("mod");
    let listed: BTreeSet<String> = Format::ALL.iter().map(|format| format.name().to_owned()).collect();
    assert_eq!(files, listed, "files of src/report/formats, and the list of formats");
    for (path, code) in sources("src/report/formats") {
        for used in used_modules(&code) {
            assert!(matches!(used, "report" | "text"), "{path} uses crate::{used}");
        }
        assert!(!code.contains("documents"), "{path} knows a document");
    }
}

/// A page is one file and one line of the list. Reading and writing bundles knows nothing of what is judged.
#[test]
fn pages_are_made_of_what_is_judged() {
    let sources = sources("src/bundle");
    let (_, list) = sources.iter().find(|(path, _)| path == "src/bundle/pages/mod.rs").expect("it has the list");
    let list = list.split("static PAGES").nth(1).and_then(|rest| rest.split("\n];").next()).expect("the list of pages");
    let listed: BTreeSet<String> =
        list.lines().filter_map(|line| Some(line.trim().strip_suffix("::pages,")?.to_owned())).collect();
    let mut files = entries("src/bundle/pages", Path::is_file);
    files.remove("mod");
    assert_eq!(files, listed, "files of src/bundle/pages, and the list of pages");
    let may_use: BTreeSet<&str> = ["bundle", "evidence", "plan", "redact", "text"].into();
    for (path, code) in sources.iter().filter(|(path, _)| !path.starts_with("src/bundle/pages/")) {
        for used in used_modules(code) {
            assert!(may_use.contains(used), "{path} uses crate::{used}, which belongs to pages");
        }
    }
}

/// Paths in ARCHITECTURE and CONTRIBUTING exist: what begins with a folder of the repository, and what begins
/// with a room of `src`. A commit's list of files and the examples of what to add are code blocks.
#[test]
fn documents_name_paths_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let rooms = entries("src", Path::is_dir);
    for name in ["ARCHITECTURE.md", "CONTRIBUTING.md"] {
        let text = fs::read_to_string(root.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let prose: String = text.split("```").step_by(2).collect();
        let mut paths = 0;
        for quoted in prose.split('`').skip(1).step_by(2).filter(|quoted| quoted.contains('/')) {
            let first = quoted.split('/').next().unwrap_or_default();
            let base = match first {
                "src" | "tests" | "docs" | "fuzz" | ".ci" => root.to_owned(),
                first if rooms.contains(first) => root.join("src"),
                _ => continue,
            };
            paths += 1;
            let path = base.join(quoted.split(':').next().unwrap_or(quoted));
            let exists = path.exists() || path.with_extension("rs").exists();
            assert!(exists || quoted.contains('<'), "{name} names {quoted}, which does not exist");
        }
        assert!(paths > 10, "{name} names {paths} paths");
    }
}

/// Names of entries of a folder, without what follows a dot.
fn entries(folder: &str, wanted: fn(&Path) -> bool) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.unwrap_or_else(|error| panic!("{}: {error}", folder.display())).path());
    paths
        .filter(|path| wanted(path))
        .filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
        .collect()
}

/// A module without a wall could be used to bypass all of them.
#[test]
fn every_module_has_its_wall() {
    let flow_ends = ["bin", "commands", "lib", "main", "facts"];
    for (path, _) in sources("src") {
        let own = module(&path);
        assert!(flow_ends.contains(&own) || MAY_USE.iter().any(|(module, _)| *module == own), "{path}: {own}");
    }
}

/// A check's code is a literal only in its own file; other files use the constant, which cannot be mistyped.
#[test]
fn codes_of_checks_are_literals_in_their_own_file_alone() {
    let mut literals = 0;
    for (path, text) in files("src").into_iter().filter(|(path, _)| !is_test(path)) {
        let own = text.strip_prefix("//! ").and_then(|doc| doc.split(':').next()).unwrap_or_default();
        for (line, code) in shipped(&text).lines().flat_map(|line| code_literals(line).map(move |code| (line, code))) {
            literals += 1;
            assert!(path.starts_with("src/checks/") && code == own, "{path} writes {code} itself: {line}");
            assert!(line.trim().starts_with("code: Code::new("), "{path} writes {code} twice: {line}");
        }
    }
    assert_eq!(literals, checks::all().count(), "each check has its code");
}

/// Returns string literals that are exactly the code of a check.
fn code_literals(line: &str) -> impl Iterator<Item = &str> {
    line.split('"').skip(1).step_by(2).filter(|text| {
        text.strip_prefix("AT")
            .is_some_and(|digits| digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit()))
    })
}

#[test]
fn every_file_says_what_it_is_for_and_can_be_read_as_a_whole() {
    for (path, text) in files("src").into_iter().chain(files("tests")) {
        assert!(text.starts_with("//! "), "{path} opens with a module doc");
        let lines = text.lines().count();
        assert!(lines <= MAX_LINES, "{path} has {lines} lines");
    }
}

/// A new source is one part, and one line of the list.
#[test]
fn every_part_is_one_file_and_one_line_of_the_list() {
    let sources = sources("src/evidence");
    let (_, list) = sources.iter().find(|(path, _)| path == "src/evidence/mod.rs").expect("it has the list");
    let list = list.split("parts! {").nth(1).and_then(|rest| rest.split("\n}").next()).expect("the list of parts");
    let mut listed: Vec<&str> =
        list.lines().filter_map(|line| Some(line.trim().strip_suffix(',')?.split_once(": ")?.1)).collect();
    let parts_of = |code: &str| -> Vec<String> {
        let implemented = code.split("impl Part for ").skip(1);
        implemented.filter_map(|rest| Some(rest.split_once(" {")?.0.to_owned())).collect()
    };
    let mut implemented: Vec<String> = Vec::new();
    for (path, code) in &sources {
        let parts = parts_of(code);
        assert!(parts.len() <= 1, "{path} has several parts: {parts:?}");
        if path.starts_with("src/evidence/hybrid/") && !path.ends_with("/mod.rs") {
            assert_eq!(parts.len(), 1, "{path} has no part");
        }
        implemented.extend(parts);
    }
    listed.sort_unstable();
    implemented.sort_unstable();
    assert_eq!(implemented, listed, "parts that are implemented, and those of the list in src/evidence/mod.rs");
}

/// Names of parts and sources come from them and are never written again. Names of one word and "accessLogs"
/// are excluded, because Kubernetes and the steps of playbooks use the same words.
#[test]
fn parts_and_sources_are_named_once() {
    let parts = ["meshLogging", "routeConfigs", "storedCertificates"];
    let sources = ["mesh-config", "mutating-webhooks", "secret-names", "tls-secrets", "validating-webhooks"];
    for name in parts.into_iter().chain(sources) {
        let literal = format!("\"{name}\"");
        let places: Vec<String> = files("src")
            .into_iter()
            .filter(|(_, text)| shipped(text).contains(&literal))
            .map(|(path, _)| path)
            .collect();
        assert!(matches!(places.as_slice(), [place] if place.starts_with("src/evidence/")), "{name}: {places:?}");
    }
}

#[test]
fn nothing_is_left_to_do() {
    // Concatenated, so that this file does not match.
    let marks = ["TO".to_owned() + "DO", "FIX".to_owned() + "ME", "X".repeat(3)];
    let macros = ["todo".to_owned() + "!(", "unimplemented".to_owned() + "!(", "dbg".to_owned() + "!("];
    for (path, text) in files("src").into_iter().chain(files("tests")) {
        for mark in marks.iter().chain(&macros) {
            let found = text.match_indices(mark.as_str()).any(|(i, _)| {
                let after = text[i + mark.len()..].chars().next();
                let before = text[..i].chars().next_back();
                !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
                    || mark.ends_with('(')
            });
            assert!(!found, "{path} holds {mark}");
        }
    }
}

/// Returns the top folder or file under `src`: `checks` for `src/checks/facts/words.rs`, `cli` for
/// `src/cli.rs`.
fn module(path: &str) -> &str {
    let below = path.strip_prefix("src/").unwrap_or(path);
    below.split('/').next().unwrap_or(below).trim_end_matches(".rs")
}

/// Returns every name that follows `crate::`.
fn used_modules(code: &str) -> impl Iterator<Item = &str> {
    code.match_indices("crate::").map(|(i, prefix)| {
        let used = &code[i + prefix.len()..];
        let end = used.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(used.len());
        &used[..end]
    })
}

/// Returns whether the text uses the path `name`: `my_kube::` does not use `kube::`.
fn uses(code: &str, name: &str) -> bool {
    code.match_indices(name)
        .any(|(i, _)| !code[..i].chars().next_back().is_some_and(|letter| letter.is_alphanumeric() || letter == '_'))
}

/// Returns paths and code of all sources below a folder, without comments, string contents and unit tests:
/// tests may read fixtures or start `git apply`.
fn sources(folder: &str) -> Vec<(String, String)> {
    files(folder)
        .into_iter()
        .filter(|(path, _)| !is_test(path))
        .map(|(path, text)| {
            let code = code_of(shipped(&text));
            (path, code)
        })
        .collect()
}

/// Returns whether the file holds only unit tests.
fn is_test(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    path.contains("/tests/") || name.ends_with("tests.rs") || name.starts_with("test_")
}

/// Returns the text without the unit tests at its end.
fn shipped(text: &str) -> &str {
    text.split("\n#[cfg(test)]\n").next().unwrap_or_default()
}

/// Drops comment lines and the content of string literals that end on their line.
fn code_of(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
        let mut quoted = false;
        let mut escaped = false;
        for letter in line.chars() {
            match letter {
                '"' if !escaped => quoted = !quoted,
                _ if !quoted => code.push(letter),
                _ => {}
            }
            escaped = letter == '\\' && !escaped;
        }
        code.push('\n');
    }
    code
}

/// Returns relative paths, with `/`, and texts of all Rust files below a folder.
fn files(folder: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap_or_else(|error| panic!("{}: {error}", folder.display())).path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
                found.push((name, text));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "{folder} holds Rust files");
    found
}
