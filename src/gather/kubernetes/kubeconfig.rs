//! Chooses cluster and user from kubeconfig files, flags and the pod's own account, with the precedence of
//! kubectl.
//!
//! kube can do this alone, but differs from kubectl. It stops at a path of `$KUBECONFIG` that does not exist.
//! It falls back to the pod's account if a kubeconfig is malformed. It accepts no `--cluster` and `--user`
//! without a context. Nothing here uses the network.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kube::config::{AuthInfo, Cluster, Kubeconfig, KubeconfigError};
use secrecy::SecretString;

use crate::gather::error::{Entry, Error};
use crate::gather::kubernetes::local_files;

const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The flags that choose a cluster, with kubectl's meaning.
#[derive(Clone, Debug, Default)]
pub struct ConnectionOptions {
    pub kubeconfig: Option<PathBuf>,
    /// What the files of `kubeconfig` or of this process hold, if they were read already.
    pub files: Option<KubeconfigFiles>,
    pub context: Option<String>,
    pub cluster: Option<String>,
    pub user: Option<String>,
    pub server: Option<String>,
    pub tls_server_name: Option<String>,
    pub insecure_skip_tls_verify: bool,
    pub certificate_authority: Option<PathBuf>,
    pub client_certificate: Option<PathBuf>,
    pub client_key: Option<PathBuf>,
    pub token: Option<SecretString>,
    pub as_user: Option<String>,
    pub as_uid: Option<String>,
    pub as_groups: Vec<String>,
    /// Time limit of one request; zero is no limit. If absent, the default is 30 s.
    pub request_timeout: Option<Duration>,
}

/// The content of the kubeconfig files, read once for runs over several contexts: parsing a file with
/// hundreds of clusters for each of them would take longer than the requests.
#[derive(Clone)]
pub struct KubeconfigFiles(Arc<Files>);

struct Files {
    /// Absent if there is no file, or all are empty.
    merged: Option<Kubeconfig>,
    /// The places that were searched.
    looked: Vec<PathBuf>,
}

impl KubeconfigFiles {
    /// Reads the files that the options or this process name.
    ///
    /// # Errors
    /// A file is malformed, or one that is named explicitly cannot be read.
    pub fn read(options: &ConnectionOptions) -> Result<Self, Error> {
        Self::read_in(options, &Places::of_this_process())
    }

    fn read_in(options: &ConnectionOptions, places: &Places) -> Result<Self, Error> {
        let (merged, looked) = read(options.kubeconfig.as_deref(), places)?;
        Ok(Self(Arc::new(Files { merged, looked })))
    }

    /// Returns all contexts, each once, in the order of the files.
    ///
    /// # Errors
    /// There is no kubeconfig.
    pub fn context_names(&self) -> Result<Vec<String>, Error> {
        let merged = self.0.merged.as_ref().ok_or_else(|| Error::NoKubeconfig { looked: self.0.looked.clone() })?;
        let mut known = HashSet::new();
        let names = merged.contexts.iter().map(|named| &named.name).filter(|name| known.insert(*name));
        Ok(names.cloned().collect())
    }
}

impl fmt::Debug for KubeconfigFiles {
    /// Shows no content: it holds credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KubeconfigFiles").field(&self.0.looked).finish()
    }
}

/// The places where this process looks for a configuration.
#[derive(Clone, Debug)]
pub(in crate::gather) struct Places {
    /// `$KUBECONFIG`.
    pub list: Option<OsString>,
    pub home: Option<PathBuf>,
    /// `$KUBERNETES_SERVICE_HOST` and `_PORT`, which a pod has.
    pub service: Option<(String, String)>,
    /// The folder in which a pod finds its token and the cluster's CA.
    pub service_account: PathBuf,
}

/// The chosen cluster and user.
#[derive(Clone, Debug)]
pub(in crate::gather) struct Target {
    /// Absent inside a pod, and if cluster and user were given without a context.
    pub context: Option<String>,
    pub cluster: Cluster,
    pub user: AuthInfo,
    /// As in the kubeconfig.
    pub user_name: Option<String>,
}

