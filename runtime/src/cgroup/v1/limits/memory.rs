//! The memory controller of v1.

use super::super::super::CgroupError;
use super::super::super::either::{check_memory, nonzero};
use super::super::super::setting::{Setting, Settings, unsupported};
use super::{Kernel, known};
use oci_spec::runtime::LinuxMemory;

const SWAP: &str = "memory.memsw.limit_in_bytes";
const KERNEL: &str = "memory.kmem.limit_in_bytes";
const HIERARCHY: &str = "memory.use_hierarchy";

pub(super) fn settings(
    memory: &LinuxMemory,
    kernel: &dyn Kernel,
    settings: &mut Settings,
) -> Result<(), CgroupError> {
    check_memory(memory)?;
    match memory.use_hierarchy() {
        // Linux 5.11 and later have nothing else.
        Some(false) if kernel.read(HIERARCHY).is_none_or(|on| on.trim() != "0") => {
            return Err(unsupported(
                "memory without useHierarchy",
                "the kernel always counts groups with those inside them",
            ));
        }
        Some(true) if kernel.read(HIERARCHY).is_some_and(|on| on.trim() == "0") => {
            settings.set("useHierarchy", HIERARCHY, Some(1));
        }
        _ => {}
    }
    let limit = nonzero(memory.limit());
    let swap = match nonzero(memory.swap()) {
        // Unlimited memory means both, unless that is said otherwise: the kernel
        // wants memory to be less than both together.
        None if limit == Some(-1) => Some(-1),
        swap => swap,
    };
    // Unlimited is what there is without the file.
    let swap = swap.filter(|swap| *swap != -1 || kernel.has(SWAP));
    settings.set("memory limit", "memory.limit_in_bytes", limit);
    known(settings, kernel, "swap limit", SWAP, swap)?;
    settings.set(
        "memory reservation",
        "memory.soft_limit_in_bytes",
        nonzero(memory.reservation()),
    );
    let later = kernel.version() >= (5, 16);
    let own = match nonzero(memory.kernel()) {
        // Unlimited is what there is without the file.
        Some(-1) if later || !kernel.has(KERNEL) => None,
        // Some of them take it without a word.
        Some(_) if later => {
            return Err(unsupported(
                "kernel memory limit",
                "Linux 5.16 and later have none",
            ));
        }
        own => own,
    };
    known(settings, kernel, "kernel memory limit", KERNEL, own)?;
    let tcp = nonzero(memory.kernel_tcp());
    let file = "memory.kmem.tcp.limit_in_bytes";
    known(settings, kernel, "kernel TCP memory limit", file, tcp)?;
    known(
        settings,
        kernel,
        "swappiness",
        "memory.swappiness",
        memory.swappiness(),
    )?;
    if let Some(off) = memory.disable_oom_killer() {
        let what = "disabling the OOM killer";
        let setting = Setting::new(what, "memory.oom_control", u8::from(off));
        settings.0.push(setting.initial(!off));
    }
    Ok(())
}
