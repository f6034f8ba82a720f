//! `cargo xtask documents`: writes the documents anew whose contents are made by a test, which
//! otherwise compares them.

use anyhow::{Context, Result, bail};

use crate::{features, images, packages, test};

/// The tests that make documents: where they are, and their names.
const TESTS: [([&str; 2], &str); 2] = [
    (["--bin", "rbox"], "cli::documents::"),
    (["--test", "stories"], "packet_path::"),
];

/// Prepares the machine as for the tests, and runs those that write.
pub fn write() -> Result<()> {
    features::check_root("documents")?;
    features::check_kernel()?;
    packages::ensure(packages::PACKAGES)?;
    features::check_network()?;
    images::ensure()?;
    for ([kind, target], name) in TESTS {
        let status = test::cargo(&["test", "--package", "rbox", kind, target, "--", name])
            .env("RBOX_WRITE_DOCUMENTS", "1")
            .status()
            .context("running cargo test")?;
        if !status.success() {
            bail!("{name} did not run to its end, so its document is as it was");
        }
    }
    Ok(())
}
