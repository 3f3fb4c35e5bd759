//! What the rest stands on: pods, Services, access-log settings, ApigeeIssues, custom resource definitions.

mod access_log_format_unknown;
mod access_log_off;
mod apigee_issue_open;
mod ingress_pod_missing;
mod ingress_pod_not_running;
mod ingress_pod_restarted;
mod route_kind_missing;
mod service_missing;
mod service_port_missing;

use super::Family;

pub(super) const FAMILY: Family = Family {
    name: "platform",
    block: "AT8",
    judges: "what the rest stands on: pods, Services, access-log settings, ApigeeIssues, custom resource definitions",
    checks: &[
        ingress_pod_missing::CHECK,
        ingress_pod_not_running::CHECK,
        ingress_pod_restarted::CHECK,
        service_missing::CHECK,
        service_port_missing::CHECK,
        access_log_off::CHECK,
        access_log_format_unknown::CHECK,
        apigee_issue_open::CHECK,
        route_kind_missing::CHECK,
    ],
};
