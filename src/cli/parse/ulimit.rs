//! `--ulimit name=soft[:hard]`.

use super::{Invalid, number};
use crate::engine::request::Ulimit;

const NAMES: [&str; 15] = [
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];

/// Reads one limit.
pub fn ulimit(text: &str) -> Result<Ulimit, Invalid> {
    let (name, limits) = text
        .split_once('=')
        .ok_or_else(|| Invalid(format!("invalid ulimit argument: {text}")))?;
    if !NAMES.contains(&name) {
        return Err(Invalid(format!("invalid ulimit type: {name}")));
    }
    let parts: Vec<&str> = limits.split(':').collect();
    let (soft, hard) = match parts[..] {
        [soft] => {
            let soft = number::integer(soft)?;
            (soft, soft)
        }
        [soft, hard] => {
            let hard = number::integer(hard)?;
            (number::integer(soft)?, hard)
        }
        _ => {
            return Err(Invalid(format!(
                "too many limit value arguments - {limits}, can only have up to two, `soft[:hard]`"
            )));
        }
    };
    if hard != -1 {
        let low = "ulimit soft limit must be less than or equal to hard limit:";
        if soft == -1 {
            return Err(Invalid(format!("{low} soft: -1 (unlimited), hard: {hard}")));
        }
        if soft > hard {
            return Err(Invalid(format!("{low} {soft} > {hard}")));
        }
    }
    Ok(Ulimit {
        name: name.to_owned(),
        soft,
        hard,
    })
}

#[cfg(test)]
mod tests {
    use super::ulimit;

    #[test]
    fn limits_have_a_soft_and_a_hard_side() {
        let limit = ulimit("nofile=100:200").unwrap();
        assert_eq!(
            (limit.name.as_str(), limit.soft, limit.hard),
            ("nofile", 100, 200)
        );
        assert_eq!(ulimit("nproc=50").unwrap().hard, 50);
        for (text, error) in [
            ("bogus=1", "invalid ulimit type: bogus"),
            ("nofile", "invalid ulimit argument: nofile"),
            (
                "nofile=300:200",
                "ulimit soft limit must be less than or equal to hard limit: 300 > 200",
            ),
            (
                "nofile=-1:200",
                "ulimit soft limit must be less than or equal to hard limit: soft: -1 (unlimited), hard: 200",
            ),
            (
                "nofile=x",
                "strconv.ParseInt: parsing \"x\": invalid syntax",
            ),
            (
                "nofile=1:2:3",
                "too many limit value arguments - 1:2:3, can only have up to two, `soft[:hard]`",
            ),
        ] {
            assert_eq!(ulimit(text).unwrap_err().0, error);
        }
    }
}
