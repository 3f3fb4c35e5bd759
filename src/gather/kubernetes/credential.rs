//! Runs credential plugins of a kubeconfig (`users[].user.exec`), such as `gke-gcloud-auth-plugin`.
//!
//! kube 5.0.0 runs a plugin too, but three times for one client (for the TLS identity, for the header and for
//! the expiry). Each time it blocks the runtime and offers the plugin the terminal. Here it runs once, can be
//! interrupted, and gets standard input only if that is a terminal. It runs again if its token has expired or
//! the server answers 401, as in client-go.
//!
//! A plugin without a terminal leads a process group of its own, and its children are ended with it. A plugin
//! that may prompt on the terminal stays in the group of this program, because no other group may read from
//! there.

use std::io::{self, IsTerminal, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use jiff::{SignedDuration, Timestamp};
use kube::config::{ExecConfig, ExecInteractiveMode};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::evidence::Reason;
use crate::gather::error::Error;
use crate::gather::kubernetes::json;
use crate::run::stop::Stop;

/// Maximum number of bytes of a plugin's output; no credential is longer.
const MAX_OUTPUT: u64 = 1 << 20;
/// Interval at which a plugin is polled for its end.
const POLL: Duration = Duration::from_millis(10);
/// A token that expires within this time is renewed before it is used.
const MARGIN: SignedDuration = SignedDuration::from_secs(10);

/// A plugin and its last credential.
#[derive(Debug)]
pub(in crate::gather) struct Plugin {
    config: ExecConfig,
    given: Mutex<Option<Arc<Credential>>>,
}

/// The credential of a plugin. `Debug` shows nothing of it: the header is marked as sensitive.
#[derive(Debug)]
pub(in crate::gather) struct Credential {
    pub authorization: Option<HeaderValue>,
    pub identity: Option<Identity>,
    expires: Option<Timestamp>,
}

/// A client certificate and its key, both as PEM.
pub(in crate::gather) struct Identity {
    pub certificate: String,
    pub key: String,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity(…)")
    }
}

impl Plugin {
    pub(in crate::gather) fn new(config: ExecConfig) -> Self {
        Self { config, given: Mutex::new(None) }
    }

    /// Returns the command as in the kubeconfig, without its arguments.
    pub(in crate::gather) fn command(&self) -> &str {
        self.config.command.as_deref().unwrap_or_default()
    }

    /// Returns the credential of the last run. Runs the plugin if there is none, it has expired, or it is the
    /// one `refused`.
    pub(in crate::gather) async fn credential(
        &self,
        refused: Option<&Arc<Credential>>,
        stop: &Stop,
    ) -> Result<Arc<Credential>, Error> {
        let mut given = self.given.lock().await;
        if let Some(credential) = given.as_ref()
            && !credential.has_expired()
            && !refused.is_some_and(|refused| Arc::ptr_eq(refused, credential))
        {
            return Ok(Arc::clone(credential));
        }
        let output = self.run(stop).await?;
        let credential = Arc::new(parse(&output).map_err(|what| self.failed(what))?);
        *given = Some(Arc::clone(&credential));
        Ok(credential)
    }

