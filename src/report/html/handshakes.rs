//! The handshakes of the run as a matrix: a row for each ClientHello, a column for each endpoint.

use std::collections::BTreeMap;

use super::parts::{Badge, Tone, rest, short};
use crate::judgement::RunSummary;
use crate::judgement::summary::{HandshakeResult, HandshakeSummary, HelloKind};

/// Maximum number of rows and columns.
const MAX_ROWS: usize = 60;
const MAX_COLUMNS: usize = 16;

/// Maximum number of characters of a detail.
const MAX_DETAIL: usize = 160;

/// The matrix. Rows and columns with failures come first where there are too many.
#[derive(Clone, Debug)]
pub(super) struct Matrix<'a> {
    pub(super) columns: Vec<Column<'a>>,
    pub(super) rows: Vec<Row>,
    pub(super) other_rows: Option<String>,
    pub(super) other_columns: Option<String>,
}

/// One endpoint.
#[derive(Clone, Debug)]
pub(super) struct Column<'a> {
    /// The short name of a pod, or the endpoint.
    pub(super) name: String,
    pub(super) endpoint: &'a str,
}

/// One ClientHello.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// `without SNI`, `api.example.com`
    pub(super) name: String,
    /// Made because a route or the user declares it.
    pub(super) is_requested: bool,
    pub(super) cells: Vec<Option<Cell>>,
}

/// The handshakes of one ClientHello with one endpoint; the worst is shown.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub(super) badge: Badge,
    pub(super) detail: String,
}

/// Identifies a row: ClientHellos without SNI first, then unknown names.
type Key<'a> = (u8, Option<&'a str>);

impl<'a> Matrix<'a> {
    /// Returns the matrix; `None` where the run made no handshake.
    pub(super) fn of(summary: &'a RunSummary) -> Option<Self> {
        let made = summary.handshakes.as_deref().filter(|made| !made.is_empty())?;
        let mut cells: BTreeMap<(Key<'_>, &str), &HandshakeSummary> = BTreeMap::new();
        let (mut rows, mut columns): (Vec<Key<'_>>, Vec<&HandshakeSummary>) = (Vec::new(), Vec::new());
        for handshake in made {
            let key = key(handshake);
            if !rows.contains(&key) {
                rows.push(key);
            }
            if !columns.iter().any(|known| known.endpoint == handshake.endpoint) {
                columns.push(handshake);
            }
            let cell = cells.entry((key, &handshake.endpoint)).or_insert(handshake);
            if cell.result == HandshakeResult::Served {
                *cell = handshake;
            }
        }
        let is_served = |wanted: &dyn Fn(&HandshakeSummary) -> bool| {
            made.iter().filter(|made| wanted(made)).all(|made| made.result == HandshakeResult::Served)
        };
        rows.sort_unstable();
        if rows.len() > MAX_ROWS {
            rows.sort_by_cached_key(|row| is_served(&|made| key(made) == *row));
        }
        if columns.len() > MAX_COLUMNS {
            columns.sort_by_cached_key(|column| is_served(&|made| made.endpoint == column.endpoint));
        }
        let hidden = |all: usize, most: usize, noun: &str| rest(all.saturating_sub(most) as u64, noun);
        let (other_rows, other_columns) =
            (hidden(rows.len(), MAX_ROWS, "server name"), hidden(columns.len(), MAX_COLUMNS, "endpoint"));
        rows.truncate(MAX_ROWS);
        columns.truncate(MAX_COLUMNS);
        let row = |row: &Key<'_>| Row {
            name: name(*row),
            is_requested: made.iter().any(|made| key(made) == *row && made.requested),
            cells: columns
                .iter()
                .map(|column| cells.get(&(*row, &column.endpoint)).map(|made| cell(summary, made)))
                .collect(),
        };
        let rows = rows.iter().map(row).collect();
        let columns = columns.iter().map(|made| Column { name: column_name(summary, made), endpoint: &made.endpoint });
        Some(Self { columns: columns.collect(), rows, other_rows, other_columns })
    }
}

fn key(made: &HandshakeSummary) -> Key<'_> {
    match made.kind {
        HelloKind::WithoutSni => (0, None),
        HelloKind::Unknown => (1, made.server_name.as_deref()),
        HelloKind::Named => (2, made.server_name.as_deref()),
    }
}

fn name((kind, server_name): Key<'_>) -> String {
    match (kind, server_name) {
        (0, _) => "without SNI".to_owned(),
        (1, Some(name)) => format!("{name} (a name that no route has)"),
        (_, Some(name)) => name.to_owned(),
        (_, None) => "a name that was not recorded".to_owned(),
    }
}

fn column_name(summary: &RunSummary, made: &HandshakeSummary) -> String {
    let known = summary.pods.iter().flatten().find(|pod| made.pod.as_ref() == Some(&pod.name));
    known.map_or_else(|| made.endpoint.clone(), |pod| format!("pod {}", pod.ending))
}

/// A refusal that only serves for comparison is no failure of a client, unless clients of this kind were seen
/// to fail.
fn cell(summary: &RunSummary, made: &HandshakeSummary) -> Cell {
    let badge = Badge::of_result(made.result);
    let is_seen = summary.resets.as_ref().is_some_and(|resets| resets.without_server_name > 0);
    let tone = match (badge.tone, made.kind) {
        (Tone::Bad, HelloKind::WithoutSni) if !made.requested && !is_seen => Tone::Warn,
        (Tone::Bad, HelloKind::Unknown | HelloKind::Named) if !made.requested => Tone::Dim,
        (tone, _) => tone,
    };
    Cell { badge: Badge { tone, ..badge }, detail: short(&made.detail, MAX_DETAIL) }
}
