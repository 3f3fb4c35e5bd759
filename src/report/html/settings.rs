//! Settings side by side: certificates as stored, as loaded and as served; environment groups in the four
//! places that must agree; the routes.

use super::parts::{Tone, grouped, maybe_time, names, rest};
use crate::judgement::RunSummary;
use crate::judgement::summary::{
    CertificateSummary, GroupSummary, GroupsSummary, Place, RouteSummary, SettingKey, SettingSummary,
};
use crate::text::{count, date};

/// Maximum number of rows of each table, and of names in a cell.
const MAX_CERTIFICATES: usize = 300;
const MAX_GROUPS: usize = 300;
const MAX_ROUTES: usize = 500;
const MAX_NAMES: usize = 6;

/// Certificates with at most so many days left are marked.
const SOON: i64 = 30;

/// One certificate.
#[derive(Clone, Debug)]
pub(super) struct CertificateView {
    pub(super) origin: String,
    pub(super) used_by: String,
    pub(super) subject: String,
    pub(super) serial: String,
    pub(super) names: String,
    pub(super) until: String,
    pub(super) left: Option<(Tone, String)>,
    pub(super) missing: Option<String>,
    pub(super) in_envoy: Vec<(Tone, String)>,
    pub(super) served: Vec<(Tone, String)>,
}

/// Certificates in doubt first.
pub(super) fn certificates(summary: &RunSummary) -> (Vec<CertificateView>, Option<String>) {
    let mut views: Vec<CertificateView> = summary.certificates.iter().flatten().map(CertificateView::of).collect();
    views.sort_by_key(|view| !view.is_in_doubt());
    let more = rest(views.len().saturating_sub(MAX_CERTIFICATES) as u64, "certificate");
    views.truncate(MAX_CERTIFICATES);
    (views, more)
}

impl CertificateView {
    fn of(certificate: &CertificateSummary) -> Self {
        let left = certificate.days_left.map(|left| match left {
            ..0 => (Tone::Bad, format!("expired {} ago", count(left.unsigned_abs(), "day"))),
            0..=SOON => (Tone::Warn, format!("{} left", count(left.unsigned_abs(), "day"))),
            _ => (Tone::Good, format!("{} left", count(left.unsigned_abs(), "day"))),
        });
        let mut in_envoy = Vec::new();
        if let Some(envoy) = &certificate.in_envoy {
            let all = envoy.loaded.len() + envoy.lacking.len();
            if envoy.lacking.is_empty() {
                in_envoy.push((Tone::Good, format!("loaded in {all} of {}", count(all as u64, "pod"))));
            } else {
                in_envoy.push((Tone::Bad, format!("not loaded in {}", names(&envoy.lacking, MAX_NAMES))));
            }
        }
        let served = certificate.served.iter().flatten().map(|leaf| {
            let pods = names(&leaf.pods, MAX_NAMES);
            if leaf.is_stored {
                (Tone::Good, format!("served by {pods}"))
            } else {
                (Tone::Bad, format!("{pods} serves {} (serial {})", leaf.subject, leaf.serial))
            }
        });
        Self {
            origin: match (&certificate.secret, &certificate.file) {
                (Some(secret), _) => format!("Secret {secret}"),
                (None, Some(file)) => format!("file {file}"),
                (None, None) => "–".to_owned(),
            },
            used_by: names(&certificate.used_by, MAX_NAMES),
            subject: certificate.subject.clone().unwrap_or_default(),
            serial: certificate.serial.clone().unwrap_or_default(),
            names: names(&certificate.names, MAX_NAMES),
            until: certificate.not_after.map_or_else(|| "–".to_owned(), date),
            left,
            missing: certificate.missing.clone(),
            in_envoy,
            served: served.collect(),
        }
    }

    fn is_in_doubt(&self) -> bool {
        let is_good = |cells: &[(Tone, String)]| cells.iter().all(|(tone, _)| *tone == Tone::Good);
        let is_current = self.left.as_ref().is_none_or(|(tone, _)| *tone == Tone::Good);
        self.missing.is_some() || !is_current || !is_good(&self.in_envoy) || !is_good(&self.served)
    }
}

/// The environment groups.
#[derive(Clone, Debug)]
pub(super) struct GroupsView<'a> {
    pub(super) groups: Vec<GroupView<'a>>,
    pub(super) rest: Option<String>,
    pub(super) differing: usize,
}

/// One group: a row for each setting.
#[derive(Clone, Debug)]
pub(super) struct GroupView<'a> {
    pub(super) name: &'a str,
    pub(super) rows: Vec<SettingRow>,
    pub(super) differs: bool,
}

/// A setting: its cells in the order overrides, ApigeeRouteConfig, ApigeeRoute, Envoy.
#[derive(Clone, Debug)]
pub(super) struct SettingRow {
    pub(super) title: &'static str,
    pub(super) cells: [String; 4],
    pub(super) differs: bool,
}