    async fn run(&self, stop: &Stop) -> Result<Vec<u8>, Error> {
        let (mut command, interactive) = self.command_line()?;
        let mut child = command.spawn().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => self.not_installed(),
            _ => self.failed(error.to_string()),
        })?;
        let output = child.stdout.take();
        let mut child = Running { child, leads_group: cfg!(unix) && !interactive };
        let text = match stop.bound(self.answer(&mut child, output)).await {
            Ok(outcome) => outcome?,
            Err(Reason::Interrupted) => return Err(Error::Interrupted),
            Err(reason) => return Err(self.failed(reason.to_string())),
        };
        Ok(text)
    }

    /// Returns the output once the plugin has ended. Does not wait for a child of it that holds the output
    /// open.
    async fn answer(&self, child: &mut Running, output: Option<impl Read + Send + 'static>) -> Result<Vec<u8>, Error> {
        let reading = tokio::task::spawn_blocking(move || {
            let mut text = Vec::new();
            output.map_or(Ok(0), |output| output.take(MAX_OUTPUT).read_to_end(&mut text)).map(|_| text)
        });
        let status = child.ended().await.map_err(|error| self.failed(error.to_string()))?;
        child.end_group();
        let text = match reading.await {
            Ok(Ok(text)) => text,
            Ok(Err(error)) => return Err(self.failed(error.to_string())),
            Err(error) => return Err(self.failed(error.to_string())),
        };
        if status.success() { Ok(text) } else { Err(self.failed(format!("it ended with {status}"))) }
    }

    /// Returns the command, and whether it may prompt on the terminal.
    fn command_line(&self) -> Result<(Command, bool), Error> {
        let config = &self.config;
        let Some(program) = &config.command else {
            return Err(self.failed("the kubeconfig names no command".into()));
        };
        let terminal = io::stdin().is_terminal();
        let interactive = match config.interactive_mode {
            Some(ExecInteractiveMode::Never) => false,
            Some(ExecInteractiveMode::Always) if !terminal => {
                return Err(self.failed("it asks for a terminal, and standard input is none".into()));
            }
            _ => terminal,
        };
        let mut spec = json!({ "interactive": interactive });
        if let Some(cluster) = &config.cluster {
            spec["cluster"] = serde_json::to_value(cluster).map_err(|error| self.failed(error.to_string()))?;
        }
        let info = json!({ "kind": "ExecCredential", "apiVersion": config.api_version, "spec": spec });

        let mut command = Command::new(program);
        command.args(config.args.iter().flatten()).env("KUBERNETES_EXEC_INFO", info.to_string());
        for entry in config.env.iter().flatten() {
            if let (Some(name), Some(value)) = (entry.get("name"), entry.get("value")) {
                command.env(name, value);
            }
        }
        command.stdin(if interactive { Stdio::inherit() } else { Stdio::null() });
        command.stdout(Stdio::piped()).stderr(Stdio::inherit());
        #[cfg(unix)]
        if !interactive {
            std::os::unix::process::CommandExt::process_group(&mut command, 0);
        }
        Ok((command, interactive))
    }

    /// Only then does a hint on installing it help.
    fn not_installed(&self) -> Error {
        let is_path = self.command().contains(std::path::is_separator);
        let hint = self.config.install_hint.clone().filter(|hint| !hint.is_empty());
        Error::CredentialPlugin {
            command: self.command().to_owned(),
            what: if is_path { "no such file" } else { "no such program on the PATH" }.into(),
            install_hint: Some(hint.unwrap_or_else(|| {
                "install it, or correct the command of the user's credential plugin in the kubeconfig".to_owned()
            })),
        }
    }

    fn failed(&self, what: String) -> Error {
        Error::CredentialPlugin { command: self.command().to_owned(), what, install_hint: None }
    }
}

impl Credential {
    fn has_expired(&self) -> bool {
        #[expect(clippy::disallowed_methods, reason = "the credential must be valid now")]
        let now = Timestamp::now();
        self.expires.is_some_and(|expires| now + MARGIN >= expires)
    }
}

/// A running plugin. Dropping this value ends it.
struct Running {
    child: Child,
    /// Whether it has a process group of its own, whose number is its process id.
    leads_group: bool,
}

