//! The cluster that all scenarios share: the testbed's own, or one that was given.

use std::path::{Path, PathBuf};
use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::api::Api;
use crate::cluster::Components;
use crate::objects::{GROUP, Images, collection, text};
use crate::pki::{Authorities, Subject};
use crate::settings::path;
use crate::shell::{Result, wait_until};
use crate::{images, sandbox};

/// Names the kubeconfig of a throw-away cluster to be used instead of one of our own.
pub const GIVEN_CLUSTER: &str = "APIGEE_TLS_TEST_KUBECONFIG";

/// What the ingress pods of a given cluster are made of; the defaults are the names under which our own
/// archives load.
const INGRESS_IMAGE: &str = "APIGEE_TLS_TEST_INGRESS_IMAGE";
const SMALL_IMAGE: &str = "APIGEE_TLS_TEST_SMALL_IMAGE";

pub struct Testbed {
    pub api: Api,
    pub kubeconfig: PathBuf,
    /// None for a cluster that was given.
    pub components: Option<Components>,
    pub images: Images,
    pub authorities: Authorities,
    /// A folder for the scenarios' files. In it: `ca.crt`, the authority of the ingress certificates, and
    /// `client.pem`, a client's certificate with its key.
    pub folder: PathBuf,
    /// Held for reading by scenarios that get along with others, for writing by those that do not.
    pub turn: RwLock<()>,
    kinds_missing: AtomicBool,
}

impl Testbed {
    /// Starts a cluster, inside the sandbox.
    pub fn start() -> Result<Self> {
        sandbox::furnish(crate::settings::NODE_ADDRESS, crate::settings::NODE)?;
        let (components, kubeconfig) = Components::start()?;
        let images =
            Images { ingress: images::INGRESS.into(), small: images::SMALL.into(), pull_policy: "Never".into() };
        Self::new(&kubeconfig, Some(components), images, PathBuf::from(path("scenarios")))
    }

    /// Uses the cluster that was given.
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
            authorities: Authorities::new()?,
            folder,
            turn: RwLock::new(()),
            kinds_missing: AtomicBool::new(false),
        };
        testbed.write_certificates()?;
        testbed.install_kinds()?;
        Ok(testbed)
    }

    fn write_certificates(&self) -> Result<()> {
        let client = self.authorities.client.issue(&Subject { common_name: "client", ..Subject::default() })?;
        let files = [
            ("ca.crt", self.authorities.ingress.certificate()?),
            ("client.pem", format!("{}{}", client.certificate, client.key)),
        ];
        files.into_iter().try_for_each(|(name, text)| {
            std::fs::write(self.folder.join(name), text).map_err(|error| format!("{name}: {error}"))
        })
    }

    /// Installs the kinds of Apigee and waits until they are served.
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

    /// Removes the kinds of Apigee, with all their objects.
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

    /// Stops or starts serving v1alpha2 of ApigeeRoute.
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
        // Inside the sandbox the folder goes with it.
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

/// A kind that is put into bundles as it is, so that any object will do.
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
