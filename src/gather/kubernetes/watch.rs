//! Follows the objects of a list: reads the list, then its changes, and the list again when the API server no
//! longer has the changes since then.
//!
//! Without the right to watch, or behind a proxy that cuts watches off, the list is read again from time to
//! time.

use std::time::Duration;

use http_body_util::BodyExt;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use crate::evidence::Reason;
use crate::gather::kubernetes::api::{Api, encode};
use crate::gather::kubernetes::fault::Fault;
use crate::gather::kubernetes::json;

/// Time after which the API server ends a watch and a new one is opened. A connection that died unnoticed is
/// silent for no longer.
const LENGTH: Duration = Duration::from_mins(1);
/// A watch is given up when it lasts longer than requested by this time.
const OVERTIME: Duration = Duration::from_secs(15);
/// Interval at which the list is read where watching is not allowed.
const POLL: Duration = Duration::from_secs(10);
/// Pauses before the next try after a failure, doubled from try to try.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LAST_PAUSE: Duration = Duration::from_secs(5);
/// Maximum number of bytes of one change.
const MAX_CHANGE: usize = 4 << 20;
const PAGE: u32 = 500;
/// Maximum number of pages of a list.
const MAX_PAGES: u32 = 40;

/// What to follow.
pub(in crate::gather) struct Watched {
    /// A path such as `/api/v1/namespaces/apigee/pods`.
    pub path: String,
    /// Label selector; empty for all.
    pub selector: String,
    /// `Accept` values of the list and of its changes.
    pub accept: (&'static str, &'static str),
}

/// A change of the objects.
pub(in crate::gather) enum Change {
    /// The whole list: what is not in it is gone.
    Listed(Vec<Value>),
    /// An object was added or changed.
    Applied(Value),
    Deleted(Value),
    /// The list could not be followed; it is tried again.
    Failed(Fault),
    /// It is followed again after a failure, or by reading the list again and again.
    Restored,
}

/// Follows until the end of the run, and returns why it ended.
pub(in crate::gather) async fn watch(api: &Api, watched: &Watched, mut on_change: impl FnMut(Change)) -> Reason {
    let mut follower = Follower { api, watched, version: None, may_watch: true, has_failed: false };
    let mut pause = FIRST_PAUSE;
    loop {
        let result = follower.step(&mut on_change).await;
        let wait = match result {
            Ok(_) if !follower.may_watch => POLL,
            // A server that names no version can only be asked again.
            Ok(Step::Listed) if follower.version.is_none() => POLL,
            Ok(Step::Listed) => Duration::ZERO,
            Ok(Step::Watched) => {
                pause = FIRST_PAUSE;
                // A server that ends each watch at once must not be asked without a pause.
                FIRST_PAUSE
            }
            Err(Fault::Stopped(reason)) => return reason,
            Err(fault) => {
                if !std::mem::replace(&mut follower.has_failed, true) {
                    on_change(Change::Failed(fault));
                }
                let wait = pause;
                pause = (pause * 2).min(LAST_PAUSE);
                wait
            }
        };
        if let Err(reason) = api.stop().bound(sleep(wait)).await {
            return reason;
        }
    }
}

/// What a step read.
enum Step {
    Listed,
    Watched,
}

struct Follower<'a> {
    api: &'a Api,
    watched: &'a Watched,
    /// The version from which changes are read; absent where the list must be read first.
    version: Option<String>,
    may_watch: bool,
    has_failed: bool,
}

