//! How the bytes of one connection get to an endpoint: TCP, a tunnel through a proxy, or the API server's port-forward.
//!
//! Every way ends in a stream or in a [`Failure`] that says where it broke. Nothing of TLS is known here.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::proxy::{Proxy, Tunnel};
use super::tcp;
use crate::evidence::handshake::{Failure, How, Party, Stage};
use crate::gather::kubernetes::api::Api;
use crate::gather::kubernetes::port_forward::{self, Forwarded, forward};

/// A connection that handshakes can be made on.
pub(in crate::gather) trait Connection: AsyncRead + AsyncWrite + Send + Unpin {
    /// How the stream ended, where its end alone does not tell.
    fn end(&mut self) -> How {
        How::Closed
    }
}

impl Connection for TcpStream {}

impl Connection for Tunnel {}

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
pub(in crate::gather) enum Way {
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
    pub(in crate::gather) async fn open(
        &self,
        allowed: Duration,
        with_header: bool,
    ) -> Result<Box<dyn Connection>, Failure> {
        let late = |stage| Failure {
            stage,
            by: Party::Nobody,
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
