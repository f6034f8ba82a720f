//! Classic BPF, assembled from its end.
//!
//! Jumps go forward only, so whoever emits an instruction must know what comes
//! after it. Emitting backwards makes that simple: a [`Label`] is the distance
//! from the end and stays true whatever is put before it. A conditional jump
//! reaches 255 instructions; farther targets get a stepping stone (a copy of a
//! return, or an unconditional jump), made on demand and used again.

use crate::process::sys_security::SockFilter;
use std::collections::HashMap;

const LOAD: u16 = 0x20;
const AND: u16 = 0x54;
const JUMP: u16 = 0x05;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_GREATER: u16 = 0x25;
const JUMP_AT_LEAST: u16 = 0x35;
const RETURN: u16 = 0x06;

/// A place in the program: how many instructions are behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Label(usize);

/// The comparisons of a conditional jump.
#[derive(Debug, Clone, Copy)]
pub(super) enum Compare {
    Equal,
    Greater,
    AtLeast,
}

/// A program under construction, last instruction first.
#[derive(Default)]
pub(super) struct Assembler {
    backwards: Vec<SockFilter>,
    /// Where the nearest copy of a return is.
    returns: HashMap<u32, Label>,
    /// The nearest stepping stone to a far label.
    stones: HashMap<Label, Label>,
}

impl Assembler {
    fn push(&mut self, code: u16, jt: u8, jf: u8, k: u32) -> Label {
        let label = Label(self.backwards.len());
        self.backwards.push(SockFilter { code, jt, jf, k });
        label
    }

    /// How many instructions a jump that is emitted now skips to `target`.
    fn distance(&self, target: Label) -> usize {
        self.backwards.len() - target.0 - 1
    }

    /// A place that returns `value`, near enough for a jump if there is one.
    pub(super) fn verdict(&mut self, value: u32) -> Label {
        if let Some(label) = self.returns.get(&value)
            && self.distance(*label) < 240
        {
            return *label;
        }
        let label = self.push(RETURN, 0, 0, value);
        self.returns.insert(value, label);
        label
    }

    /// Loads the word at `offset` of `seccomp_data`; `next` must be what was
    /// emitted last, as execution falls through to it.
    pub(super) fn load(&mut self, offset: u32, next: Label) -> Label {
        self.adjacent(next);
        self.push(LOAD, 0, 0, offset)
    }

    /// Keeps the bits of `mask`, then goes on at `next`, as for [`Self::load`].
    pub(super) fn and(&mut self, mask: u32, next: Label) -> Label {
        self.adjacent(next);
        self.push(AND, 0, 0, mask)
    }

    /// Makes sure that the instruction emitted next falls through to `next`.
    fn adjacent(&mut self, next: Label) {
        if next.0 + 1 != self.backwards.len() {
            let distance = self.distance(next);
            self.push(JUMP, 0, 0, u32::try_from(distance).unwrap_or(u32::MAX));
        }
    }

    /// Goes to `then` if the comparison with `value` holds, else to `other`.
    pub(super) fn branch(
        &mut self,
        compare: Compare,
        value: u32,
        then: Label,
        other: Label,
    ) -> Label {
        let (mut then, mut other) = (then, other);
        // Every stone lengthens the way to the other target by one, so look
        // again until both are in reach.
        loop {
            if self.distance(then) > 255 {
                then = self.stone(then);
            } else if self.distance(other) > 255 {
                other = self.stone(other);
            } else {
                break;
            }
        }
        let code = match compare {
            Compare::Equal => JUMP_EQUAL,
            Compare::Greater => JUMP_GREATER,
            Compare::AtLeast => JUMP_AT_LEAST,
        };
        let reach = |distance: usize| u8::try_from(distance).unwrap_or(u8::MAX);
        let (jt, jf) = (reach(self.distance(then)), reach(self.distance(other)));
        self.push(code, jt, jf, value)
    }

    /// A place in reach that leads to `target`.
    fn stone(&mut self, target: Label) -> Label {
        if let Some(stone) = self.stones.get(&target)
            && self.distance(*stone) < 240
        {
            return *stone;
        }
        let stone = match self.backwards.get(target.0) {
            Some(instruction) if instruction.code == RETURN => {
                let value = instruction.k;
                self.push(RETURN, 0, 0, value)
            }
            _ => {
                let distance = self.distance(target);
                self.push(JUMP, 0, 0, u32::try_from(distance).unwrap_or(u32::MAX))
            }
        };
        self.stones.insert(target, stone);
        stone
    }

    /// The program, first instruction first. Execution starts at `entry`, which
    /// must be what was emitted last.
    pub(super) fn finish(mut self, entry: Label) -> Vec<SockFilter> {
        self.adjacent(entry);
        self.backwards.reverse();
        self.backwards
    }
}
