//! Tests handshakes through a port-forward that fails at each possible hop: a fault of the transport is never
//! attributed to the gateway.

use std::time::Duration;

use super::gateway::tests::prober;
use super::gateway_options::without_sni;
use crate::evidence::handshake::{Failure, Handshake, How, Party, Stage};
use crate::gather::probe::handshake::handshake_within;
use crate::gather::probe::transport::Transport;
use crate::gather::test_server::{Answer, TestServer, socket};
use crate::run::stop::Stop;

const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const TEXT: u8 = 1;
const NORMAL: (u8, &[u8]) = (CLOSE, &[0x03, 0xE8]);

/// Frames of a WebSocket: opcode and payload.
type Frames = &'static [(u8, &'static [u8])];

/// Performs a handshake without SNI through an API server that answers each port-forward so. Also returns how
/// many port-forwards were requested.
async fn made(messages: Frames) -> (Handshake, usize) {
    let server = TestServer::start(move |asked| Answer::Raw(socket(asked, messages)));
    let api = server.api(Stop::never(), Duration::from_secs(5));
    let transport = Transport::Pod { api, namespace: "apigee".into(), pod: "gw".into(), port: 8443 };
    let (stop, prober, options) = (Stop::never(), prober(), without_sni(true));
    let made = Box::pin(handshake_within(&stop, &prober, &transport, &options)).await.unwrap();
    (made, server.paths().len())
}

/// The kubelet announces the port on both channels.
macro_rules! begun {
    ($($message:expr),*) => {
        &[(BINARY, b"\x00\xfb\x20"), (BINARY, b"\x01\xfb\x20"), $($message),*]
    };
}

#[tokio::test]
async fn transport_faults_are_not_attributed_to_the_gateway() {
    let cases: [(Frames, &str); 6] = [
        (
            begun!((BINARY, b"\x01dial unix /run/containerd.sock: connect: connection refused"), NORMAL),
            "the port-forward to port 8443 of the pod failed: dial unix /run/containerd.sock: connect: connection refused",
        ),
        (
            begun!((CLOSE, b"\x03\xf3internal error")),
            "the WebSocket of the port-forward was closed with code 1011 (internal error)",
        ),
        (begun!((CLOSE, b"")), "the WebSocket of the port-forward was closed without a code"),
        (begun!((TEXT, b"<html>")), "the port-forward makes no sense: it sends text in place of bytes"),
        (
            &[(BINARY, b"\x00\x15\x03\x03\x00\x02\x02\x28")],
            "the port-forward makes no sense: bytes came before the port was announced, or it leads to another port",
        ),
        (&[NORMAL], "the port-forward ended before it began"),
    ];
    for (messages, words) in cases {
        let (made, asked) = made(messages).await;
        let failure = made.failure.clone().unwrap();
        assert_eq!((failure.by, failure.to_string().as_str()), (Party::Transport, words));
        assert!(made.was_lost() && !made.was_refused());
        // One repetition, and before it the marker probe by which a log recognises probe traffic. Both are
        // lost too.
        assert_eq!(asked, 3, "{words}");
    }
    let (made, _) = made(begun!()).await;
    assert!(made.was_lost(), "an end without a Close frame: {:?}", made.failure);
}

#[tokio::test]
async fn socket_errors_of_the_pod_are_attributed_to_the_gateway() {
    let (reset, asked) = made(begun!(
        (BINARY, b"\x01e: read tcp4 127.0.0.1:4711->127.0.0.1:8443: read: connection reset by peer"),
        NORMAL
    ))
    .await;
    let expected = Failure { stage: Stage::ClientHello, by: Party::Server, how: How::Reset };
    assert_eq!((reset.failure, asked), (Some(expected), 1));
    let (refused, asked) =
        made(begun!((BINARY, b"\x01e: dial tcp4 127.0.0.1:8443: connect: connection refused"), NORMAL)).await;
    let expected = Failure { stage: Stage::Connect, by: Party::Server, how: How::Refused };
    assert_eq!((refused.failure, asked), (Some(expected), 1));
    // A FIN of the gateway comes without an error text, so the handshake is repeated once.
    let (closed, asked) = made(begun!(NORMAL)).await;
    let expected = Failure { stage: Stage::ClientHello, by: Party::Server, how: How::Closed };
    assert_eq!((closed.failure, asked), (Some(expected), 3));
}
