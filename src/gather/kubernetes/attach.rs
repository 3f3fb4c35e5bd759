//! Attaches to a container through the API server, as `kubectl attach` does: its output as bytes, and lines
//! for its standard input.
//!
//! ```text
//! Attached ─ WebSocket ─ API server ─ kubelet ─ container runtime ─ standard streams of the container
//!            channel 0: input, 1: output, 2: errors, 3: the status at the end
//! ```
//!
//! Not the container's log: the container runtime writes it in lines, each with a time, and puts together
//! what has no line end, so that the bytes of such a stream come late. An attached stream is unchanged. It
//! begins when it is attached, so a container must wait for its first line of input before it writes.

use std::pin::Pin;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use tokio::time::{Instant, interval_at};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Bytes, Message};

use super::api::{Api, brief, encode};
use super::fault::{Fault, innermost};
use super::json;
use super::port_forward::{Socket, upgrade_reason};
use crate::evidence::Reason;

const INPUT: u8 = 0;
const OUTPUT: u8 = 1;
const ERRORS: u8 = 2;
const STATUS: u8 = 3;
/// Interval of pings: load balancers end connections that are silent for a few minutes.
const PING: Duration = Duration::from_secs(30);

/// The streams of a container. Dropping it closes the connection, and with it the container's input.
pub(in crate::gather) struct Attached {
    socket: Pin<Box<dyn Socket + Send>>,
    ping: tokio::time::Interval,
}

/// What a container sends.
#[derive(Debug)]
pub(in crate::gather) enum Piece {
    Output(Bytes),
    Errors(Bytes),
    /// The streams ended; why, if it was not with the container.
    End(Option<String>),
}

impl Attached {
    /// Attaches to a running container that was started with an open standard input.
    pub(in crate::gather) async fn open(api: &Api, namespace: &str, pod: &str, container: &str) -> Result<Self, Fault> {
        let path = format!(
            "/api/v1/namespaces/{namespace}/pods/{}/attach?container={}&stdin=true&stdout=true&stderr=true&tty=false",
            encode(pod),
            encode(container)
        );
        let socket = api.upgrade(&path).await?.into_stream();
        Ok(Self { socket: Box::pin(socket), ping: interval_at(Instant::now() + PING, PING) })
    }

    /// Sends an empty line. That the connection is lost shows when reading.
    pub(in crate::gather) async fn line(&mut self) {
        let _ = self.socket.send(Message::Binary(Bytes::from_static(&[INPUT, b'\n']))).await;
    }

    /// Waits for the next piece. After the end, there is none.
    pub(in crate::gather) async fn next(&mut self) -> Piece {
        loop {
            let message = tokio::select! {
                message = self.socket.next() => message,
                _ = self.ping.tick() => {
                    let _ = self.socket.send(Message::Ping(Bytes::new())).await;
                    continue;
                }
            };
            match message {
                Some(Ok(Message::Binary(message))) => {
                    if let Some(piece) = piece(&message) {
                        return piece;
                    }
                }
                Some(Ok(Message::Close(frame))) => {
                    let unusual = frame.filter(|frame| frame.code != CloseCode::Normal);
                    let why =
                        unusual.map(|frame| format!("closed with code {} ({})", frame.code, brief(&frame.reason)));
                    return Piece::End(why);
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Piece::End(Some(innermost(&error))),
                None => return Piece::End(Some("it ended without a Close frame".into())),
            }
        }
    }
}

/// Returns the reason why the streams were not opened.
pub(in crate::gather) fn reason(fault: Fault, namespace: &str) -> Reason {
    upgrade_reason(fault, "pods/attach", namespace)
}

/// Returns the content of a message; the first ones of each channel are empty.
fn piece(message: &Bytes) -> Option<Piece> {
    let rest = || message.slice(1..);
    match *message.first()? {
        _ if message.len() == 1 => None,
        OUTPUT => Some(Piece::Output(rest())),
        ERRORS => Some(Piece::Errors(rest())),
        STATUS => {
            let status = serde_json::from_slice(&rest()).unwrap_or_default();
            let is_success = json::text(&status, &["status"]).as_deref() == Some("Success");
            let why = || json::text(&status, &["message"]).unwrap_or_else(|| "unknown status".into());
            Some(Piece::End((!is_success).then(|| brief(&why()))))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_told_apart() {
        let of = |bytes: &'static [u8]| piece(&Bytes::from_static(bytes));
        assert!(matches!(of(b"\x01\x00\xff"), Some(Piece::Output(bytes)) if bytes[..] == [0, 0xFF]));
        assert!(matches!(of(b"\x02no"), Some(Piece::Errors(bytes)) if &bytes[..] == b"no"));
        assert!(matches!(of(b"\x03{\"status\":\"Success\"}"), Some(Piece::End(None))));
        let failed = of(b"\x03{\"status\":\"Failure\",\"message\":\"gone\"}");
        assert!(matches!(failed, Some(Piece::End(Some(why))) if why == "gone"));
        for ignored in [&b""[..], b"\x01", b"\x04x", b"\xff\x01"] {
            assert!(of(ignored).is_none(), "{ignored:?}");
        }
    }
}
