//! Containers with images and networks: the kernel's floor, rbox, docker, podman.

use anyhow::{Context, Result};

use crate::measure::{self, Case, quiet};

/// Start to exit of `true`, with and without network.
pub fn run(rbox: &str, rootfs: &str, rounds: usize) -> Result<()> {
    let floor = std::env::current_exe()?
        .with_file_name("floor")
        .display()
        .to_string();
    let command = |program: &str, network: &str| {
        format!("{program} run --rm --net={network} alpine true")
            .split(' ')
            .map(str::to_owned)
            .collect()
    };
    // Makes sure that the bridge is there, on which the floor relies too.
    if quiet(rbox, &["network", "inspect", "bridge-test"]).is_err() {
        quiet(rbox, &["network", "create", "bridge-test"])?;
    }
    quiet(
        rbox,
        &["run", "--rm", "--net=bridge-test", "alpine", "true"],
    )?;
    let bridge = quiet(
        rbox,
        &[
            "network",
            "inspect",
            "-f",
            "br-{{slice .Id 0 12}}",
            "bridge-test",
        ],
    )?;
    let gateway = quiet(
        rbox,
        &[
            "network",
            "inspect",
            "-f",
            "{{(index .IPAM.Config 0).Gateway}}",
            "bridge-test",
        ],
    )?;
    let address = format!(
        "{}.250/16",
        gateway.rsplit_once('.').context("a gateway")?.0
    );
    let mut cases = vec![
        Case::new(
            "floor, network",
            vec![floor.clone(), rootfs.to_owned(), bridge, address, gateway],
        ),
        Case::new("rbox, bridge-test", command(rbox, "bridge-test")),
        Case::new("floor, no network", vec![floor, rootfs.to_owned()]),
        Case::new("rbox, none", command(rbox, "none")),
    ];
    for peer in ["docker", "podman"] {
        if quiet(peer, &["image", "inspect", "alpine"]).is_ok() {
            let _ = quiet(peer, &["network", "create", "bridge-test"]);
            cases.push(Case::new(
                if peer == "docker" {
                    "docker, bridge-test"
                } else {
                    "podman, bridge-test"
                },
                command(peer, "bridge-test"),
            ));
        } else {
            println!("SKIPPED {peer}: not running, or without an image `alpine`");
        }
    }
    measure::take_turns(&mut cases, rounds)?;
    measure::print("start to exit of true", &cases, 1);
    Ok(())
}
