//! Text and streams.

use super::*;

/// Inputs in which `hunter2` is the secret.
const VANISH: &[&str] = &[
    // Pairs, in the spellings of files and logs.
    "password: hunter2",
    "\u{feff}password: my hunter2",
    "password:hunter2",
    "  password: 'hunter2'",
    "- password: \"hunter2\"",
    "password: hunter2 hunter2 # hunter2",
    "password: !!str hunter2",
    "password: !hunter2",
    "password: &anchor hunter2",
    "password: 'it''s hunter2'",
    "\"password\":\"hunter2\"",
    "\"password\" : \"a\\\"hunter2\"",
    "{\"a\":1,\"password\":\"hunter2\",\"b\":2}",
    "{\"password\":[\"hunter2\",\"hunter2\"]}",
    "{\\\"password\\\":\\\"hunter2\\\"}",
    "{\\\"password\\\":\\\"a\\\\\\\"hunter2\\\"}",
    "{\"log\":\"{\\\"client_secret\\\": \\\"hunter2\\\"}\\n\"}",
    "{\\\\\\\"password\\\\\\\":\\\\\\\"hunter2\\\\\\\"}",
    "{password: hunter2, user: bob}",
    "{user: bob, password: my hunter2}",
    "{'password': 'hunter2'}",
    "{\"mesh\":\"a: b\\npassword: hunter2\\nc: d\"}",
    "{\"mesh\":\"a: b\\n  - token: my hunter2\\nc: d\"}",
    "{\"mesh\":\"password: |\\n  hunter2\\nc: d\"}",
    "DB_PASSWORD=hunter2",
    "export DB_PASSWORD='hunter2'",
    "user=bob,password=hunter2,host=db",
    "user=bob;password=a,hunter2;host=db",
    "user=bob password=hunter2, retry",
    "jdbc:postgresql://db/x?user=bob&password=hunter2&ssl=true",
    "-Dspring.datasource.password=hunter2 -Xmx1g",
    "curl --password hunter2 https://x",
    "--client-secret=hunter2",
    "spec.auth.password := hunter2",
    "password => hunter2",
    "config[\"password\"] = \"hunter2\"",
    "password 'hunter2' was refused",
    "private key: hunter2",
    "API key = hunter2",
    "<password>hunter2</password>",
    "<user password=\"hunter2\"/>",
    "Password : hunter2",
    "\u{1b}[36mtoken\u{1b}[0m=hunter2",
    "kmsEncryptionKey: hunter2",
    "axHashSalt: hunter2",
    "aws_secret_access_key = hunter2",
    "password:\n  hunter2",
    "password: |\n  abc\n\n  hunter2\nnext: 1",
    "password: >-\n  hunter2: hunter2\nnext: 1",
    "# password: |\n#   hunter2\nnext: 1",
    "password: abc\n  hunter2\nnext: 1",
    "password: \"abc\n  hunter2\"\nnext: 1",
    "tokens:\n  - hunter2\n",
    "/?k=-----BEGIN%20PRIVATE%20KEY-----%0AMIIEhunter2%2Bxyz%3D%0A-----END%20PRIVATE%20KEY-----&x=1",
    "key=-----BEGIN+EC+PRIVATE+KEY-----%0AMIIEhunter2%0A",
    "npm_hunter2hunter2hunter2hunter2hunter2 was used",
    "\"tokens\": [\n  \"hunter2\"\n]",
    "- name: DB_PASSWORD\n  value: hunter2",
    "- name: DB_PASSWORD\n  value: a-hunter2\n",
    "    - name: DB_PASSWORD\n      value: hunter2-hunter2\n",
    "- name: \"DB_PASSWORD\"\r\n  value: \"hunter2\"\r\n",
    "{\"name\":\"DB_PASSWORD\",\"value\":\"hunter2\"}",
    "{\n \"name\": \"API_TOKEN\",\n \"value\": \"hunter2\"\n}",
    "{\\\"name\\\":\\\"DB_PASSWORD\\\",\\\"value\\\":\\\"hunter2\\\"}",
    // Headers.
    "Authorization: Bearer hunter2",
    "authorization: Basic hunter2hunter2==",
    "Proxy-Authorization: Digest username=\"bob\", response=\"hunter2\"",
    "{\"authorization\":\"Digest a=\\\"b\\\", c=hunter2\"}",
    "{\"msg\":\"got Authorization: Digest a=\\\"b\\\", hunter2\",\"b\":1}",
    "curl -H 'Authorization: Bearer hunter2' https://x",
    "map[Accept:[*/*] Authorization:[Bearer hunter2] Host:[x]]",
    "':authority', 'x'\n'authorization', 'Bearer hunter2'\n'accept', '*/*'",
    "Cookie: a=hunter2; b=hunter2",
    "set-cookie: session=hunter2; Path=/; HttpOnly",
    "'cookie', 'a=b; c=hunter2'",
    "x-api-key: hunter2",
    "sent Bearer hunter2.abc to it",
    "sent Basic Ym9iOmh1bnRlcjI= hunter",
    // URLs.
    "https://bob:hunter2@proxy.example.com:3128/x",
    "https://hunter2@github.com/x",
    "http://bob:hun/hunter2@proxy:3128",
    "http://bob:p@hunter2@proxy:3128",
    "\"http:\\/\\/bob:hunter2@proxy\"",
    "next=https%3A%2F%2Fbob%3Ahunter2%40host%2Fpath",
    "\"request_path\":\"/v1/x?apikey=hunter2\"",
    "GET /v1/x?a=b&api_key=hunter2&c=d HTTP/1.1",
    "GET /v1/x?key=hunter2 HTTP/1.1",
    "GET /v1/x?a=b&amp;token=hunter2",
    "/x?a=b\\u0026access_token=hunter2\\u0026c=d",
    "/x?sig=hunter2&se=1",
    "/x?next=%2Fy%3Faccess_token%3Dhunter2%26b%3Dc",
    "/x?client_secret=hunter2#top",
    "/x?code=hunter2",
    "\"auth\":\"Ym9iOmh1bnRlcjI=\" hunter",
    "GET https:%2F%2Fbob:hunter2@proxy/x",
    "proxy //bob:hunter2@proxy:3128 was used",
    "dsn bob:hunter2@tcp(db:3306)/apigee",
    "https://hooks.slack.com/services/T00000000/B00000000/hunter2hunter2",
    // Escaped by who logged it, or by who sent it.
    r#"{"body":"{\x22password\x22:\x22hunter2\x22}"}"#,
    r#"{"body":"{\u0022password\u0022:\u0022hunter2\u0022}"}"#,
    r#"{"body":"{\\u0022password\\u0022: \\u0022hunter2\\u0022}"}"#,
    "{&quot;password&quot;:&quot;hunter2&quot;}",
    "{&#34;password&#x22;:&#34;hunter2&#34;}",
    "&lt;password&gt;hunter2&lt;/password&gt;",
    "?body=%7B%22password%22%3A%22hunter2%22%7D",
    "?body=%257B%2522password%2522%253A%2522hunter2%2522%257D",
    "?next=%2Fy%3Fpassword%3Da%2526hunter2",
    "Authorization%3A%20Bearer%20hunter2hunter2",
    "\\u001b[36mtoken\\u001b[0m=hunter2",
    "eyJhbGciOiJIUzI1NiJ9%2EeyJzdWIiOiJhIn0%2Ehunter2",
    "eyJhbGciOiJIUzI1NiJ9\\u002eeyJzdWIiOiJhIn0\\u002ehunter2",
    // A name and its value as two of a kind.
    "[\"authorization\",\"Bearer hunter2\"]",
    "[[\\\"x-api-key\\\", \\\"hunter2\\\"]]",
    "{\"value\":\"hunter2\",\"name\":\"DB_PASSWORD\"}",
    "{\\\"value\\\": \\\"hunter2\\\", \\\"name\\\": \\\"DB_PASSWORD\\\"}",
    "{\"key\":\"authorization\",\"value\":\"Basic hunter2\"}",
    "{\"header\":{\"key\":\"cookie\",\"value\":\"a=hunter2\"}}",
    "env: {Name:DB_PASSWORD Value:hunter2 ValueFrom:nil}",
    "<property name=\"password\" value=\"hunter2\"/>",
    "<property value='hunter2' name='password'/>",
    "<entry key=\"db.password\">hunter2</entry>",
    "bob\tpassword\thunter2\tx",
    "password hunter2",
    "  requirepass hunter2",
    "machine db login bob password hunter2",
    "? password\n: hunter2",
    "REDIS_AUTH=hunter2",
    "connectionString: Endpoint=sb://x/;Key=hunter2",
    "SharedAccessSignature=sr=x&sig=hunter2&se=1",
    "x-apigee-key: hunter2",
    "{\"kty\":\"RSA\",\"n\":\"abc\",\"e\":\"AQAB\",\"d\":\"hunter2\",\"dp\":\"hunter2\"}",
    "{\"k\":\"hunter2\",\"kty\":\"oct\"}",
    "{\\\"kty\\\":\\\"oct\\\",\\\"k\\\":\\\"hunter2\\\"}",
    "  \"d\": \"hunter2ABChunter2hunter2hunter2hunter2hunter2\",",
    // Calls.
    "curl -u bob:hunter2 https://x",
    "curl -ubob:hunter2 https://x",
    "curl --user 'bob:hunter2' https://x",
    "[\"curl\",\"-u\",\"bob:hunter2\"]",
    "sshpass -p hunter2 ssh bob@x",
    "curl -sku bob:hunter2 https://x",
    "curl -H 'Authorization: Bearer hunter2' -u bob:hunter2 https://x",
    "curl -b 'session=hunter2' https://x",
    "cqlsh -u cassandra -p hunter2 db",
    "nodetool -u jmx -pw hunter2 status",
    "mysql -phunter2 -h db",
    "docker login -p hunter2 registry",
    "CREATE USER bob IDENTIFIED BY 'hunter2'",
    "keytool -list -keystore x.jks -storepass hunter2",
    "args: [--port, 8443, --password, hunter2]",
    "- --password\n- hunter2",
    "  \"--password\",\n  \"hunter2\",",
    // Names that are something else as well.
    "{\"request\":\"GET /login?user=bob&pwd=hunter2 HTTP/2\"}",
    "UID=sa;PWD=hunter2;",
    "DBPASS=hunter2 SECRET_KEY_BASE=hunter2",
    "fastcgi_param DB_PASSWORD hunter2;",
    "proxy_set_header X-Api-Key hunter2;",
    "masterauth hunter2",
    "client_assertion=hunter2",
    // XML.
    "<wsse:Password Type=\"PasswordText\">hunter2</wsse:Password>",
    "<password xsi:type=\"xsd:string\">hunter2</password>",
    "<password><![CDATA[hunter2]]></password>",
    "<password>\n  hunter2\n</password>",
    // Below a name, and around a value.
    "password:\n  value: hunter2",
    "\"password\":{\"inline_string\":\"hunter2\"}",
    "{\"header\":{\"key\":\"authorization\",\"raw_value\":\"hunter2\"}}",
    "http.Header{\"Cookie\":[]string{\"a=hunter2\"}}",
    "[\"Host\",\"x\",\"Authorization\",\"Token hunter2\",\"Cookie\",\"a=hunter2\"]",
    "add(\"authorization\", \"hunter2\")",
    "- name: DB_PASSWORD\n  # of the database\n\n  value: hunter2",
    "- name: DB_PASSWORD # of the database\n  value: hunter2",
    "db.password=\\\n  hunter2",
    "password = my hunter2",
    "  ~ password = \"old\" -> \"hunter2\"",
    "+ password:\n+   hunter2",
    "name=\"password\"\r\n\r\nhunter2",
    "\u{1b}[01;31m\u{1b}[Kpassword\u{1b}[m\u{1b}[K=hunter2",
    // Secrets of Kubernetes in text.
    "Request Body: {\"kind\":\"Secret\",\"apiVersion\":\"v1\",\"data\":{\"any\":\"hunter2\",\"b\":\"a}hunter2\"}}",
    "{\\\"data\\\":{\\\"any\\\":\\\"hunter2\\\"},\\\"kind\\\":\\\"Secret\\\"}",
    "kind: Secret\nstringData:\n  foo: hunter2\n  bar: |\n    hunter2\ntype: Opaque",
    "apiVersion: v1\ndata:\n  foo: hunter2\nkind: Secret",
    "Response Body: \"{\\\"kind\\\":\\\"Secret\\\",\\\"data\\\":{\\\"tls.key\\\":\\\"hunter2",
    "Response Body: \"{\\\"kind\\\":\\\"Secret\\\",\\\"data\\\":{\\\"k\\\":\"",
    "{\n  \"kind\": \"Secret\",\n  \"data\": {\n    \"any\": \"hunter2\"\n  }\n}",
    "{\n  \"data\": {\n    \"any\": \"hunter2\"\n  },\n  \"kind\": \"Secret\"\n}",
    "Body: {\"kind\":\"SecretList\",\"items\":[{\"data\":{\"any\":\"hunter2\"}}]}",
    "kind: SecretList\nitems:\n- data:\n    any: hunter2",
    "kind: Secret\ndata: {any: hunter2}",
    "kind: Secret\ndata: # keys\n  any: hunter2",
    "{\"msg\":\"kind: Secret\\ndata:\\n  a: hunter2\\n\"}",
    "{\"kind\":\"Secret\",\"data\":{\"a\":{\"b\":\"c\"},\"d\":\"hunter2\"}}",
    "{\"tokens\":[\"a]b\",\"hunter2\"]}",
    "{\"tokens\":[[\"a\"],[\"hunter2\"]]}",
    "APIGEE_AUTH:  hunter2",
    "--set postgres.rootPw=hunter2",
    "{\"pw\":\"hunter2\"}",
    "ldap.bindpw = hunter2",
    "example.com/basic-auth: admin:hunter2",
    "jdbc:oracle:thin:scott/hunter2@//db:1521/x",
    "passwords:\n  admin: hunter2",
    "redis-cli -h db -a 'hunter2' ping",
];

