//! The support bundle under process failures: killed writers, full disks, missing readers. There is a valid
//! bundle or none.
//!
//! With `BUNDLE_TEST` in its environment, this program is such a process: it writes a bundle, or reads one.

#![expect(clippy::print_stderr, reason = "a child process tells its parent")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, ExitCode, Output, Stdio};
use std::time::{Duration, Instant};
use std::{env, error::Error, thread};

use apigee_tls::bundle::{self, BundleName, BundleReader, BundleWriter, Destination, Head};
use libtest_mimic::{Arguments, Failed, Trial};

/// Names the role of a child process.
const PART: &str = "BUNDLE_TEST";

/// Number of writers that are killed.
const KILLS: u32 = 30;

/// Maximum memory of a writer, whatever the bundle holds.
const MAX_RESIDENT_KIB: u64 = 64 * 1024;

const MIB: usize = 1024 * 1024;

type Outcome = Result<(), Failed>;

fn main() -> ExitCode {
    let Ok(part) = env::var(PART) else {
        let trials = vec![
            Trial::test("a_killed_writer_leaves_a_valid_bundle_or_none", killed),
            Trial::test("a_writer_that_ends_at_once_leaves_nothing", abandoned),
            Trial::test("evidence_of_a_run_that_ends_at_once_has_no_part", abandoned_evidence),
            Trial::test("a_full_disk_leaves_nothing", full_disk),
            Trial::test("a_limit_of_file_size_leaves_nothing", file_size),
            Trial::test("a_read_only_folder_is_known_at_once", read_only),
            Trial::test("memory_does_not_grow_with_what_a_bundle_holds", memory),
            Trial::test("standard_output_gets_a_whole_bundle_or_nothing", standard_output),
        ];
        return libtest_mimic::run(&Arguments::from_args(), trials).exit_code();
    };
    let words: Vec<_> = part.split(' ').collect();
    let result = match words[..] {
        ["write", destination, mebibytes] => write(destination, mebibytes),
        ["abandon", destination, milliseconds] => abandon(milliseconds).and_then(|()| write(destination, "8")),
        ["evidence", destination, milliseconds] => write_evidence(destination, milliseconds),
        ["read", name] => BundleReader::open(name).map(|_| ()).map_err(Into::into),
        _ => Err(format!("there is no part {part:?}").into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let cause = error.source().map(ToString::to_string).unwrap_or_default();
            eprintln!("could not {error}: {cause}");
            ExitCode::from(2)
        }
    }
}

/// Writes 16 incompressible entries at once, with this many MiB in total, and prints the memory it took.
fn write(destination: &str, mebibytes: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    let name = BundleName::new(Some("prod"), "apigee", "2026-11-24T20:19:22Z".parse()?);
    let writer = BundleWriter::create(&Destination::from_argument(destination), &name)?;
    let each = mebibytes.parse::<usize>()? * MIB / 16;
    let noise = noise();
    thread::scope(|scope| {
        let writers: Vec<_> = (0..16)
            .map(|number| {
                let (writer, noise) = (&writer, &noise);
                scope.spawn(move || {
                    let mut entry = writer.entry(&format!("05-logs/{number}.log"), "a test", "to be there");
                    let chunk = &noise[number..];
                    let mut left = each;
                    while left > 0 {
                        let piece = &chunk[..left.min(chunk.len())];
                        entry.write_all(piece)?;
                        left -= piece.len();
                    }
                    entry.finish(BTreeMap::new(), None).map_err(io::Error::other)
                })
            })
            .collect();
        for writer in writers {
            // An entry without space fails alone; finishing the archive shows whether any space is left.
            if let Err(error) = writer.join().unwrap_or_else(|_| Err(io::Error::other("a panic"))) {
                eprintln!("entry: {error}");
            }
        }
    });
    writer.finish(Head::default())?;
    let status = fs::read_to_string("/proc/self/status")?;
    eprintln!("{}", status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default());
    Ok(())
}

/// Exits after this many milliseconds, without a message.
fn abandon(milliseconds: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    let time = Duration::from_millis(milliseconds.parse()?);
    thread::spawn(move || {
        thread::sleep(time);
        bundle::abandon();
        #[expect(clippy::disallowed_methods, clippy::exit, reason = "as the program does where it is asked twice")]
        std::process::exit(130);
    });
    Ok(())
}

/// Writes evidence repeatedly, and ends so long after it has been read.
fn write_evidence(destination: &str, milliseconds: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    let evidence = bundle::source::read(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/no-wildcard-route.tar.gz"))?;
    abandon(milliseconds)?;
    loop {
        // If its part was removed, it cannot be renamed, and the process is about to exit.
        let _ = bundle::evidence_file::write(Path::new(destination), &evidence);
    }
}

fn noise() -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let words = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.take(32 * 1024).flatten().collect()
}

