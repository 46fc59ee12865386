#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| executor::fuzz::messages(data));
