//! The HTML pages in a real browser: they load without network and errors, can be read, filtered, copied and
//! printed, fit narrow windows, and an accessibility checker finds nothing serious.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

mod devtools;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use apigee_tls::bundle::BundleReader;
use apigee_tls::judgement::{FailOn, Report, Selection, build, contexts, diff, probe, rehearse, trace};
use apigee_tls::report::Document;
use apigee_tls::report::formats::html;
use data_encoding::BASE64;
use serde_json::{Value, json};

use self::devtools::Browser;

/// Widths of a desktop, a phone, and the narrowest that WCAG 2.1 (1.4.10) asks for.
const WIDTHS: [u32; 3] = [1280, 400, 320];
const SCHEMES: [&str; 2] = ["light", "dark"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn evidence(example: &str) -> apigee_tls::evidence::Evidence {
    let path = root().join("examples").join(example);
    BundleReader::open(&path.to_string_lossy()).and_then(BundleReader::into_evidence).expect("the bundle has evidence")
}

fn report() -> Report {
    let evidence = evidence("no-wildcard-route.tar.gz");
    let mut report = build(&evidence, &Selection::default(), FailOn::default());
    report.rehearsal = rehearse(&evidence, &Selection::default());
    report
}

/// A folder with a page of each document.
struct Pages {
    folder: tempfile::TempDir,
    files: Vec<PathBuf>,
}

impl Pages {
    fn new() -> Self {
        let (before, after) = (evidence("no-wildcard-route.tar.gz"), evidence("after-the-fix.tar.gz"));
        let fixed = build(&after, &Selection::default(), FailOn::default());
        let both = contexts::build([("east".to_owned(), Ok(report())), ("west".to_owned(), Ok(fixed.clone()))]);
        let mut pages = Self { folder: tempfile::tempdir().expect("a folder"), files: Vec::new() };
        pages.add("report", &report());
        pages.add("healthy", &fixed);
        pages.add("contexts", &both);
        pages.add("probe", &probe::build(&before, FailOn::default()));
        pages.add("difference", &diff::compare(&before, &after, FailOn::default()));
        pages.add("trace", &trace::build(&before, None));
        let mut pcap = Command::new(env!("CARGO_BIN_EXE_kubectl-apigee-tls"));
        pcap.args(["pcap", "fuzz/corpus/capture_analysis/two-flows.pcap", "-o", "html"]).current_dir(root());
        pages.write("capture", &pcap.output().expect("the program runs").stdout);
        pages
    }

    fn add(&mut self, name: &str, document: &impl Document) {
        self.write(name, html::with_files(document, &[]).expect("a page").as_bytes());
    }

    fn write(&mut self, name: &str, page: &[u8]) {
        assert!(page.starts_with(b"<!doctype html>"), "{name} is no page");
        let path = self.folder.path().join(format!("{name}.html"));
        fs::write(&path, page).expect("it is written");
        self.files.push(path);
    }
}

/// The page of a report, opened.
fn opened(browser: &mut Browser) -> Pages {
    let pages = Pages::new();
    browser.look(1280, "light");
    browser.open(&pages.files[0]);
    pages
}

#[test]
fn every_page_loads_alone_and_fits_every_window() {
    let mut browser = Browser::start();
    for page in Pages::new().files.iter().flat_map(|page| WIDTHS.map(|width| (page, width))) {
        let (page, width) = page;
        browser.look(width, "light");
        browser.open(page);
        let name = page.display();
        let events = ["Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"];
        assert_eq!(browser.events(&events), Vec::<Value>::new(), "{name}");
        let requests = browser.events(&["Network.requestWillBeSent"]);
        assert_eq!(requests.len(), 1, "{name}: {requests:#?}");
        let widths = browser.evaluate(
            "for (const folded of document.querySelectorAll('details')) folded.open = true;
             [document.documentElement.scrollWidth, document.documentElement.clientWidth]",
        );
        assert_eq!(widths[0], widths[1], "{name} is wider than a window of {width} pixels");
    }
}

#[test]
fn filters_show_the_rows_that_fit() {
    let mut browser = Browser::start();
    let _pages = opened(&mut browser);
    let report = report();
    let shown =
        "[...document.querySelectorAll('#report-checks-table tbody tr')].filter((row) => row.checkVisibility()).length";
    assert_eq!(browser.evaluate(shown), report.checks.len());
    let found = report.checks.iter().filter(|check| !check.findings.is_empty()).count();
    let choose = |field: &str, value: &str| {
        format!(
            "{{ const choice = document.querySelector('#report-checks [data-field={field}]');
                choice.value = '{value}'; choice.dispatchEvent(new Event('input', {{ bubbles: true }})); {shown} }}"
        )
    };
    assert_eq!(browser.evaluate(&choose("outcome", "found")), found);
    let errors = report.checks.iter().filter(|check| check.level.as_str() == "error" && !check.findings.is_empty());
    assert_eq!(browser.evaluate(&choose("level", "error")), errors.count());
    browser.evaluate(&choose("level", ""));
    browser.evaluate(&choose("outcome", ""));
    // As a user types.
    browser.evaluate("document.querySelector('#report-checks input').focus()");
    browser.call("Input.insertText", &json!({ "text": "AT201" }));
    assert!(browser.evaluate(shown).as_u64().is_some_and(|rows| (1..10).contains(&rows)));
    let spoken = browser.evaluate("document.getElementById('live').textContent");
    assert!(
        spoken.as_str().is_some_and(|text| text.ends_with(&format!("of {} rows", report.checks.len()))),
        "{spoken}"
    );
}

