//! The HTML pages as a parser reads them: no element and no attribute is made of data, nothing is loaded, and
//! the page of the largest evidence is small.

#![expect(clippy::expect_used, clippy::panic, reason = "helpers of tests fail as tests do")]

#[expect(dead_code, reason = "the cases of checks need more of it")]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use apigee_tls::bundle::BundleReader;
use apigee_tls::evidence::capture::Summary;
use apigee_tls::evidence::edge::{Edge, EdgeQuestion, Leg, LogFailure, MessageProcessorLog};
use apigee_tls::evidence::{Evidence, HybridQuestion, Seen};
use apigee_tls::judgement::capture::{self, CaptureReport};
use apigee_tls::judgement::contexts::{self, ContextsReport, Failure};
use apigee_tls::judgement::diff::fleet::{self, FleetDifference};
use apigee_tls::judgement::diff::{self, Difference};
use apigee_tls::judgement::edge::{self, EdgeReport};
use apigee_tls::judgement::probe::{self, ProbeReport};
use apigee_tls::judgement::trace::{self, Trace};
use apigee_tls::judgement::{FailOn, Report, Selection, build, rehearse};
use apigee_tls::report::formats::html;
use apigee_tls::report::html::FileLink;
use apigee_tls::report::{Document, Rule};
use scraper::{Html, Node};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use support::Setting;

/// Texts that break out of pages that trust data. Sources: OWASP's cheat sheet of filter evasion, the HTML
/// standard's list of elements that change how a parser goes on.
const HOSTILE: [&str; 30] = [
    "<script>alert(1)</script>",
    "\"><script>alert(1)</script>",
    "'><img src=x onerror=alert(1)>",
    "\" autofocus onfocus=alert(1) x=\"",
    "' onmouseover='alert(1)",
    "</title><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</textarea><b>",
    "</pre></code><iframe srcdoc='<script>alert(1)</script>'>",
    "<svg/onload=alert(1)>",
    "</svg><svg><animate onbegin=alert(1)>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<a href=\"javascript:alert(1)\">x</a>",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "<!--",
    "--><b>",
    "<![CDATA[",
    "]]><b>",
    "<plaintext>",
    "<base href=//evil.example/>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<template><b>",
    "<details open ontoggle=alert(1)>",
    "&lt;script&gt;alert(1)&lt;/script&gt; &#60;b&#62; &amp;lt;b",
    "{{ 7 * 7 }}{% raw %}<b>{{ x|safe }}",
    "\u{0}<b\u{0}>\u{feff}<\u{200b}script>",
    "\u{202e}>tpircs<\u{2028}<b>\r\n</p>",
    "`-alert(1)-`\\x3cb\\x3e\\u003cb\\u003e",
];

/// Attributes that may hold words of data. Browsers show them and never obey them.
const SPOKEN: [&str; 2] = ["aria-label", "title"];

fn evidence(stem: &str) -> Evidence {
    let path = support::root().join(format!("tests/verdicts/{stem}.yaml"));
    let mut case: Value = support::read(&path).expect("the case reads");
    for key in ["about", "exitCode"] {
        case.as_object_mut().expect("a case is a map").remove(key);
    }
    let setting: Setting = serde_json::from_value(case).expect("the case has a setting");
    setting.evidence().expect("the evidence fits")
}

fn recorded() -> Evidence {
    let path = support::root().join("examples/no-wildcard-route.tar.gz");
    BundleReader::open(&path.to_string_lossy()).and_then(BundleReader::into_evidence).expect("the bundle has evidence")
}

