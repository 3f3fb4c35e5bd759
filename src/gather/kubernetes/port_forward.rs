//! Opens a byte stream to one port of a pod through the API server, as `kubectl port-forward` does, but
//! without a local port.
//!
//! ```text
//! Forwarded ─ WebSocket ─ API server ─ kubelet ─ container runtime ─ localhost:PORT of the pod
//!             channel 0: bytes; channel 1: the one error text
//! ```
//!
//! Observed on Kubernetes 1.36.3 with containerd 1.6:
//!
//! - The request is a GET, so the verb `get` on `pods/portforward` is needed; since 1.35 `create` as well
//!   (feature gate `AuthorizePodWebsocketUpgradeCreatePermission`; before, only kubectl needed it). A 403 for
//!   lack of `create` has no reason in its message; one for lack of `get` contains `cannot get resource`.
//! - A missing pod is a 404. A port where nothing listens is an open stream that ends at once, and the error
//!   text contains `connection refused`.
//! - If the peer closes (FIN), the stream ends without an error; if it resets (RST), with
//!   `connection reset by peer` in the error text. Both come a second late, because the runtime waits that
//!   long for the other direction. Other runtimes may not distinguish the two, so an end without an error is
//!   no proof of a FIN.
//!
//! Only what the pod's own socket did is attributed to the peer ([`Ended`]). The kubelet ends a port-forward
//! with a Close frame of code 1000 (`golang.org/x/net/websocket`, `Conn.Close`). Any other end, error text or
//! protocol violation is a fault between this program and the pod.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::{Sink, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Bytes, Error as SocketError, Message};

use crate::evidence::Reason;
use crate::gather::kubernetes::api::{Api, brief, encode};
use crate::gather::kubernetes::fault::{Access, Fault, innermost};

/// Maximum number of bytes of one message.
const MAX_MESSAGE: usize = 64 << 10;
/// Maximum number of bytes kept of the error text.
const MAX_ERROR: usize = 4 << 10;
const BYTES: u8 = 0;
/// The channel with which version 5 of the protocol closes another one.
/// Source: `k8s.io/apimachinery/pkg/util/remotecommand`.
const CLOSING: u8 = 255;
/// Prefixes of socket operations in errors of Go and socat; the address follows.
const OPERATIONS: [&str; 7] = ["connect(", "dial ", "read ", "readfrom ", "splice ", "write ", "writeto "];

/// The open stream. Dropping it closes the connection to the API server, and everything behind it.
pub(in crate::gather) struct Forwarded {
    socket: Pin<Box<dyn Socket + Send>>,
    port: u16,
    /// Bytes received and not yet read.
    received: Bytes,
    /// Whether the first message of each channel came, which only repeats the port.
    announced: [bool; 2],
    error: Vec<u8>,
    /// The fault of the transport, in its own words.
    lost: Option<String>,
    /// The socket holds messages that may not have been sent.
    unflushed: bool,
    ended: bool,
}

/// How a port-forward ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::gather) enum Ended {
    /// The pod's socket was closed, or the runtime does not report how it ended.
    Closed,
    /// Nothing listens on the pod's port.
    Refused,
    /// The pod's socket was reset.
    Reset,
    /// A hop between this program and the pod's socket failed; with its own error text.
    Lost(String),
}

/// The type of kube's WebSocket, without the names of its layers.
pub(super) trait Socket:
    Stream<Item = Result<Message, SocketError>> + Sink<Message, Error = SocketError>
{
}

impl<T: Stream<Item = Result<Message, SocketError>> + Sink<Message, Error = SocketError>> Socket for T {}

/// Opens a stream to a port of a pod.
///
/// An open stream does not show that anything listens: the runtime connects later, and a refusal comes as the
/// stream's [end](Forwarded::ended).
pub(in crate::gather) async fn forward(api: &Api, namespace: &str, pod: &str, port: u16) -> Result<Forwarded, Fault> {
    let path = format!("/api/v1/namespaces/{namespace}/pods/{}/portforward?ports={port}", encode(pod));
    let socket = api.upgrade(&path).await?.into_stream();
    Ok(Forwarded::new(Box::pin(socket), port))
}

/// Returns the reason that the evidence keeps for a stream that was not opened.
pub(in crate::gather) fn reason(fault: Fault, namespace: &str) -> Reason {
    upgrade_reason(fault, "pods/portforward", namespace)
}

