//! Hostile archives, assembled byte by byte, and the error for each.

use std::collections::BTreeMap;
use std::error::Error as _;

use data_encoding::HEXLOWER;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use tar::{EntryType, Header};

use super::*;
use crate::bundle::manifest::{FileEntry, SCHEMA};
use crate::bundle::source;
use crate::evidence::HybridQuestion;

const TOP: &str = "apigee-tls-prod-apigee-20261124T201922Z";

fn listed(path: &str, content: &[u8]) -> FileEntry {
    FileEntry {
        path: path.to_owned(),
        origin: "test".to_owned(),
        why: "to be read".to_owned(),
        bytes: content.len() as u64,
        sha256: HEXLOWER.encode(&Sha256::digest(content)),
        redactions: BTreeMap::new(),
        truncated: None,
    }
}

fn manifest(files: Vec<FileEntry>) -> Manifest {
    Manifest {
        schema: SCHEMA.to_owned(),
        tool_version: "0.1.0".to_owned(),
        name: TOP.to_owned(),
        collected_at: "2026-11-24T20:19:22Z".parse().unwrap(),
        case: None,
        note: None,
        pseudonyms: Vec::new(),
        context: Some("prod".to_owned()),
        namespace: "apigee".to_owned(),
        partial: None,
        plan: Vec::new(),
        files,
        skipped: Vec::new(),
        timings: BTreeMap::new(),
    }
}

/// Returns an entry with exactly this header.
fn entry(path: &[u8], kind: EntryType, content: &[u8]) -> Vec<u8> {
    sized(path, kind, content.len() as u64, content)
}

fn sized(path: &[u8], kind: EntryType, bytes: u64, content: &[u8]) -> Vec<u8> {
    let mut header = Header::new_ustar();
    header.as_old_mut().name[..path.len()].copy_from_slice(path);
    header.set_entry_type(kind);
    header.set_size(bytes);
    header.set_mode(0o600);
    header.set_cksum();
    let mut blocks = header.as_bytes().to_vec();
    blocks.extend_from_slice(content);
    blocks.resize(blocks.len().next_multiple_of(512), 0);
    blocks
}

fn file(path: &str, content: &[u8]) -> Vec<u8> {
    entry(format!("{TOP}/{path}").as_bytes(), EntryType::Regular, content)
}

