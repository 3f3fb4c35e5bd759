//! How the bytes of one connection get to an endpoint: TCP, a tunnel through a proxy, or the API server's port-forward.
//!
//! Every way ends in a stream or in a [`Failure`] that says where it broke. Nothing of TLS is known here.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::super::api::Api;
use super::super::port_forward::{self, Forwarded, forward};
use super::proxy::Proxy;
use crate::evidence::handshake::{Failure, How, Party, Stage};

/// A connection that handshakes can be made on.
pub(super) trait Connection: AsyncRead + AsyncWrite + Send + Unpin {
    /// How the stream ended, where its end alone does not tell.
    fn end(&mut self) -> How {
        How::Closed
    }
}

impl Connection for TcpStream {}

/// Through the API server every end looks the same; the container runtime's words tell them apart.
impl Connection for Forwarded {
    fn end(&mut self) -> How {
        match self.error() {
            None => How::Closed,
            Some(text) if text.contains("connection refused") => How::Refused,
            Some(text) if text.contains("connection reset") => How::Reset,
            Some(text) => How::Other(text),
        }
    }
}

/// The way to one endpoint.
#[derive(Clone)]
pub(super) enum Way {
    Tcp(SocketAddr),
    /// A port of a pod, through the API server.
    Pod {
        api: Api,
        namespace: String,
        pod: String,
        port: u16,
    },
    /// The proxy looks the host up.
    Tunnel {
        proxy: Proxy,
        host: String,
        port: u16,
    },
}

/// The first bytes of a connection that a PROXY header begins (version 1, as text).
/// Source: "The PROXY protocol", section 2.1 (`haproxy.org`).
fn proxy_header(stream: &TcpStream) -> io::Result<String> {
    let (from, to) = (stream.local_addr()?, stream.peer_addr()?);
    let family = if from.is_ipv4() { "TCP4" } else { "TCP6" };
    Ok(format!("PROXY {family} {} {} {} {}\r\n", from.ip(), to.ip(), from.port(), to.port()))
}

impl Way {
    /// Connects.
    pub(super) async fn open(&self, allowed: Duration, with_header: bool) -> Result<Box<dyn Connection>, Failure> {
        let late = |stage| Failure {
            stage,
            by: Party::Nobody,
            how: How::TimedOut { milliseconds: u64::try_from(allowed.as_millis()).unwrap_or(u64::MAX) },
        };
        let work = async {
            match self {
                Self::Tcp(address) => {
                    let mut stream = tcp(*address).await.map_err(|error| not_connected(&error))?;
                    if with_header {
                        let sent = async { stream.write_all(proxy_header(&stream)?.as_bytes()).await };
                        sent.await.map_err(|error| not_connected(&error))?;
                    }
                    Ok(Box::new(stream) as Box<dyn Connection>)
                }
                Self::Pod { api, namespace, pod, port } => match forward(api, namespace, pod, *port).await {
                    Ok(stream) => Ok(Box::new(stream) as Box<dyn Connection>),
                    Err(fault) => {
                        let how = How::Other(port_forward::reason(fault, namespace).to_string());
                        Err(Failure { stage: Stage::Connect, by: Party::Nobody, how })
                    }
                },
                Self::Tunnel { proxy, host, port } => {
                    let stream = proxy.tunnel(host, *port).await?;
                    Ok(Box::new(stream) as Box<dyn Connection>)
                }
            }
        };
        tokio::time::timeout(allowed, work).await.unwrap_or_else(|_| {
            Err(late(if matches!(self, Self::Tunnel { .. }) { Stage::Proxy } else { Stage::Connect }))
        })
    }
}

/// Small writes go out at once: a handshake is nothing else.
pub(super) async fn tcp(address: SocketAddr) -> io::Result<TcpStream> {
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

/// Reads the head of an answer up to the empty line, a byte at a time: what comes behind it belongs to TLS.
pub(super) async fn head(stream: &mut TcpStream, limit: usize) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= limit {
            return Err(io::Error::new(ErrorKind::InvalidData, "the answer's head does not end"));
        }
        head.push(stream.read_u8().await?);
    }
    Ok(head)
}
