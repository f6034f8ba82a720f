//! `capture`.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use rbox_netsetup::capture::{Interface, Packet, Writer, summary};
use rbox_netsetup::model::printable::printable;

use super::call::{Arity, Call, Spec};
use super::parse::{Invalid, number, time};
use super::stop::{Outcome, Stop};
use crate::engine::capture::{self, Limits, RunError, Sink, Stopped};
use crate::engine::failure::Failure;
use crate::output::error;

/// `capture`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] CONTAINER|NETWORK",
    about: "Show or record the packets of a container or a network",
    arity: Arity::Exactly(1),
    interspersed: true,
    run,
    examples: "\
rbox capture web
rbox capture -c 20 --for 10s web  # 20 packets or 10 seconds
rbox capture -w web.pcapng web  # for wireshark
rbox capture lan  # all of a network
",
    ..Spec::of::<Capture>()
};

#[derive(clap::Parser)]
struct Capture {
    /// Stop after this many packets
    #[arg(short, long, value_name = "int", value_parser = number::integer)]
    count: Option<i64>,
    /// Stop after this long ("10s", "1m30s")
    #[arg(long = "for", value_name = "duration", value_parser = positive)]
    duration: Option<Duration>,
    /// Interface instead of all of a container's, or port instead of a network's bridge
    #[arg(short, long, value_name = "list")]
    interface: Vec<String>,
    /// Bytes of each packet to keep (default 262144)
    #[arg(short, long, value_name = "int", value_parser = number::integer)]
    snaplen: Option<i64>,
    /// File to write in pcapng format, '-' for stdout, instead of a line for each packet
    #[arg(short, long, value_name = "string")]
    write: Option<String>,
    #[arg(hide = true)]
    target: String,
}

/// As tcpdump's: more than any packet has.
const WHOLE: u32 = 262_144;

/// 128 + SIGPIPE.
const BROKEN_PIPE: u8 = 141;

fn positive(text: &str) -> Result<Duration, Invalid> {
    let nanoseconds = time::duration(text)
        .ok_or_else(|| Invalid(format!("invalid duration {text:?}: try 10s or 1m30s")))?;
    match u64::try_from(nanoseconds) {
        Ok(nanoseconds @ 1..) => Ok(Duration::from_nanos(nanoseconds)),
        _ => Err(Invalid(format!(
            "invalid duration {text:?}: must be positive"
        ))),
    }
}