fn head(manifest: &Manifest) -> Vec<u8> {
    file("manifest.json", &serde_json::to_vec_pretty(manifest).unwrap())
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Returns the parts as a gzip file, with the end of an archive.
fn archive(parts: &[Vec<u8>]) -> Vec<u8> {
    packed(&[parts.concat(), vec![0; 1024]].concat())
}

/// Returns an archive with a manifest that lists these files, and further parts.
fn with(listed_files: &[(&str, &[u8])], parts: &[Vec<u8>]) -> Vec<u8> {
    let files = listed_files.iter().map(|(path, content)| listed(path, content)).collect();
    archive(&[vec![head(&manifest(files))], parts.to_vec()].concat())
}

fn evidence() -> Vec<u8> {
    let question = HybridQuestion {
        namespace: "apigee".to_owned(),
        selector: "app=apigee-ingressgateway".to_owned(),
        offline: true,
        ..HybridQuestion::default()
    };
    let evidence = Evidence::not_gathered(question, "2026-11-24T20:19:22Z".parse().unwrap(), "of a test");
    serde_json::to_vec_pretty(&evidence).unwrap()
}

fn limits() -> Limits {
    Limits {
        entries: 5,
        entry_bytes: 100_000,
        evidence_bytes: 50_000,
        manifest_bytes: 20_000,
        total_bytes: 200_000,
        ratio_allowance: 50_000,
        ratio: 20,
    }
}

/// Returns the text of the error with its causes.
fn error_text(error: &ReadError) -> String {
    let mut text = format!("could not {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        text += &format!(": {cause}");
        source = cause.source();
    }
    text
}

fn refused(bytes: &[u8]) -> String {
    let result = archive::read("x.tar.gz", bytes, Retain::Evidence(None), &limits())
        .and_then(|contents| BundleReader::of("x.tar.gz", contents));
    error_text(&result.expect_err("it is refused"))
}

fn complete() -> Vec<u8> {
    let evidence = evidence();
    let files: [(&str, &[u8]); 4] = [
        ("README.md", b"read me"),
        ("report.json", b"{}"),
        ("evidence.json", &evidence),
        ("05-logs/a/istio-proxy.log", b"a line\n"),
    ];
    with(&files, &files.map(|(path, content)| file(path, content)))
}

#[test]
fn reads_a_bundle() {
    let bytes = complete();
    let bundle = BundleReader::from_reader("x", &bytes[..]).unwrap();
    assert_eq!(serde_json::to_vec_pretty(bundle.evidence().unwrap()).unwrap(), evidence());
    assert_eq!(bundle.manifest().files.len(), 4);
    assert_eq!(bundle.into_evidence().unwrap().question.namespace(), "apigee");
}

#[test]
fn reports_a_bundle_without_evidence() {
    let bundle = BundleReader::from_reader("x", &with(&[], &[])[..]).unwrap();
    assert_eq!(error_text(&bundle.evidence().unwrap_err()), "could not find the evidence in the bundle x");
}

#[test]
fn tells_other_files_from_broken_bundles() {
    for (bytes, why) in [
        (Vec::new(), "it is empty"),
        (b"PK\x03\x04 a zip file".to_vec(), "it is not a gzip file"),
        (b"{\"schema\":\"apigee-tls.evidence/v1\"}".to_vec(), "it is not a gzip file"),
        (packed(&[]), "it is an empty archive"),
        (archive(&[]), "it is an empty archive"),
        (
            archive(&[entry(b"bug-report/", EntryType::Directory, b"")]),
            "its first entry is \"bug-report/\", not manifest.json in a folder",
        ),
        (
            archive(&[entry(b"manifest.json", EntryType::Regular, b"{}")]),
            "its first entry is \"manifest.json\", not manifest.json in a folder",
        ),
        (
            archive(&[entry(b"../manifest.json", EntryType::Regular, b"{}")]),
            "its first entry is \"../manifest.json\", not manifest.json in a folder",
        ),
        (
            archive(&[entry(b"a/b/manifest.json", EntryType::Regular, b"{}")]),
            "its first entry is \"a/b/manifest.json\", not manifest.json in a folder",
        ),
        (
            archive(&[entry(b"a/manifest.json", EntryType::Symlink, b"")]),
            "its first entry is \"a/manifest.json\", not manifest.json in a folder",
        ),
        (
            archive(&[entry(b"a\xE4/manifest.json", EntryType::Regular, b"")]),
            "its first entry: invalid utf-8 sequence of 1 bytes from index 1",
        ),
        (
            archive(&[entry(b"PaxHeader/x", EntryType::XHeader, b"20 mtime=1700000000\n")]),
            "its first header was written by another tool",
        ),
    ] {
        assert_eq!(refused(&bytes), format!("could not read x.tar.gz as a bundle: {why}"));
    }
    let text = refused(&packed(&b"a compressed log line of somebody\n".repeat(100)));
    assert!(text.starts_with("could not read x.tar.gz as a bundle: it does not hold a tar archive: "), "{text}");
}

#[test]
fn names_other_versions() {
    let of = |schema: &str| {
        let mut other = manifest(Vec::new());
        schema.clone_into(&mut other.schema);
        refused(&archive(&[head(&other)]))
    };
    assert_eq!(
        of("apigee-tls.bundle/v2"),
        "could not read the bundle x.tar.gz: its format \"apigee-tls.bundle/v2\" was written by a newer version; \
         this version reads \"apigee-tls.bundle/v1\""
    );
    for schema in ["apigee-tls.bundle/v0", "netdata-support-bundle/v1", ""] {
        let expected = format!("its format is {schema:?}; this version reads \"apigee-tls.bundle/v1\"");
        assert_eq!(of(schema), format!("could not read the bundle x.tar.gz: {expected}"));
    }
    // A newer version is recognised by its schema alone, whatever else differs.
    let newer = file("manifest.json", b"{\"schema\":\"apigee-tls.bundle/v3\",\"files\":7}");
    assert!(refused(&archive(&[newer])).contains("was written by a newer version"));
}

#[test]
fn accepts_unknown_and_missing_fields() {
    let json = format!(
        "{{\"schema\":{SCHEMA:?},\"toolVersion\":\"0.0.1\",\"name\":{TOP:?},\"collectedAt\":\"2026-11-24T20:19:22Z\",\
         \"namespace\":\"apigee\",\"files\":[],\"later\":{{\"a\":1}}}}"
    );
    let bundle = BundleReader::from_reader("x", &archive(&[file("manifest.json", json.as_bytes())])[..]).unwrap();
    assert_eq!(bundle.manifest().tool_version, "0.0.1");
    let text = refused(&archive(&[file("manifest.json", format!("{{\"schema\":{SCHEMA:?}}}").as_bytes())]));
    assert!(text.starts_with("could not parse manifest.json of the bundle x.tar.gz: missing field"), "{text}");
}

#[test]
fn rejects_entries_that_lead_elsewhere() {
    let one = |path: &[u8], kind: EntryType| refused(&with(&[], &[entry(path, kind, b"")]));
    let inside = |kind| one(format!("{TOP}/a").as_bytes(), kind);
    let not_a_file = |what: &str| {
        format!(
            "could not accept the bundle x.tar.gz: \"{TOP}/a\" may not be in a bundle: it is {what}, and only regular files are \
             allowed"
        )
    };
    for (kind, what) in [
        (EntryType::Symlink, "a symbolic link"),
        (EntryType::Link, "a hard link"),
        (EntryType::Char, "a device"),
        (EntryType::Block, "a device"),
        (EntryType::Fifo, "a pipe"),
        (EntryType::Directory, "a folder"),
        (EntryType::GNUSparse, "a file with holes"),
        (EntryType::GNULongName, "a header of another tool"),
        (EntryType::GNULongLink, "a header of another tool"),
        (EntryType::XGlobalHeader, "a header of another tool"),
        (EntryType::Continuous, "of an unknown kind"),
    ] {
        assert_eq!(inside(kind), not_a_file(what));
    }
    let path = |path: &str, why: &str| {
        let shown = format!("could not accept the bundle x.tar.gz: \"{path}\" {why}");
        assert_eq!(one(path.as_bytes(), EntryType::Regular), shown);
    };
    path("/etc/passwd", "may not be in a bundle: it is absolute");
    path("../a", "may not be in a bundle: it has a part `.` or `..`");
    path(&format!("{TOP}/../a"), "may not be in a bundle: it has a part `.` or `..`");
    path(&format!("{TOP}/a\\b"), "may not be in a bundle: it holds a backslash");
    path(&format!("{TOP}//a"), "may not be in a bundle: it is empty or has an empty part");
    path("other/a", &format!("is not in the folder {TOP:?}"));
    path("a", &format!("is not in the folder {TOP:?}"));
    path(&format!("{TOP}2/a"), &format!("is not in the folder {TOP:?}"));
    assert!(one(b"a\xFF", EntryType::Regular).ends_with("its name is not UTF-8"));
}

/// In a plain header a name ends at NUL; an extended header could hold it.
#[test]
fn takes_only_paths_from_extended_headers() {
    let extended = |records: &[u8]| entry(b"", EntryType::XHeader, records);
    let record = |key: &str, value: &str| {
        let rest = key.len() + value.len() + 3;
        let length = (rest..rest + 9).find(|length| length.to_string().len() + rest == *length).unwrap();
        format!("{length} {key}={value}\n").into_bytes()
    };
    let name = format!("{TOP}/über/日本.log");
    let content = b"a line";
    let files: [(&str, &[u8]); 1] = [("über/日本.log", content)];
    let good = with(&files, &[extended(&record("path", &name)), entry(b"x", EntryType::Regular, content)]);
    BundleReader::from_reader("x", &good[..]).unwrap();

    let bad = |parts: &[Vec<u8>]| refused(&with(&files, parts));
    let after = "could not accept the bundle x.tar.gz: \"the entry in manifest.json\" may not be in a bundle: ";
    let more = format!("{after}its header holds more than the name");
    let path = record("path", &name);
    for records in [
        record("linkpath", "/etc/passwd"),
        record("size", "7"),
        [record("path", "a"), path.clone()].concat(),
        [path.clone(), record("mtime", "1")].concat(),
        b"no records".to_vec(),
        b"99999999999999999999 path=a\n".to_vec(),
        Vec::new(),
        vec![b'a'; 4000],
    ] {
        assert_eq!(bad(&[extended(&records)]), more);
    }
    assert_eq!(bad(&[extended(&path), extended(&path)]), more);
    assert_eq!(bad(&[extended(&path)]), "could not read the bundle x.tar.gz: it is cut off in manifest.json");
    let nul = record("path", &format!("{TOP}/a\0.log"));
    let text = bad(&[extended(&nul), entry(b"x", EntryType::Regular, content)]);
    assert!(text.ends_with("may not be in a bundle: it holds a control character"), "{text}");
}

#[test]
fn rejects_what_differs_from_the_manifest() {
    let files: [(&str, &[u8]); 2] = [("a.txt", b"one"), ("b.txt", b"two")];
    let trust = |rest: &str| format!("could not accept the bundle x.tar.gz: {rest}");
    let parts = |parts: &[Vec<u8>]| refused(&with(&files, parts));
    let (a, b) = (file("a.txt", b"one"), file("b.txt", b"two"));
    assert_eq!(parts(std::slice::from_ref(&a)), trust("\"b.txt\" is listed in the manifest but missing"));
    assert_eq!(parts(&[a.clone(), file("c.txt", b"new"), b.clone()]), trust("\"c.txt\" is not listed in the manifest"));
    assert_eq!(parts(&[a.clone(), a.clone(), b.clone()]), trust("\"a.txt\" may not be in a bundle: it occurs twice"));
    let second = file("manifest.json", b"{}");
    assert_eq!(parts(&[a.clone(), second]), trust("\"manifest.json\" may not be in a bundle: it occurs twice"));
    assert_eq!(parts(&[file("a.txt", b"one!")]), trust("\"a.txt\" has 4 bytes, but 3 in the manifest"));
    assert_eq!(parts(&[file("a.txt", b"One")]), trust("\"a.txt\" does not match the manifest: its SHA-256 differs"));
    // The order of files does not matter.
    let bytes = with(&files, &[b, a]);
    assert!(BundleReader::from_reader("x", &bytes[..]).is_ok());
    let mut renamed = manifest(Vec::new());
    renamed.name = "another".to_owned();
    assert_eq!(
        refused(&archive(&[head(&renamed)])),
        trust(&format!("\"{TOP}/manifest.json\" is not in the folder \"another\""))
    );
}

#[test]
fn checks_limits_of_the_manifest_before_reading_files() {
    let of = |files: &[(&str, u64)]| {
        let files = files.iter().map(|(path, bytes)| FileEntry { bytes: *bytes, ..listed(path, b"") }).collect();
        refused(&archive(&[head(&manifest(files))]))
    };
    let trust = |rest: &str| format!("could not accept the bundle x.tar.gz: {rest}");
    assert_eq!(of(&[("a", 100_001)]), trust("\"a\" is larger than 100000 bytes"));
    assert_eq!(of(&[("evidence.json", 50_001)]), trust("\"evidence.json\" is larger than 50000 bytes"));
    assert_eq!(
        of(&[("a", 100_000), ("b", 100_000), ("c", 1)]),
        "could not read the bundle x.tar.gz: its files have more than 200000 bytes in total"
    );
    assert_eq!(
        of(&[("1", 0), ("2", 0), ("3", 0), ("4", 0), ("5", 0), ("6", 0)]),
        "could not read the bundle x.tar.gz: it lists more than 5 files"
    );
    assert_eq!(of(&[("a/../b", 0)]), trust("\"a/../b\" may not be in a bundle: it has a part `.` or `..`"));
    assert_eq!(
        of(&[("a", 0), ("A", 0)]),
        trust("\"A\" may not be in a bundle: another path differs only in upper and lower case")
    );
    assert_eq!(
        of(&[("1/2/3/4/5/6/7/8/9", 0)]),
        trust("\"1/2/3/4/5/6/7/8/9\" may not be in a bundle: it has more than 8 parts")
    );
    let large = file("manifest.json", &vec![b' '; 20_001]);
    assert_eq!(refused(&archive(&[large])), trust("\"manifest.json\" is larger than 20000 bytes"));
    // Untrusted names cannot control the terminal.
    assert_eq!(
        of(&[("\u{1b}]0;x\u{7}", 0)]),
        trust("\"\\u{1b}]0;x\\u{7}\" may not be in a bundle: it holds a control character")
    );
}

#[test]
fn stops_decompression_bombs() {
    let content = vec![0; 90_000];
    let bomb = with(&[("a", &content)], &[file("a", &content)]);
    assert_eq!(refused(&bomb), "could not read the bundle x.tar.gz: it unpacks to more than 20 times its size");
    // Zero bytes after the end count as well.
    let tail = packed(&[head(&manifest(Vec::new())), vec![0; 500_000]].concat());
    assert_eq!(refused(&tail), "could not read the bundle x.tar.gz: it unpacks to more than 20 times its size");
    // A header that promises more than the manifest lists.
    let promised = sized(format!("{TOP}/a").as_bytes(), EntryType::Regular, 1 << 40, b"");
    assert!(refused(&with(&[("a", b"")], &[promised])).ends_with("has 1099511627776 bytes, but 0 in the manifest"));
    let promised = sized(format!("{TOP}/manifest.json").as_bytes(), EntryType::Regular, u64::MAX / 2, b"");
    assert!(refused(&archive(&[promised])).ends_with("\"manifest.json\" is larger than 20000 bytes"));
}

#[test]
fn detects_truncation_and_flipped_bits() {
    let whole = complete();
    let good = BundleReader::from_reader("x", &whole[..]).unwrap();
    for end in 1..whole.len() {
        let error = BundleReader::from_reader("x", &whole[..end]).expect_err("it is cut");
        assert!(
            matches!(error, ReadError::CutOff { .. } | ReadError::NoBundle { .. }),
            "{end}: {}",
            error_text(&error)
        );
    }
    // A full disk can leave complete members of an incomplete archive.
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/bundle");
    let tar = fs::read(corpus.join("extended-name.tar")).unwrap();
    assert!(BundleReader::from_reader("x", &packed(&tar)[..]).is_ok());
    for end in 1..tar.len() - 512 {
        let error = BundleReader::from_reader("x", &packed(&tar[..end])[..]).expect_err("it is cut");
        assert!(
            matches!(error, ReadError::CutOff { .. } | ReadError::NoBundle { .. }),
            "{end}: {}",
            error_text(&error)
        );
    }
    for place in 0..whole.len() * 8 {
        let mut flipped = whole.clone();
        flipped[place / 8] ^= 1 << (place % 8);
        // Some bits do not affect the content: the time in a gzip header, which of equal bytes is copied.
        if let Ok(read) = BundleReader::from_reader("x", &flipped[..]) {
            assert_eq!(read.manifest(), good.manifest(), "{place}");
        }
    }
    // A cut between two members shows only in the missing end of the archive.
    let members = [packed(&head(&manifest(Vec::new()))), packed(&[0; 1024])];
    assert!(BundleReader::from_reader("x", &members.concat()[..]).is_ok());
    assert_eq!(refused(&members[0]), "could not read the bundle x.tar.gz: it is cut off at its end");
    assert!(refused(&[members.concat(), b"rest".to_vec()].concat()).contains("at its end"));
    let follows = packed(&[head(&manifest(Vec::new())), vec![0; 1024], b"rest".to_vec()].concat());
    assert_eq!(refused(&follows), "could not read the bundle x.tar.gz: data follows the end of the archive");
    let listed: [(&str, &[u8]); 1] = [("a", &[7; 5000])];
    let cut = packed(
        &[head(&manifest(vec![super::tests::listed("a", &[7; 5000])])), file("a", listed[0].1)].concat()[..3000],
    );
    assert_eq!(refused(&cut), "could not read the bundle x.tar.gz: it is cut off in a");
}

#[test]
fn parses_the_evidence_like_an_evidence_file() {
    let text = refused(&with(&[("evidence.json", b"{}")], &[file("evidence.json", b"{}")]));
    assert!(text.starts_with("could not parse the evidence x.tar.gz, evidence.json: missing field"), "{text}");
    let newer = br#"{"schema":"apigee-tls.evidence/v9"}"#;
    let text = refused(&with(&[("evidence.json", newer)], &[file("evidence.json", newer)]));
    assert!(text.contains("its schema is \"apigee-tls.evidence/v9\""), "{text}");
}

#[test]
fn reports_read_errors_of_the_source() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let whole = complete();
    for cut in [0, 5, whole.len() / 2] {
        let error = BundleReader::from_reader("x", whole[..cut].chain(Failing)).unwrap_err();
        assert_eq!(error_text(&error), "could not read the bundle x: the disk is gone");
    }
}

