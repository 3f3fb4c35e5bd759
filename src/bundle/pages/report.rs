//! `report.txt` and `report.json`: what `diagnose --from` prints of the bundle with `-o wide` and `-o json`.
//! `report.html` is what it prints with `-o html`, with links to the other files of the bundle.

use super::readme;
use super::{Input, Page};
use crate::bundle::layout;
use crate::report::formats::html;
use crate::report::html::FileLink;
use crate::report::styles::Styles;
use crate::report::{Format, RenderError, TextOptions, render};

/// Width of the report in the bundle, in columns, for pagers and mail.
const WIDTH: usize = 110;

pub(super) fn pages(input: &Input<'_>) -> Vec<Page> {
    let options = TextOptions { styles: Styles::default(), width: WIDTH, wide: false };
    let page = |path: &str, why, text: Result<String, RenderError>| {
        let text = text.map_err(|error| error.to_string());
        Page { path: path.to_owned(), origin: "report", why, text, is_verbatim: true }
    };
    let plain = |path, why, format| page(path, why, render(input.report, format, options));
    vec![
        plain(
            layout::REPORT_TEXT,
            "the answer, the playbook step by step, and every check, for a person",
            Format::Wide,
        ),
        page(
            layout::REPORT_HTML,
            "the same for a browser, without network",
            html::with_files(input.report, &files(input)),
        ),
        plain(layout::REPORT_JSON, "findings, for a program", Format::Json),
    ]
}

/// Returns the files that the page links to: those of every bundle, then the folders in reading order.
fn files(input: &Input<'_>) -> Vec<FileLink> {
    let always = [
        (layout::README, "what was found, what to read, what is missing"),
        (layout::REPORT_TEXT, "this report as text"),
        (layout::REPORT_JSON, "this report for programs"),
        (layout::EVIDENCE, "what was seen, from which the report is made"),
        (layout::MANIFEST, "origin, purpose and SHA-256 of every file, and what could not be collected"),
    ];
    let always = always.into_iter().map(|(path, about)| (path.to_owned(), about));
    let folders = readme::materials(input)
        .into_iter()
        .flat_map(|(folders, about)| folders.into_iter().map(move |folder| (format!("{folder}/"), about)));
    always.chain(folders).map(|(path, about)| FileLink { path, about: about.to_owned() }).collect()
}
