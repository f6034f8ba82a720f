//! The logs of several containers at once, a thread each.

use std::thread;

use super::session::Session;
use crate::compose::ProjectContainer;
use crate::engine::Engine;
use crate::engine::failure::Failure;
use crate::engine::logs::{LogOptions, LogStream};
use crate::output::compose::colour::Ansi;
use crate::output::compose::logs::{Lines, Stream, Writer};
use crate::output::error;

/// A container whose output is shown.
#[derive(Clone, Debug)]
pub struct Followed {
    /// Full id.
    pub id: String,
    /// Before its lines: `web-1`.
    pub name: String,
}

impl Followed {
    /// As the session calls it.
    pub fn of(session: &Session, container: &ProjectContainer) -> Followed {
        Followed {
            id: container.id().to_owned(),
            name: session.short_name(container).to_owned(),
        }
    }
}

/// Who writes for `all`, whose numbers hold; the column of names is as wide as those of `shown`.
pub fn writer_of(all: &[Followed], shown: &[&Followed], ansi: Ansi, prefixed: bool) -> Writer {
    let names: Vec<String> = all.iter().map(|one| one.name.clone()).collect();
    let widths = shown.iter().map(|one| one.name.chars().count());
    Writer::new(&names, widths.max().unwrap_or_default(), ansi, prefixed)
}

/// Who writes for all of them.
fn writer(followed: &[Followed], ansi: Ansi, prefixed: bool) -> Writer {
    let all: Vec<&Followed> = followed.iter().collect();
    writer_of(followed, &all, ansi, prefixed)
}

/// Writes the logs; returns when there is no more, or no more can come. One without a log that
/// can be read is told, and does not stop the others.
pub fn follow(
    engine: &Engine,
    followed: &[Followed],
    options: &LogOptions,
    ansi: Ansi,
    prefixed: bool,
) -> Result<(), Failure> {
    let writer = writer(followed, ansi, prefixed);
    if !options.follow {
        for (index, one) in followed.iter().enumerate() {
            report(one, copy(engine, one, options, &writer, index));
        }
        return Ok(());
    }
    thread::scope(|scope| {
        for (index, one) in followed.iter().enumerate() {
            let writer = &writer;
            scope.spawn(move || report(one, copy(engine, one, options, writer, index)));
        }
    });
    Ok(())
}

/// Writes what one container writes for as long as it runs, from its log, or where it keeps none
/// from its streams themselves.
pub fn stay(
    engine: &Engine,
    one: &Followed,
    options: &LogOptions,
    writer: &Writer,
    index: usize,
) -> Result<(), Failure> {
    if engine.keeps_log(&one.id)? {
        return copy(engine, one, options, writer, index);
    }
    let (mut out, mut err) = (Lines::default(), Lines::default());
    let result = engine.attach_output(&one.id, &mut |stream, text| match stream {
        LogStream::Stdout => writer.write(index, Stream::Out, &mut out, text),
        LogStream::Stderr => writer.write(index, Stream::Err, &mut err, text),
    });
    writer.rest(index, Stream::Out, &mut out);
    writer.rest(index, Stream::Err, &mut err);
    result
}

/// Writes the log of one container, which has that number among the writer's names.
pub fn copy(
    engine: &Engine,
    one: &Followed,
    options: &LogOptions,
    writer: &Writer,
    index: usize,
) -> Result<(), Failure> {
    let (mut out, mut err) = (Lines::default(), Lines::default());
    let result = engine.logs(&one.id, options, &mut |stream, text| match stream {
        LogStream::Stdout => writer.write(index, Stream::Out, &mut out, text),
        LogStream::Stderr => writer.write(index, Stream::Err, &mut err, text),
    });
    writer.rest(index, Stream::Out, &mut out);
    writer.rest(index, Stream::Err, &mut err);
    result
}

fn report(one: &Followed, result: Result<(), Failure>) {
    if let Err(failure) = result {
        let message = format!("{}: {}", one.name, failure.message);
        error::print(&Failure { message, ..failure });
    }
}
