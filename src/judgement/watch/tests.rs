//! A watch over time: clients that begin and stop, rates, minutes, limits.

use super::*;
use crate::evidence::access_log::ClientFailure;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_750_000_020 + second).unwrap()
}

/// Records of one client without SNI at these seconds.
fn resets(client: &str, seconds: impl IntoIterator<Item = i64>) -> FailingClients {
    let mut failing = FailingClients::default();
    for second in seconds {
        failing.count(ClientFailure::ResetWithoutSni, Some(client), None, Some(at(second)));
    }
    failing
}

#[test]
fn a_client_is_reported_when_it_begins_to_fail_and_when_it_stops() {
    let mut watch = Watch::new(at(0));
    let changes = watch.failing(resets("10.0.0.1", [1, 2]), at(2));
    assert!(matches!(&changes[..], [Change::Client(row)] if row.total == 2 && row.per_minute == 2), "{changes:?}");
    assert!(watch.failing(resets("10.0.0.1", [3]), at(3)).is_empty());
    assert_eq!(watch.quiet_since(), at(3));
    assert!(!watch.tick(at(302)).iter().any(|change| matches!(change, Change::Quiet(_))));
    let quiet = watch.tick(at(303));
    assert!(matches!(&quiet[..], [Change::Quiet(row)] if row.total == 3 && row.per_minute == 0), "{quiet:?}");
    let again = watch.failing(resets("10.0.0.1", [400]), at(400));
    assert!(matches!(&again[..], [Change::Client(row)] if row.total == 4));
    watch.tick(at(400 + 3600));
    assert!(watch.rows(at(4000)).is_empty());
    assert_eq!(watch.failures(), (4, 0));
}

#[test]
fn a_rate_is_that_of_the_last_minute_by_the_time_of_records() {
    let mut watch = Watch::new(at(0));
    // Read at once, but old.
    watch.failing(resets("10.0.0.1", [-600]), at(0));
    let rate = |watch: &Watch, second| watch.rows(at(second)).first().map_or(0, |row| row.per_minute);
    assert_eq!(rate(&watch, 0), 0);
    for second in 0..120 {
        watch.failing(resets("10.0.0.1", [second]), at(second));
    }
    assert_eq!(rate(&watch, 119), 60);
    assert_eq!(rate(&watch, 149), 30);
    assert_eq!(rate(&watch, 300), 0);
}

#[test]
fn minutes_are_reported_when_they_differ() {
    let mut watch = Watch::new(at(0));
    let minutes = |changes: Vec<Change>| {
        changes
            .into_iter()
            .filter_map(|change| match change {
                Change::Minute(minute) => Some((minute.failures, minute.clients, minute.before)),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(minutes(watch.tick(at(60))), []);
    watch.failing(resets("10.0.0.1", [61, 62]), at(62));
    assert_eq!(minutes(watch.tick(at(120))), [(2, 1, 0)]);
    watch.failing(resets("10.0.0.2", [121, 122]), at(122));
    assert_eq!(minutes(watch.tick(at(180))), []);
    assert_eq!(minutes(watch.tick(at(240))), [(0, 0, 2)]);
}

#[test]
fn clients_without_room_are_counted() {
    let mut watch = Watch::new(at(0));
    for number in 0..MAX_ROWS + 10 {
        watch.failing(resets(&format!("10.0.{}.{}", number / 256, number % 256), [0]), at(0));
    }
    let all = (MAX_ROWS + 10) as u64;
    assert_eq!((watch.rows(at(0)).len(), watch.failures()), (MAX_ROWS, (all, 10)));
    // One that is quiet makes room.
    watch.tick(at(300));
    let changes = watch.failing(resets("192.0.2.1", [300]), at(300));
    assert!(matches!(&changes[..], [Change::Client(_)]));
    let summary = watch.summary(WatchCoverage::default(), at(300), 3);
    assert_eq!((summary.clients.len(), summary.clients_not_listed, summary.failures), (50, 950, all + 1));
}

#[test]
fn rows_of_the_highest_rate_come_first() {
    let mut watch = Watch::new(at(0));
    watch.failing(resets("10.0.0.1", [0]), at(0));
    watch.failing(resets("10.0.0.2", [0, 1, 2]), at(2));
    let clients: Vec<_> = watch.rows(at(2)).into_iter().filter_map(|row| row.client).collect();
    assert_eq!(clients, ["10.0.0.2", "10.0.0.1"]);
}
