//! Redaction of texts and streams.

use super::tables::{SURVIVE, VANISH};
use super::*;

#[test]
fn redacts_every_secret_of_the_table() {
    let shown: Vec<(&&str, String)> = VANISH.iter().map(|input| (input, text(input))).collect();
    let left: Vec<_> = shown.iter().filter(|(_, output)| output.contains("hunter2")).collect();
    assert!(left.is_empty(), "{left:#?}");
    for (input, output) in shown {
        assert!(!output.contains("aHVudGVyMg") && !output.contains("Ym9iOmh1bnRlcjI"), "{input:?} → {output:?}");
        assert_eq!(output.matches('\n').count(), input.matches('\n').count(), "{input:?} → {output:?}");
        assert_eq!(text(&output), output, "again: {input:?}");
        // The same line in a log, behind another one.
        let log = format!("first line\n{input}\nlast line\n");
        let output = text(&log);
        assert!(!output.contains("hunter2"), "{log:?} → {output:?}");
        assert!(output.starts_with("first line\n") && output.ends_with("\nlast line\n"), "{output:?}");
    }
}

#[test]
fn keeps_every_harmless_line_of_the_table() {
    let shown = SURVIVE.iter().map(|input| (*input, text(input)));
    let changed: Vec<_> = shown.filter(|(input, output)| input != output).collect();
    assert!(changed.is_empty(), "{changed:#?}");
}

