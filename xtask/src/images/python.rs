//! CPython for musl, reduced to what runs on the packages of an Alpine minirootfs.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::tree::{Entry, Node, Tree};
use super::{wheels, zip};

const ARCHIVE: &str = "ai/backend/krunner/alpine/krunner-env.musllinux_1_2.x86_64.tar.xz";

/// Parts of the standard library that are left out: they need a display, a C compiler or PyPI,
/// or exist for CPython's own tests.
const LEFT_OUT: [&str; 8] = [
    "config-3.13-x86_64-linux-musl",
    "ensurepip",
    "idlelib",
    "site-packages",
    "test",
    "tkinter",
    "turtle.py",
    "turtledemo",
];

/// Extension modules whose shared libraries a minirootfs does not have.
const UNLINKABLE: [&str; 11] = [
    "_bz2",
    "_ctypes",
    "_curses",
    "_curses_panel",
    "_dbm",
    "_gdbm",
    "_lzma",
    "_sqlite3",
    "_tkinter",
    "_uuid",
    "readline",
];

/// Adds the interpreter and its library below usr/local.
pub fn add(tree: &mut Tree, cache: &Path) -> Result<()> {
    let wheel = wheels::read(&wheels::PYTHON, cache)?;
    let packed = zip::read(&wheel, ARCHIVE)?;
    let mut archive = Vec::with_capacity(packed.len() * 5);
    lzma_rs::xz_decompress(&mut packed.as_slice(), &mut archive)
        .map_err(|error| anyhow::anyhow!("unpacking {ARCHIVE}: {error:?}"))?;

    let mut archive = tar::Archive::new(archive.as_slice());
    for entry in archive
        .entries()
        .context("reading the archive of CPython")?
    {
        let mut entry = entry.context("reading the archive of CPython")?;
        let name = String::from_utf8(entry.path_bytes().into_owned())
            .context("the archive of CPython has a name that is not UTF-8")?;
        let name = name.trim_start_matches("./").trim_end_matches('/');
        if !is_wanted(name) {
            continue;
        }
        let node = match entry.header().entry_type() {
            tar::EntryType::Directory => Node::Dir,
            tar::EntryType::Symlink => {
                let target = entry.link_name_bytes().context("a link without target")?;
                Node::Link(String::from_utf8(target.into_owned()).context("a link's target")?)
            }
            tar::EntryType::Regular => {
                let mut content = Vec::new();
                entry
                    .read_to_end(&mut content)
                    .with_context(|| format!("reading {name}"))?;
                Node::File(content)
            }
            other => bail!("{name} in the archive of CPython is of the unexpected type {other:?}"),
        };
        let mode = entry.header().mode().context("a broken mode")? & 0o7777;
        tree.put(
            &format!("usr/local/{name}"),
            Entry {
                node,
                mode,
                uid: 0,
                gid: 0,
            },
        );
    }
    Ok(())
}

/// Whether a path of the archive belongs into the image.
fn is_wanted(name: &str) -> bool {
    if let Some(library) = name.strip_prefix("lib/python3.13/") {
        let (first, rest) = library.split_once('/').unwrap_or((library, ""));
        if LEFT_OUT.contains(&first) || library.split('/').any(|part| part == "__pycache__") {
            return false;
        }
        let module = rest.split('.').next().unwrap_or_default();
        return first != "lib-dynload" || !(UNLINKABLE.contains(&module) || is_for_tests(module));
    }
    matches!(
        name,
        "bin/python" | "bin/python3" | "bin/python3.13" | "lib/libpython3.13.so.1.0"
    )
}

fn is_for_tests(module: &str) -> bool {
    ["_test", "_xxtest", "xxlimited", "xxsubtype", "_ctypes_test"]
        .iter()
        .any(|prefix| module.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interpreter_and_the_standard_library_are_wanted() {
        for name in [
            "bin/python3.13",
            "lib/libpython3.13.so.1.0",
            "lib/python3.13/json/decoder.py",
            "lib/python3.13/lib-dynload/_ssl.cpython-313-x86_64-linux-musl.so",
        ] {
            assert!(is_wanted(name), "{name}");
        }
    }

    #[test]
    fn tests_foreign_packages_and_what_cannot_be_loaded_are_not() {
        for name in [
            "bin/jupyter",
            "include/python3.13/Python.h",
            "lib/python3.13/site-packages/zmq/__init__.py",
            "lib/python3.13/json/__pycache__/decoder.cpython-313.pyc",
            "lib/python3.13/turtle.py",
            "lib/python3.13/lib-dynload/_testcapi.cpython-313-x86_64-linux-musl.so",
            "lib/python3.13/lib-dynload/_sqlite3.cpython-313-x86_64-linux-musl.so",
        ] {
            assert!(!is_wanted(name), "{name}");
        }
    }
}
