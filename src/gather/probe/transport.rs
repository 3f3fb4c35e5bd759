//! Opens the connection to an endpoint: TCP, a tunnel through a proxy, or a port-forward through the API
//! server.
//!
//! Every transport ends in a stream or in a [`Failure`] that names the failing hop. Nothing here depends on
//! TLS.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::proxy::{Proxy, Tunnel};
use super::tcp::{self, Ended};
use crate::evidence::handshake::{Failure, How, Party, Stage};
use crate::gather::kubernetes::api::Api;
use crate::gather::kubernetes::port_forward::{self, Forwarded, forward};

/// A connection for a handshake.
pub(in crate::gather) trait Connection: AsyncRead + AsyncWrite + Send + Unpin {
    /// Returns who ended the stream and how. Call it after a read reported the end, or a read or write failed
    /// with `error`.
    fn ended(&mut self, error: Option<&io::Error>) -> Ended;

    /// Whether the connection to the peer is established, so that silence is the peer's.
    fn has_begun(&self) -> bool {
        true
    }
}

impl Connection for TcpStream {
    fn ended(&mut self, error: Option<&io::Error>) -> Ended {
        tcp::stream_end(error)
    }
}

/// A proxy forwards the way in which the peer closed, as far as it can.
impl Connection for Tunnel {
    fn ended(&mut self, error: Option<&io::Error>) -> Ended {
        tcp::stream_end(error)
    }
}

/// Through the API server every end looks the same; the error texts of kubelet and container runtime
/// distinguish them.
impl Connection for Forwarded {
    fn ended(&mut self, error: Option<&io::Error>) -> Ended {
        let (by, how) = match Self::ended(self, error) {
            port_forward::Ended::Closed => (Party::Server, How::Closed),
            port_forward::Ended::Refused => (Party::Server, How::Refused),
            port_forward::Ended::Reset => (Party::Server, How::Reset),
            port_forward::Ended::Lost(words) => (Party::Transport, How::Other(words)),
        };
        Ended { by, how }
    }

    fn has_begun(&self) -> bool {
        Self::has_begun(self)
    }
}

/// The transport to one endpoint.
#[derive(Clone)]
pub(in crate::gather) enum Transport {
    Tcp(SocketAddr),
    /// A port of a pod, through the API server.
    Pod {
        api: Api,
        namespace: String,
        pod: String,
        port: u16,
    },
    /// The proxy looks up the host.
    Tunnel {
        proxy: Proxy,
        host: String,
        port: u16,
    },
}

/// Returns the first bytes of a connection with a PROXY protocol header (version 1, text). Source: "The PROXY
/// protocol", section 2.1 (`haproxy.org`).
fn proxy_header(stream: &TcpStream) -> io::Result<String> {
    let (from, to) = (stream.local_addr()?, stream.peer_addr()?);
    let family = if from.is_ipv4() { "TCP4" } else { "TCP6" };
    Ok(format!("PROXY {family} {} {} {} {}\r\n", from.ip(), to.ip(), from.port(), to.port()))
}

impl Transport {
    /// Opens the connection.
    pub(in crate::gather) async fn open(
        &self,
        allowed: Duration,
        with_header: bool,
    ) -> Result<Box<dyn Connection>, Failure> {
        let late = |stage| Failure {
            stage,
            by: if matches!(self, Self::Pod { .. }) { Party::Transport } else { Party::Nobody },
            how: How::TimedOut { milliseconds: u64::try_from(allowed.as_millis()).unwrap_or(u64::MAX) },
        };
        let work = async {
            match self {
                Self::Tcp(address) => {
                    let mut stream = tcp::connect(*address).await.map_err(|error| tcp::not_connected(&error))?;
                    if with_header {
                        let sent = async { stream.write_all(proxy_header(&stream)?.as_bytes()).await };
                        sent.await.map_err(|error| tcp::not_connected(&error))?;
                    }
                    Ok(Box::new(stream) as Box<dyn Connection>)
                }
                Self::Pod { api, namespace, pod, port } => match forward(api, namespace, pod, *port).await {
                    Ok(stream) => Ok(Box::new(stream) as Box<dyn Connection>),
                    Err(fault) => {
                        let how = How::Other(port_forward::reason(fault, namespace).to_string());
                        Err(Failure { stage: Stage::Connect, by: Party::Transport, how })
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
