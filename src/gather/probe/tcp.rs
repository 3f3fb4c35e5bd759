//! Connects over TCP, and classifies errors that occur before the first byte of TLS.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use tokio::net::TcpStream;

use crate::evidence::handshake::{Failure, How, Party, Stage};

/// Who ended a stream, and how.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::gather) struct Ended {
    pub by: Party,
    pub how: How,
}

/// Disables Nagle's algorithm: a handshake consists of small writes.
pub(super) async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Classifies an error before the first byte of TLS.
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

/// Classifies the end of a stream, or an error of an established connection. A failing network is not
/// attributed to the peer.
pub(super) fn stream_end(error: Option<&io::Error>) -> Ended {
    let Some(error) = error else { return Ended { by: Party::Server, how: How::Closed } };
    let (by, how) = match error.kind() {
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted => {
            (Party::Server, How::Reset)
        }
        ErrorKind::UnexpectedEof => (Party::Server, How::Closed),
        ErrorKind::HostUnreachable | ErrorKind::NetworkDown | ErrorKind::NetworkUnreachable | ErrorKind::TimedOut => {
            (Party::Transport, How::Unreachable(plain(error)))
        }
        _ => (Party::Server, How::Other(plain(error))),
    };
    Ended { by, how }
}

/// Returns the system's error text without its number.
pub(super) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default().to_owned();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
