//! Forms in which clients, prompts, markup, paths and validators write secrets, and look-alikes that must
//! stay readable: about as many of the one as of the other.

use super::*;

/// Secrets, each with the text it is in.
const SECRETS: &[(&str, &str)] = &[
    ("q7MariaXz", "mariadb-dump -u root -pq7MariaXz shop"),
    ("q7ValkeyXz", "valkey-cli -a q7ValkeyXz ping"),
    ("q7LdapXz", "ldapwhoami -D cn=admin,dc=x -w q7LdapXz -H ldap://x"),
    ("q7SnmpAuthXz", "snmpwalk -v3 -u u -l authPriv -a SHA -A q7SnmpAuthXz -x AES -X q7SnmpPrivXz host"),
    ("q7SnmpPrivXz", "snmpwalk -v3 -u u -l authPriv -a SHA -A q7SnmpAuthXz -x AES -X q7SnmpPrivXz host"),
    ("q7SmbXz", "smbclient //h/s -U bob%q7SmbXz"),
    ("q7RdpXz", "xfreerdp /v:host /u:bob /p:q7RdpXz"),
    ("q7PowerXz", "ConvertTo-SecureString \"q7PowerXz\" -AsPlainText -Force"),
    ("q7NpmSetXz", "npm config set //registry.npmjs.org/:_authToken q7NpmSetXz"),
    (
        "q7SetEnvXz",
        "helm upgrade dev apigee-runtime/ --set env[0].name=DB_PASSWORD --set env[0].value=q7SetEnvXz -f o.yaml",
    ),
    ("q7SetEnvTwoXz", "helm upgrade dev x --set 'envVars[1].value=q7SetEnvTwoXz'"),
    ("q7SetEnvThreeXz", "helm upgrade dev x --set runtime.env[3].value=q7SetEnvThreeXz,org=shop"),
    ("q7SetListXz", "args: [upgrade, --set, 'env[0].value=q7SetListXz']"),
    ("q7PatchSecXz", "kubectl patch secret x -p '{\"stringData\":{\"any\":\"q7PatchSecXz\"}}'"),
    ("q7JsonPatchXz", "[{\"op\":\"replace\",\"path\":\"/data/password\",\"value\":\"q7JsonPatchXz\"}]"),
    (
        "q7JsonPatchTwoXz",
        "[{\"op\":\"replace\",\"path\":\"/spec/httpForwardProxy/password\",\"value\":\"q7JsonPatchTwoXz\"}]",
    ),
    ("q7PromptXz", "Password:\nq7PromptXz\nnext line"),
    ("q7PromptTwoXz", "Enter password:\nq7PromptTwoXz\nWelcome"),
    ("q7NextXz", "password =\nq7NextXz\n"),
    ("q7SpringXz", "    Property: spring.datasource.password\n    Value: \"q7SpringXz\"\n    Origin: class path"),
    (
        "q7PydXz",
        "password\n  String should have at least 12 characters [type=string_too_short, input_value='q7PydXz', input_type=str]",
    ),
    ("q7SchemaXz", "On instance['password']:\n    'q7SchemaXz'"),
    ("q7PsqlRowXz", " password  \n-----------\n q7PsqlRowXz\n(1 row)"),
    ("q7VarDumpXz", "  [\"password\"]=>\n  string(11) \"q7VarDumpXz\""),
    ("q7DictXz", "'password':\n  'q7DictXz',"),
    ("q7NextValueXz", "- name: DB_PASSWORD\n  value:\n    q7NextValueXz"),
    ("q7YamlXz", "client_secret\n: q7YamlXz"),
    ("q7BareXz9", "DB_PASSWORD\nq7BareXz9"),
    ("q7ApiLineXz9", "API key\n  q7ApiLineXz9"),
    ("q7XmlTwoXz", "<property>\n  <name>db.password</name>\n  <value>q7XmlTwoXz</value>\n</property>"),
    ("q7XmlRevXz", "<property><value>q7XmlRevXz</value><name>db.password</name></property>"),
    ("q7EntryXz", "<entry><value>q7EntryXz</value><key>api_key</key></entry>"),
    ("q7PlistXz", "<key>password</key><string>q7PlistXz</string>"),
    ("q7PlistTwoXz", "<key>password</key>\n<string>q7PlistTwoXz</string>"),
    ("q7TdXz", "<tr><td>Password</td><td>q7TdXz</td></tr>"),
    ("q7ParamXz", "<Parameter value='q7ParamXz' override='false' name='clientSecret'/>"),
    ("q7InputXz", "<input type=\"password\" value=\"q7InputXz\">"),
    ("q7PathPw9Xz", "GET /v1/users/bob/password/q7PathPw9Xz HTTP/1.1"),
    ("q7SlashXz9", "password/q7SlashXz9"),
    ("q7SlashTwo9", "login with app/password/q7SlashTwo9"),
    ("q7ResetTok9Xz", "https://h/reset-password/q7ResetTok9Xz?x=1"),
    ("q7PathTok9XzAbc", "GET /api/token/q7PathTok9XzAbc/info HTTP/1.1"),
    ("q7Apik9XzAbc", "POST /apikey/q7Apik9XzAbc HTTP/2"),
    (
        "q7RejXz",
        "Field error in object 'config' on field 'password': rejected value [q7RejXz]; codes [Size.config.password]",
    ),
    ("q7ConsXz", "ConstraintViolationImpl{propertyPath=password, interpolatedMessage='size', invalidValue=q7ConsXz}"),
    ("q7CueXz", "error: password: invalid value \"q7CueXz\" (does not satisfy strings.MinRunes(12))"),
    (
        "q7OpenApiXz",
        "error validating data: ValidationError(ApigeeOrganization.spec.httpForwardProxy.password): invalid type for x: got \"q7OpenApiXz\", expected \"map\"",
    ),
    ("q7BodyXz", "spec.password in body should be at least 12 chars long, but was q7BodyXz"),
    ("q7ConvXz", "failed to parse field: failed to convert \"q7ConvXz\" for key client_secret"),
    ("q7SpewXz", "Password: (string) (len=7) \"q7SpewXz\","),
    ("q7InsXz", "INSERT INTO users (name, password, age) VALUES ('bob', 'q7InsXz', 3)"),
    ("q7SetPwXz", "SET PASSWORD FOR 'a'@'%' = PASSWORD('q7SetPwXz')"),
    ("q7MonXz", "1777878000.1 [0 10.0.0.1:50000] \"AUTH\" \"q7MonXz\""),
    ("q7MonTwoXz", "1777878000.1 [0 10.0.0.1:50000] \"AUTH\" \"default\" \"q7MonTwoXz\""),
    ("q7ReqXz", "CONFIG SET requirepass q7ReqXz"),
    ("q7SmtpXz", "C: PASS q7SmtpXz"),
    (
        "0f8fad5b-d9cb-469f-a165-708677289501",
        "url: https://alert.victorops.com/integrations/generic/20131114/alert/0f8fad5b-d9cb-469f-a165-708677289501/team",
    ),
    ("q7mattermostxz1234567890ab", "url: https://mattermost.shop.test/hooks/q7mattermostxz1234567890ab"),
    ("q7RocketXzAbCdEfGh", "url: https://chat.shop.test/hooks/64b7f3/q7RocketXzAbCdEfGh"),
    (
        "0123456789abcdef0123456789abcdee",
        "url: https://automation.atlassian.com/pro/hooks/0123456789abcdef0123456789abcdee",
    ),
    ("89abcdef01234567", "exchanged bkua_0123456789abcdef0123456789abcdef01234567 for orbit"),
    ("0123456789abcdef", "exchanged key-0123456789abcdef0123456789abcdef for orbit"),
    ("aa:bb:17:cc", "priv:\n    00:aa:bb:cc:dd:ee:11:22:33:44:55:66:77:88:99:\n    aa:bb:17:cc\npub:\n    04:01"),
    ("q7YamlListXz", "credentials:\n  - user: a\n    phrase: q7YamlListXz\nnext: 1"),
    ("q7OldXz", "password: {\n  \"old\": \"q7OldXz\"\n}"),
    ("q7SuffbeaXz9", "{\"bearerTokenOverride\": \"q7SuffbeaXz9\"}"),
    ("q7SuffadmXz9", "{\"adminPasswordTmp\": \"q7SuffadmXz9\"}"),
    ("q7SuffapiXz9", "{\"api_key_primary\": \"q7SuffapiXz9\"}"),
    ("q7SuffsecXz9", "{\"secretKeySecondary\": \"q7SuffsecXz9\"}"),
    ("cTdTZWNZYW1s", "kind: Secret\napiVersion: v1\nmetadata:\n  name: x\ntype: Opaque\ndata:\n  a: cTdTZWNZYW1s"),
    (
        "q7GoSecXz",
        "v1.Secret{Data:map[string][]uint8{\"a\":[]uint8{0x71, 0x37}}, StringData:map[string]string{\"b\":\"q7GoSecXz\"}}",
    ),
    (
        "q7GoStrXz",
        "&Secret{ObjectMeta:{x},Data:map[string][]byte{a: [113 55 83],},Type:Opaque,StringData:map[string]string{b: q7GoStrXz,},}",
    ),
    (
        "113 55 83",
        "&Secret{ObjectMeta:{x},Data:map[string][]byte{a: [113 55 83],},Type:Opaque,StringData:map[string]string{b: q7GoStrXz,},}",
    ),
];

