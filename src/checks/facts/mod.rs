//! What several checks and the verdict ask of the evidence in the same words.
//!
//! Internal-chaining objects stay out of every answer: no client outside the cluster uses them.

pub(crate) mod absence;
pub(crate) mod answers;
pub(crate) mod chain;
pub(crate) mod envoy;
pub(crate) mod knocked;
pub(crate) mod limits;
mod logs;
pub(crate) mod nameless;
mod overrides;
mod pods;
pub(crate) mod probed;
mod routes;
pub(crate) mod served;
pub(crate) mod stored;
mod words;

pub(crate) use self::absence::{believe_absence, needed};
pub(crate) use self::logs::{
    container_of, from_google, is_google_front_end, know_all_names, logs, opened, reset_names, streams, window,
};
pub(crate) use self::overrides::{
    file_name, gateway_names, host_name, overrides, place, renders, virtual_hosts, whole_overrides,
};
pub(crate) use self::pods::{is_empty_namespace, known_labels, pods, pods_are_narrowed, services};
pub(crate) use self::routes::{
    attachment, declares, ends_tls_here, group_routes, lags, routes, routes_of, secret_is_missing, share_pods,
    terminates_tls, wildcard_names, wildcard_obstacles, wildcards,
};
pub(crate) use self::words::{
    Nearest, count, duration, first_of, from_addresses, labels, list, moment, moments, some_of,
};
