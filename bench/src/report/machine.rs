//! Where it was measured.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// What figures depend on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// `Linux 6.18.1 x86_64`.
    pub kernel: String,
    /// How many may be used, and what they call themselves.
    pub processors: String,
    /// Gigabytes.
    pub memory: String,
    /// Which versions of cgroups contenders saw.
    pub cgroups: String,
}

impl Machine {
    /// This one.
    pub fn this() -> Self {
        let name = rustix::system::uname();
        let [system, release, processor] =
            [name.sysname(), name.release(), name.machine()].map(|text| text.to_string_lossy());
        let number = std::thread::available_parallelism().map_or(1, usize::from);
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let model = field(&read("/proc/cpuinfo"), "model name").unwrap_or_default();
        let memory = field(&read("/proc/meminfo"), "MemTotal")
            .and_then(|text| text.trim_end_matches(" kB").parse::<f64>().ok())
            .map(|kilobytes| format!("{:.1} GB", kilobytes * 1024.0 / 1e9));
        let pure = Path::new("/sys/fs/cgroup/cgroup.controllers").exists();
        Self {
            kernel: format!("{system} {release} {processor}"),
            processors: format!("{number} × {model}"),
            memory: memory.unwrap_or_default(),
            cgroups: if pure { "v2" } else { "v1" }.to_owned(),
        }
    }
}

/// Of `name : value` lines.
fn field(text: &str, name: &str) -> Option<String> {
    let mut fields = text.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = fields.find(|(key, _)| key.trim() == name)?;
    Some(value.trim().to_owned())
}

/// Today.
pub fn date() -> String {
    let now = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC);
    now.strftime("%Y-%m-%d").to_string()
}

/// The load average over one minute.
pub fn load() -> String {
    let all = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    all.split(' ').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let text = "model\t\t: 85\nmodel name\t: Some Processor\n";
        assert_eq!(field(text, "model name").unwrap(), "Some Processor");
        assert_eq!(field(text, "name"), None);
    }
}
