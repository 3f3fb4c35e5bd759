//! Every part is visited completely: with a value in every field, the visitor receives every text and every
//! address.

use serde_json::Value;

use super::*;
use crate::evidence::Evidence;

/// Evidence with a value in every field, and with every variant that holds a text.
const EVERYTHING: &str = include_str!("../../tests/evidence/everything.json");

/// Values that [`EVERYTHING`] does not contain.
const MARK: &str = "a-mark-not-in-the-document";
const ADDRESS: &str = "198.51.100.77";

/// Records the texts and addresses it receives.
#[derive(Default)]
struct Recorder {
    texts: Vec<String>,
    addresses: Vec<IpAddr>,
}

impl Visitor for Recorder {
    fn string(&mut self, _kind: Kind, text: &mut String) {
        self.texts.push(text.clone());
    }

    fn address(&mut self, address: &mut IpAddr) {
        self.addresses.push(*address);
    }

    fn distinguished_name(&mut self, name: &mut String, _dns_names: &[String]) {
        self.texts.push(name.clone());
    }
}

fn everything() -> Value {
    serde_json::from_str(EVERYTHING).unwrap()
}

fn recorded(evidence: &mut Evidence) -> Recorder {
    let mut recorder = Recorder::default();
    evidence.visit(&mut recorder);
    recorder
}

/// Location of a text in the document: a value, or the key of an entry.
#[derive(Clone, Debug)]
enum TextLocation {
    Value(String),
    Key { parent: String, key: String },
}

/// Collects the locations of all texts, as JSON pointers.
fn text_locations(value: &Value, pointer: &str, found: &mut Vec<TextLocation>) {
    let below = |key: &str| format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
    match value {
        Value::String(_) => found.push(TextLocation::Value(pointer.to_owned())),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, item)| text_locations(item, &below(&i.to_string()), found));
        }
        Value::Object(fields) => {
            for (key, value) in fields {
                found.push(TextLocation::Key { parent: pointer.to_owned(), key: key.clone() });
                text_locations(value, &below(key), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Returns the document with `text` at this location.
fn marked(document: &Value, location: &TextLocation, text: &str) -> Value {
    let mut document = document.clone();
    match location {
        TextLocation::Value(pointer) => *document.pointer_mut(pointer).unwrap() = text.into(),
        TextLocation::Key { parent, key } => {
            let fields = document.pointer_mut(parent).unwrap().as_object_mut().unwrap();
            let value = fields.remove(key).unwrap();
            fields.insert(text.to_owned(), value);
        }
    }
    document
}

#[test]
fn a_visitor_receives_every_text_and_every_address() {
    let document = everything();
    let mut found = Vec::new();
    text_locations(&document, "", &mut found);
    let (mut texts, mut addresses) = (0, 0);
    for location in found {
        // A field that accepts any text is a text. A field that accepts an address and no other text is an
        // address.
        if let Ok(mut evidence) = serde_json::from_value(marked(&document, &location, MARK)) {
            let visited = recorded(&mut evidence).texts;
            assert!(visited.iter().any(|text| text == MARK), "not visited: {location:?}");
            texts += 1;
        } else if let Ok(mut evidence) = serde_json::from_value(marked(&document, &location, ADDRESS)) {
            let visited = recorded(&mut evidence).addresses;
            assert!(visited.contains(&ADDRESS.parse().unwrap()), "not visited: {location:?}");
            addresses += 1;
        }
    }
    assert!(texts > 200 && addresses > 5, "found {texts} texts and {addresses} addresses");
}

#[test]
fn the_document_has_a_value_in_every_field() {
    fn assert_full(value: &Value, pointer: &str) {
        match value {
            Value::Null => panic!("{pointer} is null"),
            Value::String(text) => assert!(!text.is_empty(), "{pointer} is empty"),
            Value::Array(items) => {
                assert!(!items.is_empty(), "{pointer} is empty");
                items.iter().enumerate().for_each(|(i, item)| assert_full(item, &format!("{pointer}/{i}")));
            }
            Value::Object(fields) => {
                assert!(!fields.is_empty(), "{pointer} is empty");
                fields.iter().for_each(|(key, value)| assert_full(value, &format!("{pointer}/{key}")));
            }
            Value::Bool(_) | Value::Number(_) => {}
        }
    }
    let evidence: Evidence = serde_json::from_str(EVERYTHING).unwrap();
    // A field missing from the document is written back as null or with its default.
    let written = serde_json::to_value(&evidence).unwrap();
    assert_full(&written, "");
    assert_eq!(written, everything());
}

#[test]
fn a_visit_that_replaces_nothing_changes_nothing() {
    let evidence: Evidence = serde_json::from_str(EVERYTHING).unwrap();
    let mut visited = evidence.clone();
    recorded(&mut visited);
    assert_eq!(visited, evidence);
}

#[test]
fn a_part_has_the_name_of_its_field() {
    let evidence: Evidence = serde_json::from_str(EVERYTHING).unwrap();
    let mut names: Vec<&str> = evidence.parts().iter().map(|part| part.name()).collect();
    names.extend(["schema", "toolVersion", "collectedAt", "question", "interrupted"]);
    names.sort_unstable();
    let document = everything();
    let mut fields: Vec<&str> = document.as_object().unwrap().keys().map(String::as_str).collect();
    fields.sort_unstable();
    assert_eq!(names, fields);
}

#[test]
fn gaps_list_what_each_part_lacks() {
    let evidence: Evidence = serde_json::from_str(EVERYTHING).unwrap();
    let gaps: Vec<(Option<Source>, Extent, String, bool)> = evidence
        .parts()
        .iter()
        .flat_map(|part| part.gaps())
        .map(|gap| (gap.source, gap.extent, gap.what.into_owned(), gap.reported))
        .collect();
    let expected = [
        (Some(Source::Logs), Extent::End, "the end of pod/container", true),
        (Some(Source::Logs), Extent::Item, "access.log", true),
        (Some(Source::Logs), Extent::End, "the end of access.log", true),
        (Some(Source::Logs), Extent::Item, "Cloud Logging of project p", true),
        (Some(Source::Logs), Extent::End, "the end of Cloud Logging of project p", true),
        (Some(Source::SecretNames), Extent::Part, "names of Secrets", true),
        (None, Extent::Item, "other.yaml", true),
        (Some(Source::TlsSecrets), Extent::Item, "the authorities", false),
        (Some(Source::Handshakes), Extent::Item, "hostnames", false),
    ];
    let expected = expected.map(|(source, extent, what, reported)| (source, extent, what.to_owned(), reported));
    assert_eq!(gaps, expected);
}