impl Places {
    /// Returns the places of this process.
    #[must_use]
    pub(in crate::gather) fn of_this_process() -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            list: std::env::var_os("KUBECONFIG").filter(|value| !value.is_empty()),
            home: std::env::home_dir(),
            service: variable("KUBERNETES_SERVICE_HOST").zip(variable("KUBERNETES_SERVICE_PORT")),
            service_account: PathBuf::from(SERVICE_ACCOUNT),
        }
    }
}

/// Returns the context that this process would use; absent inside a pod.
///
/// # Errors
/// As for `target`.
pub fn context_name(options: &ConnectionOptions) -> Result<Option<String>, Error> {
    target(options, &Places::of_this_process()).map(|target| target.context)
}

/// Names in a kubeconfig, for completion.
#[derive(Clone, Debug, Default)]
pub struct EntryNames {
    pub contexts: Vec<String>,
    pub clusters: Vec<String>,
    pub users: Vec<String>,
}

/// Returns all names of this process's kubeconfig, sorted; none if there is no kubeconfig.
///
/// # Errors
/// The kubeconfig is malformed.
pub fn entry_names(options: &ConnectionOptions) -> Result<EntryNames, Error> {
    let (kubeconfig, _) = read(options.kubeconfig.as_deref(), &Places::of_this_process())?;
    let kubeconfig = kubeconfig.unwrap_or_default();
    Ok(EntryNames {
        contexts: sorted(kubeconfig.contexts.iter().map(|named| &named.name)),
        clusters: sorted(kubeconfig.clusters.iter().map(|named| &named.name)),
        users: sorted(kubeconfig.auth_infos.iter().map(|named| &named.name)),
    })
}

/// Chooses cluster and user.
///
/// # Errors
/// The choice is impossible: no file, a malformed file, or a name that is not in it.
pub(in crate::gather) fn target(options: &ConnectionOptions, places: &Places) -> Result<Target, Error> {
    let KubeconfigFiles(files) = match &options.files {
        Some(files) => files.clone(),
        None => KubeconfigFiles::read_in(options, places)?,
    };
    let mut target = match &files.merged {
        Some(kubeconfig) => choose(kubeconfig, options)?,
        // kubectl uses the pod's account only if nothing else names a cluster.
        None if options.server.is_none() => {
            in_cluster(options, places).ok_or_else(|| Error::NoKubeconfig { looked: files.looked.clone() })?
        }
        None => choose(&Kubeconfig::default(), options)?,
    };
    apply_flags(&mut target, options)?;
    if let Some(exec) = &mut target.user.exec
        && exec.provide_cluster_info
    {
        local_files::check_authority(&target.cluster)?;
        let cluster = (&target.cluster).try_into().map_err(|error| invalid("certificate authority", &error))?;
        exec.cluster = Some(cluster);
    }
    Ok(target)
}

