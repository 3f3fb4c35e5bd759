//! The pipelines of docs/ci.md do what the page says: their own lines run here, in a repository like a
//! user's.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_yaml::Value;

const FAULTY: &str = "virtualhosts:\n- name: shop\n  sslCertPath: a.pem\n";

/// Returns the YAML blocks of the page, in their order.
fn blocks() -> Vec<Value> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ci.md");
    let page = std::fs::read_to_string(page).expect("the page reads");
    let blocks = page.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
    blocks.map(|block| serde_yaml::from_str(block).expect("it is YAML")).collect()
}

/// Runs lines as a runner does: a shell that ends at the first failure, with the program on the `PATH`.
fn run(folder: &Path, script: &str) -> Output {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_kubectl-apigee-tls"));
    let path = format!(
        "{}:{}",
        program.parent().expect("it is in a folder").display(),
        std::env::var("PATH").expect("there is a PATH")
    );
    let mut shell = Command::new("bash");
    shell.args(["-e", "-o", "pipefail", "-c", script]).current_dir(folder);
    shell.env("PATH", path).env("GITHUB_BASE_REF", "main").output().expect("bash runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A repository whose main branch has a faulty file.
fn repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("overrides.yaml"), FAULTY).expect("it is written");
    let made = run(
        folder.path(),
        "git init -q && git add . && git -c user.name=a -c user.email=a@b -c commit.gpgsign=false commit -qm a && \
         git update-ref refs/remotes/origin/main HEAD",
    );
    assert!(made.status.success(), "{}", text(&made.stderr));
    folder
}

#[test]
fn a_pull_request_answers_for_its_own_lines() {
    let workflow = &blocks()[0];
    let script = workflow["jobs"]["apigee-tls"]["steps"][1]["run"].as_str().expect("the step has lines").to_owned();
    let repository = repository();
    let same = run(repository.path(), &script);
    let annotations = text(&same.stdout);
    assert_ne!(same.status.code(), Some(1), "{annotations}{}", text(&same.stderr));
    assert!(annotations.contains("::notice "), "{annotations}");
    let again = "git worktree remove --force before\n".to_owned() + &script;
    let worse = format!("# one line more\n{FAULTY}  additionalGateway: [\"non-sni\"]\n");
    std::fs::write(repository.path().join("overrides.yaml"), worse).expect("it is written");
    let worse = run(repository.path(), &again);
    let annotations = text(&worse.stdout);
    assert_eq!(worse.status.code(), Some(1), "{annotations}{}", text(&worse.stderr));
    assert!(annotations.lines().any(|line| line.starts_with("::warning file=overrides.yaml,line=5,")), "{annotations}");
}

#[test]
fn gitlab_gets_test_results_of_a_job_that_fails() {
    let job = &blocks()[1]["overrides"];
    let script = job["script"][0].as_str().expect("the job has a line").to_owned();
    let repository = repository();
    let ended = run(repository.path(), &script);
    assert_eq!(ended.status.code(), Some(1), "{}", text(&ended.stderr));
    let results = job["artifacts"]["reports"]["junit"].as_str().expect("the job names the results");
    let results = std::fs::read_to_string(repository.path().join(results)).expect("the results read");
    assert!(results.contains("<testsuite") && results.contains("<failure"), "{results}");
}
