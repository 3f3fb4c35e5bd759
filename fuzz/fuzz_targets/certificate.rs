//! Fuzzes `certificate::fuzz_certificate`; the corpus is `fuzz/corpus/certificate`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| apigee_tls::wire::certificate::fuzz_certificate(data));
