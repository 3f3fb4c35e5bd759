//! The log of a Message Processor: lines of failed handshakes, counted.
//!
//! Three forms: `handshakeFailed() : SSLClientChannel[C:IP:port Remote host:IP:port]… handshake failed,
//! message: TEXT` and `handshakeTimeout() : SSLClientChannel[Connected: Remote:IP:port Local:IP:port]…
//! handshake timeout`, and a line `HTTPClient$Context.onException()` or `onConnectFailure()` whose next line
//! is `javax.net.ssl.SSLException: TEXT` or one of its kind.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv6Addr, SocketAddrV6};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use memchr::{memchr, memmem, memrchr};

use super::mp_log_record;
use crate::evidence::edge::{LogFailure, MessageProcessorLog};
use crate::text::first_words;
use crate::wire::encoding::{BYTE_ORDER_MARK, Encoding};

/// Maximum number of different failures that are kept. Those beyond it are joined by what their texts mean.
const MAX_FAILURES: usize = 256;
/// Maximum number of bytes of a line that are read; a longer one keeps its beginning.
const MAX_LINE: usize = 16 << 10;
/// Maximum number of characters of Java's text.
const MAX_MESSAGE: usize = 600;
/// Maximum number of bytes of the lines that are kept for a bundle, and of lines of one failure.
const MAX_EXCERPT: usize = 4 << 20;
const MAX_ALIKE: u64 = 20;
/// What every line of interest has.
const MARK: &[u8] = b"HTTPClient$Context.handshake";
/// What begins the line after that of another event, if TLS failed.
const EXCEPTION: &[u8] = b"javax.net.ssl.SSL";
/// What the line of such an event has.
const EVENT: &str = "HTTPClient$Context.on";
/// What all lines of a timeout mean, which have no text.
const OF_TIMEOUT: &str = "handshakeTimeout()";
/// Maximum number of other organizations and environments that are named.
const MAX_OTHERS: usize = 8;
/// The lowest port that a client takes for a connection of its own.
const FIRST_EPHEMERAL: u16 = 32_768;

/// Returns what a text of Java means, as one of few sentences; absent if it is not understood.
pub type Meaning = fn(&str) -> Option<&'static str>;

/// Reads the pieces of a log in order.
pub struct Scanner {
    organization: String,
    environment: String,
    /// Of the file that is read.
    encoding: Encoding,
    /// The beginning of a line whose end has not come.
    rest: Vec<u8>,
    finder: memmem::Finder<'static>,
    exceptions: memmem::Finder<'static>,
    /// Finds lines of the environment, failed or not.
    own: memmem::Finder<'static>,
    /// The last line of what was read before.
    last: Vec<u8>,
    /// The file has a line that begins as those of a Message Processor do.
    is_log: bool,
    has_own: bool,
    others: BTreeSet<String>,
    failures: BTreeMap<(String, String, String, String, bool), LogFailure>,
    /// What is beyond the limit, by the meaning of the text.
    joined: BTreeMap<Option<&'static str>, LogFailure>,
    meaning: Meaning,
    of_others: u64,
    more: u64,
    /// Absent if no lines are wanted.
    excerpt: Option<Excerpt>,
}

/// Lines of failed handshakes as they are in the log.
#[derive(Debug, Default)]
pub struct Excerpt {
    pub text: Vec<u8>,
    /// Lines of the same environment that found no room, or of which there are enough.
    pub left_out: u64,
}

impl Excerpt {
    fn add(&mut self, line: &str, count: u64) {
        if count > MAX_ALIKE || self.text.len() + line.len() >= MAX_EXCERPT {
            self.left_out += 1;
            return;
        }
        self.text.extend_from_slice(line.as_bytes());
        self.text.push(b'\n');
    }
}

impl Scanner {
    /// Counts the lines of one environment.
    #[must_use]
    pub fn new(organization: &str, environment: &str) -> Self {
        Self {
            organization: organization.to_owned(),
            environment: environment.to_owned(),
            encoding: Encoding::default(),
            rest: Vec::new(),
            finder: memmem::Finder::new(MARK),
            exceptions: memmem::Finder::new(EXCEPTION),
            own: memmem::Finder::new(&format!(" org:{organization} env:{environment} ")).into_owned(),
            last: Vec::new(),
            is_log: false,
            has_own: false,
            others: BTreeSet::new(),
            failures: BTreeMap::new(),
            joined: BTreeMap::new(),
            meaning: |_| None,
            of_others: 0,
            more: 0,
            excerpt: None,
        }
    }

