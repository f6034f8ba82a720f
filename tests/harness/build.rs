//! Builds.

use std::io::Write as _;
use std::process::Stdio;

use super::host::Host;
use super::output::Output;

impl Host {
    /// The directory that [`Host::build`] builds in; `host.write("context/a.txt", …)` puts a file
    /// there.
    pub fn context(&self) -> String {
        let path = self.scratch().join("context");
        std::fs::create_dir_all(&path).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// `build OPTIONS CONTEXT` with a Dockerfile of this text in it.
    pub fn build(&self, dockerfile: &str, options: &str) -> Output {
        self.write("context/Dockerfile", dockerfile);
        let context = self.context();
        let mut arguments = vec!["build"];
        arguments.extend(options.split_whitespace());
        arguments.push(&context);
        self.rbox(&arguments)
    }

    /// Runs rbox with these bytes on its stdin.
    pub fn fed(&self, arguments: &[&str], stdin: &[u8]) -> Output {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pipe = child.stdin.take().unwrap();
        let bytes = stdin.to_vec();
        // It may fail before it has read all.
        let feeder = std::thread::spawn(move || drop(pipe.write_all(&bytes)));
        let output = child.wait_with_output().unwrap();
        feeder.join().unwrap();
        Output::new(format!("rbox {}", arguments.join(" ")), output)
    }
}