fn child(part: &str) -> Result<Command, Failed> {
    let mut command = Command::new(env::current_exe()?);
    command.env(PART, part).stdin(Stdio::null());
    Ok(command)
}

/// Returns this program as the end of a shell script; `$1` is the folder.
fn script(script: &str, folder: &Path, part: &str) -> Result<Output, Failed> {
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]).arg(folder).arg(env::current_exe()?);
    Ok(command.env(PART, part).env("TMPDIR", folder).stdin(Stdio::null()).output()?)
}

/// The same in a user namespace, where it may mount.
fn script_that_mounts(text: &str, folder: &Path, part: &str) -> Result<Output, Failed> {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", text, "sh"]).arg(folder);
    Ok(command.arg(env::current_exe()?).env(PART, part).stdin(Stdio::null()).output()?)
}

fn ensure(holds: bool, what: impl std::fmt::Debug) -> Outcome {
    if holds { Ok(()) } else { Err(format!("{what:?}").into()) }
}

fn names(folder: &Path) -> Result<Vec<String>, Failed> {
    let names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    Ok(names.collect::<io::Result<_>>()?)
}

fn killed() -> Outcome {
    let folder = tempfile::tempdir()?;
    let part = format!("write {} 8", folder.path().display());
    let started = Instant::now();
    ensure(child(&part)?.stderr(Stdio::null()).status()?.success(), "an undisturbed writer succeeds")?;
    let whole = started.elapsed();
    let mut litter = 0;
    for round in 0..KILLS {
        let mut writer = child(&part)?.stderr(Stdio::null()).spawn()?;
        // Moments spread over the run and shortly after it, in no particular order.
        thread::sleep(whole.mul_f64(f64::from(round * 17 % KILLS) / f64::from(KILLS) * 1.1));
        writer.kill()?;
        writer.wait()?;
        for name in names(folder.path())? {
            if name.ends_with(".tar.gz") {
                BundleReader::open(&folder.path().join(&name).to_string_lossy())?;
                // The next one is written from the beginning.
                fs::remove_file(folder.path().join(name))?;
            } else {
                litter += 1;
            }
        }
    }
    ensure(litter > 0, "some were killed while there was a part")?;
    ensure(child(&part)?.stderr(Stdio::null()).status()?.success(), "the last writer succeeds")?;
    let left = names(folder.path())?;
    ensure(left == ["apigee-tls-prod-apigee-20261124T201922Z.tar.gz"], left)
}

fn abandoned() -> Outcome {
    let folder = tempfile::tempdir()?;
    let part = |milliseconds: u128| format!("abandon {} {milliseconds}", folder.path().display());
    let started = Instant::now();
    ensure(child(&part(60_000))?.stderr(Stdio::null()).status()?.success(), "an undisturbed writer succeeds")?;
    let whole = started.elapsed();
    let mut ended_at_once = 0;
    for round in 0..KILLS {
        for name in names(folder.path())? {
            fs::remove_file(folder.path().join(name))?;
        }
        // Moments spread over the run, in no particular order.
        let time = whole.mul_f64(f64::from(round * 17 % KILLS) / f64::from(KILLS));
        let status = child(&part(time.as_millis()))?.stderr(Stdio::null()).status()?;
        let left = names(folder.path())?;
        ended_at_once += u32::from(status.code() == Some(130));
        ensure(left.iter().all(|name| name.ends_with(".tar.gz")), &left)?;
        ensure(status.code() == Some(130) || !left.is_empty(), (status, left))?;
        for name in names(folder.path())? {
            BundleReader::open(&folder.path().join(&name).to_string_lossy())?;
        }
    }
    ensure(ended_at_once > 0, "some ended before they were done")
}

fn abandoned_evidence() -> Outcome {
    let folder = tempfile::tempdir()?;
    for round in 0..KILLS {
        let part = format!("evidence {} {}", folder.path().join("evidence.json").display(), 100 + round);
        let status = child(&part)?.stderr(Stdio::null()).status()?;
        let left = names(folder.path())?;
        ensure(status.code() == Some(130) && left.iter().all(|name| name == "evidence.json"), (status, left))?;
    }
    ensure(!names(folder.path())?.is_empty(), "some was written")
}

