//! The image of a container to be made: pulled where it is missing or shall be the newest.

use rbox_images::Silent;

use crate::engine::Engine;
use crate::engine::failure::Failure;
use crate::engine::request::ContainerRequest;
use crate::output::error;
use crate::output::transfer::Progress;

/// Pulls what has to be pulled. All that is said goes to stderr: stdout is the container's.
pub fn provide(engine: &Engine, request: &ContainerRequest, quiet: bool) -> Result<(), Failure> {
    let Some(needed) = engine.image_to_pull(request)? else {
        return Ok(());
    };
    if quiet {
        engine.pull(&needed.name, None, &Silent)?;
        return Ok(());
    }
    if needed.missing {
        error::print_plain(&format!(
            "Unable to find image '{}' locally",
            needed.name.familiar()
        ));
    }
    engine.pull(&needed.name, None, &Progress::on_stderr())?;
    Ok(())
}
