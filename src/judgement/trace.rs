//! `trace`: the chain from a client to overrides.yaml for one server name, as a document.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Subject;
use super::chain::{self, Chain, Link, LinkKey, LinkState};
use crate::evidence::{Evidence, Reason};

/// Names the format in JSON and YAML. The number grows when an older reader would misread a newer file.
pub const SCHEMA: &str = "apigee-tls.trace/v1";

/// Links without which nothing is known of a chain, whatever the reason.
const NEEDED: [LinkKey; 3] = [LinkKey::Pod, LinkKey::FilterChain, LinkKey::Route];

/// One chain.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Trace {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Version of the tool that gathered the evidence.
    pub tool_version: String,
    pub subject: Subject,
    /// The state of the whole chain: broken if a link is; ok if none is broken or unknown, and pod, filter
    /// chain and ApigeeRoute were seen.
    pub state: LinkState,
    /// One sentence.
    pub headline: String,
    pub chain: Chain,
    /// The exit code of the run, the same for every format.
    pub exit_code: u8,
}

/// Follows the chain for a server name; for a client without SNI if absent.
#[must_use]
pub fn build(evidence: &Evidence, server_name: Option<&str>) -> Trace {
    let name = server_name.map(str::to_ascii_lowercase);
    let chain = chain::of(evidence, name.as_deref());
    let is_open = |link: &&Link| match link.state {
        LinkState::Unknown => true,
        LinkState::NotApplicable => NEEDED.contains(&link.link),
        LinkState::Broken | LinkState::Ok => false,
    };
    let first_unknown = chain.links.iter().find(is_open);
    let broken = chain.broken.and_then(|key| chain.links.iter().find(|link| link.link == key));
    let is_reset = chain.links.iter().any(|link| link.state == LinkState::Broken);
    let (state, exit_code) = match (broken, first_unknown) {
        (Some(_), _) => (LinkState::Broken, 1),
        (None, Some(_)) => (LinkState::Unknown, 3),
        (None, None) if is_reset => (LinkState::Broken, 1),
        (None, None) => (LinkState::Ok, 0),
    };
    let interrupted = evidence.interrupted.as_ref().is_some_and(|why| why.reason == Reason::Interrupted);
    Trace {
        schema: SCHEMA.to_owned(),
        tool_version: evidence.tool_version.clone(),
        subject: Subject::of(evidence),
        state,
        headline: headline(&chain, broken, first_unknown, is_reset),
        chain,
        exit_code: if interrupted { 130 } else { exit_code },
    }
}

fn headline(chain: &Chain, broken: Option<&Link>, unknown: Option<&Link>, is_reset: bool) -> String {
    let clients = match &chain.server_name {
        Some(name) => format!("clients with server name {name}"),
        None => "clients without SNI".into(),
    };
    let at = |link: &Link| format!("{}: {}", link.link.title(), link.why.as_deref().unwrap_or("no reason given"));
    match (broken, unknown) {
        (Some(link), _) => format!("the chain for {clients} is broken at the {}", at(link)),
        (None, Some(link)) => format!("the chain for {clients} could not be followed through the {}", at(link)),
        (None, None) if is_reset => format!("{clients} are reset, and no other link that was seen is broken"),
        (None, None) => format!("no link of the chain for {clients} that was seen is broken"),
    }
}
