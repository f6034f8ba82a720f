//! Times of directories, set last because making files in a directory changes its time.
//!
//! An archive may name more directories than fit in memory, so they are noted in a file.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::fd::AsFd;

use rustix::io::Errno;

use super::entry_name::EntryName;
use super::tree::Tree;
use super::{UnpackError, attributes};
use crate::tar::Time;

pub(super) struct DirectoryTimes {
    notes: BufWriter<File>,
    count: u64,
}

impl DirectoryTimes {
    pub(super) fn new(scratch: File) -> DirectoryTimes {
        DirectoryTimes {
            notes: BufWriter::new(scratch),
            count: 0,
        }
    }

    pub(super) fn note(&mut self, name: &EntryName, time: Time) -> io::Result<()> {
        let name = name.to_bytes();
        self.notes.write_all(&time.seconds.to_ne_bytes())?;
        self.notes.write_all(&time.nanoseconds.to_ne_bytes())?;
        self.notes.write_all(&(name.len() as u32).to_ne_bytes())?;
        self.notes.write_all(&name)?;
        self.count += 1;
        Ok(())
    }

    /// Sets all times, in the order noted: what an archive says last holds.
    pub(super) fn replay(&mut self, tree: &mut Tree) -> Result<(), UnpackError> {
        let lost = |error: io::Error| UnpackError::io(b"./", error);
        self.notes.flush().map_err(lost)?;
        let file = self.notes.get_mut();
        file.seek(SeekFrom::Start(0)).map_err(lost)?;
        let mut notes = BufReader::new(file);
        for _ in 0..self.count {
            let (name, time) = read_note(&mut notes).map_err(lost)?;
            let failed = |error: io::Error| UnpackError::io(&name, error);
            let path = if name.is_empty() {
                b".".as_slice()
            } else {
                &name
            };
            match tree.open(tree.root(), path) {
                Ok(directory) => attributes::set_time(directory.as_fd(), time).map_err(failed)?,
                // Replaced by a later member, or reached through a link.
                Err(Errno::NOENT | Errno::NOTDIR) => {}
                Err(Errno::LOOP) => {
                    let name = EntryName::parse(&name)
                        .map_err(|problem| UnpackError::name(&name, problem))?;
                    // A link in the way may have replaced one of its parents.
                    if let Ok(directory) = tree.open_directory(&name) {
                        attributes::set_time(directory.as_fd(), time).map_err(failed)?;
                    }
                }
                Err(error) => return Err(failed(error.into())),
            }
        }
        Ok(())
    }
}

fn read_note(notes: &mut impl Read) -> io::Result<(Vec<u8>, Time)> {
    let mut seconds = [0; 8];
    let mut word = [0; 4];
    notes.read_exact(&mut seconds)?;
    notes.read_exact(&mut word)?;
    let nanoseconds = u32::from_ne_bytes(word);
    notes.read_exact(&mut word)?;
    let mut name = vec![0; u32::from_ne_bytes(word) as usize];
    notes.read_exact(&mut name)?;
    Ok((
        name,
        Time {
            seconds: i64::from_ne_bytes(seconds),
            nanoseconds,
        },
    ))
}
