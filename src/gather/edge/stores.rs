//! References, and the keystores that virtual hosts and targets name.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use openssl::x509::{X509, X509VerifyResult};

use super::Gathering;
use super::answers::{Answers, Missing};
use crate::evidence::edge::{Alias, AliasOrigin, Keystore, Leg, StoreName};
use crate::evidence::{Reason, Seen, Unavailable};
use crate::wire::certificate;
use crate::wire::edge::answers::{self, Entry};
use crate::wire::edge::keystore_file::Content;

/// An entry with what was read of it.
struct Read {
    alias: String,
    has_key: Option<bool>,
    encoded: Vec<X509>,
    described: Vec<crate::evidence::certificate::Certificate>,
    unseen: Option<Unavailable>,
}

/// Who needs a name, for the list of what was not seen.
type Needed = BTreeMap<String, Leg>;

impl Gathering<'_> {
    /// Reads every store that a virtual host or target names.
    pub(super) async fn stores(&mut self) {
        let (mut references, mut stores) = (Needed::new(), Needed::new());
        let mut variables: BTreeSet<String> = BTreeSet::new();
        let hosts = self.edge.virtual_hosts.values().filter_map(|host| Some((host.tls.as_ref()?, Leg::Northbound)));
        let targets = self.edge.targets.iter().filter(|target| target.enabled);
        let targets = targets.filter_map(|target| Some((target.tls.as_ref()?, Leg::Southbound)));
        for (tls, leg) in hosts.chain(targets) {
            for store in tls.stores() {
                match store {
                    StoreName::Reference(name) => drop(references.entry(name.to_owned()).or_insert(leg)),
                    StoreName::Direct(name) => drop(stores.entry(name.to_owned()).or_insert(leg)),
                    StoreName::Variable(text) => drop(variables.insert(text.to_owned())),
                }
            }
        }
        for text in variables {
            let reason = Reason::Missing("a flow variable, whose value only a request has".into());
            self.unseen(Unavailable::new(format!("the keystore {text}"), reason), Some(Leg::Southbound));
        }
        if self.answers.is_none() {
            self.not_given(&references, &stores);
        }
        self.references(references, &mut stores).await;
        // A file of the user takes the place of a keystore.
        for file in &self.options.keystores {
            stores.entry(file.store.clone()).or_insert(Leg::Northbound);
        }
        self.keystores(stores).await;
        self.references_in_place_of_keystores().await;
        self.keystore_files();
    }

    /// Records the names that only the Management API could resolve, where nothing can be requested of it.
    fn not_given(&mut self, references: &Needed, stores: &Needed) {
        let given: BTreeSet<&str> = self.options.keystores.iter().map(|file| file.store.as_str()).collect();
        let references = references.iter().map(|(name, leg)| (format!("references/{name}"), *leg));
        let stores = stores.iter().filter(|(name, _)| !given.contains(name.as_str()));
        let stores = stores.map(|(name, leg)| (format!("keystores/{name}"), *leg));
        let missing: Vec<(String, Leg)> = references.chain(stores).collect();
        for (what, leg) in missing {
            let reason = Reason::Missing("no answer of the Management API was given (--api-dump)".into());
            self.unseen(Unavailable::new(what, reason), Some(leg));
        }
    }

    async fn references(&mut self, wanted: Needed, stores: &mut Needed) {
        if self.answers.is_none() {
            return;
        }
        let answers = &self.answers;
        let found = join_all(wanted.keys().map(|name| answers.json(vec!["references", name]))).await;
        for ((name, leg), answer) in wanted.into_iter().zip(found) {
            let broken = |why: String| Unavailable::new(format!("references/{name}"), Reason::Broken(why));
            let is_absent = answer.as_ref().is_err_and(Missing::is_absent);
            let seen = answer.map_err(Missing::why).and_then(|answer| answers::refers(&answer).map_err(broken));
            // A reference that does not exist is a fault, and not a gap.
            if let Some(why) = seen.as_ref().err().filter(|_| !is_absent) {
                self.unseen(why.clone(), Some(leg));
            }
            if let Ok(store) = &seen
                && !store.starts_with("ref://")
            {
                stores.entry(store.clone()).or_insert(leg);
            }
            self.edge.references.insert(name, seen.into());
        }
    }

    /// Asks whether a name that is no keystore is a reference: one that names another leads nowhere.
    async fn references_in_place_of_keystores(&mut self) {
        let is_known = |name: &String| self.edge.references.contains_key(name);
        let is_absent = |(name, store): (&String, &Seen<Keystore>)| match store {
            Seen::Unavailable(Unavailable { reason: Reason::Missing(_), .. }) if !is_known(name) => Some(name.clone()),
            _ => None,
        };
        let absent: Vec<String> = self.edge.keystores.iter().filter_map(is_absent).collect();
        let answers = &self.answers;
        let found = join_all(absent.iter().map(|name| answers.json(vec!["references", name]))).await;
        for (name, answer) in absent.into_iter().zip(found) {
            if let Some(store) = answer.ok().and_then(|answer| answers::refers(&answer).ok()) {
                self.edge.references.insert(name, Seen::Seen(store));
            }
        }
    }

    async fn keystores(&mut self, wanted: Needed) {
        if self.answers.is_none() {
            return;
        }
        let given: BTreeSet<&str> = self.options.keystores.iter().map(|file| file.store.as_str()).collect();
        let answers = &self.answers;
        let read = wanted.keys().map(|name| async move {
            let answer = answers.json(vec!["keystores", name]).await?;
            let entries = answers::entries(&answer, answers.dialect);
            let entries = match entries {
                Ok(entries) => entries,
                Err(why) => {
                    let why = Unavailable::new(format!("keystores/{name}"), Reason::Broken(why));
                    return Ok(Err(why));
                }
            };
            Ok(Ok(join_all(entries.into_iter().map(|entry| entry_of(answers, name, entry))).await))
        });
        let found: Vec<Result<Result<Vec<Read>, Unavailable>, Missing>> = join_all(read).await;
        for ((name, leg), found) in wanted.iter().zip(found) {
            let seen = match found {
                Ok(Ok(entries)) => Ok(self.keystore(*leg, entries)),
                Ok(Err(why)) => Err((why, false)),
                Err(missing) => {
                    let is_absent = missing.is_absent();
                    Err((missing.why(), is_absent))
                }
            };
            let seen = seen.map_err(|(why, is_absent)| {
                if !is_absent && !given.contains(name.as_str()) {
                    self.unseen(why.clone(), Some(*leg));
                }
                why
            });
            self.edge.keystores.insert(name.clone(), seen.into());
        }
    }

    fn keystore(&mut self, leg: Leg, entries: Vec<Read>) -> Keystore {
        let mut aliases = BTreeMap::new();
        for Read { alias, has_key, encoded, described, unseen } in entries {
            let origin = if encoded.is_empty() { AliasOrigin::Described } else { AliasOrigin::Encoded };
            let verification = self.pool.verify(&encoded);
            let certificates = if encoded.is_empty() { described } else { self.pool.add(&encoded) };
            if let Some(why) = &unseen {
                self.unseen(why.clone(), Some(leg));
            }
            aliases.insert(alias, Alias { has_key, certificates, origin, verification, unseen });
        }
        Keystore { aliases, ..Keystore::default() }
    }

    /// Adds the keystores given as files.
    fn keystore_files(&mut self) {
        for file in &self.options.keystores {
            let read = match &file.content {
                Ok(content) => content,
                Err(why) => {
                    let why = Unavailable::new(file.name.clone(), why.clone());
                    self.unseen(why, None);
                    continue;
                }
            };
            let mut entries = Vec::new();
            for (name, list) in entries_of(file.alias.as_deref(), read) {
                let verification = self.pool.verify(&list);
                let certificates = self.pool.add(&list);
                // A PEM file of certificates alone does not show that the entry has no key.
                let has_key = read.has_key.then_some(true);
                let entry = Alias { has_key, certificates, origin: AliasOrigin::File, verification, unseen: None };
                entries.push((name, entry));
            }
            let partial = || Seen::Seen(Keystore { is_partial: true, ..Keystore::default() });
            let known = self.edge.keystores.entry(file.store.clone()).or_insert_with(partial);
            if known.seen().is_err() {
                *known = partial();
            }
            let Seen::Seen(keystore) = known else { continue };
            for (name, entry) in entries {
                match name {
                    Some(name) => drop(keystore.aliases.insert(name, entry)),
                    None => keystore.unnamed.push(entry),
                }
            }
        }
        self.unnamed_entries();
    }

    /// Records the aliases in use that are not known, because the files given for their keystores name none.
    fn unnamed_entries(&mut self) {
        let hosts = self.edge.virtual_hosts.values().filter_map(|host| Some((host.tls.as_ref()?, Leg::Northbound)));
        let hosts = hosts.filter(|(tls, _)| tls.enabled);
        let targets = self.edge.targets.iter().filter(|target| target.enabled);
        let targets = targets.filter_map(|target| Some((target.tls.as_ref()?, Leg::Southbound)));
        let mut missing: BTreeMap<String, (Leg, String)> = BTreeMap::new();
        for (tls, leg) in hosts.chain(targets.filter(|(tls, _)| tls.client_auth)) {
            let (Some(store), Some(alias)) = (&tls.key_store, &tls.key_alias) else { continue };
            let name = match StoreName::of(store) {
                StoreName::Direct(name) => Some(name),
                StoreName::Reference(name) => {
                    self.edge.references.get(name).and_then(|refers| refers.seen().ok()).map(String::as_str)
                }
                StoreName::Variable(_) => None,
            };
            let Some(name) = name else { continue };
            let keystore = self.edge.keystores.get(name).and_then(|keystore| keystore.seen().ok());
            if keystore.is_some_and(|keystore| keystore.is_partial && !keystore.aliases.contains_key(alias)) {
                let why = format!("no file given for {name} names it; give --keystore-file {name}/{alias}=FILE");
                missing.entry(format!("keystores/{name}/aliases/{alias}")).or_insert((leg, why));
            }
        }
        for (what, (leg, why)) in missing {
            self.unseen(Unavailable::new(what, Reason::Missing(why)), Some(leg));
        }
    }
}

