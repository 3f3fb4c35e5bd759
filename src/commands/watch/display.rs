//! Shows a watch: a table that renews itself on a terminal, else a line for each change.

use jiff::Timestamp;

use crate::cli::WatchOutput;
use crate::commands::Error;
use crate::judgement::watch::{Change, Summary, Watch, WatchCoverage, WatchEvent};
use crate::report::TextOptions;
use crate::report::documents::watch::{Table, line, record, summary, table};
use crate::report::styles::Styles;
use crate::terminal::{Console, LiveTable};

/// Lines of a terminal whose height is unknown.
const HEIGHT: usize = 24;

pub(super) struct Display<'a> {
    console: &'a Console,
    form: Form,
    is_closed: bool,
}

enum Form {
    Json,
    Lines,
    Table(LiveTable),
}

impl<'a> Display<'a> {
    pub(super) fn new(output: WatchOutput, console: &'a Console) -> Self {
        let form = match (output, console.live_table()) {
            (WatchOutput::Jsonl, _) => Form::Json,
            (WatchOutput::Text, Some(table)) => Form::Table(table),
            (WatchOutput::Text | WatchOutput::Lines, _) => Form::Lines,
        };
        Self { console, form, is_closed: false }
    }

    /// Whether nobody reads the output any more.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Shows a change.
    pub(super) fn change(&mut self, event: &WatchEvent) -> Result<(), Error> {
        match &self.form {
            Form::Json => self.write(&record(event)?),
            Form::Lines => self.write(&(line(event) + "\n")),
            // The table has the clients and their counts.
            Form::Table(table) => {
                if !matches!(event.change, Change::Client(_) | Change::Minute(_) | Change::Quiet(_)) {
                    table.say(&line(event));
                }
                Ok(())
            }
        }
    }

    /// Renews the table.
    pub(super) fn table(&self, watch: &Watch, coverage: &WatchCoverage, now: Timestamp) {
        let Form::Table(live) = &self.form else { return };
        let (width, height) = LiveTable::size().unwrap_or((self.console.width(), HEIGHT));
        let rows = watch.rows(now);
        let waits_for = watch.verdict().is_none().then_some("waiting for the first judgement");
        let shown = Table { verdict: watch.verdict(), rows: &rows, coverage, now, waits_for, height };
        live.show(&table(&shown, self.options(width)));
    }

    /// Shows what the whole watch showed.
    pub(super) fn finish(&mut self, end: &Summary, now: Timestamp) -> Result<(), Error> {
        if let Form::Json = self.form {
            return self.write(&record(&WatchEvent::new(now, Change::Summary(end.clone())))?);
        }
        if let Form::Table(table) = &self.form {
            table.finish();
        }
        let width = self.console.width();
        self.write(&summary(end, now, self.options(width)))
    }

    fn options(&self, width: usize) -> TextOptions {
        let styles = if self.console.colors() { Styles::colorize() } else { Styles::default() };
        TextOptions { styles, width, wide: false }
    }

    fn write(&mut self, text: &str) -> Result<(), Error> {
        self.is_closed |= !self.console.result_is_read(text).map_err(Error::Output)?;
        Ok(())
    }
}
