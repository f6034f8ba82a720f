//! Parser directives: `# syntax=…`, `# escape=…` and `# check=…` before anything else.

use super::error::Problem;

const DEFAULT_ESCAPE: char = '\\';

/// What the directives say.
#[derive(Debug)]
pub(super) struct Directives {
    pub(super) escape: char,
    pub(super) check: Check,
    seen: Vec<&'static str>,
    /// Something else stood before.
    over: bool,
}

/// `# check=skip=A,B;error=true`.
#[derive(Debug, Default)]
pub(super) struct Check {
    /// Warnings that are not wanted; `all` is every one.
    pub(super) skip: Vec<String>,
    /// Whether a warning is an error.
    pub(super) error: bool,
}

impl Default for Directives {
    fn default() -> Directives {
        Directives {
            escape: DEFAULT_ESCAPE,
            check: Check::default(),
            seen: Vec::new(),
            over: false,
        }
    }
}

impl Directives {
    /// Looks at a line; the first that is no directive ends them.
    pub(super) fn offer(&mut self, line: &[u8]) -> Result<(), Problem> {
        if self.over {
            return Ok(());
        }
        let Some((name, value)) = directive(line) else {
            self.over = true;
            return Ok(());
        };
        if self.seen.contains(&name) {
            let text = format!("only one {name} parser directive can be used");
            return Err(Problem::Directive(text));
        }
        self.seen.push(name);
        match name {
            "escape" => self.escape = escape(&value)?,
            "check" => self.check = check(&value)?,
            _ => syntax(&value)?,
        }
        Ok(())
    }
}

/// Name and value, when the name is one that there is; others are comments.
fn directive(line: &[u8]) -> Option<(&'static str, String)> {
    let line = std::str::from_utf8(line).ok()?;
    let (name, value) = line.trim_start().strip_prefix('#')?.split_once('=')?;
    let name = name.trim().to_ascii_lowercase();
    let name = ["escape", "syntax", "check"]
        .into_iter()
        .find(|known| *known == name)?;
    let value = value.trim();
    (!value.is_empty()).then(|| (name, value.to_owned()))
}

fn escape(value: &str) -> Result<char, Problem> {
    match value {
        "\\" => Ok('\\'),
        "`" => Ok('`'),
        other => Err(Problem::Directive(format!(
            "invalid escape token '{other}' does not match ` or \\"
        ))),
    }
}

/// The frontend is built in: another version of the same is fine, another one is not.
fn syntax(value: &str) -> Result<(), Problem> {
    let name = value.strip_prefix("docker.io/").unwrap_or(value);
    let name = name.split([':', '@']).next().unwrap_or_default();
    match name {
        "docker/dockerfile" | "docker/dockerfile-upstream" => Ok(()),
        _ => Err(Problem::NotSupported(format!(
            "the Dockerfile frontend {value}"
        ))),
    }
}

fn check(value: &str) -> Result<Check, Problem> {
    let mut check = Check::default();
    for part in value
        .split(';')
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        let wrong = || Problem::Directive(format!("invalid check option {part:?}"));
        let (key, value) = part.split_once('=').ok_or_else(wrong)?;
        match key.trim().to_ascii_lowercase().as_str() {
            "skip" => check
                .skip
                .extend(value.split(',').map(|rule| rule.trim().to_owned())),
            // Names checks that are not on by default; there is none here.
            "experimental" => {}
            "error" => check.error = value.trim().parse().map_err(|_| wrong())?,
            _ => return Err(wrong()),
        }
    }
    Ok(check)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(lines: &[&str]) -> Result<Directives, String> {
        let mut directives = Directives::default();
        for line in lines {
            directives
                .offer(line.as_bytes())
                .map_err(|error| error.to_string())?;
        }
        Ok(directives)
    }

    #[test]
    fn directives_stand_before_everything_else() {
        assert_eq!(
            after(&["# syntax=docker/dockerfile:1", "#escape = `"])
                .unwrap()
                .escape,
            '`'
        );
        for before in ["", "# a comment", "FROM x", "# unknown=x", "#"] {
            assert_eq!(
                after(&[before, "# escape=`"]).unwrap().escape,
                '\\',
                "{before}"
            );
        }
        assert_eq!(after(&["#ESCAPE=\\\r\n"]).unwrap().escape, '\\');
    }

    #[test]
    fn checks_are_skipped_or_are_errors() {
        let check = after(&["# check=skip=A, B;error=true"]).unwrap().check;
        assert_eq!(
            (check.skip.as_slice(), check.error),
            (&["A".into(), "B".into()][..], true)
        );
        assert!(!after(&["# check=error=false;"]).unwrap().check.error);
    }

    #[test]
    fn wrong_ones_are_told() {
        for (lines, error) in [
            (
                &["# escape=x"][..],
                "invalid escape token 'x' does not match ` or \\",
            ),
            (
                &["# escape=`", "# escape=`"],
                "only one escape parser directive can be used",
            ),
            (
                &["# syntax=docker/dockerfile", "# Syntax=x"],
                "only one syntax parser directive can be used",
            ),
            (
                &["# syntax=example.com/own:1"],
                "the Dockerfile frontend example.com/own:1 is not supported",
            ),
            (&["# check=bogus"], "invalid check option \"bogus\""),
            (
                &["# check=error=maybe"],
                "invalid check option \"error=maybe\"",
            ),
            (&["# check=a=b"], "invalid check option \"a=b\""),
        ] {
            assert_eq!(after(lines).unwrap_err(), error);
        }
    }
}
