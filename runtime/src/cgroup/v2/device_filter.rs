//! Device rules as a BPF program (`BPF_PROG_TYPE_CGROUP_DEVICE`).
//!
//! The kernel asks it before each open and mknod: the type of node, the wanted
//! access as bits, major and minor. Rules are looked at from the last to the
//! first, with the access still to be granted in a register: a rule that allows
//! takes out its bits (none left: yes), one that denies a bit that is left says
//! no. So every bit is decided by the last rule about it, as on v1.

use super::super::device_rule::{ANY_ACCESS, DeviceRule, Kind};

/// Registers: the answer, the context, and what is taken from it.
const ANSWER: u8 = 0;
const CONTEXT: u8 = 1;
const KIND: u8 = 2;
const ACCESS: u8 = 3;
const MAJOR: u8 = 4;
const MINOR: u8 = 5;

const LOAD_WORD: u8 = 0x61;
const MOVE_REGISTER: u8 = 0xbf;
const MOVE: u8 = 0xb7;
const AND: u8 = 0x57;
const SHIFT_RIGHT: u8 = 0x77;
const JUMP: u8 = 0x05;
const JUMP_NOT_EQUAL: u8 = 0x55;
const JUMP_ANY_BIT: u8 = 0x45;
const EXIT: u8 = 0x95;

/// The program for `rules`, as the kernel's 64-bit instructions.
pub(super) fn encode(rules: &[DeviceRule]) -> Vec<u64> {
    let mut program = vec![
        // struct bpf_cgroup_dev_ctx: access << 16 | type, major, minor.
        instruction(LOAD_WORD, KIND, CONTEXT, 0, 0),
        instruction(MOVE_REGISTER, ACCESS, KIND, 0, 0),
        instruction(SHIFT_RIGHT, ACCESS, 0, 0, 16),
        instruction(AND, KIND, 0, 0, 0xffff),
        instruction(LOAD_WORD, MAJOR, CONTEXT, 4, 0),
        instruction(LOAD_WORD, MINOR, CONTEXT, 8, 0),
    ];
    for rule in rules.iter().rev() {
        let mut conditions = Vec::with_capacity(3);
        match rule.kind {
            Kind::All => {}
            Kind::Block => conditions.push((KIND, 1)),
            Kind::Character => conditions.push((KIND, 2)),
        }
        conditions.extend(rule.major.map(|major| (MAJOR, major)));
        conditions.extend(rule.minor.map(|minor| (MINOR, minor)));
        let body = body(rule);
        for (index, (register, value)) in conditions.iter().enumerate() {
            let skip = conditions.len() - index - 1 + body.len();
            program.push(instruction(JUMP_NOT_EQUAL, *register, 0, skip, *value));
        }
        program.extend(&body);
        if conditions.is_empty() && rule.access == ANY_ACCESS {
            // It answers in any case; the kernel refuses instructions that
            // nothing reaches.
            return program;
        }
    }
    program.extend(answer(true));
    program
}

/// What a rule does with a device that it is about.
fn body(rule: &DeviceRule) -> Vec<u64> {
    let mut body = Vec::with_capacity(4);
    match (rule.allow, rule.access) {
        (_, ANY_ACCESS) => {}
        (true, access) => {
            body.push(instruction(AND, ACCESS, 0, 0, ANY_ACCESS & !access));
            body.push(instruction(JUMP_NOT_EQUAL, ACCESS, 0, 2, 0));
        }
        (false, access) => {
            body.push(instruction(JUMP_ANY_BIT, ACCESS, 0, 1, access));
            body.push(instruction(JUMP, 0, 0, 2, 0));
        }
    }
    body.extend(answer(rule.allow));
    body
}

fn answer(yes: bool) -> [u64; 2] {
    [
        instruction(MOVE, ANSWER, 0, 0, u32::from(yes)),
        instruction(EXIT, 0, 0, 0, 0),
    ]
}

