//! `--chmod`: octal as `755`, or symbolic as `u=rwX,go=rX` (chmod(1), but for the umask). Pure.

/// How the mode of a copy follows from the mode of its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModeChange(Change);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Change {
    Exactly(u32),
    Symbolic(Vec<Clause>),
}

/// `go+rX`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Clause {
    /// Bits 0o4700, 0o2070 and 0o1007 of those it is for.
    who: u32,
    operator: char,
    /// `rwxst` for everybody.
    bits: u32,
    /// `X`: execution where it makes sense.
    maybe_execute: bool,
    /// `g=u`: what others of the three have.
    copy_from: Option<char>,
}

/// Not a mode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid chmod parameter: {0:?}: it should be octal digits between 0 and 07777, or like u=rwX,go=rX"
)]
pub struct ModeError(String);

impl std::str::FromStr for ModeChange {
    type Err = ModeError;

    fn from_str(text: &str) -> Result<ModeChange, ModeError> {
        let wrong = || ModeError(text.to_owned());
        if text.starts_with(|c: char| c.is_ascii_digit()) {
            let mode = u32::from_str_radix(text, 8).map_err(|_| wrong())?;
            return match mode <= 0o7777 {
                true => Ok(ModeChange(Change::Exactly(mode))),
                false => Err(wrong()),
            };
        }
        let mut clauses = Vec::new();
        for part in text.split(',') {
            parse_clauses(part, &mut clauses).ok_or_else(wrong)?;
        }
        Ok(ModeChange(Change::Symbolic(clauses)))
    }
}

/// `ugo=r+x`: those it is for, then one or more operators.
fn parse_clauses(part: &str, clauses: &mut Vec<Clause>) -> Option<()> {
    let operators = ['=', '+', '-'];
    let start = part.find(operators)?;
    let (people, mut rest) = part.split_at(start);
    let mut who = 0;
    for c in people.chars() {
        who |= match c {
            'u' => 0o4700,
            'g' => 0o2070,
            'o' => 0o1007,
            'a' => 0o7777,
            _ => return None,
        };
    }
    let who = if who == 0 { 0o7777 } else { who };
    while let Some(operator) = rest.chars().next() {
        let after = &rest[1..];
        let end = after.find(operators).unwrap_or(after.len());
        let (letters, next) = after.split_at(end);
        let mut clause = Clause {
            who,
            operator,
            bits: 0,
            maybe_execute: false,
            copy_from: None,
        };
        for c in letters.chars() {
            match c {
                'r' => clause.bits |= 0o444,
                'w' => clause.bits |= 0o222,
                'x' => clause.bits |= 0o111,
                's' => clause.bits |= 0o6000,
                't' => clause.bits |= 0o1000,
                'X' => clause.maybe_execute = true,
                'u' | 'g' | 'o' if letters.len() == 1 => clause.copy_from = Some(c),
                _ => return None,
            }
        }
        clauses.push(clause);
        rest = next;
    }
    Some(())
}

impl ModeChange {
    /// The mode of the copy of a file with this mode.
    pub(super) fn apply(&self, mode: u32, is_directory: bool) -> u32 {
        match &self.0 {
            Change::Exactly(mode) => *mode,
            Change::Symbolic(clauses) => clauses.iter().fold(mode & 0o7777, |mode, clause| {
                clause.apply(mode, is_directory)
            }),
        }
    }
}

impl Clause {
    fn apply(&self, mode: u32, is_directory: bool) -> u32 {
        let mut bits = self.bits;
        if self.maybe_execute && (is_directory || mode & 0o111 != 0) {
            bits |= 0o111;
        }
        if let Some(from) = self.copy_from {
            let shift = match from {
                'u' => 6,
                'g' => 3,
                _ => 0,
            };
            bits |= ((mode >> shift) & 7) * 0o111;
        }
        let bits = bits & self.who;
        match self.operator {
            '+' => mode | bits,
            '-' => mode & !bits,
            // `=` leaves the sticky bit, and a directory's other special bits, as chmod(1) does.
            _ => {
                let kept = if is_directory { 0o7000 } else { 0o1000 };
                (mode & (!self.who | kept)) | bits
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(text: &str, mode: u32, is_directory: bool) -> u32 {
        text.parse::<ModeChange>()
            .unwrap()
            .apply(mode, is_directory)
    }

    #[test]
    fn octal_is_the_mode() {
        assert_eq!(change("755", 0o600, false), 0o755);
        assert_eq!(change("04711", 0o600, false), 0o4711);
        assert_eq!(change("0", 0o777, true), 0);
    }

    #[test]
    fn symbolic_changes_the_mode() {
        assert_eq!(change("u=rwX,go=rX", 0o600, false), 0o644);
        assert_eq!(change("u=rwX,go=rX", 0o700, false), 0o755);
        assert_eq!(change("u=rwX,go=rX", 0o700, true), 0o755);
        assert_eq!(change("+x", 0o644, false), 0o755);
        assert_eq!(change("a-w", 0o666, false), 0o444);
        assert_eq!(change("go=", 0o777, false), 0o700);
        assert_eq!(change("g=u", 0o640, false), 0o660);
        assert_eq!(change("u+s", 0o755, false), 0o4755);
        assert_eq!(change("g+s", 0o755, false), 0o2755);
        assert_eq!(change("+t", 0o777, true), 0o1777);
        assert_eq!(change("u=rw+x", 0o000, false), 0o700);
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "", "8", "77777", "rwx", "u~r", "z+x", "u+q", "u+x,", "0x1", "u+ug", "é+x",
        ] {
            assert!(text.parse::<ModeChange>().is_err(), "{text}");
        }
    }
}
