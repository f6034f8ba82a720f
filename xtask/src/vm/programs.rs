//! The test programs of a scene: built as `cargo test` builds them, found by what cargo says.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::scene::{Program, Scene};
use crate::{test, workspace};

/// All that runs in the machine.
pub struct Runs {
    /// The rbox binary, which the stories call by its path.
    pub rbox: PathBuf,
    /// The programs in their order.
    pub runs: Vec<Run>,
}

/// One call of one program.
#[derive(Debug, PartialEq, Eq)]
pub struct Run {
    /// The target's name.
    pub name: String,
    /// The executable.
    pub program: PathBuf,
    /// Where cargo would run it: its package.
    pub directory: PathBuf,
    /// Parts of tests' names; each must be found.
    pub tests: Vec<String>,
    /// Parts of names of tests that do not run.
    pub without: Vec<String>,
}

/// An executable that cargo has built.
#[derive(Debug, PartialEq, Eq)]
struct Executable {
    target: String,
    directory: PathBuf,
    is_test: bool,
    path: PathBuf,
}

/// All executables of the workspace and its tests.
pub struct Built(Vec<Executable>);

/// Builds them, the whole workspace, so that nothing is built twice for another choice of features.
pub fn build() -> Result<Built> {
    let arguments = [
        "test",
        "--workspace",
        "--no-run",
        "--message-format=json-render-diagnostics",
    ];
    let output = test::cargo(&arguments)
        .stderr(Stdio::inherit())
        .output()
        .context("running cargo")?;
    if !output.status.success() {
        bail!("the tests did not build (cargo's message is above)");
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    Ok(Built(messages.lines().filter_map(executable).collect()))
}

impl Built {
    /// What runs in a scene. `filter` takes the place of the scene's own choice of tests.
    pub fn runs(&self, scene: &Scene, filter: Option<&str>) -> Result<Runs> {
        let root = workspace::root();
        let runs = scene
            .programs
            .iter()
            .map(|program| {
                let path = find(&self.0, root, program.package, program.target, true)?;
                Ok(run(program, path, root, filter))
            })
            .collect::<Result<_>>()?;
        Ok(Runs {
            rbox: find(&self.0, root, "", "rbox", false)?,
            runs,
        })
    }
}

fn run(program: &Program, path: PathBuf, root: &Path, filter: Option<&str>) -> Run {
    let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    let (tests, without) = match filter {
        Some(filter) => (owned(&[filter]), Vec::new()),
        None => (owned(program.tests), owned(program.without)),
    };
    Run {
        name: program.target.to_owned(),
        program: path,
        directory: root.join(program.package),
        tests,
        without,
    }
}

/// Reads one of cargo's messages: only those about executables say something here.
fn executable(line: &str) -> Option<Executable> {
    let message: Value = serde_json::from_str(line).ok()?;
    let manifest = Path::new(message["manifest_path"].as_str()?);
    Some(Executable {
        target: message["target"]["name"].as_str()?.to_owned(),
        directory: manifest.parent()?.to_owned(),
        is_test: message["profile"]["test"].as_bool()?,
        path: message["executable"].as_str()?.into(),
    })
}

fn find(
    built: &[Executable],
    root: &Path,
    package: &str,
    target: &str,
    is_test: bool,
) -> Result<PathBuf> {
    let directory = root.join(package);
    built
        .iter()
        .find(|one| {
            // Path::join leaves a slash behind the root, which the comparison ignores.
            one.target == target && one.directory == directory && one.is_test == is_test
        })
        .map(|one| one.path.clone())
        .with_context(|| format!("cargo built no {target} in {}", directory.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &str = r#"{"reason":"compiler-artifact","manifest_path":"/w/runtime/Cargo.toml",
        "target":{"name":"kernel","kind":["test"]},"profile":{"test":true},
        "executable":"/w/target/debug/deps/kernel-1"}"#;

    #[test]
    fn an_executable_is_known_by_its_package_and_target() {
        let built = [executable(MESSAGE).unwrap()];
        let root = Path::new("/w");
        let found = find(&built, root, "runtime", "kernel", true);
        assert_eq!(found.unwrap(), Path::new("/w/target/debug/deps/kernel-1"));
        assert!(find(&built, root, "", "kernel", true).is_err());
        assert!(find(&built, root, "runtime", "kernel", false).is_err());
    }

    #[test]
    fn messages_without_an_executable_are_passed_over() {
        assert_eq!(
            executable(&MESSAGE.replace("\"/w/target/debug/deps/kernel-1\"", "null")),
            None
        );
        assert_eq!(
            executable(r#"{"reason":"build-finished","success":true}"#),
            None
        );
        assert_eq!(executable("running 3 tests"), None);
    }

    #[test]
    fn a_filter_takes_the_place_of_the_scenes_choice() {
        let program = Program {
            package: "runtime",
            target: "kernel",
            tests: &["limits::"],
            without: &["slow"],
        };
        let run = |filter| run(&program, "/p".into(), Path::new("/w"), filter);
        assert_eq!(run(None).tests, ["limits::"]);
        assert_eq!(run(None).without, ["slow"]);
        assert_eq!(run(Some("oom")).tests, ["oom"]);
        assert!(run(Some("oom")).without.is_empty());
        assert_eq!(run(None).directory, Path::new("/w/runtime"));
    }
}
