//! What words of ps(1) ask for: the formats, and `-o` with its columns. Which processes there are
//! to show is known already, so `-e`, `-A`, `a` and `x` change nothing.

use super::column::{self, Column};
use crate::engine::failure::Failure;

/// `-f`.
const FULL: &[&str] = &[
    "user=UID", "pid", "ppid", "c", "stime", "tname", "time", "cmd",
];

/// Without a format.
const SIMPLE: &[&str] = &["pid", "tname", "time", "ucmd"];

/// `u`.
const BY_USER: &[&str] = &[
    "user", "pid", "%cpu", "%mem", "vsz", "rss", "tname", "stat", "bsdstart", "bsdtime", "args",
];

/// Without a format, in BSD's words.
const BSD: &[&str] = &["pid", "tname", "stat", "bsdtime", "args"];

/// Titles and columns.
pub fn columns(words: &[String]) -> Result<Vec<(String, &'static Column)>, Failure> {
    if words.is_empty() {
        return listed(FULL.iter().copied());
    }
    let mut format = None;
    let mut asked: Vec<String> = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if let Some(long) = word.strip_prefix("--") {
            let (name, list) = long.split_once('=').unwrap_or((long, ""));
            match name {
                "format" if !list.is_empty() => asked.push(list.to_owned()),
                "format" => asked.push(list_after(word, words.next())?),
                _ => return Err(unsupported(word)),
            }
            continue;
        }
        let (unix, letters) = match word.strip_prefix('-') {
            Some(letters) => (true, letters),
            None => (false, word.as_str()),
        };
        for (at, letter) in letters.char_indices() {
            match (unix, letter) {
                (_, 'e' | 'A' | 'a' | 'w') | (false, 'x') => {
                    if format.is_none() && !unix {
                        format = Some(BSD);
                    }
                }
                (true, 'f') => format = Some(FULL),
                (false, 'u') => format = Some(BY_USER),
                (_, 'o') => {
                    let rest = &letters[at + 1..];
                    asked.push(match rest {
                        "" => list_after(word, words.next())?,
                        list => list.to_owned(),
                    });
                    break;
                }
                _ => return Err(unsupported(word)),
            }
        }
    }
    if asked.is_empty() {
        return listed(format.unwrap_or(SIMPLE).iter().copied());
    }
    // As ps: what follows a title's sign is all title.
    listed(asked.iter().flat_map(|list| names(list)))
}

fn names(list: &str) -> Vec<&str> {
    let end = list.find('=').unwrap_or(list.len());
    let start = list[..end].rfind([',', ' ']).map_or(0, |at| at + 1);
    let mut names: Vec<&str> = list[..start]
        .split([',', ' '])
        .filter(|name| !name.is_empty())
        .collect();
    names.push(&list[start..]);
    names
}

fn listed<'a>(
    names: impl Iterator<Item = &'a str>,
) -> Result<Vec<(String, &'static Column)>, Failure> {
    let columns: Vec<_> = names
        .map(|asked| {
            let (name, title) = match asked.split_once('=') {
                Some((name, title)) => (name, Some(title)),
                None => (asked, None),
            };
            let column = column::find(name).ok_or_else(|| {
                Failure::new(format!("unknown ps column: {name}")).hint(format!(
                    "there are {}",
                    column::names().collect::<Vec<_>>().join(", ")
                ))
            })?;
            Ok((title.unwrap_or(column.title).to_owned(), column))
        })
        .collect::<Result<_, Failure>>()?;
    if columns.iter().all(|(title, _)| title != "PID") {
        // Docker has to find the container's processes by it; scripts rely on it.
        return Err(Failure::new("Couldn't find PID field in ps output"));
    }
    Ok(columns)
}

fn list_after(word: &str, next: Option<&String>) -> Result<String, Failure> {
    next.cloned()
        .ok_or_else(|| Failure::new(format!("format specification must follow {word}")))
}

fn unsupported(word: &str) -> Failure {
    Failure::new(format!("unsupported ps option: {word}"))
        .hint("there are -ef, aux and -o with a list of columns (pid,user,args, …)")
}

#[cfg(test)]
mod tests {
    use super::columns;

    fn titles(line: &str) -> Result<String, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        columns(&words)
            .map(|columns| {
                let titles: Vec<String> = columns.into_iter().map(|(title, _)| title).collect();
                titles.join(" ")
            })
            .map_err(|failure| failure.message)
    }

    #[test]
    fn formats_have_the_columns_of_ps() {
        for (line, expected) in [
            ("", "UID PID PPID C STIME TTY TIME CMD"),
            ("-ef", "UID PID PPID C STIME TTY TIME CMD"),
            ("-e", "PID TTY TIME CMD"),
            ("-e -f", "UID PID PPID C STIME TTY TIME CMD"),
            (
                "aux",
                "USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND",
            ),
            (
                "auxww",
                "USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND",
            ),
            ("ax", "PID TTY STAT TIME COMMAND"),
            ("-o pid,comm", "PID COMMAND"),
            ("-eo pid,user -o args", "PID USER COMMAND"),
            ("axo pid,rss,cmd", "PID RSS CMD"),
            ("-opid,nlwp", "PID NLWP"),
            ("--format pid,ni", "PID NI"),
            ("--format=pid,uid=WHO", "PID WHO"),
        ] {
            assert_eq!(titles(line), Ok(expected.to_owned()), "{line}");
        }
    }

    #[test]
    fn what_is_not_known_is_named() {
        for (line, error) in [
            ("-o bogus,pid", "unknown ps column: bogus"),
            ("-o comm", "Couldn't find PID field in ps output"),
            ("-o pid=", "Couldn't find PID field in ps output"),
            ("-o", "format specification must follow -o"),
            ("-eZ", "unsupported ps option: -eZ"),
            ("--sort=pid", "unsupported ps option: --sort=pid"),
            ("-p 1", "unsupported ps option: -p"),
            ("1", "unsupported ps option: 1"),
        ] {
            assert_eq!(titles(line), Err(error.to_owned()), "{line}");
        }
    }
}
