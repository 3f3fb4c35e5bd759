//! Pseudonyms of one run: which kinds, by whose names, and where the list of them goes.

use std::path::Path;

use crate::bundle::{BundleWriter, NamesFile, read_names};
use crate::cli::{CollectArgs, Redacted};
use crate::commands::Error;
use crate::gather;
use crate::redact::{Names, Pseudonyms, Redactor};

/// What `--redact` asks for.
pub(super) fn kinds(args: &CollectArgs) -> Pseudonyms {
    match (args.redact.contains(&Redacted::Hosts), args.redact.contains(&Redacted::Addresses)) {
        (true, true) => Pseudonyms::Both,
        (true, false) => Pseudonyms::Hosts,
        (false, true) => Pseudonyms::Addresses,
        (false, false) => Pseudonyms::None,
    }
}

/// Names of the kinds, as the manifest has them.
pub(super) fn kind_names(kinds: Pseudonyms) -> Vec<String> {
    let asked = [("addresses", kinds.addresses()), ("hosts", kinds.hosts())];
    asked.into_iter().filter(|(_, on)| *on).map(|(word, _)| word.to_owned()).collect()
}

pub(super) fn redactor(args: &CollectArgs) -> Result<Redactor, Error> {
    let kinds = kinds(args);
    if kinds == Pseudonyms::None {
        return Ok(Redactor::of_secrets());
    }
    let names = match &args.redact_as {
        Some(path) => read_names(path)?,
        None => Names::new(gather::random::key().map_err(Error::Runtime)?),
    };
    Ok(Redactor::new(kinds, names))
}

/// The file for the list, begun before anything is gathered so that what would refuse it is known.
pub(super) fn file(args: &CollectArgs, writer: &BundleWriter) -> Result<Option<NamesFile>, Error> {
    if kinds(args) == Pseudonyms::None {
        return Ok(None);
    }
    if args.redact_map.as_deref() == Some(Path::new(&args.to)) {
        return Err(Error::Usage {
            what: "--redact-map and --to with the same name".into(),
            hint: "the list of pseudonyms stays outside of the bundle: give it a name of its own".into(),
        });
    }
    let file = match (&args.redact_map, writer.folder()) {
        (Some(path), _) => NamesFile::at(path)?,
        (None, Some(folder)) => NamesFile::beside_a_bundle_in(folder)?,
        (None, None) => {
            return Err(Error::Usage {
                what: "--redact and a bundle that goes to a stream, beside which the list of pseudonyms has no place"
                    .into(),
                hint: "give --redact-map FILE, or --to a file or a folder".into(),
            });
        }
    };
    Ok(Some(file))
}

/// Line that says where the list of pseudonyms is, and whom it is for.
pub(super) fn map_notice(path: &Path) -> String {
    format!("{}: what the pseudonyms stand for; keep it; it is not for support", path.display())
}
