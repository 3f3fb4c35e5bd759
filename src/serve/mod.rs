//! Answers HTTP requests of monitoring: few pages, GET alone, limits on everything that a client can send.
//!
//! Knows no metric: the caller answers for each page. Without TLS and without authentication, as Prometheus
//! expects it of a pod; a network policy decides who reaches it.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::header::{ALLOW, CONTENT_TYPE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::{sleep, timeout};

/// Maximum number of connections; further ones wait to be accepted.
const MAX_CONNECTIONS: usize = 16;
/// Maximum number of bytes of the head of a request.
const MAX_HEAD: usize = 16 << 10;
/// Maximum number of headers of a request.
const MAX_HEADERS: usize = 64;
/// Time limit of the head of a request.
const HEAD: Duration = Duration::from_secs(5);
/// Time limit of an answer.
const ANSWER: Duration = Duration::from_secs(5);
/// Longest life of a connection, so that idle ones do not keep others out.
const LIFE: Duration = Duration::from_mins(2);
/// Pause after a connection could not be accepted, for example because there are no file descriptors left.
const PAUSE: Duration = Duration::from_millis(200);

/// The pages.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Page {
    /// `/healthz`: the program works.
    Health,
    /// `/metrics`
    Metrics,
    /// `/readyz`: it has something to report.
    Readiness,
}

/// The answer for a page.
#[derive(Clone, Debug)]
pub struct Answer {
    pub is_good: bool,
    pub content_type: &'static str,
    pub body: String,
}

/// A request, and where its answer goes.
pub type Question = (Page, oneshot::Sender<Answer>);

/// An open port.
pub struct Server {
    listener: TcpListener,
}

impl Server {
    /// Opens the port.
    ///
    /// # Errors
    /// The address is not one of this machine, or the port is in use.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        Ok(Self { listener: TcpListener::bind(address).await? })
    }

    /// Returns the address with the port that was chosen for port 0.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Passes on the requests. Never ends.
    pub async fn run(self, questions: mpsc::Sender<Question>) {
        let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        loop {
            // Nobody closes the semaphore.
            let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    tokio::spawn(connection(stream, questions.clone(), permit));
                }
                Err(_) => sleep(PAUSE).await,
            }
        }
    }
}

async fn connection(stream: TcpStream, questions: mpsc::Sender<Question>, permit: OwnedSemaphorePermit) {
    let service = service_fn(move |request| {
        let questions = questions.clone();
        async move { Ok::<_, Infallible>(respond(&request, &questions).await) }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(MAX_HEAD).max_headers(MAX_HEADERS);
    // What a client does wrong concerns it alone.
    let _ = timeout(LIFE, server.serve_connection(TokioIo::new(stream), service)).await;
    drop(permit);
}

async fn respond(request: &Request<Incoming>, questions: &mpsc::Sender<Question>) -> Response<Full<Bytes>> {
    let page = match request.uri().path() {
        "/healthz" => Page::Health,
        "/metrics" => Page::Metrics,
        "/readyz" => Page::Readiness,
        _ => return plain(StatusCode::NOT_FOUND, "pages: /metrics, /healthz, /readyz\n"),
    };
    if request.method() != Method::GET {
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "GET alone\n");
        response.headers_mut().insert(ALLOW, http::HeaderValue::from_static("GET"));
        return response;
    }
    let answer = async {
        let (sender, answer) = oneshot::channel();
        questions.send((page, sender)).await.ok()?;
        answer.await.ok()
    };
    match timeout(ANSWER, answer).await {
        Ok(Some(answer)) => {
            let status = if answer.is_good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
            response(status, answer.content_type, answer.body)
        }
        _ => plain(StatusCode::SERVICE_UNAVAILABLE, "no answer\n"),
    }
}

fn plain(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    response(status, "text/plain; charset=utf-8", text.to_owned())
}

fn response(status: StatusCode, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static(content_type));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    async fn server() -> SocketAddr {
        let server = Server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = server.address().unwrap();
        let (questions, mut asked) = mpsc::channel::<Question>(1);
        tokio::spawn(server.run(questions));
        tokio::spawn(async move {
            while let Some((page, answer)) = asked.recv().await {
                let body = format!("{page:?}");
                let _ = answer.send(Answer { is_good: page != Page::Readiness, content_type: "text/plain", body });
            }
        });
        address
    }

    async fn ask(address: SocketAddr, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        let _ = timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    async fn get(address: SocketAddr, path: &str) -> String {
        ask(address, format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes()).await
    }

    #[tokio::test]
    async fn pages_are_answered_and_nothing_else() {
        let address = server().await;
        let metrics = get(address, "/metrics?x=1").await;
        assert!(metrics.starts_with("HTTP/1.1 200") && metrics.ends_with("Metrics"), "{metrics}");
        assert!(get(address, "/healthz").await.starts_with("HTTP/1.1 200"));
        assert!(get(address, "/readyz").await.starts_with("HTTP/1.1 503"));
        assert!(get(address, "/../metrics").await.starts_with("HTTP/1.1 404"));
        let posted =
            ask(address, b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc")
                .await;
        assert!(posted.starts_with("HTTP/1.1 405") && posted.to_lowercase().contains("allow: get"), "{posted}");
    }

    #[tokio::test]
    async fn requests_beyond_the_limits_are_refused_and_others_go_on() {
        let address = server().await;
        let long = format!("GET /metrics HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(64 << 10));
        assert!(ask(address, long.as_bytes()).await.starts_with("HTTP/1.1 431"));
        let many: String = (0..200).map(|number| format!("X{number}: a\r\n")).collect();
        assert!(
            ask(address, format!("GET /metrics HTTP/1.1\r\n{many}\r\n").as_bytes()).await.starts_with("HTTP/1.1 431")
        );
        assert!(ask(address, b"\x16\x03\x01\x00\x05hello\r\n\r\n").await.starts_with("HTTP/1.1 400"));
        // Silent connections are closed in time for others.
        let mut silent = Vec::new();
        for _ in 0..MAX_CONNECTIONS {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
        assert!(get(address, "/healthz").await.starts_with("HTTP/1.1 200"));
    }
}
