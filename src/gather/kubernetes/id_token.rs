//! Checks whether the id-token of a user with `auth-provider: oidc` in the kubeconfig is still valid.
//!
//! kubectl renews an expired one with the refresh-token, and writes both back into the kubeconfig, because a
//! provider may accept a refresh-token only once. This program writes to no kubeconfig, so it renews nothing,
//! and reports that before anything is sent. Source: `k8s.io/client-go/plugin/pkg/client/auth/oidc`. No text
//! contains any part of a token.

use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use kube::config::AuthInfo;
use serde_json::Value;

use crate::gather::error::Error;

/// Rejects an expired token.
///
/// # Errors
/// There is no id-token, or it has expired.
pub(in crate::gather) fn check(user: &str, auth: &AuthInfo) -> Result<(), Error> {
    let Some(provider) = auth.auth_provider.as_ref().filter(|provider| provider.name == "oidc") else { return Ok(()) };
    #[expect(clippy::disallowed_methods, reason = "the token must be valid now")]
    let now = Timestamp::now();
    let token = provider.config.get("id-token").filter(|token| !token.is_empty());
    let what = match token.map(|token| ends(token)) {
        None => "there is none".to_owned(),
        Some(Some(end)) if end <= now => format!("it ended {}", end.strftime("%Y-%m-%d %H:%M:%S UTC")),
        // A token that cannot be parsed here is left to the API server.
        Some(_) => return Ok(()),
    };
    Err(Error::EndedIdToken { user: user.to_owned(), what })
}

/// Returns the claim `exp` (RFC 7519 §4.1.4); absent if the token has none that can be parsed.
fn ends(token: &str) -> Option<Timestamp> {
    let claims = token.split('.').nth(1)?;
    // base64url without padding, RFC 7515 §2.
    let decoded = BASE64URL_NOPAD.decode(claims.trim_end_matches('=').as_bytes()).ok()?;
    let claims: Value = serde_json::from_slice(&decoded).ok()?;
    // A NumericDate may have a fraction, which does not matter here.
    let end = claims.get("exp")?.as_number()?.to_string();
    let seconds = end.split('.').next()?.parse().ok()?;
    Timestamp::from_second(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::collections::HashMap;

    use kube::config::AuthProviderConfig;

    fn user(config: &[(&str, &str)]) -> AuthInfo {
        let config: HashMap<String, String> =
            config.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        AuthInfo {
            auth_provider: Some(AuthProviderConfig {
                name: "oidc".into(),
                config,
                other: std::collections::BTreeMap::new(),
            }),
            ..AuthInfo::default()
        }
    }

    fn token(claims: &str) -> String {
        format!("eyJhbGciOiJub25lIn0.{}.eA", BASE64URL_NOPAD.encode(claims.as_bytes()))
    }

    #[test]
    fn an_expired_token_is_reported_with_its_end_and_a_hint() {
        let ended = token("{\"exp\":1000000000,\"sub\":\"sesame\"}");
        let error = check("me", &user(&[("id-token", &ended), ("refresh-token", "anything")])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "use the id-token of user me in the kubeconfig: it ended 2001-09-09 01:46:40 UTC"
        );
        assert!(error.hint().unwrap().starts_with("this program does not renew it: run any kubectl command once"));
        let none = check("me", &user(&[("refresh-token", "anything")])).unwrap_err();
        assert!(none.to_string().ends_with("there is none"), "{none}");
    }

    #[test]
    fn tokens_that_may_be_valid_are_sent() {
        for claims in ["{\"exp\":4102444800}", "{\"exp\":\"soon\"}", "{}", "no JSON"] {
            assert!(check("me", &user(&[("id-token", &token(claims))])).is_ok(), "{claims}");
        }
        assert!(check("me", &user(&[("id-token", "opaque")])).is_ok());
        assert!(check("me", &AuthInfo::default()).is_ok());
        assert_eq!(ends(&token("{\"exp\":1000000000.5}")), Timestamp::from_second(1_000_000_000).ok());
    }
}
