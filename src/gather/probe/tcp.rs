//! TCP, and what its errors mean before the first byte of TLS.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use tokio::net::TcpStream;

use crate::evidence::handshake::{Failure, How, Party, Stage};

/// Small writes go out at once: a handshake is nothing else.
pub(super) async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// What an error before the first byte of TLS means.
pub(super) fn not_connected(error: &io::Error) -> Failure {
    let (by, how) = match error.kind() {
        ErrorKind::ConnectionRefused => (Party::Server, How::Refused),
        ErrorKind::ConnectionReset => (Party::Server, How::Reset),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::AddrNotAvailable => {
            (Party::Nobody, How::Unreachable(plain(error)))
        }
        ErrorKind::TimedOut => (Party::Nobody, How::Unreachable("connection timed out".into())),
        _ => (Party::Client, How::Other(plain(error))),
    };
    Failure { stage: Stage::Connect, by, how }
}

/// The system's words without its number.
pub(super) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default().to_owned();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