/// Texts that must not change.
const HARMLESS: &[&str] = &[
    "volumes:\n- name: tls\n  secret:\n    defaultMode: 420\n    secretName: shop-dev-grp\n",
    "java.lang.IllegalStateException: token refresh failed\n\tat a.b.TokenService.refresh(TokenService.java:42)\n",
    "GET /v1/token/status2 HTTP/1.1",
    "{\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"span_id\":\"00f067aa0ba902b7\"}",
    "X-Amzn-Trace-Id: Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1",
    "x-cloud-trace-context: 105445aa7843bc8bf206b12000100000/1;o=1",
    "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "imageID: docker.io/library/x@sha256:3f9c2b1a7d6e5f4c3b2a19087f6e5d4c3b2a19087f6e5d4c3b2a19087f6e5d4c",
    "Created pod: apigee-ingressgateway-prod-shop-0a1b2c3-1150x8f2k",
    "node gke-prod-default-pool-3f9c2b1a-x7kz is ready",
    "node aks-nodepool1-12345678-vmss000001 is ready",
    "node ip-10-0-1-2.eu-west-1.compute.internal is ready",
    "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/net/k8s-apigee-gw-0a1b2c3d4e/50dc6c495c0c9188",
    "instance i-0abcd1234ef567890 in vpc-0a1b2c3d4e5f67890",
    "volume kube-api-access-x7k2p mounted",
    "SHA1 Fingerprint=51:9A:CD:3B:44:8D:C3:A9:08:12:4D:23:AC:E0:BA:7E:21:26:59:54",
    "TLS_AES_256_GCM_SHA384 X25519 secp256r1 rsa_pss_rsae_sha256",
    "go: downloading golang.org/x/crypto v0.17.0 h1:r8bRNjWL3GshPW3gkd+RpvzWrZAwPS49OmTGZ/uhM4k=",
    "\"integrity\": \"sha512-9UZCFRHQdNrfTpGg8+1INIg93B6zE0aXMVFkw1WFwvO4SlZywU6aLg5Of0Ap/PgcbSw4LNxvMWXMeugwMCX0AA==\"",
    "token_type=Bearer expires_in=3600",
    "--token-file /var/run/token --password-file=/run/pw.txt",
    "--tls-private-key-file=/etc/tls/tls.key",
    "secretKeyRef: {name: cassandra-auth, key: password}",
    "ssh -p 2222 bob@host",
    "mkdir -p /opt/apigee/certs",
    "kubectl logs -p apigee-runtime-x",
    "psql -p 5432 -U app shop",
    "mysql -u root -p -h db shop",
    "mysql -P 3307 -h db",
    "curl -u \"$USER:$PASS\" https://x",
    "sort -u names.txt",
    "id -u bob",
    "kubectl patch deploy x -p '{\"spec\":{\"replicas\":3}}'",
    "helm upgrade dev-grp apigee-virtualhost/ --set envgroup=dev-grp --set replicas[0].count=3 -f overrides.yaml",
    "kubectl get secret/org-dev-grp -n apigee",
    "kubectl describe secrets/shop-dev-grp-cacert",
    "GET /oauth/token/v2 HTTP/1.1",
    "vault kv get secret/data/apigee",
    "reading password/file",
    "tokens/2026",
    "spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535",
    "spec.hostnames[0]: Invalid value: \"a_b.shop.example\": a lowercase RFC 1123 subdomain",
    "spec.selector: Invalid value: \"object\": no such key",
    "spec.password: Required value",
    "spec.password: Invalid value: \"string\": spec.password in body must be of type object",
    "metadata.name: Invalid value: \"Bad_Name\": a lowercase RFC 1123 label",
    "Enter password:",
    "Password: ",
    "the API key is missing",
    "password policy: at least 12 characters",
    "psk_key_exchange_modes session_ticket early_data key_share",
    "Session-ID-ctx: ",
    "keyAlias: myalias",
    "x509v3 Key Usage: Digital Signature, Key Encipherment",
    "<property><name>db.host</name><value>db1</value></property>",
    "<key>CFBundleVersion</key><string>1.2.3</string>",
    "<td>Port</td><td>8443</td>",
    "https://hooks.slack.com/ is not reachable",
    "https://hooks.shop.example/v1/orders",
    "https://mattermost.shop.test/hooks",
    "INSERT INTO hosts (name, port) VALUES ('db', 3306)",
    "AUTH is required",
    "FAIL 1, PASS 12",
    "PASSED tests/password_test.go",
    "{\"secretName\":\"shop-dev-grp\",\"tokenExpirationSeconds\":3607}",
    "serviceAccountToken: {path: istio-token, audience: istio-ca}",
    "{\"user_agent\":\"BEGIN PRIVATE KEY\",\"status\":200,\"sni_host\":\"api.shop.test\"}",
    "no PRIVATE KEY block in tls.key",
    "\"password\": \"\",",
    "password_hash_algorithm: bcrypt",
    "tokenExpiry=2026-05-04T07:00:00Z",
    "secret_version=3",
    "apiKeyHeader: x-api-key",
    "api_key_required: true",
    "last_token_refresh: 12s ago",
    "secretsStoreDriver: csi",
    "tokenReviewer is unavailable",
    "authorization_policy: allow-all",
    "authentication: SIMPLE",
    "keyspace: kvm_shop_hybrid",
    "primary key (id)",
    "partition key: org",
    "key: value",
    "{\"key\":\"region\",\"value\":\"europe-west1\"}",
    "columns: id, user, passwd",
    "context arn:aws:eks:eu-west-1:123456789012:cluster/hybrid",
    "com.apigee.messaging.runtime.Handshake0123",
    "Password:\n\nWelcome",
    "API key\n  is missing",
    "<property>\n  <value>8443</value>\n  <name>port</name>\n</property>",
    "user\n-----\nbob\n(1 row)",
];

