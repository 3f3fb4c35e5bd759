//! Records that one log repeats of another.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AccessLog, LogOrigin, OtherHost, Tally};
use crate::evidence::part::{Visit, Visitor};

/// Records of a log that are counted in another one.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Repeats {
    /// The log in which they are counted.
    pub origin: LogOrigin,
    pub records: u64,
}

impl Repeats {
    pub(super) fn merge(known: &mut Vec<Self>, others: Vec<Self>) {
        for other in others {
            match known.iter_mut().find(|known| known.origin == other.origin) {
                Some(known) => known.records += other.records,
                None => known.push(other),
            }
        }
        known.sort();
    }
}

impl AccessLog {
    /// Leaves out all classes of records if another log has exactly the same ones, to the millisecond of
    /// their beginning and end, by client. For logs of earlier evidence, whose records are no longer known.
    pub fn leave_out_repeated(&mut self, origin: &LogOrigin, other: &Self) {
        let is_same = self.classes() == other.classes() && self.other_host == other.other_host;
        let records: u64 = self.classes().iter().map(|tally| tally.count).sum::<u64>() + self.other_host.tally.count;
        if !is_same || records == 0 {
            return;
        }
        self.reset_without_sni = Tally::default();
        self.reset_with_sni = Tally::default();
        self.served_without_sni = Tally::default();
        self.unrouted_without_sni = Tally::default();
        self.other_host = OtherHost::default();
        Repeats::merge(&mut self.repeats, vec![Repeats { origin: origin.clone(), records }]);
    }

    fn classes(&self) -> [&Tally; 4] {
        [&self.reset_without_sni, &self.reset_with_sni, &self.served_without_sni, &self.unrouted_without_sni]
    }
}

impl Visit for Repeats {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { origin, records: _ } = self;
        origin.visit(visitor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_log_with_the_same_records_is_left_out() {
        let log = |clients: &[&str]| {
            let mut log = AccessLog::default();
            for client in clients {
                log.reset_without_sni.count(None, Some(client), None);
            }
            log
        };
        let origin = LogOrigin::File("other.log".into());
        let mut same = log(&["192.0.2.1", "192.0.2.2"]);
        same.leave_out_repeated(&origin, &log(&["192.0.2.2", "192.0.2.1"]));
        assert_eq!((same.reset_without_sni.count, same.repeats[0].records), (0, 2));
        let mut longer = log(&["192.0.2.1", "192.0.2.2"]);
        longer.leave_out_repeated(&origin, &log(&["192.0.2.1"]));
        assert_eq!((longer.reset_without_sni.count, longer.repeats.len()), (2, 0));
        let mut empty = log(&[]);
        empty.leave_out_repeated(&origin, &log(&[]));
        assert!(empty.repeats.is_empty());
    }
}
