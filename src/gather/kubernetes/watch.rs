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
            Ok(()) if follower.may_watch => {
                pause = FIRST_PAUSE;
                // A server that ends each watch at once must not be asked without a pause.
                FIRST_PAUSE
            }
            Ok(()) => POLL,
            Err(Fault::Stopped(reason)) => return reason,
            Err(fault) => {
                follower.has_failed = true;
                on_change(Change::Failed(fault));
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
    async fn step(&mut self, on_change: &mut impl FnMut(Change)) -> Result<(), Fault> {
        let Some(version) = self.version.take() else {
            let (objects, version) = self.list().await?;
            on_change(Change::Listed(objects));
            if std::mem::take(&mut self.has_failed) {
                on_change(Change::Restored);
            }
            self.version = version.filter(|_| self.may_watch);
            return Ok(());
        };
        match self.changes(version, on_change).await {
            Err(Fault::Refused { code: 403 | 405, .. }) => {
                self.may_watch = false;
                Ok(())
            }
            // Too old: the list is read again.
            Err(Fault::Refused { code: 410, .. }) => Ok(()),
            result => result,
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
