//! Limits as settings of v1 control files.

use super::super::CgroupError;
use super::super::hierarchy::{Controller, Controllers, Setting};
use oci_spec::runtime::{LinuxBlockIo, LinuxCpu, LinuxMemory, LinuxResources, LinuxThrottleDevice};

/// What to write for the `controllers` of one hierarchy. `kernel_has` tells
/// whether the root of the hierarchy has a file.
pub(super) fn settings(
    resources: &LinuxResources,
    controllers: Controllers,
    kernel_has: &dyn Fn(&str) -> bool,
) -> Result<Vec<Setting>, CgroupError> {
    let mut out = Out {
        settings: Vec::new(),
        kernel_has,
    };
    let here = |controller| controllers.contains(controller);
    if let Some(memory) = resources
        .memory()
        .as_ref()
        .filter(|_| here(Controller::Memory))
    {
        out.memory(memory)?;
    }
    if let Some(cpu) = resources.cpu() {
        if here(Controller::Cpu) {
            out.cpu(cpu)?;
        }
        if here(Controller::Cpuset) {
            out.text("set of CPUs", "cpuset.cpus", cpu.cpus().as_deref());
            out.text("set of memory nodes", "cpuset.mems", cpu.mems().as_deref());
        }
    }
    if let Some(pids) = resources.pids().as_ref().filter(|_| here(Controller::Pids))
        && let Some(limit) = pids_limit(pids.limit())
    {
        out.settings
            .push(Setting::new("limit of processes", "pids.max", limit));
    }
    if let Some(io) = resources
        .block_io()
        .as_ref()
        .filter(|_| here(Controller::Io))
    {
        out.block_io(io)?;
    }
    for limit in resources
        .hugepage_limits()
        .iter()
        .flatten()
        .filter(|_| here(Controller::Hugetlb))
    {
        let size = limit.page_size();
        let file = format!("hugetlb.{size}.limit_in_bytes");
        out.settings.push(Setting::new(
            &format!("{size} huge page limit"),
            file,
            limit.limit(),
        ));
    }
    for (device, limit) in resources
        .rdma()
        .iter()
        .flatten()
        .filter(|_| here(Controller::Rdma))
    {
        let value = rdma(device, limit.hca_handles(), limit.hca_objects());
        out.settings
            .push(Setting::new("RDMA limit", "rdma.max", value));
    }
    if let Some(network) = resources.network() {
        let class = network
            .class_id()
            .filter(|class| *class != 0 && here(Controller::NetworkClass));
        out.number("network class", "net_cls.classid", class);
        for priority in network
            .priorities()
            .iter()
            .flatten()
            .filter(|_| here(Controller::NetworkPriority))
        {
            let value = format!("{} {}", priority.name(), priority.priority());
            out.settings.push(Setting::new(
                "network priority",
                "net_prio.ifpriomap",
                value,
            ));
        }
    }
    Ok(out.settings)
}

/// `pids.max`, the same in both designs; 0 is unset.
pub(in super::super) fn pids_limit(limit: i64) -> Option<String> {
    match limit {
        0 => None,
        1.. => Some(limit.to_string()),
        _ => Some("max".to_owned()),
    }
}

/// A line of `rdma.max`, the same in both designs.
pub(in super::super) fn rdma(device: &str, handles: Option<u32>, objects: Option<u32>) -> String {
    let mut line = device.to_owned();
    for (key, value) in [("hca_handle", handles), ("hca_object", objects)] {
        if let Some(value) = value {
            line.push_str(&format!(" {key}={value}"));
        }
    }
    line
}

/// Memory and swap as both designs understand the pair: together, or unset.
pub(in super::super) fn check_swap(memory: &LinuxMemory) -> Result<(), CgroupError> {
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

struct Out<'a> {
    settings: Vec<Setting>,
    kernel_has: &'a dyn Fn(&str) -> bool,
}