/// A backend that refuses a certificate, and one that does not say why it refuses.
fn of_edge() -> Evidence {
    let failure = |backend: &str, message: &str| LogFailure {
        proxy: "orders".into(),
        revision: "3".into(),
        backend: backend.into(),
        message: message.into(),
        timed_out: false,
        count: 3,
        first: "2026-11-20 09:00:01,000".into(),
        last: "2026-11-20 09:00:04,000".into(),
        first_at: None,
    };
    let failures = vec![
        failure("203.0.113.10:443", "Received fatal alert: certificate_expired"),
        failure("203.0.113.11:443", "Received fatal alert: handshake_failure"),
    ];
    let question = EdgeQuestion { legs: vec![Leg::Northbound, Leg::Southbound], ..EdgeQuestion::default() };
    let log = MessageProcessorLog {
        files: vec!["system.log".into()],
        of_others: 2,
        others: vec!["other/prod".into()],
        has_own: true,
        failures,
        joined: Vec::new(),
        more: 0,
    };
    let mut evidence = Evidence::not_gathered(HybridQuestion::default(), jiff::Timestamp::UNIX_EPOCH, "a test");
    evidence.edge = Seen::Seen(Edge { question, log: Some(log), ..Edge::default() });
    evidence
}

/// The table of checks has the filters and the rules of every other page.
#[test]
fn checks_of_edge_can_be_filtered_and_explain_themselves() {
    let page = page(&edge::build(&of_edge(), FailOn::default(), false));
    for wanted in
        ["data-field=\"outcome\"", "data-outcome=\"found\"", "data-outcome=\"unknown\"", "in the list of checks"]
    {
        assert!(page.contains(wanted), "{wanted}");
    }
}

fn report(evidence: &Evidence) -> Report {
    let mut report = build(evidence, &Selection::default(), FailOn::default());
    report.rehearsal = rehearse(evidence, &Selection::default());
    report
}

fn compared(before: &ContextsReport, after: &ContextsReport) -> FleetDifference {
    fleet::compare(before, after, FailOn::default()).expect("the reports unpack")
}

/// A fleet has one page of at most 2 MB, in which each row leads to the section of its cluster, without a
/// script.
#[test]
fn the_page_of_a_fleet_is_small_and_leads_to_each_cluster() {
    let found = report(&evidence("reproduced-no-wildcard"));
    let failed = |number: usize| Failure {
        message: format!("could not reach https://203.0.113.{number}"),
        reason: "refused".into(),
        hint: Some("is the cluster up?".into()),
        exit_code: 2,
    };
    let contexts = (0..200).map(|number| {
        let outcome = if number % 4 == 0 { Err(failed(number)) } else { Ok(found.clone()) };
        (format!("gke_project-{number}_europe-west1_production-{number}"), outcome)
    });
    let all = contexts::build(contexts);
    for page in [page(&all), page(&compared(&contexts::build([]), &all))] {
        assert!(page.len() < 2_000_000, "{} bytes", page.len());
        let document = Html::parse_document(&page);
        let select = |selector: &str| scraper::Selector::parse(selector).expect("a selector");
        let links: Vec<&str> =
            document.select(&select("tbody th a")).filter_map(|link| link.value().attr("href")).collect();
        assert_eq!(links.len(), 200);
        for link in links {
            assert_eq!(document.select(&select(&format!("details{link}"))).count(), 1, "{link}");
        }
    }
    let page = page(&all);
    for wanted in ["<h3>Fix</h3>", "<h3>Findings</h3>", "<h3>Not seen</h3>", "AT101", "is the cluster up?"] {
        assert!(page.contains(wanted), "{wanted}");
    }
}

fn page(document: &impl Document) -> String {
    html::with_files(document, &[]).expect("a page")
}

