//! Which process answers questions, and what processor time it has had.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

/// The process that answers the questions of an engine's container with this init: rbox's monitor
/// is its parent; the others have one process for all.
pub fn answering(engine: &str, init: i32) -> Result<i32> {
    let name = match engine {
        "docker" => "dockerd",
        "podman" => "aardvark-dns",
        _ => {
            let stat = stat(init)?;
            return fields(&stat)?
                .get(1)
                .and_then(|field| field.parse().ok())
                .with_context(|| format!("process {init} has no parent"));
        }
    };
    for entry in fs::read_dir("/proc")? {
        let path = entry?.path();
        let comm = fs::read_to_string(path.join("comm")).unwrap_or_default();
        if comm.trim() == name
            // Another's, in namespaces of its own, is not the one that was started here.
            && same_namespace(&path)
            && let Some(pid) = path.file_name().and_then(|pid| pid.to_str()?.parse().ok())
        {
            return Ok(pid);
        }
    }
    bail!("there is no process {name}")
}

/// User and system time of a process so far, seconds.
pub fn processor_time(pid: i32) -> Result<f64> {
    let ticks = ticks(&stat(pid)?)?;
    Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

fn same_namespace(process: &Path) -> bool {
    let of = |path: &Path| fs::read_link(path.join("ns/mnt")).ok();
    let own = of(Path::new("/proc/self"));
    own.is_some() && of(process) == own
}

fn stat(pid: i32) -> Result<String> {
    let path = format!("/proc/{pid}/stat");
    fs::read_to_string(&path).context(path)
}

/// The fields of proc_pid_stat(5) from the third, the state, on.
fn fields(stat: &str) -> Result<Vec<&str>> {
    let (_, fields) = stat.rsplit_once(')').context("a stat without name")?;
    Ok(fields.split_whitespace().collect())
}

/// Fields 14 and 15: user and system time.
fn ticks(stat: &str) -> Result<u64> {
    let fields = fields(stat)?;
    let [user, system] = [11, 12].map(|index| fields.get(index)?.parse::<u64>().ok());
    user.zip(system)
        .map(|(user, system)| user + system)
        .context("a stat without times")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_look_like_fields() {
        let stat = "42 (a) 1 2) S 7 42 42 0 -1 4194560 1 2 3 4 30 12 0 0 20 0 1 0 100";
        assert_eq!(fields(stat).unwrap()[..2], ["S", "7"]);
        assert_eq!(ticks(stat).unwrap(), 42);
        assert!(ticks("42 (sh) S 7").is_err());
    }
}
