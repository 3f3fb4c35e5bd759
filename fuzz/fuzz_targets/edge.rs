//! Fuzzes `edge::fuzz_edge`; the corpus is `fuzz/corpus/edge`.

#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| apigee_tls::wire::edge::fuzz_edge(data));
