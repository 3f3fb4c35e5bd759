//! The names of the Secrets and when they were created, without their content.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::part::{Gap, Kind, Part, Visit, Visitor, not_requested, whole};
use crate::evidence::{Seen, Source};

/// Names of the Secrets in the namespace. They are listed as metadata, so that no value is ever transferred.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretNames {
    pub names: Vec<String>,
    /// When each of them was created, by name; absent in evidence of older versions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub created_at: BTreeMap<String, Timestamp>,
}

impl Part for Seen<SecretNames> {
    fn name(&self) -> &'static str {
        "secrets"
    }

    fn sources(&self) -> &'static [Source] {
        &[Source::SecretNames]
    }

    fn not_gathered(why: &str) -> Self {
        not_requested("names of Secrets", why)
    }

    fn gaps(&self) -> Vec<Gap<'_>> {
        whole(self, Source::SecretNames)
    }
}

impl Visit for SecretNames {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { names, created_at } = self;
        visitor.strings(Kind::Object, names);
        visitor.keys(Kind::Object, created_at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visitor_receives_the_names_beside_the_times() {
        struct Renamer;
        impl Visitor for Renamer {
            fn string(&mut self, kind: Kind, text: &mut String) {
                assert_eq!(kind, Kind::Object);
                text.insert(0, 'x');
            }
            fn address(&mut self, _address: &mut std::net::IpAddr) {}
            fn distinguished_name(&mut self, _name: &mut String, _dns_names: &[String]) {}
        }
        let at = Timestamp::UNIX_EPOCH;
        let mut secrets = SecretNames { names: vec!["a".into()], created_at: BTreeMap::from([("a".into(), at)]) };
        secrets.visit(&mut Renamer);
        assert_eq!((secrets.names, secrets.created_at), (vec!["xa".into()], BTreeMap::from([("xa".into(), at)])));
    }
}
