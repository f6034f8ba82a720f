//! `info`.

use serde_json::{Value, json};

use super::formatted;
use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::stop::Outcome;
use crate::engine::info::Info;
use crate::engine::{Dirs, credentials};
use crate::output::{error, json as output_json, units};

/// `info`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS]",
    about: "Display system-wide information",
    arity: Arity::Exactly(0),
    interspersed: true,
    run,
    examples: "\
rbox info
rbox info --format '{{.ContainersRunning}} of {{.Containers}}'
",
    ..Spec::of::<Arguments>()
};

#[derive(clap::Parser)]
struct Arguments {
    /// Format output using a custom template: 'json' or a Go template
    #[arg(
        short,
        long,
        value_name = "string",
        default_value = "",
        hide_default_value = true
    )]
    format: String,
}

fn run(call: &Call) -> Outcome {
    let line: Arguments = call.parse()?;
    let engine = call.engine()?;
    let info = engine.info()?;
    match line.format.as_str() {
        "" => {
            say(&text(&info, &engine.dirs, &call.insecure_registries));
            for warning in warnings(&info) {
                error::print_plain(warning);
            }
        }
        format => {
            let data = data(&info, &engine.dirs, &call.insecure_registries);
            match format {
                "json" => say(&format!("{}\n", output_json::compact_html(&data))),
                format => say(&formatted(format, &data)?),
            }
        }
    }
    Ok(0)
}

const NETWORK_DRIVERS: [&str; 4] = ["bridge", "host", "macvlan", "null"];
const LOG_DRIVERS: [&str; 2] = ["json-file", "none"];

/// Docker's layout, with what there is without a daemon.
fn text(info: &Info, dirs: &Dirs, insecure: &[String]) -> String {
    let machine = &info.machine;
    let version = env!("CARGO_PKG_VERSION");
    let cgroup = if info.cgroup_v2 { 2 } else { 1 };
    let insecure: String = registries(insecure)
        .iter()
        .map(|registry| format!("  {registry}\n"))
        .collect();
    format!(
        "Client: rbox\n Version:    {version}\n\nServer:\n Containers: {}\n  Running: {}\n  \
         Paused: {}\n  Stopped: {}\n Images: {}\n Server Version: {version}\n Storage Driver: \
         overlayfs\n  Backing Filesystem: {}\n Logging Driver: json-file\n Cgroup Driver: \
         cgroupfs\n Cgroup Version: {cgroup}\n Plugins:\n  Volume: local\n  Network: {}\n  Log: \
         {}\n Runtimes: rbox\n Default Runtime: rbox\n Security Options:\n  seccomp\n   Profile: \
         builtin\n Kernel Version: {}\n Operating System: {}\n OSType: linux\n Architecture: \
         {}\n CPUs: {}\n Total Memory: {}\n Name: {}\n Docker Root Dir: {}\n Run Root Dir: {}\n \
         Insecure Registries:\n{insecure} Live Restore Enabled: false\n",
        info.containers,
        info.running,
        info.paused,
        info.stopped,
        info.images,
        info.filesystem,
        NETWORK_DRIVERS.join(" "),
        LOG_DRIVERS.join(" "),
        machine.kernel,
        machine.system,
        machine.architecture,
        machine.processors,
        units::binary_size(machine.memory),
        machine.name,
        dirs.root.display(),
        dirs.run_root.display(),
    )
}

