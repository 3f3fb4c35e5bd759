//! The basis of all else: pods, Services, access-log settings, ApigeeIssues, custom resource definitions.

pub(super) mod access_log_format_unknown;
pub(super) mod access_log_off;
pub(super) mod apigee_issue_open;
pub(super) mod ingress_pod_missing;
pub(super) mod ingress_pod_not_running;
pub(super) mod ingress_pod_restarted;
pub(super) mod route_kind_missing;
pub(super) mod service_missing;
pub(super) mod service_port_missing;

use super::Family;

pub(super) const FAMILY: Family = Family {
    name: "platform",
    block: "AT8",
    judges: "the basis of all else: pods, Services, access-log settings, ApigeeIssues, custom resource \
        definitions",
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
