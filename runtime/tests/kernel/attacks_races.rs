//! Another container swaps directories and symlinks in a shared volume while
//! this one is made. Whoever wins, nothing happens outside of the root.

use std::collections::BTreeMap;
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::path::Path;

use rbox_runtime::Stdio;
use rbox_runtime::spec::defaults;
use rustix::fs::{CWD, FileType, makedev, mknodat};

use crate::support::{Racer, Trial, alpine, apart, pipe, read_all, reap};

/// How a raced start ended: what the container wrote, or why there is none.
fn outcome(trial: &Trial) -> Result<String, String> {
    let (out, stdout) = pipe();
    let stdin = OwnedFd::from(fs::File::open("/dev/null").unwrap());
    let stderr = stdout.try_clone().unwrap();
    let mut created = trial
        .create(Stdio::Fds {
            stdin,
            stdout,
            stderr,
        })
        .map_err(|error| error.to_string())?;
    created.wait_ready().map_err(|error| error.to_string())?;
    let running = created.start().map_err(|error| error.to_string())?;
    let text = read_all(out);
    reap(std::os::fd::AsFd::as_fd(&running.pidfd));
    running.cgroup.delete().unwrap();
    Ok(text)
}

fn mounts() -> String {
    fs::read_to_string("/proc/self/mountinfo").unwrap()
}

/// No round of a race is sure to be won or lost: there are as many as it takes to see both,
/// but not for ever.
const MOST_ROUNDS: usize = 2000;

/// Sixty containers or more with forty mounts each below a name that changes between a
/// directory and a symlink: CVE-2021-30465, and CVE-2024-45310 for what is made
/// on the way.
#[test]
fn mount_points_that_are_swapped_stay_inside() {
    let Some(image) = alpine("attacks_races::mount_points_that_are_swapped") else {
        return;
    };
    apart("mount_points_that_are_swapped", || {
        const MOUNTS: usize = 40;
        let before = mounts();
        let outside = tempfile::tempdir().unwrap();
        let above = format!("../../../../../../../../..{}", outside.path().display());
        let absolute = outside.path().display().to_string();
        let (mut direct, mut linked, mut failed) = (0, 0, BTreeMap::new());
        for round in 0..MOST_ROUNDS {
            if round >= 60 && direct > 0 && (linked > 0 || !failed.is_empty()) {
                break;
            }
            let mut trial = Trial::new(&image, &["cat", "/proc/self/mountinfo"]);
            let volume = trial.extra();
            fs::create_dir(volume.join("d")).unwrap();
            let target = [above.as_str(), &absolute, "/proc/1/root", "/inside"][round % 4];
            symlink(target, volume.join("link")).unwrap();
            trial.bind(&volume, "/v", &[]);
            for number in 0..MOUNTS {
                let place = format!("/v/d/m{number}");
                if number % 2 == 0 {
                    trial.mount(defaults::mount(&place, "tmpfs", "raced", &[]));
                } else {
                    trial.bind(Path::new("/sys/kernel"), &place, &[]);
                }
            }
            let racer = Racer::swapping(&volume.join("d"), &volume.join("link"));
            let outcome = outcome(&trial);
            drop(racer);
            let left = fs::read_dir(outside.path()).unwrap().count();
            assert_eq!(left, 0, "{target}: {outcome:?}");
            assert_eq!(mounts(), before, "{target}");
            let table = match outcome {
                Ok(table) => table,
                Err(error) => {
                    *failed.entry(error).or_insert(0) += 1;
                    continue;
                }
            };
            // Where mounted(2) says so, as the container sees it: all of them.
            let places = table.lines().filter_map(|line| line.split(' ').nth(4));
            let made: Vec<_> = places.filter(|place| is_raced(place)).collect();
            assert_eq!(made.len(), MOUNTS, "{target}: {table}");
            let below_the_directory = made.iter().filter(|place| place.starts_with("/v/")).count();
            direct += below_the_directory;
            linked += MOUNTS - below_the_directory;
        }
        let line = format!("{direct} by the directory, {linked} by the link, failed: {failed:?}\n");
        let _ = rustix::io::write(rustix::stdio::stderr(), line.as_bytes());
        assert!(
            direct > 0 && (linked > 0 || !failed.is_empty()),
            "there was no race: {line}"
        );
    });
}

/// Whether the last name is `m` and a number.
fn is_raced(place: &str) -> bool {
    let last = place.rsplit('/').next().unwrap_or_default();
    last.strip_prefix('m')
        .is_some_and(|number| number.parse::<usize>().is_ok())
}