impl<'a> GroupsView<'a> {
    /// Groups with differences come first.
    pub(super) fn of(summary: &'a GroupsSummary) -> Self {
        let mut groups: Vec<GroupView<'a>> =
            summary.groups.iter().map(|group| GroupView::of(group, &summary.not_seen)).collect();
        groups.sort_by_key(|group| !group.differs);
        let more = rest(groups.len().saturating_sub(MAX_GROUPS) as u64 + summary.not_listed, "environment group");
        let differing = groups.iter().filter(|group| group.differs).count();
        groups.truncate(MAX_GROUPS);
        Self { groups, rest: more, differing }
    }
}

impl<'a> GroupView<'a> {
    fn of(group: &'a GroupSummary, not_seen: &[Place]) -> Self {
        let seen = |place: Place, value: Option<String>| match value {
            Some(value) => value,
            None if not_seen.contains(&place) => "not seen".to_owned(),
            None => "–".to_owned(),
        };
        let there = SettingRow {
            title: "found",
            cells: [
                seen(Place::Overrides, group.overrides_at.clone()),
                seen(Place::RouteConfig, group.has_route_config.then(|| group.name.clone())),
                seen(Place::Route, (!group.routes.is_empty()).then(|| names(&group.routes, MAX_NAMES))),
                seen(Place::Envoy, group.missing_in_envoy.as_ref().map(|_| "filter chains".to_owned())),
            ],
            differs: false,
        };
        let missing = group.missing_in_envoy.as_deref().unwrap_or_default();
        let hostnames = SettingRow {
            title: "hostnames",
            cells: [
                "–".to_owned(),
                "–".to_owned(),
                grouped(group.hostnames),
                seen(
                    Place::Envoy,
                    group.missing_in_envoy.as_ref().map(|missing| match missing.as_slice() {
                        [] => "all of them".to_owned(),
                        some => format!("without {}", names(some, MAX_NAMES)),
                    }),
                ),
            ],
            differs: !missing.is_empty(),
        };
        let mut rows = vec![there];
        rows.extend(group.settings.iter().map(|setting| SettingRow::of(setting, not_seen)));
        if group.hostnames > 0 {
            rows.push(hostnames);
        }
        let differs = rows.iter().any(|row| row.differs);
        Self { name: &group.name, rows, differs }
    }
}

impl SettingRow {
    fn of(setting: &SettingSummary, not_seen: &[Place]) -> Self {
        let cell = |place: Place, values: &Option<Vec<String>>| match values {
            None if not_seen.contains(&place) => "not seen".to_owned(),
            None => "–".to_owned(),
            Some(values) if values.is_empty() => "none".to_owned(),
            Some(values) => names(values, MAX_NAMES),
        };
        Self {
            title: match setting.setting {
                SettingKey::AdditionalGateways => "additionalGateways",
                SettingKey::EnableNonSniClient => "enableNonSniClient",
                SettingKey::Gateway => "ingress_name",
                SettingKey::Secret => "Secret",
            },
            cells: [
                cell(Place::Overrides, &setting.overrides),
                cell(Place::RouteConfig, &setting.route_config),
                cell(Place::Route, &setting.route),
                cell(Place::Envoy, &setting.envoy),
            ],
            differs: setting.differs,
        }
    }
}

/// One ApigeeRoute.
#[derive(Clone, Debug)]
pub(super) struct RouteView<'a> {
    pub(super) name: &'a str,
    pub(super) group: &'a str,
    pub(super) hostnames: String,
    pub(super) state: &'a str,
    pub(super) tone: Tone,
    pub(super) non_sni: &'static str,
    pub(super) gateways: String,
    pub(super) secrets: String,
    pub(super) created: String,
}

pub(super) fn routes(summary: &RunSummary) -> (Vec<RouteView<'_>>, Option<String>) {
    let routes = summary.routes.as_deref().unwrap_or_default();
    let views = routes.iter().take(MAX_ROUTES).map(RouteView::of).collect();
    (views, rest(routes.len().saturating_sub(MAX_ROUTES) as u64, "ApigeeRoute"))
}

impl<'a> RouteView<'a> {
    fn of(route: &'a RouteSummary) -> Self {
        let tone = match route.state.as_deref() {
            Some("running") => Tone::Good,
            Some(_) => Tone::Bad,
            None => Tone::Dim,
        };
        Self {
            name: &route.name,
            group: route.group.as_deref().unwrap_or("wildcard route"),
            hostnames: names(&route.hostnames, MAX_NAMES),
            state: route.state.as_deref().unwrap_or("no state"),
            tone,
            non_sni: match route.enable_non_sni_client {
                Some(true) => "true",
                Some(false) => "false",
                None => "–",
            },
            gateways: names(&route.additional_gateways, MAX_NAMES),
            secrets: names(&route.secrets, MAX_NAMES),
            created: maybe_time(route.created_at),
        }
    }
}