/// Lines that have to come out as they went in.
const SURVIVE: &[&str] = &[
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "image: gcr.io/apigee-release/hybrid/apigee-asm-ingress@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "uid: 2b1e7c6e-7d2c-4c7a-9f1d-6a1c2f0f5b11",
    "SHA256 Fingerprint=51:9A:CD:3B:44:8D:C3:A9:08:12:4D:23:AC:E0:BA:7E:21:26:59:54:56:35:D1:5D:C0:CB:7C:7D:3F:47:4C:50",
    "sslKeyPath: ./certs/keystore.key",
    "sslCertPath: ./certs/keystore.pem",
    "sslSecret: apigee-ingress-tls",
    "secretName: apigee-ingress-tls",
    "kmsEncryptionSecret: org-encryption",
    "serviceAccountPath: ./service-accounts/key.json",
    "ssl_certificate_key: /opt/tls/tls.key",
    "- key: node-role.kubernetes.io/control-plane",
    "  secretKeyRef:",
    "    key: tls.key",
    "  secret:",
    "    defaultMode: 420",
    "automountServiceAccountToken: false",
    "password: null",
    "\"token\":\"\"",
    "token: true",
    "MountVolume.SetUp failed for volume \"certs\" : secret \"apigee-ingress-tls\" not found",
    "error: the server refused the token",
    "https://apigee.googleapis.com/v1/organizations/example/environments/test/deployments?pageSize=10",
    "GET /hello?id=10&monkey=1&keyword=x HTTP/2",
    "apigee.cloud.google.com/v1alpha1, Kind=ApigeeRoute",
    "outbound|8443||apigee-runtime-example-test-1234567-1160-abcdefg.apigee.svc.cluster.local",
    "/var/run/secrets/kubernetes.io/serviceaccount/token",
    "/usr/local/share/ca-certificates/some/very/long/path/of/directories/that/is/no/secret/at/all",
    "X-Request-Id: 0b1f0b8e-9a3c-4a44-8f0e-6b2f7d7a6c55",
    "Bearer authentication is needed",
    "WWW-Authenticate: Bearer realm=\"x\"",
    "user@example.com wrote to admin@example.org",
    "https://host:8443/path@2",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 ECDHE-RSA-AES128-GCM-SHA256",
    "reset 1234 of 5678 connections, 3 restarts",
    "trace 4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 4bf92f3577b34da6a3ce929d0e0e4736",
    "zone: Europe/Berlin, basic authentication: off",
    "runAsUser 1000, docker run -u 1000:1000 --user-agent curl",
    "// see https://host/a//b and //host/path",
    "PWD=/home/bob OLDPWD=/tmp",
    "value=name=x value=name=monkey",
    "kind: ConfigMap\ndata:\n  foo: bar",
    "MountVolume.SetUp failed: references non-existent secret key: tls.crt, kind Secret",
    "allowHeaders: [\"Authorization\",\"Content-Type\"]",
    "{\"name\":\"API_KEY_HEADER\",\"value\":\"x-api-key\"}",
    "  max_tokens: 100",
    "{\"token_bucket\":{\"max_tokens\":100},\"tokens\":5}",
    "tls.key:  1675 bytes",
    "DB_PASSWORD:  <set to the key 'password' in secret 'cassandra-auth'>",
    "\"headers_to_remove\":[\"authorization\",\"cookie\"]",
    "{\"involvedObject\":{\"kind\":\"Secret\",\"name\":\"tls\"},\"data\":{\"reason\":\"rotated\"}}",
    "mysql -h db -P 3306; curl -b cookies.txt https://x",
    "{\"authorization\":null,\"cookie\":null,\"status\":200}",
    "METRICS=5 TLS_AUTH_ENABLED=true SSH_AUTH_SOCK=/tmp/x",
    "{\"name\":\"POD_NAME\",\"value\":\"x\"} {\"d\":\"today\",\"k\":\"v\"}",
    "password authentication failed for user x",
    "[\"username\",\"password\",\"email\"]",
    "GET /search?q=100%25&name=a%20b HTTP/1.1",
    r"C:\Users\u0 \x \u12",
    "{\"start_time\":\"2025-05-19T04:50:00.000Z\",\"remote_address\":\"10.138.0.28:20111\",\"user_agent\":\"curl/8.5.0\",\"host\":\"api-test.mydomain.com\",\"request\":\"GET /hello HTTP/2\",\"request_time\":12,\"status\":200,\"status_details\":\"via_upstream\",\"upstream_response_flags\":\"-\",\"tls_protocol\":\"TLSv1.3\",\"request_id\":\"0-0\",\"sni_host\":\"api-test.mydomain.com\",\"apigee_dynamic_data\":null}",
];

