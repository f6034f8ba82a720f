//! libFuzzer around one target, the one that `FUZZ_TARGET` names. Run by `cargo xtask fuzz`.

#![no_main]
#![allow(unsafe_code, reason = "libFuzzer calls its target by a C symbol")]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;

static TARGET: OnceLock<rbox_fuzz::Target> = OnceLock::new();

fuzz_target!(
    init: {
        let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
        match rbox_fuzz::target(&name) {
            Some(target) => TARGET.get_or_init(|| target),
            None => {
                eprintln!("FUZZ_TARGET: no target {name:?}");
                std::process::exit(2);
            }
        };
    },
    |data: &[u8]| {
        if let Some(target) = TARGET.get() {
            target(data);
        }
    }
);
