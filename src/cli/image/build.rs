//! `build`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use rbox_images::Reference;

use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::parse::csv::{self, Fields};
use crate::cli::parse::env::{self, Variable};
use crate::cli::parse::{Invalid, hosts, label, number, size, ulimit};
use crate::cli::stop::{Outcome, Stop};
use crate::engine::build::request::{
    BuildRequest, ContextSource, DockerfileSource, SecretSource, network,
};
use crate::engine::build::run::Limits;
use crate::engine::failure::Failure;
use crate::engine::request::Ulimit;
use crate::output;

/// `build`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] PATH | -",
    about: "Build an image from a Dockerfile",
    arity: Arity::Exactly(1),
    interspersed: true,
    run,
    examples: "\
rbox build -t app .
rbox build -t app -f docker/Dockerfile --build-arg VERSION=1.2 .
rbox build --target test --progress plain .
rbox build -t app - < Dockerfile
",
    ..Spec::of::<Build>()
};

/// More than any Dockerfile that is meant to be built.
const LARGEST_DOCKERFILE: u64 = 4 << 20;

#[derive(clap::Parser)]
struct Build {
    /// Add a custom host-to-IP mapping (host:ip)
    #[arg(long, value_name = "list", value_parser = hosts::extra_host)]
    add_host: Vec<(String, String)>,
    /// Set build-time variables
    #[arg(long, value_name = "list", value_parser = env::variable)]
    build_arg: Vec<Variable>,
    /// Set the parent cgroup for the RUN instructions during build
    #[arg(
        long,
        value_name = "string",
        default_value = "",
        hide_default_value = true
    )]
    cgroup_parent: String,
    /// Limit the CPU CFS (Completely Fair Scheduler) period
    #[arg(long, value_name = "int", value_parser = number::integer)]
    cpu_period: Option<i64>,
    /// Limit the CPU CFS (Completely Fair Scheduler) quota
    #[arg(long, value_name = "int", value_parser = number::integer)]
    cpu_quota: Option<i64>,
    /// CPU shares (relative weight)
    #[arg(short, long, value_name = "int", value_parser = number::integer)]
    cpu_shares: Option<i64>,
    /// CPUs in which to allow execution (0-3, 0,1)
    #[arg(
        long,
        value_name = "string",
        default_value = "",
        hide_default_value = true
    )]
    cpuset_cpus: String,
    /// MEMs in which to allow execution (0-3, 0,1)
    #[arg(
        long,
        value_name = "string",
        default_value = "",
        hide_default_value = true
    )]
    cpuset_mems: String,
    /// Name of the Dockerfile (default: "PATH/Dockerfile")
    #[arg(short, long, value_name = "string")]
    file: Option<PathBuf>,
    /// Always remove intermediate containers (rbox always does)
    #[arg(long)]
    force_rm: bool,
    /// Write the image ID to a file
    #[arg(long, value_name = "string")]
    iidfile: Option<PathBuf>,
    /// Set metadata for an image
    #[arg(long, value_name = "list", value_parser = label::label)]
    label: Vec<(String, String)>,
    /// Put the image into the local store (rbox always does)
    #[arg(long)]
    load: bool,
    /// Memory limit
    #[arg(short, long, value_name = "bytes", value_parser = size::bytes)]
    memory: Option<i64>,
    /// Swap limit equal to memory plus swap: -1 to enable unlimited swap
    #[arg(long, value_name = "bytes", value_parser = size::swap)]
    memory_swap: Option<i64>,
    /// Set the networking mode for the RUN instructions during build
    #[arg(long, value_name = "string", default_value = "default")]
    network: String,
    /// Do not use cache when building the image
    #[arg(long)]
    no_cache: bool,
    /// Do not cache specified stages
    #[arg(long, value_name = "list", value_delimiter = ',')]
    no_cache_filter: Vec<String>,
    /// Set target platform for build: this machine's own
    #[arg(long, value_name = "string")]
    platform: Option<String>,
    /// Set type of progress output ("auto", "quiet", "plain", "tty")
    #[arg(long, value_name = "string", default_value = "auto", value_parser = progress)]
    progress: output::build::Style,
    /// Always attempt to pull all referenced images
    #[arg(long)]
    pull: bool,
    /// Suppress the build output and print image ID on success
    #[arg(short, long)]
    quiet: bool,
    /// Remove intermediate containers after a successful build (rbox always does)
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true",
          default_value = "true", action = clap::ArgAction::Set, hide_default_value = true,
          value_parser = removed)]
    rm: bool,
    /// Secret to expose to the build (format: "id=mysecret[,src=/local/secret]")
    #[arg(long, value_name = "list", value_parser = csv::flag)]
    secret: Vec<Fields>,
    /// Shared memory size for build containers
    #[arg(long, value_name = "bytes", value_parser = size::bytes)]
    shm_size: Option<i64>,
    /// Image identifier (format: "[registry/]repository[:tag]")
    #[arg(short, long, value_name = "list", value_parser = tag)]
    tag: Vec<Reference>,
    /// Set the target build stage to build
    #[arg(long, value_name = "string")]
    target: Option<String>,
    /// Ulimit options
    #[arg(long, value_name = "list", value_parser = ulimit::ulimit)]
    ulimit: Vec<Ulimit>,
    #[arg(hide = true)]
    context: String,
}

