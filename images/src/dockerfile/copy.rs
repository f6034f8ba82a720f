//! `COPY` and `ADD`.

use super::ast::{Add, Copy};
use super::error::Problem;
use super::flags::{Checked, Takes};
use super::heredoc::Opening;
use super::instruction::Request;
use super::words;

const BOTH: [(&str, Takes); 4] = [
    ("chown", Takes::Text),
    ("chmod", Takes::Text),
    ("link", Takes::Boolean),
    ("exclude", Takes::Texts),
];

const COPY: [(&str, Takes); 2] = [("from", Takes::Text), ("parents", Takes::Boolean)];

const ADD: [(&str, Takes); 3] = [
    ("checksum", Takes::Text),
    ("keep-git-dir", Takes::Boolean),
    ("unpack", Takes::Boolean),
];

pub(super) fn copy(request: Request) -> Result<Copy, Problem> {
    let known = [BOTH.as_slice(), COPY.as_slice()].concat();
    Ok(parse(request, &known)?.0)
}

pub(super) fn add(request: Request) -> Result<Add, Problem> {
    let known = [BOTH.as_slice(), ADD.as_slice()].concat();
    let (copy, flags) = parse(request, &known)?;
    Ok(Add {
        copy,
        checksum: flags.text("checksum"),
        unpack: flags.boolean("unpack"),
        keep_git_dir: flags.boolean("keep-git-dir").unwrap_or_default(),
    })
}

fn parse(request: Request, known: &[(&'static str, Takes)]) -> Result<(Copy, Checked), Problem> {
    let keyword = request.keyword;
    let mut sources = words::list(request.rest)?;
    let destination = match sources.pop() {
        Some(destination) if !sources.is_empty() => destination,
        _ => return Err(Problem::NoDestination(keyword)),
    };
    let flags = request.flags.check(known)?;
    if Opening::parse(&destination).is_some() {
        return Err(Problem::Heredoc(keyword, "a destination".to_owned()));
    }
    // The JSON form has no heredocs: there such a word is a file's name.
    if !request.heredocs.is_empty() {
        sources.retain(|source| Opening::parse(source).is_none());
    }
    for heredoc in request.heredocs {
        if heredoc.name.contains('/') || matches!(heredoc.name.as_str(), "." | "..") {
            let what = format!("a file named {:?}", heredoc.name);
            return Err(Problem::Heredoc(keyword, what));
        }
    }
    let copy = Copy {
        sources,
        heredocs: request.heredocs.to_vec(),
        destination,
        from: flags.text("from"),
        chown: flags.text("chown"),
        chmod: flags.text("chmod"),
        link: flags.boolean("link").unwrap_or_default(),
        parents: flags.boolean("parents").unwrap_or_default(),
        excludes: flags.texts("exclude"),
    };
    Ok((copy, flags))
}
