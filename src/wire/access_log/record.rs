//! One record → the counts it belongs to.
//!
//! A record shows only whether a server name was sent, and whether a filter chain was found. The classes, and
//! what each does and does not prove, are described at [`AccessLog`].

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;

use super::json::Value;
use super::ledger::LedgerSource;
use super::moment::Clock;
use super::own::{self, Followers};
use super::prefix::without_colours;
use crate::evidence::AccessLog;
use crate::evidence::access_log::{ClientFailure, FailingClients, MAX_KEY_BYTES, Repeats};

/// Maximum size of a line, or of an element of an array, that is read as a record. A longer one is a broken
/// line. Envoy's own limit on request headers, 60 KiB by default, leaves records far below it.
pub const MAX_RECORD_BYTES: usize = 1 << 20;

/// `%RESPONSE_CODE_DETAILS%` if no filter chain matched the connection.
pub(super) const NO_FILTER_CHAIN: &[u8] = b"filter_chain_not_found";

/// `%RESPONSE_CODE_DETAILS%` if no route matched the request.
pub(super) const NO_ROUTE: &[u8] = b"route_not_found";

/// The status of a request on a connection that cannot serve its host (RFC 9110 §15.5.20).
pub(super) const MISDIRECTED: &[u8] = b"421";

/// Maximum length of a key in `snake_case`.
pub(super) const MAX_KEY: usize = 40;

/// Keys that distinguish an access log of another format from any other JSON on a line: the names in Apigee's
/// own format, in Istio's default JSON format, and in common use. Two of them make a foreign record.
pub(super) const ACCESS_LOG_KEYS: &[&[u8]] = &[
    b"authority",
    b"bytes_received",
    b"bytes_sent",
    b"downstream_local_address",
    b"downstream_remote_address",
    b"duration",
    b"host",
    b"method",
    b"path",
    b"protocol",
    b"remote_address",
    b"request",
    b"request_id",
    b"request_method",
    b"request_path",
    b"request_protocol",
    b"request_time",
    b"requested_server_name",
    b"response_code",
    b"response_code_details",
    b"response_flags",
    b"sni_host",
    b"start_time",
    b"status",
    b"status_details",
    b"tls_protocol",
    b"upstream_address",
    b"upstream_cluster",
    b"upstream_host",
    b"upstream_response_flags",
    b"user_agent",
    b"x_forwarded_for",
];

/// The members that are read; the last one of duplicates, as in JSON parsers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Record<'a> {
    pub(super) details: Option<Value<'a>>,
    pub(super) failure: Option<Value<'a>>,
    pub(super) flags: Option<Value<'a>>,
    pub(super) host: Option<Value<'a>>,
    pub(super) name: Option<Value<'a>>,
    pub(super) remote: Option<Value<'a>>,
    pub(super) start: Option<Value<'a>>,
    pub(super) status: Option<Value<'a>>,
    pub(super) tls: Option<Value<'a>>,
    /// The members with which a log store or a container runtime wraps a record: text before objects, which
    /// may be labels.
    pub(super) payload: Option<Value<'a>>,
    /// Number of members with a key of an access log.
    pub(super) known_keys: u16,
    /// Number of members with such a key in any case.
    pub(super) similar_keys: u16,
    /// It has two different server names.
    pub(super) is_ambiguous: bool,
}

impl<'a> Record<'a> {
    pub(super) fn field(&mut self, field: Field) -> &mut Option<Value<'a>> {
        match field {
            Field::Details => &mut self.details,
            Field::Failure => &mut self.failure,
            Field::Flags => &mut self.flags,
            Field::Host => &mut self.host,
            Field::Name => &mut self.name,
            Field::Remote => &mut self.remote,
            Field::Start => &mut self.start,
            Field::Status => &mut self.status,
            Field::Tls => &mut self.tls,
        }
    }

    /// Returns whether it is in a format that can be judged.
    pub(super) fn is_judgeable(&self) -> bool {
        self.name.is_some() && (self.status.is_some() || self.details.is_some() || self.flags.is_some())
    }

    /// Returns whether its format distinguishes a connection without a filter chain from other ends without a
    /// status.
    pub(super) fn tells_resets(&self) -> bool {
        self.details.is_some() || (self.status.is_some() && self.flags.is_some())
    }

    /// Returns whether it is an access-log record of another format.
    pub(super) fn is_foreign(&self) -> bool {
        self.known_keys >= 2
    }
}

