//! A start that runs out of descriptors, wherever that happens.

use crate::harness::{Host, eventually};

/// Enough for a start, and far too few for its first step.
const LIMITS: std::ops::RangeInclusive<u32> = 4..=40;

#[test]
fn a_start_with_too_few_descriptors_is_an_error_and_leaves_nothing() {
    let host = Host::new();
    host.ok("network create lan");
    let run = host.run_root().join("containers");
    let mut succeeded = Vec::new();
    for limit in LIMITS {
        let rbox = env!("CARGO_BIN_EXE_rbox");
        let line = format!("ulimit -n {limit}; exec {rbox} run --rm --network lan alpine true");
        let output = host.sh(&line);
        match output.code {
            0 => succeeded.push(limit),
            _ => assert!(output.stderr.contains("rbox"), "{limit}: {output:?}"),
        }
        assert_eq!(host.ok("ps -aq"), "", "{limit}: {output:?}");
        // A monitor may have to end still.
        eventually("its run directory to go", || {
            let left = std::fs::read_dir(&run).map_or(0, Iterator::count);
            (left == 0).then_some(())
        });
    }
    assert!(!succeeded.is_empty(), "none of {LIMITS:?} was enough");
    assert!(!succeeded.contains(LIMITS.start()), "{succeeded:?}");
}
