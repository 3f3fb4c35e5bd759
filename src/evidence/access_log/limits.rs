//! Smaller limits than those of a log that is read once, for counts of which many are kept at a time.

use super::{AccessLog, Tally, drop_largest};

impl AccessLog {
    /// Keeps at most so many clients, server names and minutes of each class. Records of others are counted
    /// in [`Tally::beyond`].
    pub fn limit_keys(&mut self, most: usize) {
        for tally in [
            &mut self.reset_without_sni,
            &mut self.reset_with_sni,
            &mut self.served_without_sni,
            &mut self.unrouted_without_sni,
            &mut self.other_host.tally,
        ] {
            tally.limit_keys(most);
        }
        while self.other_host.hosts.len() > most {
            let dropped = self.other_host.hosts.pop_last();
            self.other_host.tally.beyond += dropped.map_or(0, |(_, hosts)| hosts.values().map(|span| span.count).sum());
        }
    }
}

impl Tally {
    fn limit_keys(&mut self, most: usize) {
        self.beyond += drop_largest(&mut self.clients, most) + drop_largest(&mut self.server_names, most);
        while self.minutes.len() > most {
            self.beyond += self.minutes.pop_first().map_or(0, |(_, count)| count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_stay_and_what_has_no_room_is_counted() {
        let mut log = AccessLog::default();
        for number in 0..20 {
            let client = format!("10.0.0.{number}");
            log.reset_with_sni.count(None, Some(&client), Some("a.example.com"));
            log.other_host.count(None, Some(&client), &format!("{number}.example.com"), "b.example.com");
        }
        log.limit_keys(5);
        assert_eq!(
            (log.reset_with_sni.count, log.reset_with_sni.clients.len(), log.reset_with_sni.beyond),
            (20, 5, 15)
        );
        let other = &log.other_host;
        assert_eq!((other.tally.count, other.hosts.len(), other.tally.server_names.len()), (20, 5, 5));
    }
}