#[test]
fn what_is_secret_vanishes() {
    for input in VANISH {
        let output = text(input);
        assert!(!output.contains("hunter2"), "{input:?} → {output:?}");
        assert!(!output.contains("aHVudGVyMg") && !output.contains("Ym9iOmh1bnRlcjI"), "{input:?} → {output:?}");
        assert_eq!(output.matches('\n').count(), input.matches('\n').count(), "{input:?} → {output:?}");
        assert_eq!(text(&output), output, "again: {input:?}");
        // The same line in a log, after another.
        let log = format!("first line\n{input}\nlast line\n");
        let output = text(&log);
        assert!(!output.contains("hunter2"), "{log:?} → {output:?}");
        assert!(output.starts_with("first line\n") && output.ends_with("\nlast line\n"), "{output:?}");
    }
}

#[test]
fn what_is_not_secret_survives() {
    for input in SURVIVE {
        assert_eq!(text(input), *input);
    }
}

#[test]
fn only_the_value_goes() {
    for (input, expected) in [
        ("user=bob,password=x,host=db", "user=bob,password=<redacted>,host=db"),
        ("{\"password\":\"x\",\"b\":2}", "{\"password\":\"<redacted>\",\"b\":2}"),
        ("{\"password\":12,\"b\":2}", "{\"password\":\"<redacted>\",\"b\":2}"),
        ("{\"tokens\":[\"a\",\"b\"],\"b\":2}", "{\"tokens\":[\"<redacted>\"],\"b\":2}"),
        ("https://bob:x@proxy:3128/a?b=c", "https://<redacted>@proxy:3128/a?b=c"),
        ("GET /x?apikey=x&b=c HTTP/1.1", "GET /x?apikey=<redacted>&b=c HTTP/1.1"),
        ("{\"m\":\"Authorization: Bearer x y\",\"b\":1}", "{\"m\":\"Authorization: <redacted>\",\"b\":1}"),
        ("curl -H 'Cookie: a=b' https://h", "curl -H 'Cookie: <redacted>' https://h"),
        ("{\\\"token\\\":\\\"x\\\",\\\"b\\\":1}", "{\\\"token\\\":\\\"<redacted>\\\",\\\"b\\\":1}"),
        ("password: |\r\n  x\r\n\r\n  y\r\nb: 1\r\n", "password: |\r\n  <redacted>\r\n\r\n  <redacted>\r\nb: 1\r\n"),
        ("secret:\n  secretName: x\n", "secret:\n  secretName: x\n"),
        ("<password>a b</password> c", "<password><redacted></password> c"),
        ("(password=x) and more", "(password=<redacted>) and more"),
        ("{\"a\":\"{\\\"token\\\":12,\\\"b\\\":1}\"}", "{\"a\":\"{\\\"token\\\":\\\"<redacted>\\\",\\\"b\\\":1}\"}"),
        ("{\"a\":\"'cookie', 'ab\",\"b\":1}", "{\"a\":\"'cookie', '<redacted>\",\"b\":1}"),
        ("<a:password b=\"c\">x</a:password>", "<a:password b=\"c\"><redacted></a:password>"),
    ] {
        assert_eq!(text(input), expected, "{input:?}");
    }
}

