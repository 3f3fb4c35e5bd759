//! Wrong arguments, each with a clear error and exit code 2 and without a panic; and the output formats.

use std::sync::Arc;

use libtest_mimic::Trial;

use crate::certificates::HOST;
use crate::run::Bench;
use crate::servers::silent_address;
use crate::shell::Result;

/// Arguments, and a part of the expected error.
const WRONG: &[(&[&str], &str)] = &[
    (&[], "HOST[:PORT]"),
    (&[""], "empty"),
    (&["api.example.com:0"], "port 0"),
    (&["api.example.com:65536"], "port 65536"),
    (&["http://api.example.com"], "not TLS"),
    (&["m\u{fc}nchen.example"], "xn--"),
    (&["a..b"], "between two dots"),
    (&["[::1"], "not closed"),
    (&["*.example.com"], "wildcard"),
    (&["-"], "hyphen"),
    (&["a.example", "--sni", "10.0.0.1"], "--no-sni"),
    (&["a.example", "--sni", ""], "empty"),
    (&["a.example", "--sni", "b.example", "--no-sni"], "cannot be used with"),
    (&["a.example", "--connect-to", "b.example"], "not an IP address"),
    (&["a.example", "--connect-to", "10.0.0.1:0"], "port 0"),
    (&["a.example", "--connect-to", "https://10.0.0.1:8443"], "not just an address"),
    (&["a.example", "--connect-to", "10.0.0.1 "], "not just an address"),
    (&["a.example", "--connect-to", "::1", "-4"], "the selected version"),
    (&["a.example", "--connect-to", "10.0.0.1", "-6"], "the selected version"),
    (&["https://me:sesame@a..b"], "https://<redacted>@a..b"),
    (&["a.example", "--via-proxy=http://127.0.0.1:99999"], "does not exist"),
    (&["a.example", "--via-proxy"], "HTTPS_PROXY is not set"),
    (&["--via-proxy", "http://127.0.0.1:3128", "a.example"], "with = and no space"),
    (&["a.example", "--key", "@client.key"], "--cert"),
    (&["a.example", "--cert", "@client.pem"], "no private key"),
    (&["a.example", "--cert", "@client.pem", "--key", "@api.key"], "does not fit"),
    (&["a.example", "--cert", "@client.pem", "--key", "@encrypted.key"], "openssl pkey"),
    (&["a.example", "--cert", "@client.key"], "BEGIN CERTIFICATE"),
    (&["a.example", "--cert", "@missing.pem"], "missing.pem"),
    (&["a.example", "--ca-file", "@missing.pem"], "missing.pem"),
    (&["a.example", "--ca-file", "@client.key"], "BEGIN CERTIFICATE"),
    (&["a.example", "--ca-file", "/"], "read /"),
    (&["a.example", "--ciphers", "NO-SUCH-SUITE"], "NO-SUCH-SUITE"),
    (&["a.example", "--ciphers", ""], "cipher"),
    (&["a.example", "--tls-min", "1.3", "--tls-max", "1.2"], "above"),
    (&["a.example", "--ciphers", "AES128-SHA", "--tls-min", "1.3"], "none of them is for such a version"),
    (&["a.example", "--ciphers", "TLS_AES_128_GCM_SHA256", "--tls-max", "1.2"], "none of them is for such a version"),
    (&["a.example", "--ciphers", "TLS_RSA_WITH_AES_128_CBC_SHA"], "OpenSSL calls it AES128-SHA"),
    (&["a.example", "--tls-min", "2.0"], "possible values"),
    (&["a.example", "--timeout", "0"], "above zero"),
    (&["a.example", "--parallel", "0"], "--parallel"),
    (&["a.example", "--via-proxy=socks5://p"], "socks5"),
    (&["a.example", "-4", "-6"], "cannot be used with"),
    (&["-f", "@missing.txt"], "missing.txt"),
    (&["-f", "-", "-f", "-"], "once"),
];