#[test]
fn commands_are_copied_as_they_are() {
    let mut browser = Browser::start();
    let _pages = opened(&mut browser);
    let permissions = json!({ "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"] });
    browser.call("Browser.grantPermissions", &permissions);
    browser
        .evaluate("document.querySelector('#report-fix .copy').click(); new Promise((done) => setTimeout(done, 200))");
    let copied = browser.evaluate("navigator.clipboard.readText()");
    let paste = report().remedy.steps.into_iter().find_map(|step| step.paste).expect("a step with a command");
    assert_eq!(copied.as_str(), Some(paste.trim_end_matches('\n')));
    assert_eq!(browser.evaluate("document.getElementById('live').textContent"), "Copied");
}

/// Without scripts, every text is there, and nothing that would need a script is shown.
#[test]
fn pages_read_without_scripts() {
    let mut browser = Browser::start();
    browser.call("Emulation.setScriptExecutionDisabled", &json!({ "value": true }));
    let _pages = opened(&mut browser);
    assert_eq!(browser.evaluate("document.querySelectorAll('button').length"), 0);
    let controls = "[...document.querySelectorAll('input, select')].filter((it) => it.checkVisibility()).length";
    assert_eq!(browser.evaluate(controls), 0);
    let text = browser.evaluate("document.body.textContent");
    let text = text.as_str().expect("a text");
    for check in &report().checks {
        assert!(text.contains(check.code.as_str()), "{}", check.code);
    }
}

#[test]
fn the_keyboard_reaches_the_answer_and_every_control() {
    let mut browser = Browser::start();
    let _pages = opened(&mut browser);
    browser.press("Tab", 9);
    assert_eq!(browser.evaluate("document.activeElement.className"), "skip");
    let count = browser.evaluate(
        "[...document.querySelectorAll('a, button, input, select, summary, .scroll')]
            .filter((it) => it.checkVisibility()).length",
    );
    let mut reached = 1;
    for _ in 0..count.as_u64().expect("a number") {
        browser.press("Tab", 9);
        if browser.evaluate("document.activeElement !== document.body") == true {
            reached += 1;
        }
    }
    assert!(reached >= count.as_u64().expect("a number"), "{reached} of {count}");
}

#[test]
fn the_page_prints_with_everything_unfolded() {
    let mut browser = Browser::start();
    let pages = opened(&mut browser);
    let printed = browser.call("Page.printToPDF", &json!({ "printBackground": true, "preferCSSPageSize": true }));
    let pdf = BASE64.decode(printed["data"].as_str().expect("data").as_bytes()).expect("base64");
    let path = pages.folder.path().join("report.pdf");
    fs::write(&path, &pdf).expect("it is written");
    let text = Command::new("pdftotext").arg(&path).arg("-").output().expect("pdftotext: tests/setup.sh all");
    let text = String::from_utf8_lossy(&text.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    let report = report();
    for check in &report.checks {
        assert!(text.contains(check.code.as_str()), "{} is not printed", check.code);
    }
    // The undo of a step is folded on the screen.
    assert!(text.contains("delete apigeeroute non-sni"), "{text:.3000}");
    assert!(!text.contains("Copy"), "buttons are printed");
}

/// axe-core, whose script `tests/setup.sh` fetches.
#[test]
fn an_accessibility_checker_finds_nothing_serious() {
    let listed = Command::new("tests/setup.sh").arg("paths").current_dir(root()).output().expect("setup.sh runs");
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let axe = listed.lines().find_map(|line| line.strip_prefix("axe=")).expect("setup.sh knows where axe-core is");
    let axe = fs::read_to_string(axe).expect("axe-core is there: tests/setup.sh all");
    let mut browser = Browser::start();
    let run = "for (const folded of document.querySelectorAll('details')) folded.open = true;
        axe.run(document, { resultTypes: ['violations'] }).then((result) => result.violations
            .filter((it) => ['serious', 'critical'].includes(it.impact))
            .map((it) => `${it.id}: ${it.nodes.slice(0, 3).map((node) => node.html + ' ' + node.failureSummary).join(' | ')}`))";
    for page in &Pages::new().files {
        // Colours do not depend on the width.
        for (scheme, width) in SCHEMES.into_iter().zip([1280, 400]) {
            browser.look(width, scheme);
            browser.open(page);
            browser.evaluate(&axe);
            let found = browser.evaluate(run);
            assert_eq!(found, json!([]), "{} {scheme} {width}", page.display());
        }
    }
}

/// For a person to look at: `cargo test --test browser screenshots -- --ignored`.
#[test]
#[ignore = "writes pictures"]
fn screenshots() {
    let mut browser = Browser::start();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    for page in &Pages::new().files {
        for (scheme, width) in SCHEMES.into_iter().flat_map(|scheme| [1280, 400].map(|width| (scheme, width))) {
            browser.look(width, scheme);
            browser.open(page);
            let picture =
                browser.call("Page.captureScreenshot", &json!({ "format": "png", "captureBeyondViewport": false }));
            let picture = BASE64.decode(picture["data"].as_str().expect("data").as_bytes()).expect("base64");
            let name = page.file_stem().expect("a name").to_string_lossy();
            fs::write(folder.join(format!("{name}-{width}-{scheme}.png")), picture).expect("it is written");
        }
    }
}
