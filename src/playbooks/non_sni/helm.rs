//! The overrides files of a `helm` command line.
//!
//! helm replaces lists: of several files the virtual hosts of the last one remain. So each environment group
//! gets its own files only.

use crate::checks::facts;
use crate::evidence::Evidence;
use crate::evidence::overrides::OverridesFile;
use crate::verdict::shell_word as word;

/// The name that the documentation gives the file, where none was given or where it has no path.
const DOCUMENTED: &str = "overrides.yaml";

/// Returns `-f FILE` for each file that the ApigeeRouteConfig needs, in the order given.
pub(super) fn files_of_group(evidence: &Evidence, config_name: &str) -> String {
    flags(&facts::helm_files(evidence, config_name))
}

/// Returns `-f FILE` for all files, in the order given, for charts that read no virtual hosts.
pub(super) fn all_files(evidence: &Evidence) -> String {
    flags(&evidence.overrides.iter().collect::<Vec<_>>())
}

/// Returns the path of the file as the user gave it: a diff without context must not be applied to another
/// file. Standard input gets the name of the documentation.
pub(super) fn path(file: &OverridesFile) -> String {
    if file.name == "-" { DOCUMENTED.to_owned() } else { word(&file.name) }
}

fn flags(files: &[&OverridesFile]) -> String {
    if files.is_empty() {
        return format!("-f {DOCUMENTED}");
    }
    files.iter().map(|file| format!("-f {}", path(file))).collect::<Vec<String>>().join(" ")
}
