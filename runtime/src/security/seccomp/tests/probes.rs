//! Random profiles and random calls: the program answers as the profile reads.

use super::super::arch::{Architecture, X32_BIT};
use super::super::compile::compile_for;
use super::super::default_profile::default_profile_for;
use super::super::numbers::SYSCALLS;
use super::evaluate::Reading;
use super::interpret::{Call, run};
use crate::security::capabilities::{Capability, DEFAULT};
use oci_spec::runtime::{Arch, LinuxSeccomp};

/// A small generator (xorshift64*), so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    /// Values around those that conditions compare with.
    fn value(&mut self) -> u64 {
        let near = self.pick(&[
            0,
            1,
            2,
            8,
            40,
            0x2_0000,
            0x2_0008,
            0x7e02_0000,
            0x1000_0000,
            0xffff_ffff,
            1 << 32,
            (1 << 32) + 40,
            u64::MAX,
            1 << 63,
        ]);
        match self.below(4) {
            0 => near.wrapping_add(1),
            1 => near.wrapping_sub(1),
            2 if self.below(4) == 0 => self.next(),
            _ => near,
        }
    }

    fn call(&mut self) -> Call {
        let architecture = self.pick(&[
            0xc000_003e,
            0xc000_003e,
            0x4000_0003,
            0xc000_00b7,
            0x4000_0028,
            0x15,
        ]);
        let number = match self.below(12) {
            0 => u32::MAX,
            1 => self.next() as u32,
            2 => 0x000f_0000 + self.below(10) as u32,
            3..6 => X32_BIT + self.below(560) as u32,
            _ => self.below(560) as u32,
        };
        let mut arguments = [0; 6];
        arguments.fill_with(|| self.value());
        Call {
            number,
            architecture,
            arguments,
        }
    }
}

const ALL: [Arch; 5] = [
    Arch::ScmpArchX86_64,
    Arch::ScmpArchX86,
    Arch::ScmpArchX32,
    Arch::ScmpArchAarch64,
    Arch::ScmpArchArm,
];

fn agree(profile: &LinuxSeccomp, native: Architecture, random: &mut Random, probes: usize) {
    let program = compile_for(profile, native).unwrap();
    let reading = Reading::new(profile, native);
    for _ in 0..probes {
        let call = random.call();
        let (answer, _) = run(&program.instructions, &call)
            .unwrap_or_else(|| panic!("the program is broken for {call:x?}"));
        let expected = reading.answer(&call);
        assert_eq!(
            answer,
            expected,
            "{call:x?} of {native:?}: {answer:x}, expected {expected:x}, for {}",
            serde_json::to_string(profile).unwrap()
        );
    }
}

fn random_profile(random: &mut Random) -> LinuxSeccomp {
    let actions = [
        ("SCMP_ACT_KILL", None),
        ("SCMP_ACT_KILL_PROCESS", None),
        ("SCMP_ACT_TRAP", None),
        ("SCMP_ACT_ERRNO", None),
        ("SCMP_ACT_ERRNO", Some(38)),
        ("SCMP_ACT_TRACE", Some(7)),
        ("SCMP_ACT_LOG", None),
        ("SCMP_ACT_ALLOW", None),
    ];
    let operators = ["NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"];
    let mut rules = Vec::new();
    for _ in 0..random.below(40) {
        let mut names = Vec::new();
        // Neighbours in the table and single ones.
        let start = random.below(SYSCALLS.len());
        for row in SYSCALLS.iter().skip(start).take(1 + random.below(12)) {
            names.push(row.0);
        }
        let (action, errno) = random.pick(&actions);
        let mut args = Vec::new();
        for _ in 0..random.below(4) {
            args.push(serde_json::json!({
                "index": random.below(6),
                "value": random.value(),
                "valueTwo": random.value(),
                "op": format!("SCMP_CMP_{}", random.pick(&operators)),
            }));
        }
        rules.push(
            serde_json::json!({"names": names, "action": action, "errnoRet": errno, "args": args}),
        );
    }
    let (action, errno) = random.pick(&actions);
    let mut architectures = Vec::new();
    for one in ALL {
        if random.below(2) == 0 {
            architectures.push(one.to_string());
        }
    }
    let profile = serde_json::json!({
        "defaultAction": action,
        "defaultErrnoRet": errno,
        "architectures": architectures,
        "syscalls": rules,
    });
    serde_json::from_value(profile).unwrap()
}

