//! The scripts under `completions/` are what the program prints, and kubectl gets candidates in cobra's
//! format.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::path::Path;
use std::process::{Command, Output};

const SCRIPTS: [(&str, &str); 5] = [
    ("bash", "kubectl-apigee-tls.bash"),
    ("elvish", "kubectl-apigee-tls.elv"),
    ("fish", "kubectl-apigee-tls.fish"),
    ("powershell", "_kubectl-apigee-tls.ps1"),
    ("zsh", "_kubectl-apigee-tls"),
];

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kubectl-apigee_tls")).args(arguments).output().expect("the program starts")
}

fn candidates(words: &[&str]) -> String {
    let mut arguments = vec!["__complete"];
    arguments.extend(words);
    let output = run(&arguments);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("candidates are text")
}

#[test]
fn scripts_are_what_the_program_prints() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions");
    for (shell, file) in SCRIPTS {
        let printed = String::from_utf8(run(&["completion", shell]).stdout).expect("a script is text");
        let path = folder.join(file);
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, &printed).expect("the folder can be written");
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == printed, "completions/{file} is not what `completion {shell}` prints; `make docs` writes it");
    }
}

#[test]
fn kubectl_gets_candidates_with_descriptions_and_a_directive() {
    let commands = candidates(&[""]);
    assert!(commands.contains("diagnose\tRun all checks"), "{commands}");
    assert!(!commands.contains("__complete"), "what is hidden is not offered: {commands}");
    assert!(commands.ends_with("\n:4\n"), "{commands}");

    let flags = candidates(&["diagnose", "--fail"]);
    assert!(flags.starts_with("--fail-on\t"), "{flags}");

    let codes = candidates(&["explain", "AT20"]);
    assert!(codes.starts_with("AT201\twildcard-route-missing\n"), "{codes}");

    let formats = candidates(&["diagnose", "-o", ""]);
    assert!(formats.contains("json\n"), "{formats}");
}

#[test]
fn what_cannot_be_completed_leaves_files_to_the_shell() {
    assert_eq!(candidates(&["diagnose", "--write-evidence", "no-such-prefix-"]), ":0\n");
}
