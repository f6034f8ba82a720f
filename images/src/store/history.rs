//! How an image came to be, step by step.

use oci_spec::image::ImageConfiguration;

use super::Store;
use super::lookup::GetError;
use super::manifest::diff_ids;

/// One step of an image's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryStep {
    /// `sha256:…` of the image that it made; only the last step's is known.
    pub id: Option<String>,
    /// RFC 3339, as the config has it.
    pub created: Option<String>,
    /// The instruction.
    pub created_by: String,
    /// Bytes of the regular files of its layer; 0 where it made none.
    pub size: u64,
    /// What its maker noted.
    pub comment: String,
}

impl Store {
    /// The steps that made an image, the last first. A layer that the history does not speak of is
    /// a step without words.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub fn history(&self, name: &str) -> Result<Vec<HistoryStep>, GetError> {
        let image = self.get(name)?;
        let layers = diff_ids(&image.config).map_err(|source| GetError::Damaged {
            id: image.id.clone(),
            source,
        })?;
        let sizes: Vec<u64> = layers
            .iter()
            .map(|layer| self.size_on_disk(layer))
            .collect();
        let mut steps = steps(&image.config, &sizes);
        if let Some(last) = steps.first_mut() {
            last.id = Some(image.id);
        }
        Ok(steps)
    }
}

/// The last first; `sizes` are the layers', lowest first.
fn steps(config: &ImageConfiguration, sizes: &[u64]) -> Vec<HistoryStep> {
    let mut sizes = sizes.iter().copied();
    let mut steps: Vec<HistoryStep> = config
        .history()
        .iter()
        .flatten()
        .map(|step| HistoryStep {
            id: None,
            created: step.created().clone(),
            created_by: step.created_by().clone().unwrap_or_default(),
            size: match step.empty_layer() {
                Some(true) => 0,
                // A history of more layers than there are is not worth an error.
                _ => sizes.next().unwrap_or(0),
            },
            comment: step.comment().clone().unwrap_or_default(),
        })
        .collect();
    steps.extend(sizes.map(|size| HistoryStep {
        id: None,
        created: None,
        created_by: String::new(),
        size,
        comment: String::new(),
    }));
    steps.reverse();
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shown(history: serde_json::Value, sizes: &[u64]) -> Vec<(String, u64)> {
        let config = json!({
            "architecture": "amd64", "os": "linux", "history": history,
            "rootfs": { "type": "layers", "diff_ids": [] },
        });
        steps(&serde_json::from_value(config).unwrap(), sizes)
            .into_iter()
            .map(|step| (step.created_by, step.size))
            .collect()
    }

    #[test]
    fn steps_without_a_layer_take_no_layers_size() {
        let history = json!([
            { "created_by": "ADD" },
            { "created_by": "CMD", "empty_layer": true },
            { "created_by": "RUN", "empty_layer": false },
        ]);
        let expected = [("RUN", 3), ("CMD", 0), ("ADD", 7)];
        let shown = shown(history, &[7, 3]);
        assert_eq!(shown, expected.map(|(text, size)| (text.to_owned(), size)));
    }

    #[test]
    fn a_history_that_does_not_fit_its_layers_is_shown_all_the_same() {
        assert_eq!(
            shown(json!([{ "created_by": "A" }, { "created_by": "B" }]), &[1]),
            [("B".to_owned(), 0), ("A".to_owned(), 1)]
        );
        assert_eq!(
            shown(json!([{ "created_by": "A" }]), &[1, 2]),
            [(String::new(), 2), ("A".to_owned(), 1)]
        );
        assert_eq!(shown(json!(null), &[5]), [(String::new(), 5)]);
        assert!(shown(json!([]), &[]).is_empty());
    }
}