/// Returns the reason why no WebSocket was opened for a subresource of a pod.
pub(super) fn upgrade_reason(fault: Fault, resource: &str, namespace: &str) -> Reason {
    let verb = match &fault {
        // A user who lacks this permission may lack both, and would learn of the second only after getting
        // the first.
        Fault::Refused { code: 403, message, .. } if message.contains("cannot get resource") => "get, create",
        _ => "create",
    };
    fault.reason(Access { verb, resource, group: "", namespace })
}

impl Forwarded {
    fn new(socket: Pin<Box<dyn Socket + Send>>, port: u16) -> Self {
        Self {
            socket,
            port,
            received: Bytes::new(),
            announced: [false; 2],
            error: Vec::new(),
            lost: None,
            unflushed: false,
            ended: false,
        }
    }

    /// The kubelet has announced the port, so that bytes can come.
    pub(in crate::gather) fn has_begun(&self) -> bool {
        self.announced[usize::from(BYTES)]
    }

    /// Returns how the stream ended. Call it after a read reported the end, or a read or write failed with
    /// `error`.
    pub(in crate::gather) fn ended(&self, error: Option<&io::Error>) -> Ended {
        let text = String::from_utf8_lossy(&self.error);
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if !text.is_empty() {
            let failed = || format!("the port-forward to port {} of the pod failed: {}", self.port, brief(&text));
            return of_the_pod(&text, self.port).unwrap_or_else(|| Ended::Lost(failed()));
        }
        match (&self.lost, error) {
            (Some(why), _) => Ended::Lost(why.clone()),
            (None, Some(error)) => Ended::Lost(error.to_string()),
            (None, None) if !self.has_begun() => Ended::Lost("the port-forward ended before it began".into()),
            (None, None) => Ended::Closed,
        }
    }

    fn take(&mut self, message: &Bytes) -> io::Result<()> {
        let Some((&channel, rest)) = message.split_first() else { return Ok(()) };
        let Some(announced) = self.announced.get_mut(usize::from(channel)) else {
            // Further channels belong to further ports, and none was requested.
            return if channel == CLOSING { Ok(()) } else { Err(breach(&format!("it has a channel {channel}"))) };
        };
        if !*announced {
            *announced = true;
            if rest == self.port.to_le_bytes() {
                return Ok(());
            }
            let other = "bytes came before the port was announced, or it leads to another port".to_owned();
            let text = std::str::from_utf8(rest).ok().filter(|text| channel != BYTES && text.len() > 2);
            return Err(breach(&text.map_or(other, |text| format!("it begins with an error: {}", brief(text)))));
        }
        match channel {
            BYTES => self.received = message.slice(1..),
            _ => self.error.extend(rest.iter().take(MAX_ERROR - self.error.len())),
        }
        Ok(())
    }

    /// Handles a Close frame. The kubelet's own has the code 1000 and no text; any other sender closes for a
    /// reason of its own.
    fn close(&mut self, frame: Option<&CloseFrame>) {
        self.ended = true;
        self.lost = match frame {
            Some(frame) if frame.code == CloseCode::Normal && frame.reason.is_empty() => None,
            Some(frame) => {
                let reason = brief(&frame.reason);
                let reason = if reason.is_empty() { "no reason given" } else { &reason };
                Some(format!("the WebSocket of the port-forward was closed with code {} ({reason})", frame.code))
            }
            None => Some("the WebSocket of the port-forward was closed without a code".into()),
        };
    }

    /// Records the fault, for [`ended`](Self::ended).
    fn lose(&mut self, error: io::Error) -> io::Error {
        self.ended = true;
        self.lost.get_or_insert_with(|| error.to_string());
        error
    }

    fn flush_quietly(&mut self, context: &mut Context<'_>) {
        // A failure shows when reading, together with the bytes before it.
        if self.unflushed && self.socket.as_mut().poll_flush(context).is_ready() {
            self.unflushed = false;
        }
    }
}

