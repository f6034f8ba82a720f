//! Many containers on one network: what the 10th start costs, the 500th and the last, and what
//! commands cost that look at all of them.
//!
//! In network and mount namespaces of its own, with state on a tmpfs; the images are those of
//! RBOX_ROOT.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_change, unmount,
};
use rustix::thread::UnshareFlags;

/// Starts around the one that is shown: their median is.
const WINDOW: usize = 9;

/// How often a command that looks at all is timed.
const LOOKS: usize = 5;

/// Starts `count` containers one after the other, looks at them, removes them.
pub fn run(rbox: &str, count: usize) -> Result<()> {
    ensure!(
        count >= 2 * WINDOW,
        "fewer than {} containers tell nothing",
        2 * WINDOW
    );
    let place = Place::new(rbox)?;
    place.rbox(&["network", "create", "lan"])?;
    let mut starts = Vec::with_capacity(count);
    for number in 1..=count {
        let name = format!("box{number}");
        let words = [
            "run",
            "-d",
            "--name",
            &name,
            "--network",
            "lan",
            "alpine",
            "sleep",
            "1000000",
        ];
        starts.push(place.rbox(&words)?);
    }
    let tenth = around(&starts, 10);
    println!("{:<30} {:>9} {:>7}", "start and return", "median", "ratio");
    for number in [10, count / 2, count] {
        let time = around(&starts, number);
        let ratio = time.as_secs_f64() / tenth.as_secs_f64();
        println!(
            "{:<30} {:>6.2} ms {ratio:>6.2}x",
            format!("container {number}"),
            milliseconds(time)
        );
    }
    println!("{:<30} {:>9}", format!("with {count} running"), "median");
    for words in [
        &["ps"][..],
        &["ps", "-q"],
        &["network", "inspect", "lan"],
        &["network", "ls"],
        &["inspect", "box10"],
    ] {
        let mut times: Vec<_> = (0..LOOKS)
            .map(|_| place.rbox(words))
            .collect::<Result<_>>()?;
        times.sort();
        println!(
            "{:<30} {:>6.2} ms",
            words.join(" "),
            milliseconds(times[LOOKS / 2])
        );
    }
    let began = Instant::now();
    place.remove_all()?;
    let each = began.elapsed() / u32::try_from(count)?;
    println!(
        "{:<30} {:>6.2} ms",
        "rm -f of all, each",
        milliseconds(each)
    );
    place.rbox(&["network", "rm", "lan"])?;
    Ok(())
}

/// The median of the starts around the `number`th.
fn around(starts: &[Duration], number: usize) -> Duration {
    let from = number
        .saturating_sub(WINDOW / 2 + 1)
        .min(starts.len() - WINDOW);
    let mut window = starts[from..from + WINDOW].to_vec();
    window.sort();
    window[WINDOW / 2]
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Where it happens. Dropped, nothing of it is left.
struct Place {
    rbox: String,
    state: tempfile::TempDir,
}

impl Place {
    fn new(rbox: &str) -> Result<Place> {
        let images = std::env::var_os("RBOX_ROOT")
            .map_or_else(|| PathBuf::from("/var/lib/rbox"), PathBuf::from)
            .join("images");
        ensure!(images.is_dir(), "{}: no images", images.display());
        let images = images.canonicalize()?;
        leave_the_machine().context("make namespaces")?;
        let state = tempfile::tempdir()?;
        tmpfs(state.path())?;
        std::fs::create_dir_all("/run/netns")?;
        tmpfs(Path::new("/run/netns"))?;
        std::fs::create_dir(state.path().join("root"))?;
        std::os::unix::fs::symlink(images, state.path().join("root/images"))?;
        Ok(Place {
            rbox: rbox.to_owned(),
            state,
        })
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.rbox);
        command
            .args(words)
            .env("RBOX_ROOT", self.state.path().join("root"))
            .env("RBOX_RUN_ROOT", self.state.path().join("run"))
            .stdin(Stdio::null());
        command
    }

    /// Runs rbox, which must succeed; how long that took.
    fn rbox(&self, words: &[&str]) -> Result<Duration> {
        let began = Instant::now();
        let status = self.command(words).stdout(Stdio::null()).status()?;
        ensure!(status.success(), "rbox {}", words.join(" "));
        Ok(began.elapsed())
    }

    fn remove_all(&self) -> Result<()> {
        let all = self.command(&["ps", "-aq"]).output()?;
        let all = String::from_utf8_lossy(&all.stdout).into_owned();
        let ids: Vec<&str> = all.split_whitespace().collect();
        if !ids.is_empty() {
            self.rbox(&[&["rm", "-f"], &ids[..]].concat())?;
        }
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Err(error) = self.remove_all() {
            eprintln!("containers are left: {error:#}");
        }
        // The directory under it goes with the field.
        let _ = unmount(self.state.path(), UnmountFlags::DETACH);
    }
}

fn tmpfs(path: &Path) -> Result<()> {
    mount("tmpfs", path, "tmpfs", MountFlags::empty(), None)
        .with_context(|| format!("mount a tmpfs on {}", path.display()))
}

#[allow(unsafe_code, reason = "it leaves what others opened")]
fn leave_the_machine() -> std::io::Result<()> {
    // SAFETY: this process has one thread and nothing open that depends on the namespaces.
    unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNET | UnshareFlags::NEWNS)? };
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private)?;
    Ok(())
}
