//! The list of tests: one for each scenario file, and those that need more than one run of the program.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Conclusion, Failed, Trial};

use crate::cluster::{API_SERVER, KUBELET};
use crate::expect;
use crate::scenario::{self, ClusterFault, Scenario};
use crate::shell::Result;
use crate::stage::Stage;
use crate::testbed::Testbed;
use crate::{bundle, capturing, cleanup, contexts, faults, identity, interrupts, midway, plugin, rights, watching};

/// Number of scenarios run at the same time. More pods and clients would compete for two cores.
const SIDE_BY_SIDE: usize = 3;

/// Log window of the run after the remedy.
const WINDOW: Duration = Duration::from_secs(6);

/// The cluster for a test.
#[derive(Clone)]
pub enum Source {
    /// No cluster: tests are only listed.
    None,
    Ready(Arc<Testbed>),
}

/// Returns all tests: the one that mostly waits first, those that need the cluster for themselves last.
pub fn all(source: &Source) -> Result<Vec<Trial>> {
    let mut scenarios = scenario::all()?;
    scenarios.sort_by_key(|scenario| (scenario.is_exclusive(), !scenario.logs_rotate));
    let is_given = matches!(source, Source::Ready(testbed) if testbed.components.is_none());
    let mut trials = vec![
        trial("kubectl_finds_the_plugin", source, plugin::kubectl_finds_it),
        Trial::test("sandbox::nothing_is_left_when_it_is_killed", || cleanup::after_a_kill().map_err(Failed::from))
            .with_ignored_flag(is_given),
    ];
    trials.push(trial("identity_of_the_command_line", source, identity::of_the_command_line));
    trials.push(trial("capture_at_pods", source, capturing::at_pods).with_ignored_flag(is_given));
    trials.push(trial("watch_at_pods", source, watching::pods).with_ignored_flag(is_given));
    trials.push(trial("collect::least_role_rule_by_rule", source, rights::rule_by_rule));
    trials.push(trial("collect::hundred_interrupts", source, interrupts::hundred));
    trials.push(trial("collect::hundred_faults", source, faults::hundred));
    for scenario in scenarios {
        // Tests that cannot run on a given cluster are listed as ignored.
        let ignored = is_given && scenario.needs_own_cluster();
        let name = format!("scenario::{}", scenario.name);
        trials.push(trial(&name, source, move |testbed| run_scenario(testbed, &scenario)).with_ignored_flag(ignored));
    }
    Ok(trials)
}

/// Returns whether the filters of the arguments leave no test.
pub fn none_chosen(arguments: &Arguments) -> Result<bool> {
    let trials = all(&Source::None)?;
    let matches =
        |name: &str, filter: &String| if arguments.exact { name == filter } else { name.contains(filter.as_str()) };
    let chosen = |name: &str| {
        arguments.filter.as_ref().is_none_or(|filter| matches(name, filter))
            && !arguments.skip.iter().any(|filter| matches(name, filter))
    };
    Ok(!trials.iter().any(|trial| chosen(trial.name())))
}

/// Runs the tests that the arguments select.
pub fn run(mut arguments: Arguments, source: &Source) -> Result<Conclusion> {
    arguments.test_threads.get_or_insert(SIDE_BY_SIDE);
    Ok(libtest_mimic::run(&arguments, all(source)?))
}

fn trial(name: &str, source: &Source, test: impl FnOnce(&Testbed) -> Result<()> + Send + 'static) -> Trial {
    let source = source.clone();
    Trial::test(name, move || match source {
        Source::Ready(testbed) => test(&testbed).map_err(Failed::from),
        Source::None => Err(Failed::from("there is no cluster")),
    })
}

fn run_scenario(testbed: &Testbed, scenario: &Scenario) -> Result<()> {
    let Some(fault) = scenario.cluster else {
        let _turn = testbed.turn.read().unwrap_or_else(PoisonError::into_inner);
        return play(testbed, scenario);
    };
    if !fault.is_exclusive() {
        let _turn = testbed.turn.read().unwrap_or_else(PoisonError::into_inner);
        return play(testbed, scenario);
    }
    let _turn = testbed.turn.write().unwrap_or_else(PoisonError::into_inner);
    match fault {
        ClusterFault::KindsMissing => testbed.remove_kinds()?,
        ClusterFault::OldRoutesOnly => testbed.serve_new_routes(false)?,
        _ => {}
    }
    let outcome = play(testbed, scenario);
    let repaired = match fault {
        ClusterFault::KindsMissing | ClusterFault::OldRoutesOnly => testbed.install_kinds(),
        _ => Ok(()),
    };
    outcome.and(repaired)
}

