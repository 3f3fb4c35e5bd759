//! Values that come before their names, behind other lines, or in a field of their own.

use super::*;

/// Inputs in which `hunter2` is the secret.
const VANISH: &[&str] = &[
    // A value before its name.
    "- value: hunter2\n  name: DB_PASSWORD",
    "- value: 'hunter2'\r\n  name: 'DB_PASSWORD'\r\n",
    "env:\n  - value: hunter2\n    name: DB_PASSWORD # of the database\nargs: []",
    "- value: |\n    abc\n\n    hunter2\n  name: DB_PASSWORD",
    "- value: >-\n    hunter2\n  # of the database\n  name: DB_PASSWORD",
    "- value:\n    hunter2\n  name: DB_PASSWORD",
    "- value: abc\n    hunter2\n  name: DB_PASSWORD",
    "- value: hunter2\n  type: text\n  name: DB_PASSWORD",
    "- value: a\n  name: POD\n- value: hunter2\n  name: DB_PASSWORD\n- value: b\n  name: X",
    "# - value: hunter2\n#   name: DB_PASSWORD",
    "+- value: hunter2\n+  name: DB_PASSWORD",
    "-- value: hunter2\n-  name: DB_PASSWORD",
    "{\n \"value\": \"hunter2\",\n \"name\": \"API_TOKEN\"\n}",
    "- content: hunter2\n  key: authorization",
    "data:\n  x: |\n    - value: hunter2\n      name: DB_PASSWORD\nkind: ConfigMap",
    "- value: hunter2\n{\"level\":\"info\"}\n2026-11-29T10:00:00Z info x\n  name: DB_PASSWORD",
    "2026-11-29T10:00:00.1Z stdout F - value: hunter2\n2026-11-29T10:00:00.1Z stdout F   name: DB_PASSWORD\n",
    "{\"log\":\"- value: hunter2\\n\",\"stream\":\"stdout\",\"time\":\"x\"}\n\
     {\"log\":\"  name: DB_PASSWORD\\n\",\"stream\":\"stdout\",\"time\":\"x\"}\n",
    "{\"log\":\"  \\\"value\\\": \\\"hunter2\\\",\\n\",\"stream\":\"stdout\",\"time\":\"x\"}\n\
     {\"log\":\"  \\\"name\\\": \\\"DB_PASSWORD\\\"\\n\",\"stream\":\"stdout\",\"time\":\"x\"}\n",
    "{\"msg\":\"- value: hunter2\\n  name: DB_PASSWORD\\n\"}",
    // Elements of XML.
    "<name>x.password</name><value>hunter2</value>",
    "<property>\n  <name>ConnectionPassword</name>\n  <value>hunter2</value>\n</property>",
    // A value that records of other threads interrupt.
    "kind: Secret\nstringData:\n  foo: |\n    abc\n{\"level\":\"info\",\"msg\":\"x\"}\n    hunter2\n",
    "kind: Secret\nstringData:\n  foo: |\n    abc\n2026-11-29T10:00:00Z info x\n    hunter2\ntype: Opaque",
    "kind: Secret\nstringData:\n  foo: |\n    abc\nserver started at once\n    hunter2\n",
    "kind: Secret\nstringData:\n{\"level\":\"info\",\"msg\":\"x\"}\n  foo: hunter2\n",
    "password: |\n  abc\nINFO started\nI1129 10:00:00.123456 1 main.go:1] x\n  hunter2",
    "password: |\n{\"a\":1}\n  hunter2",
    "password: |\n  abc\ntime=\"2026-11-29\" level=info msg=x\n  hunter2",
    "password: |\n  abc\n{\"msg\":\"password: |\"}\n  hunter2",
    "credentials:\n  user: bob\n{\"a\":1}\n  phrase: hunter2",
    "- name: DB_PASSWORD\n{\"level\":\"info\"}\n  value: hunter2",
    "password = \"\"\"\n{\"a\":1}\nhunter2\n\"\"\"\n",
    // A field behind that of its name.
    "password;hunter2",
    "password ; hunter2 ;",
    "secret|hunter2|ok",
    "secret;hunter2;ok",
    "password,hunter2",
    "\"password\",\"hunter2\"",
    "\"password\";\"hunter2\"",
    "2026-11-29,INFO,password,hunter2,ok",
    "2026-11-29|INFO|password|hunter2|ok",
    "2026-11-29 10:00:00,123 | INFO | password | hunter2",
    "a\tpassword\thunter2",
    "\"a\"\t\"password\"\t\"hunter2\"",
    "login failed password;hunter2",
    "{\"msg\":\"password;hunter2\",\"a\":1}",
    "{\"msg\":\"a|token|hunter2|b\",\"a\":1}",
    "password~hunter2",
    "Пароль;hunter2",
    "authorization|hunter2|x",
    "pwd=>hunter2",
    "'pwd'=>'hunter2'",
    "{\"m\":\"password\\thunter2\"}",
    "{\"m\":\"a\\tpassword\\thunter2\\tb\"}",
    // Connect strings of Oracle.
    "login scott/hunter2@db",
    "CONNECT scott/hunter2@db:1521/x",
    "connect scott/\"hunter2\"@db",
    "userid=scott/hunter2@db tables=x",
    "{\"msg\":\"dsn: scott/hunter2@db\"}",
    "sqlplus scott/hunter2@db",
    "sqlplus -s -L scott/hunter2@//db:1521/x @script.sql",
    "sqlplus scott/hunter2",
    "sqlplus \"scott/hunter2@db as sysdba\"",
    "expdp scott/hunter2 tables=x",
    "exp userid=scott/hunter2 file=x",
    "scott/hunter2@//db:1521/svc",
    "opened scott/hunter2@db:1521/svc",
];

