//! What the name of a keystore in settings leads to.

use crate::evidence::Seen;
use crate::evidence::edge::{Alias, Edge, Keystore, StoreName, TlsSettings};

/// Where a name leads.
#[derive(Clone, Debug)]
pub(crate) enum Resolved<'a> {
    Found {
        name: &'a str,
        reference: Option<&'a str>,
        keystore: &'a Keystore,
    },
    /// The reference does not exist, or names another reference.
    Dangling {
        reference: &'a str,
        why: String,
    },
    /// The keystore does not exist.
    Missing {
        name: &'a str,
        reference: Option<&'a str>,
    },
    /// A flow variable, or an answer that was not seen.
    Unseen,
}

/// Follows a name as it is written in settings.
pub(crate) fn resolve<'a>(edge: &'a Edge, text: &'a str) -> Resolved<'a> {
    match StoreName::of(text) {
        StoreName::Variable(_) => Resolved::Unseen,
        StoreName::Direct(name) => keystore(edge, name, None),
        StoreName::Reference(reference) => match edge.references.get(reference) {
            // A reference to a reference is no keystore, whether or not it leads in a circle.
            Some(Seen::Seen(name)) if name.starts_with("ref://") => {
                Resolved::Dangling { reference, why: format!("it names another reference, {name}, and not a keystore") }
            }
            Some(Seen::Seen(name)) => keystore(edge, name, Some(reference)),
            Some(Seen::Unavailable(why)) if is_missing(why) => {
                Resolved::Dangling { reference, why: "it does not exist".into() }
            }
            _ => Resolved::Unseen,
        },
    }
}

/// Returns the entry that settings present, if its certificates were seen.
pub(crate) fn own_entry<'a>(edge: &'a Edge, tls: &'a TlsSettings) -> Option<&'a Alias> {
    let entry = resolve(edge, tls.key_store.as_deref()?).alias(tls.key_alias.as_deref()?);
    entry.filter(|entry| !entry.certificates.is_empty())
}

fn keystore<'a>(edge: &'a Edge, name: &'a str, reference: Option<&'a str>) -> Resolved<'a> {
    match edge.keystores.get(name) {
        Some(Seen::Seen(keystore)) => Resolved::Found { name, reference, keystore },
        Some(Seen::Unavailable(why)) if is_missing(why) => match reference {
            Some(reference) if edge.references.contains_key(name) => {
                Resolved::Dangling { reference, why: format!("it names another reference, {name}, and not a keystore") }
            }
            reference => Resolved::Missing { name, reference },
        },
        _ => Resolved::Unseen,
    }
}

fn is_missing(why: &crate::evidence::Unavailable) -> bool {
    matches!(why.reason, crate::evidence::Reason::Missing(_))
}

impl<'a> Resolved<'a> {
    /// Returns the objects behind the name: the reference, the keystore and the entry.
    pub(crate) fn objects(&self, alias: Option<&str>) -> Vec<String> {
        match self {
            Self::Found { name, reference, .. } | Self::Missing { name, reference } => {
                let entry = match alias {
                    Some(alias) => format!("keystores/{name}/aliases/{alias}"),
                    None => format!("keystores/{name}"),
                };
                std::iter::once(entry).chain(reference.map(|name| format!("references/{name}"))).collect()
            }
            Self::Dangling { reference, .. } => vec![format!("references/{reference}")],
            Self::Unseen => Vec::new(),
        }
    }

    /// Returns the entries of files that name no alias.
    pub(crate) fn unnamed(&self) -> &'a [Alias] {
        match self {
            Self::Found { keystore, .. } => &keystore.unnamed,
            _ => &[],
        }
    }

    /// Returns the entry of this name.
    pub(crate) fn alias(&self, alias: &str) -> Option<&'a Alias> {
        match self {
            Self::Found { keystore, .. } => keystore.aliases.get(alias),
            _ => None,
        }
    }
}