#[test]
fn reads_a_source_byte_by_byte() {
    struct Slow<'a>(&'a [u8]);
    impl Read for Slow<'_> {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            let most = room.len().min(1);
            self.0.read(&mut room[..most])
        }
    }
    let whole = complete();
    assert!(BundleReader::from_reader("x", Slow(&whole)).is_ok());
    assert_eq!(source::read_from("x", Slow(&whole)).unwrap().question.namespace(), "apigee");
    let alone = evidence();
    assert_eq!(source::read_from("x", Slow(&alone)).unwrap().question.namespace(), "apigee");
    let text = error_text(&source::read_from("x", Slow(b"PK")).unwrap_err());
    assert_eq!(text, "could not read x: it is neither a bundle (.tar.gz or its folder) nor evidence (JSON)");
    let text = error_text(&source::read_from("x", Slow(b" ")).unwrap_err());
    assert_eq!(text, "could not read x: it is empty");
    let mut unpacked = Vec::new();
    flate2::read::MultiGzDecoder::new(&whole[..]).read_to_end(&mut unpacked).unwrap();
    let text = error_text(&source::read_from("x", &unpacked[..]).unwrap_err());
    assert!(text.contains("an uncompressed tar archive"), "{text}");
    let report = source::read_from("x", &br#"{"schema": "apigee-tls.report/v1"}"#[..]).unwrap_err();
    assert!(report.hint().unwrap().starts_with("this is a report"));
}

