//! Fuzzes `log_store::fuzz_log_store`; the corpus is `fuzz/corpus/log_store`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| apigee_tls::wire::log_store::fuzz_log_store(data));
