//! An image as `image inspect` shows it.

use rbox_images::Image;
use serde_json::{Map, Value, json};

/// Docker's image object. `whole` is the config as it is written, with the settings that Docker
/// added to the OCI's.
pub fn image(image: &Image, whole: &Value) -> Value {
    let config = &image.config;
    let comment = config
        .history()
        .iter()
        .flatten()
        .next_back()
        .and_then(|step| step.comment().clone());
    let layers: Vec<&String> = config.rootfs().diff_ids().iter().collect();
    let mut shown = json!({
        "Id": image.id,
        "RepoTags": image.references,
        "RepoDigests": image.repo_digests,
        "Parent": "",
        "Comment": comment.unwrap_or_default(),
        "Created": image.created.clone().unwrap_or_default(),
        "DockerVersion": "",
        "Author": config.author().clone().unwrap_or_default(),
        "Config": settings(image, &whole["config"]),
        "Architecture": config.architecture().to_string(),
        "Os": config.os().to_string(),
        "Size": image.size,
        "GraphDriver": {
            "Data": driver_data(image),
            "Name": "overlay",
        },
        "RootFS": { "Type": "layers", "Layers": layers },
        "Metadata": { "LastTagTime": image.tagged.as_deref().unwrap_or(NEVER) },
    });
    if let (Some(variant), Some(shown)) = (config.variant(), shown.as_object_mut())
        && let Some(after) = shown.keys().position(|key| key == "Architecture")
    {
        shown.shift_insert(after + 1, "Variant".into(), variant.as_str().into());
    }
    shown
}

/// Go's zero time.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// The trees as overlayfs is given them: the topmost, and those below it from the top down.
fn driver_data(image: &Image) -> Value {
    let mut trees = image.layers.iter().rev().map(|tree| tree.to_string_lossy());
    let mut data = Map::new();
    let top = trees.next();
    let lower: Vec<_> = trees.collect();
    if !lower.is_empty() {
        data.insert("LowerDir".into(), lower.join(":").into());
    }
    if let Some(top) = top {
        data.insert("UpperDir".into(), top.into());
    }
    data.into()
}

fn settings(image: &Image, whole: &Value) -> Value {
    let config = image.config.config().clone().unwrap_or_default();
    let set = |names: &Option<Vec<String>>| -> Value {
        match names {
            None => Value::Null,
            Some(names) => {
                let mut names = names.clone();
                names.sort_unstable();
                names
                    .into_iter()
                    .map(|name| (name, json!({})))
                    .collect::<Map<_, _>>()
                    .into()
            }
        }
    };
    let mut settings = Map::new();
    settings.insert(
        "User".into(),
        config.user().clone().unwrap_or_default().into(),
    );
    if config.exposed_ports().is_some() {
        settings.insert("ExposedPorts".into(), set(config.exposed_ports()));
    }
    settings.insert("Env".into(), json!(config.env()));
    settings.insert("Cmd".into(), json!(config.cmd()));
    if whole["Healthcheck"].is_object() {
        settings.insert("Healthcheck".into(), whole["Healthcheck"].clone());
    }
    settings.insert("Volumes".into(), set(config.volumes()));
    settings.insert(
        "WorkingDir".into(),
        config.working_dir().clone().unwrap_or_default().into(),
    );
    settings.insert("Entrypoint".into(), json!(config.entrypoint()));
    settings.insert("OnBuild".into(), whole["OnBuild"].clone());
    let labels: Option<std::collections::BTreeMap<_, _>> = config
        .labels()
        .clone()
        .map(|labels| labels.into_iter().collect());
    settings.insert("Labels".into(), json!(labels));
    if let Some(signal) = config.stop_signal() {
        settings.insert("StopSignal".into(), json!(signal));
    }
    if whole["Shell"].is_array() {
        settings.insert("Shell".into(), whole["Shell"].clone());
    }
    settings.into()
}

#[cfg(test)]
mod tests {
    use rbox_images::Image;
    use serde_json::json;

    #[test]
    fn an_image_has_dockers_keys() {
        let config = json!({
            "architecture": "amd64",
            "os": "linux",
            "config": {
                "Cmd": ["/bin/sh"],
                "Env": ["A=1"],
                "ExposedPorts": { "80/tcp": {} },
                "Healthcheck": { "Test": ["CMD-SHELL", "true"] },
                "OnBuild": ["RUN true"],
                "Shell": ["/bin/ash", "-c"],
            },
            "rootfs": { "type": "layers", "diff_ids": ["sha256:1bcc"] },
            "history": [{ "comment": "Imported from -" }],
        });
        let image = Image {
            id: "sha256:a291".into(),
            manifest_digest: String::new(),
            config: serde_json::from_value(config.clone()).unwrap(),
            layers: Vec::new(),
            references: vec!["alpine:3.20".into()],
            repo_digests: Vec::new(),
            tagged: None,
            size: 7_797_760,
            created: Some("2026-11-21T21:40:38.480635035Z".into()),
        };
        let shown = super::image(&image, &config);
        for key in ["Healthcheck", "OnBuild", "Shell"] {
            assert_eq!(shown["Config"][key], config["config"][key], "{key}");
        }
        assert_eq!(shown["RepoTags"], json!(["alpine:3.20"]));
        assert_eq!(shown["Comment"], "Imported from -");
        assert_eq!(shown["Config"]["Cmd"], json!(["/bin/sh"]));
        assert_eq!(shown["Config"]["ExposedPorts"], json!({ "80/tcp": {} }));
        assert_eq!(shown["Config"]["Labels"], json!(null));
        assert_eq!(shown["RootFS"]["Layers"], json!(["sha256:1bcc"]));
        assert_eq!(
            (&shown["Os"], &shown["Architecture"]),
            (&json!("linux"), &json!("amd64"))
        );
    }
}
