//! Redaction of overrides files.

use super::*;

fn redacted(text: &str) -> String {
    Redactor::secrets_only().overrides(text, &mut Redactions::default()).unwrap()
}

#[test]
fn redacts_documented_secrets_and_keeps_references() {
    let file = |secret: &str, user: &str| {
        format!(
            "\
org: example
instanceID: example-1  # of the cluster
cassandra:
  auth:
    secret: cassandra-auth
    image:
      url: gcr.io/apigee-release/hybrid/apigee-hybrid-cassandra-client
      tag: 1.16.0
    admin:
      password: {secret}
    ddl: {{ password: {secret} }}
    \"default\": {{\"password\": \"{secret}\"}}
    jmx:
      username: {user}
      password: '{secret}'
    jolokia: {{username: {user}, password: {secret}}}
redis:
  auth:
    password: {secret}
httpProxy:
  scheme: HTTP
  host: proxy.example.com
  port: 3128
  username: {user}
  password: {secret}
logger:
  proxyURL: http://{secret}@proxy.example.com:3128
kmsEncryptionKey: {secret}
kvmEncryptionPath: ./keys/kvm
kvmEncryptionSecret:
  name: encryption
  key: kvm
defaults:
  org: {{kmsEncryptionKey: {secret}}}
  env:
    cacheEncryptionKey: {secret}
axHashSalt: {secret}
envs:
- name: test
  serviceAccountPaths:
    runtime: ./sa/runtime.json
  httpProxy: {{host: proxy, username: {user}, password: {secret}}}
  cacheEncryptionKey: {secret}
runtime:
  envVars:
    ANY: {secret}
    name: {secret}
  annotations:
    note: token={secret}
mart:
  envVars:
  - name: ANY
    value: {secret}
  clientSecret: {secret}
imagePullSecrets:
- name: registry
virtualhosts:
- name: default
  sslSecret: apigee-tls
  sslCertPath: ./certs/tls.pem
  sslKeyPath: ./certs/tls.key
  selector:
    app: apigee-ingressgateway
    ingress_name: ingress
  additionalGateways: [\"apigee-wildcard-gateway\"]
ingressGateways:
- name: ingress
  replicaCountMin: 2
"
        )
    };
    let expected = file("<redacted>", "<redacted>").replace("  # of the cluster", "");
    assert_eq!(redacted(&file("hunter2", "bob")), expected);
    let windows = file("hunter2", "bob").replace('\n', "\r\n");
    assert_eq!(redacted(&windows), expected.replace('\n', "\r\n"));
}

/// Files in which `hunter2` is the secret; the number of lines is kept.
const VANISH: &[&str] = &[
    "cassandra:\n  auth:\n    admin:\n      password: |\n        hunter2\n\n        hunter2\n    ddl:\n      password: x\n",
    "redis:\n  auth:\n    password: >-  # hunter2 is the secret\n      hunter2: hunter2\norg: x\n",
    "redis:\n  auth:\n    password: \"hunter2\n\n      hunter2\"\norg: x\n",
    "redis:\n  auth:\n    password: hunter2\n      hunter2\norg: x\n",
    "redis:\n  auth:\n    password:\n      hunter2\norg: x\n",
    "redis:\n  auth:\n    ? password\n    : hunter2\n",
    "redis:\n  auth:\n    \"pass\\x77ord\": hunter2\n",
    "redis:\n  auth:\n    'password' : \"hunter2\"\n",
    "redis: {auth: {password: hunter2}, x: [{password: 'hunter2'}]}\n",
    "redis:\n  auth:\n    password: !!str hunter2\n",
    "redis:\n  auth:\n    password: &pw hunter2\nx: *pw\n",
    "x: &pw hunter2\nredis:\n  auth:\n    password: *pw\n",
    "x: &pw |\n  hunter2\nredis: {password: *pw}\n",
    "x: &inner hunter2\ny: &outer {a: *inner}\nruntime:\n  envVars: *outer\n",
    "x: &p {username: hunter2}\nhttpProxy: *p\n",
    "x: &vars\n  A: hunter2\nruntime:\n  envVars:\n    <<: *vars\n",
    "&key password: x\n*key : hunter2\n",
    "? {a: b}\n: hunter2\n",
    "passwords: [hunter2, {a: hunter2}]\n",
    "password: {value: hunter2, other: {deep: hunter2}}\n",
    "org: x\n---\nredis:\n  auth:\n    password: hunter2\n...\n---\ntoken: hunter2\n",
    "org: x  # the password is hunter2\n",
    "# the password is\n# hunter2\n# hunter2\norg: x\n",
    "# password: |\n#   hunter2\norg: x\n",
    "# redis:\n#   auth:\n#     password: hunter2\norg: x\n",
    "hunter2\n",
    "- hunter2\nredis: x\n",
    "note: 'see token: hunter2'\n",
    "note: \"\\x70assword: hunter2\"\n",
    "note: |\n  password: hunter2\n  https://bob:hunter2@host\n",
    "logger:\n  proxyURL: \"http://bob:hunter2@proxy:3128\"\n",
    "cassandra:\n  auth:\n    anything: hunter2\n    deep: {more: hunter2}\n",
    // Not valid YAML.
    "redis:\n\tauth:\n\t\tpassword: hunter2\n",
    "redis:\n  auth:\n    password: hunter2\n  bad\n wrong: [\n",
    "password: \"hunter2\n",
    "redis: {{ .Values.redis }}\npassword: hunter2\nname: {{ x }} hunter2\n",
    "a: b: c\npassword: |\n  name: hunter2\n  org: hunter2\n",
    "a: b: c\nredis:\n- hunter2\nname: x # hunter2\nhunter2: x\n",
    "org: x\n\0password: hunter2\n",
];

#[test]
fn redacts_secrets_in_every_notation_and_keeps_lines() {
    for input in VANISH {
        for input in
            [(*input).to_owned(), input.replace('\n', "\r\n"), format!("\u{feff}{input}"), input.trim_end().to_owned()]
        {
            let mut redactions = Redactions::default();
            let output = Redactor::secrets_only().overrides(&input, &mut redactions);
            let Ok(output) = output else { panic!("{input:?} → {output:?}") };
            assert!(!output.contains("hunter2"), "{input:?} → {output:?}");
            assert_eq!(output.split('\n').count(), input.split('\n').count(), "{input:?} → {output:?}");
            assert!(!redactions.is_empty());
        }
    }
}

#[test]
fn keeps_the_text_around_values() {
    for (input, expected) in [
        ("a: |\n  x\npassword: |-\n  x\n   y\nb: 1\n", "a: |\n  x\npassword: |-\n  <redacted>\n   <redacted>\nb: 1\n"),
        ("password: 'x' # note\n", "password: '<redacted>'\n"),
        ("password: true\nauth: {enabled: false}\ntoken: ''\n", "password: true\nauth: {enabled: false}\ntoken: ''\n"),
        ("# name of the host\na: 'b # secret'\n", "\na: 'b # secret'\n"),
        ("a: b # secret x\n# more\nc: d\n", "a: b\n\nc: d\n"),
        ("url: a#secret\n", "url: a#secret\n"),
        ("café: ü\npassword: é\n", "café: ü\npassword: <redacted>\n"),
    ] {
        assert_eq!(redacted(input), expected);
    }
}

#[test]
fn keeps_only_documented_lines_of_a_file_that_is_no_yaml() {
    let input = "\
virtualhosts:
- name: default
   sslSecret: apigee-tls
  selector:
    ingress_name: ingress
  additionalGateways:
  - apigee-wildcard-gateway
redis:
  auth:
    password: hunter2
  anything: hunter2
unknown:
  name: hunter2
org: \"example\"
name: hunter2 hunter2
";
    let expected = "\
virtualhosts:
- name: default
   sslSecret: apigee-tls
  selector:
    ingress_name: ingress
  additionalGateways:
  - apigee-wildcard-gateway
redis:
  auth:
    # <redacted>
  # <redacted>
# <redacted>
  # <redacted>
org: \"example\"
# <redacted>
";
    assert_eq!(redacted(input), expected);
}

#[test]
fn changes_nothing_the_second_time() {
    for input in VANISH {
        let once = redacted(input);
        assert_eq!(redacted(&once), once, "{input:?}");
    }
}

#[test]
fn withholds_files_whose_anchors_cannot_be_followed() {
    let mut chain = "a0: &a0 hunter2\n".to_owned();
    for number in 1..100 {
        chain.push_str(&format!("a{number}: &a{number} [*a{}]\n", number - 1));
    }
    chain.push_str("password: *a99\n");
    let refused = Redactor::secrets_only().overrides(&chain, &mut Redactions::default()).unwrap_err();
    assert!(refused.to_string().starts_with("withheld: its anchors"), "{refused}");
}
