//! Talks to the API server as kubectl does: the kubeconfig, its credentials, one connection, requests with
//! their deadlines, lists, discovery, port-forwards, and the streams of containers.
//!
//! It knows no kind of Apigee: `hybrid` decides what to request.

pub(in crate::gather) mod api;
pub(in crate::gather) mod attach;
pub(in crate::gather) mod clock;
pub(in crate::gather) mod connection;
mod credential;
pub(in crate::gather) mod discovery;
pub(in crate::gather) mod fault;
mod id_token;
pub(in crate::gather) mod json;
pub(in crate::gather) mod kubeconfig;
pub(in crate::gather) mod list;
mod local_files;
pub(in crate::gather) mod no_proxy;
pub(in crate::gather) mod port_forward;
pub(in crate::gather) mod selector;
pub(in crate::gather) mod watch;
