//! `completion --install`: puts the program that kubectl asks for completion where kubectl finds it.
//!
//! krew installs one program of a plugin, so that this one has to come another way.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::Error;
use crate::terminal::Console;

/// The file names that kubectl looks for, and what they hold.
#[cfg(not(windows))]
const SHIM: (&str, &str) =
    ("kubectl_complete-apigee_tls", include_str!("../../completions/kubectl_complete-apigee_tls"));
#[cfg(windows)]
const SHIM: (&str, &str) = ("kubectl_complete-apigee_tls.cmd", "@kubectl-apigee_tls __complete %*\r\n");

/// Maximum size of a shim, in bytes, of any version.
const MAX_SHIM: u64 = 4 << 10;

const PLUGIN: &str = if cfg!(windows) { "kubectl-apigee_tls.exe" } else { "kubectl-apigee_tls" };

/// Installs the shim in `folder`, or in the folder of the `PATH` that holds the plugin, or in one of the
/// user's own.
pub(super) fn install(folder: Option<&Path>, console: &Console) -> Result<u8, Error> {
    let path = env::var_os("PATH").unwrap_or_default();
    if let Some(folder) = folder
        && !folder.is_dir()
    {
        return Err(Error::Argument {
            what: format!("--install={}: there is no such folder", folder.display()),
            hint: "create it first, or name another one that is on the PATH".into(),
        });
    }
    let places = match folder {
        Some(folder) => vec![folder.to_owned()],
        None => places(&path, env::home_dir().as_deref()),
    };
    let (name, text) = SHIM;
    let mut failed = None;
    for place in places {
        let file = place.join(name);
        match write(&file, text) {
            Ok(()) => {
                console.result(&told(&file, &place, &path)).map_err(Error::Output)?;
                return Ok(0);
            }
            Err(source) => {
                failed.get_or_insert(Error::Unwritable { name: file.display().to_string(), source });
            }
        }
    }
    Err(failed.unwrap_or_else(|| Error::Argument {
        what: "the PATH: none of its folders holds kubectl-apigee_tls or belongs to you".into(),
        hint: "name one that is on the PATH: `kubectl apigee-tls completion --install=FOLDER`".into(),
    }))
}

/// Folders of the `PATH` to try in this order: those with the plugin, then those of the user.
fn places(path: &OsStr, home: Option<&Path>) -> Vec<PathBuf> {
    let folders: Vec<PathBuf> = env::split_paths(path).filter(|folder| folder.is_absolute()).collect();
    let (with_plugin, others): (Vec<_>, Vec<_>) = folders.into_iter().partition(|folder| folder.join(PLUGIN).is_file());
    let is_own = |folder: &PathBuf| home.is_some_and(|home| folder.starts_with(home));
    with_plugin.into_iter().chain(others.into_iter().filter(is_own)).collect()
}

/// Writes the file, also over one that this program wrote. Another file keeps its content.
fn write(file: &Path, text: &str) -> io::Result<()> {
    let other = || Err(io::Error::new(io::ErrorKind::AlreadyExists, "it exists and is another program"));
    match fs::symlink_metadata(file) {
        // A pipe or a device would be read without end.
        Ok(known) if !known.is_file() || known.len() > MAX_SHIM => return other(),
        Ok(_) if !fs::read_to_string(file)?.contains("kubectl-apigee_tls __complete") => return other(),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // Whole or not at all, and never through a link that somebody has put there.
    let new = file.with_extension("new");
    let mut options = fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o755);
    let written = options.open(&new).and_then(|mut new| new.write_all(text.as_bytes()));
    written.and_then(|()| fs::rename(&new, file)).inspect_err(|_| drop(fs::remove_file(&new)))
}

fn told(file: &Path, folder: &Path, path: &OsStr) -> String {
    let mut text =
        format!("{} completes `kubectl apigee-tls` where kubectl's own completion is loaded\n", file.display());
    if !env::split_paths(path).any(|known| known == folder) {
        text += &format!("{} is not on the PATH yet: kubectl looks only there\n", folder.display());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_the_plugin_comes_before_the_users_own() {
        let root = tempfile::tempdir().unwrap();
        let [home, system, krew] = ["home/bin", "usr/bin", "krew/bin"].map(|name| root.path().join(name));
        for folder in [&home, &system, &krew] {
            fs::create_dir_all(folder).unwrap();
        }
        fs::write(krew.join(PLUGIN), "").unwrap();
        let path = env::join_paths([&home, &system, &krew, Path::new("relative")]).unwrap();
        assert_eq!(places(&path, Some(&root.path().join("home"))), [krew.clone(), home]);
        assert_eq!(places(&path, None), [krew]);
    }

    #[test]
    fn another_program_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(SHIM.0);
        write(&file, SHIM.1).unwrap();
        write(&file, SHIM.1).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), SHIM.1);
        fs::write(&file, "kubectl-apigee_tls __complete of an older version").unwrap();
        write(&file, SHIM.1).unwrap();
        fs::write(&file, "echo something else").unwrap();
        assert_eq!(write(&file, SHIM.1).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    }
}
