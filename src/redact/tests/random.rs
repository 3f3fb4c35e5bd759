//! The last pass, measured on look-alikes: `tests/redaction/tokens.tsv`.

use super::*;

/// Minimum share of secrets that are redacted, and of harmless lines that do not change, in percent.
const REDACTED: usize = 95;
const KEPT: usize = 97;

#[test]
fn tells_secrets_from_harmless_tokens() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/redaction/tokens.tsv");
    let (mut secrets, mut leaked, mut harmless, mut lost) = (0, Vec::new(), 0, Vec::new());
    for line in std::fs::read_to_string(path).unwrap().lines().filter(|line| !line.starts_with('#')) {
        match line.split('\t').collect::<Vec<_>>()[..] {
            ["harmless", input] => {
                harmless += 1;
                lost.extend((text(input) != input).then(|| input.to_owned()));
            }
            ["secret", secret, input] => {
                secrets += 1;
                leaked.extend(text(input).contains(secret).then(|| input.to_owned()));
            }
            _ => panic!("neither: {line}"),
        }
    }
    assert!(secrets >= 150 && harmless >= 150);
    assert!(
        (secrets - leaked.len()) * 100 >= secrets * REDACTED,
        "{} of {secrets} came out: {leaked:#?}",
        leaked.len()
    );
    assert!((harmless - lost.len()) * 100 >= harmless * KEPT, "{} of {harmless} were lost: {lost:#?}", lost.len());
}

#[test]
fn keeps_random_tokens_on_request() {
    let input = "exchanged k7Qm2Zx9Lw4Rt8Vb1N for password=hunter2";
    let keeping = Redactor::secrets_only().keep_random_tokens(true);
    assert_eq!(keeping.text(input, &mut Redactions::default()), input.replace("hunter2", "<redacted>"));
    assert_eq!(text(input), "exchanged <redacted> for password=<redacted>");
}

#[test]
fn keeps_names_of_the_evidence() {
    let mut evidence = crate::evidence::Evidence::not_gathered(
        crate::evidence::HybridQuestion::default(),
        jiff::Timestamp::UNIX_EPOCH,
        "not asked",
    );
    let issue = |details: &str| crate::evidence::hybrid::ApigeeIssue {
        name: "k7qm2zx9lw4rt8vb1n".into(),
        severity: None,
        reason: None,
        details: Some(details.to_owned()),
        documentation: None,
    };
    evidence.issues =
        crate::evidence::Seen::Seen(vec![issue("of k7qm2zx9lw4rt8vb1n"), issue("got p4xv9c2mz7tqk3wd8j")]);
    let clean = Redactor::secrets_only().clean(&evidence, &mut Redactions::default()).unwrap();
    let json = serde_json::to_string(&clean).unwrap();
    assert!(json.contains("of k7qm2zx9lw4rt8vb1n") && json.contains("got <redacted>"), "{json}");
}
