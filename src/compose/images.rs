//! The images of services: built, pulled, pushed.

use std::collections::{BTreeMap, BTreeSet};

use rbox_images::{GetError, Platform, Reference, Silent};

use super::lower::build;
use super::model::Service;
use super::progress::{State, Thing};
use super::request::{BuildOptions, Pull, PullOptions, PushOptions, UpOptions};
use super::walk::each;
use super::{Composer, dependencies, names};
use crate::engine::Failure;

/// How a service gets its image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// It is here.
    Here,
    /// It is pulled.
    Pull,
    /// It is pulled, and built where that fails.
    PullOrBuild,
    /// It is built.
    Build,
}

impl Composer<'_> {
    /// Makes sure that the images of services are here.
    pub(super) fn provide_images(
        &self,
        services: &[String],
        options: &UpOptions,
    ) -> Result<(), Failure> {
        let (mut to_pull, mut to_build) = (Vec::new(), Vec::new());
        for service in self.services(services) {
            let here = self.has_image(service)?;
            match way(service, here, options.pull, options.build)? {
                Way::Here => {}
                Way::Pull => to_pull.push(service),
                Way::PullOrBuild => match self.pull_image(service) {
                    Ok(()) => {}
                    Err(_) if !options.no_build => to_build.push(service),
                    Err(failure) => return Err(failure),
                },
                Way::Build if options.no_build => {
                    return Err(Failure::new(format!(
                        "No such image: {}",
                        names::image(self.project, service)
                    ))
                    .hint("without --no-build it is built"));
                }
                Way::Build => to_build.push(service),
            }
        }
        each(&by_image(self, to_pull), &|service| {
            self.pull_image(service)
        })?;
        for service in by_image(self, to_build) {
            self.build_image(service, &BuildOptions::default())?;
        }
        Ok(())
    }

    /// Builds the images of services that say how.
    pub fn build(&self, options: &BuildOptions) -> Result<(), Failure> {
        let order =
            dependencies::select(self.project, &options.services, options.with_dependencies)?;
        let chosen: Vec<&Service> = self
            .services(&order)
            .filter(|service| service.build.is_some())
            .collect();
        if chosen.is_empty() {
            self.progress.warn(&Failure::new("No services to build"));
        }
        for service in by_image(self, chosen) {
            self.build_image(service, options)?;
            if options.push {
                self.push_image(service)?;
            }
        }
        Ok(())
    }

    /// Pulls the images of services.
    pub fn pull(&self, options: &PullOptions) -> Result<(), Failure> {
        let order =
            dependencies::select(self.project, &options.services, options.with_dependencies)?;
        let mut chosen = Vec::new();
        for service in self.services(&order) {
            if let Some(why) = self.not_pulled(service, options)? {
                let thing = Thing::Image(names::image(self.project, service));
                self.progress.tell(&thing, State::Skipped(why.to_owned()));
            } else {
                chosen.push(service);
            }
        }
        each(&by_image(self, chosen), &|service| {
            match self.pull_image(service) {
                // It is told already; and what can be built need not be there.
                Err(_) if options.ignore_failures || service.build.is_some() => Ok(()),
                other => other,
            }
        })
    }

    fn not_pulled(
        &self,
        service: &Service,
        options: &PullOptions,
    ) -> Result<Option<&'static str>, Failure> {
        let policy = match options.policy {
            Pull::Policy => service.pull_policy.as_deref().unwrap_or("always"),
            Pull::Missing => "missing",
            Pull::Always => "always",
            Pull::Never => "never",
        };
        Ok(match policy {
            _ if service.image.is_none() => Some("No image to be pulled"),
            _ if options.ignore_buildable && service.build.is_some() => Some("Image can be built"),
            "never" | "build" => Some("Image is not to be pulled"),
            "missing" | "if_not_present" if self.has_image(service)? => {
                Some("Image is already present locally")
            }
            _ => None,
        })
    }

    /// Pushes the images of services that are built here.
    pub fn push(&self, options: &PushOptions) -> Result<(), Failure> {
        let order =
            dependencies::select(self.project, &options.services, options.with_dependencies)?;
        let mut chosen = Vec::new();
        for service in self.services(&order) {
            match (&service.build, &service.image) {
                (Some(_), Some(_)) => chosen.push(service),
                (Some(_), None) => {
                    let thing = Thing::Image(names::image(self.project, service));
                    let why = "No image name: it cannot be pushed".to_owned();
                    self.progress.tell(&thing, State::Skipped(why));
                }
                _ => {}
            }
        }
        for service in by_image(self, chosen) {
            match self.push_image(service) {
                Err(_) if options.ignore_failures => {}
                other => other?,
            }
        }
        Ok(())
    }

    fn has_image(&self, service: &Service) -> Result<bool, Failure> {
        match self.engine.images.get(&names::image(self.project, service)) {
            Ok(_) => Ok(true),
            Err(GetError::NotFound(_)) => Ok(false),
            Err(error) => Err(Failure::new(error.to_string())),
        }
    }

    fn pull_image(&self, service: &Service) -> Result<(), Failure> {
        let image = names::image(self.project, service);
        self.tell_of_image(&image, State::Pulling, State::Pulled, || {
            let name = reference(&image)?;
            let platform = platform(service)?;
            self.engine.pull(&name, platform.as_ref(), &Silent)?;
            Ok(())
        })
    }

    fn push_image(&self, service: &Service) -> Result<(), Failure> {
        let image = names::image(self.project, service);
        self.tell_of_image(&image, State::Pushing, State::Pushed, || {
            let name = reference(&image)?.with_default_tag();
            let platform = platform(service)?;
            self.engine.push(&name, platform.as_ref(), &Silent)
        })
    }

    fn build_image(&self, service: &Service, options: &BuildOptions) -> Result<(), Failure> {
        let image = names::image(self.project, service);
        self.tell_of_image(&image, State::Building, State::Built, || {
            let request = build::request(self.project, service, options)?;
            self.engine
                .build(&request, self.progress.builds())
                .map_err(|error| build::failure(service, error))?;
            Ok(())
        })
    }

    fn tell_of_image(
        &self,
        image: &str,
        before: State,
        after: State,
        work: impl FnOnce() -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.told(&Thing::Image(image.to_owned()), before, after, work)
    }
}

