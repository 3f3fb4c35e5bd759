//! Tests certificate files beside an overrides file, with absolute paths, and missing ones.

use super::*;
use crate::gather::files::overrides::overrides_file;
use crate::gather::test_certificates::Issuer;

use std::fs;

#[test]
fn files_are_found_beside_the_overrides_and_their_keys_stay_there() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("certs")).unwrap();
    let root = Issuer::root("root");
    let (leaf, key) = root.leaf("api.example.com", 20_000, 20_090);
    let key = String::from_utf8(key.private_key_to_pem_pkcs8().unwrap()).unwrap();
    fs::write(home.path().join("certs/a.pem"), leaf.to_pem().unwrap()).unwrap();
    fs::write(home.path().join("certs/a.key"), &key).unwrap();
    fs::write(home.path().join("large"), vec![b'x'; MAX_FILE + 1]).unwrap();
    let folder = home.path().display().to_string();
    let host = |number: u32, certificate: &str, key: &str| {
        format!("- name: grp{number}\n  sslCertPath: {certificate}\n  sslKeyPath: {key}\n")
    };
    let text = format!(
        "virtualhosts:\n{}{}{}{}{}{}- name: none\n  sslSecret: s\n",
        host(1, "certs/a.pem", "certs/a.key"),
        host(2, &format!("{folder}/certs/a.pem"), "certs/missing.key"),
        host(3, "./certs/a.pem", "large"),
        host(4, "certs/missing.pem", "certs/a.key"),
        host(5, "certs", "\"\""),
        host(6, "certs/a.key", "\"\""),
    );
    let overrides = home.path().join("overrides.yaml");
    fs::write(&overrides, text).unwrap();
    let name = overrides.to_str().unwrap();

    let found = local_certificates(&[overrides_file(name).unwrap().0]);

    let named_at = |position: usize| match &found[position].origin {
        StoredIn::File { named_at, .. } => String::from(named_at.clone()),
        StoredIn::Secret { name } => panic!("{name}"),
    };
    assert_eq!((found.len(), named_at(0)), (6, format!("{name}:3:16")));
    let content = |position: usize| found[position].content.seen().unwrap();
    assert_eq!(content(0).keys, [CERTIFICATE, KEY]);
    assert_eq!((content(0).certificate_entry.as_deref(), &content(0).key), (Some(CERTIFICATE), &KeyFit::Fits));
    assert_eq!(content(0).certificates[0].dns_names, ["api.example.com"]);
    assert_eq!(
        content(1).key,
        KeyFit::NotRead(Unavailable::new("certs/missing.key", Reason::NotRequested(NOT_HERE.into())))
    );
    assert_eq!(
        content(2).key,
        KeyFit::NotRead(Unavailable::new("large", Reason::Broken("it is larger than 1 MiB".into())))
    );
    let why = |position: usize| found[position].content.seen().unwrap_err();
    assert_eq!(why(3).reason, Reason::NotRequested(NOT_HERE.into()));
    assert_eq!(why(4).reason, Reason::Broken("it is no file with bytes in it".into()));
    // A key in place of the certificate is reported as not a certificate, and not shown.
    assert_eq!(content(5).certificate_fault.as_deref(), Some("there is no BEGIN CERTIFICATE line"));
    assert_eq!((content(5).keys.len(), &content(5).key), (1, &KeyFit::Absent));
    let output = format!("{found:?} {}", serde_json::to_string(&found).unwrap());
    let body = key.lines().nth(1).unwrap();
    assert!(!output.contains(body));
}

#[test]
fn the_folder_of_the_chart_is_first_and_nothing_is_read_beside_a_secret() {
    let home = tempfile::tempdir().unwrap();
    let root = Issuer::root("root");
    let pem = |name: &str| root.leaf(name, 20_000, 20_090).0.to_pem().unwrap();
    for (folder, name) in [("apigee-virtualhost/certs", "chart.example"), ("overrides/certs", "beside.example")] {
        fs::create_dir_all(home.path().join(folder)).unwrap();
        fs::write(home.path().join(folder).join("a.pem"), pem(name)).unwrap();
    }
    fs::write(home.path().join("apigee-virtualhost/certs/ca.pem"), root.certificate.to_pem().unwrap()).unwrap();
    let text = "virtualhosts:\n- name: a\n  sslCertPath: ./certs/a.pem\n  tlsMode: MUTUAL\n  caCertPath: certs/ca.pem\n\
        - name: b\n  sslSecret: s\n  sslCertPath: certs/a.pem\n- name: c\n  sslCertPath: certs/${C}.pem\n";
    for folder in ["", "overrides"] {
        let overrides = home.path().join(folder).join("overrides.yaml");
        fs::write(&overrides, text).unwrap();

        let found = local_certificates(&[overrides_file(overrides.to_str().unwrap()).unwrap().0]);

        assert_eq!(found.len(), 2);
        let content = found[0].content.seen().unwrap();
        assert_eq!(content.certificates[0].dns_names, ["chart.example"]);
        assert!(content.file.as_ref().unwrap().ends_with("apigee-virtualhost/certs/a.pem"));
        let cas = content.client_cas.as_ref().unwrap().seen().unwrap();
        assert_eq!((cas.certificates.len(), cas.entry.as_deref()), (1, Some(CLIENT_CAS)));
        let why = found[1].content.seen().unwrap_err();
        assert_eq!(why.reason, Reason::NotRequested(NOT_FILLED.into()));
    }
}

#[test]
fn the_number_of_files_is_limited() {
    let mut text = "virtualhosts:\n".to_owned();
    for number in 0..=MAX_PAIRS {
        text.push_str(&format!("- name: grp{number}\n  sslCertPath: missing.pem\n"));
    }
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
    let found = local_certificates(&[overrides_file(file.path().to_str().unwrap()).unwrap().0]);
    let reason = found[MAX_PAIRS].content.seen().unwrap_err().reason;
    assert_eq!(reason.to_string(), "not requested (the files of no more than 64 virtual hosts are read)");
}

#[cfg(unix)]
#[test]
fn an_inaccessible_place_does_not_count_as_missing() {
    let home = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("loop.pem", home.path().join("loop.pem")).unwrap();
    fs::write(home.path().join("file"), "").unwrap();
    let made = std::process::Command::new("mkfifo").arg(home.path().join("pipe.pem")).status().unwrap();
    assert!(made.success());
    let overrides = home.path().join("overrides.yaml");
    let hosts: Vec<String> = ["loop.pem", "pipe.pem", "file/below.pem"]
        .iter()
        .map(|path| format!("- name: {path}\n  sslCertPath: {path}\n"))
        .collect();
    fs::write(&overrides, format!("virtualhosts:\n{}", hosts.concat())).unwrap();
    let files = [overrides_file(overrides.to_str().unwrap()).unwrap().0];

    let found = local_certificates(&files);

    let why = |position: usize| found[position].content.seen().unwrap_err().reason;
    assert!(matches!(why(0), Reason::Broken(_)), "{:?}", why(0));
    assert_eq!(why(1), Reason::Broken("it is no file with bytes in it".into()));
    assert_eq!(why(2), Reason::NotRequested(NOT_HERE.into()));
    let late = Reason::TimedOut { milliseconds: 1 };
    let unread = unread(&files, &late);
    assert_eq!(unread.len(), 3);
    assert!(unread.iter().all(|one| one.content.seen().is_err_and(|why| why.reason == late)));
}
