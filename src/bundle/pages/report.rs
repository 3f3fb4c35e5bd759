//! `report.txt` and `report.json`: what `diagnose --from` prints of the bundle with `-o wide` and `-o json`.

use super::{Input, Page};
use crate::bundle::layout;
use crate::report::styles::Styles;
use crate::report::{Format, TextOptions, render};

/// Width of the report in the bundle, in columns, for pagers and mail.
const WIDTH: usize = 110;

pub(super) fn pages(input: &Input<'_>) -> Vec<Page> {
    let options = TextOptions { styles: Styles::default(), width: WIDTH, wide: false };
    let page = |path: &str, why, format| {
        let text = render(input.report, format, options).map_err(|error| error.to_string());
        Page { path: path.to_owned(), origin: "report", why, text, is_verbatim: true }
    };
    vec![
        page(layout::REPORT_TEXT, "the answer, the playbook step by step, and every check, for a person", Format::Wide),
        page(layout::REPORT_JSON, "findings, for a program", Format::Json),
    ]
}
