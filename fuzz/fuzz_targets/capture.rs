//! Fuzzes `capture::fuzz_capture`; the corpus is `fuzz/corpus/capture`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| apigee_tls::wire::capture::fuzz_capture(data));
