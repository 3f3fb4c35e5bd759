//! The metrics of `watch` in the text format of OpenMetrics, made anew for each request.
//!
//! Clients choose server names, so that the number of series is limited: names beyond the limit are summed as
//! `other`. Certificates and handshakes are as many as the routes name.

use std::fmt;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabel, EncodeLabelSet, LabelSetEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::judgement::watch::{ProbeKey, Snapshot};
use crate::text::visible_start;

/// Value of `Content-Type`.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Maximum number of series of one metric.
const MAX_SERIES: usize = 1_000;
/// Maximum number of characters of a label's value.
const MAX_VALUE: usize = 256;

type Number = Gauge<f64, AtomicU64>;

/// The labels of one series.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Labels(Vec<(&'static str, String)>);

impl EncodeLabelSet for Labels {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), fmt::Error> {
        for (name, value) in &self.0 {
            (*name, value.as_str()).encode(encoder.encode_label())?;
        }
        Ok(())
    }
}

/// Returns the metrics as text.
#[must_use]
pub fn text(snapshot: &Snapshot<'_>) -> String {
    let mut metrics = Metrics { registry: Registry::with_prefix("apigee_tls") };
    metrics.clients(snapshot);
    metrics.judgement(snapshot);
    metrics.probes(snapshot);
    metrics.coverage(snapshot);
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = encode(&mut text, &metrics.registry);
    text
}

struct Metrics {
    registry: Registry,
}

impl Metrics {
    fn clients(&mut self, snapshot: &Snapshot<'_>) {
        let family = Family::<Labels, Counter>::default();
        for ((failure, server_name), count) in snapshot.watch.totals() {
            let labels = labels(&[("failure", failure), ("server_name", server_name)]);
            family.get_or_create(&labels).inc_by(*count);
        }
        let help = "Access-log records of failing clients, by failure and server name";
        self.registry.register("failed_connections", help, family);
        let failing = snapshot.watch.failing_clients();
        self.gauge("failing_clients", "Clients that failed in the last five minutes", failing);
    }

    fn judgement(&mut self, snapshot: &Snapshot<'_>) {
        let Some(verdict) = snapshot.verdict() else { return };
        let findings = verdict.findings.iter().map(|finding| {
            let labels = labels(&[("code", finding.code.as_str()), ("level", finding.level.as_str())]);
            (labels, as_number(finding.count))
        });
        self.gauges("findings", "Findings of the latest judgement by check", findings);
        let kind = std::iter::once((labels(&[("kind", verdict.kind.word())]), 1.0));
        self.gauges("verdict", "The verdict of the latest judgement", kind);
        self.gauge("verdict_code", "Exit code that diagnose would have: 0, 1 or 3", verdict.exit_code.into());
        self.gauge("not_seen", "Sources and checks that could not be judged", verdict.not_seen);
        let at = verdict.judged_at.as_second();
        self.gauge("judged_at_seconds", "Time of the latest judgement", u64::try_from(at).unwrap_or(0));
    }

    fn probes(&mut self, snapshot: &Snapshot<'_>) {
        let handshakes = || snapshot.measures.handshakes.iter();
        let success = handshakes().map(|(key, value)| {
            let [endpoint, sni, server_name] = of_probe(key);
            (
                labels(&[endpoint, sni, server_name, ("outcome", &value.outcome)]),
                if value.succeeded { 1.0 } else { 0.0 },
            )
        });
        self.gauges("probe_success", "Whether the latest handshake of this program was completed", success);
        let seconds = handshakes().map(|(key, value)| (labels(&of_probe(key)), value.seconds));
        self.gauges("probe_duration_seconds", "Duration of the latest handshake of this program", seconds);
        let left = |end: jiff::Timestamp| end.duration_since(snapshot.now).as_secs_f64();
        let stored = snapshot.measures.stored.iter().map(|(secret, end)| (labels(&[("secret", secret)]), left(*end)));
        let help = "Time until the first certificate of the Secret expires";
        self.gauges("stored_certificate_remaining_seconds", help, stored);
        let served = snapshot
            .measures
            .served
            .iter()
            .map(|((endpoint, name), end)| (labels(&[("endpoint", endpoint), ("server_name", name)]), left(*end)));
        let help = "Time until the first served certificate expires";
        self.gauges("served_certificate_remaining_seconds", help, served);
    }

