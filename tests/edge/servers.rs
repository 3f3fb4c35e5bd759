//! Routers and backends of the tests: OpenSSL servers with the versions, suites and demands of a case, and
//! peers that do not speak TLS. Threads end with the test process.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use openssl::ssl::{
    NameType, SniError, SslAcceptor, SslAcceptorBuilder, SslAlert, SslMethod, SslOptions, SslVerifyMode, SslVersion,
};

use crate::pki::Pki;

/// A server, by its port.
pub(crate) struct Server {
    pub(crate) port: u16,
}

/// A TLS server before it starts.
pub(crate) struct Tls {
    builder: SslAcceptorBuilder,
}

impl Server {
    /// A server that presents these certificates.
    pub(crate) fn tls(pki: &Pki, chain: &[&str]) -> Tls {
        let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).expect("a server");
        builder.set_security_level(0);
        builder.set_min_proto_version(Some(SslVersion::TLS1_2)).expect("a version");
        builder.set_max_proto_version(Some(SslVersion::TLS1_3)).expect("a version");
        let (leaf, others) = chain.split_first().expect("a leaf");
        builder.set_certificate(pki.get(leaf)).expect("a certificate");
        for name in others {
            builder.add_extra_chain_cert(pki.get(name).clone()).expect("a certificate");
        }
        builder.set_private_key(&pki.key).expect("a key");
        Tls { builder }
    }

    /// A web server without TLS.
    pub(crate) fn plain() -> Self {
        listen(|mut stream| {
            let _ = stream.read(&mut [0; 512]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
        })
    }

    /// Closes after the ClientHello.
    pub(crate) fn closing() -> Self {
        listen(|mut stream| {
            let _ = stream.read(&mut [0; 4096]);
        })
    }

    /// Answers every ClientHello with these bytes.
    pub(crate) fn answering(bytes: &[u8]) -> Self {
        let bytes = bytes.to_vec();
        listen(move |mut stream| {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(&bytes);
            thread::sleep(Duration::from_millis(200));
        })
    }

    /// Never answers.
    pub(crate) fn silent() -> Self {
        listen(|mut stream| {
            let _ = stream.read(&mut [0; 4096]);
            thread::sleep(Duration::from_secs(30));
        })
    }
}

impl Tls {
    pub(crate) fn versions(mut self, min: &str, max: &str) -> Self {
        let version = |name: &str| match name {
            "1.0" => SslVersion::TLS1,
            "1.3" => SslVersion::TLS1_3,
            _ => SslVersion::TLS1_2,
        };
        self.builder.set_min_proto_version(Some(version(min))).expect("a version");
        self.builder.set_max_proto_version(Some(version(max))).expect("a version");
        self.builder.clear_options(SslOptions::NO_TLSV1 | SslOptions::NO_TLSV1_1);
        if max == "1.0" {
            self.builder.set_cipher_list("ALL:@SECLEVEL=0").expect("suites");
        }
        self
    }

    pub(crate) fn ciphers(mut self, list: &str) -> Self {
        self.builder.set_cipher_list(list).expect("suites");
        self
    }

    /// Sends alert 40 to a ClientHello without SNI.
    pub(crate) fn refusing_no_sni(mut self) -> Self {
        self.builder.set_servername_callback(|ssl, alert| {
            if ssl.servername(NameType::HOST_NAME).is_some() {
                return Ok(());
            }
            *alert = SslAlert::HANDSHAKE_FAILURE;
            Err(SniError::ALERT_FATAL)
        });
        self
    }

    /// Sends alert 112 to a ClientHello without SNI or for another name.
    pub(crate) fn knowing(mut self, name: &'static str) -> Self {
        self.builder.set_servername_callback(move |ssl, alert| {
            if ssl.servername(NameType::HOST_NAME) == Some(name) {
                return Ok(());
            }
            *alert = SslAlert::UNRECOGNIZED_NAME;
            Err(SniError::ALERT_FATAL)
        });
        self
    }

    /// Demands a client certificate of any CA.
    pub(crate) fn demanding(mut self) -> Self {
        self.builder.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
        self
    }

    /// Demands a client certificate of this CA, and names it in the `CertificateRequest`.
    pub(crate) fn demanding_of(self, pki: &Pki, authority: &str) -> Self {
        let mut own = self.demanding();
        own.builder.add_client_ca(pki.get(authority)).expect("a name");
        own.builder.cert_store_mut().add_cert(pki.get(authority).clone()).expect("trusted");
        own
    }

    pub(crate) fn start(self) -> Server {
        self.start_after(0)
    }

    /// Resets so many connections before the first one that is served.
    pub(crate) fn start_after(self, resets: u32) -> Server {
        let acceptor = self.builder.build();
        let begun = Arc::new(AtomicU32::new(0));
        listen(move |stream| {
            if begun.fetch_add(1, Ordering::Relaxed) < resets {
                // What is received and not read makes the system send a reset.
                let _ = stream.peek(&mut [0; 1]);
                return;
            }
            let Ok(mut stream) = acceptor.accept(stream) else { return };
            let mut request = [0; 1024];
            if let Ok(1..) = stream.read(&mut request) {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            }
            let _ = stream.shutdown();
        })
    }
}

fn listen(serve: impl Fn(TcpStream) + Clone + Send + 'static) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = serve.clone();
            let _ = stream.set_read_timeout(Some(Duration::from_secs(40)));
            thread::spawn(move || serve(stream));
        }
    });
    Server { port }
}
