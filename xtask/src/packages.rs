//! The programs that tests use to look at the machine and those that the bench measures, and the
//! Debian packages that bring them. rbox itself needs none of them. Some tests only need to be told
//! that an optional one is missing: they skip.

mod peers;
mod services;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use peers::PEERS;

/// One Debian package that tests need.
pub struct Package {
    /// Its name in Debian.
    pub name: &'static str,
    /// A program of it: where it is found, nothing is installed.
    pub program: &'static str,
    /// What tests do with it.
    pub reason: &'static str,
}

/// All packages that tests need beside Rust.
pub const PACKAGES: &[Package] = &[
    Package {
        name: "iproute2",
        program: "ip",
        reason: "to look at links, addresses and routes, and to make neighbour namespaces",
    },
    Package {
        name: "nftables",
        program: "nft",
        reason: "to compare the firewall before and after",
    },
    Package {
        name: "conntrack",
        program: "conntrack",
        reason: "to see which connections were translated",
    },
    Package {
        name: "curl",
        program: "curl",
        reason: "to visit published ports as a user does",
    },
    Package {
        name: "iputils-ping",
        program: "ping",
        reason: "to reach containers from the host and from neighbours",
    },
    Package {
        name: "procps",
        program: "ps",
        reason: "to find processes left behind",
    },
    Package {
        name: "util-linux",
        program: "nsenter",
        reason: "to look from inside a container's namespaces",
    },
    Package {
        name: "python3-minimal",
        program: "python3",
        reason: "to run pip and as a peer in network tests",
    },
];

/// What only some tests need: other engines and firewalls, which they drive with our runtime,
/// compare it with or have beside it, programs that read what rbox writes for them, and tools.
pub const OPTIONAL: &[Package] = &[
    Package {
        name: "g++",
        program: "g++",
        reason: "to build libFuzzer for the fuzz targets",
    },
    Package {
        name: "docker.io",
        program: "dockerd",
        reason: "to run containers with our runtime in runc's place",
    },
    Package {
        name: "podman",
        program: "podman",
        reason: "to run containers with our runtime in crun's place",
    },
    Package {
        name: "docker-registry",
        program: "docker-registry",
        reason: "to pull images from a real registry and to push them",
    },
    Package {
        name: "skopeo",
        program: "skopeo",
        reason: "to copy images between registries and files as another tool does",
    },
    Package {
        name: "mmdebstrap",
        program: "mmdebstrap",
        reason: "to make the image of the example of three tiers from Debian's packages",
    },
    Package {
        name: "graphviz",
        program: "dot",
        reason: "to read the picture of the networks that is written for it",
    },
    Package {
        name: "zsh",
        program: "zsh",
        reason: "to complete command lines as its users do",
    },
    Package {
        name: "fish",
        program: "fish",
        reason: "to complete command lines as its users do",
    },
    Package {
        name: "mandoc",
        program: "mandoc",
        reason: "to find faults of the manual pages",
    },
    Package {
        name: "tcpdump",
        program: "tcpdump",
        reason: "to read captured packets",
    },
    Package {
        name: "iptables",
        program: "iptables",
        reason: "to read the rules of engines beside us as their users do",
    },
    Package {
        name: "netavark",
        program: "/usr/lib/podman/netavark",
        reason: "to have podman's own networks beside ours",
    },
    Package {
        name: "aardvark-dns",
        program: "/usr/lib/podman/aardvark-dns",
        reason: "to have podman's resolver beside ours",
    },
    Package {
        name: "dbus-daemon",
        program: "dbus-daemon",
        reason: "to have a system bus of a test's own, for firewalld",
    },
    Package {
        name: "firewalld",
        program: "firewalld",
        reason: "to have its zones beside our networks",
    },
    Package {
        name: "ufw",
        program: "ufw",
        reason: "to have its rules beside our networks",
    },
];

/// Installs the optional packages whose programs are missing, without starting their services.
/// Which are still missing, and why: each is a skip.
pub fn ensure_optional() -> Vec<(&'static str, String)> {
    OPTIONAL.iter().filter_map(ensure_this).collect()
}

