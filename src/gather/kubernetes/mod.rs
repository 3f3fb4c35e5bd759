//! Talks to the API server as kubectl does: the kubeconfig, its credentials, one connection, requests with their deadlines, lists,
//! discovery, and port-forwards.
//!
//! It knows no kind of Apigee: what is asked for is the matter of `hybrid`.

pub(in crate::gather) mod api;
pub(in crate::gather) mod connection;
mod credential;
pub(in crate::gather) mod discovery;
pub(in crate::gather) mod fault;
pub(in crate::gather) mod json;
pub(in crate::gather) mod kubeconfig;
pub(in crate::gather) mod list;
pub(in crate::gather) mod no_proxy;
pub(in crate::gather) mod port_forward;
pub(in crate::gather) mod selector;
