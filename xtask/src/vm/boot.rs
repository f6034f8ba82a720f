//! qemu: boots the machine and passes on what it says, for as long as it may take.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::program;

/// The kernel says nothing but errors, and what would make it hang makes qemu end. Programs lie at
/// the same addresses each time: qemu has translated them for those, and starts them six times as
/// fast.
const COMMAND_LINE: &str =
    "console=ttyS0 quiet panic=-1 oops=panic norandmaps root=/dev/nvme0n1 rw rootfstype=ext4";

/// Of the machine; of this one's only what it uses.
const MEGABYTES: &str = "2048";

/// What is booted.
pub struct Machine {
    /// A bzImage.
    pub kernel: PathBuf,
    /// The root's and the tests'. Neither is changed.
    pub disks: [PathBuf; 2],
    /// More of the kernel's command line.
    pub command_line: &'static str,
    /// Where the kernel's messages go.
    pub console: PathBuf,
    /// When it is taken for hung.
    pub patience: Duration,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It switched itself off.
    Off,
    /// It was ended after this time.
    Hung(Duration),
}

impl Machine {
    /// Runs it to its end, giving each line of the second serial port to `line`.
    pub fn run(&self, mut line: impl FnMut(&str)) -> Result<End> {
        let end = Instant::now() + self.patience;
        let mut qemu = program("setpriv")?
            .args(["--pdeathsig", "KILL", "--", "qemu-system-x86_64"])
            .args(self.arguments())
            .stdout(Stdio::piped())
            .spawn()
            .context("running qemu")?;
        let output = qemu.stdout.take().context("qemu has no output")?;
        let (sender, lines) = channel();
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).into_owned();
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let ended = loop {
            match lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                // The port is a terminal.
                Ok(text) => line(text.trim_end_matches('\r')),
                Err(RecvTimeoutError::Disconnected) => break End::Off,
                Err(RecvTimeoutError::Timeout) => {
                    qemu.kill().context("ending qemu")?;
                    break End::Hung(self.patience);
                }
            }
        };
        qemu.wait().context("waiting for qemu")?;
        let _ = reader.join();
        Ok(ended)
    }

    fn arguments(&self) -> Vec<String> {
        // The console first: the ports are numbered as they come.
        let serial = [
            format!("file:{}", self.console.display()),
            "stdio".to_owned(),
        ];
        let mut all: Vec<String> = [
            "-M",
            "q35",
            "-accel",
            "tcg,thread=multi",
            "-cpu",
            "max,la57=off",
        ]
        .map(str::to_owned)
        .into();
        // With a second processor the kernel dies now and then: qemu runs old code where the
        // other processor has patched it (int3 oops).
        all.extend(["-smp", "1"].map(str::to_owned));
        all.extend(
            [
                "-m",
                MEGABYTES,
                "-nodefaults",
                "-display",
                "none",
                "-no-reboot",
            ]
            .map(str::to_owned),
        );
        for port in serial {
            all.extend(["-serial".to_owned(), port]);
        }
        // Two of one kind would get their names in the order of the day. What is written goes to a
        // file without a name and is lost.
        let devices = [("root", "nvme,serial=root"), ("tests", "virtio-blk-pci")];
        for (disk, (id, device)) in self.disks.iter().zip(devices) {
            let file = format!(
                "file={},format=raw,if=none,id={id},snapshot=on",
                disk.display()
            );
            let device = format!("{device},drive={id}");
            all.extend(["-drive".to_owned(), file, "-device".to_owned(), device]);
        }
        let command_line = format!("{COMMAND_LINE} {}", self.command_line);
        let kernel = self.kernel.display().to_string();
        all.extend([
            "-kernel".to_owned(),
            kernel,
            "-append".to_owned(),
            command_line,
        ]);
        all
    }
}