#[test]
fn json_stays_json() {
    for line in [
        r#"{"authorization":null,"cookie":7,"status":200}"#,
        r#"{"kind":"Secret","data":{"a":"b"},"x":1}"#,
        r#"{"m":"{\"kind\":\"Secret\",\"data\":{\"a\":\"b\"}}","b":1}"#,
        r#"{"m":"redis-cli -a x"}"#,
        r#"{"m":"sshpass -p x","b":1}"#,
        r#"{"args":["curl","-ubob:x","mysql","-px"]}"#,
        r#"{"m":"password:","b":1}"#,
        r#"{"a":"no password ","b":"c"}"#,
        r#"{"m":"password=\\","b":1}"#,
        r#"{"tokens":[1,2],"passwords":[{"a":1}]}"#,
        r#"{"log":"http.Header{\"Cookie\":[]string{\"a=x\"}}"}"#,
        r#"{"a":"{\"token\":12,\"tokens\":[\"a\"]}"}"#,
        r#"{"kty":"oct","k":12,"b":{"password":true}}"#,
    ] {
        let is_json = |text: &str| serde_json::from_str::<serde_json::Value>(text).is_ok();
        let output = text(line);
        assert!(is_json(line) && is_json(&output), "{line} → {output}");
    }
}

#[test]
fn what_goes_for_the_line_before_is_counted() {
    for lines in ["- --password\n- hunter2", "  \"--password\",\n  \"hunter2\","] {
        let mut redactions = Redactions::default();
        let output = Redactor::of_secrets().text(lines, &mut redactions);
        assert!(!output.contains("hunter2"), "{output}");
        assert_eq!(redactions.0.get("named-value"), Some(&1), "{lines}");
    }
    let inside = encoded(b"containers of a pod:\n- --password\n- hunter2 and more\n");
    assert_eq!(text(&format!("x: {inside}")), "x: <redacted>");
}

