//! No secret of the file enters the evidence, whatever is malformed around it.

use super::read;

/// In place of every secret of the configuration property reference.
const SENTINEL: &str = "Zx9sentinelQ7";

/// A file with a sentinel at every path whose value is secret, and at positions where users put secrets by
/// mistake.
const FILE: &str = "\
cassandra:
  auth:
    admin: {password: SENTINEL}
    ddl: {password: SENTINEL}
    default: {password: SENTINEL, password: SENTINEL}
    dml: {password: {SENTINEL, SENTINEL}}
    jmx: {username: SENTINEL, password: SENTINEL}
    jolokia: {username: [SENTINEL, {SENTINEL: 1, SENTINEL: 2}], password: SENTINEL}
redis: {auth: {password: SENTINEL}}
httpProxy: {username: SENTINEL, password: SENTINEL}
logger: {proxyURL: \"http://SENTINEL:SENTINEL@proxy\"}
metrics: {proxyURL: \"http://SENTINEL@proxy\"}
kmsEncryptionKey: SENTINEL
kvmEncryptionKey: {SENTINEL: a, SENTINEL: b}
defaults:
  org: {kmsEncryptionKey: SENTINEL, kvmEncryptionKey: SENTINEL}
  env: {kmsEncryptionKey: SENTINEL, kvmEncryptionKey: SENTINEL, cacheEncryptionKey: SENTINEL}
axHashSalt: {SENTINEL: 1, SENTINEL: 2}
envs:
- name: e
  cacheEncryptionKey: SENTINEL
  httpProxy: {username: SENTINEL, password: SENTINEL}
  envVars: {TOKEN: SENTINEL, TOKEN: SENTINEL}
client_secret: SENTINEL
private_key: |
  -----BEGIN PRIVATE KEY-----
  SENTINEL
  -----END PRIVATE KEY-----
# SENTINEL
virtualhosts:
- name: a # SENTINEL
  sslKeyPath: |
    -----BEGIN PRIVATE KEY-----
    SENTINEL
    -----END PRIVATE KEY-----
  sslCertPath: \"-----BEGIN CERTIFICATE----- SENTINEL\"
  sslSecret: {SENTINEL: SENTINEL}
  additionalGateways: [\"x\"] # SENTINEL
  password SENTINEL: x
  \"-----BEGIN SENTINEL\": x
  caCertPath: [SENTINEL]
  tlsMode: {SENTINEL: 1}
  minTLSProtocolVersion: [SENTINEL]
  maxTLSProtocolVersion: {SENTINEL: 1}
  requestTimeout: {SENTINEL: SENTINEL}
  cipherSuites: {SENTINEL: SENTINEL}
  hostAliases: SENTINEL
- name: {password: SENTINEL}
  selector: SENTINEL
  additionalGateways: SENTINEL
- name: b
  additionalGateways:
  - x # SENTINEL
- SENTINEL
- [SENTINEL]
- {name: c, additionalGateways: [x], sslSecret: {password: SENTINEL}}
ingressGateways: SENTINEL
";

#[test]
fn no_secret_is_in_the_evidence() {
    let file = FILE.replace("SENTINEL", SENTINEL);
    assert!(read(file.as_bytes()).faults.len() > 20);
    check(file.as_bytes());
}

#[test]
fn no_secret_is_in_the_evidence_of_a_truncated_or_malformed_file() {
    let file = FILE.replace("SENTINEL", SENTINEL);
    for end in (0..file.len()).step_by(5) {
        check(&file.as_bytes()[..end]);
    }
    for broken in
        ["\t", "\0", "\u{e9}: ", ": x: ", "}", "]", "\"", "'", "{{", "*no", "&a", "---\n", "|\n", "@", "? ", "\n", " "]
    {
        for at in (0..file.len()).step_by(97).filter(|at| file.is_char_boundary(*at)) {
            // Only whole sentinels are searched for, so an insertion within a sentinel hides it from this
            // test.
            let mut file = file.clone();
            file.insert_str(at, broken);
            check(file.as_bytes());
        }
    }
}

fn check(file: &[u8]) {
    let json = serde_json::to_string(&read(file)).expect("written");
    if let Some(at) = json.find(SENTINEL) {
        let before = at.saturating_sub(200);
        panic!("a secret: {}\n{}", &json[before..(at + 80).min(json.len())], String::from_utf8_lossy(file));
    }
}