#[test]
fn reads_an_unpacked_folder_without_following_links() {
    let folder = tempfile::tempdir().unwrap();
    tar::Archive::new(flate2::read::MultiGzDecoder::new(&complete()[..])).unpack(folder.path()).unwrap();
    let top = folder.path().join(TOP);
    let name = top.to_str().unwrap();
    // Files that are not listed, such as those of a desktop, are not read.
    fs::write(top.join(".DS_Store"), "x").unwrap();
    let bundle = BundleReader::open(name).unwrap();
    assert_eq!(bundle.manifest(), BundleReader::from_reader("x", &complete()[..]).unwrap().manifest());

    let refused = || error_text(&BundleReader::open(name).unwrap_err());
    let log = top.join("05-logs/a/istio-proxy.log");
    fs::write(&log, "another\n").unwrap();
    assert!(refused().ends_with("\"05-logs/a/istio-proxy.log\" has 8 bytes, but 7 in the manifest"));
    fs::write(&log, "changed").unwrap();
    assert!(refused().ends_with("its SHA-256 differs"));
    fs::remove_file(&log).unwrap();
    assert!(refused().ends_with("is listed in the manifest but missing"));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("/etc/passwd", &log).unwrap();
        assert!(refused().ends_with("it is a symbolic link, and only regular files are allowed"));
        fs::remove_dir_all(top.join("05-logs")).unwrap();
        std::os::unix::fs::symlink("/", top.join("05-logs")).unwrap();
        assert!(refused().ends_with("it is a symbolic link, and only regular files are allowed"));
    }
    fs::remove_file(top.join("manifest.json")).unwrap();
    assert!(refused().ends_with("the folder has no manifest.json"));
    assert!(
        error_text(&BundleReader::open("/no/such/file").unwrap_err()).starts_with("could not read the bundle /no/such")
    );
}

