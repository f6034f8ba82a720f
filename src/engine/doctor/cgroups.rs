//! Control groups: which layout, and which controllers.

use rbox_runtime::cgroup::{self, Version};

use super::{Finding, read};

const NEEDED: [&str; 4] = ["cpu", "cpuset", "memory", "pids"];

pub fn examine() -> Finding {
    let hierarchies = match cgroup::hierarchies() {
        Ok(hierarchies) => hierarchies,
        Err(error) => {
            return Finding::problem(
                "cgroups",
                error.to_string(),
                "mount -t cgroup2 cgroup2 /sys/fs/cgroup",
            );
        }
    };
    let mut controllers: Vec<String> = Vec::new();
    let (mut v1, mut v2) = (false, false);
    for hierarchy in &hierarchies {
        match hierarchy.version {
            Version::V1 => {
                v1 = true;
                controllers.extend(hierarchy.label.split(',').map(String::from));
            }
            Version::V2 => {
                v2 = true;
                let path = hierarchy.mount.join("cgroup.controllers");
                let known = read(&path.to_string_lossy()).unwrap_or_default();
                controllers.extend(known.split_whitespace().map(String::from));
            }
        }
    }
    let layout = match (v1, v2) {
        (true, true) => "v1, and v2 beside it",
        (true, false) => "v1",
        _ => "v2",
    };
    judge(layout, &controllers)
}

fn judge(layout: &str, controllers: &[String]) -> Finding {
    let missing: Vec<&str> = NEEDED
        .into_iter()
        .filter(|needed| !controllers.iter().any(|known| known == needed))
        .collect();
    if missing.is_empty() {
        return Finding::ok("cgroups", format!("{layout}, with {}", NEEDED.join(", ")));
    }
    let missing = missing.join(", ");
    Finding::warning(
        "cgroups",
        format!("{layout}, without {missing}: limits of these are refused"),
        "a boot parameter switches them off (cgroup_disable=), or needs to switch them on \
         (cgroup_enable=memory on some boards)",
    )
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::judge;

    #[test]
    fn missing_controllers_are_named() {
        let known = ["cpu", "cpuset", "io", "memory", "pids"].map(String::from);
        assert_eq!(judge("v2", &known).verdict, Verdict::Ok);
        let finding = judge("v2", &known[..3]);
        assert_eq!(finding.verdict, Verdict::Warning);
        assert!(
            finding.found.contains("without memory, pids"),
            "{finding:?}"
        );
    }
}