#[test]
fn tokens_are_known_by_their_first_letters() {
    let body = "0123456789abcdefABCDEF0123456789abcdefAB";
    for token in [
        format!("AIza{}", &body[..35]),
        format!("ya29.{body}"),
        format!("1//0{body}"),
        format!("ghp_{body}"),
        format!("ghs_{body}"),
        format!("GOCSPX-{body}"),
        format!("AKIA{}", "ABCDEFGH23456789"),
        format!("github_pat_{body}"),
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N".to_owned(),
    ] {
        for (before, after) in [
            ("", ""),
            ("used ", " once"),
            ("x=\"", "\""),
            ("{\"m\":\"a\\n", "\\n\"}"),
            ("?a%3D", "&b=c"),
            ("(", ")."),
            ("/", "/x"),
        ] {
            let input = format!("{before}{token}{after}");
            assert_eq!(text(&input), format!("{before}<redacted>{after}"), "{input}");
        }
    }
}

#[test]
fn private_keys_vanish_in_every_wrapping() {
    let key = key_pem();
    let body: Vec<&str> = key.lines().filter(|line| !line.starts_with('-')).collect();
    let escaped = key.replace('\n', "\\n");
    let twice = key.replace('\n', "\\\\n");
    let der = body.concat();
    let indented = key.lines().map(|line| format!("    {line}\n")).collect::<String>();
    let prefixed = key.lines().map(|line| format!("2025-05-19T04:50:00Z app {line}\n")).collect::<String>();
    let wrapped =
        encoded(key.as_bytes()).as_bytes().chunks(76).map(|line| [line, b"\n"].concat()).collect::<Vec<_>>().concat();
    let json =
        serde_json::json!({"type": "service_account", "private_key_id": "0123456789", "private_key": key}).to_string();
    let once = encoded(key.as_bytes());
    for input in [
        key.clone(),
        key.replace('\n', "\r\n"),
        format!("before\n{key}after\n"),
        format!("tls.key: |\n{indented}after: 1\n"),
        format!("a: |\n{indented}after: 1\n"),
        format!("a: \"{}\"\n", key.replace('\n', "\n  ")),
        prefixed.clone(),
        format!("{{\"m\":\"{escaped}\"}}"),
        format!("{{\"m\":\"{{\\\"k\\\":\\\"{twice}\\\"}}\"}}"),
        format!("key {}", key.replace('\n', " ")),
        key.replace("PRIVATE KEY", "RSA PRIVATE KEY"),
        key.replace("PRIVATE KEY", "OPENSSH PRIVATE KEY"),
        key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"),
        key.replace("PRIVATE KEY", "PGP PRIVATE KEY BLOCK"),
        // Without an end, and without a beginning.
        key.lines().take(8).map(|line| format!("{line}\n")).collect(),
        key.lines().skip(3).map(|line| format!("{line}\n")).collect(),
        format!("x \"{}\"", escaped.split_once("\\n").unwrap().1),
        json.clone(),
        once.clone(),
        format!("tls.key={once}"),
        format!("  value/{once},"),
        encoded(once.as_bytes()),
        encoded(encoded(once.as_bytes()).as_bytes()),
        encoded(encoded(encoded(once.as_bytes()).as_bytes()).as_bytes()),
        once.replace('+', "%2B").replace('=', "%3D"),
        key.replace(' ', "%20").replace('+', "%2B").replace('\n', "%0A"),
        format!("k={}&x=1", key.replace(' ', "+").replace('\n', "%0D%0A").replace("=\n", "%3D\n")),
        key.replace('\n', "\\u000a").replace('-', "\\u002d"),
        prefixed.lines().skip(3).map(|line| format!("{line}\n")).collect(),
        body.iter().map(|line| format!("2025-05-19T04:50:00Z app: {line}\n")).collect(),
        body.iter().map(|line| format!("{{\"level\":\"info\",\"msg\":\"{line}\"}}\n")).collect(),
        encoded(json.as_bytes()),
        String::from_utf8(wrapped).unwrap(),
        format!("der {der}\n"),
        format!("{}\nafter\n", body.join("\n")),
        format!("{}-----BEGIN CERTIFICATE-----\nAAAA\n", key.replace("-----END PRIVATE KEY-----\n", "")),
    ] {
        let output = text(&input);
        for (number, line) in body.iter().enumerate().take(body.len() - 1) {
            // Of a key that was cut, what is there.
            assert!(!output.contains(line), "line {number} of the key is left of {input:?}: {output:?}");
            assert!(!output.contains(&encoded(line.as_bytes())[4..60]), "{input:?}: {output:?}");
        }
        assert!(!output.contains(&once[100..140]), "{input:?}: {output:?}");
        assert!(output.contains("<redacted>"), "{input:?}: {output:?}");
        for piece in PIECES {
            let (streamed, _) = streamed(input.as_bytes(), piece);
            assert_eq!(String::from_utf8(streamed).unwrap(), output, "in pieces of {piece}");
        }
    }
}