/// Calls `$look` with each kind of document.
macro_rules! each_document {
    ($look:ident) => {{
        let found = evidence("reproduced-no-wildcard");
        let captured = evidence("captured-failures");
        let failed = || Failure {
            message: "could not connect".into(),
            reason: "refused".into(),
            hint: Some("try again".into()),
            exit_code: 2,
        };
        let both = [("east".to_owned(), Ok(report(&found))), ("west".to_owned(), Err(failed()))];
        let fleet = ["a", "b", "c", "d"].map(|name| (name.to_owned(), Ok(report(&found))));
        let fleet = contexts::build(fleet.into_iter().chain([("e".to_owned(), Err(failed()))]));
        $look::<Report>("report", &report(&found));
        $look::<Report>("recorded", &report(&recorded()));
        $look::<Report>("captured", &report(&captured));
        $look::<ContextsReport>("contexts", &contexts::build(both));
        $look::<ContextsReport>("fleet", &fleet);
        let other = contexts::build([("a".to_owned(), Ok(report(&captured))), ("z".to_owned(), Ok(report(&found)))]);
        $look::<FleetDifference>("fleet-difference", &compared(&fleet, &other));
        $look::<ProbeReport>("probe", &probe::build(&recorded(), FailOn::default()));
        $look::<Difference>("difference", &diff::compare(&found, &captured, FailOn::default()));
        $look::<EdgeReport>("edge", &edge::build(&of_edge(), FailOn::default(), false));
        $look::<Trace>("trace", &trace::build(&found, Some("api.example.com")));
        let capture = captured.captures.into_iter().next().expect("the case has a capture");
        let question = capture::Question::default();
        $look::<CaptureReport>("capture", &capture::build(capture, &Summary::default(), question, FailOn::default()));
    }};
}

/// Every string of a document that may be any string gets the text appended. Two pages that differ in such
/// texts alone have the same elements and attributes, whatever the texts are.
fn spoiled<D: Serialize + DeserializeOwned>(document: &D) -> impl Fn(&str) -> D + use<D> {
    let value = serde_json::to_value(document).expect("it serialises");
    let mut free = BTreeSet::new();
    for place in places(&value) {
        let mut changed = value.clone();
        append(&mut changed, "", &BTreeSet::from([place.clone()]), "x");
        if changed != value && serde_json::from_value::<D>(changed).is_ok() {
            free.insert(place);
        }
    }
    assert!(free.len() > 3, "only {free:?} can be any text");
    move |text: &str| {
        let mut changed = value.clone();
        append(&mut changed, "", &free, text);
        serde_json::from_value(changed).expect("each of these texts may change")
    }
}