/// One service of each image: the others use what it brings.
fn by_image<'a>(composer: &Composer<'_>, services: Vec<&'a Service>) -> Vec<&'a Service> {
    let mut seen = BTreeSet::new();
    let mut chosen = services;
    chosen.retain(|service| seen.insert(names::image(composer.project, service)));
    chosen
}

fn reference(image: &str) -> Result<Reference, Failure> {
    image
        .parse()
        .map_err(|error| Failure::new(format!("invalid reference format: {image}: {error}")))
}

fn platform(service: &Service) -> Result<Option<Platform>, Failure> {
    let parsed = service.platform.as_deref().map(str::parse::<Platform>);
    parsed
        .transpose()
        .map_err(|error| Failure::new(format!("services.{}.platform: {error}", service.name)))
}

/// How a service gets an image that is `here` or not.
fn way(service: &Service, here: bool, pull: Pull, build: bool) -> Result<Way, Failure> {
    let buildable = service.build.is_some();
    if buildable && (build || service.pull_policy.as_deref() == Some("build")) {
        return Ok(Way::Build);
    }
    let policy = match pull {
        Pull::Policy => service.pull_policy.as_deref().unwrap_or_default(),
        Pull::Always => "always",
        Pull::Missing => "missing",
        Pull::Never => "never",
    };
    // Without a name of its own there is nowhere to pull it from.
    let pullable = service.image.is_some();
    Ok(match policy {
        "always" if pullable && buildable => Way::PullOrBuild,
        "always" if pullable => Way::Pull,
        _ if here => Way::Here,
        "missing" | "if_not_present" if pullable && buildable => Way::PullOrBuild,
        _ if buildable => Way::Build,
        "" | "missing" | "if_not_present" if pullable => Way::Pull,
        "" | "missing" | "if_not_present" | "always" | "build" => {
            return Err(Failure::new(format!(
                "service {:?} has neither an image nor a build context specified",
                service.name
            )));
        }
        "never" => {
            let image = service.image.as_deref().unwrap_or_default();
            return Err(Failure::new(format!("No such image: {image}")).hint(format!(
                "it is not pulled because pull_policy is never: `rbox pull {image}` brings it in"
            )));
        }
        other => {
            return Err(Failure::new(format!(
                "services.{}.pull_policy: {other} is none of always, missing, never and build",
                service.name
            )));
        }
    })
}

/// Arguments of a build: the command line's over the file's, and for those without a value the
/// environment's.
pub(super) fn arguments(
    environment: &BTreeMap<String, String>,
    file: &BTreeMap<String, Option<String>>,
    line: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let given = file.iter().filter_map(|(name, value)| {
        let value = value.clone().or_else(|| environment.get(name).cloned())?;
        Some((name.clone(), value))
    });
    let mut all: BTreeMap<String, String> = given.collect();
    all.extend(line.clone());
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::model::Build;

    fn service(image: bool, build: bool, policy: Option<&str>) -> Service {
        Service {
            image: image.then(|| "alpine".to_owned()),
            build: build.then(Build::default),
            pull_policy: policy.map(str::to_owned),
            ..Service::default()
        }
    }

    #[test]
    fn an_image_comes_the_way_that_the_policy_says() {
        for (image, build, policy, here, expected) in [
            (true, false, None, true, Way::Here),
            (true, false, None, false, Way::Pull),
            (true, false, Some("always"), true, Way::Pull),
            (true, false, Some("never"), true, Way::Here),
            (true, true, None, false, Way::Build),
            (true, true, Some("always"), true, Way::PullOrBuild),
            (true, true, Some("missing"), false, Way::PullOrBuild),
            (true, true, Some("build"), true, Way::Build),
            (false, true, Some("always"), true, Way::Here),
            (false, true, None, false, Way::Build),
            (false, true, Some("never"), false, Way::Build),
        ] {
            let service = service(image, build, policy);
            let found = way(&service, here, Pull::Policy, false).unwrap();
            assert_eq!(found, expected, "{service:?}");
        }
        let both = service(true, true, None);
        assert_eq!(way(&both, true, Pull::Policy, true).unwrap(), Way::Build);
        assert_eq!(
            way(&both, true, Pull::Always, false).unwrap(),
            Way::PullOrBuild
        );
        assert!(way(&service(false, false, None), false, Pull::Policy, false).is_err());
        assert!(
            way(
                &service(true, false, Some("never")),
                false,
                Pull::Policy,
                false
            )
            .is_err()
        );
    }
}
