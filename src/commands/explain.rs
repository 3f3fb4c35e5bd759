//! `explain [TOPIC…]`: prints the catalogue, or the pages of checks.

use super::Error;
use crate::checks;
use crate::cli::{ExplainArgs, PlainFormat};
use crate::report::documents::catalogue::{self, Entry};
use crate::report::formats::{json, yaml};
use crate::terminal::Console;

/// Lowest similarity of a name that is offered for a mistyped one.
const SIMILAR: f64 = 0.8;

pub(super) fn run(args: &ExplainArgs, console: &Console) -> Result<u8, Error> {
    // A list of codes may be copied from `--only`.
    let topics: Vec<&str> = args.topics.iter().flat_map(|topic| topic.split(',')).map(str::trim).collect();
    let width = console.width();
    let entries = if topics.is_empty() { checks::all().collect() } else { selected(&topics)? };
    let text = match args.output {
        PlainFormat::Json => json::of(&catalogue::data(&entries))?,
        PlainFormat::Yaml => yaml::of(&catalogue::data(&entries))?,
        PlainFormat::Text if topics.is_empty() => catalogue::list(width),
        // Who names each check wants to read its page.
        PlainFormat::Text => {
            catalogue::pages(&entries, topics.iter().any(|topic| checks::find(topic).is_none()), width)
        }
    };
    console.result(&text).map_err(Error::Output)?;
    Ok(0)
}

/// Returns the checks that the topics denote, each once, in the order of the topics.
fn selected(topics: &[&str]) -> Result<Vec<Entry>, Error> {
    let mut entries: Vec<Entry> = Vec::new();
    for topic in topics {
        let found = checks::search(topic);
        if found.is_empty() {
            return Err(unknown(topic));
        }
        for entry in found {
            if !entries.iter().any(|known| known.1.code == entry.1.code) {
                entries.push(entry);
            }
        }
    }
    Ok(entries)
}

fn unknown(topic: &str) -> Error {
    let lower = topic.to_lowercase();
    let names = checks::all().flat_map(|(family, check)| [check.code.as_str(), check.name, family.name]);
    let likeness = |name: &str| strsim::jaro_winkler(&lower, &name.to_lowercase());
    let best = names.max_by(|one, other| likeness(one).total_cmp(&likeness(other)));
    let hint = match best.filter(|name| likeness(name) >= SIMILAR) {
        Some(name) => format!("did you mean {name}? `kubectl apigee-tls explain` lists all checks"),
        None => "`kubectl apigee-tls explain` lists all checks".to_owned(),
    };
    Error::Argument { what: format!("{topic:?}: no check has this code, name, family or word"), hint }
}
