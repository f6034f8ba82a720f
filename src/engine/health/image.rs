//! The health check that an image brings along: Docker's addition to the OCI's config.

use rbox_images::Store;

use crate::engine::build::image::ImageConfig;
use crate::engine::failure::Failure;
use crate::engine::request::Healthcheck;

/// What only an image with a health check has in its config.
const KEY: &[u8] = b"\"Healthcheck\"";

/// `HEALTHCHECK` and `SHELL` of the image with that id.
pub fn of_image(store: &Store, id: &str) -> Result<Option<(Healthcheck, Vec<String>)>, Failure> {
    let bytes = store
        .config(id)
        .map_err(|error| Failure::new(error.to_string()))?;
    // Most have none, and every start comes by here.
    if !bytes.windows(KEY.len()).any(|window| window == KEY) {
        return Ok(None);
    }
    let config: ImageConfig = serde_json::from_slice(&bytes)
        .map_err(|error| Failure::new(format!("read the config of image {id}: {error}")))?;
    let settings = config.config;
    Ok(settings
        .healthcheck
        .map(|health| (health.into(), settings.shell)))
}