type AnyTest = Box<dyn Fn(&Bench) -> Result<()> + Send>;

pub fn trials(bench: Option<&Arc<Bench>>) -> Vec<Trial> {
    let trial = |name: String, test: AnyTest| {
        let bench = bench.cloned();
        Trial::test(name, move || match &bench {
            Some(bench) => test(bench).map_err(Into::into),
            None => Err("the servers were not started".into()),
        })
    };
    let mut trials: Vec<Trial> = WRONG
        .iter()
        .map(|(arguments, reason)| {
            trial(format!("wrong: {}", arguments.join(" ")), Box::new(|bench| is_refused(bench, arguments, reason)))
        })
        .collect();
    for (name, test) in FORMS {
        trials.push(trial((*name).to_owned(), Box::new(test)));
    }
    trials
}

fn is_refused(bench: &Bench, arguments: &[&str], reason: &str) -> Result<()> {
    let finished = bench.probe(arguments, &[], b"")?;
    let said = &finished.stderr;
    if finished.status.code() == Some(2)
        && finished.stdout.is_empty()
        && said.contains(reason)
        && !said.contains("panicked")
    {
        return Ok(());
    }
    Err(format!("{}, stdout of {} bytes, stderr: {said}", finished.status, finished.stdout.len()))
}

type Test = fn(&Bench) -> Result<()>;

