//! The image of a container to be made: pulled where it is missing or shall be the newest.

use rbox_images::Silent;

use crate::engine::Engine;
use crate::engine::create::CreatedContainer;
use crate::engine::failure::Failure;
use crate::engine::request::{ContainerRequest, PullPolicy};
use crate::output::error;
use crate::output::transfer::Progress;

/// Makes the container, with an image that is pulled where that has to be.
pub fn create(
    engine: &Engine,
    request: &ContainerRequest,
    quiet: bool,
) -> Result<CreatedContainer, Failure> {
    // Nearly always it is there: that is looked at once, by what needs it.
    if request.pull != PullPolicy::Always {
        match engine.create(request) {
            Ok(created) => return Ok(created),
            Err(failure) if engine.image_to_pull(request)?.is_none() => return Err(failure),
            Err(_) => {}
        }
    }
    provide(engine, request, quiet)?;
    engine.create(request)
}

/// Pulls what has to be pulled. All that is said goes to stderr: stdout is the container's.
fn provide(engine: &Engine, request: &ContainerRequest, quiet: bool) -> Result<(), Failure> {
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