/// Reads and merges all files; `None` if there is none, or all are empty. Also returns the places that were
/// searched.
fn read(explicit: Option<&Path>, places: &Places) -> Result<(Option<Kubeconfig>, Vec<PathBuf>), Error> {
    let paths: Vec<PathBuf> = match (explicit, &places.list) {
        (Some(path), _) => vec![path.to_owned()],
        (None, Some(list)) => std::env::split_paths(list).filter(|path| !path.as_os_str().is_empty()).collect(),
        (None, None) => places.home.iter().map(|home| home.join(".kube").join("config")).collect(),
    };
    let mut merged = Kubeconfig::default();
    for path in &paths {
        let next = match Kubeconfig::read_from(path) {
            Ok(next) => next,
            // A path of the list may name a file that `kubectl config` would create; an explicitly named one
            // must exist.
            Err(KubeconfigError::ReadConfig(source, _)) if explicit.is_none() && is_missing(&source) => continue,
            Err(error) => return Err(unreadable(path, error)),
        };
        merged = merged.merge(next).map_err(|error| unreadable(path, error))?;
    }
    // An empty file counts as no file.
    let says_nothing = merged.clusters.is_empty() && merged.contexts.is_empty() && merged.auth_infos.is_empty();
    Ok(((!says_nothing).then_some(merged), paths))
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn unreadable(path: &Path, error: KubeconfigError) -> Error {
    let path = path.to_owned();
    match error {
        KubeconfigError::ReadConfig(source, _) if source.kind() == io::ErrorKind::InvalidData => {
            Error::MalformedKubeconfig { path, what: "it is not UTF-8 text".into() }
        }
        KubeconfigError::ReadConfig(source, _) => Error::UnreadableKubeconfig { path, source },
        KubeconfigError::Parse(error) => {
            // The whole message quotes the surrounding lines, which may hold a token.
            let text = without_values(error.without_snippet().to_string().lines().next().unwrap_or_default());
            let place = error.location().map(|at| format!("line {}, column {}: ", at.line(), at.column()));
            Error::MalformedKubeconfig { path, what: format!("{}{text}", place.unwrap_or_default()) }
        }
        other => Error::MalformedKubeconfig { path, what: other.to_string() },
    }
}

/// Removes text in double quotes from a message: serde quotes values this way.
fn without_values(message: &str) -> String {
    message.split('"').enumerate().map(|(index, part)| if index % 2 == 1 { "\"…\"" } else { part }).collect()
}

fn choose(kubeconfig: &Kubeconfig, options: &ConnectionOptions) -> Result<Target, Error> {
    let name = options.context.clone().or_else(|| kubeconfig.current_context.clone()).filter(|name| !name.is_empty());
    let context = name.as_ref().map(|name| {
        let named = kubeconfig.contexts.iter().find(|named| &named.name == name);
        named.map(|named| named.context.clone().unwrap_or_default()).ok_or_else(|| Error::UnknownEntry {
            kind: Entry::Context,
            name: name.clone(),
            known: sorted(kubeconfig.contexts.iter().map(|named| &named.name)),
        })
    });
    let context = context.transpose()?;

    let of_context = context.as_ref().map(|context| context.cluster.clone()).filter(|name| !name.is_empty());
    let cluster = match options.cluster.clone().or(of_context) {
        Some(name) => {
            let named = kubeconfig.clusters.iter().find(|named| named.name == name);
            named.map(|named| named.cluster.clone().unwrap_or_default()).ok_or_else(|| Error::UnknownEntry {
                kind: Entry::Cluster,
                name,
                known: sorted(kubeconfig.clusters.iter().map(|named| &named.name)),
            })?
        }
        None if options.server.is_some() => Cluster::default(),
        None => {
            return Err(Error::NoContext { known: sorted(kubeconfig.contexts.iter().map(|named| &named.name)) });
        }
    };

    let of_context = context.and_then(|context| context.user);
    let user_name = options.user.clone().or_else(|| of_context.clone());
    let user = match (&options.user, of_context) {
        (None, None) => AuthInfo::default(),
        (wanted, of_context) => {
            let name = wanted.clone().or(of_context).unwrap_or_default();
            match kubeconfig.auth_infos.iter().find(|named| named.name == name) {
                Some(named) => named.auth_info.clone().unwrap_or_default(),
                // As in client-go: a context may name a missing user (anonymous access), a flag may not.
                None if wanted.is_none() => AuthInfo::default(),
                None => {
                    let known = sorted(kubeconfig.auth_infos.iter().map(|named| &named.name));
                    return Err(Error::UnknownEntry { kind: Entry::User, name, known });
                }
            }
        }
    };
    Ok(Target { context: name, cluster, user, user_name })
}

fn sorted<'a>(names: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut names: Vec<String> = names.cloned().collect();
    names.sort();
    names
}

/// Returns the account of the pod in which this process runs. client-go requires both variables and the token
/// file.
fn in_cluster(options: &ConnectionOptions, places: &Places) -> Option<Target> {
    if options.kubeconfig.is_some() || options.context.is_some() || options.cluster.is_some() || options.user.is_some()
    {
        return None;
    }
    let (host, port) = places.service.as_ref()?;
    let token = places.service_account.join("token");
    if !token.is_file() {
        return None;
    }
    let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
    let path = |path: PathBuf| Some(path.to_string_lossy().into_owned());
    Some(Target {
        context: None,
        cluster: Cluster {
            server: Some(format!("https://{host}:{port}")),
            certificate_authority: path(places.service_account.join("ca.crt")),
            ..Cluster::default()
        },
        user: AuthInfo { token_file: path(token), ..AuthInfo::default() },
        user_name: None,
    })
}