/// Returns the places of strings and of keys, without the numbers of items.
fn places(value: &Value) -> BTreeSet<String> {
    fn walk(value: &Value, place: &str, found: &mut BTreeSet<String>) {
        match value {
            Value::String(_) => {
                found.insert(place.to_owned());
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, &format!("{place}/*"), found)),
            Value::Object(fields) => {
                found.insert(format!("{place}/="));
                fields.iter().for_each(|(key, field)| walk(field, &format!("{place}/{key}"), found));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    let mut found = BTreeSet::new();
    walk(value, "", &mut found);
    found
}

fn append(value: &mut Value, place: &str, free: &BTreeSet<String>, text: &str) {
    match value {
        Value::String(known) if free.contains(place) => known.push_str(text),
        Value::Array(items) => items.iter_mut().for_each(|item| append(item, &format!("{place}/*"), free, text)),
        Value::Object(fields) => {
            for (key, field) in &mut *fields {
                append(field, &format!("{place}/{key}"), free, text);
            }
            // Keys of a structure cannot change; those of a map are data.
            if place.ends_with("erverNames") && free.contains(&format!("{place}/=")) {
                *fields = std::mem::take(fields).into_iter().map(|(key, field)| (key + text, field)).collect();
            }
        }
        _ => {}
    }
}

/// The elements and attributes of a page in order. Of attributes that show data, only the names.
fn skeleton(page: &str) -> Vec<String> {
    let document = Html::parse_document(page);
    assert!(document.errors.is_empty(), "{:?}", document.errors);
    let nodes = document.tree.nodes().filter_map(|node| match node.value() {
        Node::Element(element) => {
            let attributes: BTreeMap<&str, &str> =
                element.attrs().map(|(name, value)| (name, if SPOKEN.contains(&name) { "" } else { value })).collect();
            Some(format!("{} {attributes:?}", element.name()))
        }
        Node::Comment(comment) => panic!("the page has no comment, but has {comment:?}"),
        _ => None,
    });
    nodes.collect()
}

fn resists<D: Document + DeserializeOwned>(name: &str, document: &D) {
    let with = spoiled(document);
    let expected = skeleton(&page(&with("zz")));
    let same = |text: &str| {
        let shown = page(&with(text));
        let found = skeleton(&shown);
        if found != expected {
            let difference = found.iter().zip(&expected).find(|(one, other)| one != other);
            panic!("{name} with {text:?}: {difference:?}");
        }
        let hidden = |letter: &char| (letter.is_control() && *letter != '\n') || *letter == '\u{202e}';
        assert_eq!(shown.chars().find(hidden), None, "{name} with {text:?}");
    };
    for text in HOSTILE {
        same(text);
    }
    same(&HOSTILE.concat());
}

#[test]
fn no_element_and_no_attribute_is_made_of_data() {
    each_document!(resists);
}

/// Random pieces of markup, joined in any order.
#[test]
fn no_sequence_of_markup_breaks_out() {
    let pieces = [
        "<",
        ">",
        "\"",
        "'",
        "`",
        "=",
        "/",
        "&",
        ";",
        "#",
        "x3c",
        "lt",
        " ",
        "\n",
        "\t",
        "\0",
        "<!--",
        "-->",
        "]]>",
        "</",
        "<?",
        "<!",
        "script",
        "style",
        "svg",
        "title",
        "pre",
        "p",
        "table",
        "option",
        "select",
        "onerror",
        "href",
        "javascript:",
        "\u{202e}",
        "é",
        "\\",
        "{{",
        "}}",
        "{%",
    ];
    let with = spoiled(&report(&evidence("reproduced-no-wildcard")));
    let expected = skeleton(&page(&with("zz")));
    for seed in 1..=40_u64 {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state % pieces.len() as u64).expect("a small number")
        };
        let text: String = (0..24).map(|_| pieces[next()]).collect();
        assert!(skeleton(&page(&with(&text))) == expected, "seed {seed}: {text:?}");
    }
}

/// The page has its policy before everything else, asks for nothing, and links only to the catalogue, to
/// itself and to the files of the bundle.
fn is_closed<D: Document + DeserializeOwned>(name: &str, document: &D) {
    let files = [FileLink { path: "04-ingress/".into(), about: "objects".into(), sections: &["routes"] }];
    let page = html::with_files(document, &files).expect("a page");
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"), "{name}");
    let parsed = Html::parse_document(&page);
    let catalogue: BTreeSet<String> =
        apigee_tls::checks::all().filter_map(|(_, check)| Rule::of(check.code)).map(|rule| rule.url).collect();
    let mut ids = BTreeSet::new();
    let mut links = Vec::new();
    for element in parsed.tree.nodes().filter_map(|node| node.value().as_element()) {
        let is_loader = matches!(
            element.name(),
            "audio"
                | "base"
                | "embed"
                | "form"
                | "iframe"
                | "image"
                | "img"
                | "link"
                | "object"
                | "source"
                | "use"
                | "video"
        );
        assert!(!is_loader, "{name} has {}", element.name());
        for (attribute, value) in element.attrs() {
            let is_obeyed = attribute.starts_with("on") || ["src", "srcset", "style", "srcdoc"].contains(&attribute);
            assert!(!is_obeyed, "{name}: {attribute}={value}");
            match attribute {
                "id" => assert!(ids.insert(value.to_owned()), "{name} has id {value} twice"),
                "href" => links.push(value.to_owned()),
                _ => {}
            }
        }
    }
    for link in links {
        let is_known = match link.strip_prefix('#') {
            Some(anchor) => ids.contains(anchor),
            None => catalogue.contains(&link) || files.iter().any(|file| file.path == link),
        };
        assert!(is_known, "{name} links to {link}");
    }
    let first = page.find("<meta http-equiv=\"Content-Security-Policy\"").expect("it has a policy");
    assert!(first < page.find("<style").expect("a style") && page.contains("default-src &#39;none&#39;"), "{name}");
    for labelled in ["aria-labelledby", "data-table"] {
        let selector = scraper::Selector::parse(&format!("[{labelled}]")).expect("a selector");
        for element in parsed.select(&selector) {
            let of = element.value().attr(labelled).unwrap_or_default();
            assert!(ids.contains(of), "{name}: {labelled} {of}");
        }
    }
}