const FORMS: &[(&str, Test)] = &[
    ("a password of a proxy is shown nowhere", |bench| {
        let endpoint = format!("{HOST}:{{envoy}}");
        for output in ["text", "wide", "json", "yaml"] {
            let url = "--via-proxy=http://me:sesame@127.0.0.1:{proxy-asks}";
            let finished = bench.probe(&[&endpoint, url, "-v", "-o", output], &[], b"")?;
            let all = format!("{}{}", String::from_utf8_lossy(&finished.stdout), finished.stderr);
            if all.contains("sesame") || !all.contains("407") {
                return Err(all);
            }
        }
        Ok(())
    }),
    ("a proxy of the environment is used where NO_PROXY does not except the host", |bench| {
        let endpoint = format!("{HOST}:{{envoy}}");
        let arguments = [endpoint.as_str(), "--via-proxy", "--ca-file", "@root.pem"];
        let proxy = ("HTTPS_PROXY", "http://127.0.0.1:{proxy}");
        let through = bench.probe(&arguments, &[proxy], b"")?;
        let beside = bench.probe(&arguments, &[proxy, ("NO_PROXY", ".mydomain.com")], b"")?;
        let (through, beside) = (through.status.code(), beside.status.code());
        // Without the proxy the name is looked up, and there is no such name.
        if (through, beside) == (Some(0), Some(1)) { Ok(()) } else { Err(format!("{through:?}, {beside:?}")) }
    }),
    ("a list from a file or from standard input keeps its order and says where it is wrong", |bench| {
        let list = format!("# comment\n{HOST}:{{envoy}}\n\n127.0.0.1:{{refused}} # nobody\n{HOST}:{{envoy}}\n");
        let mut filled = list;
        for name in ["envoy", "refused"] {
            filled = filled.replace(&format!("{{{name}}}"), &bench.port(name)?.to_string());
        }
        let finished = bench.probe(
            &["-f", "-", "--connect-to", "127.0.0.1", "--ca-file", "@root.pem", "-o", "json"],
            &[],
            filled.as_bytes(),
        )?;
        let report: serde_json::Value =
            serde_json::from_slice(&finished.stdout).map_err(|error| format!("{error}: {}", finished.stderr))?;
        let names: Vec<&str> =
            report["targets"].as_array().into_iter().flatten().filter_map(|target| target["name"].as_str()).collect();
        let expected = [format!("{HOST}:{}", bench.port("envoy")?), format!("127.0.0.1:{}", bench.port("refused")?)];
        if names != expected || finished.status.code() != Some(1) {
            return Err(format!("{names:?}, {}", finished.status));
        }
        let finished = bench.probe(&["-f", "-"], &[], b"a.example\nb..example\n")?;
        let said = finished.stderr.contains("-:2:") && finished.status.code() == Some(2);
        if said { Ok(()) } else { Err(finished.stderr) }
    }),
    ("thousands of targets behind one address are judged at once, each under its own port", |bench| {
        // Judged one by one, four times the targets took sixteen times as long.
        let mut took = Vec::new();
        for count in [1000, 4000] {
            let list: String = (1..=count).map(|port| format!("a.example:{port}\n")).collect();
            let arguments = ["-f", "-", "--connect-to", "127.0.0.1:{refused}", "-o", "json"];
            let begun = std::time::Instant::now();
            let finished = bench.probe(&arguments, &[], list.as_bytes())?;
            took.push(begun.elapsed());
            let report: serde_json::Value =
                serde_json::from_slice(&finished.stdout).map_err(|error| format!("{error}: {}", finished.stderr))?;
            let targets = report["targets"].as_array().map_or(&[][..], Vec::as_slice);
            let last = targets.last().and_then(|target| target["name"].as_str());
            if targets.len() != count || last != Some(&format!("a.example:{count}")) {
                return Err(format!("{} targets, the last {last:?}", targets.len()));
            }
        }
        if took[1] < took[0] * 10 { Ok(()) } else { Err(format!("1000 and 4000 targets took {took:?}")) }
    }),
    ("a list of protocols that no ClientHello can hold is refused", |bench| {
        let list = "abcdefgh,".repeat(8000);
        let finished = bench.probe(&["a.example", "--alpn", &list], &[], b"")?;
        let said = finished.status.code() == Some(2) && finished.stderr.contains("72000 bytes");
        if said { Ok(()) } else { Err(finished.stderr) }
    }),
    ("a password in a line of a list is shown nowhere", |bench| {
        let finished = bench.probe(&["-f", "-"], &[], b"https://me:sesame@b..example\n")?;
        let said = finished.status.code() == Some(2) && !finished.stderr.contains("sesame");
        if said { Ok(()) } else { Err(finished.stderr) }
    }),
    ("an address without a certificate for it, and a name that does not exist", |bench| {
        let finished = bench.probe(&["127.0.0.1:{openssl}", "--ca-file", "@root.pem", "-o", "json"], &[], b"")?;
        let text = String::from_utf8_lossy(&finished.stdout).into_owned();
        if !text.contains("AT517") || finished.status.code() != Some(1) {
            return Err(text);
        }
        let finished = bench.probe(&["nobody.apigee-tls.invalid", "-o", "json"], &[], b"")?;
        let text = String::from_utf8_lossy(&finished.stdout).into_owned();
        if text.contains("\"lookup\"") && text.contains("AT502") && finished.status.code() == Some(1) {
            Ok(())
        } else {
            Err(text)
        }
    }),
    ("an address that does not answer costs no more than the time allowed", |bench| {
        let begun = std::time::Instant::now();
        let finished = bench.probe(&[silent_address(), "--timeout", "1s"], &[], b"")?;
        let took = begun.elapsed();
        if finished.status.code() == Some(1) && took < std::time::Duration::from_secs(10) {
            Ok(())
        } else {
            Err(format!("{} after {took:?}", finished.status))
        }
    }),
    ("every format says the same, and a closed pipe is nobody's fault", |bench| {
        let endpoint = format!("{HOST}:{{envoy}}");
        for output in ["text", "wide", "json", "yaml"] {
            let arguments = [&endpoint, "--connect-to", "127.0.0.1", "--no-sni", "-o", output];
            let finished = bench.probe(&arguments, &[], b"")?;
            let text = String::from_utf8_lossy(&finished.stdout).into_owned();
            if finished.status.code() != Some(1) || !text.contains("AT505") || !finished.stderr.is_empty() {
                return Err(format!("{output}: {}: {text}{}", finished.status, finished.stderr));
            }
        }
        Ok(())
    }),
];
