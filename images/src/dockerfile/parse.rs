//! A whole file, and a single trigger.

use super::ast::{Dockerfile, Instruction, Located, Stage};
use super::directive::Directives;
use super::error::{DockerfileError, Problem};
use super::heredoc;
use super::instruction::{self, Parsed};
use super::lint::Lint;
use super::source::{Source, Statement};

/// The largest Dockerfile, bytes.
pub const LARGEST: usize = 4 << 20;

impl Dockerfile {
    /// Understands a Dockerfile.
    ///
    /// The syntax is that of <https://docs.docker.com/reference/dockerfile/>.
    ///
    /// # Errors
    /// The first thing that is wrong, with its lines.
    pub fn parse(text: &[u8]) -> Result<Dockerfile, DockerfileError> {
        if text.is_empty() {
            return Err(DockerfileError::Empty);
        }
        if text.len() > LARGEST {
            return Err(DockerfileError::TooLarge(text.len()));
        }
        let mut source = Source::new(text);
        let mut directives = Directives::default();
        let mut lint = Lint::default();
        let mut file = Dockerfile {
            global_args: Vec::new(),
            stages: Vec::new(),
            escape: directives.escape,
            warnings: Vec::new(),
        };
        while let Some(statement) = source.next_statement(&mut directives)? {
            file.add(&statement, directives.escape, &mut lint)
                .map_err(|problem| problem.at(&statement.lines))?;
        }
        if file.stages.is_empty() {
            // As Docker: only arguments are no build.
            return Err(match file.global_args.last() {
                None => DockerfileError::NoInstructions,
                Some(arg) => Problem::NoStage.at(&arg.lines),
            });
        }
        file.escape = directives.escape;
        file.warnings = lint.finish(&file, &directives.check)?;
        Ok(file)
    }

    fn add(&mut self, statement: &Statement, escape: char, lint: &mut Lint) -> Result<(), Problem> {
        let parsed = instruction::parse(statement, escape)?;
        lint.statement(statement);
        match (parsed, self.stages.last_mut()) {
            (Parsed::From(from), _) => {
                let (keyword, _) = super::words::keyword(&statement.text);
                lint.from(&from, keyword, &statement.lines);
                self.stages.push(Stage {
                    name: from.name.map(|(_, name)| name.to_ascii_lowercase()),
                    base: from.base,
                    platform: from.platform,
                    lines: statement.lines.clone(),
                    text: shown(statement),
                    instructions: Vec::new(),
                });
            }
            (Parsed::Instruction(Instruction::Arg(args)), None) => {
                self.global_args.push(located(args, statement));
            }
            (Parsed::Instruction(_), None) => return Err(Problem::NoStage),
            (Parsed::Instruction(instruction), Some(stage)) => {
                lint.instruction(&instruction, statement);
                stage.instructions.push(located(instruction, statement));
            }
        }
        Ok(())
    }
}

/// Understands the text of one instruction: an `ONBUILD` trigger of an image. Lines are counted in
/// the text.
///
/// # Errors
/// As [`Dockerfile::parse`]; also when there are several instructions, or none.
pub fn parse_instruction(text: &str) -> Result<Located<Instruction>, DockerfileError> {
    if text.len() > LARGEST {
        return Err(DockerfileError::TooLarge(text.len()));
    }
    let mut source = Source::new(text.as_bytes());
    let mut directives = Directives::default();
    let first = source.next_statement(&mut directives)?;
    let statement = first.ok_or(DockerfileError::NoInstructions)?;
    let wrong = |problem: Problem| problem.at(&statement.lines);
    let parsed = instruction::parse(&statement, directives.escape).map_err(wrong)?;
    if source.next_statement(&mut directives)?.is_some() {
        return Err(wrong(Problem::SeveralTriggers));
    }
    match parsed {
        Parsed::From(_) => Err(wrong(Problem::Trigger("FROM".to_owned()))),
        Parsed::Instruction(Instruction::OnBuild(_)) => Err(wrong(Problem::ChainedTrigger)),
        Parsed::Instruction(instruction) => Ok(located(instruction, &statement)),
    }
}

fn located<T>(value: T, statement: &Statement) -> Located<T> {
    Located {
        value,
        lines: statement.lines.clone(),
        text: shown(statement),
    }
}

/// The keyword in capitals; of the heredocs of a `RUN` the first line.
fn shown(statement: &Statement) -> String {
    let (keyword, rest) = super::words::keyword(&statement.text);
    let mut text = format!("{} {rest}", keyword.to_ascii_uppercase());
    if text.starts_with("RUN ") {
        for heredoc in &statement.heredocs {
            text.push_str(&format!(" ({})", heredoc::summary(heredoc)));
        }
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests;
