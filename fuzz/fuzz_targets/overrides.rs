//! Fuzzes `overrides::fuzz_overrides`; the corpus is `fuzz/corpus/overrides`.

#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| apigee_tls::wire::overrides::fuzz_overrides(data));