#[test]
fn what_follows_a_key_is_shown_again() {
    let key = key_pem();
    let output = text(&format!("before\n{key}after\n"));
    assert!(output.starts_with("before\n<redacted>\n") && output.ends_with("<redacted>\nafter\n"), "{output}");
    // A key without an end costs a bounded window.
    let log = "a line of a log that goes on\n".repeat(5000);
    let output = text(&format!("{}{log}", key.lines().next().unwrap().to_owned() + "\n"));
    assert!(output.ends_with("a line of a log that goes on\n"));
    assert!(output.matches("<redacted>").count() < 1300);
}

#[test]
fn public_certificates_survive() {
    let certificate = certificate_pem();
    assert_eq!(text(&certificate), certificate);
    let base64 = format!("caBundle: {}\n", encoded(certificate.as_bytes()));
    assert_eq!(text(&base64), base64);
    let json = serde_json::json!({ "cert": certificate }).to_string();
    assert_eq!(text(&json), json);
    let der = format!("x {}\n", certificate.lines().filter(|line| !line.starts_with('-')).collect::<String>());
    assert_eq!(text(&der), der);
}

#[test]
fn pieces_of_any_size_give_the_same() {
    let mut whole = String::new();
    for input in VANISH.iter().chain(SURVIVE) {
        whole.push_str(input);
        whole.push_str("\nplain:\n");
    }
    whole.push_str(&certificate_pem());
    whole.push_str(&key_pem());
    whole.push_str("no end of line");
    let mut counts = Redactions::default();
    let expected = Redactor::of_secrets().text(&whole, &mut counts);
    for piece in PIECES {
        let (streamed, redactions) = streamed(whole.as_bytes(), piece);
        assert_eq!(String::from_utf8(streamed).unwrap(), expected, "in pieces of {piece}");
        assert_eq!(redactions, counts);
    }
}

