//! `.dockerignore`: which files of a context are as if they were not there.
//!
//! A pattern is for the whole path from the context's root, also when it has no slash; it hides
//! what is below a directory that it describes. `!` takes back what patterns before hid, and the
//! last that says something about a file is right.
//! See <https://docs.docker.com/build/concepts/context/#dockerignore-files>.

use super::pattern::Pattern;

/// The largest file, bytes.
const LARGEST: usize = 4 << 20;

/// The most patterns: every file of the context is compared with all of them.
const MOST: usize = 20_000;

/// Patterns in the order of the file.
#[derive(Debug, Clone, Default)]
pub struct Ignore {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    /// `!`.
    takes_back: bool,
    pattern: Pattern,
    /// The cleaned text, for what a pattern may describe below a directory.
    text: String,
}

/// Why a `.dockerignore` cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IgnoreError {
    /// `!` alone.
    #[error("line {0}: illegal exclusion pattern: \"!\"")]
    Nothing(usize),
    /// A pattern that is none.
    #[error("line {line}: {text:?}: syntax error in pattern")]
    Pattern {
        /// From 1.
        line: usize,
        /// As written.
        text: String,
    },
    /// Not UTF-8.
    #[error("line {0}: bytes that are not UTF-8")]
    Text(usize),
    /// Over 4 MiB, or over 20,000 patterns.
    #[error("more than {LARGEST} bytes or {MOST} patterns")]
    TooLarge,
}

impl Ignore {
    /// Understands the file. Lines that begin with `#` are comments.
    ///
    /// # Errors
    /// The first line that is wrong.
    pub fn parse(text: &[u8]) -> Result<Ignore, IgnoreError> {
        if text.len() > LARGEST {
            return Err(IgnoreError::TooLarge);
        }
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let mut rules = Vec::new();
        for (number, line) in text.split(|byte| *byte == b'\n').enumerate() {
            let number = number + 1;
            if line.starts_with(b"#") {
                continue;
            }
            let line = std::str::from_utf8(line).map_err(|_| IgnoreError::Text(number))?;
            rules.extend(rule(line.trim(), number)?);
            if rules.len() > MOST {
                return Err(IgnoreError::TooLarge);
            }
        }
        Ok(Ignore { rules })
    }

    /// Of patterns that stand elsewhere, as `COPY --exclude` has them; none of them is a comment.
    ///
    /// # Errors
    /// The number of the first that is wrong, from 1.
    pub fn of(patterns: &[String]) -> Result<Ignore, IgnoreError> {
        let mut rules = Vec::new();
        for (number, pattern) in patterns.iter().enumerate() {
            rules.extend(rule(pattern.trim(), number + 1)?);
        }
        Ok(Ignore { rules })
    }

    /// Whether there is nothing that could hide a file.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether the file at this path, without a slash at either end, is left out.
    ///
    /// What is not UTF-8 is compared with the replacement character in its place.
    pub fn excludes(&self, path: &[u8]) -> bool {
        let path = String::from_utf8_lossy(path);
        let mut excluded = false;
        for rule in &self.rules {
            // A rule that would change nothing need not be asked.
            if rule.takes_back == excluded && rule.describes(&path) {
                excluded = !rule.takes_back;
            }
        }
        excluded
    }

    /// Whether something below a directory that is left out may be there all the same: some `!`
    /// could describe a path below it.
    pub fn may_include_below(&self, directory: &[u8]) -> bool {
        let directory = String::from_utf8_lossy(directory);
        self.rules
            .iter()
            .filter(|rule| rule.takes_back)
            .any(|rule| rule.may_describe_below(&directory))
    }
}

impl Rule {
    /// The path, or a directory that it is in.
    fn describes(&self, path: &str) -> bool {
        let parents = path.match_indices('/').map(|(slash, _)| &path[..slash]);
        parents.chain([path]).any(|path| self.pattern.matches(path))
    }

    /// Compares the names that need no pattern; beyond the first pattern everything is possible.
    fn may_describe_below(&self, directory: &str) -> bool {
        let mut wanted = self.text.split('/');
        for name in directory.split('/') {
            match wanted.next() {
                // It describes a directory above, and with it all below.
                None => return true,
                Some(wanted) if wanted.contains(['*', '?', '[', '\\']) => return true,
                Some(wanted) if wanted != name => return false,
                Some(_) => {}
            }
        }
        true
    }
}

/// `None` for a blank line, and for the root itself, which cannot be left out.
fn rule(text: &str, line: usize) -> Result<Option<Rule>, IgnoreError> {
    let (takes_back, pattern) = match text.strip_prefix('!') {
        Some(pattern) => (true, pattern.trim()),
        None => (false, text),
    };
    if pattern.is_empty() {
        return match takes_back {
            true => Err(IgnoreError::Nothing(line)),
            false => Ok(None),
        };
    }
    let text = clean(pattern);
    if text.is_empty() {
        return Ok(None);
    }
    let parsed = Pattern::parse(&text).map_err(|_| IgnoreError::Pattern {
        line,
        text: pattern.chars().take(200).collect(),
    })?;
    Ok(Some(Rule {
        takes_back,
        pattern: parsed,
        text,
    }))
}

