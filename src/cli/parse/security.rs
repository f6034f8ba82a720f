//! `--security-opt`.

use super::{Invalid, number};
use crate::engine::request::SeccompChoice;
use crate::output::go_text::quote;

/// What all the options come to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Security {
    /// `seccomp=`.
    pub seccomp: SeccompChoice,
    /// `no-new-privileges`.
    pub no_new_privileges: bool,
    /// `systempaths=unconfined`.
    pub unmask_paths: bool,
}

/// Who refuses: Docker's client, or its engine.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Before anything is sent.
    Client(Invalid),
    /// By the engine.
    Engine(Invalid),
}

/// Reads all options; `read` fetches a profile, its error is Go's (`open x: no such file…`).
pub fn options(
    texts: &[String],
    read: impl Fn(&str) -> Result<String, String>,
) -> Result<Security, Refusal> {
    let client = |text: String| Refusal::Client(Invalid(text));
    let engine = |text: String| Refusal::Engine(Invalid(text));
    let mut security = Security::default();
    for text in texts {
        if text == "no-new-privileges" {
            security.no_new_privileges = true;
            continue;
        }
        let (name, value) = text
            .split_once('=')
            .or_else(|| text.split_once(':'))
            .filter(|(_, value)| !value.is_empty())
            .ok_or_else(|| client(format!("Invalid --security-opt: {}", quote(text))))?;
        match (name, value) {
            ("seccomp", "builtin" | "default") => security.seccomp = SeccompChoice::Default,
            ("seccomp", "unconfined") => security.seccomp = SeccompChoice::Unconfined,
            ("seccomp", path) => {
                let profile = read(path).map_err(|error| {
                    client(format!("opening seccomp profile ({path}) failed: {error}"))
                })?;
                let profile: serde_json::Value =
                    serde_json::from_str(&profile).map_err(|error| {
                        client(format!(
                            "compacting json for seccomp profile ({path}) failed: {error}"
                        ))
                    })?;
                security.seccomp = SeccompChoice::Profile(profile.to_string());
            }
            ("no-new-privileges", value) => {
                security.no_new_privileges = number::boolean(value)
                    .map_err(|_| engine(format!("invalid --security-opt 2: {}", quote(text))))?;
            }
            ("systempaths", "unconfined") => security.unmask_paths = true,
            // Nothing to switch off where no such module confines containers.
            ("apparmor", "unconfined") | ("label", "disable") => {}
            ("apparmor" | "label" | "writable-cgroups", _) => {
                return Err(engine(format!("unsupported security option: {text}")));
            }
            _ => return Err(engine(format!("invalid --security-opt 2: {}", quote(text)))),
        }
    }
    Ok(security)
}

#[cfg(test)]
mod tests {
    use super::{Refusal, Security, options};
    use crate::cli::parse::Invalid;
    use crate::engine::request::SeccompChoice;

    fn parse(texts: &[&str]) -> Result<Security, Refusal> {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        options(&texts, |path| match path {
            "/p.json" => Ok("{ \"a\": 1 }".to_owned()),
            path => Err(format!("open {path}: no such file or directory")),
        })
    }

    #[test]
    fn options_add_up() {
        let security = parse(&[
            "seccomp=/p.json",
            "no-new-privileges:true",
            "systempaths=unconfined",
        ])
        .unwrap();
        assert_eq!(security.seccomp, SeccompChoice::Profile("{\"a\":1}".into()));
        assert!(security.no_new_privileges && security.unmask_paths);
        assert!(parse(&["no-new-privileges"]).unwrap().no_new_privileges);
        assert!(
            !parse(&["no-new-privileges=false"])
                .unwrap()
                .no_new_privileges
        );
    }

    #[test]
    fn refusals_have_dockers_texts() {
        let client = |text: &str| Refusal::Client(Invalid(text.into()));
        let engine = |text: &str| Refusal::Engine(Invalid(text.into()));
        for (text, refusal) in [
            ("bogus", client("Invalid --security-opt: \"bogus\"")),
            ("bogus=1", engine("invalid --security-opt 2: \"bogus=1\"")),
            (
                "no-new-privileges=x",
                engine("invalid --security-opt 2: \"no-new-privileges=x\""),
            ),
            (
                "seccomp=/nosuch.json",
                client(
                    "opening seccomp profile (/nosuch.json) failed: open /nosuch.json: no such file or directory",
                ),
            ),
            (
                "apparmor=mine",
                engine("unsupported security option: apparmor=mine"),
            ),
        ] {
            assert_eq!(parse(&[text]).unwrap_err(), refusal);
        }
    }
}
