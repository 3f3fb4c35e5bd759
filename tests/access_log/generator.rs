//! Generates lines of access logs: well-formed records of several formats, unusual ones, and damaged ones.

/// A deterministic source of lines (xorshift).
pub(crate) struct Random(pub u64);

impl Random {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % bound
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }

    pub(crate) fn line(&mut self) -> String {
        let record = self.record();
        match self.below(24) {
            0 => self
                .pick(&["", "  \t", "plain text", "say \"hello\"", "config {id=3} done", "}", "\"sni_host\":null}"])
                .into(),
            1 => format!("2025-06-02T10:00:01.123Z {record}"),
            2 => format!("[pod/gateway-1/istio-proxy] {record}\r"),
            3 => format!("  {record} "),
            4 => record.chars().take(self.below(record.len())).collect(),
            5 => record.chars().skip(self.below(record.len())).collect(),
            6 => format!("{record}{}", self.record()),
            7 => format!("{record},"),
            8 => "[2025-06-02T10:00:01.005Z] \"- - -\" 0 NR filter_chain_not_found".into(),
            9..=12 if !record.contains('\\') => {
                let mut bytes = record.into_bytes();
                for _ in 0..=self.below(2) {
                    let at = self.below(bytes.len());
                    let byte = b"{}[]\",: 0-na"[self.below(12)];
                    match self.below(3) {
                        0 => bytes[at] = byte,
                        1 => bytes.insert(at, byte),
                        _ => {
                            bytes.remove(at);
                        }
                    }
                }
                String::from_utf8(bytes).expect("ASCII")
            }
            _ => record,
        }
    }

    fn record(&mut self) -> String {
        let blank = if self.below(3) == 0 { " " } else { "" };
        let clock = format!("2025-06-02T10:{:02}:{:02}.{:03}Z", self.below(3), self.below(60), self.below(1000));
        let start = match self.below(12) {
            0 => self
                .pick(&["null", "\"-\"", "\"2025-06-02T12:00:00.5+02:00\"", "\"2025-06-31T10:00:00.000Z\"", "17", "{}"])
                .into(),
            _ => format!("\"{clock}\""),
        };
        let agent = self.pick(&[
            "null",
            "\"curl/8.5.0\"",
            r#""a \"sni_host\":null,\" b""#,
            r#""\\""#,
            r#""\u0041\/""#,
            "\"filter_chain_not_found\"",
            "\"a much longer user agent (with {braces}, [brackets]: and colons) that spans several words of bits\"",
        ]);
        let nested = self.pick(&[
            "null",
            "{}",
            "[]",
            "[1,[2,{}],\"]\"]",
            r#"{"sni_host":null,"status":0,"status_details":"filter_chain_not_found"}"#,
            r#"{"x":{"y":[true,false,-1.5e3]},"z":"}"}"#,
        ]);
        let remote = format!("\"10.0.0.{}:{}\"", self.below(9), self.below(60000));
        let magnitude = [1, 10, 1_000, 1_000_000, 10_000_000, 100_000_000, 2_000_000_000][self.below(7)];
        let bytes = self.below(magnitude).to_string();
        let name = self.pick(&[
            "\"api.example.net\"",
            "\"api.example.net\"",
            "null",
            "\"-\"",
            "\"\"",
            "\"Old.Example.NET\"",
            "7",
            r#""\u002d""#,
        ]);
        let host = self.pick(&[
            "\"api.example.net\"",
            "\"api.example.net:443\"",
            "\"Shop.example.net\"",
            "null",
            "\"-\"",
            "7",
        ]);
        let tls = self.pick(&["\"TLSv1.3\"", "\"TLSv1.2\"", "null", "\"-\"", "\"\"", "1.3"]);
        let (status, details, flags) = [
            ("200", "\"via_upstream\"", "\"-\""),
            ("200", "\"via_upstream\"", "\"-\""),
            ("0", "\"filter_chain_not_found\"", "\"NR\""),
            ("0", r#""filter\u005fchain_not_found""#, "\"NR\""),
            ("\"0\"", "\"filter_chain_not_found\"", "\"DC,NR\""),
            ("404", "\"route_not_found\"", "\"NR\""),
            ("0.0", "\"filter_chain_not_found\"", "null"),
            ("503", "\"filter_chain_not_found\"", "\"NRX\""),
            ("null", "null", "\"-\""),
            ("421", "\"via_upstream\"", "\"-\""),
            ("\"421\"", "\"via_upstream\"", "\"-\""),
        ][self.below(11)];
        let mut members = vec![
            ("bytes_sent", bytes.as_str()),
            ("user_agent", agent),
            ("apigee_dynamic_data", nested),
            ("remote_address", &remote),
            ("start_time", &start),
            ("status", status),
            ("status_details", details),
            ("upstream_response_flags", flags),
            ("sni_host", name),
            ("tls_protocol", tls),
            ("host", host),
        ];
        match self.below(8) {
            0 => members.reverse(),
            1 => {
                let at = self.below(members.len());
                members.remove(at);
            }
            2 => {
                let again = members[self.below(members.len())];
                members.insert(0, (again.0, "null"));
            }
            3 => members.rotate_left(4),
            _ => {}
        }
        let members: Vec<String> = members.iter().map(|(key, value)| format!("\"{key}\":{blank}{value}")).collect();
        format!("{{{blank}{}{blank}}}", members.join(&format!(",{blank}")))
    }
}