    /// Joins failures beyond the limit by what their texts mean.
    #[must_use]
    pub fn joining(self, meaning: Meaning) -> Self {
        Self { meaning, ..self }
    }

    /// Keeps the first lines of each failure.
    #[must_use]
    pub fn keeping_lines(self) -> Self {
        Self { excerpt: Some(Excerpt::default()), ..self }
    }

    /// Returns the lines that were kept. A line without its end is among them after [`Self::end`].
    pub fn take_excerpt(&mut self) -> Option<Excerpt> {
        self.excerpt.take()
    }

    /// Reads the next bytes of the log.
    pub fn push(&mut self, bytes: &[u8]) {
        let mut encoding = std::mem::take(&mut self.encoding);
        self.text(&encoding.decode(bytes));
        self.encoding = encoding;
    }

    fn text(&mut self, bytes: &[u8]) {
        let mut bytes = bytes;
        if !self.rest.is_empty() {
            let end = memchr(b'\n', bytes).map_or(bytes.len(), |end| end + 1);
            let (first, others) = bytes.split_at(end);
            let room = MAX_LINE.saturating_sub(self.rest.len());
            self.rest.extend_from_slice(&first[..first.len().min(room)]);
            if !first.ends_with(b"\n") {
                return;
            }
            let line = std::mem::take(&mut self.rest);
            self.lines(&line);
            bytes = others;
        }
        let end = memrchr(b'\n', bytes).map_or(0, |end| end + 1);
        let (whole, rest) = bytes.split_at(end);
        self.lines(whole);
        self.rest.extend_from_slice(&rest[..rest.len().min(MAX_LINE)]);
    }

    /// Ends a file; the next one begins with a new line. Returns whether the file has a line of a Message
    /// Processor.
    pub fn end(&mut self) -> bool {
        if let Some(only) = std::mem::take(&mut self.encoding).end() {
            self.text(&[only]);
        }
        let line = std::mem::take(&mut self.rest);
        self.lines(&line);
        self.last.clear();
        std::mem::take(&mut self.is_log)
    }

    /// Returns what was counted.
    #[must_use]
    pub fn finish(mut self, files: Vec<String>) -> MessageProcessorLog {
        self.end();
        let mut failures: Vec<LogFailure> = self.failures.into_values().collect();
        failures.sort_by_key(|failure| Reverse(failure.count));
        let mut joined: Vec<LogFailure> = self.joined.into_values().collect();
        joined.sort_by_key(|failure| Reverse(failure.count));
        MessageProcessorLog {
            files,
            of_others: self.of_others,
            others: self.others.into_iter().collect(),
            has_own: self.has_own,
            failures,
            joined,
            more: self.more,
        }
    }

    fn lines(&mut self, bytes: &[u8]) {
        let mut at = 0;
        while let Some(found) = self.finder.find(&bytes[at..]) {
            let mark = at + found;
            let begin = memrchr(b'\n', &bytes[..mark]).map_or(0, |end| end + 1);
            let end = memchr(b'\n', &bytes[mark..]).map_or(bytes.len(), |end| mark + end);
            let line = &bytes[begin..end.min(begin + MAX_LINE)];
            let line = String::from_utf8_lossy(line);
            let record = mp_log_record::line(&line);
            let text = record.as_deref().unwrap_or(line.trim_end());
            if let Some(failure) = parse(text) {
                self.is_log |= record.is_some();
                self.add(text, line.trim_end(), failure);
            }
            at = end;
        }
        self.find_exceptions(bytes);
        self.has_own = self.has_own || self.own.find(bytes).is_some();
        self.is_log = self.is_log || bytes.split(|byte| *byte == b'\n').any(has_moment);
        let text = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        if !bytes.is_empty() {
            let begin = memrchr(b'\n', text).map_or(0, |end| end + 1);
            let last = &text[begin..];
            self.last = last[..last.len().min(MAX_LINE)].to_vec();
        }
    }

