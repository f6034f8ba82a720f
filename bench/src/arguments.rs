//! The command line.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

const USAGE: &str = "usage: rbox-bench --rbox FILE --images DIRECTORY --scratch DIRECTORY \
                     [--report DIRECTORY] [--quick] [--rounds N] [CASE…] | --list | --render DIRECTORY";

/// What is asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// The binary that is measured.
    pub rbox: PathBuf,
    /// Where `cargo xtask images` puts its archives.
    pub images: PathBuf,
    /// For engines' state and whatever cases write; made and removed.
    pub scratch: PathBuf,
    /// Where documents go: `benchmarks.md`, and what belongs to it.
    pub report: Option<PathBuf>,
    /// Fewer rounds, and only the cases that matter most.
    pub quick: bool,
    /// This many rounds of everything.
    pub rounds: Option<usize>,
    /// Names of cases; all, where there is none.
    pub cases: Vec<String>,
    /// Only make the documents in this directory anew, of what was measured before.
    pub render: Option<PathBuf>,
    /// Only tell which cases there are.
    pub list: bool,
}

impl Arguments {
    /// Understands the words after the program's name.
    pub fn parse(words: impl IntoIterator<Item = String>) -> Result<Self> {
        let mut words = words.into_iter();
        let mut arguments = Self::default();
        while let Some(word) = words.next() {
            let mut value = || {
                words
                    .next()
                    .with_context(|| format!("{word} what? {USAGE}"))
            };
            match word.as_str() {
                "--rbox" => arguments.rbox = std::path::absolute(value()?)?,
                "--images" => arguments.images = std::path::absolute(value()?)?,
                "--scratch" => arguments.scratch = std::path::absolute(value()?)?,
                "--report" => arguments.report = Some(std::path::absolute(value()?)?),
                "--render" => arguments.render = Some(std::path::absolute(value()?)?),
                "--rounds" => arguments.rounds = Some(rounds(&value()?)?),
                "--quick" => arguments.quick = true,
                "--list" => arguments.list = true,
                name if !name.starts_with('-') => arguments.cases.push(word),
                _ => bail!("not {word}; {USAGE}"),
            }
        }
        let places = [&arguments.rbox, &arguments.images, &arguments.scratch];
        let measures = !arguments.list && arguments.render.is_none();
        if measures && places.iter().any(|path| path.as_os_str().is_empty()) {
            bail!(USAGE);
        }
        Ok(arguments)
    }
}

fn rounds(text: &str) -> Result<usize> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => bail!("--rounds is a positive number, not {text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments> {
        Arguments::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn cases_stand_anywhere() {
        let line = "start --rbox /r --images /i --quick --scratch /s --rounds 3 size";
        let arguments = parse(line).unwrap();
        assert_eq!(arguments.cases, ["start", "size"]);
        assert_eq!((arguments.quick, arguments.rounds), (true, Some(3)));
    }

    #[test]
    fn what_is_missing_or_unknown_is_refused() {
        assert!(parse("--rbox /r --images /i").is_err());
        assert!(parse("--rbox /r --images /i --scratch").is_err());
        assert!(parse("--rbox /r --images /i --scratch /s --rounds 0").is_err());
        assert!(parse("--rbox /r --images /i --scratch /s --fast").is_err());
        assert!(parse("--list").unwrap().list);
    }
}