/// The members that are judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::wire) enum Field {
    Details,
    /// `%DOWNSTREAM_TRANSPORT_FAILURE_REASON%`, which Apigee's format does not have.
    Failure,
    Flags,
    Host,
    Name,
    Remote,
    Start,
    Status,
    Tls,
}

impl Field {
    /// Returns the field of a key of Apigee's format, of Istio's default and of common ones. Source: Apigee's
    /// `istiod.accessLogFormat`; Istio `pilot/pkg/model/telemetry_logging.go`.
    pub(super) fn of(key: &[u8]) -> Option<Self> {
        Some(match key {
            b"remote_address" | b"downstream_remote_address" | b"downstream_direct_remote_address" => Self::Remote,
            b"sni_host" | b"requested_server_name" => Self::Name,
            b"start_time" => Self::Start,
            b"status" | b"response_code" => Self::Status,
            b"status_details" | b"response_code_details" => Self::Details,
            b"downstream_transport_failure_reason" => Self::Failure,
            b"tls_protocol" | b"downstream_tls_version" => Self::Tls,
            b"upstream_response_flags" | b"response_flags" => Self::Flags,
            b"host" | b"authority" | b":authority" => Self::Host,
            _ => return Self::of_other_case(key),
        })
    }

    /// Returns the field of a key that is written in another case (`sniHost`, `RESPONSE_CODE`), or in words
    /// of the Elastic Common Schema that have no other meaning.
    fn of_other_case(key: &[u8]) -> Option<Self> {
        let mut buffer = [0; MAX_KEY];
        Some(match snake_case(key, &mut buffer)? {
            b"tls_client_server_name" | b"snihost" => Self::Name,
            b"http_response_status_code" => Self::Status,
            // Without this, it would call itself again.
            same if same == key => return None,
            other => return Self::of(other),
        })
    }
}

/// Returns a key of `camelCase`, `UPPER_CASE`, `kebab-case` or with dots in `snake_case`; `None` if it is
/// longer than any that is known.
pub(super) fn snake_case<'b>(key: &[u8], buffer: &'b mut [u8; MAX_KEY]) -> Option<&'b [u8]> {
    let mut length = 0;
    let mut before = b'_';
    for &byte in key {
        let begins_word = byte.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit());
        let written = if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'_' };
        if begins_word {
            *buffer.get_mut(length)? = b'_';
            length += 1;
        }
        *buffer.get_mut(length)? = written;
        length += 1;
        before = byte;
    }
    buffer.get(..length)
}

/// Returns whether a key is of an access log, in any case.
pub(super) fn is_access_log_key(key: &[u8]) -> bool {
    ACCESS_LOG_KEYS.contains(&key)
        || snake_case(key, &mut [0; MAX_KEY]).is_some_and(|key| ACCESS_LOG_KEYS.contains(&key))
}

/// The counts of one log while it is read.
#[derive(Debug, Default)]
pub(super) struct Counter {
    pub(super) log: AccessLog,
    pub(super) since: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
    pub(super) clock: Clock,
    /// Resets that probe traffic of this program may still cause.
    followers: Followers,
    /// The other logs, if records that they have too are left out.
    pub(super) ledger: Option<LedgerSource>,
    /// The failing clients, if they are counted.
    pub(super) failing: Option<FailingClients>,
    /// Number of records that were left out, by the number of the log that has them.
    repeated: BTreeMap<u32, u64>,
    /// Records that are newer than requested.
    newer: u64,
    /// The window of records with a usual `start_time`, in milliseconds: most records need no more than
    /// comparing these.
    window: Option<(i64, i64)>,
}

impl Counter {
    /// Counts a record with a server name and a filter chain: only its timestamp matters.
    pub(super) fn ordinary(&mut self, start: Option<Value<'_>>) {
        if self.since.is_none()
            && self.until.is_none()
            && let Some(Value::Text(text)) = start
            && let Some(milliseconds) = self.clock.milliseconds(text)
        {
            self.log.records += 1;
            self.window = Some(match self.window {
                Some((first, last)) => (first.min(milliseconds), last.max(milliseconds)),
                None => (milliseconds, milliseconds),
            });
        } else {
            self.in_window(start);
        }
    }

