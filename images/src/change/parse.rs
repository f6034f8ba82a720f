//! The text of one instruction.

use super::words::{Word, split};
use super::{Change, ChangeError};

const SHELL: [&str; 2] = ["/bin/sh", "-c"];

pub(super) fn change(text: &str) -> Result<Change, ChangeError> {
    let text = text.trim();
    let (command, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim();
    match command.to_ascii_uppercase().as_str() {
        "CMD" => Ok(Change::Cmd(exec_or_shell(rest))),
        "ENTRYPOINT" => {
            some("ENTRYPOINT", rest)?;
            Ok(Change::Entrypoint(exec_or_shell(rest)))
        }
        "ENV" => pairs("ENV", rest).map(Change::Env),
        "LABEL" => pairs("LABEL", rest).map(Change::Label),
        "WORKDIR" => Ok(Change::Workdir(unquoted(some("WORKDIR", rest)?)?)),
        "USER" => Ok(Change::User(one("USER", rest)?)),
        "STOPSIGNAL" => Ok(Change::StopSignal(one("STOPSIGNAL", rest)?)),
        "EXPOSE" => expose(some("EXPOSE", rest)?),
        "VOLUME" => {
            let rest = some("VOLUME", rest)?;
            let paths = match json(rest) {
                Some(paths) => paths,
                None => split(rest)?.into_iter().map(Word::into_text).collect(),
            };
            Ok(Change::Volume(paths))
        }
        _ => Err(ChangeError::Command(command.to_owned())),
    }
}

fn some<'a>(command: &'static str, rest: &'a str) -> Result<&'a str, ChangeError> {
    if rest.is_empty() {
        Err(ChangeError::NoArgument(command))
    } else {
        Ok(rest)
    }
}

fn one(command: &'static str, rest: &str) -> Result<String, ChangeError> {
    let mut words = split(rest)?;
    match (words.pop(), words.is_empty()) {
        (Some(word), true) => Ok(word.into_text()),
        _ => Err(ChangeError::OneArgument(command)),
    }
}

/// The rest of the line as one word, quotes taken away.
fn unquoted(rest: &str) -> Result<String, ChangeError> {
    let words: Vec<String> = split(rest)?.into_iter().map(Word::into_text).collect();
    Ok(words.join(" "))
}

fn json(rest: &str) -> Option<Vec<String>> {
    if !rest.starts_with('[') {
        return None;
    }
    serde_json::from_str(rest).ok()
}

/// What starts with `[` but is no JSON list is a command line, as in Docker.
fn exec_or_shell(rest: &str) -> Vec<String> {
    match json(rest) {
        Some(words) => words,
        None if rest.is_empty() => Vec::new(),
        None => SHELL
            .iter()
            .copied()
            .chain([rest])
            .map(str::to_owned)
            .collect(),
    }
}

fn pairs(command: &'static str, rest: &str) -> Result<Vec<(String, String)>, ChangeError> {
    let words = split(some(command, rest)?)?;
    let first = words.first().ok_or(ChangeError::NoArgument(command))?;
    if first.pair().is_none() {
        // The old form: one name, and all the rest is its value.
        let (name, value) = rest
            .split_once(char::is_whitespace)
            .ok_or(ChangeError::TwoArguments(command))?;
        return Ok(vec![(name.to_owned(), unquoted(value.trim())?)]);
    }
    words
        .iter()
        .map(|word| {
            let (name, value) = word
                .pair()
                .ok_or_else(|| ChangeError::NoEquals(word.text().to_owned()))?;
            if name.is_empty() {
                return Err(ChangeError::BlankName(command));
            }
            Ok((name.to_owned(), value.to_owned()))
        })
        .collect()
}

fn expose(rest: &str) -> Result<Change, ChangeError> {
    let mut all = Vec::new();
    for word in split(rest)? {
        let wrong = || ChangeError::Port(word.text().to_owned());
        let (ports, protocol) = word.text().split_once('/').unwrap_or((word.text(), "tcp"));
        let protocol = protocol.to_ascii_lowercase();
        if !matches!(protocol.as_str(), "tcp" | "udp" | "sctp") {
            return Err(wrong());
        }
        let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
        let port = |text: &str| text.parse::<u16>().map_err(|_| wrong());
        let (first, last) = (port(first)?, port(last)?);
        if first == 0 || first > last {
            return Err(wrong());
        }
        all.extend((first..=last).map(|port| format!("{port}/{protocol}")));
    }
    Ok(Change::Expose(all))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(list: &[&str]) -> Vec<String> {
        list.iter().map(|word| (*word).to_owned()).collect()
    }

    fn pair_list(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect()
    }

    #[test]
    fn commands_have_a_json_and_a_shell_form() {
        assert_eq!(
            change("CMD [\"a\", \"b c\"]"),
            Ok(Change::Cmd(words(&["a", "b c"])))
        );
        assert_eq!(
            change("cmd echo $HOME"),
            Ok(Change::Cmd(words(&["/bin/sh", "-c", "echo $HOME"])))
        );
        assert_eq!(
            change("CMD [a]"),
            Ok(Change::Cmd(words(&["/bin/sh", "-c", "[a]"])))
        );
        assert_eq!(change("CMD []"), Ok(Change::Cmd(Vec::new())));
        assert_eq!(
            change("ENTRYPOINT [\"/e\"]"),
            Ok(Change::Entrypoint(words(&["/e"])))
        );
    }

    #[test]
    fn env_and_label_take_pairs_or_one_name_and_the_rest() {
        assert_eq!(
            change(r#"ENV a=1 b="two words" c='x y' d=e\ f"#),
            Ok(Change::Env(pair_list(&[
                ("a", "1"),
                ("b", "two words"),
                ("c", "x y"),
                ("d", "e f")
            ])))
        );
        assert_eq!(
            change("ENV name the rest"),
            Ok(Change::Env(pair_list(&[("name", "the rest")])))
        );
        assert_eq!(
            change("LABEL a=b=c"),
            Ok(Change::Label(pair_list(&[("a", "b=c")])))
        );
        assert_eq!(change("ENV a"), Err(ChangeError::TwoArguments("ENV")));
        assert_eq!(change("ENV"), Err(ChangeError::NoArgument("ENV")));
        assert_eq!(change("ENV =x"), Err(ChangeError::BlankName("ENV")));
        assert_eq!(change("ENV a=1 b"), Err(ChangeError::NoEquals("b".into())));
        assert_eq!(change("ENV a=\"1"), Err(ChangeError::Quote("a=\"1".into())));
    }

    #[test]
    fn ports_have_a_protocol_and_may_be_ranges() {
        assert_eq!(
            change("EXPOSE 80 53/UDP 8000-8001"),
            Ok(Change::Expose(words(&[
                "80/tcp", "53/udp", "8000/tcp", "8001/tcp"
            ])))
        );
        for bad in ["x", "0", "80/icmp", "2-1", "70000", "-1"] {
            assert_eq!(
                change(&format!("EXPOSE {bad}")),
                Err(ChangeError::Port(bad.into()))
            );
        }
    }

    #[test]
    fn instructions_that_build_are_refused() {
        assert_eq!(
            change("RUN x").unwrap_err().to_string(),
            "RUN is not a valid change command"
        );
        assert_eq!(change(""), Err(ChangeError::Command(String::new())));
        assert_eq!(change("USER a b"), Err(ChangeError::OneArgument("USER")));
        assert_eq!(
            change("VOLUME [\"/a\", \"/b\"]"),
            Ok(Change::Volume(words(&["/a", "/b"])))
        );
    }
}
