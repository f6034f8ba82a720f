//! One instruction: its keyword, and what may stand after it.

use super::ast::{ArgDeclaration, Command, Heredoc, Instruction};
use super::error::Problem;
use super::flags::Flags;
use super::source::Statement;
use super::{copy, from, healthcheck, run, suggest, words};

/// All there are.
pub(super) const KEYWORDS: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// An instruction taken apart.
pub(super) struct Request<'a> {
    pub(super) keyword: &'static str,
    pub(super) flags: Flags,
    /// What follows the flags.
    pub(super) rest: &'a str,
    pub(super) heredocs: &'a [Heredoc],
    pub(super) escape: char,
}

/// What an instruction is.
pub(super) enum Parsed {
    From(from::From),
    Instruction(Instruction),
}

/// The keyword in capitals and the rest of the line.
pub(super) fn keyword(text: &str) -> Result<(&'static str, &str), Problem> {
    let (written, rest) = words::keyword(text);
    let known = KEYWORDS
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(written));
    match known {
        Some(keyword) => Ok((keyword, rest)),
        None => Err(Problem::Unknown {
            name: written.to_owned(),
            nearest: suggest::nearest(written, &KEYWORDS).map(str::to_owned),
        }),
    }
}

pub(super) fn parse(statement: &Statement, escape: char) -> Result<Parsed, Problem> {
    parse_text(&statement.text, &statement.heredocs, escape)
}

fn parse_text(text: &str, heredocs: &[Heredoc], escape: char) -> Result<Parsed, Problem> {
    let (keyword, rest) = keyword(text)?;
    let (flags, rest) = Flags::split(rest, escape);
    let request = Request {
        keyword,
        flags,
        rest,
        heredocs,
        escape,
    };
    if keyword == "FROM" {
        return from::parse(request).map(Parsed::From);
    }
    instruction(request).map(Parsed::Instruction)
}

fn instruction(request: Request) -> Result<Instruction, Problem> {
    match request.keyword {
        "ADD" => return copy::add(request).map(Instruction::Add),
        "COPY" => return copy::copy(request).map(Instruction::Copy),
        "RUN" => return run::run(request).map(Instruction::Run),
        "HEALTHCHECK" => return healthcheck::parse(request).map(Instruction::Healthcheck),
        _ => {}
    }
    let Request {
        keyword,
        flags,
        rest,
        heredocs,
        escape,
    } = request;
    flags.check(&[])?;
    match keyword {
        "ARG" => arg(rest, escape).map(Instruction::Arg),
        "CMD" => command(rest).map(Instruction::Cmd),
        "ENTRYPOINT" => command(rest).map(Instruction::Entrypoint),
        "ENV" => Ok(Instruction::Env(words::pairs("ENV", rest, escape)?.0)),
        "LABEL" => Ok(Instruction::Label(words::pairs("LABEL", rest, escape)?.0)),
        "EXPOSE" => some("EXPOSE", words::plain(rest)).map(Instruction::Expose),
        "VOLUME" => volume(rest).map(Instruction::Volume),
        "SHELL" => shell(rest).map(Instruction::Shell),
        "ONBUILD" => on_build(rest, heredocs, escape).map(Instruction::OnBuild),
        "USER" => one("USER", rest).map(Instruction::User),
        "WORKDIR" => one("WORKDIR", rest).map(Instruction::Workdir),
        "STOPSIGNAL" => one("STOPSIGNAL", rest).map(Instruction::StopSignal),
        _ => one("MAINTAINER", rest).map(Instruction::Maintainer),
    }
}

fn one(keyword: &'static str, rest: &str) -> Result<String, Problem> {
    match rest {
        "" => Err(Problem::OneArgument(keyword)),
        rest => Ok(rest.to_owned()),
    }
}

fn some(keyword: &'static str, list: Vec<String>) -> Result<Vec<String>, Problem> {
    match list.is_empty() {
        true => Err(Problem::NoArgument(keyword)),
        false => Ok(list),
    }
}

/// The JSON form, or the rest of the line for the shell. Nothing at all is an empty command.
pub(super) fn command(rest: &str) -> Result<Command, Problem> {
    Ok(match words::json(rest)? {
        Some(words) => Command::Exec(words),
        None if rest.is_empty() => Command::Exec(Vec::new()),
        None => Command::Shell(rest.to_owned()),
    })
}

fn arg(rest: &str, escape: char) -> Result<Vec<ArgDeclaration>, Problem> {
    let declaration = |word: String| match word.split_once('=') {
        Some(("", _)) => Err(Problem::BlankName("ARG")),
        Some((name, default)) => Ok(ArgDeclaration {
            name: name.to_owned(),
            default: Some(default.to_owned()),
        }),
        None => Ok(ArgDeclaration {
            name: word,
            default: None,
        }),
    };
    let words = some("ARG", words::quoted(rest, escape))?;
    words.into_iter().map(declaration).collect()
}

fn volume(rest: &str) -> Result<Vec<String>, Problem> {
    let trimmed = |path: String| match path.trim() {
        "" => Err(Problem::BlankVolume),
        path => Ok(path.to_owned()),
    };
    let paths = some("VOLUME", words::list(rest)?)?;
    paths.into_iter().map(trimmed).collect()
}

fn shell(rest: &str) -> Result<Vec<String>, Problem> {
    match words::json(rest)? {
        Some(words) => some("SHELL", words),
        None if rest.is_empty() => Err(Problem::NoArgument("SHELL")),
        None => Err(Problem::NotJson("SHELL")),
    }
}

/// The trigger's text with its heredocs, once it is known to be an instruction.
fn on_build(rest: &str, heredocs: &[Heredoc], escape: char) -> Result<String, Problem> {
    if rest.is_empty() {
        return Err(Problem::NoArgument("ONBUILD"));
    }
    match keyword(rest)?.0 {
        "ONBUILD" => return Err(Problem::ChainedTrigger),
        trigger @ ("FROM" | "MAINTAINER") => return Err(Problem::Trigger(trigger.to_owned())),
        _ => parse_text(rest, heredocs, escape)?,
    };
    let mut text = rest.to_owned();
    for heredoc in heredocs {
        text.extend(["\n", &heredoc.content, &heredoc.name]);
    }
    Ok(text)
}
