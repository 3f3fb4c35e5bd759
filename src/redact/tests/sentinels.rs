//! The self test passes, fails without each rule that it tests, and the fuzz target accepts its corpus.

use std::collections::BTreeSet;

use super::*;
use crate::redact::self_test::{Container, judge, named_sentinels, self_test, sentinels};

#[test]
fn catches_every_sentinel() {
    let failed: Vec<_> = self_test().into_iter().filter(|result| !result.passed).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    let containers: BTreeSet<Container> = sentinels().iter().map(|sentinel| sentinel.container).collect();
    assert_eq!(containers.len(), 11);
}

#[test]
fn fails_without_the_rule_of_a_sentinel() {
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
        (Rule::RandomToken, "token that looks random"),
        (Rule::SecretData, "plain data of a Secret"),
        (Rule::Token, "GitHub token"),
        (Rule::UrlUserinfo, "user and password of a URL"),
        (Rule::UserName, "user of the proxy"),
        (Rule::WebToken, "JSON web token"),
    ] {
        // Without its rule, the last pass would find most of them.
        let redactor = Redactor::with(Pseudonyms::None, Names::new([0; 32]), Rules::without(rule));
        let redactor = redactor.keep_random_tokens(rule != Rule::RandomToken);
        let results: Vec<_> = sentinels().iter().map(|sentinel| judge(&redactor, sentinel)).collect();
        let failed = results.iter().any(|result| result.kind == kind && result.why == "the secret was not redacted");
        assert!(failed, "{kind} passes without {rule:?}");
    }
}

#[test]
fn fails_without_the_rule_of_a_name() {
    for (rule, of_rule) in [(Rule::Host, "hostname"), (Rule::Address, "address")] {
        let redactor = Redactor::with(Pseudonyms::Both, Names::new([0; 32]), Rules::without(rule));
        for sentinel in named_sentinels().iter().filter(|sentinel| sentinel.kind.starts_with(of_rule)) {
            assert_eq!(judge(&redactor, sentinel).why, "the secret was not redacted", "{sentinel:?}");
        }
    }
}
