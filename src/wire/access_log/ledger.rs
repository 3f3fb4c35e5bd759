//! Recognises records that two logs have: a file that the user gives often repeats the log of a pod.
//!
//! A record is identified by its client address with port and its start time. Only records that are counted
//! by client are compared; of all others, nothing depends on the number.

use std::collections::HashMap;
use std::collections::hash_map::{DefaultHasher, Entry};
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::evidence::LogOrigin;

/// Maximum number of records that are remembered; records beyond it are not recognised. Their hashes take
/// some 24 MiB.
const MAX_RECORDS: usize = 1_000_000;

/// The records of all logs of a run.
#[derive(Debug, Default)]
pub struct Ledger {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    sources: Vec<LogOrigin>,
    /// The source that had the record first, by the hash of the record.
    records: HashMap<u64, u32>,
}

/// One log among those of a [`Ledger`]; cheap to clone.
#[derive(Clone, Debug)]
pub struct LedgerSource {
    ledger: Arc<Ledger>,
    number: u32,
    /// Leaves out the records of other logs. Logs of pods keep theirs: two pods never have the same record.
    leaves_out: bool,
}

impl Ledger {
    /// Returns whether no log was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).sources.is_empty()
    }

    /// Adds a log.
    #[must_use]
    pub fn source(self: &Arc<Self>, origin: &LogOrigin) -> LedgerSource {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.sources.push(origin.clone());
        let number = u32::try_from(inner.sources.len() - 1).unwrap_or(u32::MAX);
        let leaves_out = !matches!(origin, LogOrigin::Container { .. });
        LedgerSource { ledger: Arc::clone(self), number, leaves_out }
    }
}

impl LedgerSource {
    /// Notes a record of this log. Returns the number of the log that has it too, if it must not be counted
    /// again.
    pub(super) fn repeated(&self, address: &[u8], start: Timestamp) -> Option<u32> {
        // The keys of this hasher are fixed, so that the result does not depend on the run.
        let mut hasher = DefaultHasher::new();
        (address, start.as_nanosecond()).hash(&mut hasher);
        let mut inner = self.ledger.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = inner.records.len() >= MAX_RECORDS;
        match inner.records.entry(hasher.finish()) {
            Entry::Occupied(known) => Some(*known.get()).filter(|number| self.leaves_out && *number != self.number),
            Entry::Vacant(_) if is_full => None,
            Entry::Vacant(vacant) => {
                vacant.insert(self.number);
                None
            }
        }
    }

    /// Returns the log of this number.
    pub(super) fn origin(&self, number: u32) -> Option<LogOrigin> {
        let inner = self.ledger.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.sources.get(usize::try_from(number).ok()?).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::AccessLog;
    use crate::wire::access_log::AccessLogScanner;

    fn reset(port: u32, second: u32) -> String {
        format!(
            "{{\"start_time\":\"2026-11-22T09:00:{second:02}.000Z\",\"remote_address\":\"192.0.2.1:{port}\",\"status\":0,\
             \"status_details\":\"filter_chain_not_found\",\"upstream_response_flags\":\"NR\",\"sni_host\":null}}\n"
        )
    }

    fn scan(text: &str, source: LedgerSource) -> AccessLog {
        let mut scanner = AccessLogScanner::new().comparing(Some(source));
        scanner.feed(text.as_bytes());
        scanner.finish()
    }

    fn pod(name: &str) -> LogOrigin {
        LogOrigin::Container { pod: name.into(), container: "apigee-ingressgateway".into() }
    }

    #[test]
    fn a_file_counts_no_record_that_a_pod_has() {
        let ledger = Arc::new(Ledger::default());
        let own: String = (0..6).map(|i| reset(40_000 + i, i)).collect();
        let of_pod = scan(&own, ledger.source(&pod("gw-1")));
        let file = LogOrigin::File("gateway.log".into());
        let longer = format!("{own}{}", reset(50_000, 30));
        let of_file = scan(&longer, ledger.source(&file));
        assert_eq!((of_pod.reset_without_sni.count, of_file.reset_without_sni.count), (6, 1));
        assert_eq!((of_file.records, of_file.repeats.len(), of_file.repeats[0].records), (7, 1, 6));
        assert_eq!(of_file.repeats[0].origin, pod("gw-1"));
        // The same name again is another file, such as a copy.
        assert_eq!(scan(&longer, ledger.source(&file)).reset_without_sni.count, 0);
    }

    #[test]
    fn logs_of_pods_and_equal_records_of_one_log_are_all_counted() {
        let ledger = Arc::new(Ledger::default());
        let twice = reset(40_000, 1).repeat(2);
        assert_eq!(scan(&twice, ledger.source(&pod("gw-1"))).reset_without_sni.count, 2);
        assert_eq!(scan(&twice, ledger.source(&pod("gw-2"))).reset_without_sni.count, 2);
        assert_eq!(scan(&twice, ledger.source(&LogOrigin::File("a".into()))).reset_without_sni.count, 0);
        let without_port = twice.replace(":40000", "");
        assert_eq!(scan(&without_port, ledger.source(&LogOrigin::File("b".into()))).reset_without_sni.count, 2);
    }
}
