//! An Alpine root filesystem, unpacked once.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::apart::skip;

/// The unpacked image, shared by all tests as a lower layer; `None` after
/// saying that it is not there.
pub fn alpine(test: &str) -> Option<PathBuf> {
    let archive = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/images/alpine-3.23.tar.gz");
    let Ok(metadata) = archive.metadata() else {
        skip(
            test,
            "target/images/alpine-3.23.tar.gz is missing (cargo xtask images makes it)",
        );
        return None;
    };
    let unpacked =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("alpine-{}", metadata.len()));
    if !unpacked.exists() {
        let temporary = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let status = Command::new("tar")
            .arg("-xzf")
            .arg(&archive)
            .arg("-C")
            .arg(temporary.path())
            .status()
            .unwrap();
        assert!(status.success());
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(temporary.path(), permissions).unwrap();
        // Whoever renames first wins; the other's copy is as good.
        if std::fs::rename(temporary.path(), &unpacked).is_ok() {
            let _ = temporary.keep();
        }
    }
    Some(unpacked)
}