/// As Go's `filepath.Clean` of a path below the root: no `.`, no `//`, no slash at either end, and
/// `..` takes back the name before; those that lead out are at the root, where they describe
/// nothing.
fn clean(path: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => match names.last() {
                Some(&last) if last != ".." => {
                    names.pop();
                }
                _ if path.starts_with('/') => {}
                _ => names.push(".."),
            },
            name => names.push(name),
        }
    }
    names.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ignore(text: &str) -> Ignore {
        Ignore::parse(text.as_bytes()).unwrap()
    }

    #[track_caller]
    fn check(text: &str, out: &[&str], there: &[&str]) {
        let ignore = ignore(text);
        for path in out {
            assert!(ignore.excludes(path.as_bytes()), "{text:?} {path}");
        }
        for path in there {
            assert!(!ignore.excludes(path.as_bytes()), "{text:?} {path}");
        }
    }

    #[test]
    fn patterns_are_for_whole_paths() {
        check("*.log", &["a.log"], &["a/b.log", "a.txt"]);
        check("a", &["a", "a/b", "a/b/c"], &["b/a", "ab"]);
        check("a/b", &["a/b", "a/b/c"], &["a", "a/c"]);
        check(
            "*/temp*",
            &["x/temp", "x/temporary/y"],
            &["temp", "x/y/temp"],
        );
        check("*/*/temp*", &["x/y/temp"], &["x/temp"]);
        check("temp?", &["tempa"], &["temp", "tempab"]);
        check("**/*.go", &["a.go", "x/y/a.go"], &["a.gox"]);
        check("**", &["a", "a/b"], &[]);
        check("*", &["a", "a/b"], &[]);
        check("[a-c].x", &["b.x"], &["d.x"]);
    }

    #[test]
    fn the_last_that_says_something_is_right() {
        check("*.md\n!README.md", &["a.md"], &["README.md"]);
        check(
            "*.md\n!README*.md\nREADME-secret.md",
            &["README-secret.md"],
            &["README-x.md"],
        );
        check(
            "*.md\nREADME-secret.md\n!README*.md",
            &["a.md"],
            &["README-secret.md"],
        );
        check(
            "*\n!src\n!Cargo.toml",
            &["a", "target/x"],
            &["src", "src/a/b.rs", "Cargo.toml"],
        );
        check(
            "a\n!a/b\na/b/c",
            &["a", "a/x", "a/b/c", "a/b/c/d"],
            &["a/b", "a/b/d"],
        );
        check("**\n!**/keep", &["x/y"], &["keep", "x/keep", "x/keep/y"]);
        check("!a", &[], &["a"]);
        check("a/*\n!a/b", &["a/c"], &["a", "a/b", "a/b/c"]);
    }

    #[test]
    fn lines_are_cleaned() {
        check(
            "/a\n./b/\n c \nd//e\nf/./g\nh/../i",
            &["a", "b", "c", "d/e", "f/g", "i"],
            &["h"],
        );
        check("#a\n #b\n\n\r\nc\r\n", &["#b", "c"], &["#a", "a"]);
        check("! a\n", &[], &["a"]);
        check("a\n! a", &[], &["a"]);
        check("../a\n/../b\n../..", &["b"], &["a"]);
        check("\u{feff}a", &["a"], &[]);
        check(".", &[], &["a", "a/b"]);
        check("/", &[], &["a"]);
        assert!(ignore("# nothing\n.\n/\n").is_empty());
    }

    #[test]
    fn only_what_is_taken_back_is_looked_for_below_a_hidden_directory() {
        let ignored = ignore("*\n!a/b/c\n!x/*/y");
        for (directory, may) in [
            ("a", true),
            ("a/b", true),
            ("a/c", false),
            ("b", false),
            ("x", true),
            ("x/z", true),
            ("x/z/w", true),
            ("a/b/c/d", true),
        ] {
            assert_eq!(
                ignored.may_include_below(directory.as_bytes()),
                may,
                "{directory}"
            );
        }
        assert!(!ignore("a\nb").may_include_below(b"a"));
        assert!(ignore("a\n!**/x").may_include_below(b"a"));
    }

    #[test]
    fn wrong_files_are_told_with_their_line() {
        let error = |text: &[u8]| Ignore::parse(text).unwrap_err().to_string();
        assert_eq!(error(b"a\n!\n"), "line 2: illegal exclusion pattern: \"!\"");
        assert_eq!(error(b"\n[a\n"), "line 2: \"[a\": syntax error in pattern");
        assert_eq!(error(b"\xff"), "line 1: bytes that are not UTF-8");
        assert_eq!(
            Ignore::parse(&vec![b'\n'; LARGEST + 1]).unwrap_err(),
            IgnoreError::TooLarge
        );
        assert_eq!(
            Ignore::parse(&b"a\n".repeat(MOST + 1)).unwrap_err(),
            IgnoreError::TooLarge
        );
    }

    #[test]
    fn patterns_of_a_flag_are_no_file() {
        let ignore = Ignore::of(&["#a".to_owned(), "*.o".to_owned()]).unwrap();
        assert!(ignore.excludes(b"#a") && ignore.excludes(b"x.o") && !ignore.excludes(b"x"));
        assert!(ignore.excludes(b"\xff.o"));
        assert!(Ignore::of(&["[".to_owned()]).is_err());
    }
}
