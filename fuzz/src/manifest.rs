//! A manifest and a config, as a registry or an archive has them: an image or an error, and every
//! digest is one.

use rbox_images::check_image;

pub(crate) fn run(data: &[u8]) {
    // The manifest, a blank line, the config.
    let at = data.windows(2).position(|two| two == b"\n\n");
    let (manifest, config) = data.split_at(at.unwrap_or(data.len()));
    match check_image(manifest, config) {
        Ok(layers) => {
            assert!(layers.len() <= 500);
            for digest in layers {
                let hex = digest.as_str().strip_prefix("sha256:").unwrap();
                assert!(hex.len() == 64 && hex.chars().all(|c| c.is_ascii_hexdigit()));
            }
        }
        Err(error) => assert!(error.to_string().len() <= 12 * data.len() + 400),
    }
}
