//! `cp`.

use std::io::{self, IsTerminal};

use crate::cli::call::{Arity, Call, Spec};
use crate::cli::stop::{Outcome, Stop};
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
#[derive(Debug, PartialEq, Eq)]
enum End<'a> {
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
    for (end, what) in [(&line.source, "source"), (&line.destination, "destination")] {
        if end.is_empty() {
            return Err(Stop::failed(format!("{what} can not be empty")));
        }
    }
    let copied = match (end(&line.source), end(&line.destination)) {
        (End::Container(..), End::Container(..)) => {
            return Err(Stop::Failed(
                Failure::new("copying between containers is not supported")
                    .hint("by way of a tar: rbox cp ONE:PATH - | rbox cp - OTHER:DIRECTORY"),
            ));
        }
        (End::Container(container, from), End::Stream) => {
            let from = from_root(from);
            let mut out = io::stdout();
            call.engine()?
                .copy_tar_out(container, &from, &mut out, options)?;
            return Ok(0);
        }
        (End::Container(container, from), End::Host(to)) => {
            let from = from_root(from);
            call.engine()?.copy_out(container, &from, to, options)?
        }
        (End::Stream, End::Container(container, to)) => {
            let to = from_root(to);
            call.engine()?.copy_tar_in(io::stdin(), container, &to)?
        }
        (End::Host(from), End::Container(container, to)) => {
            let to = from_root(to);
            call.engine()?.copy_in(from, container, &to, options)?
        }
        _ => {
            return Err(Stop::failed("must specify at least one container source"));
        }
    };
    tell(&line, &copied);
    Ok(0)
}

/// Paths of a container are those of its root; nothing is the root itself.
fn from_root(path: &str) -> String {
    match path.starts_with('/') {
        true => path.to_owned(),
        false => format!("/{path}"),
    }
}

fn tell(line: &Cp, copied: &Copied) {
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
    if !line.quiet && io::stderr().is_terminal() {
        error::print_plain(&format!(
            "Successfully copied {} to {}",
            units::size(copied.bytes, 3),
            line.destination
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
