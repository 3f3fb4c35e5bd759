//! The chain from the client to the overrides file: a picture, and each link with its facts.

use super::parts::{Badge, Tone};
use crate::judgement::chain::{Chain, Link, LinkKey, LinkState};

/// Maximum number of facts of a link.
const MAX_FACTS: usize = 12;

/// One chain.
#[derive(Clone, Debug)]
pub(super) struct ChainView<'a> {
    /// `without SNI`, `with server name api.example.com`
    pub(super) client: String,
    pub(super) badge: Badge,
    pub(super) links: Vec<LinkView<'a>>,
}

/// One link.
#[derive(Clone, Debug)]
pub(super) struct LinkView<'a> {
    pub(super) title: &'static str,
    pub(super) badge: Badge,
    /// The link to fix.
    pub(super) is_to_fix: bool,
    pub(super) why: Option<&'a str>,
    pub(super) facts: &'a [String],
    pub(super) more: usize,
}

impl<'a> ChainView<'a> {
    pub(super) fn of(chain: &'a Chain) -> Self {
        let client = match &chain.server_name {
            Some(name) => format!("with server name {name}"),
            None => "without SNI".to_owned(),
        };
        // The client is reset wherever another link is broken, and is not to be fixed itself.
        let is_broken = |link: &Link| link.state == LinkState::Broken;
        let badge = match () {
            () if chain.links.iter().any(is_broken) => Badge { tone: Tone::Bad, word: "broken" },
            () if chain.links.iter().any(|link| link.state == LinkState::Unknown) => {
                Badge { tone: Tone::Unknown, word: "nothing broken, some links unknown" }
            }
            () => Badge { tone: Tone::Good, word: "nothing broken" },
        };
        Self { client, badge, links: chain.links.iter().map(|link| LinkView::of(link, chain.broken)).collect() }
    }

    /// The links that are broken, apart from the client.
    pub(super) fn broken(&self) -> impl Iterator<Item = &LinkView<'a>> {
        self.links.iter().filter(|link| link.badge.tone == Tone::Bad && link.title != LinkKey::Client.title())
    }
}

impl<'a> LinkView<'a> {
    fn of(link: &'a Link, broken: Option<LinkKey>) -> Self {
        let facts = link.facts.get(..MAX_FACTS).unwrap_or(&link.facts);
        Self {
            title: link.link.title(),
            badge: Badge::of_link(link.state),
            is_to_fix: broken == Some(link.link),
            why: link.why.as_deref(),
            facts,
            more: link.facts.len() - facts.len(),
        }
    }
}
