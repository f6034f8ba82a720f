//! A container's accounting in the form of runc's `events`.

use rbox_runtime::cgroup::{
    CpuStats, CpusetStats, HugetlbStats, IoEntry, IoStats, MemoryCounter, MemoryStats, PidsStats,
    Pressure, Stall, Stats,
};
use serde_json::{Map, Value, json};

/// What runc writes where there is no limit: the greatest number of v1.
const NO_LIMIT: u64 = 0x7fff_ffff_ffff_f000;

/// One line of `events`: `{"type":"stats","id":…,"data":…}`.
pub fn event(id: &str, stats: &Stats) -> Value {
    json!({ "type": "stats", "id": id, "data": data(stats) })
}

/// The line that says that the container ran out of memory.
pub fn out_of_memory(id: &str) -> Value {
    json!({ "type": "oom", "id": id })
}

fn data(stats: &Stats) -> Value {
    let memory = stats.memory.as_ref();
    let hugetlb: Map<String, Value> = stats
        .hugetlb
        .iter()
        .flatten()
        .map(|(size, pages)| (size.clone(), huge_pages(pages)))
        .collect();
    let mut fields = Fields::default();
    fields.put("cpu", cpu(&stats.cpu, stats.pressure.cpu.as_ref()));
    fields.put("cpuset", stats.cpuset.as_ref().map_or(json!({}), cpuset));
    fields.put(
        "memory",
        with_pressure(
            memory.map_or_else(Fields::default, self::memory),
            stats.pressure.memory.as_ref(),
        ),
    );
    fields.put("pids", stats.pids.as_ref().map_or(json!({}), pids));
    let io = stats.io.as_ref().map_or_else(Fields::default, block_io);
    fields.put("blkio", with_pressure(io, stats.pressure.io.as_ref()));
    fields.put("hugetlb", Value::Object(hugetlb));
    // The runtime makes no resource control group and no interface.
    fields.put("intel_rdt", json!({}));
    fields.put("network_interfaces", Value::Null);
    fields.object()
}

/// An object in the making. As in Go's `omitempty`, zeros may be left out.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    fn put_unless_zero(&mut self, name: &str, value: u64) {
        if value != 0 {
            self.put(name, value);
        }
    }

    fn object(self) -> Value {
        Value::Object(self.0)
    }
}

fn cpu(cpu: &CpuStats, pressure: Option<&Pressure>) -> Value {
    let mut usage = Fields::default();
    let used = cpu.usage.clone().unwrap_or_default();
    usage.put_unless_zero("total", used.total_ns);
    if !used.per_cpu.is_empty() {
        let column = |of: fn(&rbox_runtime::cgroup::PerCpuUsage) -> u64| -> Vec<u64> {
            used.per_cpu.iter().map(of).collect()
        };
        usage.put("percpu", column(|one| one.total_ns));
        usage.put("percpu_kernel", column(|one| one.system_ns));
        usage.put("percpu_user", column(|one| one.user_ns));
    }
    usage.put("kernel", used.system_ns);
    usage.put("user", used.user_ns);
    let mut throttling = Fields::default();
    if let Some(throttled) = &cpu.throttling {
        throttling.put_unless_zero("periods", throttled.periods);
        throttling.put_unless_zero("throttledPeriods", throttled.throttled_periods);
        throttling.put_unless_zero("throttledTime", throttled.throttled_ns);
    }
    let mut fields = Fields::default();
    fields.put("usage", usage.object());
    fields.put("throttling", throttling.object());
    with_pressure(fields, pressure)
}

fn cpuset(cpuset: &CpusetStats) -> Value {
    let flags = cpuset.flags.unwrap_or_default();
    json!({
        "cpus": cpuset.cpus,
        "cpu_exclusive": flags.cpu_exclusive,
        "mems": cpuset.mems,
        "mem_hardwall": flags.mem_hardwall,
        "mem_exclusive": flags.mem_exclusive,
        "memory_migrate": flags.memory_migrate,
        "memory_spread_page": flags.memory_spread_page,
        "memory_spread_slab": flags.memory_spread_slab,
        "memory_pressure": flags.memory_pressure,
        "sched_load_balance": flags.sched_load_balance,
        "sched_relax_domain_level": flags.sched_relax_domain_level,
    })
}

fn memory(memory: &MemoryStats) -> Fields {
    let none = MemoryCounter::default();
    let mut fields = Fields::default();
    fields.put_unless_zero("cache", memory.cache_bytes);
    fields.put("usage", counter(&memory.memory));
    fields.put(
        "swap",
        counter(memory.memory_and_swap.as_ref().unwrap_or(&none)),
    );
    fields.put("kernel", counter(memory.kernel.as_ref().unwrap_or(&none)));
    fields.put(
        "kernelTCP",
        counter(memory.kernel_tcp.as_ref().unwrap_or(&none)),
    );
    fields.put("raw", json!(memory.stat));
    fields
}

fn counter(counter: &MemoryCounter) -> Value {
    let mut fields = Fields::default();
    fields.put("limit", counter.limit_bytes.unwrap_or(NO_LIMIT));
    fields.put_unless_zero("usage", counter.usage_bytes);
    fields.put_unless_zero("max", counter.max_usage_bytes.unwrap_or(0));
    fields.put("failcnt", counter.limit_hits.unwrap_or(0));
    fields.object()
}

fn pids(pids: &PidsStats) -> Value {
    let mut fields = Fields::default();
    fields.put_unless_zero("current", pids.current);
    fields.put_unless_zero("limit", pids.limit.unwrap_or(0));
    fields.object()
}

fn block_io(io: &IoStats) -> Fields {
    let mut fields = Fields::default();
    for (name, entries) in [
        ("ioServiceBytesRecursive", &io.service_bytes),
        ("ioServicedRecursive", &io.serviced),
        ("ioQueueRecursive", &io.queued),
        ("ioServiceTimeRecursive", &io.service_time_ns),
        ("ioWaitTimeRecursive", &io.wait_time_ns),
        ("ioMergedRecursive", &io.merged),
        ("ioTimeRecursive", &io.time_ms),
        ("sectorsRecursive", &io.sectors),
    ] {
        if !entries.is_empty() {
            fields.put(name, entries.iter().map(io_entry).collect::<Vec<Value>>());
        }
    }
    fields
}

fn io_entry(entry: &IoEntry) -> Value {
    let mut fields = Fields::default();
    fields.put_unless_zero("major", entry.major.into());
    fields.put_unless_zero("minor", entry.minor.into());
    fields.put("op", entry.operation.to_string());
    fields.put_unless_zero("value", entry.value);
    fields.object()
}

fn huge_pages(pages: &HugetlbStats) -> Value {
    let mut fields = Fields::default();
    fields.put_unless_zero("usage", pages.usage_bytes);
    fields.put_unless_zero("max", pages.max_usage_bytes.unwrap_or(0));
    fields.put("failcnt", pages.limit_hits);
    fields.object()
}

/// runc 1.2's `psi`, where the kernel tells it.
fn with_pressure(mut fields: Fields, pressure: Option<&Pressure>) -> Value {
    if let Some(pressure) = pressure {
        let mut psi = Fields::default();
        psi.put("some", stall(&pressure.some));
        psi.put("full", stall(&pressure.full.unwrap_or_default()));
        fields.put("psi", psi.object());
    }
    fields.object()
}

fn stall(stall: &Stall) -> Value {
    json!({
        "avg10": stall.average_10s_percent,
        "avg60": stall.average_60s_percent,
        "avg300": stall.average_300s_percent,
        "total": stall.total_us,
    })
}

#[cfg(test)]
mod tests;