fn run(call: &Call) -> Outcome {
    let line: Capture = call.parse()?;
    let count = match line.count.map(u64::try_from) {
        None => None,
        Some(Ok(count @ 1..)) => Some(count),
        Some(_) => return Err(Stop::failed("invalid count: must be at least 1")),
    };
    let snap_length = match line.snaplen.map(u32::try_from) {
        None | Some(Ok(0)) => WHOLE,
        Some(Ok(length)) if length <= WHOLE => length,
        Some(_) => {
            return Err(Stop::failed(format!(
                "invalid snaplen: must be between 0 and {WHOLE}"
            )));
        }
    };
    if line.write.as_deref() == Some("-") && io::stdout().is_terminal() {
        return Err(Stop::Failed(
            Failure::new("packets are not written to a terminal")
                .hint("redirect stdout, name a file, or leave -w out to read them"),
        ));
    }
    let capture = call.engine()?.capture(&line.target, &line.interface)?;
    let interfaces = capture.interfaces();
    let mut sink: Box<dyn Recorder> = match &line.write {
        Some(path) => Box::new(Recording::begin(
            path,
            &interfaces,
            snap_length,
            &capture.subject,
        )?),
        None => Box::new(Lines::new(&interfaces, snap_length)),
    };
    let names: Vec<String> = interfaces.iter().map(|i| printable(&i.name)).collect();
    let subject = printable(&capture.subject);
    let begun = || error::print_plain(&format!("capturing on {} of {subject}", names.join(", ")));
    let limits = Limits {
        time: line.duration,
        count,
    };
    let outcome = match capture.run(&limits, sink.sink(), &begun) {
        Ok(outcome) => outcome,
        Err(RunError::Failed(failure)) => return Err(failure.into()),
        // As any program whose reader went away.
        Err(RunError::Sink(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            return Ok(BROKEN_PIPE);
        }
        Err(RunError::Sink(error)) => {
            let place = line.write.as_deref().unwrap_or("stdout");
            return Err(Stop::failed(format!("write {place}: {error}")));
        }
    };
    let closed = sink.end(&outcome);
    if outcome.stopped == Stopped::Ended {
        error::print_plain(&format!("{subject} has ended"));
    }
    let sum = |of: fn(&rbox_netsetup::capture::Statistics) -> u64| -> u64 {
        outcome.statistics.iter().map(of).sum()
    };
    error::print_plain(&format!(
        "{} packets, {} dropped by the kernel",
        sum(|statistics| statistics.delivered),
        sum(|statistics| statistics.dropped)
    ));
    closed.map_err(|error| {
        let place = line.write.as_deref().unwrap_or("stdout");
        Stop::failed(format!("write {place}: {error}"))
    })?;
    Ok(0)
}

/// A sink that has an end.
trait Recorder: Sink {
    fn sink(&mut self) -> &mut dyn Sink;

    fn end(&mut self, outcome: &capture::Outcome) -> io::Result<()>;
}

/// A pcapng file.
struct Recording {
    file: File,
    writer: Writer,
    snap_length: u32,
}

impl Recording {
    fn begin(
        path: &str,
        interfaces: &[Interface],
        snap_length: u32,
        subject: &str,
    ) -> Result<Recording, Stop> {
        let file = if path == "-" {
            use std::os::fd::AsFd;
            io::stdout().as_fd().try_clone_to_owned().map(File::from)
        } else {
            File::create(path)
        };
        let failed = |error: io::Error| Stop::failed(format!("write {path}: {error}"));
        let mut recording = Recording {
            file: file.map_err(failed)?,
            writer: Writer::default(),
            snap_length,
        };
        recording.writer.begin(interfaces, snap_length, subject);
        recording.flush().map_err(failed)?;
        Ok(recording)
    }
}

impl Sink for Recording {
    fn packet(&mut self, interface: usize, packet: &Packet<'_>) {
        let interface = u32::try_from(interface).unwrap_or(u32::MAX);
        self.writer.packet(interface, packet, self.snap_length);
    }

    /// Whole blocks only: whoever kills us leaves a file that can be read.
    fn flush(&mut self) -> io::Result<()> {
        let result = self.file.write_all(&self.writer.buffer);
        self.writer.buffer.clear();
        result
    }
}

impl Recorder for Recording {
    fn sink(&mut self) -> &mut dyn Sink {
        self
    }

    fn end(&mut self, outcome: &capture::Outcome) -> io::Result<()> {
        for (number, statistics) in (0u32..).zip(&outcome.statistics) {
            self.writer
                .statistics(number, outcome.started, outcome.ended, statistics);
        }
        self.flush()
    }
}

/// A line for each packet.
struct Lines {
    interfaces: Vec<Interface>,
    /// Columns of the longest interface's name.
    width: usize,
    snap_length: usize,
    text: String,
}

impl Lines {
    fn new(interfaces: &[Interface], snap_length: u32) -> Lines {
        Lines {
            interfaces: interfaces.to_vec(),
            width: interfaces.iter().map(|i| i.name.len()).max().unwrap_or(0),
            snap_length: usize::try_from(snap_length).unwrap_or(usize::MAX),
            text: String::new(),
        }
    }
}

impl Sink for Lines {
    fn packet(&mut self, interface: usize, packet: &Packet<'_>) {
        let Some(interface) = self.interfaces.get(interface) else {
            return;
        };
        let seen = Packet {
            bytes: packet.bytes.get(..self.snap_length).unwrap_or(packet.bytes),
            ..*packet
        };
        let name = format!("{:<width$}", interface.name, width = self.width);
        self.text
            .push_str(&summary(&name, interface.link_type, &seen));
        self.text.push('\n');
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = io::stdout().lock().write_all(self.text.as_bytes());
        self.text.clear();
        result.and_then(|()| io::stdout().flush())
    }
}

impl Recorder for Lines {
    fn sink(&mut self) -> &mut dyn Sink {
        self
    }

    fn end(&mut self, _: &capture::Outcome) -> io::Result<()> {
        Ok(())
    }
}