#[test]
fn random_profiles_answer_as_they_read() {
    let mut random = Random(0x5eed_0001);
    for _ in 0..60 {
        let profile = random_profile(&mut random);
        agree(&profile, Architecture::X86_64, &mut random, 400);
        agree(&profile, Architecture::Aarch64, &mut random, 100);
    }
}

#[test]
fn the_default_profile_answers_as_it_reads() {
    let mut random = Random(0x5eed_0002);
    for capabilities in [
        &DEFAULT[..],
        &[],
        &[Capability::SysAdmin, Capability::SysPtrace],
    ] {
        for native in [Architecture::X86_64, Architecture::Aarch64] {
            let profile = default_profile_for(capabilities, native, true);
            agree(&profile, native, &mut random, 4000);
        }
    }
}

#[test]
fn every_number_of_the_default_profile_answers_as_it_reads() {
    let native = Architecture::X86_64;
    let profile = default_profile_for(&DEFAULT, native, true);
    let program = compile_for(&profile, native).unwrap();
    let reading = Reading::new(&profile, native);
    let mut longest = 0;
    for (architecture, base) in [
        (native, 0),
        (Architecture::X86, 0),
        (Architecture::X32, X32_BIT),
    ] {
        for number in base..base + 700 {
            for argument in [0, 40, 0x2_0000, 0x1000_0000, (1 << 32) + 40] {
                let arguments = [argument; 6];
                let call = Call {
                    number,
                    architecture: architecture.audit(),
                    arguments,
                };
                let (answer, steps) = run(&program.instructions, &call).unwrap();
                assert_eq!(answer, reading.answer(&call), "{call:x?}");
                longest = longest.max(steps);
            }
        }
    }
    eprintln!(
        "default profile: {} instructions, {longest} on the longest way",
        program.len()
    );
    assert!(longest < 40, "{longest} instructions for one call");
}

/// So many different rules that jumps must go farther than 255 instructions.
#[test]
fn a_long_profile_jumps_far() {
    let mut random = Random(0x5eed_0003);
    let rules: Vec<_> = SYSCALLS
        .iter()
        .enumerate()
        .map(|(index, row)| {
            let args = serde_json::json!([{
                "index": index % 6, "value": index, "op": "SCMP_CMP_LE"
            }]);
            let (action, errno) = match index % 3 {
                0 => ("SCMP_ACT_ERRNO", Some(index)),
                1 => ("SCMP_ACT_ALLOW", None),
                _ => ("SCMP_ACT_TRACE", Some(index)),
            };
            serde_json::json!({
                "names": [row.0], "action": action, "errnoRet": errno, "args": args
            })
        })
        .collect();
    let profile = serde_json::json!({
        "defaultAction": "SCMP_ACT_LOG",
        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"],
        "syscalls": rules,
    });
    let profile = serde_json::from_value(profile).unwrap();
    let program = compile_for(&profile, Architecture::X86_64).unwrap();
    assert!(program.len() > 1500, "{}", program.len());
    agree(&profile, Architecture::X86_64, &mut random, 20_000);
    agree(&profile, Architecture::Aarch64, &mut random, 20_000);
}

/// Prints figures; not a test of speed.
#[test]
fn the_time_to_compile_the_default_profile_is_printed() {
    let mut times: Vec<_> = (0..50)
        .map(|_| {
            let begin = std::time::Instant::now();
            let profile = default_profile_for(&DEFAULT, Architecture::X86_64, true);
            let made = begin.elapsed();
            let program = compile_for(&profile, Architecture::X86_64).unwrap();
            (begin.elapsed(), made, program.len())
        })
        .collect();
    times.sort_unstable();
    let (all, profile, length) = times[times.len() / 2];
    eprintln!("default profile: {all:?} ({profile:?} of it the profile), {length} instructions");
}