fn play(testbed: &Testbed, scenario: &Scenario) -> Result<()> {
    let started = Instant::now();
    let mut stage = Stage::set(testbed, scenario)?;
    let set = started.elapsed();
    stage.send(&scenario.traffic)?;
    if scenario.logs_rotate {
        stage.wait_for_age();
    }
    stage.record()?;
    if scenario.logs_rotate {
        stage.wait_for_rotation()?;
        stage.send(&scenario.traffic)?;
    }
    if scenario.namespace {
        stage.wait_for_logs()?;
    }
    let kubeconfig = user(&stage)?;
    let mut command = expect::diagnose(&stage.folder, &kubeconfig, &stage.namespace, &scenario.diagnose);
    let logged = started.elapsed();
    let finished = match (scenario.cluster, &testbed.components) {
        (Some(ClusterFault::KubeletStopped), Some(components)) => {
            components.stop(KUBELET)?;
            let finished = expect::run(&mut command);
            components.restart(KUBELET, &testbed.api)?;
            finished?
        }
        (Some(ClusterFault::ApiServerStopsMidway), Some(components)) => {
            let finished = midway::stop_api_server(&stage, components, &kubeconfig);
            components.restart(API_SERVER, &testbed.api)?;
            finished?
        }
        (Some(ClusterFault::InterruptedMidway), _) => midway::interrupt(&stage, &kubeconfig)?,
        _ => expect::run(&mut command)?,
    };
    eprintln!(
        "{} ({}): set up {:.1} s, traffic and logs {:.1} s, diagnose {:.1} s",
        scenario.name,
        scenario.title,
        set.as_secs_f32(),
        logged.saturating_sub(set).as_secs_f32(),
        started.elapsed().saturating_sub(logged).as_secs_f32()
    );
    expect::compare(&finished, &scenario.expect)?;
    expect::compare_counts(&stage.folder, &scenario.expect, stage.clients)?;
    if scenario.expect.verdict.is_some() {
        expect::compare_with_evidence(&stage.folder, &finished, &scenario.diagnose)?;
        stage.probed()?;
    }
    if scenario.expect.verdict.is_some() && scenario.cluster.is_none() && !scenario.logs_rotate {
        bundle::collect(&stage, &kubeconfig)?;
        stage.probed()?;
        if bundle::has_secrets(scenario) {
            bundle::collect_redacted(&stage, &kubeconfig)?;
            stage.probed()?;
        }
    }
    if scenario.contexts {
        contexts::ask(&stage, &kubeconfig)?;
    }
    if scenario.again {
        let clients = stage.clients;
        stage.wait_for_logs()?;
        let again =
            expect::run(&mut expect::diagnose(&stage.folder, &kubeconfig, &stage.namespace, &scenario.diagnose))?;
        expect::compare(&again, &scenario.expect)?;
        expect::compare_counts(&stage.folder, &scenario.expect, clients)?;
        stage.probed()?;
    }
    if let Some(after) = &scenario.after_remedy {
        plugin::apply_remedy(&mut stage, &finished)?;
        // Resets from before the remedy remain in the logs, and must be outside the window.
        std::thread::sleep(WINDOW);
        stage.send(&after.traffic)?;
        stage.wait_for_logs()?;
        let mut command = expect::diagnose(&stage.folder, &kubeconfig, &stage.namespace, &scenario.diagnose);
        let finished = expect::run(command.args(["--since", &format!("{}s", WINDOW.as_secs())]))?;
        expect::compare(&finished, &after.expect)?;
    }
    Ok(())
}

/// Returns the kubeconfig of the scenario's user: an administrator, or a service account with exactly the
/// rules of the scenario.
fn user(stage: &Stage<'_>) -> Result<PathBuf> {
    let Some(rules) = &stage.scenario.user else { return Ok(stage.testbed.kubeconfig.clone()) };
    rights::grant(stage, "engineer", rules, &[])?;
    rights::account(stage, "engineer")
}
