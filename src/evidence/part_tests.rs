//! Every part is visited whole: in evidence that has something in every field, no text and no address is passed over.

use serde_json::Value;

use super::*;
use crate::evidence::Evidence;

/// Evidence with a value in every field, and with every variant that holds a text.
const EVERYTHING: &str = include_str!("../../tests/evidence/everything.json");

/// No text of [`EVERYTHING`] is like them.
const MARK: &str = "a-mark-that-nothing-else-has";
const ADDRESS: &str = "198.51.100.77";

/// Notes what it is shown.
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

/// A text of the document: a value, or the key of an entry.
#[derive(Clone, Debug)]
enum Place {
    Value(String),
    Key { parent: String, key: String },
}

/// Where texts are, as JSON pointers.
fn places(value: &Value, pointer: &str, found: &mut Vec<Place>) {
    let below = |key: &str| format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
    match value {
        Value::String(_) => found.push(Place::Value(pointer.to_owned())),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, item)| places(item, &below(&i.to_string()), found));
        }
        Value::Object(fields) => {
            for (key, value) in fields {
                found.push(Place::Key { parent: pointer.to_owned(), key: key.clone() });
                places(value, &below(key), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The document with `text` in this place.
fn marked(document: &Value, place: &Place, text: &str) -> Value {
    let mut document = document.clone();
    match place {
        Place::Value(pointer) => *document.pointer_mut(pointer).unwrap() = text.into(),
        Place::Key { parent, key } => {
            let fields = document.pointer_mut(parent).unwrap().as_object_mut().unwrap();
            let value = fields.remove(key).unwrap();
            fields.insert(text.to_owned(), value);
        }
    }
    document
}

#[test]
fn a_visitor_meets_every_text_and_every_address() {
    let document = everything();
    let mut found = Vec::new();
    places(&document, "", &mut found);
    let (mut texts, mut addresses) = (0, 0);
    for place in found {
        // Where any text fits, the field is a text. Where an address fits and no other text does, it is an address.
        if let Ok(mut evidence) = serde_json::from_value(marked(&document, &place, MARK)) {
            let met = recorded(&mut evidence).texts;
            assert!(met.iter().any(|text| text == MARK), "no visit meets {place:?}");
            texts += 1;
        } else if let Ok(mut evidence) = serde_json::from_value(marked(&document, &place, ADDRESS)) {
            let met = recorded(&mut evidence).addresses;
            assert!(met.contains(&ADDRESS.parse().unwrap()), "no visit meets {place:?}");
            addresses += 1;
        }
    }
    assert!(texts > 200 && addresses > 5, "{texts} texts and {addresses} addresses were looked for");
}

#[test]
fn the_document_has_something_in_every_field() {
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
    // A field that the document lacks is null, or has its default, when the evidence is written again.
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
fn a_part_is_called_as_its_field() {
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
fn gaps_are_what_a_part_itself_lacks() {
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
        (Some(Source::SecretNames), Extent::Part, "names of Secrets", true),
        (None, Extent::Item, "other.yaml", true),
        (Some(Source::TlsSecrets), Extent::Item, "the authorities", false),
        (Some(Source::Handshakes), Extent::Item, "hostnames", false),
    ];
    let expected = expected.map(|(source, extent, what, reported)| (source, extent, what.to_owned(), reported));
    assert_eq!(gaps, expected);
}
