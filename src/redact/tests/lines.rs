//! State between lines: cut and interleaved keys, labels sent by clients, and lines split by a container
//! runtime.

use super::*;
use crate::wire::log_window::LogWindow;

/// Returns the lines of a key that ends in a short line, as most keys do.
fn key_lines() -> Vec<String> {
    key_pem().lines().map(str::to_owned).collect()
}

fn chosen(log: &str) -> String {
    let redactor = Redactor::secrets_only();
    let mut stream = redactor.stream_secrets_only();
    let mut clean = Vec::new();
    stream.feed(log.as_bytes(), &mut clean);
    let _ = stream.finish(&mut clean);
    let (mut window, mut out) = (LogWindow::new(1 << 20), Vec::new());
    window.feed(&clean, &mut out);
    let _ = window.finish(&mut out);
    String::from_utf8(out).unwrap()
}

fn is_redacted(output: &str, key: &[String]) -> bool {
    let body: Vec<&String> = key.iter().filter(|line| !line.starts_with('-') && line.len() >= 24).collect();
    body.len() > 8 && !body.iter().any(|line| output.contains(line.as_str()))
}

#[test]
fn redacts_key_lines_whose_label_the_window_leaves_out() {
    let filler = |from: usize, to: usize| {
        (from..to).map(|number| format!("2026-03-01T10:00:00Z\tinfo\tstep {number}\n")).collect::<String>()
    };
    let reset = "{\"status\":0,\"status_details\":\"filter_chain_not_found\",\"id\":\"reset-1\"}\n";
    let mut key = key_lines();
    let middle = key.len() / 2;
    // Forty lines more than the window keeps before a relevant line.
    let body = key[1].clone();
    key.splice(2..2, std::iter::repeat_n(body, 40));
    for prefix in ["", "2026-03-01T10:00:00Z\tinfo\tconfig\t"] {
        let line = |line: &String| format!("{prefix}{line}\n");
        let (first, second) = key.split_at(40 + middle);
        let begin: String = first.iter().map(line).collect();
        let end: String = second.iter().map(line).collect();
        let log = format!("{}{begin}{reset}{end}{}", filler(0, 100), filler(100, 600));
        let output = chosen(&log);
        assert!(is_redacted(&output, &key), "{prefix:?}: {output}");
        assert!(output.contains("reset-1") && output.contains("step 110\n"), "{prefix:?}: {output}");
        assert!(output.contains("left out"), "{output}");
    }
}

#[test]
fn recognises_a_key_cut_at_both_ends_by_the_form_of_its_lines() {
    let key = key_lines();
    let body = &key[3..key.len() - 2];
    for prefix in ["", "2026-03-01T10:00:00.123Z ", "[2026-03-01 10:00:00] INFO app: ", "10:00:00,123 [main] WARN - "] {
        let alone: String = body.iter().map(|line| format!("{prefix}{line}\n")).collect();
        assert!(is_body_redacted(&text(&alone), body), "{prefix}: {alone}");
        let among: String = body.iter().map(|line| format!("{prefix}{line}\n{prefix}retry of server 7\n")).collect();
        let output = text(&among);
        assert!(is_body_redacted(&output, body) && output.contains("retry of server 7"), "{output}");
        for piece in PIECES {
            assert_eq!(String::from_utf8(streamed(among.as_bytes(), piece).0).unwrap(), output);
        }
    }
}

fn is_body_redacted(output: &str, body: &[String]) -> bool {
    !body.is_empty() && !body.iter().any(|line| output.contains(line.as_str()))
}

#[test]
fn keeps_base64_that_is_no_key() {
    let digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    let certificate = certificate_pem();
    let body: String =
        certificate.lines().skip(1).take_while(|line| !line.starts_with('-')).collect::<Vec<_>>().join("\n");
    let wrapped: String = encoded(certificate.as_bytes())
        .as_bytes()
        .chunks(76)
        .map(|line| format!("{}\n", string(line.to_vec())))
        .collect();
    for text_of in [
        format!("sha256:{digest}\n2026-03-01T10:00:00Z info digest {digest}\n"),
        "x-amz-id-2: eftixk72aD6Ap51TnqcoF8eFidJG9Z/2mkiDFu8yU9AS1ed4OpIszj7UDNEHGran\n".to_owned(),
        format!("{body}\n"),
        certificate.lines().map(|line| format!("2026-03-01T10:00:00Z info {line}\n")).collect(),
        wrapped,
    ] {
        assert_eq!(text(&text_of), text_of);
    }
}