fn progress(text: &str) -> Result<output::build::Style, Invalid> {
    match text {
        "auto" => Ok(output::build::Style::Auto),
        "plain" => Ok(output::build::Style::Plain),
        "tty" => Ok(output::build::Style::Terminal),
        "quiet" => Ok(output::build::Style::Quiet),
        other => Err(Invalid(format!("invalid progress mode {other:?}"))),
    }
}

fn removed(text: &str) -> Result<bool, Invalid> {
    match number::boolean(text)? {
        true => Ok(true),
        false => Err(Invalid::new(
            "containers of a build are always removed: it cannot be false",
        )),
    }
}

fn tag(text: &str) -> Result<Reference, Invalid> {
    let reference: Reference = text.parse().map_err(|error| Invalid(format!("{error}")))?;
    match reference.digest() {
        Some(_) => Err(Invalid::new(
            "refusing to create a tag with a digest reference",
        )),
        None => Ok(reference.with_default_tag()),
    }
}

fn run(call: &Call) -> Outcome {
    let line: Build = call.parse()?;
    let request = request(&line)?;
    let engine = call.engine()?;
    let style = match line.quiet {
        true => output::build::Style::Quiet,
        false => line.progress,
    };
    let listener = output::build::listener(style);
    let built = match engine.build(&request, listener.as_ref()) {
        Ok(built) => built,
        Err(error) => {
            listener.failed(&error);
            return Err(Stop::Exit(error.failure.code.unwrap_or(1)));
        }
    };
    listener.done();
    if let Some(path) = &line.iidfile {
        std::fs::write(path, &built.id).map_err(|error| {
            Stop::failed(format!(
                "write the image ID file {}: {error}",
                path.display()
            ))
        })?;
    }
    if style == output::build::Style::Quiet {
        say(&format!("{}\n", built.id));
    }
    Ok(0)
}

fn request(line: &Build) -> Result<BuildRequest, Stop> {
    let (context, dockerfile) = input(&line.context, line.file.as_deref())?;
    let variable = |name: &str| std::env::var(name).ok();
    let arguments: BTreeMap<String, String> = line
        .build_arg
        .iter()
        .filter_map(|given| {
            let value = given.value.clone().or_else(|| variable(&given.name))?;
            Some((given.name.clone(), value))
        })
        .collect();
    let epoch = arguments
        .get("SOURCE_DATE_EPOCH")
        .cloned()
        .or_else(|| variable("SOURCE_DATE_EPOCH"))
        .filter(|text| !text.is_empty())
        .map(|text| epoch(&text))
        .transpose()?;
    Ok(BuildRequest {
        context,
        dockerfile,
        tags: line.tag.clone(),
        arguments,
        target: line.target.clone().filter(|target| !target.is_empty()),
        labels: line.label.clone(),
        no_cache: line.no_cache,
        uncached_stages: line.no_cache_filter.clone(),
        pull: line.pull,
        network: network(&line.network),
        secrets: line.secret.iter().map(secret).collect::<Result<_, _>>()?,
        extra_hosts: line.add_host.clone(),
        limits: Limits {
            memory: line.memory.unwrap_or_default(),
            memory_swap: line.memory_swap.unwrap_or_default(),
            cpu_period: line.cpu_period.unwrap_or_default(),
            cpu_quota: line.cpu_quota.unwrap_or_default(),
            cpu_shares: line.cpu_shares.unwrap_or_default(),
            cpuset_cpus: line.cpuset_cpus.clone(),
            cpuset_mems: line.cpuset_mems.clone(),
            shm_size: line.shm_size.unwrap_or_default(),
            ulimits: line.ulimit.clone(),
            cgroup_parent: line.cgroup_parent.clone(),
        },
        platform: line.platform.clone(),
        epoch,
    })
}

fn epoch(text: &str) -> Result<i64, Stop> {
    let seconds = text.parse::<i64>().ok().filter(|seconds| *seconds >= 0);
    seconds.ok_or_else(|| Stop::failed(format!("invalid SOURCE_DATE_EPOCH: {text}")))
}

fn input(context: &str, file: Option<&Path>) -> Result<(ContextSource, DockerfileSource), Stop> {
    if let Some(url) = remote(context) {
        return Err(Stop::Failed(
            Failure::new(format!(
                "cannot build from {url}: remote contexts are not supported"
            ))
            .hint("fetch it first, then name the directory, or pipe a tar into `rbox build -`"),
        ));
    }
    let from_stdin = file.is_some_and(|file| file.as_os_str() == "-");
    if context == "-" {
        if from_stdin {
            return Err(Stop::failed(
                "invalid argument: can't use stdin for both build context and dockerfile",
            ));
        }
        if io::stdin().is_terminal() {
            return Err(Stop::failed(
                "stdin is a terminal: pipe a tar or a Dockerfile into it",
            ));
        }
        let stdin = io::stdin().as_fd().try_clone_to_owned();
        let stdin = stdin.map_err(|error| Stop::failed(format!("stdin: {error}")))?;
        let dockerfile = match file {
            Some(file) => DockerfileSource::Path(file.to_owned()),
            None => DockerfileSource::Default,
        };
        return Ok((ContextSource::Stream(File::from(stdin)), dockerfile));
    }
    let dockerfile = match file {
        Some(_) if from_stdin => DockerfileSource::Text(dockerfile_from_stdin()?),
        Some(file) => DockerfileSource::Path(file.to_owned()),
        None => DockerfileSource::Default,
    };
    Ok((ContextSource::Directory(PathBuf::from(context)), dockerfile))
}

