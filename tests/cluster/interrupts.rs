//! Interrupts `collect` at a hundred moments, by every signal in turn: there is a complete bundle or none.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::expect::run;
use crate::runs::{self, Bundle, Dice, SIDE_BY_SIDE};
use crate::shell::{Result, last_lines, wait_until};
use crate::stage::Stage;
use crate::testbed::Testbed;

const RUNS: usize = 100;
/// Time limit from the first signal: several times what a run takes.
const LIMIT: Duration = Duration::from_mins(1);
/// Maximum time between the first and the second signal.
const SECOND: usize = 200;

/// How a run is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Interrupt,
    Terminate,
    Kill,
    InterruptTwice,
}

const ENDS: [End; 4] = [End::Interrupt, End::Terminate, End::Kill, End::InterruptTwice];

/// Minimum number of partial bundles; with fewer, the moments were badly chosen.
const ENOUGH: usize = 10;

pub fn hundred(testbed: &Testbed) -> Result<()> {
    let seed = runs::seed("hundred_interrupts")?;
    let _turn = testbed.turn.read().unwrap_or_else(PoisonError::into_inner);
    let scenario = runs::scenario("hundred-interrupts")?;
    let mut stage = Stage::set(testbed, &scenario)?;
    runs::furnish(&mut stage)?;
    let began = Instant::now();
    runs::side_by_side(SIDE_BY_SIDE, |_, worker| undisturbed(&stage, worker))?;
    let usual = began.elapsed();
    let partial = AtomicUsize::new(0);
    runs::side_by_side(RUNS, |number, worker| {
        let mut dice = Dice::of(seed, number);
        // Some signals arrive after the end.
        let after = usual * u32::try_from(dice.below(1050)).unwrap_or_default() / 1000;
        let end = ENDS[number % ENDS.len()];
        let bundle = interrupted(&stage, worker, after, end, &mut dice);
        let bundle = bundle.map_err(|why| format!("{end:?} after {after:?}: {why}"))?;
        partial.fetch_add(usize::from(bundle.is_some_and(|bundle| bundle.partial().is_some())), Ordering::Relaxed);
        Ok(())
    })?;
    // The next run removes what a killed run left.
    runs::side_by_side(SIDE_BY_SIDE, |_, worker| undisturbed(&stage, worker))?;
    let partial = partial.into_inner();
    eprintln!("hundred_interrupts: a run takes {usual:?}; {partial} partial bundles; {:?}", began.elapsed());
    if partial < ENOUGH { Err(format!("only {partial} runs were interrupted while they gathered")) } else { Ok(()) }
}

/// A run to its end must leave a complete bundle, and nothing else.
fn undisturbed(stage: &Stage<'_>, worker: usize) -> Result<()> {
    let folder = runs::folder(stage, &format!("worker-{worker}"))?;
    let finished = run(&mut runs::collect(stage, &folder, &stage.testbed.kubeconfig, "pods"))?;
    let (bundles, litter) = runs::left(&folder)?;
    let (Some(0), [bundle], []) = (finished.status.code(), bundles.as_slice(), litter.as_slice()) else {
        let told = last_lines(&finished.stderr, 20);
        return Err(format!("undisturbed: {}, {bundles:?}, {litter:?}\n{told}", finished.status));
    };
    match Bundle::take(&folder, bundle)?.partial() {
        None => Ok(()),
        Some(why) => Err(format!("undisturbed, and partial: {why}")),
    }
}

fn interrupted(stage: &Stage<'_>, worker: usize, after: Duration, end: End, dice: &mut Dice) -> Result<Option<Bundle>> {
    let folder = runs::folder(stage, &format!("worker-{worker}"))?;
    let (_, before) = runs::left(&folder)?;
    let mut command = runs::collect(stage, &folder, &stage.testbed.kubeconfig, "pods");
    let errors = folder.join("stderr");
    let file = std::fs::File::create(&errors).map_err(|error| format!("stderr: {error}"))?;
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file).spawn();
    let mut child = child.map_err(|error| format!("start the program: {error}"))?;
    std::thread::sleep(after);
    match end {
        End::Interrupt => signal(&child, "-INT"),
        End::Terminate => signal(&child, "-TERM"),
        End::Kill => signal(&child, "-KILL"),
        End::InterruptTwice => {
            signal(&child, "-INT");
            std::thread::sleep(Duration::from_millis(u64::try_from(dice.below(SECOND)).unwrap_or_default()));
            signal(&child, "-INT");
        }
    }
    let status = ended(&mut child)?;
    let told = std::fs::read_to_string(&errors).unwrap_or_default();
    judge(&folder, end, status, &before, &told).map_err(|why| format!("{status}: {why}\n{}", last_lines(&told, 20)))
}

fn judge(folder: &Path, end: End, status: ExitStatus, before: &[PathBuf], told: &str) -> Result<Option<Bundle>> {
    let (bundles, litter) = runs::left(folder)?;
    if end != End::Kill && litter.iter().any(|path| !before.contains(path)) {
        return Err(format!("it leaves {litter:?}"));
    }
    let bundle = match bundles.as_slice() {
        [] => None,
        [one] => Some(Bundle::take(folder, one)?),
        several => return Err(format!("it leaves {several:?}")),
    };
    let partial = bundle.as_ref().map(Bundle::partial);
    let is_as_documented = match (status.code(), status.signal(), partial) {
        // It was finished, or had collected everything and wrote it to the end.
        (Some(0), _, Some(None)) => true,
        // The bundle is partial and says so.
        (Some(130), _, Some(Some(why))) => why.contains("interrupted"),
        // The second signal came when the complete bundle had its name, and before the run could tell.
        (Some(130), _, Some(None)) => end == End::InterruptTwice,
        // Before the first response there is nothing to put into a bundle.
        (Some(130), _, None) => end == End::InterruptTwice || told.contains("could not finish: interrupted"),
        // Before signals are handled: it has neither written anything nor removed what a killed run left.
        (None, Some(2 | 15), None) => told.is_empty(),
        (None, Some(9), _) => end == End::Kill,
        _ => false,
    };
    if is_as_documented { Ok(bundle) } else { Err(format!("partial is {partial:?}")) }
}

fn signal(child: &Child, signal: &str) {
    // It may have ended by itself.
    let _ = Command::new("kill").args([signal, &child.id().to_string()]).stderr(Stdio::null()).status();
}

fn ended(child: &mut Child) -> Result<ExitStatus> {
    let ended = wait_until("it ends", LIMIT, || match child.try_wait() {
        Ok(Some(status)) => Ok(status),
        Ok(None) => Err("it runs".into()),
        Err(error) => Err(error.to_string()),
    });
    if ended.is_err() {
        let _ = child.kill();
        let _ = child.wait();
    }
    ended
}
