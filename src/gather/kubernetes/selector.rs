//! Parses and evaluates label selectors in kubectl's syntax, where the API server does not do it.
//!
//! The server selects pods. Here a selector is checked before anything is sent, and compared with the
//! selectors of Services if there is no pod to compare them with.

use std::collections::{BTreeMap, BTreeSet};

use kube::core::{Expression, Selector, SelectorExt};

use crate::gather::error::Error;

/// Checks the syntax before any request to a cluster.
///
/// # Errors
/// The part that cannot be parsed.
pub fn check(selector: &str) -> Result<(), Error> {
    parse(selector).map(drop)
}

/// Parses `app=x,tier in (a, b),!legacy`.
///
/// # Errors
/// The part that cannot be parsed.
pub(in crate::gather) fn parse(selector: &str) -> Result<Selector, Error> {
    let fail = |what: String| Error::InvalidSelector { selector: selector.to_owned(), what };
    let mut expressions = Vec::new();
    let mut depth = 0_i32;
    let mut parts = vec![String::new()];
    for character in selector.chars() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(character);
        }
    }
    for part in &parts {
        let part = part.trim();
        if part.is_empty() && parts.len() == 1 {
            break;
        }
        expressions.push(expression(part).ok_or_else(|| fail(format!("\"{part}\" is no requirement")))?);
    }
    Ok(expressions.into_iter().collect())
}

/// Whether labels match a selector.
pub(in crate::gather) fn fulfils(labels: &BTreeMap<String, String>, selector: &Selector) -> bool {
    selector.matches(labels)
}

fn expression(part: &str) -> Option<Expression> {
    if let Some((key, value)) = part.split_once("!=") {
        return Some(Expression::NotEqual(label(key)?, value_of(value)?));
    }
    if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return Some(Expression::Equal(label(key)?, value_of(value)?));
    }
    if let Some((front, values)) = part.strip_suffix(')').and_then(|part| part.split_once('(')) {
        let values: BTreeSet<String> = values.split(',').map(value_of).collect::<Option<_>>()?;
        let (key, operator) = front.trim().rsplit_once(char::is_whitespace)?;
        return match operator {
            "in" => Some(Expression::In(label(key)?, values)),
            "notin" => Some(Expression::NotIn(label(key)?, values)),
            _ => None,
        };
    }
    match part.strip_prefix('!') {
        Some(key) => Some(Expression::DoesNotExist(label(key)?)),
        None => Some(Expression::Exists(label(part)?)),
    }
}

fn label(key: &str) -> Option<String> {
    let key = key.trim();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    (!key.is_empty() && key.chars().all(allowed)).then(|| key.to_owned())
}

fn value_of(value: &str) -> Option<String> {
    let value = value.trim();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    value.chars().all(allowed).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn selects_as_kubectl_does() {
        let pod = labels(&[("app", "apigee-ingressgateway"), ("org", "myorg")]);
        for (selector, expected) in [
            ("app=apigee-ingressgateway", true),
            ("app == apigee-ingressgateway , org=myorg", true),
            ("app=apigee-ingressgateway,org!=myorg", false),
            ("app!=x", true),
            ("org in (a, myorg)", true),
            ("org notin (a,myorg)", false),
            ("org,!legacy", true),
            ("missing", false),
            ("example.com/role=x", false),
            ("", true),
        ] {
            assert_eq!(fulfils(&pod, &parse(selector).unwrap()), expected, "{selector}");
        }
    }

    #[test]
    fn malformed_selectors_are_errors() {
        for selector in ["=x", "app=a b", "app in x", "app is (a)", "a,,b", "app=x,", "(", "a=b=c", "!"] {
            assert!(matches!(parse(selector), Err(Error::InvalidSelector { .. })), "{selector}");
        }
    }
}