    /// Counts a record that lacks the key of the server name, if it is one of a reset or of a served request.
    pub(super) fn without_name(&mut self, record: &Record<'_>) {
        let moment = self.moment(record.start);
        let is_in_window = moment.is_none_or(|moment| {
            self.since.is_none_or(|since| moment >= since) && self.until.is_none_or(|until| moment < until)
        });
        if is_in_window && record.tells_resets() {
            self.class(record, moment);
        }
    }

    /// Counts any record.
    pub(super) fn record(&mut self, record: &Record<'_>) {
        let Some(moment) = self.in_window(record.start) else {
            if let (Some(_), ServerName::Given(name)) = (self.until, ServerName::of(record.name))
                && own::is_own(&name)
                && let Some(moment) =
                    self.moment(record.start).filter(|moment| self.since.is_none_or(|since| *moment >= since))
            {
                self.log.own.count(Some(moment), Some(&String::from_utf8_lossy(&name)));
            }
            return;
        };
        if !record.tells_resets() {
            self.lacks("RESPONSE_CODE_DETAILS");
        }
        self.class(record, moment);
    }

    /// Adds a record to its class.
    fn class(&mut self, record: &Record<'_>, moment: Option<Timestamp>) {
        let name = if record.is_ambiguous { ServerName::Unreadable } else { ServerName::of(record.name) };
        let remote = record.remote.and_then(Value::text);
        let client = remote.as_deref().and_then(without_port).map(String::from_utf8_lossy);
        if let ServerName::Given(name) = &name
            && own::is_own(name)
        {
            self.followers.expect(client.as_deref(), moment);
            self.log.own.count(moment, Some(&String::from_utf8_lossy(name)));
            return;
        }
        if is_present(record.failure)
            && let Some(why) = record.failure.and_then(Value::text)
        {
            self.tls_failure(&why);
        }
        let details = record.details.and_then(Value::text);
        let details = details.map(|details| without_colours(&details).map_or(details, Cow::Owned));
        let status = record.status.and_then(Value::number);
        let flags = record.flags.and_then(Value::text);
        let no_route = flags
            .as_deref()
            .is_some_and(|flags| flags.split(|&byte| byte == b',').any(|flag| matches!(flag, b"NR" | b"NoRouteFound")));

        // Status and flags only ever confirm the details; a format without them contradicts nothing. Without
        // details they suffice: with 404 `NR` means no route, without a response no filter chain (Envoy
        // documentation, "Access logging", response flags).
        let no_filter_chain = match (&details, record.details) {
            (Some(details), _) if !matches!(&**details, b"" | b"-") => {
                &**details == NO_FILTER_CHAIN
                    && status.is_none_or(|status| status == 0.0)
                    && (no_route || record.flags.is_none_or(|flags| flags == Value::Null))
            }
            (Some(_), _) | (None, None | Some(Value::Null)) => status == Some(0.0) && no_route,
            (None, Some(_)) => false,
        };
        // A request over plain HTTP on another port has no SNI either, and proves nothing about
        // handshakes.
        // Either the details or the flag suffices; what is stated of both must agree.
        let unrouted = status == Some(404.0)
            && match &details {
                Some(details) if !matches!(&**details, b"" | b"-") => {
                    &**details == NO_ROUTE && (no_route || record.flags.is_none_or(|flags| flags == Value::Null))
                }
                _ => no_route,
            };
        let over_tls = !record.tls.is_some_and(|tls| ServerName::of(Some(tls)) == ServerName::Absent);
        let served = status.is_some_and(|status| status >= 100.0) && over_tls;
        if record.name.is_none() {
            self.log.absent_names += u64::from(no_filter_chain || served);
            return;
        }
        if let (ServerName::Given(name), false) = (&name, no_filter_chain) {
            if (unrouted || status == Some(421.0)) && !self.is_repeated(remote.as_deref(), moment) {
                self.other_host(name, record.host, client.as_deref(), moment);
            }
            return;
        }
        if name == ServerName::Unreadable {
            self.log.unreadable_names += u64::from(no_filter_chain || served || record.is_ambiguous);
            return;
        }
        if !no_filter_chain && (!served || name != ServerName::Absent) {
            return;
        }

        match &name {
            ServerName::Absent if no_filter_chain && self.followers.take(client.as_deref(), moment) => {
                self.log.own.count_without_sni(moment);
                return;
            }
            ServerName::Given(_) if self.followers.has_forwarded(client.as_deref(), moment) => {
                self.log.own.count(moment, None);
                return;
            }
            _ => {}
        }

        if self.is_repeated(remote.as_deref(), moment) {
            return;
        }
        let at = moment.map(|moment| (moment, self.clock.minute_name(moment)));
        let log = &mut self.log;
        match name {
            ServerName::Absent if no_filter_chain => {
                log.reset_without_sni.count(at, client.as_deref(), None);
                if let Some(failing) = &mut self.failing {
                    failing.count(ClientFailure::ResetWithoutSni, client.as_deref(), None, moment);
                }
            }
            ServerName::Absent => {
                log.served_without_sni.count(at, client.as_deref(), None);
                if unrouted {
                    log.unrouted_without_sni.count(at, client.as_deref(), None);
                }
            }
            ServerName::Given(name) => {
                let name = String::from_utf8_lossy(&name).to_ascii_lowercase();
                log.reset_with_sni.count(at, client.as_deref(), Some(&name));
                if let Some(failing) = &mut self.failing {
                    failing.count(ClientFailure::ResetWithSni, client.as_deref(), Some(&name), moment);
                }
            }
            ServerName::Unreadable => {}
        }
    }

