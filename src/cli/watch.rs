//! The arguments of `watch`.

use std::net::SocketAddr;
use std::time::Duration;

use clap::{Args, ValueEnum, ValueHint};

use super::values::{duration, positive_duration};
use super::{ClusterArgs, EXAMPLES_FIRST, EvidenceArgs, Expectation, FailOn, LogArgs, LogStoreArgs, ProbingArgs};

/// A judgement waits up to 12 s for the record of its own handshakes, which must be in the window then.
const SHORTEST_WINDOW: Duration = Duration::from_secs(15);

#[derive(Args, Debug)]
#[command(
    args_override_self = true,
    mut_arg("probe", |arg| arg.help("Where to test TLS handshakes at each judgement")),
    help_template = EXAMPLES_FIRST,
    after_help = "\
Examples:
  # Which clients fail now, and why; Ctrl-C ends it
  kubectl apigee-tls watch

  # Wait until a fix works: no client fails for five minutes
  kubectl apigee-tls watch --until-healthy --for 5m --timeout 30m

  # One JSON value for each change
  kubectl apigee-tls watch -o jsonl

  # In a cluster: metrics for Prometheus at /metrics
  kubectl apigee-tls watch --listen :9464

Exit codes: that of the last judgement, as of diagnose: 0 no findings,
1 findings, 2 error, 3 no findings but something is unknown.
With --until-healthy: 0 healthy, 1 or 3 if it is not by --timeout."
)]
pub struct WatchArgs {
    #[command(flatten)]
    pub cluster: ClusterArgs,

    /// Overrides file, or objects as kubectl get -o yaml prints them; may be repeated
    #[arg(short = 'f', long = "overrides", value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Evidence", hide_short_help = true)]
    pub overrides: Vec<String>,

    /// Follow only the log of this container [default: those that serve clients]
    #[arg(short, long, value_name = "NAME", value_hint = ValueHint::Other, help_heading = "Evidence", hide_short_help = true)]
    pub container: Option<String>,

    /// Records that a judgement takes into account: those of the last DURATION, at least 15s. The watch
    /// begins with them [default: 10m; with --until-healthy that of --for]
    #[arg(long, value_parser = positive_duration, value_name = "DURATION", value_hint = ValueHint::Other, help_heading = "Evidence")]
    pub window: Option<Duration>,

    #[command(flatten)]
    pub probing: ProbingArgs,

    /// Time between two judgements; a change of ApigeeRoutes leads to one at once
    #[arg(long, value_parser = positive_duration, default_value = "60s", value_name = "DURATION", value_hint = ValueHint::Other, help_heading = "Judgement")]
    pub every: Duration,

    /// Clients that are known to exist, even if they were not seen
    #[arg(long, value_enum, value_name = "CLIENTS", help_heading = "Judgement", hide_short_help = true)]
    pub expect: Option<Expectation>,

    /// Lowest level of a finding that sets exit code 1
    #[arg(long, value_enum, default_value_t, value_name = "LEVEL", help_heading = "Judgement", hide_short_help = true)]
    pub fail_on: FailOn,

    /// End after this time [default: with Ctrl-C]
    #[arg(long, value_parser = positive_duration, value_name = "DURATION", value_hint = ValueHint::Other, help_heading = "End")]
    pub duration: Option<Duration>,

    /// End with exit code 0 when no client has failed for a time and the judgement finds nothing
    #[arg(long, help_heading = "End", conflicts_with = "duration")]
    pub until_healthy: bool,

    /// How long no client may fail
    #[arg(long = "for", value_parser = positive_duration, default_value = "1m", value_name = "DURATION", value_hint = ValueHint::Other, help_heading = "End")]
    pub quiet: Duration,

    /// Time limit of --until-healthy; 0 means no limit
    #[arg(long, value_parser = duration, default_value = "10m", value_name = "DURATION", value_hint = ValueHint::Other, help_heading = "End")]
    pub timeout: Duration,

    /// Address at which to serve /metrics (OpenMetrics), /healthz and /readyz, such as :9464
    #[arg(long, value_parser = listen_address, value_name = "ADDRESS", value_hint = ValueHint::Other, help_heading = "Output")]
    pub listen: Option<SocketAddr>,

    /// Keep tokens that look random: by default they are redacted unless their form or name shows what they
    /// are
    #[arg(long, help_heading = "Output", hide_short_help = true)]
    pub keep_random_tokens: bool,

    /// Format of the changes. On a terminal, text is a table that renews itself
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT", help_heading = "Output")]
    pub output: WatchOutput,
}

/// Values of `-o`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum WatchOutput {
    /// A table on a terminal, else a line for each change
    #[default]
    Text,
    /// A line for each change, on a terminal too
    Lines,
    /// One JSON value per line: each change, and the summary
    Jsonl,
}

impl WatchArgs {
    /// Returns how long records are taken into account.
    #[must_use]
    pub fn window(&self) -> Duration {
        let default = if self.until_healthy { self.quiet } else { Duration::from_mins(10) };
        self.window.unwrap_or(default).max(SHORTEST_WINDOW)
    }

    /// Returns the arguments of one judgement.
    #[must_use]
    pub fn evidence(&self) -> EvidenceArgs {
        EvidenceArgs {
            overrides: self.overrides.clone(),
            access_logs: Vec::new(),
            stores: LogStoreArgs::default(),
            logs: LogArgs {
                container: self.container.clone(),
                since: Some(self.window()),
                since_time: None,
                until: None,
                tail: None,
                limit_bytes: None,
            },
            cluster: self.cluster.clone(),
            probing: self.probing.clone(),
            keep_random_tokens: self.keep_random_tokens,
            expect: self.expect,
            timeout: Duration::from_mins(2),
        }
    }
}

/// Parses an address with port; without an address, all of this machine.
fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let whole = if text.starts_with(':') { format!("[::]{text}") } else { text.to_owned() };
    whole.parse().map_err(|_| "expected an address with port such as :9464 or 127.0.0.1:9464".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_a_port() {
        assert_eq!(listen_address(":9464"), Ok("[::]:9464".parse().unwrap()));
        assert_eq!(listen_address("127.0.0.1:0"), Ok("127.0.0.1:0".parse().unwrap()));
        for wrong in ["9464", "localhost:80", "127.0.0.1", ":x"] {
            assert!(listen_address(wrong).unwrap_err().contains(":9464"), "{wrong}");
        }
    }
}