fn dockerfile_from_stdin() -> Result<Vec<u8>, Stop> {
    let mut text = Vec::new();
    io::stdin()
        .lock()
        .take(LARGEST_DOCKERFILE + 1)
        .read_to_end(&mut text)
        .map_err(|error| Stop::failed(format!("failed to read dockerfile from stdin: {error}")))?;
    Ok(text)
}

/// What Docker would fetch.
fn remote(context: &str) -> Option<&str> {
    const SCHEMES: [&str; 5] = ["http://", "https://", "git://", "ssh://", "git@"];
    let is_remote = SCHEMES.iter().any(|scheme| context.starts_with(scheme))
        || (context.starts_with("github.com/") && !Path::new(context).exists());
    is_remote.then_some(context)
}

/// `id=x,src=path`, `id=x,env=NAME`, `type=env,id=x`; with an id alone the variable of that name,
/// else the file.
fn secret(fields: &Fields) -> Result<(String, SecretSource), Stop> {
    let (mut kind, mut id, mut path, mut variable) = (None, None, None, None);
    for field in &fields.0 {
        let (key, value) = field.split_once('=').ok_or_else(|| {
            Stop::failed(format!("invalid field '{field}' must be a key=value pair"))
        })?;
        match key.to_ascii_lowercase().as_str() {
            "type" if value == "file" || value == "env" => kind = Some(value),
            "type" => return Err(Stop::failed(format!("unsupported secret type {value:?}"))),
            "id" => id = Some(value),
            "source" | "src" => path = Some(value),
            "env" => variable = Some(value),
            _ => {
                return Err(Stop::failed(format!("unexpected key '{key}' in '{field}'")));
            }
        }
    }
    let id = id
        .filter(|id| !id.is_empty())
        .ok_or_else(|| Stop::failed("a secret needs an id: id=NAME,src=FILE"))?;
    let source = match (kind, path, variable) {
        (_, _, Some(name)) => SecretSource::Variable(name.to_owned()),
        (Some("env"), Some(name), None) => SecretSource::Variable(name.to_owned()),
        (_, Some(path), None) => SecretSource::File(PathBuf::from(path)),
        (Some("env"), None, None) => SecretSource::Variable(id.to_owned()),
        (None, None, None) if std::env::var_os(id).is_some() => {
            SecretSource::Variable(id.to_owned())
        }
        _ => SecretSource::File(PathBuf::from(id)),
    };
    if let SecretSource::File(path) = &source
        && let Err(error) = std::fs::metadata(path)
    {
        return Err(Stop::failed(format!(
            "failed to stat secret {id}: {}: {error}",
            path.display()
        )));
    }
    Ok((id.to_owned(), source))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<(String, SecretSource), String> {
        secret(&csv::flag(text).unwrap()).map_err(|stop| match stop {
            Stop::Failed(failure) => failure.message,
            other => format!("{other:?}"),
        })
    }

    #[test]
    fn secrets_come_from_files_and_variables() {
        let file = |path: &str| SecretSource::File(PathBuf::from(path));
        let variable = |name: &str| SecretSource::Variable(name.to_owned());
        for (text, source) in [
            ("id=a,src=/dev/null", file("/dev/null")),
            ("type=file,id=a,source=/dev/null", file("/dev/null")),
            ("id=a,env=B", variable("B")),
            ("type=env,id=a", variable("a")),
            ("type=env,id=a,src=B", variable("B")),
            ("id=PATH", variable("PATH")),
        ] {
            let id = if text == "id=PATH" { "PATH" } else { "a" };
            assert_eq!(parsed(text), Ok((id.to_owned(), source)), "{text}");
        }
        for (text, error) in [
            ("src=/dev/null", "a secret needs an id: id=NAME,src=FILE"),
            ("id=a,bogus=1", "unexpected key 'bogus' in 'bogus=1'"),
            ("a", "invalid field 'a' must be a key=value pair"),
            ("type=x,id=a", "unsupported secret type \"x\""),
        ] {
            assert_eq!(parsed(text).unwrap_err(), error);
        }
        assert!(
            parsed("id=a,src=/nosuch")
                .unwrap_err()
                .starts_with("failed to stat secret a")
        );
    }

    #[test]
    fn urls_are_told_from_directories() {
        for url in [
            "https://h/x.tar",
            "git@h:a/b",
            "git://h/a",
            "github.com/a/b",
        ] {
            assert_eq!(remote(url), Some(url));
        }
        assert_eq!(remote("./http"), None);
        assert_eq!(remote("."), None);
    }
}
