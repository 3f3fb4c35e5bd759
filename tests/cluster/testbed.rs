//! The cluster shared by all scenarios: the testbed's own, or a given one.

use std::path::{Path, PathBuf};
use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::api::Api;
use crate::cluster::Components;
use crate::objects::{GROUP, Images, collection, text};
use crate::pki::{Subject, TestCas};
use crate::settings::path;
use crate::shell::{Result, wait_until};
use crate::{images, sandbox};

/// Environment variable with the kubeconfig of a throw-away cluster to use instead of our own.
pub const GIVEN_CLUSTER: &str = "APIGEE_TLS_TEST_KUBECONFIG";

/// Environment variables with the images of ingress pods in a given cluster; the defaults are the names under
/// which our own archives load.
const INGRESS_IMAGE: &str = "APIGEE_TLS_TEST_INGRESS_IMAGE";
const SMALL_IMAGE: &str = "APIGEE_TLS_TEST_SMALL_IMAGE";

pub struct Testbed {
    pub api: Api,
    pub kubeconfig: PathBuf,
    /// `None` for a given cluster.
    pub components: Option<Components>,
    pub images: Images,
    pub cas: TestCas,
    /// Folder for the scenarios' files. It holds `ca.crt`, the CA of the ingress certificates, and
    /// `client.pem`, a client certificate with its key.
    pub folder: PathBuf,
    /// Read-locked by scenarios that can share the cluster, write-locked by those that cannot.
    pub turn: RwLock<()>,
    kinds_missing: AtomicBool,
}

impl Testbed {
    /// Starts a cluster inside the sandbox.
    pub fn start() -> Result<Self> {
        sandbox::furnish(crate::settings::NODE_ADDRESS, crate::settings::NODE)?;
        let (components, kubeconfig) = Components::start()?;
        let images =
            Images { ingress: images::INGRESS.into(), small: images::SMALL.into(), pull_policy: "Never".into() };
        Self::new(&kubeconfig, Some(components), images, PathBuf::from(path("scenarios")))
    }

    /// Uses a given cluster.
    pub fn given(kubeconfig: &Path) -> Result<Self> {
        let image = |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
        let images = Images {
            ingress: image(INGRESS_IMAGE, images::INGRESS),
            small: image(SMALL_IMAGE, images::SMALL),
            pull_policy: "IfNotPresent".into(),
        };
        let folder = tempfile::tempdir().map_err(|error| format!("a temporary folder: {error}"))?;
        Self::new(kubeconfig, None, images, folder.keep())
    }

    fn new(kubeconfig: &Path, components: Option<Components>, images: Images, folder: PathBuf) -> Result<Self> {
        sandbox::create_folder(&folder)?;
        let testbed = Self {
            api: Api::connect(kubeconfig)?,
            kubeconfig: kubeconfig.to_owned(),
            components,
            images,
            cas: TestCas::new()?,
            folder,
            turn: RwLock::new(()),
            kinds_missing: AtomicBool::new(false),
        };
        testbed.write_certificates()?;
        testbed.install_kinds()?;
        Ok(testbed)
    }

    fn write_certificates(&self) -> Result<()> {
        let client = self.cas.client.issue(&Subject { common_name: "client", ..Subject::default() })?;
        let files = [
            ("ca.crt", self.cas.ingress.certificate()?),
            ("client.pem", format!("{}{}", client.certificate, client.key)),
        ];
        files.into_iter().try_for_each(|(name, text)| {
            std::fs::write(self.folder.join(name), text).map_err(|error| format!("{name}: {error}"))
        })
    }

    /// Installs the CRDs of Apigee, and waits until they are served.
    pub fn install_kinds(&self) -> Result<()> {
        for kind in kinds()? {
            let name = text(&kind["metadata"]["name"]).to_owned();
            let resource = format!("{}/{name}", collection(&kind, "")?);
            if self.api.get(&resource).is_ok() {
                self.api.merge(&resource, &kind)?;
            } else {
                self.api.create(&collection(&kind, "")?, &kind)?;
            }
            for version in kind["spec"]["versions"].as_array().into_iter().flatten() {
                let plural = text(&kind["spec"]["names"]["plural"]);
                let path = format!("/apis/{}/{}/{plural}", text(&kind["spec"]["group"]), text(&version["name"]));
                wait_until(&name, Duration::from_secs(30), || self.api.get(&path))?;
            }
        }
        self.kinds_missing.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// Removes the CRDs of Apigee, with all their objects.
    pub fn remove_kinds(&self) -> Result<()> {
        self.kinds_missing.store(true, Ordering::Relaxed);
        for kind in kinds()? {
            let resource = format!("{}/{}", collection(&kind, "")?, text(&kind["metadata"]["name"]));
            self.api.delete(&resource)?;
            wait_until("the kinds are gone", Duration::from_secs(30), || match self.api.get(&resource) {
                Err(reason) if reason.contains("404") => Ok(()),
                _ => Err("still there".into()),
            })?;
        }
        Ok(())
    }

    /// Starts or stops serving v1alpha2 of ApigeeRoute.
    pub fn serve_new_routes(&self, served: bool) -> Result<()> {
        let mut kind =
            kinds()?.into_iter().find(|kind| kind["spec"]["names"]["kind"] == "ApigeeRoute").unwrap_or_default();
        for version in kind["spec"]["versions"].as_array_mut().into_iter().flatten() {
            if version["name"] == "v1alpha2" {
                version["served"] = json!(served);
            }
        }
        let resource = format!("{}/{}", collection(&kind, "")?, text(&kind["metadata"]["name"]));
        self.api.merge(&resource, &kind)?;
        wait_until("the API server follows", Duration::from_secs(30), || {
            let answer = self.api.get(&format!("/apis/{GROUP}/v1alpha2/apigeeroutes"));
            if answer.is_ok() == served { Ok(()) } else { Err("not yet".into()) }
        })
    }

    pub fn kinds_are_missing(&self) -> bool {
        self.kinds_missing.load(Ordering::Relaxed)
    }
}

impl Drop for Testbed {
    fn drop(&mut self) {
        // Inside the sandbox, the folder disappears with it.
        if self.components.is_none() {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

fn kinds() -> Result<Vec<Value>> {
    let sources = [
        include_str!("crds/apigeeissues.yaml"),
        include_str!("crds/apigeerouteconfigs.yaml"),
        include_str!("crds/apigeeroutes.yaml"),
    ];
    let mut kinds: Vec<Value> = sources
        .iter()
        .map(|text| serde_yaml::from_str(text).map_err(|error| format!("crds: {error}")))
        .collect::<Result<_>>()?;
    let kept = [
        (GROUP, "v1alpha1", "ApigeeDeployment"),
        (GROUP, "v1alpha1", "ApigeeEnvironment"),
        (GROUP, "v1alpha1", "ApigeeOrganization"),
        ("cert-manager.io", "v1", "Certificate"),
    ];
    kinds.extend(kept.map(|(group, version, kind)| kept_kind(group, version, kind)));
    Ok(kinds)
}

/// Returns a CRD without a schema, for objects that bundles hold as they are.
fn kept_kind(group: &str, version: &str, kind: &str) -> Value {
    let plural = format!("{}s", kind.to_lowercase());
    let schema = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("{plural}.{group}") },
        "spec": {
            "group": group,
            "names": { "kind": kind, "plural": plural, "singular": kind.to_lowercase(), "listKind": format!("{kind}List") },
            "scope": "Namespaced",
            "versions": [{ "name": version, "served": true, "storage": true, "schema": { "openAPIV3Schema": schema } }],
        },
    })
}
