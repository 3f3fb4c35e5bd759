//! Tests of the conventions of the catalogue.
//!
//! `UPDATE_DOCS=1 cargo test --test catalogue` writes the documents that are rendered from the catalogue.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use apigee_tls::bundle::manifest;
use apigee_tls::checks::{self, CATALOGUE, RETIRED};
use apigee_tls::playbooks::PLAYBOOKS;
use apigee_tls::report::documents::catalogue;
use apigee_tls::report::schema;

#[test]
fn codes_are_unique_sorted_well_formed_and_in_their_block() {
    let codes: Vec<&str> = checks::all().map(|(_, check)| check.code.as_str()).collect();
    assert!(codes.is_sorted_by(|one, next| one < next), "not sorted, or given twice: {codes:?}");
    for (family, check) in checks::all() {
        let digits = check.code.as_str().strip_prefix("AT").expect("codes begin with AT");
        assert!(digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit()), "{}", check.code);
        assert!(check.code.as_str().starts_with(family.block), "{} is in family {}", check.code, family.name);
        assert!(!RETIRED.contains(&check.code.as_str()), "{} was retired", check.code);
    }
    for code in RETIRED {
        assert!(code.starts_with("AT") && code.len() == 5, "{code}");
    }
}

#[test]
fn codes_names_and_levels_are_recorded() {
    let lines: Vec<String> = checks::all()
        .map(|(family, check)| {
            let step = PLAYBOOKS.iter().find_map(|playbook| playbook.step_of(family, check));
            let step = step.expect("every check is in a step");
            let mut key = step.key.as_str().to_owned();
            key[..1].make_ascii_uppercase();
            format!("{} {} {} {} {key}", check.code, check.name, check.level.as_str(), family.name)
        })
        .collect();
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("catalogue", lines.join("\n")));
}

/// A check that two steps have would be reported twice, and one that no step has never.
#[test]
fn every_check_of_the_families_of_a_playbook_is_in_exactly_one_step() {
    for playbook in PLAYBOOKS {
        let steps_of = |family, check| playbook.steps.iter().filter(move |step| step.has(family, check)).count();
        let families: BTreeSet<&str> = checks::all()
            .filter(|(family, check)| steps_of(family, check) > 0)
            .map(|(family, _)| family.name)
            .collect();
        assert!(!families.is_empty(), "{} has no check", playbook.name);
        for (family, check) in checks::all().filter(|(family, _)| families.contains(family.name)) {
            assert_eq!(steps_of(family, check), 1, "steps of {} that have {}", playbook.name, check.code);
        }
        let keys: BTreeSet<&str> = playbook.steps.iter().map(|step| step.key.as_str()).collect();
        assert_eq!(keys.len(), playbook.steps.len(), "{}: two steps have one key", playbook.name);
        assert!(!playbook.title.is_empty() && !playbook.title.ends_with('.'), "{}: a line", playbook.name);
    }
    let is_in_a_playbook = |(family, check)| PLAYBOOKS.iter().any(|playbook| playbook.step_of(family, check).is_some());
    assert!(checks::all().all(is_in_a_playbook));
}

#[test]
fn names_are_the_faults_and_unique() {
    let mut known = BTreeSet::new();
    for (_, check) in checks::all() {
        let name = check.name;
        assert!(known.insert(name), "{name} is given twice");
        let kebab = name.split('-').all(|word| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        });
        assert!(kebab, "{name} is not in kebab case");
        for start in ["check-", "invalid-", "bad-", "no-"] {
            assert!(!name.starts_with(start), "{name} begins with {start}");
        }
    }
    for family in CATALOGUE {
        assert!(known.insert(family.name), "{} is a check and a family: --only could not tell them apart", family.name);
    }
}

#[test]
fn every_check_is_a_file_of_its_name_and_every_file_is_registered() {
    for family in CATALOGUE {
        let folder = root().join("src/checks").join(family.name);
        let files: BTreeSet<String> = fs::read_dir(&folder)
            .expect("each family has a folder")
            .map(|entry| entry.expect("it can be listed").path())
            .map(|path| path.file_stem().expect("it has a name").to_string_lossy().into_owned())
            .filter(|stem| stem != "mod")
            .collect();
        let names: BTreeSet<String> = family.checks.iter().map(|check| check.name.replace('-', "_")).collect();
        assert_eq!(files, names, "files and checks of family {}", family.name);
        for check in family.checks {
            let text = fs::read_to_string(folder.join(check.name.replace('-', "_") + ".rs")).expect("it is there");
            assert!(text.starts_with(&format!("//! {}: ", check.code)), "{} opens its file with its code", check.code);
            assert_eq!(text.matches("Check = Check {").count(), 1, "{}: one fault, one file", check.code);
        }
    }
    let folders: BTreeSet<String> = fs::read_dir(root().join("src/checks"))
        .expect("the folder is there")
        .map(|entry| entry.expect("it can be listed"))
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    // Besides the families there is one folder, for the facts that several checks share.
    let rooms = CATALOGUE.iter().map(|family| family.name).chain(["facts"]);
    let rooms: BTreeSet<String> = rooms.map(str::to_owned).collect();
    assert_eq!(folders, rooms);
}

