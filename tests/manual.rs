//! The manual pages under `docs/man/` are those of the command line.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use apigee_tls::cli::Cli;
use clap::{Command, CommandFactory as _};
use clap_mangen::Man;

fn pages() -> BTreeMap<String, String> {
    let mut command = Cli::command();
    command.build();
    let mut pages = BTreeMap::new();
    add(&command, "kubectl-apigee-tls", &mut pages);
    pages
}

/// Adds the page of a command, and those of its subcommands.
fn add(command: &Command, name: &str, pages: &mut BTreeMap<String, String>) {
    let mut page = Vec::new();
    // Without a date: the pages change with the command line alone.
    let manual = Man::new(command.clone()).title(name).date("").source("kubectl-apigee-tls").manual("kubectl");
    manual.render(&mut page).expect("a page can be written");
    pages.insert(format!("{name}.1"), String::from_utf8(page).expect("a page is text"));
    for subcommand in
        command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set() && subcommand.get_name() != "help")
    {
        add(subcommand, &format!("{name}-{}", subcommand.get_name()), pages);
    }
}

#[test]
fn pages_are_those_of_the_command_line() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/man");
    let pages = pages();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::remove_dir_all(&folder).ok();
        fs::create_dir_all(&folder).expect("the folder can be created");
        for (name, page) in &pages {
            fs::write(folder.join(name), page).expect("a page can be written");
        }
    }
    let kept = fs::read_dir(&folder).expect("the folder is there").map(|entry| {
        let path = entry.expect("it can be listed").path();
        let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
        (name, fs::read_to_string(&path).expect("a page is text"))
    });
    let kept: BTreeMap<String, String> = kept.collect();
    assert!(kept == pages, "UPDATE_DOCS=1 cargo test --test manual writes them again");
}

#[test]
fn every_command_has_a_page_with_its_flags() {
    let pages = pages();
    let page = pages.get("kubectl-apigee-tls-diagnose.1").expect("diagnose has a page");
    assert!(
        page.contains("no\\-sni") || page.contains("\\-\\-overrides") || page.contains("\\-\\-namespace"),
        "{page}"
    );
    assert!(pages.len() > 10 && !pages.contains_key("kubectl-apigee-tls-__complete.1"));
}
