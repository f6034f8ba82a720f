//! The images that stories run, imported once for all of them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Name of the plain image, with `CMD ["/bin/sh"]`.
pub const ALPINE: &str = "alpine";

/// Where `cargo xtask images` puts an archive.
pub fn archive(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("target/images")
        .join(name);
    assert!(
        path.exists(),
        "{} is missing: run `cargo xtask images`",
        path.display()
    );
    path
}

/// An image store that holds `alpine` and `flask:3.1`, shared by all tests and
/// changed by none of them.
pub fn shared_store() -> &'static Path {
    static STORE: OnceLock<PathBuf> = OnceLock::new();
    STORE.get_or_init(|| {
        // `cargo xtask vm-test` has made it where that is faster.
        if let Some(root) = std::env::var_os("RBOX_TEST_STORE") {
            return Path::new(&root).join("images");
        }
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("images-root");
        let _ = std::fs::remove_dir_all(&root);
        std::fs::create_dir_all(&root).unwrap();
        for (file, name, change) in [
            ("alpine-3.23.tar.gz", ALPINE, "CMD [\"/bin/sh\"]"),
            ("flask-3.1.tar.gz", "flask:3.1", "CMD [\"python3\"]"),
        ] {
            let status = Command::new(env!("CARGO_BIN_EXE_rbox"))
                .arg("--root")
                .arg(&root)
                .args(["import", "-c", change])
                .arg(archive(file))
                .arg(name)
                .stdout(std::process::Stdio::null())
                .status()
                .unwrap();
            assert!(status.success(), "cannot import {file}");
        }
        root.join("images")
    })
}