/// Docker's keys.
fn data(info: &Info, dirs: &Dirs, insecure: &[String]) -> Value {
    let machine = &info.machine;
    let version = env!("CARGO_PKG_VERSION");
    let has = |name: &str| info.controllers.iter().any(|known| known == name);
    let proxy = |name: &str| std::env::var(name).unwrap_or_default();
    let state = json!({
        "ID": machine.name,
        "Containers": info.containers,
        "ContainersRunning": info.running,
        "ContainersPaused": info.paused,
        "ContainersStopped": info.stopped,
        "Images": info.images,
        "Driver": "overlayfs",
        "DriverStatus": [["Backing Filesystem", info.filesystem]],
        "Plugins": {
            "Volume": ["local"],
            "Network": NETWORK_DRIVERS,
            "Authorization": null,
            "Log": LOG_DRIVERS,
        },
        "MemoryLimit": has("memory"),
        "SwapLimit": info.swap_limit,
        "CpuCfsPeriod": has("cpu"),
        "CpuCfsQuota": has("cpu"),
        "CPUShares": has("cpu"),
        "CPUSet": has("cpuset"),
        "PidsLimit": has("pids"),
        "IPv4Forwarding": info.ipv4_forwarding,
        "Debug": false,
    });
    let surroundings = json!({
        "LoggingDriver": "json-file",
        "CgroupDriver": "cgroupfs",
        "CgroupVersion": if info.cgroup_v2 { "2" } else { "1" },
        "KernelVersion": machine.kernel,
        "OperatingSystem": machine.system,
        "OSVersion": machine.system_version,
        "OSType": "linux",
        "Architecture": machine.architecture,
        "IndexServerAddress": credentials::DOCKER_HUB,
        "RegistryConfig": { "InsecureRegistryCIDRs": registries(insecure) },
        "NCPU": machine.processors,
        "MemTotal": machine.memory,
        "DockerRootDir": dirs.root,
        "HttpProxy": proxy("HTTP_PROXY"),
        "HttpsProxy": proxy("HTTPS_PROXY"),
        "NoProxy": proxy("NO_PROXY"),
        "Name": machine.name,
        "Labels": [],
        "ExperimentalBuild": false,
        "ServerVersion": version,
        "Runtimes": { "rbox": { "path": "rbox" } },
        "DefaultRuntime": "rbox",
        "LiveRestoreEnabled": false,
        "SecurityOptions": ["name=seccomp,profile=builtin"],
        "Warnings": warnings(info),
        "ClientInfo": { "Version": version, "Debug": false },
    });
    let parts = [state, surroundings]
        .into_iter()
        .filter_map(|part| match part {
            Value::Object(fields) => Some(fields),
            _ => None,
        });
    Value::Object(parts.flatten().collect())
}

/// Loopback always is (docker's 127.0.0.0/8).
fn registries(insecure: &[String]) -> Vec<String> {
    let mut all = insecure.to_vec();
    all.push("127.0.0.0/8".to_owned());
    all
}

/// Docker's texts.
fn warnings(info: &Info) -> Vec<&'static str> {
    let mut all = Vec::new();
    if !info.swap_limit {
        all.push("WARNING: No swap limit support");
    }
    if !info.ipv4_forwarding {
        all.push("WARNING: IPv4 forwarding is disabled");
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::info::Machine;

    #[test]
    fn it_looks_like_dockers() {
        let info = Info {
            containers: 3,
            running: 1,
            paused: 1,
            stopped: 1,
            images: 2,
            filesystem: "extfs".into(),
            cgroup_v2: true,
            controllers: vec!["cpu".into(), "pids".into()],
            swap_limit: false,
            ipv4_forwarding: true,
            machine: Machine {
                kernel: "6.12".into(),
                system: "Debian".into(),
                system_version: "13".into(),
                architecture: "x86_64".into(),
                name: "vm".into(),
                processors: 2,
                memory: 25_275_000_000,
            },
        };
        let dirs = Dirs {
            root: "/var/lib/rbox".into(),
            run_root: "/run/rbox".into(),
        };
        let text = text(&info, &dirs, &["reg.test:5000".to_owned()]);
        for line in [
            " Containers: 3\n  Running: 1\n  Paused: 1\n  Stopped: 1\n Images: 2\n",
            " Storage Driver: overlayfs\n  Backing Filesystem: extfs\n",
            " Cgroup Version: 2\n",
            " CPUs: 2\n Total Memory: 23.54GiB\n Name: vm\n Docker Root Dir: /var/lib/rbox\n",
            " Insecure Registries:\n  reg.test:5000\n  127.0.0.0/8\n",
        ] {
            assert!(text.contains(line), "{line:?} in {text}");
        }
        let data = data(&info, &dirs, &[]);
        assert_eq!(
            (&data["MemoryLimit"], &data["PidsLimit"]),
            (&json!(false), &json!(true))
        );
        assert_eq!(data["MemTotal"], 25_275_000_000_u64);
        assert_eq!(data["Warnings"], json!(["WARNING: No swap limit support"]));
    }
}
