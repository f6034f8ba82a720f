//! OCI bundles: the Alpine image below an overlay of their own, and a
//! configuration that a test edits.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use serde_json::{Value, json};

use super::images;

/// A bundle; dropping it takes its root filesystem away.
pub struct Bundle {
    dir: PathBuf,
}

impl Bundle {
    /// Makes one in the directory `dir` from what `spec` says, edited by `edit`.
    pub fn new(dir: PathBuf, mut spec: Value, edit: impl FnOnce(&mut Value)) -> Bundle {
        edit(&mut spec);
        for part in ["rootfs", "upper", "work"] {
            std::fs::create_dir_all(dir.join(part)).unwrap();
        }
        let path = |part: &str| dir.join(part).to_str().unwrap().to_owned();
        let options = format!(
            "lowerdir={},upperdir={},workdir={}",
            alpine().display(),
            path("upper"),
            path("work")
        );
        let options = std::ffi::CString::new(options).unwrap();
        mount(
            "overlay",
            path("rootfs").as_str(),
            "overlay",
            MountFlags::empty(),
            Some(options.as_c_str()),
        )
        .unwrap();
        let bundle = Bundle { dir };
        bundle.write(&spec);
        bundle
    }

    /// Its directory.
    pub fn path(&self) -> &str {
        self.dir.to_str().unwrap()
    }

    /// A path inside its root filesystem, as the host sees it.
    pub fn inside(&self, path: &str) -> PathBuf {
        self.dir.join("rootfs").join(path)
    }

    /// Changes its configuration.
    pub fn edit(&self, edit: impl FnOnce(&mut Value)) {
        let text = std::fs::read_to_string(self.dir.join("config.json")).unwrap();
        let mut spec = serde_json::from_str(&text).unwrap();
        edit(&mut spec);
        self.write(&spec);
    }

    fn write(&self, spec: &Value) {
        std::fs::write(self.dir.join("config.json"), spec.to_string()).unwrap();
    }
}

impl Drop for Bundle {
    fn drop(&mut self) {
        let _ = unmount(self.dir.join("rootfs"), UnmountFlags::DETACH);
    }
}

/// An edit that sets the command.
pub fn command<'a>(args: &'a [&'a str]) -> impl FnOnce(&mut Value) + 'a {
    move |spec| spec["process"]["args"] = json!(args)
}

/// An edit that sets a shell script as the command.
pub fn script(text: &str) -> impl FnOnce(&mut Value) + '_ {
    move |spec| spec["process"]["args"] = json!(["sh", "-c", text])
}

/// The Alpine image, unpacked once and changed by nobody.
fn alpine() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("alpine-rootfs");
        let _ = std::fs::remove_dir_all(&root);
        std::fs::create_dir_all(&root).unwrap();
        let status = Command::new("tar")
            .arg("-xzf")
            .arg(images::archive("alpine-3.23.tar.gz"))
            .arg("-C")
            .arg(&root)
            .status()
            .unwrap();
        assert!(status.success(), "cannot unpack Alpine");
        root
    })
}
