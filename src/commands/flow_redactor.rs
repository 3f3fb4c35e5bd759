//! Redacts what the two peers of a connection sent in clear, before it is counted or printed.

use std::collections::HashMap;
use std::net::IpAddr;

use foldhash::fast::RandomState;

use crate::evidence::capture::{ClientChain, Flow, ServerName};
use crate::evidence::part::{Kind, Visit as _, Visitor};
use crate::redact::{Redactions, Redactor};

/// Maximum number of texts of which the redacted form is remembered.
const MAX_KNOWN: usize = 4096;

/// Redacts flows as evidence is redacted.
pub(super) struct FlowRedactor {
    redactor: Redactor,
    /// Names and certificates repeat from connection to connection, and redacting one takes longer than
    /// reading its packets. What has no secret is absent, so that it is not copied.
    known: HashMap<String, Option<String>, RandomState>,
}

impl FlowRedactor {
    pub(super) fn new(redactor: Redactor) -> Self {
        Self { redactor, known: HashMap::default() }
    }

    /// Redacts all text of a flow that a peer chose.
    pub(super) fn flow(&mut self, mut flow: Flow) -> Flow {
        let sample = flow.sample.take();
        flow.sample = sample.map(|sample| self.redactor.sample(&sample, &mut Redactions::default()));
        if let Some(hello) = &mut flow.hello {
            match &mut hello.server_name {
                ServerName::Sent(name) | ServerName::Address(name) => self.text(name),
                ServerName::Encrypted | ServerName::None | ServerName::Unknown => {}
            }
            hello.alpn.iter_mut().for_each(|protocol| self.text(protocol));
        }
        let protocol = flow.answer.as_mut().and_then(|answer| answer.alpn.as_mut());
        protocol.into_iter().chain(flow.certificate_request.iter_mut().flatten()).for_each(|text| self.text(text));
        let of_client = match &mut flow.client_certificate {
            ClientChain::Sent(chain) => &mut chain[..],
            ClientChain::Empty | ClientChain::NotSeen => &mut [],
        };
        for certificate in flow.certificates.iter_mut().chain(of_client).filter_map(|one| one.certificate.as_mut()) {
            certificate.visit(self);
        }
        flow
    }

    fn text(&mut self, text: &mut String) {
        if let Some(known) = self.known.get(text) {
            if let Some(clean) = known {
                text.clone_from(clean);
            }
            return;
        }
        if self.known.len() >= MAX_KNOWN {
            self.known.clear();
        }
        let clean = self.redactor.derived(text, &mut Redactions::default());
        let changed = (clean != *text).then(|| clean.clone());
        self.known.insert(std::mem::replace(text, clean), changed);
    }
}

/// The texts of a certificate that are names or prose.
impl Visitor for FlowRedactor {
    fn string(&mut self, kind: Kind, text: &mut String) {
        if matches!(kind, Kind::Hostname | Kind::Text) {
            self.text(text);
        }
    }

    fn address(&mut self, _address: &mut IpAddr) {}

    fn distinguished_name(&mut self, name: &mut String, _dns_names: &[String]) {
        self.text(name);
    }
}
