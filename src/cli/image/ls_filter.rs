//! Which images `images` lists, and under which names.

use rbox_images::{Image, Reference};

use super::prune::labels;
use crate::cli::parse::filter::{Filters, glob};
use crate::cli::parse::{Invalid, time};
use crate::cli::system::prompt;

/// A name of an image; none where it is dangling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// `alpine`, `reg.test:5000/a/b`.
    pub repository: String,
    /// `3.20`; `<none>` where only a digest is known.
    pub tag: String,
    /// What the registry of the repository calls it.
    pub digest: Option<String>,
}

/// What to list.
#[derive(Debug)]
pub struct Choice {
    filters: Filters,
    dangling: Option<bool>,
    /// Seconds since 1970.
    until: Option<i64>,
    /// `images REPOSITORY[:TAG]` and the `reference` filter.
    patterns: Vec<String>,
}

impl Choice {
    /// Reads the filters; `pattern` is the command's argument.
    pub fn new(filters: &[(String, String)], pattern: Option<&str>) -> Result<Choice, Invalid> {
        let filters = Filters::new(
            filters,
            &[
                "before",
                "dangling",
                "label",
                "label!",
                "reference",
                "since",
                "until",
            ],
        )?;
        let until = match filters.get("until") {
            [] => None,
            [text, ..] => Some(prompt::before(text).ok_or_else(|| filters.refuse("until", text))?),
        };
        let mut patterns = filters.get("reference").to_vec();
        patterns.extend(pattern.map(str::to_owned));
        Ok(Choice {
            dangling: filters.flag("dangling")?,
            filters,
            until,
            patterns,
        })
    }

    /// Images with the names to show, newest first. `find` gives the position of a named image.
    pub fn choose<'a>(
        &self,
        images: &'a [Image],
        find: impl Fn(&str) -> Result<Image, String>,
    ) -> Result<Vec<(&'a Image, Option<Name>)>, Invalid> {
        let bound = |name: &str| {
            self.filters
                .get(name)
                .last()
                .map(|reference| find(reference).map(|image| (image.id.clone(), created(&image))))
                .transpose()
                .map_err(Invalid)
        };
        let (before, since) = (bound("before")?, bound("since")?);
        let mut chosen: Vec<&Image> = images
            .iter()
            .filter(|image| {
                let at = created(image);
                before
                    .as_ref()
                    .is_none_or(|(id, bound)| *id != image.id && at < *bound)
                    && since
                        .as_ref()
                        .is_none_or(|(id, bound)| *id != image.id && at > *bound)
                    && self.until.is_none_or(|until| at < until)
                    && self
                        .dangling
                        .is_none_or(|wanted| wanted == image.references.is_empty())
                    && self.filters.labels(&labels(image))
            })
            .collect();
        chosen.sort_by_key(|image| std::cmp::Reverse(created(image)));
        Ok(chosen
            .into_iter()
            .flat_map(|image| self.names(image))
            .collect())
    }

    fn names<'a>(&self, image: &'a Image) -> Vec<(&'a Image, Option<Name>)> {
        let names = match (&image.references[..], &image.repo_digests[..]) {
            ([], []) if self.patterns.is_empty() => return vec![(image, None)],
            ([], digests) => digests,
            (tags, _) => tags,
        };
        names
            .iter()
            .filter(|reference| {
                self.patterns.is_empty()
                    || self
                        .patterns
                        .iter()
                        .any(|pattern| matches(pattern, reference))
            })
            .map(|reference| (image, Some(name(reference, &image.repo_digests))))
            .collect()
    }
}

/// A pattern fits the whole name or the repository alone, both as they are shown.
fn matches(pattern: &str, reference: &str) -> bool {
    glob(pattern, reference) || glob(pattern, &name(reference, &[]).repository)
}

fn name(reference: &str, digests: &[String]) -> Name {
    let none = || "<none>".to_owned();
    let Ok(parsed) = reference.parse::<Reference>() else {
        return Name {
            repository: reference.to_owned(),
            tag: none(),
            digest: None,
        };
    };
    let repository = parsed.repository_familiar();
    let digest = match parsed.digest() {
        Some(digest) => Some(digest.to_string()),
        None => digests
            .iter()
            .filter_map(|known| known.split_once('@'))
            .find(|(known, _)| *known == repository)
            .map(|(_, digest)| digest.to_owned()),
    };
    Name {
        tag: parsed.tag().map_or_else(none, str::to_owned),
        repository,
        digest,
    }
}

