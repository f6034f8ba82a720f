//! Where the ranges of `--userns=auto` come from: blocks of 65,536 ids that
//! start at a multiple of that number, so that two of them are the same or have
//! nothing in common, whatever the pool was when they were taken.

use super::subordinate::{Files, Range};
use crate::engine::failure::Failure;

/// Ids in a block.
pub const BLOCK: u32 = 65_536;

/// The first block of the range that no distribution, and neither systemd nor
/// shadow, hands out (systemd's UIDS-GIDS: 1879048192 to 2147352575 are unused).
const FIRST: u32 = 0x7000;

/// The last one.
const LAST: u32 = 0x7ffd;

/// What RBOX_USERNS_REMAP=default maps to where /etc/subuid does not say.
pub const DEFAULT_REMAP: u32 = FIRST * BLOCK;

/// Whose subordinate ids the pool is, as in Podman, when there are any.
const OWNER: &str = "containers";

/// First ids of the blocks of this machine's pool, ascending.
pub fn of_this_machine() -> Result<Vec<u32>, Failure> {
    let files = Files::read()?;
    let fail =
        |error: super::subordinate::LineError| Failure::new(format!("--userns=auto: {error}"));
    let uids = files.of_user(OWNER).map_err(fail)?;
    let gids = files.groups_of_user(OWNER).map_err(fail)?;
    let pool = blocks(&uids, &gids);
    if pool.is_empty() {
        return Err(Failure::new(format!(
            "--userns=auto: {OWNER:?} has no whole block of {BLOCK} ids that starts at a multiple \
             of {BLOCK} in both /etc/subuid and /etc/subgid"
        )));
    }
    Ok(pool)
}

/// The blocks that are in both, or the default pool where there is neither.
fn blocks(uids: &[Range], gids: &[Range]) -> Vec<u32> {
    if uids.is_empty() && gids.is_empty() {
        // The first is the remapping's.
        return (FIRST + 1..=LAST).map(|number| number * BLOCK).collect();
    }
    let within = |ranges: &[Range], first: u32| {
        ranges.iter().any(|&(start, count)| {
            start <= first && first - start <= count.saturating_sub(BLOCK) && count >= BLOCK
        })
    };
    // Neither the host's own ids nor the one that is nobody's.
    (1..u32::from(u16::MAX))
        .map(|number| number * BLOCK)
        .filter(|&first| within(uids, first) && within(gids, first))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_pool_is_what_nobody_else_hands_out() {
        let pool = blocks(&[], &[]);
        assert_eq!(pool.len(), 4093);
        assert_eq!(pool[0], 1_879_048_192 + 65_536);
        assert_eq!(pool[pool.len() - 1] + 65_535, 2_147_352_575);
        assert!(!pool.contains(&DEFAULT_REMAP));
    }

    #[test]
    fn only_whole_blocks_of_both_kinds_count() {
        // Podman's documentation suggests such a line.
        let podmans = [(2_147_483_647, 2_147_483_648)];
        let pool = blocks(&podmans, &podmans);
        assert_eq!((pool.len(), pool[0]), (32_767, 2_147_483_648));
        assert!(blocks(&[(100_000, 65_536)], &[(100_000, 65_536)]).is_empty());
        assert_eq!(
            blocks(&[(100_000, 131_072)], &[(100_000, 131_072)]),
            [131_072]
        );
        assert!(blocks(&[(131_072, 65_536)], &[]).is_empty());
        assert_eq!(
            blocks(&[(131_072, 65_536)], &[(131_072, 65_536)]),
            [131_072]
        );
        assert!(blocks(&[(131_072, 65_535)], &[(131_072, 65_536)]).is_empty());
        let everything = [(1, u32::MAX - 1)];
        assert_eq!(blocks(&everything, &everything).len(), 65_534);
    }
}