/// Texts refer to other checks by code. `explain` must know each of these codes.
#[test]
fn every_code_named_in_prose_exists() {
    let known: BTreeSet<&str> = checks::all().map(|(_, check)| check.code.as_str()).collect();
    let mut named = 0;
    for path in rust_files(&root().join("src")) {
        let text = fs::read_to_string(&path).expect("it is there");
        // Unit tests name codes that must not exist.
        let text = text
            .split(
                "
#[cfg(test)]
",
            )
            .next()
            .unwrap_or_default();
        for (i, _) in text.match_indices("AT") {
            let code = text.get(i..i + 5).unwrap_or_default();
            let is_word = !text[..i].ends_with(|before: char| before.is_ascii_alphanumeric())
                && !text[i + code.len()..].starts_with(|after: char| after.is_ascii_alphanumeric());
            if is_word && code.len() == 5 && code[2..].bytes().all(|byte| byte.is_ascii_digit()) {
                named += 1;
                assert!(known.contains(code), "{}: there is no {code}", path.display());
            }
        }
    }
    assert!(named > 2 * known.len(), "{named} codes were found, which are too few: the scan is broken");
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder).expect("the folder can be listed").map(|entry| entry.expect("it can be listed").path());
    let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) = entries.partition(|path| path.is_dir());
    let is_rust = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "rs");
    files.into_iter().filter(is_rust).chain(folders.iter().flat_map(|folder| rust_files(folder))).collect()
}

#[test]
fn texts_are_complete_sentences_and_summaries_one_line() {
    for (_, check) in checks::all() {
        let code = check.code;
        let summary = check.summary;
        assert!(!summary.is_empty() && !summary.contains('\n'), "{code}: the summary is one line");
        assert!(!summary.ends_with('.'), "{code}: the summary ends without a full stop");
        assert!(summary.chars().count() <= 90, "{code}: the summary has {} columns", summary.chars().count());
        assert!(starts_like_a_sentence(summary), "{code}: {summary}");
        let explanation = &check.explanation;
        for (part, text) in
            [("looks_for", explanation.looks_for), ("matters", explanation.matters), ("fix", explanation.fix)]
        {
            assert!(text.ends_with('.'), "{code}: {part} ends with a full stop: {text}");
            assert!(!text.contains("  "), "{code}: {part} has two spaces in a row: {text}");
            assert!(text.len() >= 20, "{code}: {part} says too little: {text}");
        }
        assert!(!check.reference.trim().is_empty(), "{code}: a reference");
    }
    for family in CATALOGUE {
        assert!(!family.judges.is_empty() && !family.judges.ends_with('.'), "{}: a fragment", family.name);
    }
}

/// Returns whether the first word begins with a capital letter or is the name of a setting.
fn starts_like_a_sentence(text: &str) -> bool {
    let word = text.split(' ').next().unwrap_or_default();
    word.starts_with(char::is_uppercase) || word.chars().skip(1).any(char::is_uppercase)
}

#[test]
fn checks_are_found_by_code_and_name_in_any_case() {
    for (_, check) in checks::all() {
        for text in [check.code.as_str().to_lowercase(), check.name.to_uppercase()] {
            assert_eq!(checks::find(&text).map(|(_, found)| found.code), Some(check.code));
        }
    }
}

#[test]
fn documents_match_the_catalogue() {
    let schemas = [
        ("contexts", schema::of_contexts()),
        ("diff", schema::of_diff()),
        ("edge-report", schema::of_edge()),
        ("evidence", schema::of_evidence()),
        ("fleet-diff", schema::of_fleet_diff()),
        ("manifest", manifest::json_schema()),
        ("pcap", schema::of_pcap()),
        ("probe", schema::of_probe()),
        ("report", schema::schema()),
        ("trace", schema::of_trace()),
        ("watch", schema::of_watch()),
    ];
    let schemas = schemas.into_iter().map(|(name, schema)| {
        let text = serde_json::to_string_pretty(&schema).expect("a schema serialises");
        (format!("docs/{name}.schema.json"), text + "\n")
    });
    for (name, wanted) in schemas.chain([("docs/checks.md".to_owned(), catalogue::markdown())]) {
        let path = root().join(&name);
        if std::env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1") {
            fs::write(&path, &wanted).expect("the document can be written");
        }
        let present = fs::read_to_string(&path).unwrap_or_default();
        assert!(present == wanted, "{name} is not what the catalogue says; UPDATE_DOCS=1 writes it");
    }
}

/// Findings link to the sections of `docs/checks.md`.
#[test]
fn every_documentation_url_has_its_anchor() {
    let page = fs::read_to_string(root().join("docs/checks.md")).expect("it is there");
    let headings = page.lines().filter_map(|line| line.strip_prefix("### "));
    let anchors: BTreeSet<String> = headings.map(|heading| heading.to_lowercase().replace(' ', "-")).collect();
    for (_, check) in checks::all() {
        let url = check.documentation_url();
        let (page, anchor) = url.split_once('#').expect("it has an anchor");
        assert!(page.ends_with("/docs/checks.md") && anchors.contains(anchor), "{url}");
    }
}

#[test]
fn topics_denote_checks_families_beginnings_and_words() {
    let codes = |topic: &str| -> Vec<&str> {
        checks::search(topic).into_iter().map(|(_, check)| check.code.as_str()).collect()
    };
    assert_eq!(codes("wildcard-route-missing"), ["AT201"]);
    assert_eq!(codes("AT53"), ["AT530", "AT531", "AT532", "AT533", "AT534", "AT535", "AT536", "AT537"]);
    assert_eq!(codes("at8xx"), codes("platform"));
    assert!(codes("Route").len() > 10 && codes("Route").iter().all(|code| code.starts_with("AT2")));
    assert!(codes("filter_chain_not_found").contains(&"AT101"));
    assert!(codes("no such word anywhere").is_empty() && codes("").is_empty());
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}