#[test]
fn long_lines_and_text_in_two_bytes_are_withheld() {
    let long = format!("first\n{} password=hunter2\nlast\n", "x".repeat(MAX_LINE));
    for piece in [7000, usize::MAX] {
        let (output, redactions) = streamed(long.as_bytes(), piece);
        let length = MAX_LINE + " password=hunter2".len();
        assert_eq!(String::from_utf8(output).unwrap(), format!("first\n<redacted: a line of {length} bytes>\nlast\n"));
        assert_eq!(redactions.0.get("long-line"), Some(&1));
    }
    // A key that begins in a withheld line goes on below it.
    let key = key_pem();
    let (output, _) = streamed(format!("{} {key}after\n", "x".repeat(MAX_LINE)).as_bytes(), 1000);
    assert!(!String::from_utf8(output).unwrap().contains(key.lines().nth(2).unwrap()));
    let wide: Vec<u8> = "password: hunter2\n".bytes().flat_map(|byte| [byte, 0]).collect();
    let (output, redactions) = streamed(&wide, 3);
    assert!(!output.contains(&b'h'), "{output:?}");
    assert!(redactions.0.contains_key("not-understood"));
}

#[test]
fn bytes_that_are_no_text_stay_as_they_are() {
    let bytes = [b"\xff\xfe\x80 caf\xe9 ".as_slice(), b"password=hunter2 \xff\n"].concat();
    let (output, _) = streamed(&bytes, 2);
    assert_eq!(output, b"\xff\xfe\x80 caf\xe9 password=<redacted> \xff\n");
}

