//! The ApigeeRouteConfigs: environment groups as the virtual-host chart rendered them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::routes::{RouteStatus, Tls};
use crate::evidence::part::{Gap, Kind, Part, Visit, Visitor, not_requested, whole};
use crate::evidence::{Seen, Source};

/// The ApigeeRouteConfigs in the namespace.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RouteConfigs {
    pub api_version: String,
    pub items: Vec<RouteConfig>,
    /// The namespace may have others: single objects were given as files.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
}

/// One ApigeeRouteConfig: an environment group as the virtual-host chart rendered it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RouteConfig {
    /// `<org>-<environment group>`.
    pub name: String,
    pub labels: BTreeMap<String, String>,
    /// The Helm release that owns it, from `meta.helm.sh/release-name`.
    pub helm_release: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    pub generation: Option<i64>,
    pub selector: BTreeMap<String, String>,
    pub enable_non_sni_client: Option<bool>,
    pub additional_gateways: Vec<String>,
    /// `spec.tls.secretNameRef`, without a namespace prefix.
    pub secret_name: Option<String>,
    /// The other settings of `spec.tls`; absent in evidence of an older version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    pub status: RouteStatus,
}

impl Part for Seen<RouteConfigs> {
    fn name(&self) -> &'static str {
        "routeConfigs"
    }

    fn sources(&self) -> &'static [Source] {
        &[Source::ApigeeRouteConfigs]
    }

    fn not_gathered(why: &str) -> Self {
        not_requested("ApigeeRouteConfigs", why)
    }

    fn gaps(&self) -> Vec<Gap<'_>> {
        whole(self, Source::ApigeeRouteConfigs)
    }
}

impl Visit for RouteConfigs {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { api_version, items, partial: _ } = self;
        visitor.string(Kind::Word, api_version);
        items.visit(visitor);
    }
}

impl Visit for RouteConfig {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self {
            name,
            labels,
            helm_release,
            created_at: _,
            generation: _,
            selector,
            enable_non_sni_client: _,
            additional_gateways,
            secret_name,
            tls,
            status,
        } = self;
        visitor.string(Kind::Object, name);
        visitor.labels(labels);
        visitor.labels(selector);
        visitor.strings(Kind::Object, additional_gateways);
        visitor.strings(Kind::Object, [helm_release, secret_name].into_iter().flatten());
        tls.visit(visitor);
        status.visit(visitor);
    }
}
