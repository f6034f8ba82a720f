//! The blkio controller of v1.

use super::super::super::CgroupError;
use super::super::super::either::nonzero;
use super::super::super::setting::{Setting, Settings, unsupported};
use super::{Kernel, known};
use oci_spec::runtime::LinuxBlockIo;

const WEIGHT: &str = "block I/O weight";
const LEAF_WEIGHT: &str = "block I/O leaf weight";

pub(super) fn settings(
    io: &LinuxBlockIo,
    kernel: &dyn Kernel,
    settings: &mut Settings,
) -> Result<(), CgroupError> {
    weights(io, kernel, settings)?;
    for (what, list) in [
        ("read_bps", io.throttle_read_bps_device()),
        ("write_bps", io.throttle_write_bps_device()),
        ("read_iops", io.throttle_read_iops_device()),
        ("write_iops", io.throttle_write_iops_device()),
    ] {
        let file = format!("blkio.throttle.{what}_device");
        for device in list.iter().flatten() {
            // A rate of 0 takes the limit away.
            let value = format!("{}:{} {}", device.major(), device.minor(), device.rate());
            known(settings, kernel, "block I/O throttling", &file, Some(value))?;
        }
    }
    Ok(())
}

fn weights(
    io: &LinuxBlockIo,
    kernel: &dyn Kernel,
    settings: &mut Settings,
) -> Result<(), CgroupError> {
    let (weight, leaf) = (nonzero(io.weight()), nonzero(io.leaf_weight()));
    let devices = io.weight_device().iter().flatten();
    let asked = |one: &oci_spec::runtime::LinuxWeightDevice| {
        nonzero(one.weight()).is_some() || nonzero(one.leaf_weight()).is_some()
    };
    if weight.is_none() && leaf.is_none() && !devices.clone().any(asked) {
        return Ok(());
    }
    // The weights themselves are not on the root; the schedulers' statistics
    // are.
    let (prefix, leaves) = if kernel.has("blkio.bfq.io_serviced") {
        ("blkio.bfq.", false)
    } else if kernel.has("blkio.io_serviced") {
        ("blkio.", true)
    } else {
        return Err(unsupported(WEIGHT, "the kernel has no BFQ or CFQ"));
    };
    let no_leaves = || Err(unsupported(LEAF_WEIGHT, "BFQ has none"));
    if leaf.is_some() && !leaves {
        return no_leaves();
    }
    settings.set(WEIGHT, &format!("{prefix}weight"), weight);
    settings.set(LEAF_WEIGHT, &format!("{prefix}leaf_weight"), leaf);
    for device in devices {
        let mut set = |what: &str, file: &str, weight: u16| {
            let value = format!("{}:{} {weight}", device.major(), device.minor());
            let file = format!("{prefix}{file}");
            settings.0.push(Setting::new(what, file, value));
        };
        if let Some(weight) = nonzero(device.weight()) {
            set(WEIGHT, "weight_device", weight);
        }
        if let Some(weight) = nonzero(device.leaf_weight()) {
            if !leaves {
                return no_leaves();
            }
            set(LEAF_WEIGHT, "leaf_weight_device", weight);
        }
    }
    Ok(())
}