    /// Counts events whose next line says that TLS failed.
    fn find_exceptions(&mut self, bytes: &[u8]) {
        let mut at = 0;
        while let Some(found) = self.exceptions.find(&bytes[at..]) {
            let mark = at + found;
            let end = memchr(b'\n', &bytes[mark..]).map_or(bytes.len(), |end| mark + end);
            at = end;
            let event = match mark.checked_sub(1) {
                None => self.last.clone(),
                Some(before) if bytes[before] == b'\n' => {
                    let begin = memrchr(b'\n', &bytes[..before]).map_or(0, |end| end + 1);
                    bytes[begin..before.min(begin + MAX_LINE)].to_vec()
                }
                Some(_) => continue,
            };
            let event = String::from_utf8_lossy(&event);
            let exception = String::from_utf8_lossy(&bytes[mark..end.min(mark + MAX_LINE)]);
            if event.contains(EVENT) {
                let failure = of_exception(event.trim_end(), exception.trim_end());
                let text = format!("{}\n{}", event.trim_end(), exception.trim_end());
                self.add(&text, &text, failure);
            }
        }
    }

    /// Counts a failure. `shown` is its line as the log has it.
    fn add(&mut self, line: &str, shown: &str, failure: LogFailure) {
        let field = |name: &str| field(line, name);
        if field("org:") != Some(&self.organization) || field("env:") != Some(&self.environment) {
            self.of_others += 1;
            let other = [field("org:"), field("env:")].map(Option::unwrap_or_default).join("/");
            if self.others.len() < MAX_OTHERS {
                self.others.insert(other);
            }
            return;
        }
        let key = (
            failure.proxy.clone(),
            failure.revision.clone(),
            failure.backend.clone(),
            failure.message.clone(),
            failure.timed_out,
        );
        let is_full = self.failures.len() >= MAX_FAILURES;
        let count = match self.failures.get_mut(&key) {
            Some(known) => {
                known.count += 1;
                known.last = failure.last;
                known.count
            }
            None if is_full => {
                self.more += 1;
                self.join(failure)
            }
            None => {
                self.failures.insert(key, failure);
                1
            }
        };
        if let Some(excerpt) = &mut self.excerpt {
            excerpt.add(shown, count);
        }
    }

    /// Counts a failure for which there is no room by what its text means. Returns how many mean the same.
    fn join(&mut self, failure: LogFailure) -> u64 {
        let meaning = if failure.timed_out { Some(OF_TIMEOUT) } else { (self.meaning)(&failure.message) };
        if let Some(known) = self.joined.get_mut(&meaning) {
            add_joined(known, failure);
            return known.count;
        }
        self.joined.insert(meaning, failure);
        1
    }
}

/// Adds a line to a failure beyond the limit. What differs between the lines is not kept.
fn add_joined(known: &mut LogFailure, failure: LogFailure) {
    known.count += 1;
    known.last = failure.last;
    for (own, other) in [
        (&mut known.proxy, failure.proxy),
        (&mut known.revision, failure.revision),
        (&mut known.backend, failure.backend),
    ] {
        if *own != other {
            own.clear();
        }
    }
}

fn parse(line: &str) -> Option<LogFailure> {
    let (head, rest) = line.split_once("HTTPClient$Context.handshake")?;
    let timed_out = rest.starts_with("Timeout()");
    if !timed_out && !rest.starts_with("Failed()") {
        return None;
    }
    let channel = channel(rest)?;
    let message = match rest.split_once("message:") {
        Some((_, text)) if !timed_out => text.trim(),
        _ => "",
    };
    let (moment, first_at) = moment(head);
    Some(LogFailure {
        proxy: field(line, "api:").unwrap_or_default().to_owned(),
        revision: field(line, "rev:").unwrap_or_default().to_owned(),
        backend: backend(channel),
        message: first_words(message, MAX_MESSAGE),
        timed_out,
        count: 1,
        first: moment.to_owned(),
        last: moment.to_owned(),
        first_at,
    })
}

