//! Written bundles, read back by this program and by GNU tar.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::io::Read;
use std::process::Command;
use std::thread;

use flate2::read::MultiGzDecoder;

use super::*;
use crate::bundle::BundleReader;
use crate::bundle::layout::PathFault;
use crate::bundle::manifest::{Absence, Kept, Truncation};

fn name() -> BundleName {
    BundleName::new(Some("prod"), "apigee", "2026-11-24T20:19:22.123456Z".parse().unwrap())
}

fn put(writer: &BundleWriter, path: &str, content: &[u8]) {
    let mut entry = writer.entry(path, "a test", "to be read back");
    // Write in pieces, as responses arrive.
    for piece in content.chunks(7777) {
        entry.write_all(piece).unwrap();
    }
    entry.finish(BTreeMap::new(), None).unwrap();
}

/// Returns lines that compress about as well as logs.
fn log(bytes: usize) -> Vec<u8> {
    let mut lines = Vec::with_capacity(bytes + 200);
    let mut state = 1_u64;
    while lines.len() < bytes {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let line = format!("{{\"start_time\":{},\"client\":\"10.0.{}.7\",\"status\":200}}\n", state >> 20, state >> 56);
        lines.extend_from_slice(line.as_bytes());
    }
    lines.truncate(bytes);
    lines
}

fn long_path() -> String {
    format!("05-logs/{}/{}.log", "pod".repeat(40), "c".repeat(120))
}

fn contents() -> Vec<(String, Vec<u8>)> {
    let long = long_path();
    let paths: [(&str, usize); 9] = [
        ("README.md", 300),
        ("report.txt", 0),
        ("report.json", 512),
        ("01-overrides/1-overrides.yaml", 511),
        ("02-routes/list.yaml", 513),
        ("02-routes/a.yaml", 10_240),
        ("05-logs/über/日本.log", 1024),
        (&long, 70_000),
        ("05-logs/large.log", 20_000_000),
    ];
    paths.map(|(path, bytes)| (path.to_owned(), log(bytes))).into()
}