#[test]
fn archives_in_base64_cannot_be_looked_into() {
    let release = encoded(b"\x1f\x8b\x08\0\0\0\0\0\0\xff0123456789012345678901234567890123456789");
    assert_eq!(text(&format!("release {release}")), "release <redacted>");
}

#[test]
fn what_begins_like_a_secret_leaves_the_document_whole() {
    let redactor = Redactor::of_secrets();
    for text in [
        "password: [hunter2",
        "password='hunter2",
        "-----BEGIN PRIVATE KEY----- was cut hunter2",
        "<password>hunter2",
        "Authorization: 'hunter2",
    ] {
        let mut document = serde_json::json!({ "a": { "details": text, "list": [text, 1, null] }, "z": "after" });
        let mut redactions = Redactions::default();
        redactor.derived_document(&mut document, &mut redactions);
        assert!(!document.to_string().contains("hunter2"), "{text}: {document}");
        assert_eq!((&document["z"], &document["a"]["list"][1]), (&"after".into(), &1.into()), "{text}");
        assert_eq!(redactions.total(), 2, "{text}");
    }
}

/// What looks far ahead for nothing, or looks again at what it has seen, would take minutes for a line that anyone can send.
#[test]
fn hostile_lines_are_redacted_too() {
    let redactor = Redactor::new(Pseudonyms::Both, Names::new([7; 32]));
    let mut nested = "plain text that is readable".to_owned();
    for _ in 0..6 {
        nested = format!("%{}41 {} end", "25".repeat(9), encoded(format!("%{}41 {nested}", "25".repeat(9)).as_bytes()));
    }
    let mut lines = vec![nested];
    for part in [
        "auth=",
        "auth=[",
        "auth:[",
        "a.bc:",
        "ab.com:",
        "a.b:",
        "1.1.1.1:",
        "g:1::",
        "1.1.1.1-",
        "\u{1b}[",
        "\u{1b}[1m",
        "\"d\":[",
        "[\"password\",",
        "value=name=password",
        "\\",
        "%25",
        "&amp;",
        "\"data\":{\"",
        "password:{",
        "-u a ",
        "<password ",
        "login a password ",
        "kind",
        "eyJ",
        "AKIA",
        "://a",
        "//a:",
        "name=\"password\" ",
        "ip-1-1-1-",
        "-----BEGIN ",
        "PRIVATE KEY",
        "'cookie', '",
        "A",
        "A+",
        "x.",
    ] {
        lines.push(part.repeat(32 * 1024 / part.len()));
    }
    for line in lines {
        let line = format!("{line}\" ' api.acme.com 10.1.2.3 &password=hunter2");
        let output = redactor.text(&line, &mut Redactions::default());
        for gone in ["hunter2", "api.acme.com", "10.1.2.3"] {
            assert!(!output.contains(gone), "{gone} of {} …", &line[..line.len().min(40)]);
        }
    }
}