#[test]
fn confines_labels_sent_by_clients_to_their_record() {
    let behind: String = (0..60)
        .map(|number| {
            format!(
                "{{\"user_agent\":\"curl\",\"id\":\"behind-{number}\",\"status_details\":\"filter_chain_not_found\"}}\n"
            )
        })
        .collect();
    let text_behind: String = (0..60)
        .map(|number| format!("[2026-03-01T10:00:00Z] \"GET /behind-{number} HTTP/1.1\" 0 - \"curl\"\n"))
        .collect();
    let mut labels = Vec::new();
    for kind in ["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "] {
        labels.push(format!("BEGIN {kind}PRIVATE KEY"));
        labels.push(format!("-----BEGIN {kind}PRIVATE KEY-----"));
    }
    for sent in [
        "-----BEGIN PGP PRIVATE KEY BLOCK-----",
        "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----",
        "-----BEGIN CERTIFICATE-----",
        "-----BEGIN%20PRIVATE%20KEY-----",
        "-----BEGIN+PRIVATE+KEY-----",
        "\\x2d\\x2d\\x2d\\x2d\\x2dBEGIN PRIVATE KEY-----",
        "\\u002d\\u002d\\u002dBEGIN PRIVATE KEY\\u002d\\u002d\\u002d",
        "kind: Secret",
        "kind: Secret\\\\ndata:\\\\n",
        "password: |",
        "\\\\npassword: |\\\\n",
        "\\\\n--password",
        "name=DB_PASSWORD",
        "password:",
    ] {
        labels.push(sent.to_owned());
    }
    let redactors = [Redactor::secrets_only(), Redactor::new(Pseudonyms::Both, Names::new([1; 32]))];
    for label in &labels {
        for (record, behind) in [
            (format!("{{\"user_agent\":\"{label}\",\"status\":200}}\n"), &behind),
            (format!("{{\"status\":200,\"path\":\"/a/{label}\"}}\n"), &behind),
            (format!("{{\"sni_host\":\"{label}\",\"x\":{{\"y\":\"{label}\"}}}}\n"), &behind),
            (format!("{{\"log\":\"{{\\\"x_forwarded_for\\\":\\\"{label}\\\"}}\"}}\n"), &behind),
            (format!("[2026-03-01T10:00:00Z] \"GET /{label} HTTP/1.1\" 200 - \"curl\"\n"), &text_behind),
            (format!("[2026-03-01T10:00:00Z] \"GET / HTTP/1.1\" 200 - \"{label}\"\n"), &text_behind),
            (format!("[2026-03-01T10:00:00Z] \"GET / HTTP/1.1\" 200 - \"\" {label}\n"), &text_behind),
            (format!("2026-03-01T10:00:00Z\terror\tread tls.key: no {label} found in it\n"), &text_behind),
            (format!("2026-03-01T10:00:00Z\terror\tread tls.key: expected {label}\n"), &behind),
        ] {
            for redactor in &redactors {
                let output = redactor.text(&format!("{record}{behind}"), &mut Redactions::default());
                for number in 0..60 {
                    assert!(output.contains(&format!("behind-{number}")), "{number} behind {record}: {output}");
                }
            }
        }
    }
}

#[test]
fn keeps_prose_that_names_a_label() {
    for line in [
        "{\"user_agent\":\"BEGIN PRIVATE KEY\",\"status\":200,\"sni_host\":\"api.shop.test\"}",
        "2026-03-01T10:00:00Z\terror\tthe file has no BEGIN RSA PRIVATE KEY line, see the END PRIVATE KEY line",
    ] {
        assert_eq!(text(line), line);
    }
    let line = "{\"user_agent\":\"-----BEGIN PRIVATE KEY-----\",\"status\":200,\"sni_host\":\"api.shop.test\"}";
    assert_eq!(text(line), "{\"user_agent\":\"<redacted>\",\"status\":200,\"sni_host\":\"api.shop.test\"}");
}

#[test]
fn redacts_a_key_below_a_label_in_a_message() {
    let key = key_lines();
    let body = key[1..].join("\n");
    for begin in [
        "cannot parse -----BEGIN PRIVATE KEY-----",
        "2026-03-01T10:00:00Z error tls: bad \"a\" in -----BEGIN PRIVATE KEY-----",
    ] {
        let output = text(&format!("{begin}\n{body}\nafter the key\n"));
        assert!(is_redacted(&output, &key) && output.ends_with("after the key\n"), "{output}");
    }
    // Each line of the key in a record of its own.
    let records: String = key.iter().map(|line| format!("{{\"level\":\"info\",\"msg\":\"{line}\"}}\n")).collect();
    assert!(is_body_redacted(&text(&records), &key[1..key.len() - 2]), "{}", text(&records));
}

