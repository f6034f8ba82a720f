//! Writing settings into a group's directory.

use super::setting::{Absent, Setting, unsupported};
use super::{CgroupError, control_file};
use rustix::io::Errno;
use std::io;
use std::path::Path;

/// Writes `settings` in their order. A value may have to wait for a later one
/// (memory limit and memory+swap limit, CPU quota and period), so what the
/// kernel refuses is tried once more after the rest.
pub(super) fn settings<'a>(
    directory: &Path,
    settings: impl Iterator<Item = &'a Setting>,
) -> Result<(), CgroupError> {
    let mut later = Vec::new();
    let mut opened: Option<(&str, std::os::fd::OwnedFd)> = None;
    let mut alternatives = Alternatives::default();
    for setting in settings {
        let written = match &opened {
            // Device rules: many values for one file.
            Some((open, fd)) if *open == setting.file => control_file::write_to(fd, &setting.value),
            _ => control_file::open_for_writing(&directory.join(&setting.file)).and_then(|fd| {
                let written = control_file::write_to(&fd, &setting.value);
                opened = Some((&setting.file, fd));
                written
            }),
        };
        match written {
            Ok(()) => alternatives.note(setting, true),
            Err(error) if is_missing(&error) => {
                absent(setting)?;
                alternatives.note(setting, false);
            }
            Err(_) => later.push(setting),
        }
    }
    for setting in later {
        let file = directory.join(&setting.file);
        control_file::write(&file, &setting.value).map_err(|source| CgroupError::Set {
            what: setting.what.clone(),
            value: setting.value.clone(),
            file,
            source,
        })?;
        alternatives.note(setting, true);
    }
    alternatives.check()
}

/// Refuses what [`settings`] would find to be missing, and writes nothing.
pub(super) fn check<'a>(
    directory: &Path,
    settings: impl Iterator<Item = &'a Setting>,
) -> Result<(), CgroupError> {
    let mut alternatives = Alternatives::default();
    for setting in settings {
        let there = directory.join(&setting.file).exists();
        if !there {
            absent(setting)?;
        }
        alternatives.note(setting, there);
    }
    alternatives.check()
}

/// The kernel has no such file, or has it without a meaning
/// (`memory.kmem.limit_in_bytes` since Linux 5.16).
fn is_missing(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    code == Some(Errno::NOENT.raw_os_error()) || code == Some(Errno::OPNOTSUPP.raw_os_error())
}

fn absent(setting: &Setting) -> Result<(), CgroupError> {
    match setting.absent {
        Absent::Fine | Absent::Alternative => Ok(()),
        Absent::Refused => Err(unsupported(
            &setting.what,
            format!("the kernel has no {}", setting.file),
        )),
    }
}

/// Limits that have several files, of which the kernel must have one.
#[derive(Default)]
struct Alternatives<'a>(Vec<(&'a str, Vec<&'a str>, bool)>);

impl<'a> Alternatives<'a> {
    fn note(&mut self, setting: &'a Setting, written: bool) {
        if setting.absent != Absent::Alternative {
            return;
        }
        match self.0.iter_mut().find(|(what, ..)| *what == setting.what) {
            Some((_, files, done)) => {
                if !files.contains(&setting.file.as_str()) {
                    files.push(&setting.file);
                }
                *done |= written;
            }
            None => self.0.push((&setting.what, vec![&setting.file], written)),
        }
    }

    fn check(&self) -> Result<(), CgroupError> {
        match self.0.iter().find(|(.., done)| !done) {
            None => Ok(()),
            Some((what, files, _)) => Err(unsupported(
                what,
                format!("the kernel has no {}", files.join(" and no ")),
            )),
        }
    }
}
