//! `doctor`: what of the machine rbox needs, has, or stumbles over. Only looks: nothing is
//! changed, made or mended, and most of it needs no root.

mod cgroups;
mod engines;
mod kernel;
mod network;
mod state;

use serde::Serialize;

use super::dirs::Dirs;

/// How it stands with one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Something does not work, or will not for long.
    Warning,
    /// No container starts, or none reaches the network.
    Problem,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What: `overlay`, `forwarding`.
    pub check: &'static str,
    /// How it stands.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

impl Finding {
    fn new(check: &'static str, verdict: Verdict, found: impl Into<String>) -> Finding {
        Finding {
            check,
            verdict,
            found: found.into(),
            advice: None,
        }
    }

    fn ok(check: &'static str, found: impl Into<String>) -> Finding {
        Finding::new(check, Verdict::Ok, found)
    }

    fn warning(check: &'static str, found: impl Into<String>, advice: &str) -> Finding {
        Finding::new(check, Verdict::Warning, found).advise(advice)
    }

    fn problem(check: &'static str, found: impl Into<String>, advice: &str) -> Finding {
        Finding::new(check, Verdict::Problem, found).advise(advice)
    }

    fn advise(mut self, advice: &str) -> Finding {
        self.advice = Some(advice.to_owned());
        self
    }
}

/// Looks at everything.
pub fn examine(dirs: &Dirs) -> Vec<Finding> {
    let root = rustix::process::geteuid().is_root();
    let mut findings = kernel::examine();
    findings.push(cgroups::examine());
    findings.extend(network::examine());
    findings.extend(engines::examine());
    findings.push(state::ids());
    findings.push(state::disk(&dirs.root));
    if root {
        findings.extend(network::firewalls());
        findings.push(state::leftovers(dirs));
    } else {
        findings.push(Finding::warning(
            "rights",
            "firewalls and what dead containers left were not looked at: only root may, \
             and only root runs containers",
            "sudo rbox doctor",
        ));
    }
    findings
}

/// A file of the kernel's, without the end of its line; `None` where there is none.
fn read(path: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    Some(text.trim_end().to_owned())
}
