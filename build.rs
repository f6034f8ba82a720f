//! How the linker packs the binary.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // A static-pie relocates itself; its tens of thousands of relative relocations take a bit each
    // instead of 24 bytes (DT_RELR; glibc 2.36, binutils 2.38, older ones ignore it).
    println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
}
