#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| apigee_tls::wire::tls::fuzz_client_hello(data));
