//! Tests the protocol over an in-memory WebSocket, and the meaning of responses other than a WebSocket. The
//! cluster tests use a real one.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::gather::test_server::{Answer, TestServer};
use crate::run::stop::Stop;

const PORT: u16 = 0x1F90;

/// Delivers the messages one by one, then the end; accepts everything that is sent.
#[derive(Default)]
struct Memory {
    messages: VecDeque<Result<Message, SocketError>>,
    sent: Vec<Message>,
}

impl Stream for Memory {
    type Item = Result<Message, SocketError>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.messages.pop_front())
    }
}

impl Sink<Message> for Memory {
    type Error = SocketError;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), SocketError>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), SocketError> {
        // Sent bytes are echoed, so that a test can inspect them as the peer would.
        self.sent.push(message.clone());
        self.messages.push_back(Ok(message));
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), SocketError>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), SocketError>> {
        Poll::Ready(Err(SocketError::ConnectionClosed))
    }
}

fn forwarded(messages: impl IntoIterator<Item = Vec<u8>>) -> Forwarded {
    let messages = messages.into_iter().map(|message| Ok(Message::Binary(message.into())));
    let messages = messages.chain([Ok(closing(1000, ""))]).collect();
    Forwarded::new(Box::pin(Memory { messages, ..Memory::default() }), PORT)
}

/// A Close frame as the kubelet and others send it.
fn closing(code: u16, reason: &'static str) -> Message {
    Message::Close(Some(CloseFrame { code: code.into(), reason: reason.into() }))
}

/// The first message of each channel.
fn announced(rest: &[&[u8]]) -> Vec<Vec<u8>> {
    const ERRORS: u8 = 1;
    let begin: [&[u8]; 2] = [&[BYTES, 0x90, 0x1F], &[ERRORS, 0x90, 0x1F]];
    begin.iter().chain(rest).map(|message| message.to_vec()).collect()
}

#[tokio::test]
async fn bytes_come_in_order_and_then_the_end() {
    let mut stream = forwarded(announced(&[b"\0hel", b"", b"\0", b"\0lo", b"\xff\0"]));
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert_eq!((text.as_str(), stream.ended(None)), ("hello", Ended::Closed));
}

#[tokio::test]
async fn the_error_text_is_there_when_the_stream_has_ended() {
    let long = [b"\x01 again".as_slice(), &vec![b'x'; 2 * MAX_ERROR]].concat();
    let mut stream = forwarded(announced(&[b"\0x", b"\x01odd\n", &long]));
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let Ended::Lost(words) = stream.ended(None) else { panic!() };
    assert!(words.starts_with("the port-forward to port 8080 of the pod failed: odd againx"), "{words}");
    assert_eq!((bytes.as_slice(), stream.error.len()), (b"x".as_slice(), MAX_ERROR));
    assert!(words.len() < 300);
}

#[test]
fn only_the_pods_own_socket_is_attributed_to_the_pod() {
    let of = |text: &str| of_the_pod(text, 8443);
    let front = "error forwarding port 8443 to pod 4f, uid : failed to execute portforward in network namespace \"/var/run/x\":";
    for (text, expected) in [
        (
            format!(
                "{front} failed to connect to localhost:8443 inside namespace \"4f\", IPv4: dial tcp4 127.0.0.1:8443: \
                 connect: connection refused IPv6 dial tcp6 [::1]:8443: connect: connection refused"
            ),
            Some(Ended::Refused),
        ),
        (
            format!("{front} read tcp4 127.0.0.1:47110->127.0.0.1:8443: read: connection reset by peer"),
            Some(Ended::Reset),
        ),
        (
            format!("{front} write tcp6 [::1]:47110->[::1]:8443: write: broken pipe"),
            Some(Ended::Reset),
        ),
        (
            "error forwarding port 8443 to pod 4f, uid : exit status 1: 2025/05/19 04:00:00 socat[7] E connect(5, AF=2 \
             127.0.0.1:8443, 16): Connection refused"
                .to_owned(),
            Some(Ended::Refused),
        ),
        (format!("{front} connection reset by peer"), Some(Ended::Reset)),
        (format!("{front} dial tcp4 127.0.0.1:9443: connect: connection refused"), None),
        (format!("{front} dial unix /run/containerd/containerd.sock: connect: connection refused"), None),
        (format!("{front} read tcp 10.0.0.5:10250->10.0.0.9:41234: read: connection reset by peer"), None),
        (
            "failed to forward 127.0.0.1:8443: rpc error: code = Unavailable desc = connection error: desc = \"transport: \
             error while dialing: dial unix /run/crio/crio.sock: connect: connection refused\""
                .to_owned(),
            None,
        ),
        ("error dialing backend: dial tcp 10.0.0.5:10250: connect: connection refused".to_owned(), None),
        ("write tcp 127.0.0.1:10250->127.0.0.1:41234: write: broken pipe".to_owned(), None),
        ("connection reset by peer".to_owned(), None),
        ("error forwarding port 8443 to pod 4f, uid : container not running (4f)".to_owned(), None),
        (String::new(), None),
    ] {
        assert_eq!(of(&text), expected, "{text}");
    }
}

