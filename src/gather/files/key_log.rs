//! Reads a key log file (`SSLKEYLOGFILE`), piece by piece.

use std::fs::File;
use std::io::{self, Read};

use crate::wire::tls::KeyLog;

/// Number of bytes read at once. Longer lines are none of a key log.
const PIECE: usize = 64 << 10;
/// Maximum size of a file, in bytes.
const MAX_BYTES: u64 = 1 << 30;

/// Reads all secrets of a file.
///
/// # Errors
/// The file cannot be read, or has no line of a key log.
pub fn read(name: &str) -> io::Result<KeyLog> {
    let mut source = File::open(name)?.take(MAX_BYTES);
    let mut keys = KeyLog::default();
    let mut buffer = vec![0; PIECE];
    let mut kept = 0;
    loop {
        let count = source.read(buffer.get_mut(kept..).unwrap_or_default())?;
        let filled = kept + count;
        let text = buffer.get(..filled).unwrap_or_default();
        let whole = match text.iter().rposition(|byte| *byte == b'\n') {
            Some(end) if count > 0 => end + 1,
            None if count > 0 && filled < PIECE => 0,
            _ => filled,
        };
        keys.read(text.get(..whole).unwrap_or_default());
        buffer.copy_within(whole..filled, 0);
        kept = filled - whole;
        if count == 0 {
            break;
        }
    }
    if keys.lines == 0 {
        let what = "it has no line of a key log (LABEL RANDOM SECRET, as SSLKEYLOGFILE writes them)";
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn lines_across_pieces_are_whole_and_other_files_are_refused() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        for number in 0..2_000 {
            writeln!(file, "CLIENT_TRAFFIC_SECRET_0 {number:064x} {:064x}", 7).unwrap();
        }
        write!(file, "SERVER_TRAFFIC_SECRET_0 {:064x} {:064x}", 1, 7).unwrap();
        let keys = read(file.path().to_str().unwrap()).unwrap();
        assert_eq!(keys.lines, 2_001);
        let mut last = [0; 32];
        last[31] = 1;
        assert!(keys.session(&last).unwrap().server_application.is_some());

        let mut other = tempfile::NamedTempFile::new().unwrap();
        other.write_all(&vec![b'x'; 3 * PIECE]).unwrap();
        assert_eq!(read(other.path().to_str().unwrap()).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
