//! What the walk found, as a story to read and as values to use.
//!
//! The serialised form is that of `--format json`; its keys are stable.

use serde::Serialize;

use super::hook::Hook;
use super::packet::Transport;

/// One station of a packet.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Hop {
    /// `host`, or a container's name.
    pub node: String,
    /// What happens.
    pub kind: Kind,
    /// In words.
    pub text: String,
    /// Interface that it came in by.
    pub incoming: Option<String>,
    /// Interface that it goes out by.
    pub outgoing: Option<String>,
    /// Afterwards; without a port where that is any.
    pub source: String,
    /// Afterwards.
    pub destination: String,
    /// Rules that had something to say.
    pub rules: Vec<RuleLine>,
}

/// What happens at a station.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A name became an address.
    Name,
    /// The routing tables were asked.
    Route,
    /// The firewall was asked.
    Firewall,
    /// From one interface to another namespace's.
    Wire,
    /// Within a bridge.
    Bridge,
    /// A program takes it and sends on what is in it.
    Relay,
}

/// A rule that had something to say.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct RuleLine {
    /// The hook.
    pub hook: Hook,
    /// `inet`, `ip`, …
    pub family: String,
    /// Table.
    pub table: String,
    /// Chain.
    pub chain: String,
    /// The kernel's number, for `nft delete rule`; `None` for a chain's policy.
    pub handle: Option<u64>,
    /// In nft's words.
    pub rule: String,
    /// What it did: `accept`, `drop`, `dnat to 10.0.0.2:80`, …
    pub effect: String,
}

impl RuleLine {
    /// `inet rbox forward`.
    pub fn place(&self) -> String {
        format!("{} {} {}", self.family, self.table, self.chain)
    }
}

/// How it ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// At a namespace of this host.
    Arrives,
    /// By an interface that leads out of what can be looked at.
    Leaves,
    /// Without a word to the sender.
    Dropped,
    /// The sender is told.
    Rejected,
    /// There is no way, or nobody there.
    Unreachable,
    /// A program decides.
    Queued,
    /// A rule cannot be decoded, or asks for what is not known.
    CannotTell,
}

/// A path and its end.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Story {
    /// Who sends.
    pub from: String,
    /// To where, as asked.
    pub to: String,
    /// What is above IP.
    pub protocol: Transport,
    /// The stations, in order.
    pub hops: Vec<Hop>,
    /// How it ends.
    pub verdict: Verdict,
    /// The end in words.
    pub end: String,
    /// Where it arrived or left, and as whom: the far side sees this source.
    pub source: String,
    /// The destination at the end.
    pub destination: String,
    /// What comes back; `None` when nothing can.
    pub answers: Option<String>,
    /// Nobody listens where it arrives; `None` when that is not known.
    pub listening: Option<bool>,
    /// What the user can do.
    pub hint: Option<String>,
}

impl Story {
    /// The numbered hops and the end.
    pub fn text(&self) -> String {
        let mut text = format!("{} to {}, {}\n\n", self.from, self.to, self.protocol);
        let width = self.hops.iter().map(|hop| hop.node.len()).max();
        let width = width.unwrap_or(0);
        for (number, hop) in (1..).zip(&self.hops) {
            let node = &hop.node;
            text.push_str(&format!("{number:>3}  {node:width$}  {}\n", hop.text));
            for rule in &hop.rules {
                let indent = width + 9;
                text.push_str(&format!(
                    "{:indent$}{}: {}\n{:indent$}  {}\n",
                    "",
                    rule.place(),
                    rule.rule,
                    "",
                    rule.effect
                ));
            }
        }
        if !self.hops.is_empty() {
            text.push('\n');
        }
        if let Some(answers) = &self.answers {
            text.push_str(&format!("answers: {answers}\n"));
        }
        text.push_str(&self.end);
        text.push('\n');
        if let Some(hint) = &self.hint {
            text.push_str(&format!("hint: {hint}\n"));
        }
        text
    }

    /// The path in one line: interfaces, translations, the end.
    pub fn line(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        for hop in &self.hops {
            match hop.kind {
                Kind::Wire | Kind::Relay => parts.push(hop.text.clone()),
                Kind::Firewall => parts.extend(
                    hop.rules
                        .iter()
                        .filter(|rule| rule.effect.contains('→'))
                        .map(|rule| rule.effect.clone()),
                ),
                Kind::Route | Kind::Bridge | Kind::Name => {}
            }
        }
        parts.push(self.end.clone());
        parts.join("; ")
    }
}
