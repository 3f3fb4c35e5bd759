//! Passes every text of the part to the visitor.

use super::{
    Alias, CapturedHandshake, CipherList, ClientList, Edge, EdgeQuestion, Keystore, LegHandshake, LogFailure, Login,
    MessageProcessorLog, MessageProcessorSettings, RouterSettings, Target, TlsSettings, Unseen, VirtualHost,
};
use crate::evidence::handshake::Verification;
use crate::evidence::part::{Kind, Visit, Visitor};

impl Visit for Edge {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self {
            question,
            virtual_hosts,
            targets,
            references,
            keystores,
            not_sent,
            routers,
            message_processors,
            log,
            handshakes,
            captured,
            symptoms,
            client_certificates,
            own_certificates,
            signatures,
            unseen,
            notes,
        } = self;
        question.visit(visitor);
        visitor.keys(Kind::Object, virtual_hosts);
        for host in virtual_hosts.values_mut() {
            host.visit(visitor);
        }
        targets.visit(visitor);
        visitor.keys(Kind::Object, references);
        for refers in references.values_mut() {
            match refers {
                crate::evidence::Seen::Seen(name) => visitor.string(Kind::Object, name),
                crate::evidence::Seen::Unavailable(why) => why.visit(visitor),
            }
        }
        visitor.keys(Kind::Object, keystores);
        for store in keystores.values_mut() {
            store.visit(visitor);
        }
        let renamed = std::mem::take(not_sent).into_iter().map(|mut host| {
            visitor.string(Kind::Hostname, &mut host);
            host
        });
        *not_sent = renamed.collect();
        routers.visit(visitor);
        message_processors.visit(visitor);
        log.visit(visitor);
        handshakes.visit(visitor);
        captured.visit(visitor);
        visitor.strings(Kind::Text, symptoms);
        client_certificates.visit(visitor);
        own_certificates.visit(visitor);
        visitor.keys(Kind::Number, signatures);
        for signers in signatures.values_mut() {
            let renamed = std::mem::take(signers).into_iter().map(|mut signer| {
                visitor.string(Kind::Number, &mut signer);
                signer
            });
            *signers = renamed.collect();
        }
        unseen.visit(visitor);
        visitor.strings(Kind::Text, notes);
    }
}

impl Visit for EdgeQuestion {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self {
            organization,
            environment,
            api: _,
            management_url,
            offline: _,
            legs: _,
            probed: _,
            expect_non_sni: _,
            java: _,
            edge_version,
            sni: _,
            client: _,
            client_authorities,
            client_certificate,
            own_certificate,
            message_processor_addresses,
            router_addresses,
            login,
            flags,
        } = self;
        visitor.strings(Kind::Object, [organization, environment]);
        visitor.strings(Kind::Text, management_url);
        visitor.strings(Kind::Text, edge_version);
        visitor.strings(Kind::File, client_authorities);
        visitor.strings(Kind::File, [client_certificate, own_certificate].into_iter().flatten());
        if let Login::UserFile(file) | Login::NetrcFile(file) = login {
            visitor.string(Kind::File, file);
        }
        visitor.strings(Kind::Text, flags);
        for address in message_processor_addresses.iter_mut().chain(router_addresses) {
            visitor.address(address);
        }
    }
}

impl Visit for VirtualHost {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { aliases, port: _, tls, protocols, ciphers, built_in_certificate: _, proxy_protocol: _ } = self;
        visitor.strings(Kind::Hostname, aliases);
        tls.visit(visitor);
        visitor.strings(Kind::Word, protocols);
        ciphers.visit(visitor);
    }
}

impl Visit for TlsSettings {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self {
            enabled: _,
            client_auth: _,
            key_store,
            key_alias,
            trust_store,
            protocols,
            ciphers,
            ignore_validation_errors: _,
            enforce: _,
            common_name,
        } = self;
        visitor.strings(Kind::Object, [key_store, key_alias, trust_store].into_iter().flatten());
        visitor.strings(Kind::Word, protocols.iter_mut().chain(ciphers));
        visitor.strings(Kind::Hostname, common_name);
    }
}

