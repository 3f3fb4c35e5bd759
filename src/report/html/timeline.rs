//! Resets per minute as bars, with the events of the cluster on the same axis.
//!
//! Positions are percentages of the width, so that bars follow the width of the window and letters keep their
//! size.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::parts::{grouped, time};
use crate::checks::{Kind, Object};
use crate::judgement::summary::{NearEvent, Resets};
use crate::judgement::{Report, RunSummary};

/// Maximum number of bars.
const MAX_BARS: i64 = 120;
/// Maximum number of events in the picture and in the list.
const MAX_MARKS: usize = 12;
/// Events closer than this share a line, in hundredths of a percent of the width.
const CLOSE: i64 = 400;
/// Shortest axis.
const MIN_MINUTES: i64 = 15;
/// Height of the bars, and the space above them for the numbers of events, in pixels.
const HEIGHT: u64 = 140;
const TOP: u64 = 22;
const MINUTE: i64 = 60;
/// A run that is later than this many times the length of the failure does not stretch the axis.
const LONG_OVER: i32 = 5;

/// The picture, and the same as a table.
#[derive(Clone, Debug)]
pub(super) struct Timeline {
    pub(super) title: String,
    pub(super) most: String,
    pub(super) unit: String,
    pub(super) bars: Vec<Bar>,
    pub(super) marks: Vec<Mark>,
    pub(super) ticks: Vec<Tick>,
    pub(super) events: Vec<EventView>,
    pub(super) rest: Option<String>,
}

/// One bar: percentages of the width, and pixels.
#[derive(Clone, Debug)]
pub(super) struct Bar {
    pub(super) x: String,
    pub(super) width: String,
    /// Resets without SNI, at the bottom.
    pub(super) y: u64,
    pub(super) height: u64,
    /// Resets with SNI, above them.
    pub(super) upper_y: u64,
    pub(super) upper: u64,
    pub(super) from: String,
    pub(super) count: String,
    pub(super) without_sni: String,
}

/// A line at the time of an event, or of several that are too close for a line each.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    pub(super) x: String,
    /// `2`, or `2–5` of several events.
    pub(super) label: String,
    /// Half of the width of the label, in pixels.
    pub(super) half: usize,
    pub(super) about: String,
}

/// A time below the axis.
#[derive(Clone, Debug)]
pub(super) struct Tick {
    pub(super) x: String,
    pub(super) anchor: &'static str,
    pub(super) label: String,
}

/// An event in the list.
#[derive(Clone, Debug)]
pub(super) struct EventView {
    /// Of its line in the picture; absent where it is outside.
    pub(super) number: Option<usize>,
    pub(super) at: String,
    pub(super) about: String,
}

/// The axis: whole minutes in bars of the same length.
#[derive(Clone, Copy, Debug)]
struct Axis {
    start: i64,
    minutes: i64,
    per_bar: i64,
}

impl Timeline {
    /// Returns the picture; `None` where no reset has a time.
    pub(super) fn of(report: &Report) -> Option<Self> {
        let resets = report.summary.resets.as_ref().filter(|resets| !resets.per_minute.is_empty())?;
        let events = events(report);
        let axis = Axis::of(resets, &events, report.subject.now())?;
        let bars = axis.bars(resets);
        let most = bars.iter().map(|(all, _)| *all).max().filter(|most| *most > 0)?;
        let unit = match axis.per_bar {
            1 => "per minute".to_owned(),
            minutes => format!("per {minutes} minutes"),
        };
        let mut nearest: Vec<&NearEvent> = events.iter().take(MAX_MARKS).collect();
        nearest.sort_by_key(|event| event.at);
        let shown: Vec<(Option<i64>, EventView)> = axis.numbered(&nearest);
        Some(Self {
            title: format!(
                "Resets {unit} from {} to {} UTC, at most {}",
                axis.time(0),
                axis.time(axis.minutes),
                grouped(most)
            ),
            most: grouped(most),
            unit,
            bars: bars
                .iter()
                .zip(0..)
                .filter(|((all, _), _)| *all > 0)
                .map(|(bar, i)| axis.bar(*bar, i, most))
                .collect(),
            marks: marks(&shown),
            ticks: axis.ticks(),
            events: shown.into_iter().map(|(_, event)| event).collect(),
            rest: super::parts::rest(events.len().saturating_sub(MAX_MARKS) as u64, "event"),
        })
    }
}

impl Axis {
    fn of(resets: &Resets, events: &[NearEvent], now: Timestamp) -> Option<Self> {
        let curve = resets.curve();
        let (first, last) = (curve.first()?.minute, curve.last()?.minute);
        let length = last.duration_since(first).max(SignedDuration::from_mins(10));
        // What happened shortly before is on the axis, too.
        let early = first.checked_sub(length).unwrap_or(first);
        let start = events.iter().map(|event| event.at).filter(|at| *at >= early && *at < first).min().unwrap_or(first);
        let start = start.min(last.checked_sub(SignedDuration::from_mins(MIN_MINUTES)).unwrap_or(start));
        let is_long_over = now < last || now.duration_since(last) > length * LONG_OVER;
        let end = if is_long_over { last } else { now };
        let minute = |at: Timestamp| at.as_second().div_euclid(MINUTE);
        let whole = minute(end).saturating_sub(minute(start)).saturating_add(1).max(1);
        let per_bar = whole.saturating_add(MAX_BARS - 1) / MAX_BARS;
        let minutes = (whole.saturating_add(per_bar - 1) / per_bar).saturating_mul(per_bar);
        Some(Self { start: minute(start), minutes, per_bar })
    }