    /// Returns whether another log has this record too. One without a port or a time cannot be identified.
    fn is_repeated(&mut self, address: Option<&[u8]>, moment: Option<Timestamp>) -> bool {
        let (Some(ledger), Some(address), Some(moment)) = (&self.ledger, address, moment) else { return false };
        if without_port(address).is_none_or(|bare| bare.len() + 1 >= address.len()) {
            return false;
        }
        let Some(number) = ledger.repeated(address, moment) else { return false };
        *self.repeated.entry(number).or_default() += 1;
        true
    }

    /// Counts a refused request whose host is not the name that its connection was opened for.
    fn other_host(&mut self, name: &[u8], host: Option<Value<'_>>, client: Option<&str>, moment: Option<Timestamp>) {
        let Some(host) = host.and_then(Value::text) else { return };
        let Some(host) = without_port(&host) else { return };
        let plain = |name: &[u8]| String::from_utf8_lossy(name.strip_suffix(b".").unwrap_or(name)).to_ascii_lowercase();
        let (name, host) = (plain(name), plain(host));
        if name != host {
            let at = moment.map(|moment| (moment, self.clock.minute_name(moment)));
            self.log.other_host.count(at, client, &name, &host);
            if let Some(failing) = &mut self.failing {
                failing.count(ClientFailure::OtherHost, client, Some(&name), moment);
            }
        }
    }

    /// Returns the number of lines and records counted so far, to detect whether more were counted.
    pub(super) fn counted(&self) -> u64 {
        let log = &self.log;
        let lines = log.foreign_records + log.text_records + log.proxy_lines + log.broken_lines + log.other_forms;
        log.records + log.older_records + self.newer + log.chaining_lines + lines
    }

    /// Records an operator that the format of a record lacks.
    pub(super) fn lacks(&mut self, operator: &str) {
        if !self.log.lacking.contains(operator) {
            self.log.lacking.insert(operator.to_owned());
        }
    }

    /// Counts a failure of TLS by the reason that `BoringSSL` names in it, or by its whole text.
    pub(super) fn tls_failure(&mut self, text: &[u8]) {
        const BEFORE_REASON: &[u8] = b"OPENSSL_internal:";
        let reason = memchr::memmem::find(text, BEFORE_REASON)
            .and_then(|at| text.get(at + BEFORE_REASON.len()..)?.split(|byte| !is_of_reason(*byte)).next());
        let why = reason.filter(|reason| !reason.is_empty()).unwrap_or(text);
        let why = why.iter().take(MAX_KEY_BYTES).filter(|byte| matches!(byte, b' '..=b'~'));
        self.log.note_tls_failures(why.map(|byte| char::from(*byte)).collect(), 1);
    }

    /// Returns the counts, with the window of all records.
    pub(super) fn finish(mut self) -> AccessLog {
        self.end_window();
        if let Some(ledger) = &self.ledger {
            let repeats = self.repeated.into_iter();
            let repeats =
                repeats.filter_map(|(number, records)| Some(Repeats { origin: ledger.origin(number)?, records }));
            self.log.repeats = repeats.collect();
            self.log.repeats.sort();
        }
        self.log
    }

    /// Returns the counts since the last call, and begins new ones. What later records depend on is kept.
    pub(super) fn take(&mut self) -> AccessLog {
        self.end_window();
        std::mem::take(&mut self.log)
    }

