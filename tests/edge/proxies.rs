//! Proxies of which several revisions are deployed: each of them serves requests.

use flate2::Crc;
use serde_json::json;

use crate::world::World;

/// An archive with one file, stored (APPNOTE 4.3).
fn zip(path: &str, content: &str) -> Vec<u8> {
    let mut crc = Crc::new();
    crc.update(content.as_bytes());
    let number = |value: usize| u32::try_from(value).expect("a small file").to_le_bytes();
    let sizes = [crc.sum().to_le_bytes(), number(content.len()), number(content.len())].concat();
    let name = u16::try_from(path.len()).expect("a short name").to_le_bytes();
    let version = [20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let local = [b"PK\x03\x04", &version[..], &sizes, &name, &[0, 0], path.as_bytes(), content.as_bytes()].concat();
    let directory = [b"PK\x01\x02", &[20, 0][..], &version, &sizes, &name, &[0; 16], path.as_bytes()].concat();
    let counts = [0, 0, 0, 0, 1, 0, 1, 0];
    let end = [b"PK\x05\x06", &counts[..], &number(directory.len()), &number(local.len()), &[0, 0]].concat();
    [local, directory, end].concat()
}

fn revision(world: &World, number: u8, truststore: &str) {
    let target = format!(
        "<TargetEndpoint name=\"default\"><HTTPTargetConnection><URL>https://backend{number}.test</URL><SSLInfo>\
         <Enabled>true</Enabled><TrustStore>{truststore}</TrustStore></SSLInfo></HTTPTargetConnection></TargetEndpoint>"
    );
    let path = format!("/v1/organizations/o/apis/weather/revisions/{number}?format=bundle");
    world.api.add_bytes(&path, zip("apiproxy/targets/default.xml", &target));
}

#[test]
fn every_deployed_revision_is_judged() {
    let world = World::new();
    let deployed = |revisions: &[&str]| {
        let list: Vec<_> = revisions.iter().map(|name| json!({ "name": name, "state": "deployed" })).collect();
        world.api.add("/apis/weather/deployments", &json!({ "name": "weather", "revision": list }));
        world.diagnose(&["--proxy", "weather", "--probe", "none"])
    };
    revision(&world, 1, "ref://ts-ref");
    revision(&world, 2, "ref://gone");
    let outcome = deployed(&["1"]);
    assert!(!outcome.has("reference-dangling"), "{outcome:?}");
    let outcome = deployed(&["1", "2"]);
    outcome.claims("reference-dangling", "southbound", "edge-administrator", "established");
    assert!(outcome.all().contains("proxies/weather/revisions/2"), "{outcome:?}");
    // One revision needs no number, and the user may name it.
    let outcome = deployed(&["2"]);
    assert!(outcome.has("reference-dangling") && !outcome.all().contains("weather/revisions"), "{outcome:?}");
    let outcome = world.diagnose(&["--proxy", "weather:1", "--probe", "none"]);
    assert!(!outcome.has("reference-dangling"), "{outcome:?}");
    // A revision that cannot be read does not hide the other one.
    let outcome = deployed(&["2", "3"]);
    assert!(outcome.has("reference-dangling"), "{outcome:?}");
    assert!(outcome.not_seen().contains("apis/weather/revisions/3"), "{outcome:?}");
}