#[test]
fn pages_ask_for_nothing_and_their_links_lead_somewhere() {
    each_document!(is_closed);
}

/// `safe` is for what another template has rendered, and for the page's own style and script.
#[test]
fn no_value_of_data_is_safe() {
    let mut safe = BTreeSet::new();
    for entry in std::fs::read_dir(support::root().join("src/report/html/templates")).expect("the templates") {
        let text = std::fs::read_to_string(entry.expect("a template").path()).expect("a template reads");
        assert!(!text.contains("escape(") && !text.contains("|escape") && !text.contains("{% filter"), "{text}");
        let before = |part: &str| part.rsplit(['{', ' ']).next().unwrap_or_default().to_owned();
        safe.extend(text.split("|safe").map(before).take(text.matches("|safe").count()));
        assert!(!text.contains("| safe"), "{text}");
    }
    assert_eq!(safe, ["body", "it.body", "script", "style"].map(str::to_owned).into());
}

/// The page has what the report has.
#[test]
fn the_page_of_a_report_has_every_part() {
    let report = report(&recorded());
    let files = [FileLink { path: "README.md".into(), about: "overview".into(), sections: &["seen"] }];
    let parsed = Html::parse_document(&html::with_files(&report, &files).expect("a page"));
    let text_of = |css: &str| -> Vec<String> {
        let selector = scraper::Selector::parse(css).expect("a selector");
        parsed.select(&selector).map(|element| element.text().collect::<String>()).collect()
    };
    assert_eq!(text_of("h1").concat(), report.verdict.headline);
    let parts = [
        "chain",
        "seen",
        "timeline",
        "clients",
        "fix",
        "handshakes",
        "certificates",
        "groups",
        "routes",
        "playbook",
        "checks",
        "not-seen",
        "files",
    ];
    for part in parts {
        assert_eq!(text_of(&format!("section#report-{part}")).len(), 1, "{part}");
    }
    assert_eq!(text_of(".origin-files a"), ["README.md"]);
    assert_eq!(text_of("#report-seen .origin-files").concat(), "Files: README.md");
    assert_eq!(text_of("#report-checks-table tbody tr").len(), report.checks.len());
    assert_eq!(text_of(".playbook > li").len(), report.steps.len());
    let pasted = text_of("#report-fix .paste code");
    for paste in report.remedy.steps.iter().filter_map(|step| step.paste.as_ref()) {
        assert!(pasted.iter().any(|text| text.trim_end() == paste.trim_end()), "{paste}");
    }
    let chain = report.chain.as_ref().expect("a chain");
    assert_eq!(text_of("#report-chain > ol.chain li").len(), chain.links.len());
    assert_eq!(text_of("#report-chain > ol.chain li.to-fix").len(), usize::from(chain.broken.is_some()));
    let resets = report.summary.resets.as_ref().expect("resets");
    assert_eq!(text_of("#report-clients-table tbody tr").len(), resets.clients.len());
    assert_eq!(text_of("#report-logs-table tbody tr").len(), resets.pods.len() + resets.files.len());
}

