//! Start to exit of `true`, side by side: the kernel's floor, rbox, and the
//! peers that are there, alternately in one run. Prints medians and the ratio
//! of each to rbox.
//!
//! `rbox-bench RBOX ROOTFS [ROUNDS]`; docker and podman are measured when their
//! commands answer and know an image `alpine`.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// One contender.
struct Case {
    name: &'static str,
    command: Vec<String>,
    times: Vec<Duration>,
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let rbox = arguments.next().context("which rbox")?;
    let rootfs = arguments.next().context("which root filesystem")?;
    let rounds: usize = arguments.next().map_or(Ok(20), |text| text.parse())?;
    let floor = std::env::current_exe()?
        .with_file_name("floor")
        .display()
        .to_string();
    let run = |program: &str, network: &str| {
        format!("{program} run --rm --net={network} alpine true")
            .split(' ')
            .map(str::to_owned)
            .collect()
    };
    // Makes sure that the bridge is there, on which the floor relies too.
    if quiet(&rbox, &["network", "inspect", "bridge-test"]).is_err() {
        quiet(&rbox, &["network", "create", "bridge-test"])?;
    }
    quiet(
        &rbox,
        &["run", "--rm", "--net=bridge-test", "alpine", "true"],
    )?;
    let bridge = quiet(
        &rbox,
        &[
            "network",
            "inspect",
            "-f",
            "br-{{slice .Id 0 12}}",
            "bridge-test",
        ],
    )?;
    let gateway = quiet(
        &rbox,
        &[
            "network",
            "inspect",
            "-f",
            "{{(index .IPAM.Config 0).Gateway}}",
            "bridge-test",
        ],
    )?;
    let address = format!(
        "{}.250/16",
        gateway.rsplit_once('.').context("a gateway")?.0
    );
    let mut cases = vec![
        Case::new(
            "floor, network",
            vec![floor.clone(), rootfs.clone(), bridge, address, gateway],
        ),
        Case::new("rbox, bridge-test", run(&rbox, "bridge-test")),
        Case::new("floor, no network", vec![floor, rootfs]),
        Case::new("rbox, none", run(&rbox, "none")),
    ];
    for peer in ["docker", "podman"] {
        if quiet(peer, &["image", "inspect", "alpine"]).is_ok() {
            let _ = quiet(peer, &["network", "create", "bridge-test"]);
            cases.push(Case::new(
                if peer == "docker" {
                    "docker, bridge-test"
                } else {
                    "podman, bridge-test"
                },
                run(peer, "bridge-test"),
            ));
        } else {
            println!("SKIPPED {peer}: not running, or without an image `alpine`");
        }
    }
    for round in 0..=rounds {
        for case in &mut cases {
            let time = case.once()?;
            // The first round warms caches up.
            if round > 0 {
                case.times.push(time);
            }
        }
    }
    let reference = median(&cases[1].times);
    println!(
        "{:<22} {:>9} {:>9} {:>9} {:>8}",
        "start to exit", "median", "fastest", "slowest", "ratio"
    );
    for case in &mut cases {
        case.times.sort();
        let middle = median(&case.times);
        println!(
            "{:<22} {:>6.2} ms {:>6.2} ms {:>6.2} ms {:>7.2}x",
            case.name,
            milliseconds(middle),
            milliseconds(case.times[0]),
            milliseconds(case.times[case.times.len() - 1]),
            middle.as_secs_f64() / reference.as_secs_f64(),
        );
    }
    Ok(())
}

impl Case {
    fn new(name: &'static str, command: Vec<String>) -> Case {
        Case {
            name,
            command,
            times: Vec::new(),
        }
    }

    fn once(&self) -> Result<Duration> {
        let start = Instant::now();
        let output = Command::new(&self.command[0])
            .args(&self.command[1..])
            .stdin(Stdio::null())
            .output()
            .with_context(|| self.command.join(" "))?;
        let time = start.elapsed();
        ensure!(
            output.status.success(),
            "{}: {}",
            self.command.join(" "),
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(time)
    }
}

fn median(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn quiet(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()?;
    ensure!(output.status.success(), "{program} {}", arguments.join(" "));
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
