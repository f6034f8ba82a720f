//! Limits that both designs understand alike, and checks of values that the
//! kernel would take for something else.

use super::setting::{Absent, Setting, unsupported};
use super::{CgroupError, page_size};
use oci_spec::runtime::{LinuxHugepageLimit, LinuxMemory, LinuxResources};

/// `pids.max`; 0 is unset, as in runtime-spec 1.2 and before.
pub(super) fn pids_limit(limit: i64) -> Option<String> {
    match limit {
        0 => None,
        1.. => Some(limit.to_string()),
        _ => Some("max".to_owned()),
    }
}

/// A value that is not zero, which is unset.
pub(super) fn nonzero<T: Default + PartialEq>(value: Option<T>) -> Option<T> {
    value.filter(|value| *value != T::default())
}

/// Refuses amounts below -1, which is unlimited, and swappiness above 100.
pub(super) fn check_memory(memory: &LinuxMemory) -> Result<(), CgroupError> {
    for (what, value) in [
        ("memory limit", memory.limit()),
        ("swap limit", memory.swap()),
        ("memory reservation", memory.reservation()),
        ("kernel memory limit", memory.kernel()),
        ("kernel TCP memory limit", memory.kernel_tcp()),
    ] {
        if let Some(value) = value.filter(|value| *value < -1) {
            let why = format!("{value} is neither a number of bytes nor -1 for unlimited");
            return Err(CgroupError::Invalid { what, why });
        }
    }
    if let Some(swappiness) = memory.swappiness().filter(|value| *value > 100) {
        return Err(CgroupError::Invalid {
            what: "swappiness",
            why: format!("{swappiness} is not between 0 and 100"),
        });
    }
    check_swap(memory)
}

/// Memory and swap together cannot be less than memory.
fn check_swap(memory: &LinuxMemory) -> Result<(), CgroupError> {
    let (limit, swap) = (memory.limit().unwrap_or(0), memory.swap().unwrap_or(0));
    let why = if swap <= 0 {
        return Ok(());
    } else if limit <= 0 {
        "memory and swap together cannot be limited without a memory limit".to_owned()
    } else if swap < limit {
        format!("memory and swap together ({swap}) are less than memory alone ({limit})")
    } else {
        return Ok(());
    };
    Err(CgroupError::Invalid {
        what: "swap limit",
        why,
    })
}

/// Limits of huge pages by `suffix` (`limit_in_bytes`, `max`), of their use and,
/// since Linux 5.7, of their reservation: without the latter a process gets
/// SIGBUS instead of an error.
pub(super) fn huge_pages(
    limits: &[LinuxHugepageLimit],
    suffix: &str,
    unlimited: &str,
) -> Result<Vec<Setting>, CgroupError> {
    let mut settings = Vec::with_capacity(2 * limits.len());
    let known = if limits.is_empty() {
        Vec::new()
    } else {
        page_size::all()
    };
    for limit in limits {
        let size = limit.page_size();
        let what = format!("{size} huge page limit");
        if !known.contains(size) {
            let known = known.join(", ");
            return Err(unsupported(
                &what,
                format!("the sizes of this machine are: {known}"),
            ));
        }
        let value = match limit.limit() {
            -1 => unlimited.to_owned(),
            value if value < 0 => {
                let why = format!("{value} is neither a number of bytes nor -1 for unlimited");
                return Err(CgroupError::Invalid {
                    what: "huge page limit",
                    why,
                });
            }
            value => value.to_string(),
        };
        let file = format!("hugetlb.{size}.{suffix}");
        settings.push(Setting::new(&what, file, &value));
        let file = format!("hugetlb.{size}.rsvd.{suffix}");
        settings.push(Setting::new(&what, file, &value).absent(Absent::Fine));
    }
    Ok(settings)
}

/// Lines for `rdma.max`, in the order of the devices' names.
pub(super) fn rdma(resources: &LinuxResources) -> Result<Vec<Setting>, CgroupError> {
    let mut devices: Vec<_> = resources.rdma().iter().flatten().collect();
    devices.sort_unstable_by_key(|(device, _)| *device);
    let mut settings = Vec::with_capacity(devices.len());
    for (device, limit) in devices {
        if !is_one_word(device) {
            return Err(CgroupError::Invalid {
                what: "RDMA limit",
                why: format!("{device:?} is not the name of a device"),
            });
        }
        let mut line = device.clone();
        for (key, value) in [
            ("hca_handle", limit.hca_handles()),
            ("hca_object", limit.hca_objects()),
        ] {
            if let Some(value) = value {
                line.push_str(&format!(" {key}={value}"));
            }
        }
        if line != *device {
            let what = format!("RDMA limit of {device}");
            settings.push(Setting::new(&what, "rdma.max", line));
        }
    }
    Ok(settings)
}

/// Whether the kernel reads it as one name.
pub(super) fn is_one_word(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_below_minus_one_are_refused() {
        for field in ["limit", "swap", "reservation", "kernel", "kernelTCP"] {
            let memory = serde_json::from_str(&format!(r#"{{"{field}": -2}}"#)).unwrap();
            let error = check_memory(&memory).unwrap_err().to_string();
            assert!(error.ends_with("-2 is neither a number of bytes nor -1 for unlimited"));
        }
    }

    #[test]
    fn page_sizes_cannot_be_paths() {
        let limits = |size: &str, limit: i64| {
            let json = format!(r#"[{{"pageSize": "{size}", "limit": {limit}}}]"#);
            let limits: Vec<LinuxHugepageLimit> = serde_json::from_str(&json).unwrap();
            huge_pages(&limits, "max", "max")
        };
        let error = limits("2MB/../../x", 1).unwrap_err().to_string();
        assert!(
            error.starts_with("2MB/../../x huge page limit is not supported here"),
            "{error}"
        );
        if let Some(size) = page_size::all().first() {
            let lines: Vec<_> = limits(size, -1).unwrap();
            assert_eq!(lines[0].file, format!("hugetlb.{size}.max"));
            assert_eq!(lines[1].file, format!("hugetlb.{size}.rsvd.max"));
            assert_eq!((&*lines[1].value, lines[1].absent), ("max", Absent::Fine));
            assert!(limits(size, -2).is_err());
        }
    }

    #[test]
    fn rdma_limits_are_a_line_a_device() {
        let lines = |json: &str| {
            let resources = serde_json::from_str(&format!(r#"{{"rdma": {json}}}"#)).unwrap();
            rdma(&resources).map(|settings| {
                let values = settings.into_iter().map(|one| one.value);
                values.collect::<Vec<_>>()
            })
        };
        assert_eq!(
            lines(
                r#"{"mlx5_1": {"hcaHandles": 1, "hcaObjects": 2}, "mlx4_0": {"hcaObjects": 3},
                      "idle": {}}"#
            )
            .unwrap(),
            ["mlx4_0 hca_object=3", "mlx5_1 hca_handle=1 hca_object=2"]
        );
        assert_eq!(
            lines(r#"{"a b": {"hcaHandles": 1}}"#)
                .unwrap_err()
                .to_string(),
            "invalid RDMA limit: \"a b\" is not the name of a device"
        );
    }
}
