//! HTTP proxies that support CONNECT: one forwards, one requires authentication, one refuses.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

use crate::shell::Result;

pub fn start() -> Result<Vec<(&'static str, u16)>> {
    let mut ports = Vec::new();
    for (name, answer) in [
        ("proxy", "HTTP/1.1 200 Connection established\r\n\r\n"),
        ("proxy-forbids", "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"),
        ("proxy-asks", "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| format!("{name}: {error}"))?;
        ports.push((name, listener.local_addr().map_err(|error| error.to_string())?.port()));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || serve(stream, answer, name == "proxy-asks"));
            }
        });
    }
    Ok(ports)
}

/// `proxy-asks` forwards for the user `me` with the password `open sesame`.
fn serve(mut client: TcpStream, answer: &str, asks: bool) -> io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        head.push(line);
    }
    let known = head.iter().any(|line| line.trim() == "Proxy-Authorization: Basic bWU6b3BlbiBzZXNhbWU=");
    let answer = if asks && known { "HTTP/1.1 200 OK\r\n\r\n" } else { answer };
    client.write_all(answer.as_bytes())?;
    if !answer.starts_with("HTTP/1.1 200") {
        return Ok(());
    }
    let target = head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_owned();
    let port = target.rsplit(':').next().and_then(|port| port.parse().ok()).unwrap_or(0);
    // Every name resolves to this machine here.
    let server = TcpStream::connect(("127.0.0.1", port))?;
    let (mut from, mut to) = (server.try_clone()?, client.try_clone()?);
    let back = thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    let mut server = server;
    let _ = io::copy(&mut reader.by_ref(), &mut server);
    let _ = server.shutdown(Shutdown::Write);
    let _ = back.join();
    Ok(())
}