/// 500 routes with their Secrets, 100,000 clients, a day of minutes.
#[test]
fn the_page_of_the_largest_evidence_is_small() {
    let mut value = serde_json::to_value(evidence("reproduced-no-wildcard")).expect("it serialises");
    let repeat = |list: &mut Value, change: &dyn Fn(&mut Value, usize)| {
        let first = list.as_array().and_then(|items| items.first()).cloned().expect("a first item");
        let copies = (0..500).map(|i| {
            let mut copy = first.clone();
            change(&mut copy, i);
            copy
        });
        *list = copies.collect();
    };
    repeat(&mut value["routes"]["seen"]["items"], &|route, i| {
        route["name"] = format!("my-organisation-hybrid-environment-group-{i}-000-{i:07x}").into();
        route["owner"] = format!("my-organisation-hybrid-environment-group-{i}").into();
        route["hostnames"] =
            (0..20).map(|n| Value::from(format!("api-{n}.group-{i}.production.my-company.example"))).collect();
        for port in route["ports"].as_array_mut().expect("ports") {
            port["tls"]["credentialName"] = format!("my-organisation-secret-{i}").into();
        }
    });
    repeat(&mut value["routeConfigs"]["seen"]["items"], &|config, i| {
        config["name"] = format!("my-organisation-hybrid-environment-group-{i}").into();
        config["secretName"] = format!("my-organisation-secret-{i}").into();
    });
    repeat(&mut value["storedCertificates"]["seen"], &|stored, i| {
        stored["origin"]["secret"]["name"] = format!("my-organisation-secret-{i}").into();
    });
    let clients: serde_json::Map<String, Value> = (0..100_000_u32)
        .map(|i| {
            let address = std::net::Ipv4Addr::from(0x0b00_0000 + i * 7).to_string();
            (address, json!({ "count": i % 97 + 1, "first": "2026-11-22T09:02:40Z", "last": "2026-11-22T09:09:10Z" }))
        })
        .collect();
    let minutes: serde_json::Map<String, Value> =
        (0..1440).map(|i| (format!("2026-11-21T{:02}:{:02}Z", i / 60, i % 60), json!(i % 31))).collect();
    let log = &mut value["accessLogs"][0]["log"]["seen"];
    log["resetWithoutName"]["clients"] = clients.into();
    log["resetWithoutName"]["minutes"] = minutes.into();
    log["resetWithoutName"]["count"] = 5_000_000.into();
    let evidence: Evidence = serde_json::from_value(value).expect("the evidence fits");
    let report = build(&evidence, &Selection::default(), FailOn::default());
    assert_eq!(report.summary.routes.as_ref().map(Vec::len), Some(500));
    assert_eq!(report.summary.certificates.as_ref().map(Vec::len), Some(500));
    let page = page(&report);
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
    // For a person to look at.
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("largest-evidence.html");
    std::fs::write(path, &page).expect("it is written");
    // What is left out is counted. Of the clients, logs keep 20,000 apart.
    assert!(page.contains("and 19800 more clients; all others together have "), "the rest of the clients");
}

/// Thousands of targets: a table of them, and the details of the worst.
#[test]
fn the_page_of_many_targets_is_small() {
    let mut report = probe::build(&recorded(), FailOn::default());
    let targets = report.targets.clone();
    assert!(!targets.is_empty());
    report.targets = targets.iter().cycle().take(3_000).cloned().collect();
    for (i, target) in report.targets.iter_mut().enumerate() {
        target.name = format!("api-{i}.production.my-company.example:443");
    }
    let page = page(&report);
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
    assert!(page.contains("and 1000 more targets") && page.contains("and 2920 more targets without details"));
}

/// The format is that of the command line, and a bundle has the page beside its text.
#[test]
fn the_program_writes_the_page() {
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_kubectl-apigee-tls"));
        command.args(arguments).current_dir(support::root()).output().expect("the program runs")
    };
    let ran = run(&["diagnose", "--from", "examples/no-wildcard-route.tar.gz", "-o", "html"]);
    assert_eq!(ran.status.code(), Some(1), "{}", String::from_utf8_lossy(&ran.stderr));
    let evidence = recorded();
    let expected = page(&build(&evidence, &Selection::default(), FailOn::default()));
    assert!(String::from_utf8_lossy(&ran.stdout) == expected, "the page of the program is that of the library");
}
