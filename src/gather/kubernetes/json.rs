//! Reads untyped JSON without errors: a field of the wrong type counts as missing.
//!
//! Custom resources come from many releases, and webhooks do not check what an old release stored. One
//! malformed object must not affect the other five hundred.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

/// Returns the value at a path of keys.
pub(in crate::gather) fn at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, key| value.get(key))
}

/// Returns a text that is not empty. Kubernetes writes "not set" as an empty string as often as by omitting
/// the key.
pub(in crate::gather) fn text(value: &Value, path: &[&str]) -> Option<String> {
    at(value, path)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Returns a text, or a number or boolean as text.
pub(in crate::gather) fn scalar(value: &Value, path: &[&str]) -> Option<String> {
    match at(value, path)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// Returns a boolean.
pub(in crate::gather) fn truth(value: &Value, path: &[&str]) -> Option<bool> {
    at(value, path)?.as_bool()
}

/// Returns a whole number that fits.
pub(in crate::gather) fn number<N: TryFrom<i64>>(value: &Value, path: &[&str]) -> Option<N> {
    N::try_from(at(value, path)?.as_i64()?).ok()
}

/// Returns an RFC 3339 time.
pub(in crate::gather) fn time(value: &Value, path: &[&str]) -> Option<Timestamp> {
    at(value, path)?.as_str()?.parse().ok()
}

/// Returns the items of a list; none if it is not a list.
pub(in crate::gather) fn items<'a>(value: &'a Value, path: &[&str]) -> &'a [Value] {
    at(value, path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Returns the texts of a list; other items are left out.
pub(in crate::gather) fn texts(value: &Value, path: &[&str]) -> Vec<String> {
    items(value, path).iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Returns a map of texts, such as labels; other values are left out.
pub(in crate::gather) fn texts_by_key(value: &Value, path: &[&str]) -> BTreeMap<String, String> {
    let map = at(value, path).and_then(Value::as_object);
    map.into_iter().flatten().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    use serde_json::json;

    #[test]
    fn a_wrong_type_is_an_absent_field() {
        let odd = [json!(null), json!(7), json!("x"), json!([1]), json!({"a": [1]}), json!({"a": {"b": {"c": 1}}})];
        for value in odd {
            assert_eq!(text(&value, &["a", "b"]), None);
            assert_eq!(truth(&value, &["a", "b"]), None);
            assert_eq!(number::<u16>(&value, &["a", "b"]), None);
            assert_eq!(time(&value, &["a", "b"]), None);
            assert_eq!(scalar(&value, &["a", "b"]), None);
            assert!(items(&value, &["a", "b"]).is_empty());
            assert!(texts(&value, &["a", "b"]).is_empty());
            assert!(texts_by_key(&value, &["a", "b", "c"]).is_empty());
        }
    }

    #[test]
    fn numbers_out_of_range_are_absent() {
        assert_eq!(number::<u16>(&json!({"port": 70000}), &["port"]), None);
        assert_eq!(number::<u16>(&json!({"port": -1}), &["port"]), None);
        assert_eq!(number::<u16>(&json!({"port": 443.5}), &["port"]), None);
        assert_eq!(number::<u16>(&json!({"port": 443}), &["port"]), Some(443));
    }

    #[test]
    fn mixed_lists_and_maps_keep_their_texts() {
        assert_eq!(texts(&json!({"a": ["x", 1, null, "y"]}), &["a"]), ["x", "y"]);
        assert_eq!(texts_by_key(&json!({"a": {"x": "1", "y": 2}}), &["a"]), BTreeMap::from([("x".into(), "1".into())]));
    }
}
