//! Fuzzes `access_log::fuzz_access_log`; the corpus is `fuzz/corpus/access_log`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| apigee_tls::wire::access_log::fuzz_access_log(data));
