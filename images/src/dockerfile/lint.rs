//! What is no error but should be told; rules and texts are those of `docker build --check`.

use super::ast::{Command, Dockerfile, Instruction, Lines, Located};
use super::directive::Check;
use super::error::{DockerfileError, Problem};
use super::from::From;
use super::source::Statement;
use super::words;

/// Stage names that mean something else.
const RESERVED: [&str; 2] = ["context", "scratch"];

/// Warnings as they are found.
#[derive(Default)]
pub(super) struct Lint {
    found: Vec<Located<String>>,
    /// Keywords as they were written.
    keywords: Vec<(String, Lines)>,
}

impl Lint {
    fn add(&mut self, lines: &Lines, rule: &str, text: String) {
        self.found.push(Located {
            value: text,
            lines: lines.clone(),
            text: rule.to_owned(),
        });
    }

    /// Of any instruction.
    pub(super) fn statement(&mut self, statement: &Statement) {
        let (keyword, _) = words::keyword(&statement.text);
        self.keywords
            .push((keyword.to_owned(), statement.lines.clone()));
        if let Some(line) = statement.blank_line {
            let text = "Empty continuation line".to_owned();
            self.add(&(line..=line), "NoEmptyContinuation", text);
        }
    }

    /// Of a `FROM`.
    pub(super) fn from(&mut self, from: &From, keyword: &str, lines: &Lines) {
        if let Some((word, name)) = &from.name {
            let capital = |word: &str| word.chars().all(|c| c.is_ascii_uppercase());
            if capital(word) != capital(keyword) {
                let text = format!("'{word}' and '{keyword}' keywords' casing do not match");
                self.add(lines, "FromAsCasing", text);
            }
            if name.chars().any(|c| c.is_ascii_uppercase()) {
                let text = format!("Stage name '{name}' should be lowercase");
                self.add(lines, "StageNameCasing", text);
            }
            if RESERVED
                .iter()
                .any(|reserved| name.eq_ignore_ascii_case(reserved))
            {
                let text =
                    format!("Stage name should not use the same name as reserved stage {name:?}");
                self.add(lines, "ReservedStageName", text);
            }
        }
        match from.platform.as_deref() {
            Some("$TARGETPLATFORM" | "${TARGETPLATFORM}") => {
                let text = "Setting platform to predefined $TARGETPLATFORM in FROM is redundant \
                            as this is the default behavior";
                self.add(lines, "RedundantTargetPlatform", text.to_owned());
            }
            Some(platform) if !platform.contains('$') => {
                let text =
                    format!("FROM --platform flag should not use constant value {platform:?}");
                self.add(lines, "FromPlatformFlagConstDisallowed", text);
            }
            _ => {}
        }
    }

    /// Of another instruction.
    pub(super) fn instruction(&mut self, instruction: &Instruction, statement: &Statement) {
        let lines = &statement.lines;
        let (keyword, rest) = words::keyword(&statement.text);
        let keyword = keyword.to_ascii_uppercase();
        match instruction {
            Instruction::Maintainer(_) => {
                let text = "Maintainer instruction is deprecated in favor of using label";
                self.add(lines, "MaintainerDeprecated", text.to_owned());
            }
            Instruction::Env(_) | Instruction::Label(_)
                if !words::plain(rest)
                    .first()
                    .is_some_and(|word| word.contains('=')) =>
            {
                let text = format!(
                    "\"{keyword} key=value\" should be used instead of legacy \
                     \"{keyword} key value\" format"
                );
                self.add(lines, "LegacyKeyValueFormat", text);
            }
            Instruction::Cmd(Command::Shell(_)) | Instruction::Entrypoint(Command::Shell(_)) => {
                let text = format!(
                    "JSON arguments recommended for {keyword} to prevent unintended behavior \
                     related to OS signals"
                );
                self.add(lines, "JSONArgsRecommended", text);
            }
            _ => {}
        }
    }

    /// What only the whole file shows; the warnings that are wanted, in the order of their lines.
    pub(super) fn finish(
        mut self,
        file: &Dockerfile,
        check: &Check,
    ) -> Result<Vec<Located<String>>, DockerfileError> {
        self.casing();
        self.repeated(file);
        let skip = |rule: &str| {
            check
                .skip
                .iter()
                .any(|s| s == "all" || s.eq_ignore_ascii_case(rule))
        };
        self.found.retain(|warning| !skip(&warning.text));
        self.found.sort_by_key(|warning| *warning.lines.start());
        match self.found.first() {
            Some(first) if check.error => {
                let mut rules: Vec<&str> = self.found.iter().map(|w| w.text.as_str()).collect();
                rules.sort_unstable();
                rules.dedup();
                Err(Problem::Lint(rules.join(", ")).at(&first.lines))
            }
            _ => Ok(self.found.into_iter().map(named).collect()),
        }
    }

    /// Keywords that are not written as most are.
    fn casing(&mut self) {
        let is_lower = |word: &str| word.chars().all(|c| c.is_ascii_lowercase());
        let is_upper = |word: &str| word.chars().all(|c| c.is_ascii_uppercase());
        let keywords = std::mem::take(&mut self.keywords);
        let lower = keywords.iter().filter(|(word, _)| is_lower(word)).count();
        let upper = keywords.iter().filter(|(word, _)| is_upper(word)).count();
        let majority = if lower > upper {
            "lowercase"
        } else {
            "uppercase"
        };
        for (word, lines) in keywords {
            let same = if lower > upper {
                is_lower(&word)
            } else {
                is_upper(&word)
            };
            if !same {
                let text = format!(
                    "Command '{word}' should match the case of the command majority ({majority})"
                );
                self.add(&lines, "ConsistentInstructionCasing", text);
            }
        }
    }

    /// Stages of the same name; instructions of which only the last counts.
    fn repeated(&mut self, file: &Dockerfile) {
        let mut names: Vec<&str> = Vec::new();
        for stage in &file.stages {
            if let Some(name) = &stage.name {
                if names.contains(&name.as_str()) {
                    let text =
                        format!("Duplicate stage name {name:?}, stage names should be unique");
                    self.add(&stage.lines, "DuplicateStageName", text);
                }
                names.push(name);
            }
            for (keyword, is_it) in ONCE {
                let mut all: Vec<_> = stage
                    .instructions
                    .iter()
                    .filter(|i| is_it(&i.value))
                    .collect();
                all.pop();
                for instruction in all {
                    let text = format!(
                        "Multiple {keyword} instructions should not be used in the same stage \
                         because only the last one will be used"
                    );
                    self.add(&instruction.lines, "MultipleInstructionsDisallowed", text);
                }
            }
        }
    }
}

/// Instructions of which only the last of a stage counts.
type IsIt = fn(&Instruction) -> bool;
const ONCE: [(&str, IsIt); 3] = [
    ("CMD", |instruction| {
        matches!(instruction, Instruction::Cmd(_))
    }),
    ("ENTRYPOINT", |instruction| {
        matches!(instruction, Instruction::Entrypoint(_))
    }),
    ("HEALTHCHECK", |instruction| {
        matches!(instruction, Instruction::Healthcheck(_))
    }),
];

/// `Rule: text`.
fn named(warning: Located<String>) -> Located<String> {
    Located {
        value: format!("{}: {}", warning.text, warning.value),
        ..warning
    }
}
