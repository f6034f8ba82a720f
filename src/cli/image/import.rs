//! `import`.

use std::io::{self, Read};

use rbox_images::ImportOptions;

use super::load::open;
use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::parse::image;
use crate::cli::stop::{Outcome, Stop};

/// `import`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] file|- [REPOSITORY[:TAG]]",
    about: "Import the contents from a tarball to create a filesystem image",
    arity: Arity::Between(1, 2),
    interspersed: true,
    run,
    examples: "\
rbox import rootfs.tar.gz base:1
rbox import -c \"CMD /bin/sh\" rootfs.tar base:1
tar c -C rootfs . | rbox import - base:1
",
    ..Spec::of::<Import>()
};

#[derive(clap::Parser)]
struct Import {
    /// Apply Dockerfile instruction to the created image
    #[arg(short, long, value_name = "list")]
    change: Vec<String>,
    /// Set commit message for imported image
    #[arg(short, long, value_name = "string")]
    message: Option<String>,
    /// Set platform if server is multi-platform capable
    #[arg(long, value_name = "string")]
    platform: Option<String>,
    #[arg(hide = true)]
    source: String,
    #[arg(hide = true)]
    reference: Option<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Import = call.parse()?;
    let reference = image::optional_name(line.reference.as_deref()).map_err(Stop::failed)?;
    let changes = image::changes(&line.change).map_err(Stop::failed)?;
    let platform = image::platform(line.platform.as_deref()).map_err(Stop::failed)?;
    if line.source.starts_with("http://") || line.source.starts_with("https://") {
        return Err(Stop::failed(format!(
            "import from a URL is not supported: {}",
            line.source
        )));
    }
    let tar: Box<dyn Read> = match line.source.as_str() {
        "-" => Box::new(io::stdin().lock()),
        path => Box::new(open(path)?),
    };
    let message = line
        .message
        .unwrap_or_else(|| format!("Imported from {}", line.source));
    let options = ImportOptions {
        reference,
        changes,
        message: Some(message),
        platform,
    };
    let id = call.engine()?.import(tar, &options)?;
    say(&format!("{id}\n"));
    Ok(0)
}