fn full_disk() -> Outcome {
    for (size, where_it_ends) in [("1m", "entries"), ("12m", "archive")] {
        let folder = tempfile::tempdir()?;
        let part = format!("write {} 8", folder.path().display());
        let text = format!(r#"mount -t tmpfs -o size={size} none "$1" && "$2"; echo "exit $?"; ls -A "$1""#);
        let output = script_that_mounts(&text, folder.path(), &part)?;
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure(told.contains("No space left on device") || told.contains("no storage space"), (where_it_ends, &told))?;
        if where_it_ends == "archive" {
            ensure(said == "exit 2\n" && told.contains("could not write the bundle"), (where_it_ends, said, told))?;
        } else {
            // What fitted is a bundle.
            let whole = "exit 0\napigee-tls-prod-apigee-20261124T201922Z.tar.gz\n";
            ensure(said == "exit 2\n" || said == whole, (where_it_ends, said, told))?;
        }
    }
    Ok(())
}

fn file_size() -> Outcome {
    let run = |trap: &str, blocks: u32| -> Result<(Option<i32>, usize), Failed> {
        let folder = tempfile::tempdir()?;
        let text = format!(r#"{trap} ulimit -c 0; ulimit -f {blocks}; exec "$2""#);
        let output = script(&text, folder.path(), &format!("write {} 8", folder.path().display()))?;
        let left = names(folder.path())?;
        for name in left.iter().filter(|name| name.contains(".tar")) {
            BundleReader::open(&folder.path().join(name).to_string_lossy())?;
        }
        Ok((output.status.code(), left.len()))
    };
    // With the signal ignored, a write fails: of an entry, which fails alone, or of the archive.
    // Compressed entries have a little more than 8 MiB, and the archive a little more than they have.
    let mut refused = 0;
    for blocks in [1, 8192, 16_388, 16_390, 16_392, 16_394, 16_396, 16_398] {
        match run("trap '' XFSZ;", blocks)? {
            (Some(0), 1) => {}
            (Some(2), 0) => refused += 1,
            other => return Err(format!("{blocks}: {other:?}").into()),
        }
    }
    ensure(refused > 0, "an archive that is too large is refused")?;
    // Otherwise it ends the process at once, and the next run clears what it leaves.
    ensure(run("", 16_384)?.0.is_none(), "the signal ends the process")
}

fn read_only() -> Outcome {
    let folder = tempfile::tempdir()?;
    let text = r#"mount -t tmpfs -o ro none "$1" && "$2"; echo "exit $?""#;
    let output = script_that_mounts(text, folder.path(), &format!("write {} 8", folder.path().display()))?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure(output.stdout == b"exit 2\n", &output)?;
    ensure(told.starts_with("could not write the bundle ") && told.contains("Read-only file system"), &told)?;
    ensure(!told.contains("entry"), told)
}

fn memory() -> Outcome {
    let folder = tempfile::tempdir()?;
    let output = child(&format!("write {} 100", folder.path().display()))?.output()?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let peak = told.split_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok());
    ensure(output.status.success() && peak.is_some_and(|peak| peak < MAX_RESIDENT_KIB), told)
}

fn standard_output() -> Outcome {
    let folder = tempfile::tempdir()?;
    let temporary = |command: &mut Command| {
        command.env("TMPDIR", folder.path()).stderr(Stdio::piped());
    };
    let mut whole = child("write - 8")?;
    temporary(&mut whole);
    let output = whole.output()?;
    ensure(output.status.success(), &output.stderr)?;
    ensure(BundleReader::from_reader("-", &output.stdout[..])?.manifest().files.len() == 16, "16 files")?;

    let mut reader = child("read -")?.stdin(Stdio::piped()).spawn()?;
    let mut input = reader.stdin.take().ok_or("a pipe")?;
    input.write_all(&output.stdout)?;
    drop(input);
    ensure(reader.wait()?.success(), "standard input is read")?;

    let mut full = child("write - 8")?;
    temporary(&mut full);
    let output = full.stdout(fs::OpenOptions::new().write(true).open("/dev/full")?).output()?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure(output.status.code() == Some(2) && told.contains("could not write the bundle to standard output"), told)?;

    let mut closed = child("write - 8")?;
    temporary(&mut closed);
    let mut writer = closed.stdout(Stdio::piped()).spawn()?;
    drop(writer.stdout.take());
    ensure(!writer.wait()?.success(), "nobody reads")?;

    let mut ended = child("write - 64")?;
    temporary(&mut ended);
    let mut writer = ended.stdout(Stdio::piped()).spawn()?;
    thread::sleep(Duration::from_millis(50));
    writer.kill()?;
    let output = writer.wait_with_output()?;
    ensure(output.stdout.is_empty() || BundleReader::from_reader("-", &output.stdout[..]).is_ok(), "half of it")?;

    // The next run removes what the killed one left.
    let mut last = child("write - 1")?;
    temporary(&mut last);
    ensure(last.stdout(Stdio::null()).status()?.success(), "the last writer succeeds")?;
    let left = names(folder.path())?;
    ensure(left.is_empty(), left)
}