impl AsyncRead for Forwarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // A caller that waits for a response expects the request to be sent, whether it flushed or not.
        self.flush_quietly(context);
        while self.received.is_empty() && !self.ended {
            match ready!(self.socket.as_mut().poll_next(context)) {
                Some(Ok(Message::Binary(message))) => {
                    if let Err(error) = self.take(&message) {
                        return Poll::Ready(Err(self.lose(error)));
                    }
                }
                Some(Ok(Message::Close(frame))) => self.close(frame.as_ref()),
                Some(Ok(Message::Text(_))) => {
                    return Poll::Ready(Err(self.lose(breach("it sends text in place of bytes"))));
                }
                // The library answers pings.
                Some(Ok(_)) => {}
                Some(Err(error)) => return Poll::Ready(Err(self.lose(lost(&error)))),
                None => {
                    self.ended = true;
                    self.lost.get_or_insert_with(|| "the port-forward ended without a Close frame".into());
                }
            }
        }
        let length = self.received.len().min(buffer.remaining());
        buffer.put_slice(&self.received.split_to(length));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Forwarded {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        ready!(self.socket.as_mut().poll_ready(context)).map_err(|error| lost(&error))?;
        let bytes = &bytes[..bytes.len().min(MAX_MESSAGE)];
        let mut message = Vec::with_capacity(bytes.len() + 1);
        message.push(BYTES);
        message.extend_from_slice(bytes);
        self.socket.as_mut().start_send(Message::Binary(message.into())).map_err(|error| lost(&error))?;
        self.unflushed = true;
        self.flush_quietly(context);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.socket.as_mut().poll_flush(context)).map_err(|error| lost(&error))?;
        self.unflushed = false;
        Poll::Ready(Ok(()))
    }

    /// Ends both directions: the protocol cannot end one alone.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match ready!(self.socket.as_mut().poll_close(context)) {
            Ok(()) | Err(SocketError::ConnectionClosed | SocketError::AlreadyClosed) => Poll::Ready(Ok(())),
            Err(error) => Poll::Ready(Err(lost(&error))),
        }
    }
}

/// Returns what the pod's socket did, as kubelet and container runtime report it; absent if another socket
/// failed, or none is named.
///
/// containerd and CRI-O quote Go (`dial tcp4 127.0.0.1:8443: connect: connection refused`, `read tcp4
/// 127.0.0.1:4711->127.0.0.1:8443: read: connection reset by peer`), older runtimes socat (`connect(5, AF=2
/// 127.0.0.1:8443, 16): Connection refused`). The same words about another socket, such as the runtime's own
/// (`dial unix /run/containerd/containerd.sock: connect: connection refused`), reveal nothing about the pod.
fn of_the_pod(text: &str, port: u16) -> Option<Ended> {
    let text = text.to_ascii_lowercase();
    let at_pod = |words: &str| text.match_indices(words).any(|(at, _)| is_at_pod(&text[..at], port));
    if at_pod("connection reset") || at_pod("broken pipe") {
        return Some(Ended::Reset);
    }
    at_pod("connection refused").then_some(Ended::Refused)
}

/// Whether the failed operation is on the pod's loopback: the last address before the error decides.
fn is_at_pod(before: &str, port: u16) -> bool {
    let begin = OPERATIONS.iter().filter_map(|operation| before.rfind(operation)).max();
    let operation = begin.map_or(before, |begin| &before[begin..]);
    match operation.split([' ', '(']).filter_map(endpoint).next_back() {
        Some((host, of)) => {
            let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
            of == port && (host == "localhost" || address.is_ok_and(|address| address.is_loopback()))
        }
        None => begin.is_none() && before.contains("namespace"),
    }
}

/// Returns the remote end of `127.0.0.1:8443:` or `127.0.0.1:4711->127.0.0.1:8443:`.
fn endpoint(word: &str) -> Option<(&str, u16)> {
    let word = word.trim_end_matches([':', ',', ')', ';']);
    let far = word.rsplit("->").next().unwrap_or(word);
    let (host, port) = far.rsplit_once(':')?;
    Some((host, port.parse().ok()?))
}

fn lost(error: &SocketError) -> io::Error {
    let kind = match error {
        SocketError::Io(error) => error.kind(),
        SocketError::ConnectionClosed | SocketError::AlreadyClosed => io::ErrorKind::NotConnected,
        _ => io::ErrorKind::InvalidData,
    };
    io::Error::new(kind, format!("the port-forward broke off: {}", innermost(error)))
}

fn breach(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the port-forward makes no sense: {what}"))
}

#[cfg(test)]
#[path = "port_forward_tests.rs"]
mod tests;
