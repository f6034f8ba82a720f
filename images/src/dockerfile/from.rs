//! `FROM [--platform=…] IMAGE [AS NAME]`.

use super::error::Problem;
use super::flags::Takes;
use super::instruction::Request;
use super::words;

/// A `FROM` line.
pub(super) struct From {
    pub(super) base: String,
    pub(super) platform: Option<String>,
    /// `AS` and the name, as written.
    pub(super) name: Option<(String, String)>,
}

pub(super) fn parse(request: Request) -> Result<From, Problem> {
    let words = words::plain(request.rest);
    let (base, name) = match words.as_slice() {
        [base] => (base, None),
        [base, keyword, name] if keyword.eq_ignore_ascii_case("AS") => {
            if !is_stage_name(name) {
                return Err(Problem::StageName(name.clone()));
            }
            (base, Some((keyword.clone(), name.clone())))
        }
        _ => return Err(Problem::From),
    };
    let flags = request.flags.check(&[("platform", Takes::Text)])?;
    Ok(From {
        base: base.clone(),
        platform: flags.text("platform"),
        name,
    })
}

/// A letter, then letters, digits, `-`, `_` and `.`, whatever their case.
fn is_stage_name(name: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(part)
}