/// Reads an event and the exception below it.
fn of_exception(event: &str, exception: &str) -> LogFailure {
    let channel = channel(event);
    let (moment, first_at) = moment(event);
    let message = exception.split_once(": ").map_or(exception, |(_, text)| text);
    LogFailure {
        proxy: field(event, "api:").unwrap_or_default().to_owned(),
        revision: field(event, "rev:").unwrap_or_default().to_owned(),
        backend: channel.map(backend).unwrap_or_default(),
        message: first_words(message, MAX_MESSAGE),
        timed_out: false,
        count: 1,
        first: moment.to_owned(),
        last: moment.to_owned(),
        first_at,
    }
}

/// Returns whether a line begins as `2017-10-23 05:28:57,813`.
fn has_moment(line: &[u8]) -> bool {
    // The first line may have one.
    line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line).get(..23).is_some_and(|head| {
        head.iter().zip(b"0000-00-00 00:00:00,000").all(|(byte, form)| match form {
            b'0' => byte.is_ascii_digit(),
            form => byte == form,
        })
    })
}

/// The time at which a line begins, as it is there and in UTC.
fn moment(line: &str) -> (&str, Option<Timestamp>) {
    let line = line.trim_start_matches('\u{feff}');
    let moment = line.get(..23).unwrap_or_default();
    let first_at = moment.replacen(' ', "T", 1).replace(',', ".").parse::<DateTime>().ok();
    let first_at: Option<Timestamp> =
        first_at.and_then(|time| time.to_zoned(TimeZone::UTC).ok()).map(|zoned| zoned.timestamp());
    (if first_at.is_some() { moment } else { "" }, first_at)
}

/// Returns the value after ` name:`, up to the next space.
fn field<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    line.split(' ').find_map(|word| word.strip_prefix(name))
}

/// Returns what is in the brackets of a channel, in which IPv6 addresses may have brackets of their own.
fn channel(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("SSLClientChannel[")?;
    let mut depth = 0_usize;
    let end = rest.find(|letter| match letter {
        '[' => {
            depth += 1;
            false
        }
        ']' if depth > 0 => {
            depth -= 1;
            false
        }
        letter => letter == ']',
    });
    Some(&rest[..end.unwrap_or(rest.len())])
}

/// Returns address and port of the backend: of two addresses that whose port is not ephemeral.
fn backend(channel: &str) -> String {
    let addresses: Vec<String> = channel
        .split_whitespace()
        .filter_map(|word| {
            let word = ["Connected:", "Remote:", "Local:", "C:", "host:"]
                .into_iter()
                .find_map(|label| word.strip_prefix(label))
                .unwrap_or(word);
            (word.contains(['.', ':']) && !word.is_empty()).then(|| socket(word))
        })
        .collect();
    let is_service = |address: &&String| {
        let port = address.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        port.is_some_and(|port| port < FIRST_EPHEMERAL)
    };
    addresses.iter().find(is_service).or(addresses.first()).cloned().unwrap_or_default()
}

/// Returns an address and port in the usual form. Java writes IPv6 addresses without brackets and in full.
fn socket(word: &str) -> String {
    let is_whole = word.parse::<Ipv6Addr>().is_ok();
    let of_java = || {
        let (address, port) = word.rsplit_once(':').filter(|_| !is_whole)?;
        Some(SocketAddrV6::new(address.parse().ok()?, port.parse().ok()?, 0, 0))
    };
    let socket = word.parse().ok().or_else(of_java);
    socket.map_or_else(|| word.to_owned(), |socket: SocketAddrV6| socket.to_string())
}

