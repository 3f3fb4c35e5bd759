//! Virtual hosts, target servers and proxies.

use futures::future::join_all;

use super::Gathering;
use super::answers::Missing;
use crate::evidence::edge::{Dialect, Leg, VirtualHost};
use crate::evidence::{Reason, Unavailable};
use crate::gather::http::client::Fault;
use crate::wire::edge::answers;
use crate::wire::edge::proxy::{self, Proxy};

impl Gathering<'_> {
    /// Reads the objects that the user names, or all.
    pub(super) async fn objects(&mut self) {
        let (mut hosts, mut servers) = (self.options.virtual_hosts.clone(), self.options.target_servers.clone());
        let names_targets = !servers.is_empty() || !self.options.proxies.is_empty();
        if !self.answers.is_none() {
            let (north, south) = (self.judges(Leg::Northbound), self.judges(Leg::Southbound));
            let lists = |wanted: bool, kind: &'static str| {
                let answers = &self.answers;
                async move { if wanted { Some(answers.list(kind).await) } else { None } }
            };
            let (found_hosts, found_servers) = futures::join!(
                lists(north && hosts.is_empty(), "virtualhosts"),
                lists(south && !names_targets, "targetservers")
            );
            let both_absent = [&found_hosts, &found_servers]
                .iter()
                .all(|found| matches!(found, Some(Err(missing)) if missing.is_absent()) || found.is_none())
                && (found_hosts.is_some() || found_servers.is_some());
            for (found, names, leg) in
                [(found_hosts, &mut hosts, Leg::Northbound), (found_servers, &mut servers, Leg::Southbound)]
            {
                match found {
                    None => {}
                    Some(Ok(found)) => *names = found,
                    Some(Err(missing)) => self.no_list(missing, leg, both_absent),
                }
            }
            if self.refused.is_some() {
                return;
            }
        }
        self.proxies(&mut servers).await;
        servers.sort();
        servers.dedup();
        self.virtual_hosts(&hosts).await;
        self.target_servers(&servers).await;
    }

    /// A list is missing: that of one kind is unknown, unless nothing of the environment can be read.
    fn no_list(&mut self, missing: Missing, leg: Leg, both_absent: bool) {
        let is_dump = self.answers.client.is_none();
        let fatal = match missing.fault.status {
            Some(401) => true,
            Some(404) => both_absent && self.edge.question.api == Dialect::Edge && !is_dump,
            None => !is_dump && matches!(missing.fault.reason, Reason::Unreachable(_) | Reason::TimedOut { .. }),
            Some(_) => false,
        };
        if fatal {
            let mut fault = missing.fault.clone();
            if fault.status == Some(404) {
                let question = &self.edge.question;
                let (organization, environment) = (&question.organization, &question.environment);
                let Reason::Missing(why) = &fault.reason else { return };
                let why = format!("no environment {environment} in organization {organization}: {why}");
                fault.reason = Reason::Missing(why);
            }
            if self.refused.is_none() {
                self.unseen(Unavailable::new("the Management API", fault.reason.clone()), None);
            }
            self.refused.get_or_insert(fault);
            return;
        }
        // Google documents no list of target servers, so that its absence is no fault.
        let is_google = self.edge.question.api == Dialect::Google && missing.is_absent();
        let why = missing.why();
        if is_google {
            let reason = Reason::NotRequested("this API documents no list; name them with --target-server".into());
            self.unseen(Unavailable::new(why.what, reason), Some(leg));
        } else {
            self.unseen(why, Some(leg));
        }
    }

    async fn virtual_hosts(&mut self, names: &[String]) {
        if self.answers.is_none() {
            return;
        }
        let answers = &self.answers;
        let found = join_all(names.iter().map(|name| answers.json(vec_of("virtualhosts", name)))).await;
        for (name, answer) in names.iter().zip(found) {
            let read = answer
                .map_err(Missing::why)
                .and_then(|answer| answers::virtual_host(&answer).map_err(|why| unreadable("virtualhosts", name, why)));
            match read {
                Ok(host) => {
                    for what in unreachable(&host) {
                        let why = unreadable("virtualhosts", name, what.to_owned());
                        self.unseen(why, Some(Leg::Northbound));
                    }
                    self.edge.virtual_hosts.insert(name.clone(), host);
                }
                Err(why) => self.unseen(why, Some(Leg::Northbound)),
            }
        }
    }

    async fn target_servers(&mut self, names: &[String]) {
        if self.answers.is_none() || !self.judges(Leg::Southbound) {
            return;
        }
        let answers = &self.answers;
        let found = join_all(names.iter().map(|name| answers.json(vec_of("targetservers", name)))).await;
        for (name, answer) in names.iter().zip(found) {
            let read = answer.map_err(Missing::why).and_then(|answer| {
                answers::target_server(name, &answer).map_err(|why| unreadable("targetservers", name, why))
            });
            match read {
                Ok(target) => self.edge.targets.push(target),
                Err(why) => self.unseen(why, Some(Leg::Southbound)),
            }
        }
    }

    /// Reads proxies: those given as files, and the deployed revisions of those named. Adds the names of the
    /// target servers that they use.
    async fn proxies(&mut self, servers: &mut Vec<String>) {
        if !self.judges(Leg::Southbound) {
            return;
        }
        for file in &self.options.proxy_files {
            match &file.content {
                Ok(proxy) => {
                    let name = proxy.name.clone().unwrap_or_else(|| file.stem());
                    self.proxy(&name, &file.name, proxy, servers);
                }
                Err(why) => {
                    let why = Unavailable::new(file.name.clone(), why.clone());
                    self.unseen(why, Some(Leg::Southbound));
                }
            }
        }
        for named in &self.options.proxies {
            let (name, revision) = match named.split_once(':') {
                Some((name, revision)) => (name.to_owned(), Some(revision.to_owned())),
                None => (named.clone(), None),
            };
            let revisions = match revision {
                Some(revision) => Ok(vec![revision]),
                None => self.deployed(&name).await,
            };
            let revisions = match revisions {
                Ok(revisions) => revisions,
                Err(why) => {
                    self.unseen(why, Some(Leg::Southbound));
                    continue;
                }
            };
            for revision in &revisions {
                let path = format!("{name}/revisions/{revision}");
                // Each of several serves requests, so that a report says which one it is about.
                let object = if revisions.len() == 1 { &name } else { &path };
                let archive = self.answers.archive(&name, revision).await;
                let read = archive.map_err(Missing::why);
                let read = read.and_then(|bytes| proxy::archive(&bytes).map_err(|why| unreadable("apis", &path, why)));
                match read {
                    Ok(proxy) => self.proxy(object, &format!("apis/{path}"), &proxy, servers),
                    Err(why) => self.unseen(why, Some(Leg::Southbound)),
                }
            }
        }
    }

    /// Returns the revisions of a proxy that are deployed in the environment, at least one.
    async fn deployed(&self, name: &str) -> Result<Vec<String>, Unavailable> {
        let answer = self.answers.json(vec!["apis", name, "deployments"]).await.map_err(Missing::why)?;
        let missing = |reason: Reason| Unavailable::new(format!("apis/{name}/deployments"), reason);
        let revisions = answers::deployed_revisions(&answer).map_err(|why| missing(Reason::Broken(why)))?;
        if revisions.is_empty() {
            return Err(missing(Reason::Missing("no revision of it is deployed in this environment".into())));
        }
        Ok(revisions)
    }

    fn proxy(&mut self, name: &str, file: &str, proxy: &Proxy, servers: &mut Vec<String>) {
        for (path, content) in &proxy.files {
            self.answers.keep(&format!("apis/{name}/{path}"), content);
        }
        for (path, why) in &proxy.faults {
            let why = Unavailable::new(format!("{file}: {path}"), Reason::Broken(why.clone()));
            self.unseen(why, Some(Leg::Southbound));
        }
        if proxy.endpoints.is_empty() && proxy.faults.is_empty() {
            let why = Unavailable::new(file.to_owned(), Reason::Missing("it has no TargetEndpoint".into()));
            self.unseen(why, Some(Leg::Southbound));
        }
        let (targets, used) = proxy.targets(name);
        for target in &targets {
            if target.host.is_none() {
                let reason = Reason::Missing("its host is a flow variable, which only a request has".into());
                self.unseen(Unavailable::new(target.title(), reason), Some(Leg::Southbound));
            }
        }
        self.edge.targets.extend(targets);
        servers.extend(used);
    }
}

/// What a virtual host with TLS lacks for handshakes.
fn unreachable(host: &VirtualHost) -> impl Iterator<Item = &'static str> {
    let has_tls = host.tls.as_ref().is_some_and(|tls| tls.enabled);
    let lacks = [(host.aliases.is_empty(), "it has no host alias"), (host.port.is_none(), "it has no port")];
    lacks.into_iter().filter(move |(is_lacking, _)| has_tls && *is_lacking).map(|(_, what)| what)
}

fn vec_of<'a>(kind: &'a str, name: &'a str) -> Vec<&'a str> {
    vec![kind, name]
}

fn unreadable(kind: &str, name: &str, why: String) -> Unavailable {
    Unavailable::new(format!("{kind}/{name}"), Reason::Broken(why))
}

impl Fault {
    /// Returns what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self.status {
            Some(401) => Some("give valid credentials with --token-file, --user-file or --netrc-file".into()),
            Some(403) => Some("these credentials lack the right to read this environment".into()),
            Some(404) => Some("check --org, --env and --management-url".into()),
            _ => Some("check --management-url, --management-ca-file and --management-proxy".into()),
        }
    }
}