/// Seconds since 1970; 0 where the image does not say.
pub fn created(image: &Image) -> i64 {
    image
        .created
        .as_deref()
        .and_then(time::seconds)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Choice, Name};
    use crate::cli::parse::filter::filter;
    use rbox_images::Image;
    use serde_json::json;

    fn image(id: &str, references: &[&str], created: &str, labels: serde_json::Value) -> Image {
        let config = json!({
            "architecture": "amd64", "os": "linux", "config": { "Labels": labels },
            "rootfs": { "type": "layers", "diff_ids": [] },
        });
        Image {
            id: format!("sha256:{id}"),
            manifest_digest: String::new(),
            config: serde_json::from_value(config).unwrap(),
            layers: Vec::new(),
            references: references.iter().map(|name| (*name).to_owned()).collect(),
            repo_digests: Vec::new(),
            tagged: None,
            size: 1,
            created: Some(created.to_owned()),
        }
    }

    fn shown(filters: &[&str], pattern: Option<&str>) -> Result<String, String> {
        let images = [
            image(
                "1",
                &["alpine:latest", "alpine:3.20"],
                "2026-01-01T00:00:00Z",
                json!({ "a": "b" }),
            ),
            image("2", &[], "2026-01-02T00:00:00Z", json!(null)),
            image(
                "3",
                &["h4img:v2", "reg.test:5000/a/b:c"],
                "2026-01-03T00:00:00Z",
                json!(null),
            ),
        ];
        let filters: Vec<_> = filters.iter().map(|text| filter(text).unwrap()).collect();
        let choice = Choice::new(&filters, pattern).map_err(|error| error.0)?;
        let chosen = choice
            .choose(&images, |name| {
                let found = images
                    .iter()
                    .find(|image| image.references.iter().any(|r| r == name));
                found
                    .cloned()
                    .ok_or_else(|| format!("No such image: {name}"))
            })
            .map_err(|error| error.0)?;
        let names: Vec<String> = chosen
            .into_iter()
            .map(|(_, name)| match name {
                Some(Name {
                    repository, tag, ..
                }) => format!("{repository}:{tag}"),
                None => "<none>".to_owned(),
            })
            .collect();
        Ok(names.join(" "))
    }

    #[test]
    fn digests_belong_to_repositories_and_stand_in_for_tags() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let mut tagged = image(
            "1",
            &["alpine:3", "reg.test/a:1"],
            "2026-01-02T00:00:00Z",
            json!(null),
        );
        tagged.repo_digests = vec![format!("alpine@{digest}")];
        let mut lone = image("2", &[], "2026-01-01T00:00:00Z", json!(null));
        lone.repo_digests = tagged.repo_digests.clone();
        let listed = |filters: &[&str]| -> Vec<String> {
            let filters: Vec<_> = filters.iter().map(|text| filter(text).unwrap()).collect();
            let images = [tagged.clone(), lone.clone()];
            let choice = Choice::new(&filters, None).unwrap();
            let chosen = choice.choose(&images, |name| Err(name.to_owned())).unwrap();
            let names = chosen.into_iter().filter_map(|(_, name)| name);
            names
                .map(|name| {
                    let digest = name.digest.is_some();
                    format!("{}:{} {digest}", name.repository, name.tag)
                })
                .collect()
        };
        assert_eq!(
            listed(&[]),
            ["alpine:3 true", "reg.test/a:1 false", "alpine:<none> true"]
        );
        assert_eq!(listed(&["dangling=true"]), ["alpine:<none> true"]);
    }

    #[test]
    fn images_are_listed_newest_first_and_by_name() {
        for (filters, pattern, expected) in [
            (
                &[][..],
                None,
                "h4img:v2 reg.test:5000/a/b:c <none> alpine:latest alpine:3.20",
            ),
            (&[], Some("alpine"), "alpine:latest alpine:3.20"),
            (&[], Some("alpine:3.20"), "alpine:3.20"),
            (&[], Some("nosuch"), ""),
            (&["reference=h4*"], None, "h4img:v2"),
            (&["reference=*/*/*"], None, "reg.test:5000/a/b:c"),
            (&["dangling=true"], None, "<none>"),
            (
                &["dangling=false", "label=a=b"],
                None,
                "alpine:latest alpine:3.20",
            ),
            (
                &["since=alpine:latest"],
                None,
                "h4img:v2 reg.test:5000/a/b:c <none>",
            ),
            (
                &["before=h4img:v2"],
                None,
                "<none> alpine:latest alpine:3.20",
            ),
        ] {
            assert_eq!(
                shown(filters, pattern).unwrap(),
                expected,
                "{filters:?} {pattern:?}"
            );
        }
        assert_eq!(shown(&["since=x"], None).unwrap_err(), "No such image: x");
        assert_eq!(
            shown(&["bogus=x"], None).unwrap_err(),
            "Invalid filter 'bogus'"
        );
    }
}