/// CVE-2025-31133: the null device that hides files is somebody else's file.
#[test]
fn a_null_device_that_is_swapped_never_shows_what_is_masked() {
    let Some(image) = alpine("attacks_races::a_null_device_that_is_swapped") else {
        return;
    };
    apart("a_null_device_that_is_swapped", || {
        let (mut masked, mut refused) = (0, 0);
        for round in 0..MOST_ROUNDS {
            if round >= 100 && masked > 0 && refused > 0 {
                break;
            }
            let script = "stat -c '%F %t,%T' /proc/keys /proc/timer_list; \
                          grep -c core_pattern /proc/self/mountinfo";
            let mut trial = Trial::shell(&image, script);
            let dev = trial.extra();
            let node = |name, kind, device| {
                mknodat(CWD, dev.join(name), kind, 0o666.into(), device).unwrap();
            };
            node("null", FileType::CharacterDevice, makedev(1, 3));
            match round % 4 {
                0 => symlink("/proc/sys/kernel/core_pattern", dev.join("fake")).unwrap(),
                1 => fs::write(dev.join("fake"), "shown").unwrap(),
                2 => node("fake", FileType::CharacterDevice, makedev(1, 5)),
                _ => symlink("/proc/self/fd/3", dev.join("fake")).unwrap(),
            }
            let mut mounts = defaults::mounts(false);
            mounts.retain(|mount| mount.destination().as_os_str() == "/proc");
            trial.spec.set_mounts(Some(mounts));
            trial.bind(&dev, "/dev", &[]);
            let racer = Racer::swapping(&dev.join("null"), &dev.join("fake"));
            let outcome = outcome(&trial);
            drop(racer);
            match outcome {
                Ok(text) => {
                    masked += 1;
                    let null = "character special file 1,3\n";
                    assert_eq!(text, format!("{null}{null}0\n"));
                }
                Err(error) => {
                    refused += 1;
                    assert!(error.contains("verifying /dev/null"), "{error}");
                }
            }
        }
        assert!(
            masked > 0 && refused > 0,
            "{masked} masked, {refused} refused"
        );
    });
}

/// CVE-2025-52565: what becomes the terminal's place is somebody else's link.
#[test]
fn a_console_that_is_swapped_never_leads_away() {
    let Some(image) = alpine("attacks_races::a_console_that_is_swapped") else {
        return;
    };
    apart("a_console_that_is_swapped", || {
        let (mut there, mut refused) = (0, 0);
        for round in 0..MOST_ROUNDS {
            if round >= 100 && there > 0 && refused > 0 {
                break;
            }
            let mut trial = Trial::new(&image, &["cat", "/proc/self/mountinfo"]);
            let volume = trial.extra();
            fs::write(volume.join("console"), "").unwrap();
            let target = [
                "/proc/sys/kernel/core_pattern",
                "/proc/keys",
                "/proc/self/fd/4",
            ];
            symlink(target[round % 3], volume.join("link")).unwrap();
            let mut mounts = defaults::mounts(false);
            mounts.retain(|mount| mount.destination().as_os_str() == "/proc");
            mounts.push(defaults::mount(
                "/v",
                "bind",
                volume.to_str().unwrap(),
                &["bind"],
            ));
            let pts = ["newinstance", "ptmxmode=0666", "mode=0620", "gid=5"];
            mounts.push(defaults::mount("/v/pts", "devpts", "devpts", &pts));
            trial.spec.set_mounts(Some(mounts));
            trial.linux(|linux| {
                linux.set_masked_paths(None).set_readonly_paths(None);
            });
            // The image's /dev is the volume.
            let layer = trial.layer();
            symlink("/v", layer.join("dev")).unwrap();
            let racer = Racer::swapping(&volume.join("console"), &volume.join("link"));
            let ended = with_terminal(&trial);
            drop(racer);
            match ended {
                Ok(text) => {
                    there += 1;
                    let of_terminals = text.lines().filter(|line| line.contains(" - devpts "));
                    let places: Vec<_> = of_terminals
                        .flat_map(|line| line.split(' ').nth(4))
                        .collect();
                    // A file keeps what is mounted on it when it is renamed.
                    let console = matches!(places[..], ["/v/pts", "/v/console" | "/v/link"]);
                    assert!(console, "{text}");
                }
                Err(error) => {
                    refused += 1;
                    assert!(
                        error.contains("mounting the terminal on /dev/console"),
                        "{error}"
                    );
                }
            }
        }
        assert!(
            there > 0 && refused > 0,
            "{there} mounted, {refused} refused"
        );
    });
}

fn with_terminal(trial: &Trial) -> Result<String, String> {
    use std::io::Read;
    let created = trial.create(Stdio::Terminal { rows: 0, cols: 0 });
    let mut created = created.map_err(|error| error.to_string())?;
    created.wait_ready().map_err(|error| error.to_string())?;
    let master = created.take_console().unwrap();
    let running = created.start().map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    // The end of a terminal reads as an input/output error.
    let _ = fs::File::from(master).read_to_end(&mut bytes);
    reap(std::os::fd::AsFd::as_fd(&running.pidfd));
    running.cgroup.delete().unwrap();
    Ok(String::from_utf8(bytes).unwrap().replace('\r', ""))
}
