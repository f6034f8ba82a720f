//! A service's `build` as what `build` is asked for.

use rbox_images::Reference;

use super::super::images::arguments;
use super::super::model::{FileObject, Project, Service};
use super::super::request::BuildOptions;
use super::super::{labels, names};
use super::At;
use crate::cli::parse::hosts;
use crate::engine::Failure;
use crate::engine::build::error::BuildError;
use crate::engine::build::request::{
    BuildRequest, ContextSource, DockerfileSource, SecretSource, network,
};
use crate::engine::build::run::Limits;

/// The request; the service has a `build`.
pub fn request(
    project: &Project,
    service: &Service,
    options: &BuildOptions,
) -> Result<BuildRequest, Failure> {
    let at = At { service };
    let build = service
        .build
        .as_ref()
        .ok_or_else(|| at.refuse("build", "it is not there"))?;
    let mut tags = Vec::new();
    for name in std::iter::once(&names::image(project, service)).chain(&build.tags) {
        let reference = name.parse::<Reference>().map_err(|error| {
            at.refuse(
                "build",
                format!("invalid reference format: {name}: {error}"),
            )
        })?;
        tags.push(reference.with_default_tag());
    }
    let dockerfile = match (&build.dockerfile_inline, &build.dockerfile) {
        (Some(text), _) => DockerfileSource::Text(text.clone().into_bytes()),
        (None, Some(path)) => DockerfileSource::Path(build.context.join(path)),
        (None, None) => DockerfileSource::Default,
    };
    let mut request = BuildRequest {
        context: ContextSource::Directory(build.context.clone()),
        dockerfile,
        tags,
        arguments: arguments(&project.environment, &build.args, &options.arguments),
        target: build.target.clone(),
        no_cache: build.no_cache || options.no_cache,
        pull: build.pull || options.pull,
        network: network(build.network.as_deref().unwrap_or_default()),
        limits: Limits {
            shm_size: build.shm_size.unwrap_or_default(),
            memory: options.memory.unwrap_or_default(),
            ..Limits::default()
        },
        platform: service.platform.clone(),
        ..BuildRequest::default()
    };
    request.labels.extend(build.labels.clone());
    request.labels.extend(
        [
            (labels::PROJECT, project.name.as_str()),
            (labels::SERVICE, service.name.as_str()),
            (labels::VERSION, labels::LIKE),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    for (name, address) in &build.extra_hosts {
        let host = hosts::extra_host(&format!("{name}={address}"))
            .map_err(|error| at.refuse("build.extra_hosts", error))?;
        request.extra_hosts.push(host);
    }
    for (id, source) in &build.secrets {
        let secret = match project.secrets.get(source) {
            Some(FileObject::File(path)) => SecretSource::File(path.clone()),
            Some(FileObject::Environment { value, .. } | FileObject::Content(value)) => {
                SecretSource::Value(value.clone())
            }
            None => return Err(at.refuse("build.secrets", format!("undefined secret {source}"))),
        };
        request.secrets.insert(id.clone(), secret);
    }
    Ok(request)
}

/// A build's failure as compose's: with its place, and the code that any failure has.
pub fn failure(service: &Service, error: BuildError) -> Failure {
    let place = error.place.map_or_else(String::new, |place| {
        format!("{}:{}: ", place.source.name, place.lines.start())
    });
    let mut failure = Failure::new(format!(
        "target {}: failed to solve: {place}{}",
        service.name, error.failure.message
    ));
    failure.hint = error.failure.hint;
    failure
}
