//! What the stories stand on: a host to itself for every test, images, and the
//! check that nothing is left behind.

pub mod dns;
mod host;
mod images;
mod inside;
mod leak;
mod neighbour;
mod output;
mod tar;
mod terminal;
mod wait;
mod who;

pub use images::archive;
pub use host::Host;
pub use inside::{ask, ask_udp, inside};
pub use neighbour::{HOST_ADDRESS, Neighbour};
pub use output::Output;
pub use tar::Tar;
pub use terminal::Terminal;
pub use wait::{eventually, wait_until};

/// Notes that a test cannot run here, and why; the test then returns.
pub fn skip(test: &str, reason: &str) {
    use std::io::Write;
    let line = format!("SKIPPED {test}: {reason}");
    eprintln!("{line}");
    if let Some(path) = std::env::var_os("RBOX_SKIPS") {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
        let _ = file.and_then(|mut file| writeln!(file, "{line}"));
    }
}
