//! Reads an overrides file from a path or from standard input, once.
//!
//! A file that cannot be opened or read is an input error; its content is evidence. The bytes are returned
//! too, for a bundle.

use std::fs::File;
use std::io::{self, Read};

use super::packed::packed_or_gzip;
use crate::evidence::overrides::OverridesFile;
use crate::evidence::{Reason, Seen, Unavailable};
use crate::wire::overrides::{MAX_BYTES, encoding_not_read, read};

/// The name that denotes standard input.
pub const STANDARD_INPUT: &str = "-";

/// The usual name of the file.
const USUAL_NAME: &str = "overrides.yaml";

/// Reads the file `name`, or standard input if the name is `-`. Also returns the bytes it was parsed from.
///
/// The name of a pipe that the shell made (`-f <(…)`) is of no use after the run, so that the usual name is
/// recorded in its place.
///
/// Reads at most [`MAX_BYTES`] and one more, by which the parser detects that there was too much.
///
/// # Errors
/// The file cannot be opened or read, is a directory, or is compressed.
pub fn overrides_file(name: &str) -> io::Result<(OverridesFile, Vec<u8>)> {
    let bytes = if name == STANDARD_INPUT { bounded(io::stdin().lock())? } else { bounded(File::open(name)?)? };
    if let Some(what) = packed_or_gzip(&bytes) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("it is {what}")));
    }
    let name = if is_descriptor(name) { USUAL_NAME } else { name };
    let content = match encoding_not_read(&bytes) {
        Some(encoding) => {
            let why = format!("it is text in {encoding}, which is not read; save it in UTF-8");
            Seen::Unavailable(Unavailable::new(name, Reason::Broken(why)))
        }
        None => Seen::Seen(read(&bytes)),
    };
    Ok((OverridesFile { name: name.to_owned(), content }, bytes))
}

/// Returns whether the path is a file descriptor of a process: `/dev/fd/63`, `/proc/self/fd/11`.
fn is_descriptor(name: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let of_process = name.strip_prefix("/proc/").and_then(|rest| rest.split_once("/fd/"));
    name == "/dev/stdin"
        || name.strip_prefix("/dev/fd/").is_some_and(number)
        || of_process.is_some_and(|(process, descriptor)| (process == "self" || number(process)) && number(descriptor))
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
    fn text_of_an_encoding_that_is_not_read_is_unavailable() {
        for (bytes, encoding) in [
            (&b"o\0r\0g\0:\0"[..], "UTF-16 (little endian) without a byte order mark"),
            (b"\xFF\xFE\0\0o\0\0\0", "UTF-32 (little endian) with a byte order mark"),
        ] {
            let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
            file.write_all(bytes).expect("written");
            let (read, _) = overrides_file(file.path().to_str().expect("a printable path")).expect("readable");
            let why = read.content.unavailable().expect("it is not read").to_string();
            assert!(why.contains(encoding), "{why}");
        }
    }

    #[test]
    fn a_pipe_of_the_shell_has_the_usual_name() {
        for name in ["/dev/fd/63", "/proc/self/fd/11", "/proc/77/fd/3", "/dev/stdin"] {
            assert!(is_descriptor(name), "{name}");
        }
        for name in ["overrides.yaml", "/dev/fd/", "/dev/fd/x", "/proc/self/fd/1x", "/dev/null", "-"] {
            assert!(!is_descriptor(name), "{name}");
        }
    }

    #[test]
    fn missing_files_and_directories_are_errors() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let missing = folder.path().join("missing.yaml");

        assert_eq!(overrides_file(missing.to_str().expect("a path")).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(overrides_file(folder.path().to_str().expect("a path")).is_err());
    }

    #[test]
    fn compressed_files_are_errors() {
        for (head, what) in [(&b"\x1F\x8B\x08\0"[..], "gzip -dc"), (b"\x28\xB5\x2F\xFD", "zstd -dc")] {
            let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
            file.write_all(head).expect("written");
            let error = overrides_file(file.path().to_str().expect("a printable path")).expect_err("it is compressed");
            assert!(error.to_string().contains(what), "{error}");
        }
    }

    #[test]
    fn an_endless_input_is_cut_off_and_reported_as_too_large() {
        let bytes = bounded(io::repeat(b'#')).expect("readable");

        assert_eq!(bytes.len(), MAX_BYTES + 1);
        assert_eq!(read(&bytes).faults[0].kind, FaultKind::Unjudged);
    }
}