impl Follower<'_> {
    /// Reads the list, or the changes of one watch.
    async fn step(&mut self, on_change: &mut impl FnMut(Change)) -> Result<Step, Fault> {
        let Some(version) = self.version.take() else {
            let (objects, version) = self.list().await?;
            on_change(Change::Listed(objects));
            if std::mem::take(&mut self.has_failed) {
                on_change(Change::Restored);
            }
            self.version = version.filter(|_| self.may_watch);
            return Ok(Step::Listed);
        };
        match self.changes(version, on_change).await {
            Err(Fault::Refused { code: 403 | 405, .. }) => {
                self.may_watch = false;
                Ok(Step::Watched)
            }
            // Too old: the list is read again.
            Err(Fault::Refused { code: 410, .. }) => Ok(Step::Watched),
            result => result.map(|()| Step::Watched),
        }
    }

    async fn list(&self) -> Result<(Vec<Value>, Option<String>), Fault> {
        let (mut objects, mut next) = (Vec::new(), None);
        for _ in 0..MAX_PAGES {
            let rest = next.map(|next: String| format!("&continue={}", encode(&next))).unwrap_or_default();
            let path = format!("{}?limit={PAGE}{rest}{}", self.watched.path, self.selector());
            let mut page = self.api.document(&path, self.watched.accept.0).await?;
            let is_list = json::text(&page, &["kind"]).is_some_and(|kind| kind.ends_with("List"));
            match page.get_mut("items").map(Value::take) {
                Some(Value::Array(found)) => objects.extend(found),
                Some(Value::Null) if is_list => {}
                _ => return Err(Fault::Broken("the answer is no list".into())),
            }
            next = json::text(&page, &["metadata", "continue"]).filter(|next| !next.is_empty());
            if next.is_none() {
                return Ok((objects, json::text(&page, &["metadata", "resourceVersion"])));
            }
        }
        Err(Fault::Broken(format!("the list does not end after {} objects", objects.len())))
    }

    /// Reads changes until the API server ends the watch. Keeps the version of the last one, from which the
    /// next watch begins.
    async fn changes(&mut self, version: String, on_change: &mut impl FnMut(Change)) -> Result<(), Fault> {
        let path = format!(
            "{}?watch=true&allowWatchBookmarks=true&timeoutSeconds={}&resourceVersion={}{}",
            self.watched.path,
            LENGTH.as_secs(),
            encode(&version),
            self.selector()
        );
        let mut body = self.api.stream_as(&path, self.watched.accept.1).await?;
        self.version = Some(version);
        if std::mem::take(&mut self.has_failed) {
            on_change(Change::Restored);
        }
        let ends = Instant::now() + LENGTH + OVERTIME;
        let mut carry = Vec::new();
        loop {
            let remaining = ends.saturating_duration_since(Instant::now());
            let next = self.api.stop().bound(timeout(remaining, body.frame())).await.map_err(Fault::Stopped)?;
            let frame = match next {
                // A silent connection, the regular end, or a broken one: the next watch shows whether the API
                // server is gone.
                Err(_) | Ok(None | Some(Err(_))) => return Ok(()),
                Ok(Some(Ok(frame))) => frame,
            };
            let Some(piece) = frame.data_ref() else { continue };
            carry.extend_from_slice(piece);
            while let Some(end) = memchr::memchr(b'\n', &carry) {
                let rest = carry.split_off(end + 1);
                let line = std::mem::replace(&mut carry, rest);
                self.change(&line, on_change)?;
            }
            if carry.len() > MAX_CHANGE {
                self.version = None;
                return Err(Fault::TooLarge(MAX_CHANGE));
            }
        }
    }

    fn change(&mut self, line: &[u8], on_change: &mut impl FnMut(Change)) -> Result<(), Fault> {
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        let broken = |what: &str| Fault::Broken(format!("a change of the watch {what}"));
        let mut change: Value = serde_json::from_slice(line).map_err(|_| broken("is not JSON"))?;
        let kind = json::text(&change, &["type"]).ok_or_else(|| broken("has no type"))?;
        let object = change.get_mut("object").map(Value::take).ok_or_else(|| broken("has no object"))?;
        if kind == "ERROR" {
            // The list is read again, whatever it is.
            self.version = None;
            let code = json::number(&object, &["code"]).unwrap_or(410);
            let message = json::text(&object, &["message"]).unwrap_or_default();
            return Err(Fault::Refused { code, message, by_kubernetes: true, retry_after: None });
        }
        if let Some(version) = json::text(&object, &["metadata", "resourceVersion"]) {
            self.version = Some(version);
        }
        match kind.as_str() {
            "ADDED" | "MODIFIED" => on_change(Change::Applied(object)),
            "DELETED" => on_change(Change::Deleted(object)),
            // BOOKMARK, which has the version alone.
            _ => {}
        }
        Ok(())
    }

    fn selector(&self) -> String {
        match self.watched.selector.as_str() {
            "" => String::new(),
            selector => format!("&labelSelector={}", encode(selector)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use serde_json::json;

    use super::*;
    use crate::gather::kubernetes::api::JSON;
    use crate::gather::test_server::{Answer, Asked, TestServer};
    use crate::run::stop::Stop;

    fn object(name: &str, version: &str) -> Value {
        json!({"metadata": {"name": name, "resourceVersion": version}})
    }

    fn list(names: &[&str], version: &str) -> Answer {
        let items: Vec<Value> = names.iter().map(|name| object(name, "1")).collect();
        Answer::Json(json!({"kind": "PodList", "metadata": {"resourceVersion": version}, "items": items}))
    }

    /// The changes of one watch, after which the connection ends.
    fn changes(changes: &[(&str, Value)]) -> Answer {
        let lines: Vec<String> =
            changes.iter().map(|(kind, object)| json!({"type": kind, "object": object}).to_string() + "\n").collect();
        Answer::Raw(format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}", lines.concat()).into_bytes())
    }

    /// Follows until so many changes came, and returns them in words, with the requested paths.
    async fn followed(answers: Vec<Answer>, count: usize) -> (Vec<String>, Vec<String>) {
        let answers: Mutex<std::collections::VecDeque<Answer>> = Mutex::new(answers.into());
        let server = TestServer::start(move |_: &Asked| {
            answers.lock().unwrap().pop_front().unwrap_or_else(|| Answer::Hang(Vec::new()))
        });
        let api = server.api(Stop::never(), Duration::from_secs(5));
        let watched = Watched { path: "/pods".into(), selector: "app=gw".into(), accept: (JSON, JSON) };
        let (sender, mut received) = tokio::sync::mpsc::unbounded_channel();
        let watching = tokio::spawn(async move {
            let name = |object: &Value| json::text(object, &["metadata", "name"]).unwrap_or_default();
            watch(&api, &watched, |change| {
                let _ = sender.send(match change {
                    Change::Listed(objects) => {
                        format!("listed {}", objects.iter().map(name).collect::<Vec<_>>().join(" "))
                    }
                    Change::Applied(object) => format!("applied {}", name(&object)),
                    Change::Deleted(object) => format!("deleted {}", name(&object)),
                    Change::Failed(_) => "failed".to_owned(),
                    Change::Restored => "restored".to_owned(),
                });
            })
            .await
        });
        let mut words = Vec::new();
        while words.len() < count {
            words.push(timeout(Duration::from_secs(15), received.recv()).await.unwrap().unwrap());
        }
        watching.abort();
        (words, server.asked().into_iter().map(|asked| asked.path).collect())
    }

    #[tokio::test]
    async fn a_watch_goes_on_from_its_last_version_and_lists_again_when_that_is_too_old() {
        let gone = json!({"kind": "Status", "code": 410, "message": "too old resource version"});
        let (words, paths) = followed(
            vec![
                list(&["a"], "5"),
                changes(&[("ADDED", object("b", "6")), ("BOOKMARK", object("", "9"))]),
                changes(&[("MODIFIED", object("b", "10")), ("DELETED", object("a", "11")), ("ERROR", gone)]),
                list(&["b", "c"], "20"),
                Answer::Status(410, "", "too old"),
                list(&["c"], "30"),
            ],
            6,
        )
        .await;
        let expected = "listed a,applied b,applied b,deleted a,listed b c,listed c";
        assert_eq!(words.join(","), expected);
        let versions: Vec<&str> =
            paths.iter().filter_map(|path| path.split("resourceVersion=").nth(1)?.split('&').next()).collect();
        assert_eq!(versions[..3], ["5", "9", "20"]);
        assert!(paths.iter().all(|path| path.contains("labelSelector=app%3Dgw")));
    }

    #[tokio::test]
    async fn what_may_not_be_watched_is_listed_and_a_failure_is_reported_once() {
        let (words, _) = followed(
            vec![
                Answer::Status(500, "", "etcd is away"),
                Answer::Status(500, "", "etcd is away"),
                list(&["a"], "5"),
                Answer::Status(403, "", "pods is forbidden"),
                list(&["a", "b"], "6"),
            ],
            4,
        )
        .await;
        assert_eq!(words, ["failed", "listed a", "restored", "listed a b"]);
    }
}
