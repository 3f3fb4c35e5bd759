//! Files alone: single objects, the files of an earlier run beside the user's own, files under the wrong
//! flag, and windows that leave nothing.

use std::fs;
use std::process::Output;

use serde_json::Value;

use crate::local::Home;

/// Connections without SNI that were reset.
fn resets() -> String {
    let is_reset = |line: &&str| line.contains("filter_chain_not_found") && line.contains("\"sni_host\":null");
    crate::RECORDS.lines().filter(is_reset).map(|line| format!("{line}\n")).collect()
}

/// A route without SNI clients, as `kubectl get apigeeroute X -o yaml` prints it.
const ROUTE: &str = "\
apiVersion: apigee.cloud.google.com/v1alpha2
kind: ApigeeRoute
metadata:
  name: catch-all
  namespace: apigee
spec:
  hostnames: [\"*\"]
  enableNonSniClient: false
  selector: {app: apigee-ingressgateway}
  ports:
  - number: 443
    protocol: HTTPS
    tls: {mode: SIMPLE, credentialName: shop}
";

const CONFIG: &str = "\
apiVersion: apigee.cloud.google.com/v1alpha2
kind: ApigeeRouteConfig
metadata: {name: acme-shop, namespace: apigee}
spec: {additionalGateways: []}
";

fn home() -> Home {
    Home::new(&[])
}

fn write(home: &Home, name: &str, text: impl AsRef<[u8]>) {
    let path = home.path(name);
    fs::create_dir_all(path.parent().expect("it is in the folder")).expect("the folder is made");
    fs::write(path, text).expect("the file is written");
}

/// The report with one space for each line break.
fn report(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn evidence(home: &Home, arguments: &[&str]) -> Value {
    // What an earlier run wrote is not replaced.
    drop(fs::remove_file(home.path("evidence.json")));
    let mut all = arguments.to_vec();
    all.extend(["--write-evidence", "evidence.json"]);
    home.run(&all);
    let text = fs::read_to_string(home.path("evidence.json")).expect("the evidence is written");
    serde_json::from_str(&text).expect("evidence is JSON")
}

#[test]
fn a_single_object_is_read_in_every_form() {
    let home = home();
    write(&home, "access.log", resets());
    let named = ROUTE.replace("catch-all", "shop").replace("[\"*\"]", "[shop.example.com]");
    let json = |yaml: &str| {
        let value: Value = serde_yaml::from_str(yaml).expect("it is YAML");
        serde_json::to_string_pretty(&value).expect("it is JSON")
    };
    let item = |yaml: &str| yaml.lines().map(|line| format!("  {line}\n")).collect::<String>().replacen("  ", "- ", 1);
    let list = format!("apiVersion: v1\nkind: List\nitems:\n{}{}", item(ROUTE), item(CONFIG));
    for (form, text, configs) in [
        ("yaml", ROUTE.to_owned(), 0),
        ("yaml with a mark in front", format!("---\n{ROUTE}"), 0),
        ("json", json(ROUTE), 0),
        ("documents", format!("{ROUTE}---\n{CONFIG}"), 1),
        ("list", list.clone(), 1),
        ("list as json", json(&list), 1),
    ] {
        write(&home, "objects.yaml", text);
        let run = ["diagnose", "--offline", "-f", "objects.yaml", "--access-log", "access.log"];
        let evidence = evidence(&home, &run);
        assert_eq!(evidence["routes"]["seen"]["items"][0]["name"], "catch-all", "{form}");
        let found = evidence["routeConfigs"]["seen"]["items"].as_array().map_or(0, Vec::len);
        assert_eq!(found, configs, "{form}");
        let report = report(&home.run(&run));
        assert!(report.contains("catch-all has enableNonSniClient false"), "{form}: {report}");
    }
    write(&home, "objects.yaml", named);
    let output = home.run(&["diagnose", "--offline", "-f", "objects.yaml", "--access-log", "access.log"]);
    let report = report(&output);
    assert!(report.contains("of its ApigeeRoutes only shop was given"), "{report}");
    assert!(!report.contains("could not be read"), "{report}");
}

#[test]
fn given_overrides_replace_those_of_the_earlier_run() {
    let home = home();
    let overrides =
        |gateways: &str| format!("org: acme\nvirtualhosts:\n- name: shop\n  additionalGateways: [{gateways}]\n");
    write(&home, "old/overrides.yaml", overrides("old"));
    write(&home, "mine.yaml", overrides("mine"));
    evidence(&home, &["diagnose", "--offline", "-f", "old/overrides.yaml"]);
    fs::rename(home.path("evidence.json"), home.path("run.json")).expect("it is there");
    let run = ["diagnose", "--from", "run.json", "-f", "mine.yaml"];
    let after = evidence(&home, &run);
    let files = after["overrides"].as_array().expect("a list");
    let names: Vec<&Value> = files.iter().map(|file| &file["name"]).collect();
    assert_eq!(names, ["mine.yaml"]);
    let text = report(&home.run(&run));
    assert!(
        text.contains("old/overrides.yaml of the earlier run: not judged: -f gives mine.yaml in its place"),
        "{text}"
    );
    // The same content is the same file, where it is now.
    write(&home, "copy.yaml", overrides("old"));
    let run = ["diagnose", "--from", "run.json", "-f", "copy.yaml"];
    assert_eq!(evidence(&home, &run)["overrides"][0]["name"], "copy.yaml");
    let text = report(&home.run(&run));
    assert!(!text.contains("of the earlier run"), "{text}");
}

#[test]
fn commands_for_certificate_files_name_those_at_fault_alone() {
    let home = home();
    write(
        &home,
        "overrides.yaml",
        "org: acme\nvirtualhosts:\n- name: shop\n  sslCertPath: certs/shop.pem\n  sslKeyPath: certs/shop.key\n\
         - name: partners\n  sslCertPath: certs/partners.pem\n  sslKeyPath: certs/partners.key\n",
    );
    write(&home, "apigee-virtualhost/certs/partners.pem", "no certificate\n");
    let output = home.run(&["diagnose", "--offline", "-f", "overrides.yaml", "-o", "json"]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("the report is JSON");
    let steps = report["remedy"]["steps"].as_array().expect("a list");
    let step = steps.iter().find(|step| step["title"].as_str().is_some_and(|title| title.contains("AT418")));
    let step = step.expect("there is a step");
    let title = step["title"].as_str().unwrap_or_default();
    assert_eq!(
        title,
        "Correct certificate file apigee-virtualhost/certs/partners.pem of virtual host partners (AT418)"
    );
    let paste = step["paste"].as_str().unwrap_or_default();
    assert!(paste.contains("-in apigee-virtualhost/certs/partners.pem"), "{paste}");
    assert!(paste.contains("helm upgrade partners apigee-virtualhost/"), "{paste}");
    assert!(!paste.contains("shop"), "{paste}");
}

#[test]
fn a_file_under_the_wrong_flag_is_refused_with_the_right_one() {
    let home = home();
    write(&home, "access.log", resets());
    write(&home, "overrides.yaml", "org: acme\nvirtualhosts:\n- name: shop\n");
    write(&home, "route.yaml", ROUTE);
    write(&home, "some.pcap", [0xD4, 0xC3, 0xB2, 0xA1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0]);
    let bundle = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/no-wildcard-route.tar.gz");
    fs::copy(bundle, home.path("bundle.tar.gz")).expect("the example is there");
    evidence(&home, &["diagnose", "--offline", "-f", "overrides.yaml"]);
    let cases: [(&[&str], &str, &str); 14] = [
        (&["-f", "bundle.tar.gz"], "bundle.tar.gz with -f: it is a support bundle", "--from"),
        (&["-f", "access.log"], "access.log with -f: it is an access log", "--access-log"),
        (&["-f", "some.pcap"], "some.pcap with -f: it is a packet capture", "--pcap"),
        (&["-f", "evidence.json"], "it is the evidence of an earlier run", "--from"),
        (&["--access-log", "bundle.tar.gz"], "with --access-log: it is a support bundle", "--from"),
        (&["--access-log", "some.pcap"], "with --access-log: it is a packet capture", "--pcap"),
        (&["--access-log", "overrides.yaml"], "with --access-log: it is an overrides file", "`diagnose -f` takes it"),
        (
            &["--access-log", "route.yaml"],
            "with --access-log: it is a file of Kubernetes objects",
            "`diagnose -f` takes it",
        ),
        (&["--pcap", "access.log"], "with --pcap: it is an access log", "--access-log"),
        (&["--pcap", "bundle.tar.gz"], "with --pcap: it is a support bundle", "--from"),
        (&["-f", "route.yaml", "--baseline", "bundle.tar.gz"], "with --baseline: it is a support bundle", "--from"),
        (&["-f", "route.yaml", "--baseline", "evidence.json"], "with --baseline: it is the evidence", "--from"),
        (&["-f", "route.yaml", "--baseline", "access.log"], "with --baseline: it is an access log", "--access-log"),
        (&["-f", "route.yaml", "--baseline", "some.pcap"], "with --baseline: it is a packet capture", "--pcap"),
    ];
    for (flags, what, hint) in cases {
        let output = home.run(&[&["diagnose", "--offline"], flags].concat());
        let text = errors(&output);
        assert_eq!(output.status.code(), Some(2), "{flags:?}: {text}");
        assert!(text.starts_with("error: could not use ") && text.contains(what) && text.contains(hint), "{text}");
    }
    for command in [["trace", "a.example", "--from", "access.log"], ["diff", "access.log", "bundle.tar.gz", "-v"]] {
        let output = home.run(&command);
        assert_eq!(output.status.code(), Some(2));
        assert!(errors(&output).contains("it is an access log"), "{}", errors(&output));
    }
    let output = home.run(&["pcap", "access.log"]);
    assert!(errors(&output).contains("it is an access log"), "{}", errors(&output));
}

#[test]
fn a_window_without_records_says_of_how_many() {
    let home = home();
    write(&home, "access.log", resets());
    let all = evidence(&home, &["diagnose", "--offline", "--access-log", "access.log"]);
    let records = all["accessLogs"][0]["log"]["seen"]["records"].as_u64().expect("a number");
    let output =
        home.run(&["diagnose", "--offline", "--access-log", "access.log", "--since-time", "2100-01-01T00:00:00Z"]);
    let text = report(&output);
    let expected = format!("none of its {records} records is in the requested window: all are before 2100-01-01");
    assert!(text.contains(&expected), "{text}");
    assert!(text.contains("NEXT the records before the requested window can be judged: kubectl apigee-tls diagnose --offline --access-log access.log"), "{text}");
    assert_eq!(output.status.code(), Some(3), "{text}");
}

/// Both streams show the same redacted report.
#[test]
fn the_verdict_of_short_output_has_the_names_of_its_lines() {
    let home = home();
    let name = "Zq8vK2mXw4Tn7RbL5cYd";
    write(&home, "route.yaml", ROUTE.replace("catch-all", name));
    write(&home, "access.log", resets());
    let flags = ["--keep-random-tokens", "--access-log", "access.log"];
    let output = home.run(&[&["diagnose", "--offline", "-f", "route.yaml", "-o", "short"], &flags[..]].concat());
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(lines.contains(name), "{lines}");
    assert!(errors(&output).contains(name), "{}", errors(&output));
}

#[test]
fn an_error_of_kubectl_is_no_overrides_file() {
    let home = home();
    write(&home, "routes.yaml", "Error from server (Forbidden): apigeeroutes.apigee.cloud.google.com is forbidden\n");
    let output = home.run(&["diagnose", "--offline", "-f", "routes.yaml"]);
    let report = report(&output);
    assert!(report.contains("it is an error message of kubectl"), "{report}");
    assert!(!report.contains("defines no virtual host"), "{report}");
}

#[test]
fn several_files_are_merged_as_helm_merges_them() {
    let home = home();
    let host =
        "virtualhosts:\n- name: shop\n  sslSecret: shop\n  selector: {app: apigee-ingressgateway, ingress_name: one}\n";
    write(&home, "common.yaml", format!("org: acme\ningressGateways:\n- name: one\n{host}"));
    write(&home, "reset.yaml", "virtualhosts: []\n");
    write(&home, "two.yaml", "ingressGateways:\n- name: two\n");
    let judge = |later: &str| report(&home.run(&["diagnose", "--offline", "-f", "common.yaml", "-f", later]));
    let emptied = judge("reset.yaml");
    assert!(emptied.contains("reset.yaml has an empty virtualhosts"), "{emptied}");
    let replaced = judge("two.yaml");
    assert!(replaced.contains("selects ingress gateway one, which is not defined"), "{replaced}");
}

/// The format in which a gateway writes its records is in the overrides file, where there is no cluster.
#[test]
fn reads_a_log_in_the_format_of_the_overrides_file() {
    let home = Home::new(&[]);
    let format = r#"{"t":"%START_TIME%","peer":"%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%","code":"%RESPONSE_CODE%","why":"%RESPONSE_CODE_DETAILS%","flags":"%RESPONSE_FLAGS%","name":"%REQUESTED_SERVER_NAME%"}"#;
    let overrides = format!("org: a\nistiod:\n  accessLogFormat: '{format}'\n");
    fs::write(home.path("overrides.yaml"), overrides).expect("the file is written");
    let record = r#"{"t":"2026-11-22T09:00:00.000Z","peer":"10.1.2.3:4711","code":0,"why":"filter_chain_not_found","flags":"NR","name":null}"#;
    fs::write(home.path("gateway.log"), format!("{record}\n").repeat(3)).expect("the log is written");
    let counted = |flags: &[&str]| {
        let run =
            [&["diagnose", "--offline", "--access-log", "gateway.log", "--write-evidence", "e.json"], flags].concat();
        home.run(&run);
        let text = fs::read_to_string(home.path("e.json")).expect("the evidence is written");
        let evidence: Value = serde_json::from_str(&text).expect("evidence is JSON");
        fs::remove_file(home.path("e.json")).expect("it is there");
        evidence["accessLogs"][0]["log"]["seen"]["resetWithoutName"]["count"].clone()
    };
    assert_eq!(counted(&["-f", "overrides.yaml"]), 3);
    assert_eq!(counted(&[]), 0);
}

/// As `>` writes it in older shells of Windows.
#[test]
fn judges_a_file_in_utf_16() {
    let home = Home::new(&[]);
    let text = "\u{feff}org: a\r\nvirtualhosts:\r\n- name: north\r\n  tlsMode: BOTH\r\n";
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(home.path("overrides.yaml"), &wide).expect("the file is written");
    let run = home.run(&["diagnose", "--offline", "-f", "overrides.yaml", "-o", "json"]);
    let report = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(
        report.contains("overrides.yaml:4:12") && report.contains("virtual host north names no certificate"),
        "{report}"
    );
    // Without its mark, neither what is in it nor what helm does with it is known.
    fs::write(home.path("overrides.yaml"), &wide[2..]).expect("the file is written");
    let run = home.run(&["diagnose", "--offline", "-f", "overrides.yaml"]);
    let report = String::from_utf8_lossy(&run.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(report.contains("UTF-16 (little endian) without a byte order mark"), "{report}");
    assert!(!report.contains("cannot be parsed as YAML"), "{report}");
}
