//! `report.txt` and `report.json`: what `diagnose --from` prints of the bundle with `-o wide` and `-o json`.
//! `report.html` is what it prints with `-o html`, with links to the other files of the bundle.

use super::readme;
use super::{Input, Page};
use crate::bundle::layout;
use crate::plan::folder;
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
        (layout::README, "what was found, what to read, what is missing", &[][..]),
        (layout::REPORT_TEXT, "this report as text", &["playbook"]),
        (layout::REPORT_JSON, "this report for programs", &["checks"]),
        (layout::EVIDENCE, "what was seen, from which the report is made", &["chain", "seen"]),
        (layout::MANIFEST, "origin, purpose and SHA-256 of every file, and what could not be collected", &["not-seen"]),
    ];
    let always = always.map(|(path, about, sections)| FileLink { path: path.into(), about: about.into(), sections });
    let folders = readme::materials(input).into_iter().flat_map(|(folders, about)| {
        folders.into_iter().map(move |folder| FileLink {
            path: format!("{folder}/"),
            about: about.to_owned(),
            sections: sections_of(folder),
        })
    });
    always.into_iter().chain(folders).collect()
}

/// Returns the sections of the page whose figures come from the files of a folder.
fn sections_of(folder: &str) -> &'static [&'static str] {
    match folder {
        folder::OVERRIDES | folder::ENVIRONMENT_GROUPS => &["groups"],
        folder::ROUTES => &["groups", "routes"],
        folder::LOGS => &["timeline", "clients"],
        folder::CERTIFICATES => &["certificates"],
        folder::HANDSHAKES => &["handshakes"],
        _ => &[],
    }
}