/// Rewrites the fuzz corpus; run it by name when the format changes.
#[test]
#[ignore = "writes into fuzz/corpus"]
fn write_the_corpus() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/bundle");
    fs::create_dir_all(&folder).unwrap();
    let raw = |packed: Vec<u8>| {
        let mut bytes = Vec::new();
        flate2::read::MultiGzDecoder::new(&packed[..]).read_to_end(&mut bytes).unwrap();
        bytes
    };
    let long = format!("{}/x.log", ["y".repeat(100), "z".repeat(100)].join("/"));
    let extended =
        |value: &str| entry(b"", EntryType::XHeader, format!("{} path={value}\n", value.len() + 10).as_bytes());
    let files: [(&str, &[u8]); 2] = [("README.md", b"read me"), (&long, b"a line\n")];
    let extended_name = [
        file("README.md", b"read me"),
        extended(&format!("{TOP}/{long}")),
        entry(b"x", EntryType::Regular, b"a line\n"),
    ];
    let link = entry(format!("{TOP}/README.md").as_bytes(), EntryType::Symlink, b"");
    let json = serde_json::to_vec_pretty(&manifest(vec![listed("README.md", b"read me")])).unwrap();
    for (name, bytes) in [
        ("complete.tar.gz", complete()),
        ("complete.tar", raw(complete())),
        ("empty.tar.gz", with(&[], &[])),
        ("extended-name.tar", raw(with(&files, &extended_name))),
        ("link.tar", raw(with(&[], &[link]))),
        ("outside.tar", raw(with(&[], &[entry(b"../a", EntryType::Regular, b"x")]))),
        ("manifest.json", json),
        ("evidence.json", evidence()),
        ("zeros.tar.gz", with(&[("a", &[0; 9000])], &[file("a", &[0; 9000])])),
    ] {
        fs::write(folder.join(name), bytes).unwrap();
    }
}