    /// Adds the window of records with a usual `start_time` to that of the log.
    fn end_window(&mut self) {
        let Some((first, last)) = self.window.take() else { return };
        for milliseconds in [first, last] {
            if let Ok(moment) = Timestamp::from_millisecond(milliseconds) {
                self.widen(moment);
            }
        }
    }

    /// Counts the record unless it is outside the requested window, and returns its timestamp. A record
    /// without a readable timestamp cannot be shown to be older, so it is kept.
    #[expect(clippy::option_option, reason = "outer: is it counted; inner: does it have a moment")]
    fn in_window(&mut self, start: Option<Value<'_>>) -> Option<Option<Timestamp>> {
        let moment = self.moment(start);
        if moment.zip(self.since).is_some_and(|(moment, since)| moment < since) {
            self.log.older_records += 1;
            return None;
        }
        if moment.zip(self.until).is_some_and(|(moment, until)| moment >= until) {
            self.newer += 1;
            return None;
        }
        self.log.records += 1;
        if let Some(moment) = moment {
            self.widen(moment);
        }
        Some(moment)
    }

    fn moment(&mut self, start: Option<Value<'_>>) -> Option<Timestamp> {
        match start {
            Some(Value::Plain(number)) => self.clock.moment(number),
            start => start.and_then(Value::text).and_then(|text| self.clock.moment(&text)),
        }
    }

    fn widen(&mut self, moment: Timestamp) {
        let log = &mut self.log;
        log.first = Some(log.first.map_or(moment, |first| first.min(moment)));
        log.last = Some(log.last.map_or(moment, |last| last.max(moment)));
    }
}

fn is_of_reason(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_'
}

/// Returns whether a value is there and not empty.
#[inline]
pub(super) fn is_present(value: Option<Value<'_>>) -> bool {
    !matches!(value, None | Some(Value::Null | Value::Text(b"" | b"-")))
}

/// Returns whether two values are the same server name, or both none.
pub(super) fn is_same_name(one: Value<'_>, other: Value<'_>) -> bool {
    ServerName::of(Some(one)) == ServerName::of(Some(other))
}

/// The server name that the client sent, as the record has it.
#[derive(Debug, PartialEq)]
enum ServerName<'a> {
    /// `null`, empty, or the `-` that Envoy's text encoder writes for an absent value.
    Absent,
    Given(Cow<'a, [u8]>),
    /// Not a name: it proves neither presence nor absence.
    Unreadable,
}

impl<'a> ServerName<'a> {
    fn of(value: Option<Value<'a>>) -> Self {
        match value {
            Some(Value::Null | Value::Text(b"" | b"-")) => Self::Absent,
            Some(Value::Text(raw)) => match super::json::unescape(raw) {
                text if matches!(&*text, b"" | b"-") => Self::Absent,
                text => Self::Given(text),
            },
            _ => Self::Unreadable,
        }
    }
}

/// `10.138.0.28:19432` → `10.138.0.28`, `[::1]:1234` → `::1`; `None` for an absent address in any form.
pub(in crate::wire) fn without_port(address: &[u8]) -> Option<&[u8]> {
    let bare = if let Some(bracketed) = address.strip_prefix(b"[") {
        memchr::memchr(b']', bracketed).and_then(|end| bracketed.get(..end)).unwrap_or(address)
    } else {
        match memchr::memrchr(b':', address) {
            // More than one colon and no bracket: an IPv6 address without a port.
            Some(colon) if memchr::memchr(b':', address) == Some(colon) => address.get(..colon).unwrap_or(address),
            _ => address,
        }
    };
    (!matches!(bare, b"" | b"-")).then_some(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_taken_off() {
        for (address, bare) in [
            ("10.138.0.28:19432", Some("10.138.0.28")),
            ("10.138.0.28", Some("10.138.0.28")),
            ("[::1]:1234", Some("::1")),
            ("[2001:db8::7]", Some("2001:db8::7")),
            ("2001:db8::7", Some("2001:db8::7")),
            ("[broken", Some("[broken")),
            ("-", None),
            ("", None),
            (":80", None),
        ] {
            assert_eq!(without_port(address.as_bytes()), bare.map(str::as_bytes), "{address}");
        }
    }

    #[test]
    fn the_list_of_keys_is_sorted() {
        assert!(ACCESS_LOG_KEYS.is_sorted());
    }
}
