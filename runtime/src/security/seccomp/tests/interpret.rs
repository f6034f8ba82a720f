//! Classic BPF as the kernel executes it, for the instructions that a filter may
//! have.

use crate::process::sys_security::SockFilter;

/// What a filter is asked about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    pub(super) number: u32,
    pub(super) architecture: u32,
    pub(super) arguments: [u64; 6],
}

impl Call {
    /// The word at `offset` of `struct seccomp_data`.
    fn word(&self, offset: u32) -> Option<u32> {
        let argument = |index: u32| self.arguments.get(index as usize);
        match offset {
            0 => Some(self.number),
            4 => Some(self.architecture),
            16..64 if offset.is_multiple_of(8) => Some(*argument((offset - 16) / 8)? as u32),
            16..64 if offset % 8 == 4 => Some((*argument((offset - 16) / 8)? >> 32) as u32),
            _ => None,
        }
    }
}

/// The program's answer and how many instructions it took; `None` when it does
/// what the kernel would not have accepted.
pub(super) fn run(program: &[SockFilter], call: &Call) -> Option<(u32, usize)> {
    let mut accumulator = 0_u32;
    let mut at = 0_usize;
    for steps in 1..=program.len() {
        let instruction = program.get(at)?;
        let (jt, jf) = (usize::from(instruction.jt), usize::from(instruction.jf));
        let k = instruction.k;
        at += 1;
        let jump = |holds: bool| if holds { jt } else { jf };
        match instruction.code {
            0x20 => accumulator = call.word(k)?,
            0x54 => accumulator &= k,
            0x05 => at += k as usize,
            0x15 => at += jump(accumulator == k),
            0x25 => at += jump(accumulator > k),
            0x35 => at += jump(accumulator >= k),
            0x06 => return Some((k, steps)),
            _ => return None,
        }
    }
    None
}
