//! A byte stream to one port of one pod, through the API server: what `kubectl port-forward` opens, without a port of this
//! machine.
//!
//! ```text
//! Forwarded ─ WebSocket ─ API server ─ kubelet ─ container runtime ─ localhost:PORT of the pod
//!             channel 0: bytes; channel 1: the one error text
//! ```
//!
//! What was seen on Kubernetes 1.36.3 with containerd 1.6:
//!
//! - The request is a GET, so the verb `get` on `pods/portforward` is needed; since 1.35 `create` as well (feature gate
//!   `AuthorizePodWebsocketUpgradeCreatePermission`; before, kubectl alone needed it). A 403 for lack of `create` has no reason in
//!   its message, one for lack of `get` says `cannot get resource`.
//! - A pod that is not there is a 404. A port where nothing listens is an open stream that ends at once, and the error text
//!   holds `connection refused`.
//! - When the peer closes (FIN) the stream ends without an error, when it resets (RST) with `connection reset by peer` in the
//!   error text; both a second late, because the runtime waits that long for the other direction. Other runtimes may not tell
//!   the two apart, so an end without an error is no proof of a FIN.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::{Sink, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::tungstenite::{Bytes, Error as SocketError, Message};

use crate::evidence::Reason;
use crate::gather::kubernetes::api::{Api, encode};
use crate::gather::kubernetes::fault::{Access, Fault, innermost};

/// Of one write no more goes into one message.
const MAX_MESSAGE: usize = 64 << 10;
/// Of the error text no more is kept.
const MAX_ERROR: usize = 4 << 10;
const BYTES: u8 = 0;

/// The open stream. Dropping it closes the connection to the API server, and with it everything behind.
pub(in crate::gather) struct Forwarded {
    socket: Pin<Box<dyn Socket + Send>>,
    port: u16,
    /// What came and was not read yet.
    received: Bytes,
    /// Whether the first message of each channel came, which only repeats the port.
    announced: [bool; 2],
    error: Vec<u8>,
    /// The socket holds messages that may not have left.
    unflushed: bool,
    ended: bool,
}

/// What kube's WebSocket is, without the names of its layers.
trait Socket: Stream<Item = Result<Message, SocketError>> + Sink<Message, Error = SocketError> {}

impl<T: Stream<Item = Result<Message, SocketError>> + Sink<Message, Error = SocketError>> Socket for T {}

/// Opens a stream to a port of a pod.
///
/// That it is open does not say that anything listens there: the runtime connects later, and a refusal comes as the
/// stream's end with an [`error`](Forwarded::error).
pub(in crate::gather) async fn forward(api: &Api, namespace: &str, pod: &str, port: u16) -> Result<Forwarded, Fault> {
    let path = format!("/api/v1/namespaces/{namespace}/pods/{}/portforward?ports={port}", encode(pod));
    let socket = api.upgrade(&path).await?.into_stream();
    Ok(Forwarded::new(Box::pin(socket), port))
}

/// The reason that the evidence keeps for a stream that was not opened.
pub(in crate::gather) fn reason(fault: Fault, namespace: &str) -> Reason {
    let verb = match &fault {
        // Who lacks this one may lack both, and learns of the second only with the first.
        Fault::Refused { code: 403, message, .. } if message.contains("cannot get resource") => "get, create",
        _ => "create",
    };
    fault.reason(Access { verb, resource: "pods/portforward", group: "", namespace })
}

impl Forwarded {
    fn new(socket: Pin<Box<dyn Socket + Send>>, port: u16) -> Self {
        Self {
            socket,
            port,
            received: Bytes::new(),
            announced: [false; 2],
            error: Vec::new(),
            unflushed: false,
            ended: false,
        }
    }

    /// What the API server, the kubelet or the runtime said of the port, as far as it has been read.
    pub(in crate::gather) fn error(&mut self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.error).trim().to_owned();
        (!text.is_empty()).then_some(text)
    }

    fn take(&mut self, message: &Bytes) -> io::Result<()> {
        let Some((&channel, rest)) = message.split_first() else { return Ok(()) };
        // Further channels belong to further ports, or tell of the end of a stream; none was asked for.
        let Some(announced) = self.announced.get_mut(usize::from(channel)) else { return Ok(()) };
        if !*announced {
            *announced = true;
            return if rest == self.port.to_le_bytes() { Ok(()) } else { Err(breach("it leads to another port")) };
        }
        match channel {
            BYTES => self.received = message.slice(1..),
            _ => self.error.extend(rest.iter().take(MAX_ERROR - self.error.len())),
        }
        Ok(())
    }

    fn flush_quietly(&mut self, context: &mut Context<'_>) {
        // A failure shows when reading, together with what came before it.
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
        // Who waits for an answer means the question to be on its way, whether flushed or not.
        self.flush_quietly(context);
        while self.received.is_empty() && !self.ended {
            match ready!(self.socket.as_mut().poll_next(context)) {
                Some(Ok(Message::Binary(message))) => self.take(&message)?,
                Some(Ok(Message::Close(_))) | None => self.ended = true,
                // Pings are answered by the library.
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    self.ended = true;
                    return Poll::Ready(Err(lost(&error)));
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

    /// Ends both directions: the protocol knows no end of one alone.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match ready!(self.socket.as_mut().poll_close(context)) {
            Ok(()) | Err(SocketError::ConnectionClosed | SocketError::AlreadyClosed) => Poll::Ready(Ok(())),
            Err(error) => Poll::Ready(Err(lost(&error))),
        }
    }
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
