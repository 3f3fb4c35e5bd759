//! Fuzzes `redact::self_test::fuzz_redact`; the corpus is `fuzz/corpus/redact`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| apigee_tls::redact::self_test::fuzz_redact(data));