#[test]
fn redacts_only_the_value() {
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
fn keeps_json_valid() {
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
fn counts_values_redacted_because_of_the_line_before() {
    for lines in ["- --password\n- hunter2", "  \"--password\",\n  \"hunter2\","] {
        let mut redactions = Redactions::default();
        let output = Redactor::secrets_only().text(lines, &mut redactions);
        assert!(!output.contains("hunter2"), "{output}");
        assert_eq!(redactions.0.get("named-value"), Some(&1), "{lines}");
    }
    let inside = encoded(b"containers of a pod:\n- --password\n- hunter2 and more\n");
    assert_eq!(text(&format!("x: {inside}")), "x: <redacted>");
}

#[test]
fn recognises_tokens_by_their_prefix() {
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
fn redacts_whole_hashes_of_passwords() {
    for hash in [
        "$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/",
        "$5$rounds=5000$toolongsaltstrin$Un/5jzAHMgOGZ5.mWJpuVolil07guHPvOW8mGsh.",
        "$1$etNnh7FA$OlM7eljE/B7F1J4XYNnk81",
        "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
        "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$tnSYvahCwPBHKZUspmcxMfb0.WiB9W.zEaKlOBL35rC",
        "$argon2id$v=19$m=65536,t=3,p=4$wagCPXjifgvUFBzq4hqe3w$CYaIb8sB+wtD+Vu/P4uod1+Qof8h+1g7bbDlBID48Rc",
        "{SSHA}DkMTwBl+a/3DQTxCYEApdUtNXGgdUac3",
    ] {
        for (before, after) in [("root:", ":19000:0:99999:7:::"), ("hash is ", " now"), ("\"", "\"")] {
            assert_eq!(text(&format!("{before}{hash}{after}")), format!("{before}<redacted>{after}"));
        }
    }
    assert_eq!(text("costs $6$ or $2a$ each"), "costs $6$ or $2a$ each");
}

#[test]
fn names_in_disguise_are_names() {
    for name in
        ["pаssword", "pass\u{200b}word", "раѕsword", "ｐａｓｓｗｏｒｄ", "pass\u{2060}\u{ad}word", "api\u{feff}_kеy"]
    {
        for (before, after) in [("", ""), ("x ", ""), ("{\"a\":1,\"", "\"}")] {
            let input = format!("{before}{name}=hunter2x{after}");
            assert!(!text(&input).contains("hunter2x"), "{input}: {}", text(&input));
        }
    }
    for harmless in ["Пароли хранятся в Vault", "пассажир: Иванов", "naïve: plain", "zero\u{200b}width: text"]
    {
        assert_eq!(text(harmless), harmless);
    }
}

#[test]
fn redacts_private_keys_in_every_wrapping() {
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
        // Keys without an end, and without a beginning.
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
            // The remaining lines of a cut key.
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
fn keeps_the_lines_after_a_key() {
    let key = key_pem();
    let output = text(&format!("before\n{key}after\n"));
    assert!(output.starts_with("before\n<redacted>\n") && output.ends_with("<redacted>\nafter\n"), "{output}");
    // A key without an end redacts a bounded window.
    let log = "a line of a log that goes on\n".repeat(5000);
    let output = text(&format!("{}{log}", key.lines().next().unwrap().to_owned() + "\n"));
    assert!(output.ends_with("a line of a log that goes on\n"));
    assert!(output.matches("<redacted>").count() < 1300);
}

#[test]
fn keeps_public_certificates() {
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
fn redacts_pieces_of_any_size_alike() {
    let mut whole = String::new();
    for input in VANISH.iter().chain(SURVIVE) {
        whole.push_str(input);
        whole.push_str("\nplain:\n");
    }
    whole.push_str(&certificate_pem());
    whole.push_str(&key_pem());
    whole.push_str("no end of line");
    let mut counts = Redactions::default();
    let expected = Redactor::secrets_only().text(&whole, &mut counts);
    for piece in PIECES {
        let (streamed, redactions) = streamed(whole.as_bytes(), piece);
        assert_eq!(String::from_utf8(streamed).unwrap(), expected, "in pieces of {piece}");
        assert_eq!(redactions, counts);
    }
}

#[test]
fn withholds_long_lines_and_utf_16() {
    let long = format!("first\n{} password=hunter2\nlast\n", "x".repeat(MAX_LINE));
    for piece in [7000, usize::MAX] {
        let (output, redactions) = streamed(long.as_bytes(), piece);
        let length = MAX_LINE + " password=hunter2".len();
        assert_eq!(String::from_utf8(output).unwrap(), format!("first\n<redacted: a line of {length} bytes>\nlast\n"));
        assert_eq!(redactions.0.get("long-line"), Some(&1));
    }
    // A key that begins in a withheld line continues below it.
    let key = key_pem();
    let (output, _) = streamed(format!("{} {key}after\n", "x".repeat(MAX_LINE)).as_bytes(), 1000);
    assert!(!String::from_utf8(output).unwrap().contains(key.lines().nth(2).unwrap()));
    let wide: Vec<u8> = "password: hunter2\n".bytes().flat_map(|byte| [byte, 0]).collect();
    let (output, redactions) = streamed(&wide, 3);
    assert!(!output.contains(&b'h'), "{output:?}");
    assert!(redactions.0.contains_key("not-understood"));
}

#[test]
fn keeps_bytes_that_are_not_utf_8() {
    let bytes = [b"\xff\xfe\x80 caf\xe9 ".as_slice(), b"password=hunter2 \xff\n"].concat();
    let (output, _) = streamed(&bytes, 2);
    assert_eq!(output, b"\xff\xfe\x80 caf\xe9 password=<redacted> \xff\n");
}

#[test]
fn redacts_archives_in_base64() {
    let release = encoded(b"\x1f\x8b\x08\0\0\0\0\0\0\xff0123456789012345678901234567890123456789");
    assert_eq!(text(&format!("release {release}")), "release <redacted>");
}

#[test]
fn keeps_a_document_whole_when_a_text_looks_like_a_secret() {
    let redactor = Redactor::secrets_only();
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

#[test]
fn keeps_entries_of_an_object_whose_names_become_equal() {
    let mut document = serde_json::json!({ "token=aaaaaaaa": 1, "token=bbbbbbbb": 2, "token=cccccccc": 3 });
    Redactor::secrets_only().derived_document(&mut document, &mut Redactions::default());
    let kept = serde_json::json!({ "token=<redacted>": 1, "token=<redacted> (2)": 2, "token=<redacted> (3)": 3 });
    assert_eq!(document, kept);
}

/// Unbounded look-ahead or repeated scanning would take minutes for these lines, which anyone can send.
#[test]
fn redacts_hostile_lines_in_bounded_time() {
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