/// Returns the entries of a file, each with its alias if that is known. A file without an alias holds all
/// entries of a truststore, each of which is trusted by itself.
fn entries_of(given: Option<&str>, content: &Content) -> Vec<(Option<String>, Vec<X509>)> {
    if let Some(alias) = given {
        return vec![(Some(alias.to_owned()), content.certificates.clone())];
    }
    if !content.has_key {
        return content.certificates.iter().map(|one| (None, vec![one.clone()])).collect();
    }
    // A file with several keys has certificates that are of no use to the first one.
    let all = &content.certificates;
    let is_of_chain = |one: &X509| all.iter().any(|other| one.issued(other) == X509VerifyResult::OK);
    let is_own = |(number, one): &(usize, X509)| *number == 0 || one.alias().is_none() || is_of_chain(one);
    let (chain, others): (Vec<_>, Vec<_>) = all.iter().cloned().enumerate().partition(is_own);
    let chain = chain.into_iter().map(|(_, one)| one).collect();
    let others = others.into_iter().map(|(_, one)| (None, vec![one]));
    std::iter::once((content.alias.clone(), chain)).chain(others).collect()
}

/// Reads the certificates of an entry: their encoding, or else what describes them.
async fn entry_of(answers: &Answers<'_>, store: &str, entry: Entry) -> Read {
    let Entry { alias, certificate, mut has_key } = entry;
    let mut encoded = Vec::new();
    let mut fault = None;
    let exports = [Some(vec!["keystores", store, "aliases", alias.as_str(), "certificate"])]
        .into_iter()
        .chain([certificate.as_deref().map(|name| vec!["keystores", store, "certs", name, "export"])]);
    for names in exports.flatten() {
        match answers.pem(names).await {
            // A public key or a CSR may come in place of a certificate.
            Ok(bytes) => encoded = certificate::from_pem(&bytes).0,
            Err(missing) => drop(fault.get_or_insert(missing)),
        }
        if !encoded.is_empty() {
            break;
        }
    }
    let mut described = Vec::new();
    let mut shape = None;
    if encoded.is_empty() || has_key.is_none() {
        let descriptions = [Some(vec!["keystores", store, "aliases", alias.as_str()])]
            .into_iter()
            .chain([certificate.as_deref().map(|name| vec!["keystores", store, "certs", name])]);
        for names in descriptions.flatten() {
            match answers.json(names).await {
                Ok(answer) => {
                    has_key = has_key.or_else(|| answers::alias_has_key(&answer));
                    match answers::described(&answer) {
                        Ok(list) => described = list,
                        Err(why) => drop(shape.get_or_insert(why)),
                    }
                }
                Err(missing) => drop(fault.get_or_insert(missing)),
            }
            if !described.is_empty() || !encoded.is_empty() {
                break;
            }
        }
    }
    let broken = |why: String| Unavailable::new(format!("keystores/{store}/aliases/{alias}"), Reason::Broken(why));
    let unseen = (encoded.is_empty() && described.is_empty()).then(|| match (shape, fault) {
        (Some(why), _) => broken(format!("its description cannot be read: {why}")),
        (None, Some(missing)) => missing.why(),
        (None, None) => broken("the answer has no certificate".into()),
    });
    Read { alias, has_key, encoded, described, unseen }
}