fn apply_flags(target: &mut Target, options: &ConnectionOptions) -> Result<(), Error> {
    let Target { cluster, user, .. } = target;
    if options.server.is_some() {
        cluster.server.clone_from(&options.server);
    }
    if options.tls_server_name.is_some() {
        cluster.tls_server_name.clone_from(&options.tls_server_name);
    }
    if options.insecure_skip_tls_verify {
        cluster.insecure_skip_tls_verify = Some(true);
        cluster.certificate_authority = None;
        cluster.certificate_authority_data = None;
    }
    // As in client-go, a flag replaces the setting and its inline data.
    if let Some(path) = given_file("--certificate-authority", options.certificate_authority.as_ref())? {
        cluster.insecure_skip_tls_verify = None;
        cluster.certificate_authority = Some(path);
        cluster.certificate_authority_data = None;
    }
    if let Some(path) = given_file("--client-certificate", options.client_certificate.as_ref())? {
        user.client_certificate = Some(path);
        user.client_certificate_data = None;
    }
    if let Some(path) = given_file("--client-key", options.client_key.as_ref())? {
        user.client_key = Some(path);
        user.client_key_data = None;
    }
    if let Some(token) = &options.token {
        user.token = Some(token.clone());
        user.token_file = None;
        user.auth_provider = None;
    }
    if options.as_user.is_some() {
        user.impersonate.clone_from(&options.as_user);
    }
    if options.as_uid.is_some() {
        user.impersonate_uid.clone_from(&options.as_uid);
    }
    if !options.as_groups.is_empty() {
        user.impersonate_groups = Some(options.as_groups.clone());
    }
    if user.impersonate.as_ref().is_none_or(String::is_empty) {
        if options.as_uid.is_some() || !options.as_groups.is_empty() {
            return Err(Error::ImpersonationWithoutUser);
        }
        // client-go sends groups, uid and extra only along with a user; kube would send them alone, and be
        // rejected.
        user.impersonate = None;
        user.impersonate_uid = None;
        user.impersonate_groups = None;
        user.impersonate_user_extra = None;
    }
    Ok(())
}

/// Returns the path of a file that a flag names, once it can be opened.
fn given_file(flag: &'static str, path: Option<&PathBuf>) -> Result<Option<String>, Error> {
    let Some(path) = path else { return Ok(None) };
    match File::open(path) {
        Ok(_) => Ok(Some(path.to_string_lossy().into_owned())),
        Err(source) => Err(Error::UnreadableFile { key: flag, path: path.clone(), source }),
    }
}