/// Whole and in pieces, and as the message of a record of JSON.
#[test]
fn tells_secrets_in_many_forms_from_look_alikes() {
    let in_record = |text: &str| {
        let record = serde_json::json!({ "level": "info", "msg": text }).to_string();
        let clean: Value = serde_json::from_str(&self::text(&record)).unwrap();
        clean["msg"].as_str().unwrap().to_owned()
    };
    let in_pieces = |text: &str| String::from_utf8(streamed(text.as_bytes(), 7).0).unwrap();
    let mut leaked = Vec::new();
    for (secret, input) in SECRETS {
        for output in [text(input), in_pieces(input), in_record(input)] {
            leaked.extend(output.contains(secret).then_some(output));
        }
    }
    let mut lost = Vec::new();
    for input in HARMLESS {
        for output in [text(input), in_pieces(input), in_record(input)] {
            lost.extend((output != *input).then_some(output));
        }
    }
    assert!(leaked.is_empty(), "{} of {}: {leaked:#?}", leaked.len(), SECRETS.len());
    assert!(lost.is_empty(), "{} of {}: {lost:#?}", lost.len(), HARMLESS.len());
    assert!(SECRETS.len().abs_diff(HARMLESS.len()) < 25, "{} and {}", SECRETS.len(), HARMLESS.len());
}

/// Secrets in several lines of one escaped text.
#[test]
fn redacts_lines_of_escaped_texts() {
    let body = encoded(&(0..600_u32).map(|n| (n * 37 + 11).to_le_bytes()[0]).collect::<Vec<_>>());
    let archive = format!("QlpoOTFBWSZTWd90{body}");
    let lines: Vec<&str> = archive.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let record = serde_json::json!({ "msg": format!("archive:\n{}", lines.join("\n")) }).to_string();
    let clean = text(&record);
    assert!(!lines.iter().any(|line| clean.contains(line)), "{clean}");
    let certificate = serde_json::json!({ "msg": certificate_pem() }).to_string();
    assert_eq!(text(&certificate), certificate);
}
