//! All set-up of the project in one program: `cargo xtask demo | test | images`.
//!
//! Nothing here ships. Each command checks what it needs first, says plainly what is missing,
//! and can be run again at any time.

mod images;
mod workspace;

use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask COMMAND

Commands:
  images   Assemble the test images (Alpine, Flask) into target/images
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", &[][..]),
    };
    let result = match (command, rest) {
        ("images", []) => images::ensure().map(|_| ExitCode::SUCCESS),
        ("help" | "--help" | "-h", _) => {
            print!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        _ => Err(anyhow::anyhow!(
            "unknown arguments: {}\n\n{USAGE}",
            arguments.join(" ")
        )),
    };
    result.unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        ExitCode::FAILURE
    })
}