impl Visit for Target {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { object, origin: _, endpoint, host, port: _, enabled: _, tls, is_https: _ } = self;
        visitor.string(Kind::Object, object);
        visitor.strings(Kind::Object, endpoint);
        visitor.strings(Kind::Hostname, host);
        tls.visit(visitor);
    }
}

impl Visit for Keystore {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { aliases, unnamed, is_partial: _ } = self;
        visitor.keys(Kind::Object, aliases);
        for alias in aliases.values_mut() {
            alias.visit(visitor);
        }
        unnamed.visit(visitor);
    }
}

impl Visit for Alias {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { has_key: _, certificates, origin: _, verification, unseen } = self;
        certificates.visit(visitor);
        if let Some(Verification { code: _, message, depth: _, related }) = verification {
            visitor.string(Kind::Text, message);
            visitor.strings(Kind::Text, related);
        }
        unseen.visit(visitor);
    }
}

impl Visit for RouterSettings {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { file, is_effective: _, protocols, ciphers } = self;
        visitor.string(Kind::File, file);
        visitor.strings(Kind::Word, protocols.iter_mut().flatten());
        ciphers.visit(visitor);
    }
}

impl Visit for CipherList {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { text, suites } = self;
        visitor.string(Kind::Text, text);
        visitor.strings(Kind::Word, suites);
    }
}

impl Visit for MessageProcessorSettings {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { file, is_effective: _, sni: _, disabled_algorithms, https_protocols } = self;
        visitor.string(Kind::File, file);
        visitor.strings(Kind::Text, [disabled_algorithms, https_protocols].into_iter().flatten());
    }
}

impl Visit for LegHandshake {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self {
            leg: _,
            object,
            endpoint,
            host,
            port: _,
            connected_port: _,
            address,
            given_address: _,
            purpose: _,
            profile: _,
            versions,
            suites,
            handshake,
            http_status: _,
            scan,
        } = self;
        visitor.string(Kind::Object, object);
        visitor.strings(Kind::Object, endpoint);
        visitor.string(Kind::Hostname, host);
        if let Some(address) = address {
            visitor.address(address);
        }
        visitor.strings(Kind::Word, versions.iter_mut().chain(suites));
        handshake.visit(visitor);
        scan.visit(visitor);
    }
}

impl Visit for CapturedHandshake {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self {
            client,
            server,
            count: _,
            first_packet: _,
            filter,
            is_whole: _,
            server_name,
            versions,
            suites,
            chosen,
            certificates,
            certificate_request,
            client_list,
            outcome: _,
        } = self;
        visitor.address(client);
        let mut address = server.ip();
        visitor.address(&mut address);
        server.set_ip(address);
        visitor.string(Kind::Text, filter);
        visitor.strings(Kind::Hostname, server_name);
        visitor.strings(Kind::Word, versions.iter_mut().chain(suites));
        if let Some((version, suite)) = chosen {
            visitor.strings(Kind::Word, [version, suite]);
        }
        certificates.visit(visitor);
        for name in certificate_request.iter_mut().flatten() {
            visitor.distinguished_name(name, &[]);
        }
        if let ClientList::Sent(list) = client_list {
            list.visit(visitor);
        }
    }
}

impl Visit for MessageProcessorLog {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { files, of_others: _, others, has_own: _, failures, joined, more: _ } = self;
        visitor.strings(Kind::File, files);
        visitor.strings(Kind::Object, others);
        failures.visit(visitor);
        joined.visit(visitor);
    }
}

impl Visit for LogFailure {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { proxy, revision, backend, message, timed_out: _, count: _, first, last, first_at: _ } = self;
        visitor.strings(Kind::Object, [proxy, revision]);
        visitor.strings(Kind::Text, [backend, message, first, last]);
    }
}

impl Visit for Unseen {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { why, leg: _ } = self;
        why.visit(visitor);
    }
}