/// Lines that must not change.
const SURVIVE: &[&str] = &[
    "- value: apigee\n  name: POD_NAME",
    "- value: apigee\n- name: DB_PASSWORD",
    "value: 1\nvalue: 2\nname: x",
    "- value: x\n  valueFrom:\n    secretKeyRef:\n      name: DB_PASSWORD",
    "{\n \"value\": \"10\",\n \"name\": \"size\"\n}",
    "- value: \"\"\n  name: DB_PASSWORD",
    "secrets,configmaps",
    "secret,apigee-tls-1,created",
    "[\"username\",\"password\",\"e2mail\"]",
    "password;user;host",
    "password|user|host",
    "token;",
    "String password; int token; x()",
    "if (!token) { return password; }",
    "the password; the token2",
    "password;required",
    "tokens,5",
    "token;q=0.5",
    "sqlplus / as sysdba",
    "sqlplus /nolog",
    "sqlplus @db/x.sql",
    "git login/x",
    "docker login registry.example/x",
    "go install github.com/a/b@v1",
    "uses: actions/checkout@v4",
    "gcr.io/acme/app@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "C:\\token\\template12",
    "<name>x.user</name><value>bob</value>",
    "password:\nserver started at once\n    detail of it\n",
    "connect to api/v1 at noon",
    "{\"level\":\"info\"}\n    at a.b.C(D.java:1)",
];

#[test]
fn redacts_values_away_from_their_names() {
    for input in VANISH {
        let output = text(input);
        assert!(!output.contains("hunter2"), "{input:?} → {output:?}");
        assert_eq!(output.lines().count(), input.lines().count(), "{output:?}");
        assert_eq!(text(&output), output, "twice");
        for piece in PIECES {
            assert_eq!(String::from_utf8(streamed(input.as_bytes(), piece).0).unwrap(), output, "in pieces of {piece}");
        }
    }
}

#[test]
fn keeps_what_resembles_them() {
    for input in SURVIVE {
        assert_eq!(text(input), *input);
    }
}

#[test]
fn redacts_only_the_value() {
    for (input, expected) in [
        (
            "- value: hunter2\n  name: DB_PASSWORD\n- value: b\n  name: X\n",
            "- value: <redacted>\n  name: DB_PASSWORD\n- value: b\n  name: X\n",
        ),
        (
            "{\n \"value\": \"a b\",\n \"name\": \"API_TOKEN\"\n}",
            "{\n \"value\": \"<redacted>\",\n \"name\": \"API_TOKEN\"\n}",
        ),
        ("- value: |\n    a\n  name: DB_PASSWORD\n", "- value: |\n    <redacted>\n  name: DB_PASSWORD\n"),
        ("password: |\n  a\n{\"b\":1}\n  c\nd: 1\n", "password: |\n  <redacted>\n{\"b\":1}\n  <redacted>\nd: 1\n"),
        ("secret|x|ok", "secret|<redacted>|ok"),
        ("password;x", "password;<redacted>"),
        ("a,password,hunter2,b", "a,password,<redacted>,b"),
        ("login user/x@db", "login <redacted>@db"),
        ("sqlplus -s user/x@db @y", "sqlplus -s <redacted>@db @y"),
    ] {
        assert_eq!(text(input), expected, "{input:?}");
    }
}

#[test]
fn counts_a_value_before_its_name() {
    let mut redactions = Redactions::default();
    let _ = Redactor::secrets_only().text("- value: hunter2\n  name: DB_PASSWORD\n", &mut redactions);
    assert_eq!(redactions.0.get("environment-value"), Some(&1));
    // Counted, and so recognised inside base64.
    let inside = encoded(b"containers of a pod:\n- value: hunter2\n  name: DB_PASSWORD\n");
    assert_eq!(text(&format!("x: {inside}")), "x: <redacted>");
}

#[test]
fn holds_a_bounded_part_of_an_entry() {
    let log = format!("- value: |\n{}  name: DB_PASSWORD\nafter\n", "    a line of a value\n".repeat(5000));
    let output = text(&log);
    assert!(output.ends_with("  name: DB_PASSWORD\nafter\n") && output.lines().count() == 5003);
}
