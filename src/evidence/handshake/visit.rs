//! Passes every text of handshakes to a visitor, with its kind.

use super::{
    ClientCertificate, Endpoint, EndpointOrigin, Failure, Handshake, How, ProbeQuestion, Probes, Scan, Session, Trust,
    Verification, VersionScan,
};
use crate::evidence::part::{Kind, Visit, Visitor};

impl Visit for Probes {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { question, endpoints, unprobed } = self;
        question.visit(visitor);
        endpoints.visit(visitor);
        unprobed.visit(visitor);
    }
}

impl Visit for ProbeQuestion {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self {
            unknown_name,
            min_version,
            max_version,
            ciphers,
            client,
            alpn,
            trust,
            client_certificate,
            client_key,
            proxy_protocol: _,
            via_proxy,
            timeout_milliseconds: _,
        } = self;
        visitor.string(Kind::Hostname, unknown_name);
        visitor.strings(Kind::Word, [min_version, max_version, ciphers, client].into_iter().flatten());
        visitor.strings(Kind::Word, alpn);
        match trust {
            Trust::File(name) => visitor.string(Kind::File, name),
            Trust::System => {}
        }
        visitor.strings(Kind::File, [client_certificate, client_key].into_iter().flatten());
        visitor.strings(Kind::Text, via_proxy);
    }
}

impl Visit for Endpoint {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { place, host, port: _, named_port: _, address, handshakes, scan } = self;
        match place {
            EndpointOrigin::Pod { pod: name } | EndpointOrigin::Service { service: name } => {
                visitor.string(Kind::Object, name);
            }
            EndpointOrigin::Dns | EndpointOrigin::Given => {}
        }
        visitor.strings(Kind::Hostname, host);
        if let Some(address) = address {
            visitor.address(address);
        }
        handshakes.visit(visitor);
        scan.visit(visitor);
    }
}

impl Visit for Handshake {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self {
            kind: _,
            server_name,
            requested: _,
            started_at: _,
            milliseconds: _,
            session,
            certificates,
            verification,
            client_certificate,
            undecided: _,
            warning: _,
            failure,
        } = self;
        visitor.strings(Kind::Hostname, server_name);
        session.visit(visitor);
        certificates.visit(visitor);
        if let Some(Verification { code: _, message, depth: _, related }) = verification {
            visitor.string(Kind::Text, message);
            visitor.strings(Kind::Text, related);
        }
        match client_certificate {
            ClientCertificate::Requested(cas) => visitor.strings(Kind::Text, cas.iter_mut().flatten()),
            ClientCertificate::Unknown | ClientCertificate::NotRequested => {}
        }
        failure.visit(visitor);
    }
}

impl Visit for Session {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { protocol, cipher, alpn, group, stapled: _ } = self;
        visitor.strings(Kind::Word, [protocol, cipher]);
        visitor.strings(Kind::Text, alpn);
        visitor.strings(Kind::Word, group);
    }
}

impl Visit for Failure {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { stage: _, by: _, how } = self;
        match how {
            How::Local(text) | How::Malformed(text) | How::Other(text) | How::Unreachable(text) => {
                visitor.string(Kind::Text, text);
            }
            How::NotTls { speaks: _, sample } => visitor.string(Kind::Text, sample),
            How::ProxyRefused { status: _, reason } => visitor.string(Kind::Text, reason),
            How::Alert { level: _, number: _ }
            | How::Closed
            | How::NoAddress
            | How::NoSuchName
            | How::Refused
            | How::Reset
            | How::TimedOut { milliseconds: _ } => {}
        }
    }
}

impl Visit for Scan {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { versions, connections: _, milliseconds: _ } = self;
        versions.visit(visitor);
    }
}

impl Visit for VersionScan {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { version, suites, refusal, cut } = self;
        visitor.string(Kind::Word, version);
        visitor.strings(Kind::Word, suites);
        refusal.visit(visitor);
        cut.visit(visitor);
    }
}