    /// Returns resets and resets without SNI of each bar.
    fn bars(self, resets: &Resets) -> Vec<(u64, u64)> {
        let mut bars = vec![(0_u64, 0_u64); usize::try_from(self.minutes / self.per_bar).unwrap_or_default()];
        for minute in &resets.curve() {
            let place = (minute.minute.as_second().div_euclid(MINUTE) - self.start).div_euclid(self.per_bar);
            if let Some(bar) = usize::try_from(place).ok().and_then(|place| bars.get_mut(place)) {
                *bar = (
                    bar.0.saturating_add(minute.count),
                    bar.1.saturating_add(minute.without_server_name.min(minute.count)),
                );
            }
        }
        bars
    }

    fn bar(self, (all, without_sni): (u64, u64), place: i64, most: u64) -> Bar {
        // One reset among thousands is still a line.
        let pixels = |number: u64| {
            let pixels = u128::from(number) * u128::from(HEIGHT);
            u64::try_from(pixels.div_ceil(u128::from(most.max(1)))).unwrap_or(HEIGHT).min(HEIGHT)
        };
        let height = pixels(without_sni);
        let upper = pixels(all).max(height) - height;
        let width = hundredths(self.per_bar, self.minutes);
        Bar {
            x: percent(hundredths(place * self.per_bar, self.minutes)),
            // A gap between bars, where there is room for one.
            width: percent(width - width / 8),
            y: TOP + HEIGHT - height,
            height,
            upper_y: TOP + HEIGHT - height - upper,
            upper,
            from: self.time(place * self.per_bar),
            count: grouped(all),
            without_sni: grouped(without_sni),
        }
    }

    /// Returns the place of a time in hundredths of a percent; `None` outside the axis.
    fn place(self, at: Timestamp) -> Option<i64> {
        let (offset, length) = (at.as_second() - self.start * MINUTE, self.minutes * MINUTE);
        (0..=length).contains(&offset).then(|| hundredths(offset, length))
    }

    /// Returns the events, with their places and the numbers of those on the axis.
    fn numbered(self, events: &[&NearEvent]) -> Vec<(Option<i64>, EventView)> {
        let mut number = 0;
        let view = |event: &&NearEvent| {
            let place = self.place(event.at);
            let number = place.map(|_| {
                number += 1;
                number
            });
            (place, EventView { number, at: time(event.at), about: about(event) })
        };
        events.iter().map(view).collect()
    }

    fn time(self, minute: i64) -> String {
        let at = Timestamp::from_second((self.start + minute).saturating_mul(MINUTE));
        at.map_or_else(|_| String::new(), |at| at.strftime("%Y-%m-%d %H:%M").to_string())
    }

    fn ticks(self) -> Vec<Tick> {
        let is_within_days = self.minutes <= 24 * 60;
        let label = |minute: i64| {
            let at = self.time(minute);
            // Of several days, the date without the year.
            let from = if is_within_days { "2025-05-19 ".len() } else { "2025-".len() };
            at.get(from..).unwrap_or_default().to_owned()
        };
        let middle = |part: i64| {
            let minute = self.minutes * part / 4;
            Tick { x: percent(hundredths(minute, self.minutes)), anchor: "middle", label: label(minute) }
        };
        let mut ticks = vec![Tick { x: "0%".into(), anchor: "start", label: label(0) }];
        if is_within_days && self.minutes >= 8 {
            ticks.extend([1, 2, 3].map(middle));
        }
        ticks.push(Tick { x: "100%".into(), anchor: "end", label: label(self.minutes) });
        ticks
    }
}

/// Returns the lines; events closer than [`CLOSE`] share one.
fn marks(events: &[(Option<i64>, EventView)]) -> Vec<Mark> {
    let on_axis: Vec<(i64, &EventView)> = events.iter().filter_map(|(place, event)| Some(((*place)?, event))).collect();
    let groups = on_axis.chunk_by(|(one, _), (other, _)| other - one < CLOSE);
    let mark = |group: &[(i64, &EventView)]| {
        let (place, first) = group.first()?;
        let number = |event: &EventView| event.number.map(|number| number.to_string());
        let label = match group.last().filter(|_| group.len() > 1) {
            Some((_, last)) => format!("{}–{}", number(first)?, number(last)?),
            None => number(first)?,
        };
        let about: Vec<String> = group.iter().map(|(_, event)| format!("{} {}", event.at, event.about)).collect();
        Some(Mark { x: percent(*place), half: 4 + 4 * label.chars().count(), label, about: about.join("; ") })
    };
    groups.filter_map(mark).collect()
}

