//! The self test passes, fails without the rules that it is about, and the fuzz target holds.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::*;
use crate::bundle::redact::self_test::{Container, fuzz_redact, judge, named_sentinels, self_test, sentinels};

/// Rounds of mutation for each file of the corpus: some seconds without optimisation.
const ROUNDS: u32 = 40;

#[test]
fn every_sentinel_is_caught() {
    let failed: Vec<_> = self_test().into_iter().filter(|result| !result.passed).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    let containers: BTreeSet<Container> = sentinels().iter().map(|sentinel| sentinel.container).collect();
    assert_eq!(containers.len(), 9);
}

#[test]
fn the_self_test_fails_without_the_rule() {
    for (rule, kind) in [
        (Rule::Annotation, "last applied configuration"),
        (Rule::AuthorizationHeader, "authorization header"),
        (Rule::AuthorizationHeader, "bearer token"),
        (Rule::Base64, "private key in base64"),
        (Rule::CloudKey, "Google API key"),
        (Rule::CloudKey, "AWS access key"),
        (Rule::Comment, "comment"),
        (Rule::Cookie, "cookie"),
        (Rule::EncryptionKey, "encryption key"),
        (Rule::EnvironmentValue, "variable of a container"),
        (Rule::EnvironmentValue, "value of a variable"),
        (Rule::ManagedFields, "managed fields"),
        (Rule::NamedValue, "password in JSON"),
        (Rule::PrivateKey, "private key as PEM with escaped line ends"),
        (Rule::QueryParameter, "key in a request path"),
        (Rule::SecretData, "plain data of a Secret"),
        (Rule::Token, "GitHub token"),
        (Rule::UrlUserinfo, "user and password of a URL"),
        (Rule::UserName, "user of the proxy"),
        (Rule::WebToken, "JSON web token"),
    ] {
        let redactor = Redactor::with(Pseudonyms::None, Names::new([0; 32]), Rules::without(rule));
        let results: Vec<_> = sentinels().iter().map(|sentinel| judge(&redactor, sentinel)).collect();
        let failed = results.iter().any(|result| result.kind == kind && result.why == "the secret came out");
        assert!(failed, "{kind} passes without {rule:?}");
    }
}

#[test]
fn every_name_comes_out_without_its_rule() {
    for (rule, of_rule) in [(Rule::Host, "hostname"), (Rule::Address, "address")] {
        let redactor = Redactor::with(Pseudonyms::Both, Names::new([0; 32]), Rules::without(rule));
        for sentinel in named_sentinels().iter().filter(|sentinel| sentinel.kind.starts_with(of_rule)) {
            assert_eq!(judge(&redactor, sentinel).why, "the secret came out", "{sentinel:?}");
        }
    }
}

#[test]
fn the_fuzz_target_holds_on_its_corpus_mutated() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/redact");
    let mut state = 0x9E37_79B9_u32;
    let mut below = |limit: usize| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        usize::try_from(state).unwrap() % limit.max(1)
    };
    let mut seen = 0;
    for entry in fs::read_dir(folder).expect("the corpus") {
        let bytes = fs::read(entry.expect("an entry").path()).expect("a file");
        fuzz_redact(&bytes);
        for _ in 0..ROUNDS {
            let mut mutated = bytes.clone();
            for _ in 0..=below(3) {
                let at = below(mutated.len());
                match below(5) {
                    0 => mutated.truncate(at),
                    1 => mutated.insert(at, u8::try_from(below(256)).unwrap()),
                    2 => {
                        let from = below(mutated.len());
                        let part = mutated[from..mutated.len().min(from + 20)].to_vec();
                        mutated.splice(at..at, part);
                    }
                    _ => {
                        if let Some(byte) = mutated.get_mut(at) {
                            *byte ^= 1 << below(8);
                        }
                    }
                }
            }
            fuzz_redact(&mutated);
        }
        seen += 1;
    }
    assert!(seen > 5);
}
