//! Secrets of TLS 1.3 handshakes, as clients and servers log them (`SSLKEYLOGFILE`,
//! draft-ietf-tls-keylogfile), and as pcapng keeps them in Decryption Secrets Blocks.
//!
//! A line is `LABEL RANDOM SECRET`, the latter two in hexadecimal. Secrets are never written anywhere.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;

use data_encoding::HEXLOWER_PERMISSIVE;

/// Maximum number of handshakes whose secrets are kept. At 300 bytes each they take 6 MiB.
const MAX_SESSIONS: usize = 20_000;
/// Maximum length of a secret: that of SHA-384.
const MAX_SECRET: usize = 48;

/// The random of a ClientHello.
pub type Random = [u8; 32];

/// The secrets of handshakes, by the random of their ClientHello.
#[derive(Debug, Default)]
pub struct KeyLog {
    sessions: HashMap<Random, Arc<Session>>,
    /// In the order of their first line: programs append to a log for months, and the latest are wanted.
    order: VecDeque<Random>,
    /// Lines of a key log, of any version of TLS.
    pub lines: u64,
    /// Handshakes that later ones took the room of.
    pub dropped: u64,
}

/// The traffic secrets of one handshake (RFC 8446 §7.1).
#[derive(Clone, Default)]
pub struct Session {
    pub client_handshake: Option<Box<[u8]>>,
    pub server_handshake: Option<Box<[u8]>>,
    pub client_application: Option<Box<[u8]>>,
    pub server_application: Option<Box<[u8]>>,
}

impl fmt::Debug for Session {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Session")
    }
}

impl KeyLog {
    /// Reads the lines of a text. Comments and lines of another format are skipped.
    pub fn read(&mut self, text: &[u8]) {
        text.split(|byte| matches!(byte, b'\n' | b'\r')).for_each(|line| self.line(line));
    }

    /// Adds the secrets of another log.
    pub fn append(&mut self, other: &mut Self) {
        // It is asked for each packet, and few captures hold secrets.
        if other.lines == 0 {
            return;
        }
        self.lines += std::mem::take(&mut other.lines);
        self.dropped += std::mem::take(&mut other.dropped);
        for random in other.order.drain(..) {
            if let Some(session) = other.sessions.remove(&random) {
                self.make_room(random);
                self.sessions.insert(random, session);
            }
        }
    }

    /// Returns the secrets of the handshake with this random.
    #[must_use]
    pub fn session(&self, random: &Random) -> Option<Arc<Session>> {
        self.sessions.get(random).cloned()
    }

    fn make_room(&mut self, random: Random) {
        if self.sessions.contains_key(&random) {
            return;
        }
        if self.sessions.len() >= MAX_SESSIONS
            && let Some(oldest) = self.order.pop_front()
        {
            self.sessions.remove(&oldest);
            self.dropped += 1;
        }
        self.order.push_back(random);
    }

    fn line(&mut self, line: &[u8]) {
        let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let (Some(label), Some(random), Some(secret), None) = (words.next(), words.next(), words.next(), words.next())
        else {
            return;
        };
        let random = decoded(random).and_then(|random| Random::try_from(random).ok());
        let secret = decoded(secret).filter(|secret| (1..=MAX_SECRET).contains(&secret.len()));
        let (Some(random), Some(secret)) = (random, secret) else { return };
        self.lines += 1;
        let secret = Some(secret.into_boxed_slice());
        let place: fn(&mut Session) -> &mut Option<Box<[u8]>> = match label {
            b"CLIENT_HANDSHAKE_TRAFFIC_SECRET" => |session| &mut session.client_handshake,
            b"SERVER_HANDSHAKE_TRAFFIC_SECRET" => |session| &mut session.server_handshake,
            b"CLIENT_TRAFFIC_SECRET_0" => |session| &mut session.client_application,
            b"SERVER_TRAFFIC_SECRET_0" => |session| &mut session.server_application,
            // Up to TLS 1.2 certificates and alerts of a handshake are in clear.
            _ => return,
        };
        self.make_room(random);
        *place(Arc::make_mut(self.sessions.entry(random).or_default())) = secret;
    }
}

fn decoded(word: &[u8]) -> Option<Vec<u8>> {
    if word.len() > 2 * MAX_SECRET { None } else { HEXLOWER_PERMISSIVE.decode(word).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_any_writer_are_read() {
        let random = "ab".repeat(32);
        let secret = "CD".repeat(48);
        let text = format!(
            "# a comment\r\nCLIENT_HANDSHAKE_TRAFFIC_SECRET {random} {secret}\r\n\
             SERVER_HANDSHAKE_TRAFFIC_SECRET  {random}\t{secret}\nCLIENT_RANDOM {random} {secret}\n\
             SERVER_TRAFFIC_SECRET_0 {random} {secret}0\nCLIENT_TRAFFIC_SECRET_0 {random}\n"
        );
        let mut log = KeyLog::default();
        log.read(text.as_bytes());
        let session = log.session(&[0xAB; 32]).expect("the session is known");
        assert_eq!(log.lines, 3);
        assert_eq!(session.client_handshake.as_deref(), Some(&[0xCD; 48][..]));
        assert!(session.server_handshake.is_some() && session.server_application.is_none());
        assert!(!format!("{log:?}").contains("cd"), "a secret is never shown");
        assert!(log.session(&[0; 32]).is_none());
    }

    #[test]
    fn the_latest_are_kept_and_the_others_counted() {
        let mut log = KeyLog::default();
        for number in 0..=MAX_SESSIONS {
            log.read(format!("CLIENT_TRAFFIC_SECRET_0 {number:064x} 00").as_bytes());
        }
        assert_eq!((log.sessions.len(), log.order.len(), log.dropped), (MAX_SESSIONS, MAX_SESSIONS, 1));
        assert!(log.session(&[0; 32]).is_none());
    }
}