fn hundredths(part: i64, whole: i64) -> i64 {
    part.saturating_mul(10_000) / whole.max(1)
}

fn percent(hundredths: i64) -> String {
    format!("{}.{:02}%", hundredths / 100, hundredths % 100)
}

/// Returns what happened in the cluster, the nearest to the begin of failures first: the events of the
/// summary, and the creation times of routes and pods.
fn events(report: &Report) -> Vec<NearEvent> {
    let RunSummary { began, routes, pods, resets, .. } = &report.summary;
    let mut events: Vec<NearEvent> = began.iter().flat_map(|began| began.events.clone()).collect();
    let namespace = report.subject.namespace();
    let object = |kind, name: &str| Object { namespace: Some(namespace.to_owned()), ..Object::new(kind, name) };
    let of_routes = routes.iter().flatten().filter_map(|route| {
        Some(NearEvent {
            at: route.created_at?,
            what: "created".into(),
            object: object(Kind::ApigeeRoute, &route.name),
        })
    });
    let of_pods = pods.iter().flatten().filter_map(|pod| {
        Some(NearEvent { at: pod.started_at?, what: "started".into(), object: object(Kind::Pod, &pod.name) })
    });
    events.extend(of_routes.chain(of_pods));
    let begin = began.as_ref().map(|began| began.at);
    let begin = begin.or_else(|| resets.as_ref().and_then(|resets| resets.first));
    events.sort_by_key(|event| begin.map(|begin| event.at.duration_since(begin).abs()));
    let mut known = BTreeSet::new();
    events.retain(|event| known.insert((event.at, event.object.to_string())));
    events
}

/// `Helm revision 14 of shop`, `ApigeeRoute/non-sni created`
fn about(event: &NearEvent) -> String {
    match event.object.kind {
        Kind::Secret if event.what != "created" => event.what.clone(),
        _ => format!("{} {}", event.object, event.what),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judgement::summary::MinuteResets;

    fn resets(minutes: &[(&str, u64, u64)]) -> Resets {
        let minute = |(at, count, without): &(&str, u64, u64)| MinuteResets {
            minute: format!("2026-11-22T{at}:00Z").parse().expect("a time"),
            count: *count,
            without_server_name: *without,
        };
        Resets { per_minute: minutes.iter().map(minute).collect(), ..Resets::default() }
    }

    fn at(time: &str) -> Timestamp {
        format!("2026-11-22T{time}:00Z").parse().expect("a time")
    }

    #[test]
    fn every_reset_is_in_a_bar_and_the_highest_bar_fills_the_height() {
        for minutes in [vec![("09:00", 3, 1)], vec![("01:00", 1, 1), ("09:00", 40, 0), ("23:59", 7, 7)]] {
            let resets = resets(&minutes);
            let axis = Axis::of(&resets, &[], at("09:01")).expect("an axis");
            let bars = axis.bars(&resets);
            let sum: u64 = bars.iter().map(|(all, _)| all).sum();
            assert_eq!(sum, minutes.iter().map(|(_, all, _)| all).sum::<u64>());
            assert!(bars.len() <= 120);
            let most = bars.iter().map(|(all, _)| *all).max().expect("bars");
            for (bar, place) in bars.iter().zip(0..) {
                let drawn = axis.bar(*bar, place, most);
                assert_eq!(drawn.height + drawn.upper == HEIGHT, bar.0 == most, "{drawn:?}");
                assert_eq!(drawn.height + drawn.upper == 0, bar.0 == 0);
            }
        }
    }

    #[test]
    fn events_shortly_before_are_on_the_axis_and_old_ones_are_not() {
        let resets = resets(&[("09:00", 1, 1), ("09:20", 1, 1)]);
        let event =
            |time: &str| NearEvent { at: at(time), what: "created".into(), object: Object::new(Kind::Pod, "a") };
        let axis = Axis::of(&resets, &[event("08:50"), event("01:00")], at("09:25")).expect("an axis");
        assert_eq!(axis.place(at("08:50")), Some(0));
        assert_eq!(axis.place(at("01:00")), None);
        assert!(axis.place(at("09:25")).is_some());
        // A failure that is long over is not squeezed into the first pixels.
        let axis = Axis::of(&resets, &[], at("20:00")).expect("an axis");
        assert_eq!(axis.minutes, 21);
    }

    #[test]
    fn events_that_are_close_share_a_line() {
        let event = |number, about: &str| EventView { number, at: "t".into(), about: about.into() };
        let events = [
            (None, event(None, "old")),
            (Some(0), event(Some(1), "a")),
            (Some(90), event(Some(2), "b")),
            (Some(5000), event(Some(3), "c")),
        ];
        let marks = marks(&events);
        let labels: Vec<&str> = marks.iter().map(|mark| mark.label.as_str()).collect();
        assert_eq!(labels, ["1–2", "3"]);
        assert_eq!(marks[0].about, "t a; t b");
    }
}
