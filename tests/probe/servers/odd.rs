//! Peers that no TLS library would produce: they close, stall, send garbage, or speak another protocol.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use openssl::ssl::{SslAcceptor, SslAcceptorBuilder, SslFiletype, SslMethod, SslVerifyMode};

use crate::certificates::Certificates;
use crate::shell::Result;

/// Handles one connection, after its ClientHello was read.
type Peer = fn(TcpStream) -> io::Result<()>;

const PEERS: [(&str, Peer); 18] = [
    ("odd-close", |stream| stream.shutdown(Shutdown::Both)),
    ("odd-silent", |_| {
        thread::sleep(Duration::from_mins(1));
        Ok(())
    }),
    ("odd-half-record", |mut stream| {
        // The header of a ServerHello of 122 bytes, and 20 bytes of it.
        stream.write_all(&[0x16, 3, 3, 0, 122, 2, 0, 0, 118, 3, 3])?;
        stream.write_all(&[7; 14])
    }),
    ("odd-half-record-stall", |mut stream| {
        stream.write_all(&[0x16, 3, 3, 0, 122, 2, 0, 0, 118, 3, 3])?;
        thread::sleep(Duration::from_mins(1));
        Ok(())
    }),
    ("odd-endless", |mut stream| {
        loop {
            // HelloRequests, which a client may ignore.
            stream.write_all(&[0x16, 3, 3, 0, 4, 0, 0, 0, 0])?;
        }
    }),
    ("odd-warnings", |mut stream| {
        loop {
            stream.write_all(&[0x15, 3, 3, 0, 2, 1, 90])?;
        }
    }),
    ("odd-garbage", |mut stream| stream.write_all(&[0x16, 3, 3, 0, 4, 2, 0, 0, 0, 0x16, 9, 9, 0xff, 0xff])),
    ("odd-zeros", |mut stream| stream.write_all(&[0; 64])),
    ("odd-http", |mut stream| stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")),
    ("odd-alert-40", |stream| alert(stream, 2, 40)),
    ("odd-alert-80", |stream| alert(stream, 2, 80)),
    ("odd-alert-112", |stream| alert(stream, 2, 112)),
    ("odd-alert-120", |stream| alert(stream, 2, 120)),
    ("odd-alert-255", |stream| alert(stream, 2, 255)),
    ("odd-close-notify", |stream| alert(stream, 2, 0)),
    ("odd-reset", |_| Ok(())),
    ("odd-huge-certificates", |mut stream| {
        stream.write_all(&server_hello())?;
        // A Certificate message of 16 MB less one byte, in records of 16 KiB.
        let mut left: usize = (1 << 24) - 1;
        let mut record = vec![0x16, 3, 3, 0x40, 0, 11, 0xff, 0xff, 0xff];
        record.resize(5 + (16 << 10), 0);
        while left > 0 {
            stream.write_all(&record)?;
            record[5..].fill(0);
            left = left.saturating_sub(16 << 10);
        }
        Ok(())
    }),
    ("odd-one-byte-a-second", |mut stream| {
        for byte in server_hello() {
            stream.write_all(&[byte])?;
            thread::sleep(Duration::from_secs(1));
        }
        Ok(())
    }),
];

/// Peers that speak first.
const GREETINGS: [(&str, &[u8]); 5] = [
    ("odd-ssh", b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"),
    ("odd-smtp", b"220 mail.example.com ESMTP Postfix\r\n"),
    ("odd-ftp", b"220 ftp.example.com ready\r\n"),
    ("odd-imap", b"* OK [CAPABILITY IMAP4rev1] ready\r\n"),
    ("odd-pop3", b"+OK ready\r\n"),
];

pub fn start(certificates: &Certificates) -> Result<Vec<(&'static str, u16)>> {
    let mut ports = Vec::new();
    for (name, peer) in PEERS {
        ports.push((
            name,
            listen(name, move |mut stream| {
                let reset = name == "odd-reset";
                let mut hello = [0; 4096];
                // Closing with unread bytes makes the kernel send a reset.
                let _ = stream.read(if reset { &mut hello[..1] } else { &mut hello })?;
                peer(stream)
            })?,
        ));
    }
    for (name, greeting) in GREETINGS {
        ports.push((
            name,
            listen(name, move |mut stream| {
                stream.write_all(greeting)?;
                let _ = stream.read(&mut [0; 4096])?;
                Ok(())
            })?,
        ));
    }
    ports.push(("odd-slow", slow(certificates)?));
    ports.push(("odd-late-objection", demanding("odd-late-objection", certificates, Duration::from_secs(3))?));
    ports.push(("odd-undecided", demanding("odd-undecided", certificates, Duration::from_mins(1))?));
    ports.push(("refused", refused()?));
    Ok(ports)
}

/// An address of a documentation network (RFC 5737): it does not respond, or the system has no route to it.
pub fn silent_address() -> &'static str {
    "192.0.2.1"
}

/// A sound server behind a slow line: each connection is delayed.
fn slow(certificates: &Certificates) -> Result<u16> {
    let acceptor = acceptor(certificates)?.build();
    listen("odd-slow", move |stream| {
        thread::sleep(Duration::from_millis(300));
        let _ = acceptor.accept(stream);
        Ok(())
    })
}

fn acceptor(certificates: &Certificates) -> Result<SslAcceptorBuilder> {
    let prepared = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).and_then(|mut acceptor| {
        acceptor.set_certificate_chain_file(certificates.path("api.pem"))?;
        acceptor.set_private_key_file(certificates.path("api.key"), SslFiletype::PEM)?;
        Ok(acceptor)
    });
    prepared.map_err(|error| format!("an odd server: {error}"))
}

/// A server that requires a client certificate, and delays reading it.
fn demanding(name: &'static str, certificates: &Certificates, thought: Duration) -> Result<u16> {
    let mut acceptor = acceptor(certificates)?;
    acceptor.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
    let acceptor = acceptor.build();
    listen(name, move |stream| {
        let _ = acceptor.accept(Thoughtful { stream, thought, has_spoken: false });
        Ok(())
    })
}

/// A stream that delays the read after a write.
struct Thoughtful {
    stream: TcpStream,
    thought: Duration,
    has_spoken: bool,
}

impl Read for Thoughtful {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if std::mem::take(&mut self.has_spoken) {
            thread::sleep(self.thought);
        }
        self.stream.read(buffer)
    }
}

impl Write for Thoughtful {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.has_spoken = true;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// A port where nothing listens.
fn refused() -> Result<u16> {
    super::process::free_port()
}

fn listen(name: &'static str, serve: impl Fn(TcpStream) -> io::Result<()> + Clone + Send + 'static) -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| format!("{name}: {error}"))?;
    let port = listener.local_addr().map_err(|error| error.to_string())?.port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = serve.clone();
            // A client that has gone ends the thread.
            thread::spawn(move || serve(stream));
        }
    });
    Ok(port)
}

fn alert(mut stream: TcpStream, level: u8, number: u8) -> io::Result<()> {
    stream.write_all(&[0x15, 3, 3, 0, 2, level, number])
}

/// A ServerHello of TLS 1.2 that chooses ECDHE-RSA-AES128-GCM-SHA256, recorded shape, zero random.
fn server_hello() -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([5; 32]);
    body.extend([0, 0xc0, 0x2f, 0]);
    let mut message = vec![2, 0, 0, u8::try_from(body.len()).unwrap_or(u8::MAX)];
    message.extend(body);
    let mut record = vec![0x16, 3, 3, 0, u8::try_from(message.len()).unwrap_or(u8::MAX)];
    record.extend(message);
    record
}
