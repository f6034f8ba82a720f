//! `cp`.

use std::io::{self, IsTerminal};

use crate::cli::call::{Arity, Call, Spec};
use crate::cli::stop::{Outcome, Stop};
use crate::engine::Engine;
use crate::engine::copy::{Copied, CopyOptions};
use crate::engine::failure::Failure;
use crate::output::{error, units};

/// `cp`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-",
    about: "Copy files/folders between a container and the local filesystem",
    arity: Arity::Exactly(2),
    interspersed: true,
    run,
    examples: "\
rbox cp app.conf web:/etc/app.conf
rbox cp web:/var/log/. ./logs
rbox cp web:/srv - | tar tf -
tar c conf | rbox cp - web:/etc
",
    ..Spec::of::<Cp>()
};

#[derive(clap::Parser)]
struct Cp {
    /// Archive mode (copy all uid/gid information)
    #[arg(short, long)]
    archive: bool,
    /// Always follow symbol link in SRC_PATH
    #[arg(short = 'L', long)]
    follow_link: bool,
    /// Suppress progress output during copy
    #[arg(short, long)]
    quiet: bool,
    #[arg(hide = true)]
    source: String,
    #[arg(hide = true)]
    destination: String,
}

/// One end of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End<'a> {
    /// `-`.
    Stream,
    /// A path of the host.
    Host(&'a str),
    /// A container and a path in it.
    Container(&'a str, &'a str),
}

/// Docker's rule: a colon after what cannot be a path's beginning.
fn end(text: &str) -> End<'_> {
    if text == "-" {
        return End::Stream;
    }
    match text.split_once(':') {
        Some((container, path)) if !text.starts_with(['/', '.']) => End::Container(container, path),
        _ => End::Host(text),
    }
}

fn run(call: &Call) -> Outcome {
    let line: Cp = call.parse()?;
    let options = CopyOptions {
        archive: line.archive,
        follow: line.follow_link,
    };
    let (from, to) = ends(&line.source, &line.destination)?;
    if let Some(copied) = copy(&call.engine()?, from, to, options)? {
        tell(&copied, &line.destination, line.quiet);
    }
    Ok(0)
}

/// Both ends, of which one is a container.
pub fn ends<'a>(source: &'a str, destination: &'a str) -> Result<(End<'a>, End<'a>), Stop> {
    for (end, what) in [(source, "source"), (destination, "destination")] {
        if end.is_empty() {
            return Err(Stop::failed(format!("{what} can not be empty")));
        }
    }
    let ends = (end(source), end(destination));
    match ends {
        (End::Container(..), End::Container(..)) => Err(Stop::Failed(
            Failure::new("copying between containers is not supported")
                .hint("by way of a tar: rbox cp ONE:PATH - | rbox cp - OTHER:DIRECTORY"),
        )),
        (End::Container(..), _) | (_, End::Container(..)) => Ok(ends),
        _ => Err(Stop::failed("must specify at least one container source")),
    }
}

/// Copies from one of [`ends`] to the other; nothing is told of a tar that goes to stdout.
pub fn copy(
    engine: &Engine,
    from: End<'_>,
    to: End<'_>,
    options: CopyOptions,
) -> Result<Option<Copied>, Failure> {
    let copied = match (from, to) {
        (End::Container(container, from), End::Host(to)) => {
            engine.copy_out(container, &from_root(from), to, options)?
        }
        (End::Container(container, from), _) => {
            let mut out = io::stdout();
            engine.copy_tar_out(container, &from_root(from), &mut out, options)?;
            return Ok(None);
        }
        (End::Stream, End::Container(container, to)) => {
            engine.copy_tar_in(io::stdin(), container, &from_root(to))?
        }
        (End::Host(from), End::Container(container, to)) => {
            engine.copy_in(from, container, &from_root(to), options)?
        }
        _ => return Ok(None),
    };
    Ok(Some(copied))
}

/// Paths of a container are those of its root; nothing is the root itself.
fn from_root(path: &str) -> String {
    match path.starts_with('/') {
        true => path.to_owned(),
        false => format!("/{path}"),
    }
}

/// What was left out, and on a terminal what was copied.
pub fn tell(copied: &Copied, destination: &str, quiet: bool) {
    let placed = &copied.placed;
    if placed.left_out_count > 0 {
        let more = match placed.left_out_count > placed.left_out.len() as u64 {
            true => ", …",
            false => "",
        };
        error::warn(
            &Failure::new(format!(
                "{} devices were left out: {}{more}",
                placed.left_out_count,
                placed.left_out.join(", ")
            ))
            .hint("a tar has them: rbox cp CONTAINER:PATH -"),
        );
    }
    if !quiet && io::stderr().is_terminal() {
        error::print_plain(&format!(
            "Successfully copied {} to {}",
            units::size(copied.bytes, 3),
            destination
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::{End, end, from_root};

    #[test]
    fn a_colon_makes_a_container_unless_a_path_begins() {
        for (text, expected) in [
            ("web:/etc", End::Container("web", "/etc")),
            ("web:etc", End::Container("web", "etc")),
            ("/a:b", End::Host("/a:b")),
            ("./a:b", End::Host("./a:b")),
            ("file", End::Host("file")),
            ("-", End::Stream),
        ] {
            assert_eq!(end(text), expected);
        }
        assert_eq!(from_root("etc"), "/etc");
        assert_eq!(from_root(""), "/");
    }
}
