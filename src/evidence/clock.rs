//! Whether the clock that the evidence has its times from agrees with the cluster's, and what time it is
//! there.
//!
//! A machine whose clock is wrong would find good certificates expired, or miss expired ones. Two witnesses
//! tell: the `Date` of the API server's answers, and the records that the handshakes of this run left in the
//! logs of the gateways.

use jiff::{SignedDuration, Timestamp};

use super::handshake::{ClientHelloKind, EndpointOrigin};
use super::{Evidence, LogOrigin, Seen};

/// Clocks that differ by no more agree, for whatever is judged here.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(1);

/// A clock that does not agree with that of this evidence.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OtherClock {
    /// By how much it is ahead; negative where it is behind.
    pub ahead: SignedDuration,
    pub witness: Witness,
}

/// What tells the time of another machine.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Witness {
    /// The `Date` of the API server's answers.
    ApiServer,
    /// The record of a handshake of this run in the log of this pod.
    OwnRecord { pod: String },
    /// A record in this log that is later than the evidence itself.
    LaterRecord { origin: LogOrigin },
}

impl Evidence {
    /// The clocks that differ from the one of this evidence by more than a minute, the best witness first.
    #[must_use]
    pub fn other_clocks(&self) -> Vec<OtherClock> {
        let of_server = self.clock_of_server().map(|ahead| OtherClock { ahead, witness: Witness::ApiServer });
        let mut clocks: Vec<OtherClock> = of_server.into_iter().chain(self.own_records()).collect();
        if clocks.is_empty() {
            clocks.extend(self.later_record());
        }
        clocks.retain(|clock| clock.ahead.abs() > TOLERANCE);
        clocks
    }

    /// The time of a moment of this evidence by the clock of the cluster, as far as that is known to differ.
    #[must_use]
    pub fn at_cluster(&self, moment: Timestamp) -> Timestamp {
        match self.other_clocks().first() {
            Some(clock) if !self.is_confirmed() => moment.checked_add(clock.ahead).unwrap_or(moment),
            _ => moment,
        }
    }

    /// The API server agrees with this machine, or, where it does not tell the time, a pod. Then a log that
    /// does not agree is of a pod whose own clock is wrong.
    fn is_confirmed(&self) -> bool {
        match self.clock_of_server() {
            Some(ahead) => ahead.abs() <= TOLERANCE,
            None => self.own_records().any(|clock| clock.ahead.abs() <= TOLERANCE),
        }
    }

    fn clock_of_server(&self) -> Option<SignedDuration> {
        match &self.connection {
            Seen::Seen(connection) => connection.clock_ahead_seconds.map(SignedDuration::from_secs),
            Seen::Unavailable(_) => None,
        }
    }

    /// The moment that every judgement takes for now: when gathering began, by the clock of the cluster.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.at_cluster(self.collected_at)
    }

    /// What the handshakes of this run left in the logs, against when they were made.
    fn own_records(&self) -> impl Iterator<Item = OtherClock> {
        let probes = match &self.probes {
            Seen::Seen(probes) => Some(probes),
            Seen::Unavailable(_) => None,
        };
        probes.into_iter().flat_map(|probes| {
            probes.endpoints.iter().filter_map(|endpoint| {
                let EndpointOrigin::Pod { pod } = &endpoint.place else { return None };
                let made = endpoint.handshake(ClientHelloKind::Unknown)?.started_at;
                let mut logs = self.access_logs.iter().filter_map(|stream| match (&stream.origin, &stream.log) {
                    (LogOrigin::Container { pod: of, .. }, Seen::Seen(log)) if of == pod => Some(log),
                    _ => None,
                });
                let recorded = logs.find_map(|log| *log.own.names.get(&probes.question.unknown_name)?)?;
                let witness = Witness::OwnRecord { pod: pod.clone() };
                Some(OtherClock { ahead: recorded.duration_since(made), witness })
            })
        })
    }

    /// The latest record of all, where it is later than the evidence: by so much at least its clock is ahead.
    fn later_record(&self) -> Option<OtherClock> {
        let last = |stream: &super::LogStream| match &stream.log {
            Seen::Seen(log) => Some((log.last?, stream.origin.clone())),
            Seen::Unavailable(_) => None,
        };
        let (last, origin) = self.access_logs.iter().filter_map(last).max_by_key(|(last, _)| *last)?;
        let ahead = last.duration_since(self.collected_at);
        (ahead > SignedDuration::ZERO).then_some(OtherClock { ahead, witness: Witness::LaterRecord { origin } })
    }
}