/// The same for what the bench measures.
pub fn ensure_peers() -> Vec<(&'static str, String)> {
    PEERS.iter().filter_map(ensure_this).collect()
}

/// The same for one of them.
pub fn ensure_optional_one(name: &str) -> Option<(&'static str, String)> {
    let package = OPTIONAL.iter().find(|package| package.name == name)?;
    ensure_this(package)
}

fn ensure_this(package: &'static Package) -> Option<(&'static str, String)> {
    if find(package.program).is_some() {
        return None;
    }
    println!("packages: {} is missing: {}", package.name, package.reason);
    let installed = services::kept_off().and_then(|_off| install(&[package.name]));
    match installed {
        Err(error) => Some((package.name, format!("{error:#}"))),
        Ok(()) if find(package.program).is_none() => {
            let reason = format!("it has no program {}", package.program);
            Some((package.name, reason))
        }
        Ok(()) => None,
    }
}

/// Installs the packages whose programs are missing; without any missing, does not touch the
/// network.
pub fn ensure(packages: &[Package]) -> Result<()> {
    let missing: Vec<&Package> = packages
        .iter()
        .filter(|package| find(package.program).is_none())
        .collect();
    let mut names: Vec<&str> = Vec::new();
    for package in &missing {
        println!("packages: {} is missing: {}", package.name, package.reason);
        names.push(package.name);
    }
    if names.is_empty() {
        let programs: Vec<&str> = packages.iter().map(|package| package.program).collect();
        println!("packages: all there ({})", programs.join(", "));
        return Ok(());
    }
    install(&names)?;
    if let Some(package) = missing
        .iter()
        .find(|package| find(package.program).is_none())
    {
        bail!(
            "{} was installed, but there is still no program {}",
            package.name,
            package.program
        );
    }
    Ok(())
}

/// Installs Debian's pip where python3 has none.
pub fn ensure_pip() -> Result<()> {
    let pip = Command::new("python3")
        .args(["-m", "pip", "--version"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if pip.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    println!("packages: python3-pip is missing: to download the parts of the test images");
    install(&["python3-pip"])
}

fn install(names: &[&str]) -> Result<()> {
    let list = names.join(" ");
    let Some(apt) = find("apt-get") else {
        bail!("there is no apt-get here: install by your system's means what brings {list}");
    };
    println!("packages: apt-get install {list}");
    let apt = |arguments: &[&str]| -> Result<bool> {
        let status = Command::new(&apt)
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            // What System V's init starts in single-user mode: nothing.
            .env("RUNLEVEL", "1")
            .stdin(Stdio::null())
            .status()
            .context("running apt-get")?;
        Ok(status.success())
    };
    let arguments = [
        &["install", "-qq", "--yes", "--no-install-recommends"],
        names,
    ]
    .concat();
    // The package lists may be new enough already; they are fetched only when they are not.
    if apt(&arguments)? || (apt(&["update", "-qq"])? && apt(&arguments)?) {
        return Ok(());
    }
    bail!("apt-get could not install {list} (its message is above)")
}

/// Where a program is: PATH, then the directories for administrators, which PATH may lack.
pub fn find(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&search_path())
        .map(|dir| dir.join(program))
        .find(|path| std::fs::metadata(path).is_ok_and(|file| file.is_file()))
}

/// PATH with the directories for administrators at its end.
pub fn search_path() -> OsString {
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    if !path.is_empty() {
        path.push(":");
    }
    path.push("/usr/sbin:/usr/bin:/sbin:/bin");
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_and_a_made_up_one_is_not() {
        assert!(find("sh").is_some());
        assert!(find("no-such-program-anywhere").is_none());
    }

    #[test]
    fn every_package_says_what_it_is_for() {
        for package in PACKAGES.iter().chain(OPTIONAL).chain(PEERS) {
            assert!(package.reason.starts_with("to "), "{}", package.name);
        }
    }
}