fn head() -> Head {
    Head {
        case: Some("12345".to_owned()),
        note: Some("since this morning".to_owned()),
        pseudonyms: Vec::new(),
        partial: None,
        plan: vec![PlannedItem {
            item: "routes".into(),
            origin: "GET /apis/…".into(),
            why: "the playbook asks".into(),
        }],
        timings: [("routes".to_owned(), 12)].into(),
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn written(folder: &Path) -> PathBuf {
    let writer = BundleWriter::create(&Destination::Folder(folder.to_owned()), &name()).unwrap();
    for (path, content) in contents() {
        put(&writer, &path, &content);
    }
    writer.finish(head()).unwrap().path.unwrap()
}

#[test]
fn reads_back_a_bundle_here_and_with_gnu_tar() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path());
    assert_eq!(names(folder.path()), ["apigee-tls-prod-apigee-20261124T201922Z.tar.gz"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let bundle = BundleReader::open(path.to_str().unwrap()).unwrap();
    let manifest = bundle.manifest();
    let long = long_path();
    let order = [
        "README.md",
        "report.txt",
        "report.json",
        "01-overrides/1-overrides.yaml",
        "02-routes/a.yaml",
        "02-routes/list.yaml",
        "05-logs/large.log",
        &long,
        "05-logs/über/日本.log",
    ];
    assert_eq!(manifest.files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(), order);
    assert_eq!((manifest.case.as_deref(), manifest.context.as_deref()), (Some("12345"), Some("prod")));
    assert_eq!((manifest.plan.clone(), manifest.timings.clone()), (head().plan, head().timings));

    // GNU tar lists and unpacks it, and sha256sum computes the same hashes.
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    let top = "apigee-tls-prod-apigee-20261124T201922Z";
    let run = |command: &mut Command| {
        let output = command.env("LC_ALL", "C.UTF-8").output().expect("the program is there");
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let listed = run(Command::new("tar").args(["--quoting-style=literal", "-tzf"]).arg(&path));
    let all: Vec<_> = std::iter::once("manifest.json").chain(order).map(|path| format!("{top}/{path}")).collect();
    assert_eq!(listed.lines().collect::<Vec<_>>(), all);
    let details = run(Command::new("tar").args(["--numeric-owner", "--utc", "-tvzf"]).arg(&path));
    for line in details.lines() {
        assert!(line.starts_with("-rw------- 0/0 ") && line.contains(" 2026-11-24 20:19 "), "{line}");
    }
    let python = run(Command::new("python3").args(["-X", "utf8", "-m", "tarfile", "-l"]).arg(&path));
    assert_eq!(python.lines().map(str::trim_end).collect::<Vec<_>>(), all);
    run(Command::new("gzip").arg("-t").arg(&path));
    run(Command::new("tar").arg("-xzf").arg(&path).arg("-C").arg(&out));
    for (file, content) in contents() {
        let unpacked = out.join(top).join(&file);
        assert!(fs::read(&unpacked).unwrap() == content, "{file}");
        let sum = run(Command::new("sha256sum").arg(&unpacked));
        let entry = manifest.files.iter().find(|entry| entry.path == file).unwrap();
        assert_eq!(
            (sum.trim_start_matches('\\').split(' ').next(), entry.bytes),
            (Some(&*entry.sha256), content.len() as u64)
        );
    }
    // The unpacked folder reads as the same bundle.
    let unpacked = BundleReader::open(out.join(top).to_str().unwrap()).unwrap();
    assert_eq!(unpacked.manifest(), manifest);
}

#[test]
fn gives_the_same_bytes_in_any_order_of_entries() {
    let folder = tempfile::tempdir().unwrap();
    let first = fs::read(written(folder.path())).unwrap();
    let other = folder.path().join("other.tgz");
    let writer = BundleWriter::create(&Destination::File(other.clone()), &name()).unwrap();
    thread::scope(|scope| {
        for (path, content) in contents().into_iter().rev() {
            let writer = &writer;
            scope.spawn(move || put(writer, &path, &content));
        }
    });
    let done = writer.finish(head()).unwrap();
    assert_eq!((done.path.as_deref(), done.bytes), (Some(&*other), first.len() as u64));
    assert!(fs::read(other).unwrap() == first);
}

#[test]
fn keeps_concurrent_entries_apart() {
    let folder = tempfile::tempdir().unwrap();
    let writer = BundleWriter::create(&Destination::Folder(folder.path().to_owned()), &name()).unwrap();
    let noise = |seed: u64| {
        let mut state = seed + 1;
        let bytes = std::iter::repeat_with(move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[0]
        });
        bytes.take(600_000 + usize::try_from(seed).unwrap() * 1000).collect::<Vec<u8>>()
    };
    thread::scope(|scope| {
        for thread in 0..8 {
            let writer = &writer;
            scope.spawn(move || {
                put(writer, &format!("05-logs/{thread}.log"), &noise(thread));
                let mut abandoned = writer.entry(&format!("05-logs/{thread}-abandoned.log"), "a test", "not there");
                abandoned.write_all(&noise(thread)).unwrap();
            });
        }
    });
    let done = writer.finish(Head::default()).unwrap();
    assert_eq!(done.manifest.files.len(), 8);
    let mut archive = tar::Archive::new(MultiGzDecoder::new(File::open(done.path.unwrap()).unwrap()));
    for (number, entry) in archive.entries().unwrap().skip(1).enumerate() {
        let mut content = Vec::new();
        entry.unwrap().read_to_end(&mut content).unwrap();
        assert!(content == noise(number as u64), "{number}");
    }
}

#[test]
fn lists_missing_items_with_reasons() {
    let folder = tempfile::tempdir().unwrap();
    let writer = BundleWriter::create(&Destination::Folder(folder.path().to_owned()), &name()).unwrap();
    let skipped = |item: &str| Skipped {
        item: item.to_owned(),
        origin: "GET /api/v1/namespaces/apigee/events".to_owned(),
        absence: Absence::Lost,
        why: "403".to_owned(),
        needs: Some("list events".to_owned()),
    };
    writer.skip(skipped("events"));
    writer.skip(skipped("a"));
    let mut entry = writer.entry("05-logs/a.log", "a test", "resets");
    entry.write_all(b"the beginning").unwrap();
    let cut = Truncation { kept: Kept::Beginning, why: "Ctrl-C".to_owned(), whole_bytes: Some(20) };
    entry.finish([("token".to_owned(), 2)].into(), Some(cut.clone())).unwrap();
    let late = writer.entry("05-logs/b.log", "a test", "resets");
    let done = writer.finish(Head { partial: Some("interrupted".to_owned()), ..Head::default() }).unwrap();
    assert_eq!(done.manifest.partial.as_deref(), Some("interrupted"));
    assert_eq!(done.manifest.skipped, [skipped("a"), skipped("events")]);
    assert_eq!(done.manifest.files[0].redactions, [("token".to_owned(), 2)].into());
    assert_eq!(done.manifest.files[0].truncated, Some(cut));
    let error = late.finish(BTreeMap::new(), None).unwrap_err();
    assert_eq!(error.to_string(), "add 05-logs/b.log to the bundle: the bundle is complete");
    let read = BundleReader::open(done.path.unwrap().to_str().unwrap()).unwrap();
    assert_eq!(*read.manifest(), done.manifest);
}

#[test]
fn rejects_a_bad_entry_and_keeps_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { entries: 3, entry_bytes: 1000, total_bytes: 1500, ..Limits::STANDARD };
    let writer = BundleWriter::within(&Destination::Folder(folder.path().to_owned()), &name(), limits).unwrap();
    let finish = |path: &str, bytes: usize| {
        let mut entry = writer.entry(path, "a test", "");
        let written = entry.write_all(&log(bytes));
        let finished = entry.finish(BTreeMap::new(), None);
        assert!(written.is_ok() || finished.is_err());
        finished
    };
    for (path, fault) in [
        ("../a", PathFault::Dots),
        ("/a", PathFault::Absolute),
        ("a\\b", PathFault::Backslash),
        ("manifest.json", PathFault::Twice),
        ("Manifest.JSON", PathFault::OnlyCase),
    ] {
        match finish(path, 1) {
            Err(WriteError::Path { fault: found, .. }) => assert_eq!(found, fault, "{path}"),
            other => panic!("{path}: {other:?}"),
        }
    }
    finish("a", 900).unwrap();
    let texts =
        [finish("b", 1001), finish("c", 700), finish("A", 1), finish("a/b", 1)].map(|result| result.unwrap_err());
    assert_eq!(texts[0].to_string(), "add b to the bundle");
    assert_eq!(texts[0].source().unwrap().to_string(), "file too large");
    assert_eq!(texts[1].to_string(), "add c to the bundle: all files would have more than 1500 bytes in total");
    assert_eq!(texts[2].to_string(), "add \"A\" to the bundle: another path differs only in upper and lower case");
    assert!(matches!(texts[3], WriteError::Path { fault: PathFault::FileAndFolder, .. }));
    finish("d", 0).unwrap();
    finish("e", 0).unwrap();
    assert_eq!(finish("f", 0).unwrap_err().to_string(), "add f to the bundle: it already holds 3 files");
    assert_eq!(writer.finish(Head::default()).unwrap().manifest.files.len(), 3);
}

#[test]
fn writes_no_manifest_that_the_reader_rejects() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { manifest_bytes: 500, ..Limits::STANDARD };
    let writer = BundleWriter::within(&Destination::Folder(folder.path().to_owned()), &name(), limits).unwrap();
    let error = writer.finish(Head { note: Some("x".repeat(500)), ..Head::default() }).unwrap_err();
    assert_eq!(error.to_string(), "add manifest.json to the bundle: it would be larger than 500 bytes");
    assert!(names(folder.path()).is_empty());
}

