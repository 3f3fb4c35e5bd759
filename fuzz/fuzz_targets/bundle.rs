//! Fuzzes `bundle::fuzz_bundle`; the corpus is `fuzz/corpus/bundle`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| apigee_tls::bundle::fuzz_bundle(data));
