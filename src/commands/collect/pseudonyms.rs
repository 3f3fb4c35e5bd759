//! The pseudonyms of a run: which kinds, with which key and names, and where their list is written.

use std::path::Path;

use crate::bundle::{BundleWriter, NamesFile, read_names};
use crate::cli::{PseudonymArgs, Redacted};
use crate::commands::Error;
use crate::gather;
use crate::redact::{Names, Pseudonyms, Redactor};

/// Returns the kinds that `--redact` requests.
pub(in crate::commands) fn kinds(args: &PseudonymArgs) -> Pseudonyms {
    match (args.redact.contains(&Redacted::Hosts), args.redact.contains(&Redacted::Addresses)) {
        (true, true) => Pseudonyms::Both,
        (true, false) => Pseudonyms::Hosts,
        (false, true) => Pseudonyms::Addresses,
        (false, false) => Pseudonyms::None,
    }
}

/// Returns the names of the kinds, as the manifest lists them.
pub(in crate::commands) fn kind_names(kinds: Pseudonyms) -> Vec<String> {
    let requested = [("addresses", kinds.addresses()), ("hosts", kinds.hosts())];
    requested.into_iter().filter(|(_, on)| *on).map(|(name, _)| name.to_owned()).collect()
}

/// Returns the redactor of a run, with a new random key or with the names of an earlier run (`--redact-as`).
pub(in crate::commands) fn redactor(args: &PseudonymArgs, keeps_random_tokens: bool) -> Result<Redactor, Error> {
    let kinds = kinds(args);
    if kinds == Pseudonyms::None {
        return Ok(Redactor::secrets_only().keep_random_tokens(keeps_random_tokens));
    }
    let names = match &args.redact_as {
        Some(path) => read_names(path)?,
        None => Names::new(gather::random::key().map_err(Error::Runtime)?),
    };
    Ok(Redactor::new(kinds, names).keep_random_tokens(keeps_random_tokens))
}

/// Creates the file for the list of pseudonyms before anything is gathered, so that an unusable path fails
/// early. Returns `None` without `--redact`.
pub(in crate::commands) fn file(
    args: &PseudonymArgs,
    to: &str,
    writer: &BundleWriter,
) -> Result<Option<NamesFile>, Error> {
    if kinds(args) == Pseudonyms::None {
        return Ok(None);
    }
    if args.redact_map.as_deref() == Some(Path::new(to)) {
        return Err(Error::Usage {
            what: "--redact-map and --to with the same file name".into(),
            hint: "give --redact-map another file name: the list of pseudonyms is not part of the bundle".into(),
        });
    }
    let file = match (&args.redact_map, writer.folder()) {
        (Some(path), _) => NamesFile::at(path)?,
        (None, Some(folder)) => NamesFile::beside_a_bundle_in(folder)?,
        (None, None) => {
            return Err(Error::Usage {
                what: "--redact with a bundle written to a stream: the list of pseudonyms needs a file".into(),
                hint: "give --redact-map FILE, or --to a file or a folder".into(),
            });
        }
    };
    Ok(Some(file))
}

/// Returns the line that says where the list of pseudonyms is, and that it is not for support.
pub(in crate::commands) fn map_notice(path: &Path) -> String {
    format!("{}: list of pseudonyms; keep it, and do not send it to support", path.display())
}
