//! Checks the files that the chosen cluster and user of a kubeconfig name, before anything is sent.
//!
//! kube reads them too, but its error for a missing file lacks the name of the entry. It also prints the path
//! in debug notation, with every backslash of Windows doubled. Nothing of a file is kept here.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use kube::config::{AuthInfo, Cluster};

use crate::gather::error::{Error, is_of_windows};

/// Opens each file that will be read.
///
/// # Errors
/// The first file that cannot be opened, by its path and by the key that names it.
pub(in crate::gather) fn check(cluster: &Cluster, user: &AuthInfo) -> Result<(), Error> {
    check_authority(cluster)?;
    // Inline data in the kubeconfig takes precedence over a file.
    let entries = [
        ("client-certificate", &user.client_certificate, user.client_certificate_data.is_none()),
        ("client-key", &user.client_key, user.client_key_data.is_none()),
        ("tokenFile", &user.token_file, user.token.is_none()),
    ];
    entries.into_iter().try_for_each(|(key, path, is_read)| open(key, path.as_ref().filter(|_| is_read)))
}

/// Checks the file with the CA of the cluster in the same way.
///
/// # Errors
/// As for [`check`].
pub(in crate::gather) fn check_authority(cluster: &Cluster) -> Result<(), Error> {
    let is_read = cluster.certificate_authority_data.is_none() && cluster.insecure_skip_tls_verify != Some(true);
    open("certificate-authority", cluster.certificate_authority.as_ref().filter(|_| is_read))
}

fn open(key: &'static str, path: Option<&String>) -> Result<(), Error> {
    let Some(path) = path.filter(|path| !path.is_empty()).map(PathBuf::from) else { return Ok(()) };
    // Unix opens a folder as well, and only reading it fails.
    let opened = File::open(&path)
        .and_then(|file| file.metadata())
        .and_then(|found| if found.is_dir() { Err(io::ErrorKind::IsADirectory.into()) } else { Ok(()) });
    opened.map_err(|source| Error::UnreadableFile { key, path: as_written(path), source })
}

/// Returns a path of Windows as the kubeconfig has it: elsewhere kube takes it for a relative one, and puts
/// the folder of the kubeconfig in front.
fn as_written(path: PathBuf) -> PathBuf {
    let mut components = path.components();
    while !components.as_path().as_os_str().is_empty() {
        if is_of_windows(components.as_path()) {
            return components.as_path().to_owned();
        }
        components.next();
    }
    path
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_missing_file_is_reported_with_its_path_and_key() {
        let missing = || Some("/no/such/file.pem".to_owned());
        let message = |cluster: Cluster, user: AuthInfo| check(&cluster, &user).unwrap_err().to_string();
        let cases = [
            (
                Cluster { certificate_authority: missing(), ..Cluster::default() },
                AuthInfo::default(),
                "certificate-authority",
            ),
            (
                Cluster::default(),
                AuthInfo { client_certificate: missing(), ..AuthInfo::default() },
                "client-certificate",
            ),
            (Cluster::default(), AuthInfo { client_key: missing(), ..AuthInfo::default() }, "client-key"),
            (Cluster::default(), AuthInfo { token_file: missing(), ..AuthInfo::default() }, "tokenFile"),
        ];
        for (cluster, user, key) in cases {
            assert_eq!(message(cluster, user), format!("read /no/such/file.pem, which the kubeconfig names as {key}"));
        }
    }

    #[test]
    fn a_path_of_windows_is_reported_as_it_is_written() {
        for (joined, written) in [
            ("/home/me/.kube/C:\\Users\\me\\ca.crt", "C:\\Users\\me\\ca.crt"),
            ("/home/me/.kube/C:/Users/me/ca.crt", "C:/Users/me/ca.crt"),
            ("/home/me/.kube/c:ca.crt", "/home/me/.kube/c:ca.crt"),
            ("/Users/me/ca.crt", "/Users/me/ca.crt"),
        ] {
            assert_eq!(as_written(joined.into()), Path::new(written));
            assert_eq!(is_of_windows(Path::new(written)), written.to_ascii_uppercase().starts_with("C:"), "{written}");
        }
    }

    #[test]
    fn a_folder_in_place_of_a_file_is_reported_with_its_path_and_key() {
        let folder = std::env::temp_dir();
        let cluster =
            Cluster { certificate_authority: Some(folder.to_string_lossy().into_owned()), ..Cluster::default() };
        let error = check(&cluster, &AuthInfo::default()).unwrap_err().to_string();
        assert_eq!(error, format!("read {}, which the kubeconfig names as certificate-authority", folder.display()));
    }

    #[test]
    fn unused_files_may_be_missing() {
        let path = || Some("/no/such/file.pem".to_owned());
        let cluster =
            Cluster { certificate_authority: path(), insecure_skip_tls_verify: Some(true), ..Cluster::default() };
        let user = AuthInfo {
            client_certificate: path(),
            client_certificate_data: Some("eA==".into()),
            token_file: path(),
            token: Some("t".to_owned().into()),
            client_key: Some(String::new()),
            ..AuthInfo::default()
        };
        assert!(check(&cluster, &user).is_ok());
    }
}