/// `struct bpf_insn`, little-endian: opcode, registers, 16 bits of offset (a
/// jump's distance or a field's place), 32 bits of value.
fn instruction(opcode: u8, to: u8, from: u8, offset: usize, value: u32) -> u64 {
    // Offsets here are at most a dozen.
    let offset = (offset & 0x7fff) as u64;
    u64::from(opcode) | u64::from(to | from << 4) << 8 | offset << 16 | u64::from(value) << 32
}

#[cfg(test)]
mod tests {
    use super::super::super::device_rule::{rules, tests::listed};
    use super::*;

    /// Runs a program on one question; `None` if it does what it must not.
    fn run(program: &[u64], kind: u32, access: u32, major: u32, minor: u32) -> Option<bool> {
        let context = [access << 16 | kind, major, minor];
        let mut registers = [0_u64; 6];
        let mut at = 0;
        for _ in 0..1000 {
            let word = *program.get(at)?;
            let (to, from) = ((word >> 8 & 15) as usize, (word >> 12 & 15) as usize);
            let offset = (word >> 16 & 0xffff) as usize;
            let value = word >> 32;
            at += 1;
            match (word & 0xff) as u8 {
                LOAD_WORD => registers[to] = u64::from(context[offset / 4]),
                MOVE_REGISTER => registers[to] = registers[from],
                MOVE => registers[to] = value,
                AND => registers[to] &= value,
                SHIFT_RIGHT => registers[to] >>= value,
                JUMP => at += offset,
                JUMP_NOT_EQUAL if registers[to] != value => at += offset,
                JUMP_ANY_BIT if registers[to] & value != 0 => at += offset,
                JUMP_NOT_EQUAL | JUMP_ANY_BIT => {}
                EXIT => return Some(registers[0] == 1),
                _ => return None,
            }
        }
        None
    }

    /// Every bit is decided by the last rule about it; else it is allowed.
    fn expected(rules: &[DeviceRule], kind: u32, access: u32, major: u32, minor: u32) -> bool {
        [1, 2, 4]
            .iter()
            .filter(|bit| access & **bit != 0)
            .all(|bit| {
                rules
                    .iter()
                    .rev()
                    .find(|rule| {
                        let number = match rule.kind {
                            Kind::All => kind,
                            Kind::Block => 1,
                            Kind::Character => 2,
                        };
                        number == kind
                            && rule.major.is_none_or(|wanted| wanted == major)
                            && rule.minor.is_none_or(|wanted| wanted == minor)
                            && rule.access & bit != 0
                    })
                    .is_none_or(|rule| rule.allow)
            })
    }

    #[test]
    fn the_last_rule_about_an_access_decides_it() {
        let lists: [&[&str]; 6] = [
            &[
                "deny a",
                "allow c *:* m",
                "allow b *:* m",
                "allow c 1:3 rwm",
                "allow c 1:5 r",
            ],
            &["deny a", "allow c *:* rwm", "deny c 1:3 w", "allow c 1:3 m"],
            &["deny c 1:* w", "allow c 1:3 w", "deny b 8:0 rwm"],
            &["deny a", "allow c 1:3 r", "allow c 1:3 w"],
            &["deny b *:7 r", "deny a", "allow a", "deny c 5:1 m"],
            &["deny a"],
        ];
        for list in lists {
            let rules = rules(&list.iter().map(|rule| listed(rule)).collect::<Vec<_>>()).unwrap();
            let program = encode(&rules);
            for kind in [1, 2] {
                for access in 1..8 {
                    for (major, minor) in [(1, 3), (1, 5), (1, 7), (8, 0), (5, 1), (9, 9)] {
                        assert_eq!(
                            run(&program, kind, access, major, minor),
                            Some(expected(&rules, kind, access, major, minor)),
                            "{list:?}: type {kind}, access {access}, {major}:{minor}"
                        );
                    }
                }
            }
        }
    }
}