impl Running {
    /// Waits without blocking the thread, so that the wait can be cancelled.
    async fn ended(&mut self) -> io::Result<ExitStatus> {
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Ends the processes that the plugin started and left behind.
    fn end_group(&self) {
        #[cfg(unix)]
        if self.leads_group
            && let Some(group) = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw)
        {
            // It fails if the group is empty, which is the desired state.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A process that has ended is reaped, and its number may belong to another.
        if matches!(self.child.try_wait(), Ok(None)) {
            self.end_group();
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Parses an `ExecCredential`. Plugins print JSON, some YAML. No message quotes any of it.
fn parse(output: &[u8]) -> Result<Credential, String> {
    let answer = serde_saphyr::from_slice(output).ok().filter(Value::is_object);
    let answer = answer.ok_or("it printed no ExecCredential")?;
    let authorization = json::text(&answer, &["status", "token"])
        .map(|token| {
            let mut header = HeaderValue::try_from(format!("Bearer {token}"))
                .map_err(|_| "its token holds characters that no header can carry".to_owned())?;
            header.set_sensitive(true);
            Ok::<_, String>(header)
        })
        .transpose()?;
    let certificate = json::text(&answer, &["status", "clientCertificateData"]);
    let identity = certificate
        .zip(json::text(&answer, &["status", "clientKeyData"]))
        .map(|(certificate, key)| Identity { certificate, key });
    if authorization.is_none() && identity.is_none() {
        return Err("its answer holds neither a token nor a client certificate".into());
    }
    Ok(Credential { authorization, identity, expires: json::time(&answer, &["status", "expirationTimestamp"]) })
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::time::Duration;

    fn plugin(script: &str) -> Plugin {
        Plugin::new(ExecConfig {
            command: Some("sh".into()),
            args: Some(vec!["-c".into(), script.into()]),
            api_version: Some("client.authentication.k8s.io/v1".into()),
            interactive_mode: Some(ExecInteractiveMode::Never),
            ..ExecConfig::default()
        })
    }

    #[tokio::test]
    async fn runs_once_until_its_token_is_refused() {
        let home = tempfile::TempDir::new().unwrap();
        let runs = home.path().join("runs");
        let script = format!(
            "printf x >>{0}; printf '{{\"kind\":\"ExecCredential\",\"status\":{{\"token\":\"t%s\"}}}}' $(wc -c <{0})",
            runs.display()
        );
        let plugin = plugin(&script);
        let first = plugin.credential(None, &Stop::never()).await.unwrap();
        assert_eq!(first.authorization.as_ref().unwrap(), "Bearer t1");
        assert!(Arc::ptr_eq(&first, &plugin.credential(None, &Stop::never()).await.unwrap()));
        let second = plugin.credential(Some(&first), &Stop::never()).await.unwrap();
        assert_eq!(second.authorization.as_ref().unwrap(), "Bearer t2");
        assert!(Arc::ptr_eq(&second, &plugin.credential(Some(&first), &Stop::never()).await.unwrap()));
        assert!(!format!("{second:?}").contains("t2"));
    }

    #[tokio::test]
    async fn receives_the_same_input_as_from_client_go() {
        let script = "printf 'kind: ExecCredential\nstatus: {token: \"%s\"}\n' \
            $(printf %s \"$KUBERNETES_EXEC_INFO\" | grep -c '\"interactive\":false')";
        let credential = plugin(script).credential(None, &Stop::never()).await.unwrap();
        assert_eq!(credential.authorization.as_ref().unwrap(), "Bearer 1");
    }

    #[tokio::test]
    async fn a_failure_has_the_status_but_not_the_output() {
        for (script, what) in [
            ("echo sesame; exit 3", "it ended with exit status: 3"),
            ("echo sesame; echo '{'", "it printed no ExecCredential"),
            (
                "echo '{\"status\":{\"password\":\"sesame\"}}'",
                "its answer holds neither a token nor a client certificate",
            ),
        ] {
            let error = plugin(script).credential(None, &Stop::never()).await.unwrap_err().to_string();
            assert_eq!(error, format!("get a credential from `sh`: {what}"));
        }
    }

    /// Handles output that is closed before the plugin ends, and a deadline that ends the wait.
    #[tokio::test]
    async fn a_plugin_that_closes_its_output_and_goes_on_is_ended() {
        let stop = Stop::new(Some(Duration::from_millis(300)), tokio::sync::watch::channel(false).1);
        let began = std::time::Instant::now();
        let error = plugin("exec >&- 2>&-; exec sleep 60").credential(None, &stop).await.unwrap_err().to_string();
        assert!(error.ends_with("no answer within 300 ms"), "{error}");
        assert!(began.elapsed() < Duration::from_secs(20));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn children_of_a_plugin_end_with_it() {
        let home = tempfile::TempDir::new().unwrap();
        let file = home.path().join("child");
        let starts = format!("sleep 60 & echo $! >{}", file.display());
        let is_alive = || {
            let child = std::fs::read_to_string(&file).unwrap();
            let child = rustix::process::Pid::from_raw(child.trim().parse().unwrap()).unwrap();
            rustix::process::test_kill_process(child).is_ok()
        };
        let is_gone = async || {
            for _ in 0..500 {
                if !is_alive() {
                    return true;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            false
        };
        // It ends by itself, and its child holds the output open.
        let began = std::time::Instant::now();
        let gives = plugin(&format!("{starts}; echo '{{\"status\":{{\"token\":\"t\"}}}}'"));
        assert!(gives.credential(None, &Stop::never()).await.is_ok());
        assert!(is_gone().await && began.elapsed() < Duration::from_secs(30));
        // It is killed.
        let stop = Stop::new(Some(Duration::from_millis(300)), tokio::sync::watch::channel(false).1);
        assert!(plugin(&format!("{starts}; wait")).credential(None, &stop).await.is_err());
        assert!(is_gone().await);
    }

    #[tokio::test]
    async fn an_install_hint_is_given_only_for_a_missing_plugin() {
        let by_hand = "run `false` by hand to see what it says";
        let no_hint = "install it, or correct the command of the user's credential plugin in the kubeconfig";
        for (command, install_hint, what, hint) in [
            ("no-such-plugin-anywhere", Some("run setup.sh"), "no such program on the PATH", "run setup.sh"),
            ("no-such-plugin-anywhere", None, "no such program on the PATH", no_hint),
            ("/no/such/plugin", Some(""), "no such file", no_hint),
            ("false", Some("run setup.sh"), "it ended with exit status: 1", by_hand),
        ] {
            let config = ExecConfig {
                command: Some(command.into()),
                install_hint: install_hint.map(str::to_owned),
                interactive_mode: Some(ExecInteractiveMode::Never),
                ..ExecConfig::default()
            };
            let error = Plugin::new(config).credential(None, &Stop::never()).await.unwrap_err();
            assert!(error.to_string().ends_with(what), "{error}");
            assert_eq!(error.hint().as_deref(), Some(hint));
        }
    }

    #[tokio::test]
    async fn a_plugin_that_hangs_is_ended() {
        let stop = Stop::new(Some(Duration::from_millis(50)), tokio::sync::watch::channel(false).1);
        let error = plugin("exec sleep 60").credential(None, &stop).await.unwrap_err().to_string();
        assert!(error.ends_with("no answer within 50 ms"), "{error}");
    }
}