#[test]
fn redacts_the_pieces_of_a_line_like_the_line() {
    let cri = |tag: &str, stream: &str, part: &str| format!("2026-03-01T10:00:00.1Z {stream} {tag} {part}\n");
    let docker = |part: &str| {
        let value = serde_json::Value::from(part);
        format!("{{\"log\":{value},\"stream\":\"stdout\",\"time\":\"2026-03-01T10:00:00.1Z\"}}\n")
    };
    let stays = "\"status\":200}";
    for log in [
        cri("P", "stdout", "{\"password\":\"half-one") + &cri("F", "stdout", "half-two\",\"status\":200}"),
        cri("P:x", "stdout", "{\"passw")
            + &cri("P", "stdout", "ord\":\"half-one-")
            + &cri("F", "stdout", "half-two\",\"status\":200}"),
        cri("P", "stdout", "{\"password\":\"half-one")
            + &cri("F", "stderr", "{\"other\":1}")
            + &cri("F", "stdout", "half-two\",\"status\":200}"),
        docker("{\"password\":\"half-one") + &docker("half-two\",\"status\":200}\n"),
        docker("{\"passw") + &docker("ord\":\"half-one") + &docker("half-two\",\"status\":200}\r\n"),
    ] {
        let lines = log.lines().count();
        for output in [text(&log), String::from_utf8(streamed(log.as_bytes(), 7).0).unwrap()] {
            assert!(!output.contains("half-one") && !output.contains("half-two"), "{output}");
            assert!(output.contains(stays) || output.contains("\\\"status\\\":200}"), "{output}");
            assert_eq!(output.lines().count(), lines, "{output}");
            assert_eq!(text(&output), output);
        }
    }
}

#[test]
fn keeps_pieces_without_a_secret_unchanged() {
    let long = "x".repeat(1000);
    for log in [
        format!("2026-03-01T10:00:00.1Z stdout P {long}\n2026-03-01T10:00:00.2Z stdout F {long}\n"),
        format!("2026-03-01T10:00:00.1Z stdout P {long}\nanother program\n"),
        "2026-03-01T10:00:00.1Z stdout F \n2026-03-01T10:00:00.1Z stdout F\n".to_owned(),
        "{\"log\":\"a \\u003c b\\n\",\"stream\":\"stderr\",\"time\":\"2026-03-01T10:00:00.1Z\"}\n".to_owned(),
        "{\"log\":\"a\",\"stream\":\"stdout\",\"time\":\"2026-03-01T10:00:00.1Z\"}".to_owned(),
        "2026-03-01T10:00:00.1Z stdout Program ends\n{\"log\":1}\n".to_owned(),
    ] {
        assert_eq!(text(&log), log);
        assert_eq!(streamed(log.as_bytes(), 3).0, log.as_bytes());
    }
}

#[test]
fn finds_keys_inside_container_runtime_envelopes() {
    let key = key_lines();
    let cri: String = key.iter().map(|line| format!("2026-03-01T10:00:00.1Z stdout F {line}\n")).collect();
    let docker: String = key
        .iter()
        .map(|line| format!("{{\"log\":\"{line}\\n\",\"stream\":\"stdout\",\"time\":\"2026-03-01T10:00:00.1Z\"}}\n"))
        .collect();
    for log in [cri, docker] {
        let output = text(&log);
        assert!(!output.contains(&key[1]) && !output.contains(&key[key.len() - 2]), "{output}");
        assert_eq!(output.lines().count(), key.len());
    }
}

#[test]
fn withholds_an_endless_split_line_in_bounded_memory() {
    let piece = format!("2026-03-01T10:00:00.1Z stdout P password={}\n", "x".repeat(16 * 1024));
    let log = piece.repeat(40) + "2026-03-01T10:00:00.1Z stdout F hunter2\n2026-03-01T10:00:00.1Z stdout F after\n";
    let (output, redactions) = streamed(log.as_bytes(), 4096);
    let output = String::from_utf8(output).unwrap();
    assert!(!output.contains("xxx") && !output.contains("hunter2"), "{}", output.len());
    assert!(output.ends_with(" after\n") && output.lines().count() == 42, "{output}");
    assert_eq!(redactions.0.get("long-line"), Some(&1));
}

/// Words of this program that a reader of files would take for a name and its secret.
#[test]
fn its_own_progress_and_errors_stay_readable() {
    let redactor = Redactor::secrets_only();
    for text in [
        "Secrets in the namespace: 12 found",
        "Secrets in the namespace: forbidden: this user needs list secrets in namespace apigee",
        "GOOGLE_APPLICATION_CREDENTIALS is not set, there are no application-default credentials of Google and no metadata \
         server, and gcloud is not installed",
    ] {
        assert_eq!(redactor.text(text, &mut Redactions::default()), text);
    }
}
