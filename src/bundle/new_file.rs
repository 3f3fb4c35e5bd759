//! A new file that appears under its name when it is complete, or not at all.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::part::{Part, folder_of};

/// The file while it is written: a part file beside its name, readable by its owner only.
#[derive(Debug)]
pub struct NewFile {
    part: Part,
    path: PathBuf,
}

impl NewFile {
    /// Creates the part file.
    ///
    /// # Errors
    /// There is a file of this name, or the folder cannot be written.
    pub fn create(path: &Path) -> io::Result<Self> {
        if fs::symlink_metadata(path).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        Ok(Self { part: Part::create(folder_of(path))?, path: path.to_owned() })
    }

    /// Where the file appears.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Publishes what has been written.
    ///
    /// # Errors
    /// It cannot be synchronised, or another file has taken the name.
    pub fn publish(self) -> io::Result<()> {
        self.part.publish_as(&self.path)
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.part.file().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.part.file().flush()
    }
}

/// Publishes a file behind a buffer.
///
/// # Errors
/// As [`NewFile::publish`], or the rest of the buffer cannot be written.
pub fn publish(buffer: BufWriter<NewFile>) -> io::Result<()> {
    buffer.into_inner().map_err(io::IntoInnerError::into_error)?.publish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_there_unless_it_is_published() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.pcapng");
        let mut file = NewFile::create(&path).unwrap();
        file.write_all(b"half").unwrap();
        drop(file);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);

        let mut file = BufWriter::new(NewFile::create(&path).unwrap());
        file.write_all(b"whole").unwrap();
        publish(file).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(NewFile::create(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    }

    #[test]
    fn a_name_taken_meanwhile_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.pcapng");
        let file = NewFile::create(&path).unwrap();
        fs::write(&path, "somebody's").unwrap();
        assert_eq!(file.publish().unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "somebody's");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