#[test]
fn leaves_existing_files_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("bundle.tar.gz");
    let error = |destination: &Destination| BundleWriter::create(destination, &name()).unwrap_err();
    // The file was created while the bundle was written.
    let writer = BundleWriter::create(&Destination::File(taken.clone()), &name()).unwrap();
    fs::write(&taken, "somebody's").unwrap();
    let done = writer.finish(Head::default()).unwrap();
    assert_eq!(done.path, Some(folder.path().join("bundle-2.tar.gz")));
    // The file existed before.
    let found = error(&Destination::File(taken.clone()));
    assert!(found.to_string().ends_with("bundle.tar.gz: the file already exists"), "{found}");
    assert!(found.hint().is_some());
    // Two bundles of the same second.
    let in_folder = Destination::Folder(folder.path().to_owned());
    let paths = [(); 2].map(|()| {
        let writer = BundleWriter::create(&in_folder, &name()).unwrap();
        writer.finish(Head::default()).unwrap().path.unwrap()
    });
    assert!(paths[1].to_str().unwrap().ends_with("20261124T201922Z-2.tar.gz"));
    assert_eq!(fs::read(&paths[0]).unwrap(), fs::read(&paths[1]).unwrap());
    assert_eq!(fs::read_to_string(taken).unwrap(), "somebody's");
    assert_eq!(names(folder.path()).len(), 4);
}

#[test]
fn rejects_unwritable_places_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("no/such/folder");
    let error = BundleWriter::create(&Destination::File(nowhere.join("x.tar.gz")), &name()).unwrap_err();
    assert!(error.to_string().starts_with("write the bundle /"), "{error}");
    assert_eq!(error.hint().as_deref(), Some("choose an existing folder"));
    // A missing folder is created.
    let writer = BundleWriter::create(&Destination::Folder(nowhere.clone()), &name()).unwrap();
    assert!(writer.finish(Head::default()).unwrap().path.unwrap().starts_with(nowhere));
    // Not even root can write there.
    #[cfg(target_os = "linux")]
    assert!(BundleWriter::create(&Destination::Folder("/proc/self".into()), &name()).is_err());
}

#[test]
fn leaves_nothing_when_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let writer = BundleWriter::create(&Destination::Folder(folder.path().to_owned()), &name()).unwrap();
    put(&writer, "a", &log(500_000));
    let open = writer.entry("b", "a test", "");
    drop(writer);
    drop(open);
    assert!(names(folder.path()).is_empty());
}

#[test]
fn is_send_and_sync() {
    fn is_shared<T: Send + Sync>() {}
    fn is_sent<T: Send + 'static>() {}
    is_shared::<BundleWriter>();
    is_sent::<EntryWriter>();
}

#[test]
fn parses_destinations() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().to_str().unwrap();
    assert_eq!(Destination::from_argument("-"), Destination::Stdout);
    assert_eq!(Destination::from_argument(text), Destination::Folder(text.into()));
    assert_eq!(Destination::from_argument("new/"), Destination::Folder("new/".into()));
    assert_eq!(Destination::from_argument("x.tar.gz"), Destination::File("x.tar.gz".into()));
    assert_eq!(part::folder_of(Path::new("x.tar.gz")), Path::new("."));
}
