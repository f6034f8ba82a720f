//! The io controller of v2.

use super::super::super::CgroupError;
use super::super::super::either::nonzero;
use super::super::super::setting::{Absent, Setting, Settings};
use super::convert::io_weight;
use super::unsupported;
use oci_spec::runtime::LinuxBlockIo;

const WEIGHT: &str = "block I/O weight";

pub(super) fn settings(io: &LinuxBlockIo, settings: &mut Settings) -> Result<(), CgroupError> {
    let devices = io.weight_device().iter().flatten();
    let leaf = nonzero(io.leaf_weight()).is_some();
    if leaf
        || devices
            .clone()
            .any(|one| nonzero(one.leaf_weight()).is_some())
    {
        return Err(unsupported("block I/O leaf weight", "cgroup v2 has none"));
    }
    if let Some(weight) = nonzero(io.weight()) {
        self::weight("default", weight, settings);
    }
    for device in devices {
        if let Some(weight) = nonzero(device.weight()) {
            let device = format!("{}:{}", device.major(), device.minor());
            self::weight(&device, weight, settings);
        }
    }
    for (key, list) in [
        ("rbps", io.throttle_read_bps_device()),
        ("wbps", io.throttle_write_bps_device()),
        ("riops", io.throttle_read_iops_device()),
        ("wiops", io.throttle_write_iops_device()),
    ] {
        for device in list.iter().flatten() {
            // 0 takes the limit away, as on v1.
            let rate = match device.rate() {
                0 => "max".to_owned(),
                rate => rate.to_string(),
            };
            let value = format!("{}:{} {key}={rate}", device.major(), device.minor());
            settings.set("block I/O throttling", "io.max", Some(value));
        }
    }
    Ok(())
}

/// BFQ has a file of its own, with v1's numbers; the cost model has the other.
/// A device is under one of them, so both are told.
fn weight(of: &str, weight: u16, settings: &mut Settings) {
    let both = [
        Setting::new(WEIGHT, "io.bfq.weight", format!("{of} {weight}")),
        Setting::new(WEIGHT, "io.weight", format!("{of} {}", io_weight(weight))),
    ];
    let both = both.map(|setting| setting.absent(Absent::Alternative));
    settings.0.extend(both);
}
