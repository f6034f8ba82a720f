//! The memory that the processes of a trace share.
//!
//! ```text
//!  word 0 what this is   1 marks so far   2 processes so far
//!  then the marks, eight words each: time (last, so that it is whole) · who · length · text
//! ```

use std::fs::File;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use std::{io, ptr};

use crate::{Mark, Part};

const MAGIC: u64 = u64::from_le_bytes(*b"rbox\0tim");
const KIND: usize = 0;
const MARKS: usize = 1;
const PROCESSES: usize = 2;

/// Words of the header, and of a mark.
const WIDTH: usize = 8;
/// Room for so many marks.
const ROOM: usize = 4096;
const LENGTH: usize = WIDTH * (ROOM + 1);
/// Bytes of a mark's text.
const TEXT: usize = (WIDTH - 3) * 8;

/// Size of the memory's file.
pub(crate) const SIZE: usize = LENGTH * size_of::<u64>();

/// All of it, as atomics: others write at the same time.
pub(crate) type Words = [AtomicU64; LENGTH];

/// The memory, once mapped.
#[derive(Clone, Copy)]
pub(crate) struct Memory(&'static Words);

impl Memory {
    /// Maps the file, which must have [`SIZE`] and be sealed against shrinking. It is never unmapped:
    /// another thread may be in the middle of a mark.
    #[allow(unsafe_code, reason = "mapping a file into memory")]
    pub(crate) fn map(file: &File) -> io::Result<Memory> {
        // SAFETY: a new mapping at a place of the kernel's choice.
        let place = unsafe {
            libc::mmap(
                ptr::null_mut(),
                SIZE,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                file.as_raw_fd(),
                0,
            )
        };
        if place == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        Memory::at(place.cast()).ok_or_else(|| io::ErrorKind::OutOfMemory.into())
    }

    /// What a pointer that [`Self::pointer`] gave, or null, leads to.
    #[allow(unsafe_code, reason = "memory of other processes has no owner here")]
    pub(crate) fn at(pointer: *mut Words) -> Option<Memory> {
        // SAFETY: null, or a mapping of SIZE bytes, aligned to a page, that is never unmapped and
        // that everybody, other processes too, takes for atomics only.
        unsafe { pointer.as_ref() }.map(Memory)
    }

    pub(crate) fn pointer(self) -> *mut Words {
        ptr::from_ref(self.0).cast_mut()
    }

    /// Says what it is.
    pub(crate) fn label(self) {
        self.0[KIND].store(MAGIC, Ordering::Release);
    }

    pub(crate) fn is_labelled(self) -> bool {
        self.0[KIND].load(Ordering::Acquire) == MAGIC
    }

    /// The next number, for a process that is that part.
    pub(crate) fn speaker(self, part: Part) -> u64 {
        let number = self.0[PROCESSES].fetch_add(1, Ordering::Relaxed) & u64::from(u32::MAX);
        (part as u64) << 32 | number
    }

    /// Adds a mark, while there is room. Neither locks nor allocates.
    pub(crate) fn write(self, speaker: u64, at: Duration, what: &str, object: &str) {
        let index = self.0[MARKS].fetch_add(1, Ordering::Relaxed);
        let Some(slot) = usize::try_from(index)
            .ok()
            .and_then(|index| self.slot(index))
        else {
            return;
        };
        let mut text = [0u8; TEXT];
        let mut length = 0;
        let gap = if object.is_empty() { "" } else { " " };
        for byte in [what, gap, object].iter().flat_map(|part| part.bytes()) {
            if let Some(place) = text.get_mut(length) {
                *place = byte;
                length += 1;
            }
        }
        slot[1].store(speaker, Ordering::Relaxed);
        slot[2].store(length as u64, Ordering::Relaxed);
        for (word, bytes) in slot[3..].iter().zip(text.as_chunks().0) {
            word.store(u64::from_le_bytes(*bytes), Ordering::Relaxed);
        }
        let at = u64::try_from(at.as_nanos()).unwrap_or(u64::MAX);
        slot[0].store(at.max(1), Ordering::Release);
    }

    /// All marks that are whole, in the order of time; how many there was no room for.
    pub(crate) fn read(self) -> (Vec<Mark>, usize) {
        let count = usize::try_from(self.0[MARKS].load(Ordering::Acquire)).unwrap_or(usize::MAX);
        let mut marks: Vec<Mark> = (0..count.min(ROOM))
            .filter_map(|index| self.slot(index).and_then(mark))
            .collect();
        marks.sort_by_key(|mark| mark.at);
        (marks, count.saturating_sub(ROOM))
    }

    fn slot(self, index: usize) -> Option<&'static [AtomicU64]> {
        let start = index.checked_add(1)?.checked_mul(WIDTH)?;
        self.0.get(start..start + WIDTH)
    }
}

fn mark(slot: &[AtomicU64]) -> Option<Mark> {
    let at = slot[0].load(Ordering::Acquire);
    let word = |index: usize| slot[index].load(Ordering::Relaxed);
    let (speaker, length) = (word(1), word(2));
    let bytes: Vec<u8> = (3..WIDTH)
        .flat_map(|index| word(index).to_le_bytes())
        .collect();
    let length = usize::try_from(length).ok()?;
    (at != 0).then(|| Mark {
        at: Duration::from_nanos(at),
        part: match speaker >> 32 {
            0 => Part::Client,
            1 => Part::Monitor,
            _ => Part::Process,
        },
        process: speaker as u32,
        what: String::from_utf8_lossy(&bytes[..length.min(TEXT)]).into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory() -> Memory {
        let words: Vec<AtomicU64> = (0..LENGTH).map(|_| AtomicU64::new(0)).collect();
        let words: Box<Words> = words.into_boxed_slice().try_into().unwrap();
        Memory(Box::leak(words))
    }

    #[test]
    fn marks_are_read_in_the_order_of_time_with_who_made_them() {
        let memory = memory();
        let client = memory.speaker(Part::Client);
        let monitor = memory.speaker(Part::Monitor);
        memory.write(monitor, Duration::from_nanos(30), "mounted", "/proc");
        memory.write(client, Duration::from_nanos(20), "parsed", "");
        let (marks, lost) = memory.read();
        assert_eq!(lost, 0);
        let texts: Vec<_> = marks
            .iter()
            .map(|mark| (mark.at.as_nanos(), mark.part, mark.process, &*mark.what))
            .collect();
        assert_eq!(
            texts,
            [
                (20, Part::Client, 0, "parsed"),
                (30, Part::Monitor, 1, "mounted /proc")
            ]
        );
    }

    #[test]
    fn a_long_text_is_cut_and_a_mark_without_its_time_is_left_out() {
        let memory = memory();
        memory.write(0, Duration::ZERO, &"x".repeat(100), "y");
        memory.0[MARKS].fetch_add(1, Ordering::Relaxed);
        let (marks, _) = memory.read();
        assert_eq!(marks.len(), 1);
        assert_eq!(marks[0].what, "x".repeat(TEXT));
    }

    #[test]
    fn what_there_is_no_room_for_is_counted() {
        let memory = memory();
        for _ in 0..ROOM + 3 {
            memory.write(0, Duration::ZERO, "again", "");
        }
        let (marks, lost) = memory.read();
        assert_eq!((marks.len(), lost), (ROOM, 3));
    }
}