/// Returns an error about the content of the configuration.
pub(in crate::gather) fn invalid(part: &str, error: &dyn std::error::Error) -> Error {
    Error::InvalidConfiguration { part: format!("kubeconfig's {part}"), what: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::fs;

    use tempfile::TempDir;

    const FIRST: &str = "
apiVersion: v1
kind: Config
current-context: prod
contexts:
- {name: prod, context: {cluster: east, user: red, namespace: elsewhere}}
- {name: ghost, context: {cluster: nowhere, user: red}}
- {name: orphan, context: {cluster: east, user: nobody}}
clusters:
- {name: east, cluster: {server: 'https://east.example.com', certificate-authority: ca.pem}}
users:
- {name: red, user: {client-certificate: red.pem, client-key: red.key}}
";
    const SECOND: &str = "
current-context: dev
contexts:
- {name: prod, context: {cluster: west, user: green}}
- {name: dev, context: {cluster: west, user: green}}
clusters:
- {name: west, cluster: {server: 'https://west.example.com'}}
users:
- {name: red, user: {token: other}}
- {name: green, user: {token: '12', as: boss, as-groups: [g]}}
";

    struct Home(TempDir);

    impl Home {
        fn new() -> Self {
            Self(TempDir::new().unwrap())
        }

        fn write(&self, name: &str, text: &str) -> PathBuf {
            let path = self.0.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            path
        }

        fn places(&self, list: &[&Path]) -> Places {
            Places {
                list: (!list.is_empty()).then(|| std::env::join_paths(list).unwrap()),
                home: Some(self.0.path().to_owned()),
                service: None,
                service_account: self.0.path().join("account"),
            }
        }
    }

    #[test]
    fn the_first_file_wins_and_a_missing_one_is_ignored() {
        let home = Home::new();
        let (first, second) = (home.write("1", FIRST), home.write("2", SECOND));
        let missing = home.0.path().join("missing");
        let places = home.places(&[&missing, &first, &second, &first]);
        let chosen = target(&ConnectionOptions::default(), &places).unwrap();
        assert_eq!(chosen.context.as_deref(), Some("prod"));
        assert_eq!(chosen.cluster.server.as_deref(), Some("https://east.example.com"));
        assert!(chosen.user.token.is_none());
        let beside = home.0.path().join("red.pem").to_string_lossy().into_owned();
        assert_eq!(chosen.user.client_certificate, Some(beside));

        let options = ConnectionOptions { context: Some("dev".into()), ..ConnectionOptions::default() };
        assert_eq!(target(&options, &places).unwrap().user.impersonate.as_deref(), Some("boss"));
    }

    #[test]
    fn contexts_come_from_all_files_in_order() {
        let home = Home::new();
        let names = |places: &Places| KubeconfigFiles::read_in(&ConnectionOptions::default(), places)?.context_names();
        let (first, second) = (home.write("1", FIRST), home.write("2", SECOND));
        assert_eq!(names(&home.places(&[&first, &second])).unwrap(), ["prod", "ghost", "orphan", "dev"]);
        assert_eq!(names(&home.places(&[&second, &first])).unwrap(), ["prod", "dev", "ghost", "orphan"]);
        let twice = home.write("3", &FIRST.replace("name: ghost", "name: prod"));
        assert_eq!(names(&home.places(&[&twice])).unwrap(), ["prod", "orphan"]);
        let without = home.write("4", "users: [{name: red, user: {token: t}}]\n");
        assert!(names(&home.places(&[&without])).unwrap().is_empty());
        assert!(matches!(names(&home.places(&[])), Err(Error::NoKubeconfig { .. })));
    }

    #[test]
    fn flags_replace_parts_of_the_context() {
        let home = Home::new();
        let places = home.places(&[&home.write("1", FIRST), &home.write("2", SECOND)]);
        let options = ConnectionOptions {
            cluster: Some("west".into()),
            user: Some("green".into()),
            as_user: Some("jane".into()),
            ..ConnectionOptions::default()
        };
        let chosen = target(&options, &places).unwrap();
        assert_eq!(chosen.cluster.server.as_deref(), Some("https://west.example.com"));
        assert_eq!(chosen.user.impersonate.as_deref(), Some("jane"));
        assert_eq!(chosen.user.impersonate_groups, Some(vec!["g".to_owned()]));

        let options = ConnectionOptions { as_groups: vec!["g".into()], ..ConnectionOptions::default() };
        assert!(matches!(target(&options, &places), Err(Error::ImpersonationWithoutUser)));
    }

    #[test]
    fn flags_of_the_identity_replace_settings_and_inline_data() {
        let home = Home::new();
        let text = FIRST.replace("certificate-authority: ca.pem", "certificate-authority-data: eA==");
        let text =
            text.replace("client-key: red.key", "client-key-data: eA==, auth-provider: {name: oidc, config: {}}");
        let places = home.places(&[&home.write("1", &text)]);
        let (authority, key) = (home.write("ca.crt", "ca"), home.write("me.key", "key"));
        let options = ConnectionOptions {
            certificate_authority: Some(authority.clone()),
            client_key: Some(key.clone()),
            token: Some("sesame".into()),
            ..ConnectionOptions::default()
        };
        let chosen = target(&options, &places).unwrap();
        let path = |path: &Path| Some(path.to_string_lossy().into_owned());
        assert_eq!(chosen.cluster.certificate_authority, path(&authority));
        assert!(chosen.cluster.certificate_authority_data.is_none() && chosen.user.client_key_data.is_none());
        assert_eq!(chosen.user.client_key, path(&key));
        assert!(chosen.user.token.is_some() && chosen.user.auth_provider.is_none());
        assert!(!format!("{options:?} {chosen:?}").contains("sesame"));

        let missing = ConnectionOptions { client_certificate: Some("nofile".into()), ..ConnectionOptions::default() };
        let error = target(&missing, &places).unwrap_err();
        assert_eq!(error.to_string(), "read nofile, which is given as --client-certificate");
    }

    #[test]
    fn cluster_and_user_need_no_context() {
        let home = Home::new();
        let text = FIRST.replace("current-context: prod", "");
        let places = home.places(&[&home.write("1", &text)]);
        let error = target(&ConnectionOptions::default(), &places).unwrap_err();
        assert!(matches!(&error, Error::NoContext { known } if known == &["ghost", "orphan", "prod"]), "{error}");
        let options = ConnectionOptions {
            cluster: Some("east".into()),
            user: Some("red".into()),
            ..ConnectionOptions::default()
        };
        assert_eq!(target(&options, &places).unwrap().context, None);
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let home = Home::new();
        let places = home.places(&[&home.write("1", FIRST)]);
        let ask = |options: ConnectionOptions| target(&options, &places).unwrap_err();
        let error = ask(ConnectionOptions { context: Some("x".into()), ..ConnectionOptions::default() });
        assert_eq!(error.to_string(), "find the context \"x\" in the kubeconfig");
        assert_eq!(error.hint().unwrap(), "choose another with --context: ghost, orphan, prod");
        let error = ask(ConnectionOptions { user: Some("x".into()), ..ConnectionOptions::default() });
        assert_eq!(error.to_string(), "find the user \"x\" in the kubeconfig");
        let error = ask(ConnectionOptions { context: Some("ghost".into()), ..ConnectionOptions::default() });
        assert_eq!(error.to_string(), "find the cluster \"nowhere\" in the kubeconfig");
        let options = ConnectionOptions { context: Some("orphan".into()), ..ConnectionOptions::default() };
        assert!(target(&options, &places).is_ok());
    }

    #[test]
    fn an_explicitly_named_file_must_exist() {
        let home = Home::new();
        let options = ConnectionOptions { kubeconfig: Some(home.0.path().join("no")), ..ConnectionOptions::default() };
        assert!(matches!(target(&options, &home.places(&[])), Err(Error::UnreadableKubeconfig { .. })));
        let missing = home.0.path().join("missing");
        let error = target(&ConnectionOptions::default(), &home.places(&[&missing])).unwrap_err();
        assert!(matches!(&error, Error::NoKubeconfig { looked } if looked == &[missing]), "{error}");
        let error = target(&ConnectionOptions::default(), &home.places(&[])).unwrap_err();
        assert!(error.to_string().ends_with("/.kube/config"), "{error}");
    }

    #[test]
    fn a_malformed_file_is_placed_and_its_values_are_kept_quiet() {
        let home = Home::new();
        for (text, line) in [
            ("users:\n- name: a\n  user: \"sesame-secret\"\n", 3),
            ("a: [\nusers:\n\t- token: sesame-secret\n", 3),
            ("clusters: \"sesame-secret\"\n", 1),
        ] {
            let places = home.places(&[&home.write("bad", text)]);
            let error = target(&ConnectionOptions::default(), &places).unwrap_err();
            let Error::MalformedKubeconfig { what, .. } = &error else { panic!("{error:?}") };
            assert!(what.contains(&format!("line {line}, ")), "{what}");
            assert!(!format!("{error} {:?}", error.hint()).contains("sesame"), "{error}");
        }
    }

    #[test]
    fn a_pod_uses_its_account_only_where_there_is_no_kubeconfig() {
        let home = Home::new();
        let mut places = home.places(&[]);
        places.service = Some(("fd00::1".into(), "443".into()));
        assert!(matches!(target(&ConnectionOptions::default(), &places), Err(Error::NoKubeconfig { .. })));
        home.write("account/token", "t");
        let chosen = target(&ConnectionOptions::default(), &places).unwrap();
        assert_eq!(chosen.cluster.server.as_deref(), Some("https://[fd00::1]:443"));
        home.write(".kube/config", "users: nonsense\n");
        assert!(matches!(target(&ConnectionOptions::default(), &places), Err(Error::MalformedKubeconfig { .. })));
        home.write(".kube/config", FIRST);
        assert_eq!(target(&ConnectionOptions::default(), &places).unwrap().context.as_deref(), Some("prod"));
    }
}