impl Out<'_> {
    fn memory(&mut self, memory: &LinuxMemory) -> Result<(), CgroupError> {
        check_swap(memory)?;
        let set = |value: Option<i64>| value.filter(|value| *value != 0);
        self.number("memory limit", "memory.limit_in_bytes", set(memory.limit()));
        let swap = match set(memory.swap()) {
            // Unlimited is what there is without the file.
            Some(-1) if !(self.kernel_has)("memory.memsw.limit_in_bytes") => None,
            swap => swap,
        };
        self.known("swap limit", "memory.memsw.limit_in_bytes", swap)?;
        self.number(
            "memory reservation",
            "memory.soft_limit_in_bytes",
            set(memory.reservation()),
        );
        let tcp = set(memory.kernel_tcp());
        self.known(
            "kernel TCP memory limit",
            "memory.kmem.tcp.limit_in_bytes",
            tcp,
        )?;
        if let Some(swappiness) = memory.swappiness() {
            if swappiness > 100 {
                let why = format!("{swappiness} is not between 0 and 100");
                return Err(CgroupError::Invalid {
                    what: "swappiness",
                    why,
                });
            }
            self.known("swappiness", "memory.swappiness", Some(swappiness))?;
        }
        let off = memory.disable_oom_killer().filter(|off| *off).map(|_| 1);
        self.number("disabling the OOM killer", "memory.oom_control", off);
        Ok(())
    }

    fn cpu(&mut self, cpu: &LinuxCpu) -> Result<(), CgroupError> {
        self.number(
            "CPU shares",
            "cpu.shares",
            cpu.shares().filter(|shares| *shares != 0),
        );
        let period = cpu.period().filter(|period| *period != 0);
        self.known("CPU period", "cpu.cfs_period_us", period)?;
        let quota = cpu.quota().filter(|quota| *quota != 0);
        self.known("CPU quota", "cpu.cfs_quota_us", quota)?;
        self.known("CPU burst", "cpu.cfs_burst_us", cpu.burst())?;
        self.known("idle CPU class", "cpu.idle", cpu.idle())?;
        let period = cpu.realtime_period().filter(|period| *period != 0);
        self.known("realtime CPU period", "cpu.rt_period_us", period)?;
        let runtime = cpu.realtime_runtime().filter(|runtime| *runtime != 0);
        self.known("realtime CPU runtime", "cpu.rt_runtime_us", runtime)
    }

    fn block_io(&mut self, io: &LinuxBlockIo) -> Result<(), CgroupError> {
        let weights = io.weight_device().iter().flatten();
        let weight = io.weight().filter(|weight| *weight != 0);
        let leaf = io.leaf_weight().filter(|weight| *weight != 0);
        if weight.is_some() || leaf.is_some() || weights.clone().next().is_some() {
            // The weights themselves are not on the root; the schedulers'
            // statistics are.
            let prefix = if (self.kernel_has)("blkio.bfq.io_serviced") {
                "blkio.bfq."
            } else if (self.kernel_has)("blkio.io_serviced") {
                "blkio."
            } else {
                return Err(unsupported(
                    "block I/O weight",
                    "the kernel has no BFQ or CFQ",
                ));
            };
            if leaf.is_some() && prefix == "blkio.bfq." {
                return Err(unsupported("block I/O leaf weight", "BFQ has none"));
            }
            let file = |name: &str| format!("{prefix}{name}");
            self.number("block I/O weight", &file("weight"), weight);
            self.number("block I/O leaf weight", &file("leaf_weight"), leaf);
            for device in weights {
                if let Some(weight) = device.weight() {
                    let value = format!("{}:{} {weight}", device.major(), device.minor());
                    let file = file("weight_device");
                    self.settings
                        .push(Setting::new("block I/O weight", file, value));
                }
            }
        }
        for (what, list) in [
            ("read_bps", io.throttle_read_bps_device()),
            ("write_bps", io.throttle_write_bps_device()),
            ("read_iops", io.throttle_read_iops_device()),
            ("write_iops", io.throttle_write_iops_device()),
        ] {
            let file = format!("blkio.throttle.{what}_device");
            for device in list.iter().flatten() {
                self.known("block I/O throttling", &file, Some(throttle(device)))?;
            }
        }
        Ok(())
    }

    fn number(&mut self, what: &str, file: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.settings.push(Setting::new(what, file, value));
        }
    }

    fn text(&mut self, what: &str, file: &str, value: Option<&str>) {
        self.number(what, file, value.filter(|value| !value.is_empty()));
    }

    /// For a file that kernels may lack: it is on the root, if at all.
    fn known(
        &mut self,
        what: &str,
        file: &str,
        value: Option<impl ToString>,
    ) -> Result<(), CgroupError> {
        if value.is_some() && !(self.kernel_has)(file) {
            return Err(unsupported(what, &format!("the kernel has no {file}")));
        }
        self.number(what, file, value);
        Ok(())
    }
}

fn throttle(device: &LinuxThrottleDevice) -> String {
    format!("{}:{} {}", device.major(), device.minor(), device.rate())
}