    fn coverage(&mut self, snapshot: &Snapshot<'_>) {
        let coverage = snapshot.coverage;
        self.gauge("followed_pods", "Pods whose log is read", coverage.read.pods);
        self.gauge("lost_logs", "Containers whose log cannot be read at the moment", coverage.read.lost);
        for (name, help, count) in [
            ("log_lines", "Log lines read", coverage.read.lines),
            ("log_bytes", "Bytes of log lines read", coverage.read.bytes),
            ("log_records", "Access-log records read", coverage.read.records),
            ("log_reconnects", "Streams that were opened again after one broke off", coverage.read.reconnects),
            ("log_gaps", "Times at which log lines may be missing", coverage.read.gaps),
            ("log_messages", "Messages of the kubelet in place of log lines", coverage.read.unreadable),
            ("log_lines_cut", "Log lines that are longer than is read", coverage.read.cut),
            ("judgement_failures", "Judgements that failed", coverage.failed_judgements),
        ] {
            let counter: Counter = Counter::default();
            counter.inc_by(count);
            self.registry.register(name, help, counter);
        }
        let version = std::iter::once((labels(&[("version", env!("CARGO_PKG_VERSION"))]), 1.0));
        self.gauges("build", "Version of the program", version);
    }

    fn gauge(&mut self, name: &str, help: &str, value: u64) {
        let gauge = Number::default();
        gauge.set(as_number(value));
        self.registry.register(name, help, gauge);
    }

    fn gauges(&mut self, name: &str, help: &str, values: impl Iterator<Item = (Labels, f64)>) {
        let family = Family::<Labels, Number>::default();
        for (labels, value) in values.take(MAX_SERIES) {
            family.get_or_create(&labels).set(value);
        }
        self.registry.register(name, help, family);
    }
}

fn of_probe(key: &ProbeKey) -> [(&'static str, &str); 3] {
    [("endpoint", &key.endpoint), ("sni", key.sni), ("server_name", &key.server_name)]
}

fn labels(pairs: &[(&'static str, &str)]) -> Labels {
    Labels(pairs.iter().map(|(name, value)| (*name, visible_start(value, MAX_VALUE))).collect())
}

#[expect(clippy::cast_precision_loss, reason = "a count beyond 2^53 is not reached")]
fn as_number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::access_log::Coverage;
    use crate::evidence::access_log::{ClientFailure, FailingClients};
    use crate::judgement::watch::{Measures, ProbeValue, Watch, WatchCoverage};

    #[test]
    fn the_text_has_every_metric_and_escapes_what_clients_send() {
        let now = jiff::Timestamp::from_second(1_750_000_000).unwrap();
        let mut watch = Watch::new(now);
        let mut failing = FailingClients::default();
        failing.count(ClientFailure::ResetWithSni, Some("10.0.0.1"), Some("a\"b\\c\nd"), Some(now));
        failing.count(ClientFailure::ResetWithoutSni, Some("10.0.0.1"), None, Some(now));
        watch.failing(failing, now);
        let mut measures = Measures::default();
        let key = ProbeKey { endpoint: "Pod gw port 8443".into(), sni: "none", server_name: String::new() };
        let value = ProbeValue { succeeded: false, outcome: "reset".into(), seconds: 0.25 };
        measures.handshakes.insert(key, value);
        measures.stored.insert("org-tls".into(), jiff::Timestamp::from_second(1_750_000_060).unwrap());
        let coverage =
            WatchCoverage { read: Coverage { pods: 2, lines: 7, ..Coverage::default() }, failed_judgements: 0 };
        let text = text(&Snapshot { watch: &watch, measures: &measures, coverage: &coverage, now });
        for line in [
            "apigee_tls_failed_connections_total{failure=\"resetWithSni\",server_name=\"a\\\"b\\\\c\\\\u{a}d\"} 1",
            "apigee_tls_failed_connections_total{failure=\"resetWithoutSni\",server_name=\"\"} 1",
            "apigee_tls_failing_clients 2.0",
            "apigee_tls_probe_success{endpoint=\"Pod gw port 8443\",sni=\"none\",server_name=\"\",outcome=\"reset\"} 0.0",
            "apigee_tls_probe_duration_seconds{endpoint=\"Pod gw port 8443\",sni=\"none\",server_name=\"\"} 0.25",
            "apigee_tls_stored_certificate_remaining_seconds{secret=\"org-tls\"} 60.0",
            "apigee_tls_log_lines_total 7",
            "# EOF",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
