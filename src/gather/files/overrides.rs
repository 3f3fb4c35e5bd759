//! Reads an overrides file from a path or from standard input, once.
//!
//! A file that cannot be opened or read is an input error; its content is evidence. The bytes are returned
//! too, for a bundle.

use std::fs::File;
use std::io::{self, Read};

use crate::evidence::Seen;
use crate::evidence::overrides::OverridesFile;
use crate::wire::overrides::{MAX_BYTES, read};

/// The name that denotes standard input.
pub const STANDARD_INPUT: &str = "-";

/// Reads the file `name`, or standard input if the name is `-`. Also returns the bytes it was parsed from.
///
/// Reads at most [`MAX_BYTES`] and one more, by which the parser detects that there was too much.
///
/// # Errors
/// The file cannot be opened or read, or is a directory.
pub fn overrides_file(name: &str) -> io::Result<(OverridesFile, Vec<u8>)> {
    let bytes = if name == STANDARD_INPUT { bounded(io::stdin().lock())? } else { bounded(File::open(name)?)? };
    Ok((OverridesFile { name: name.to_owned(), content: Seen::Seen(read(&bytes)) }, bytes))
}

fn bounded(input: impl Read) -> io::Result<Vec<u8>> {
    let limit = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    input.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::evidence::overrides::FaultKind;

    #[test]
    fn a_file_is_read_under_the_name_given() {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(b"virtualhosts:\n- name: north\n").expect("written");
        let name = file.path().to_str().expect("a printable path");

        let (read, bytes) = overrides_file(name).expect("readable");

        assert_eq!((read.name.as_str(), bytes.as_slice()), (name, &b"virtualhosts:\n- name: north\n"[..]));
        let content = read.content.seen().expect("seen");
        assert_eq!(content.virtual_hosts[0].name.as_ref().expect("a name").value, "north");
    }

    #[test]
    fn missing_files_and_directories_are_errors() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let missing = folder.path().join("missing.yaml");

        assert_eq!(overrides_file(missing.to_str().expect("a path")).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(overrides_file(folder.path().to_str().expect("a path")).is_err());
    }

    #[test]
    fn an_endless_input_is_cut_off_and_reported_as_too_large() {
        let bytes = bounded(io::repeat(b'#')).expect("readable");

        assert_eq!(bytes.len(), MAX_BYTES + 1);
        assert_eq!(read(&bytes).faults[0].kind, FaultKind::Malformed);
    }
}
