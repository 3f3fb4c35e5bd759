//! Tests which endpoints are probed, without a network, and how long an unreachable address takes.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use super::*;
use crate::evidence::certificate::Certificate;
use crate::evidence::handshake::{Failure, How, Party, Stage};
use crate::evidence::hybrid::ServicePort;
use crate::gather::hybrid::gateway_options::{GATEWAY_PORT, gateway_port};
use crate::gather::probe::prober::ProbeOptions;
use crate::run::stop::Stop;
use crate::test_leaf::leaf as leaf_of;

fn route(hostnames: &[&str]) -> Route {
    Route { hostnames: hostnames.iter().map(ToString::to_string).collect(), ..Route::default() }
}

#[test]
fn hosts_are_valid_server_names_without_repetition() {
    let (one, two) = (route(&["Api.example.com", "*.wild.example.com", "*"]), route(&["api.example.com", "bad name"]));
    let mut unprobed = Vec::new();
    let found = hosts(&[&one, &two], &["first.example.com".into()], "Pod x", &mut unprobed);
    assert_eq!(found, ["first.example.com", "api.example.com", "apigee-tls-probe.wild.example.com"]);
    assert!(unprobed.is_empty());
}

#[test]
fn hosts_beyond_the_limit_are_listed() {
    let names: Vec<String> = (0..60).map(|i| format!("h{i}.example.com")).collect();
    let many = Route { hostnames: names, ..Route::default() };
    let mut unprobed = Vec::new();
    assert_eq!(hosts(&[&many], &[], "Pod x", &mut unprobed).len(), MAX_HOSTS);
    assert_eq!(unprobed[0].what, "10 more hostnames at Pod x");
}

#[test]
fn the_port_is_the_target_port_of_a_service() {
    let labels = BTreeMap::from([("app".to_owned(), "gw".to_owned())]);
    let pod = IngressPod { labels: labels.clone(), ..IngressPod::default() };
    let service = |target: &str| Service {
        selector: labels.clone(),
        ports: vec![ServicePort { number: 443, target: target.into() }],
        ..Service::default()
    };
    assert_eq!(gateway_port(&pod, &[service("9443")]), 9443);
    assert_eq!(gateway_port(&pod, &[service("https")]), GATEWAY_PORT);
    assert_eq!(gateway_port(&pod, &[]), GATEWAY_PORT);
}

fn made(kind: ClientHelloKind, leaf: Option<&str>, failure: Option<Failure>) -> Handshake {
    let certificates =
        leaf.map(|leaf| Certificate { fingerprint: leaf.to_owned(), ..leaf_of(&[]) }).into_iter().collect();
    Handshake { certificates, failure, ..Handshake::begun(kind, None, false, Timestamp::UNIX_EPOCH) }
}

#[test]
fn pods_behind_an_address_are_not_reset_once_more() {
    let reset = Failure { stage: Stage::ClientHello, by: Party::Server, how: How::Reset };
    let pod = |failure: Option<Failure>| {
        let handshakes =
            vec![made(ClientHelloKind::Named, Some("a1"), None), made(ClientHelloKind::WithoutSni, None, failure)];
        let place = EndpointOrigin::Pod { pod: "gw-1".into() };
        let endpoint =
            Endpoint { place, host: None, port: 8443, named_port: None, address: None, handshakes, scan: not_wanted() };
        let why = Unavailable::new("x", Reason::Missing("y".into()));
        (vec![endpoint], unseen("gw-1", &Seen::Unavailable(why.clone()), &why.reason))
    };
    let (refusing, serving) = ([pod(Some(reset))], [pod(None)]);
    let (same, other) =
        ([made(ClientHelloKind::Named, Some("a1"), None)], [made(ClientHelloKind::Named, Some("b2"), None)]);
    let wanted = |requested, pods, at_address| WithoutSniRule { requested, pods }.is_wanted(at_address);
    assert!(!wanted(false, &refusing, &same[..]));
    assert!(wanted(false, &refusing, &other), "another certificate: they are not these pods");
    assert!(wanted(true, &refusing, &same), "clients without SNI are to be served");
    assert!(wanted(false, &serving, &same) && wanted(false, &[], &same));
}

pub(in crate::gather) fn prober() -> Arc<Prober> {
    let options = ProbeOptions { timeout: Duration::from_secs(5), ..ProbeOptions::default() };
    Arc::new(Prober::new(options).unwrap())
}

#[tokio::test]
async fn an_unreachable_address_is_tried_once() {
    // Bound and not listening: every connection is refused at once.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    let prober = prober();
    let hosts = ["a.example.com", "b.example.com"].map(str::to_owned);
    let target = Reached { place: &EndpointOrigin::Dns, address: address.ip(), port: address.port() };
    let found = at_address(&prober, target, &hosts, WithoutSniRule { requested: true, pods: &[] }).await;
    let names: Vec<_> = found.iter().flat_map(|endpoint| &endpoint.handshakes).map(|made| &made.server_name).collect();
    assert_eq!(names, [&Some("a.example.com".to_owned()), &Some("b.example.com".to_owned())], "no others follow");
    let [first, second] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(first.handshakes[0].failure.as_ref().unwrap().how, How::Refused);
    assert_eq!(first.handshakes[0].started_at, second.handshakes[0].started_at, "one attempt for both");
}

#[tokio::test]
async fn the_end_of_the_run_is_not_attributed_to_the_peer() {
    // Accepts the connection and never sends a byte.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let transport = Transport::Tcp(silent.local_addr().unwrap());
    let (interrupt, interrupted) = watch::channel(false);
    let late = Stop::new(Some(Duration::from_millis(50)), interrupted.clone());
    let made = handshake_within(&late, &prober(), &transport, &without_sni(true)).await;
    assert_eq!(made, Err(Reason::TimedOut { milliseconds: 50 }));
    let stop = Stop::new(None, interrupted);
    let pressed = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        interrupt.send(true).unwrap();
    };
    let prober = prober();
    let hello = without_sni(true);
    let (made, ()) = tokio::join!(handshake_within(&stop, &prober, &transport, &hello), pressed);
    assert_eq!(made, Err(Reason::Interrupted));
}
