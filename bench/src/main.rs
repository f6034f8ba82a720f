//! rbox, its peers and the kernel's own cost side by side: all contenders take
//! turns in one run, medians and ratios are printed. Nothing here passes or
//! fails.
//!
//! - `rbox-bench start RBOX ROOTFS [ROUNDS]`: start to exit of `true` with
//!   images and networks; docker and podman are measured when their commands
//!   answer and know an image `alpine`.
//! - `rbox-bench scale RBOX [COUNT]`: that many containers on one network, and what the last
//!   start costs beside the tenth.
//! - `rbox-bench dns RBOX [ROUNDS]`: the resolvers of rbox, docker and podman
//!   under dnsperf, asked from inside a container.
//! - `rbox-bench images RBOX ARCHIVE [ROUNDS]`: a layer of 100 MB unpacked, pulled from a registry
//!   on loopback and packed; a small application built; beside docker, podman and umoci. ARCHIVE
//!   is the tar of a root file system with Python, the base of the build.
//! - `rbox-bench oci RBOX ROOTFS [ROUNDS]`: the OCI runtime against crun and
//!   runc on one bundle, without network and image.

mod dns;
mod images;
mod instructions;
mod measure;
mod oci;
mod scale;
mod start;

use anyhow::{Context, Result, bail};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: rbox-bench start|oci RBOX ROOTFS [ROUNDS] | images RBOX ARCHIVE [ROUNDS] | \
                 scale RBOX [COUNT] | dns RBOX [ROUNDS]";
    let what = arguments.next().context(usage)?;
    let rbox = arguments.next().context(usage)?;
    if what == "scale" {
        let count = arguments.next().map_or(Ok(900), |text| text.parse())?;
        return scale::run(&rbox, count);
    }
    if what == "dns" {
        let rounds = arguments.next().map_or(Ok(5), |text| text.parse())?;
        return dns::run(&rbox, rounds);
    }
    let rootfs = arguments.next().context(usage)?;
    let rounds: usize = arguments.next().map_or(Ok(20), |text| text.parse())?;
    match what.as_str() {
        "start" => start::run(&rbox, &rootfs, rounds),
        "images" => images::run(&rbox, &rootfs, rounds),
        "oci" => oci::run(&rbox, &rootfs, rounds),
        _ => bail!(usage),
    }
}
