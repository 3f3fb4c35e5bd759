//! Fuzzes `private_key::fuzz_private_key`; the corpus is `fuzz/corpus/private_key`.

#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| apigee_tls::wire::private_key::fuzz_private_key(data));
