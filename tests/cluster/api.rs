//! The harness's own access to the API server: JSON in, JSON out, blocking.
//!
//! Objects are untyped on purpose: the program under test reads them as untyped JSON as well.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::shell::Result;

#[derive(Clone)]
pub struct Api {
    client: Client,
    runtime: Arc<Runtime>,
    pub server: String,
}

impl Api {
    pub fn connect(kubeconfig: &Path) -> Result<Self> {
        let failed = |error: &dyn std::fmt::Display| format!("kubeconfig {}: {error}", kubeconfig.display());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(|error| failed(&error))?;
        let file = Kubeconfig::read_from(kubeconfig).map_err(|error| failed(&error))?;
        let mut config = runtime
            .block_on(Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()))
            .map_err(|error| failed(&error))?;
        config.connect_timeout = Some(Duration::from_secs(10));
        config.read_timeout = Some(Duration::from_mins(1));
        let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        let client = runtime.block_on(async { Client::try_from(config) }).map_err(|error| failed(&error))?;
        Ok(Self { client, runtime: Arc::new(runtime), server })
    }

    /// Returns a JSON response as a value, any other as a string.
    pub fn get(&self, path: &str) -> Result<Value> {
        self.send(&Method::GET, path, "application/json", None)
    }

    /// Returns the unparsed response.
    pub fn get_text(&self, path: &str) -> Result<String> {
        self.send_for_text(&Method::GET, path, "application/json", None)
    }

    pub fn create(&self, collection: &str, object: &Value) -> Result<Value> {
        self.send(&Method::POST, collection, "application/json", Some(object))
    }

    pub fn merge(&self, path: &str, change: &Value) -> Result<Value> {
        self.send(&Method::PATCH, path, "application/merge-patch+json", Some(change))
    }

    /// Deletes an object; a missing one is not an error.
    pub fn delete(&self, path: &str) -> Result<()> {
        match self.send(&Method::DELETE, path, "application/json", None) {
            Err(reason) if !reason.contains("404") => Err(reason),
            _ => Ok(()),
        }
    }

    /// Returns the items of a collection.
    pub fn list(&self, collection: &str) -> Result<Vec<Value>> {
        let answer = self.get(collection)?;
        Ok(answer["items"].as_array().cloned().unwrap_or_default())
    }

    fn send(&self, method: &Method, path: &str, kind: &str, body: Option<&Value>) -> Result<Value> {
        let text = self.send_for_text(method, path, kind, body)?;
        Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    fn send_for_text(&self, method: &Method, path: &str, kind: &str, body: Option<&Value>) -> Result<String> {
        let failed = |error: &dyn std::fmt::Display| format!("{method} {path}: {error}");
        let request = Request::builder()
            .method(method.clone())
            .uri(path)
            .header("Content-Type", kind)
            .body(body.map(|value| value.to_string().into_bytes()).unwrap_or_default())
            .map_err(|error| failed(&error))?;
        self.runtime.block_on(self.client.request_text(request)).map_err(|error| match error {
            kube::Error::Api(status) => failed(&format!("{} {}", status.code, status.message)),
            other => failed(&other),
        })
    }
}
