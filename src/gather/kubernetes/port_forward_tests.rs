//! The protocol over a WebSocket of memory, and what answers other than a WebSocket mean. The real thing is seen in the
//! cluster's tests.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::gather::test_server::{Answer, TestServer};
use crate::run::stop::Stop;

const PORT: u16 = 0x1F90;

/// Gives the messages one by one, then the end; takes whatever is sent.
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
        // What was sent comes back, so that a test can see it as the peer would.
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
    let messages = messages.into_iter().map(|message| Ok(Message::Binary(message.into()))).collect();
    Forwarded::new(Box::pin(Memory { messages, ..Memory::default() }), PORT)
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
    assert_eq!((text.as_str(), stream.error()), ("hello", None));
}

#[tokio::test]
async fn the_error_text_is_there_when_the_stream_has_ended() {
    let long = [b"\x01 again".as_slice(), &vec![b'x'; 2 * MAX_ERROR]].concat();
    let mut stream = forwarded(announced(&[b"\0x", b"\x01connection refused\n", &long]));
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let error = stream.error().unwrap();
    assert!(error.starts_with("connection refused\n again"), "{error}");
    assert_eq!((bytes.as_slice(), error.len()), (b"x".as_slice(), MAX_ERROR));
}

#[tokio::test]
async fn another_port_is_a_breach() {
    let mut stream = forwarded([vec![BYTES, 1, 2]]);
    assert_eq!(stream.read(&mut [0]).await.unwrap_err().kind(), io::ErrorKind::InvalidData);
}

#[tokio::test]
async fn a_lost_connection_is_an_error_once_and_an_end_from_then_on() {
    let lost = SocketError::Io(io::ErrorKind::ConnectionReset.into());
    let mut stream = forwarded([]);
    stream.socket = Box::pin(Memory { messages: [Err(lost)].into(), ..Memory::default() });
    assert_eq!(stream.read(&mut [0]).await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_long_write_goes_in_pieces() {
    let mut stream = forwarded(announced(&[]));
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
async fn what_is_no_websocket_says_why() {
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
            Answer::Raw(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 22\r\n\r\n\n<h1>Try later</h1>\nxyz".to_vec()),
            "the server answered 502: <h1>Try later</h1>",
        ),
        (
            Answer::Json(json!({})),
            "the server, or a proxy before it, opens no WebSocket: failed to switch protocol: 200 OK",
        ),
        (Answer::Hang(Vec::new()), "no answer within 0.3 s"),
    ] {
        let answer = std::sync::Mutex::new(Some(answer));
        let server = TestServer::start(move |_| answer.lock().unwrap().take().unwrap_or(Answer::Raw(Vec::new())));
        let api = server.api(Stop::never(), Duration::from_millis(300));
        let fault = forward(&api, "apigee", "gw", PORT).await.err().unwrap();
        assert_eq!(reason(fault, "apigee").to_string(), expected);
        assert_eq!(server.paths()[0], "/api/v1/namespaces/apigee/pods/gw/portforward?ports=8080");
        let headers = &server.asked()[0].headers;
        assert!(headers.contains(&"sec-websocket-protocol: v5.channel.k8s.io, v4.channel.k8s.io".to_owned()));
        assert_eq!(api.requests(), 1);
    }
}
