#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| swarmline_fuzz::run("engine", bytes));
