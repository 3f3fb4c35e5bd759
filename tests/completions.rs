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

/// A kubeconfig whose server listens nowhere.
const KUBECONFIG: &str = "
contexts:
- {name: prod-east, context: {cluster: one, user: red}}
- {name: prod-west, context: {cluster: two, user: green}}
- {name: stage, context: {cluster: two, user: green}}
clusters:
- {name: one, cluster: {server: 'http://127.0.0.1:1'}}
- {name: two, cluster: {server: 'http://127.0.0.1:1'}}
users:
- {name: red, user: {}}
- {name: green, user: {}}
";

fn run(arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let kubeconfig = folder.path().join("config");
    std::fs::write(&kubeconfig, KUBECONFIG).expect("it can be written");
    Command::new(env!("CARGO_BIN_EXE_kubectl-apigee_tls"))
        .args(arguments)
        .current_dir(folder.path())
        .env("KUBECONFIG", kubeconfig)
        .output()
        .expect("the program starts")
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
    let names = candidates(&["explain", "wildcard-route-m"]);
    assert_eq!(names, "wildcard-route-missing\tAT201\n:4\n");
    let families = candidates(&["diagnose", "--only", "AT201,platf"]);
    assert_eq!(families, "AT201,platform\tfamily AT8xx\n:4\n");

    let formats = candidates(&["diagnose", "-o", ""]);
    assert!(formats.contains("json\n"), "{formats}");
}

#[test]
fn what_cannot_be_completed_leaves_files_to_the_shell() {
    assert_eq!(candidates(&["diagnose", "--write-evidence", "no-such-prefix-"]), ":0\n");
}

#[test]
fn names_of_the_kubeconfig_complete() {
    assert_eq!(candidates(&["diagnose", "--context", "prod"]), "prod-east\nprod-west\n:4\n");
    assert_eq!(candidates(&["diagnose", "--contexts", "stage,prod-e"]), "stage,prod-east\n:4\n");
    assert_eq!(candidates(&["-n", "apigee", "collect", "--cluster", ""]), "one\ntwo\n:4\n");
    assert_eq!(candidates(&["collect", "--user", "g"]), "green\n:4\n");
}

/// A namespace or a group of a cluster that does not answer is no file.
#[test]
fn names_never_complete_as_files() {
    for words in [
        &["diagnose", "-n", ""][..],
        &["collect", "--env-group", ""],
        &["diagnose", "--context", "zzz"],
        &["diagnose", "--since", ""],
    ] {
        assert_eq!(candidates(words), ":4\n", "{words:?}");
    }
    for words in [
        &["diagnose", "-f", ""][..],
        &["diagnose", "--kubeconfig", "x"],
        &["diff", ""],
        &["pcap", "x"],
        &["collect", "--to=x"],
        &["reveal", ""],
    ] {
        assert_eq!(candidates(words), ":0\n", "{words:?}");
    }
}

/// The script of a shell requests candidates in this way.
#[test]
fn shells_get_candidates_of_this_program() {
    let output = Command::new(env!("CARGO_BIN_EXE_kubectl-apigee-tls"))
        .args(["--", "kubectl-apigee-tls", "explain", "AT20"])
        .env("KUBECTL_APIGEE_TLS_COMPLETE", "fish")
        .output()
        .expect("the program starts");
    let found = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(found.contains("AT201\twildcard-route-missing"), "{found}");
}

/// What each shell offers behind `kubectl apigee-tls explain AT20`, with kubectl's own script of the shell. Bash needs
/// the functions of its package `bash-completion`, as kubectl's script says. Zsh completes at a prompt alone, so
/// that its script types into one.
const SHELLS: [(&str, &[&str], &str); 3] = [
    (
        "bash",
        &["--norc", "-c"],
        r#"source /usr/share/bash-completion/bash_completion
           source <(kubectl completion bash)
           COMP_WORDS=(kubectl apigee-tls explain AT20) COMP_CWORD=3
           COMP_LINE="${COMP_WORDS[*]}" COMP_POINT=${#COMP_LINE} COMP_TYPE=63
           __start_kubectl
           printf '%s\n' "${COMPREPLY[@]}""#,
    ),
    (
        "fish",
        &["--no-config", "-c"],
        r#"kubectl completion fish | source
           complete -C "kubectl apigee-tls explain AT20""#,
    ),
    (
        "zsh",
        &["-f", "-c"],
        r#"zmodload zsh/zpty
           zpty prompt zsh -f -i
           zpty -w prompt 'PS1="ready> "; autoload -Uz compinit; compinit -u; source <(kubectl completion zsh); compdef _kubectl kubectl; print set-"up"'
           zpty -r prompt seen '*set-up*'
           zpty -w -n prompt $'kubectl apigee-tls explain AT20\t\t'
           zpty -r prompt seen '*AT209*'
           print -r -- "$seen""#,
    ),
];

#[test]
fn shells_complete_the_plugin_through_kubectl() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let program = folder.path().join("kubectl-apigee_tls");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_kubectl-apigee_tls"), program).expect("it can be linked");
    let path = std::env::var("PATH").expect("there is one");
    let path = format!("{}:{path}", folder.path().display());
    let installed = Command::new("kubectl")
        .args(["apigee-tls", "completion", "--install"])
        .env("PATH", &path)
        .output()
        .expect("kubectl runs");
    assert!(installed.status.success(), "{installed:?}");
    for (shell, flags, script) in SHELLS {
        // A completion that never comes would wait for ever.
        let output = Command::new("timeout")
            .args(["60", shell])
            .args(flags)
            .arg(script)
            .env("PATH", &path)
            .env("HOME", folder.path())
            .env("TERM", "dumb")
            .output()
            .expect("the shell runs");
        let found = String::from_utf8_lossy(&output.stdout);
        // Bash shows descriptions only while somebody types.
        let is_described = shell == "bash" || found.contains("wildcard-route-missing");
        assert!(found.contains("AT201") && found.contains("AT209") && is_described, "{shell}: {output:?}");
    }
}