/// Fuzzing entry: reads any bytes as a log, whole and in pieces.
///
/// # Panics
/// If the counts depend on where the log is split.
pub fn fuzz_mp_log(bytes: &[u8]) {
    let scan = |size: usize| {
        let mut scanner = Scanner::new("o", "e");
        bytes.chunks(size).for_each(|chunk| scanner.push(chunk));
        scanner.finish(Vec::new())
    };
    let whole = scan(bytes.len().max(1));
    // A line beyond the limit is cut at the same place, wherever the pieces end.
    assert_eq!(whole.of_others, scan(7).of_others, "pieces must not change the counts");
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILED: &str = "2017-10-23 05:28:57,813 org:o env:e api:orders rev:3 messageid:m NIOThread@0 ERROR \
        HTTP.CLIENT - HTTPClient$Context.handshakeFailed() : SSLClientChannel[C:203.0.113.10:443 Remote \
        host:10.20.0.5:40000]@65461 useCount=1 bytesRead=0 bytesWritten=0 age=529ms lastIO=529ms handshake \
        failed, message: Received fatal alert: bad_certificate";
    const TIMEOUT: &str = "2017-10-23 05:28:57,813 org:o env:e api:orders rev:3 messageid:m NIOThread@1 ERROR \
        HTTP.CLIENT - HTTPClient$Context.handshakeTimeout() : SSLClientChannel[Connected: \
        Remote:203.0.113.10:443 Local:10.20.0.5]@739028 useCount=1 age=55221ms isOpen=true handshake timeout";

    fn scanned(text: &str, size: usize) -> MessageProcessorLog {
        let mut scanner = Scanner::new("o", "e");
        text.as_bytes().chunks(size).for_each(|piece| scanner.push(piece));
        scanner.finish(vec!["system.log".into()])
    }

    #[test]
    fn counts_both_forms_wherever_the_pieces_end() {
        let other = FAILED.replace("env:e", "env:test");
        let text = format!("noise\n{FAILED}\n\tat java.lang.Thread\n{FAILED}\n{other}\n{TIMEOUT}\n");
        for size in [1, 13, 4096] {
            let log = scanned(&text, size);
            assert_eq!(log.of_others, 1);
            let [failed, timeout] = log.failures.as_slice() else { panic!("{log:?}") };
            assert_eq!((failed.count, failed.backend.as_str()), (2, "203.0.113.10:443"));
            assert_eq!(failed.message, "Received fatal alert: bad_certificate");
            assert_eq!(failed.first, "2017-10-23 05:28:57,813");
            assert!(timeout.timed_out && timeout.backend == "203.0.113.10:443");
        }
        fuzz_mp_log(text.as_bytes());
        fuzz_mp_log(b"HTTPClient$Context.handshakeFailed() SSLClientChannel[");
    }

    #[test]
    fn keeps_the_first_lines_of_each_failure_of_the_environment() {
        let other = FAILED.replace("env:e", "env:test");
        let mut scanner = Scanner::new("o", "e").keeping_lines();
        for line in [other.as_str()].into_iter().chain(std::iter::repeat_n(FAILED, 25)).chain([TIMEOUT]) {
            scanner.push(format!("noise\n{line}\n").as_bytes());
        }
        let excerpt = scanner.take_excerpt().unwrap();
        let lines: Vec<&str> = std::str::from_utf8(&excerpt.text).unwrap().lines().collect();
        assert_eq!((lines.len(), excerpt.left_out), (21, 5));
        assert!(lines[..20].iter().all(|line| *line == FAILED) && lines[20] == TIMEOUT, "{lines:?}");
        assert!(Scanner::new("o", "e").take_excerpt().is_none());
    }

    #[test]
    fn counts_an_exception_below_its_event_wherever_the_pieces_end() {
        let event = "2026-11-29 13:51:07,980 org:o env:e api:orders rev:3 NIOThread@1 ERROR HTTP.CLIENT - \
            HTTPClient$Context.onException() : failed";
        let exception = "javax.net.ssl.SSLException: Received fatal alert: internal_error";
        let text = format!("{event}\n{exception}\n\tat sun.security.ssl\n{FAILED}\n{exception}\n{exception}\n");
        for size in [1, 13, 4096] {
            let log = scanned(&text, size);
            assert_eq!(log.failures.len(), 2, "{log:?}");
            let failure = log.failures.iter().find(|failure| failure.backend.is_empty()).unwrap();
            assert_eq!((failure.count, failure.proxy.as_str()), (1, "orders"));
            assert_eq!(failure.message, "Received fatal alert: internal_error");
        }
    }

    #[test]
    fn reads_utf_16_and_text_with_nul_bytes() {
        let text = format!("\u{feff}{FAILED}\nnoise\n");
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let appended = [b"noise\n".to_vec(), little[2..].to_vec()].concat();
        let truncated = [vec![0; 5000], FAILED.as_bytes().to_vec()].concat();
        for bytes in [&little, &little[2..].to_vec(), &big, &text.clone().into_bytes(), &appended, &truncated] {
            for size in [1, 13, 1 << 20] {
                let mut scanner = Scanner::new("o", "e");
                bytes.chunks(size).for_each(|piece| scanner.push(piece));
                assert!(scanner.end(), "a log");
                let log = scanner.finish(Vec::new());
                assert_eq!((log.failures.len(), log.failures[0].count), (1, 1), "{log:?}");
                assert_eq!(log.failures[0].first, "2017-10-23 05:28:57,813");
            }
        }
    }

    #[test]
    fn knows_a_log_and_names_the_others() {
        let mut scanner = Scanner::new("o", "e");
        scanner.push(b"-----BEGIN CERTIFICATE-----\nMII\n");
        assert!(!scanner.end(), "no line of a Message Processor");
        scanner.push(FAILED.replace("org:o", "org:other").as_bytes());
        assert!(scanner.end());
        let log = scanner.finish(Vec::new());
        assert_eq!((log.has_own, log.others), (false, vec!["other/e".to_owned()]));
        assert!(scanned("2017-10-23 05:28:57,813 org:o env:e api:a", 7).others.is_empty());
    }

    #[test]
    fn joins_failures_beyond_the_limit_by_what_they_mean() {
        let meaning: Meaning = |text| text.contains("unknown_ca").then_some("untrusted");
        let mut scanner = Scanner::new("o", "e").joining(meaning).keeping_lines();
        for number in 0..MAX_FAILURES {
            scanner.push(format!("{FAILED} {number}\n").as_bytes());
        }
        let untrusted = FAILED.replace("bad_certificate", "unknown_ca");
        for number in 0..1000 {
            scanner.push(format!("{untrusted} {}\n{FAILED} more {number}\n", number % 3).as_bytes());
        }
        scanner.push(untrusted.replace("203.0.113.10:443", "203.0.113.99:443").as_bytes());
        scanner.push(format!("\n{TIMEOUT}\n").as_bytes());
        let excerpt = scanner.take_excerpt().unwrap();
        assert_eq!(excerpt.text.split(|byte| *byte == b'\n').count() - 1, MAX_FAILURES + 20 + 20 + 1);
        let log = scanner.finish(Vec::new());
        assert_eq!((log.failures.len(), log.more), (MAX_FAILURES, 2002));
        let [first, second, timeout] = log.joined.as_slice() else { panic!("{:?}", log.joined) };
        assert_eq!((first.count, first.proxy.as_str(), first.backend.as_str()), (1001, "orders", ""));
        assert!(first.message.contains("unknown_ca") && second.count == 1000, "{first:?}");
        assert!(timeout.timed_out && second.backend == "203.0.113.10:443", "{timeout:?}");
    }

    #[test]
    fn addresses_of_ipv6_are_read_in_both_forms() {
        for (channel, expected) in [
            ("C:[2001:db8::1]:443 Remote host:10.20.0.5:40000", "[2001:db8::1]:443"),
            ("C:2001:db8:0:0:0:0:0:1:443 Remote host:2001:db8:0:0:0:0:0:5:40000", "[2001:db8::1]:443"),
            ("Connected: Remote:[2001:db8::1]:443 Local:[2001:db8::5]:40000", "[2001:db8::1]:443"),
            ("C:[2001:db8::5]:40000 Remote host:[2001:db8::1]:8443", "[2001:db8::1]:8443"),
            ("C:[fe80::1%eth0]:443", "[fe80::1%eth0]:443"),
        ] {
            let line = FAILED.replace("C:203.0.113.10:443 Remote host:10.20.0.5:40000", channel);
            assert_eq!(scanned(&line, 13).failures[0].backend, expected, "{line}");
        }
    }

    #[test]
    fn keeps_a_bounded_number_of_failures() {
        let mut scanner = Scanner::new("o", "e");
        for number in 0..MAX_FAILURES + 5 {
            scanner.push(format!("{FAILED} {number}\n").as_bytes());
        }
        let log = scanner.finish(Vec::new());
        assert_eq!((log.failures.len(), log.joined.len(), log.more), (MAX_FAILURES, 1, 5));
    }
}
