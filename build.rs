//! How the linker packs the binary.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // A static-pie relocates itself; its tens of thousands of relative relocations take a bit each
    // instead of 24 bytes (DT_RELR; glibc 2.36, binutils 2.38, older ones ignore it).
    println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    // Functions that were generated several times are kept once, a tenth of the program: Rust does not
    // promise that functions have addresses of their own, and data keeps its own. Where rustc brings
    // its own linker, which can do that.
    if std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "x86_64") {
        println!("cargo::rustc-link-arg-bins=-Wl,--icf=all");
    }
}