fn unsupported(what: &str, why: &str) -> CgroupError {
    CgroupError::Unsupported {
        what: what.to_owned(),
        why: why.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(json: &str, kernel_has: &dyn Fn(&str) -> bool) -> Result<Vec<String>, String> {
        let resources = serde_json::from_str(json).unwrap();
        let all = [
            "memory", "cpu", "cpuset", "pids", "blkio", "hugetlb", "rdma", "net_cls",
        ];
        let all = all
            .iter()
            .filter_map(|name| Controller::named(name))
            .collect();
        let settings = settings(&resources, all, kernel_has).map_err(|error| error.to_string())?;
        Ok(settings
            .into_iter()
            .map(|one| format!("{}={}", one.file, one.value))
            .collect())
    }

    #[test]
    fn only_what_is_asked_for_is_written() {
        let json = r#"{"memory": {"limit": 0, "swap": 0}, "cpu": {"shares": 0, "cpus": ""},
                       "pids": {"limit": 0}, "blockIO": {"weight": 0}}"#;
        assert_eq!(written(json, &|_| true).unwrap(), [""; 0]);
        assert_eq!(written("{}", &|_| true).unwrap(), [""; 0]);
    }

    #[test]
    fn every_limit_has_its_file() {
        let json = r#"{
            "memory": {"limit": 100, "swap": -1, "reservation": 50, "kernel": 7,
                       "kernelTCP": 8, "swappiness": 10, "disableOOMKiller": true},
            "cpu": {"shares": 2, "quota": -1, "period": 3, "idle": 1, "cpus": "0-1", "mems": "0",
                    "realtimeRuntime": 4, "realtimePeriod": 5},
            "pids": {"limit": -1},
            "blockIO": {"weight": 10, "weightDevice": [{"major": 8, "minor": 0, "weight": 20}],
                        "throttleWriteIOPSDevice": [{"major": 8, "minor": 1, "rate": 30}]},
            "hugepageLimits": [{"pageSize": "2MB", "limit": 9}],
            "rdma": {"mlx": {"hcaHandles": 1, "hcaObjects": 2}},
            "network": {"classID": 6}}"#;
        assert_eq!(
            written(json, &|_| true).unwrap(),
            [
                "memory.limit_in_bytes=100",
                "memory.memsw.limit_in_bytes=-1",
                "memory.soft_limit_in_bytes=50",
                "memory.kmem.tcp.limit_in_bytes=8",
                "memory.swappiness=10",
                "memory.oom_control=1",
                "cpu.shares=2",
                "cpu.cfs_period_us=3",
                "cpu.cfs_quota_us=-1",
                "cpu.idle=1",
                "cpu.rt_period_us=5",
                "cpu.rt_runtime_us=4",
                "cpuset.cpus=0-1",
                "cpuset.mems=0",
                "pids.max=max",
                "blkio.bfq.weight=10",
                "blkio.bfq.weight_device=8:0 20",
                "blkio.throttle.write_iops_device=8:1 30",
                "hugetlb.2MB.limit_in_bytes=9",
                "rdma.max=mlx hca_handle=1 hca_object=2",
                "net_cls.classid=6",
            ]
        );
    }

    #[test]
    fn a_file_that_the_kernel_lacks_is_named() {
        for (json, file, what) in [
            (
                r#"{"memory": {"limit": 1, "swap": 2}}"#,
                "memory.memsw.limit_in_bytes",
                "swap limit",
            ),
            (r#"{"cpu": {"burst": 1}}"#, "cpu.cfs_burst_us", "CPU burst"),
            (
                r#"{"cpu": {"realtimeRuntime": 1}}"#,
                "cpu.rt_runtime_us",
                "realtime CPU runtime",
            ),
        ] {
            assert_eq!(
                written(json, &|asked| asked != file).unwrap_err(),
                format!("{what} is not supported here: the kernel has no {file}")
            );
        }
        assert_eq!(
            written(r#"{"blockIO": {"weight": 10}}"#, &|_| false).unwrap_err(),
            "block I/O weight is not supported here: the kernel has no BFQ or CFQ"
        );
        let unlimited = r#"{"memory": {"limit": 1, "swap": -1}}"#;
        assert_eq!(
            written(unlimited, &|_| false).unwrap(),
            ["memory.limit_in_bytes=1"]
        );
        assert_eq!(
            written(r#"{"memory": {"swappiness": 101}}"#, &|_| true).unwrap_err(),
            "invalid swappiness: 101 is not between 0 and 100"
        );
    }
}
