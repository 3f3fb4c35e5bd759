//! Fuzzes `tls::fuzz_server_flight`; the corpus is `fuzz/corpus/tls_flight`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| apigee_tls::wire::tls::fuzz_server_flight(data));