/// A fault between this program and the pod is reported in its own words, and never attributed to the pod.
#[tokio::test]
async fn transport_faults_are_not_attributed_to_the_pod() {
    type Messages = Vec<Result<Message, SocketError>>;
    let binary = |bytes: &[u8]| Ok(Message::Binary(bytes.to_vec().into()));
    let begun = || -> Messages { announced(&[]).iter().map(|bytes| binary(bytes)).collect() };
    let then = |last: Result<Message, SocketError>| -> Messages { begun().into_iter().chain([last]).collect() };
    let reset = || SocketError::Io(io::ErrorKind::ConnectionReset.into());
    let breach = "the port-forward makes no sense: ";
    let early = format!("{breach}bytes came before the port was announced, or it leads to another port");
    let cases: Vec<(Messages, String)> = vec![
        (then(Err(reset())), "the port-forward broke off: connection reset".into()),
        (then(Ok(closing(1011, "internal error"))), closed_with("1011 (internal error)")),
        (then(Ok(closing(1001, ""))), closed_with("1001 (no reason given)")),
        (then(Ok(closing(1000, "proxy shutting down"))), closed_with("1000 (proxy shutting down)")),
        (then(Ok(Message::Close(None))), "the WebSocket of the port-forward was closed without a code".into()),
        (begun(), "the port-forward ended without a Close frame".into()),
        (then(Ok(Message::Text("<html>".into()))), format!("{breach}it sends text in place of bytes")),
        (then(binary(&[7, 1])), format!("{breach}it has a channel 7")),
        (vec![binary(&[BYTES, 1, 2])], early.clone()),
        (vec![binary(b"\0\x16\x03\x03\x00\x7a")], early),
        (vec![binary(b"\x01pod is gone")], format!("{breach}it begins with an error: pod is gone")),
        (vec![Ok(closing(1000, ""))], "the port-forward ended before it began".into()),
        (vec![Err(SocketError::ConnectionClosed)], "the port-forward broke off: Connection closed normally".into()),
    ];
    for (messages, expected) in cases {
        let mut stream = forwarded([]);
        stream.socket = Box::pin(Memory { messages: messages.into(), ..Memory::default() });
        let error = stream.read_to_end(&mut Vec::new()).await.err();
        assert_eq!(stream.ended(error.as_ref()), Ended::Lost(expected.clone()));
        assert_eq!(stream.read(&mut [0]).await.unwrap(), 0, "an error once, and an end from then on");
        assert_eq!(stream.ended(None), Ended::Lost(expected));
    }
}

fn closed_with(code: &str) -> String {
    format!("the WebSocket of the port-forward was closed with code {code}")
}

#[tokio::test]
async fn a_long_write_is_split_into_messages() {
    let mut stream = forwarded([]);
    let messages = announced(&[]).into_iter().map(|message| Ok(Message::Binary(message.into()))).collect();
    stream.socket = Box::pin(Memory { messages, ..Memory::default() });
    let sent: Vec<u8> = (0..=u8::MAX).cycle().take(3 * MAX_MESSAGE / 2).collect();
    assert_eq!(stream.write(&sent).await.unwrap(), MAX_MESSAGE);
    stream.write_all(&sent[MAX_MESSAGE..]).await.unwrap();
    assert_eq!(stream.write(b"").await.unwrap(), 0);
    stream.flush().await.unwrap();
    let mut back = Vec::new();
    stream.read_to_end(&mut back).await.unwrap();
    assert!(back == sent);
    stream.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_response_without_a_websocket_has_a_reason() {
    for (answer, expected) in [
        (
            Answer::Status(403, "", "pods \"gw\" is forbidden: "),
            "forbidden: the rule \"create pods/portforward\" in namespace apigee is missing",
        ),
        (
            Answer::Status(403, "", "User \"u\" cannot get resource \"pods/portforward\" in API group \"\""),
            "forbidden: the rule \"get, create pods/portforward\" in namespace apigee is missing",
        ),
        (Answer::Status(404, "", "pods \"gw\" not found"), "pods \"gw\" not found"),
        (Answer::Status(500, "", ""), "the server answered 500: Internal Server Error"),
        (
            Answer::Json(json!({})),
            "the server, or a proxy before it, opens no WebSocket: failed to switch protocol: 200 OK",
        ),
        (Answer::Hang(Vec::new()), "no answer within 2.0 s"),
    ] {
        let answer = std::sync::Mutex::new(Some(answer));
        let server = TestServer::start(move |_| answer.lock().unwrap().take().unwrap_or(Answer::Raw(Vec::new())));
        let api = server.api(Stop::never(), Duration::from_secs(2));
        let fault = forward(&api, "apigee", "gw", PORT).await.err().unwrap();
        assert_eq!(reason(fault, "apigee").to_string(), expected);
        assert_eq!(server.paths()[0], "/api/v1/namespaces/apigee/pods/gw/portforward?ports=8080");
        let headers = &server.asked()[0].headers;
        assert!(headers.contains(&"sec-websocket-protocol: v5.channel.k8s.io, v4.channel.k8s.io".to_owned()));
        assert_eq!(api.requests(), 1);
    }
}

#[tokio::test]
async fn a_balancer_that_answers_in_place_of_the_api_server_is_named() {
    let server = TestServer::start(|_| {
        Answer::Raw(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 22\r\n\r\n\n<h1>Try later</h1>\nxyz".to_vec())
    });
    let api = server.api(Stop::never(), Duration::from_secs(5));
    let fault = forward(&api, "apigee", "gw", PORT).await.err().unwrap();
    let expected = "no API server behind the load balancer answered (502 <h1>Try later</h1>)";
    assert_eq!((reason(fault, "apigee").to_string(), api.requests()), (expected.to_owned(), 3));
}
