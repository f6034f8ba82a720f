//! `--device host[:container[:rwm]]`.

use super::Invalid;
use crate::engine::request::DeviceRequest;

/// Reads one device.
pub fn device(text: &str) -> Result<DeviceRequest, Invalid> {
    let parts: Vec<&str> = text.split(':').collect();
    if parts.len() > 3 || parts[0].is_empty() {
        return Err(Invalid(format!("bad format for path: {text}")));
    }
    let host = parts[0];
    let (container, permissions) = match parts[1..] {
        [] => (host, "rwm"),
        [second] if is_mode(second) => (host, second),
        [second] => (second, "rwm"),
        [container, mode, ..] => {
            if !is_mode(mode) {
                return Err(Invalid(format!("bad mode specified: {mode}")));
            }
            (container, mode)
        }
    };
    if !container.starts_with('/') {
        return Err(Invalid(format!("{container} is not an absolute path")));
    }
    Ok(DeviceRequest {
        host_path: host.to_owned(),
        container_path: container.to_owned(),
        permissions: permissions.to_owned(),
    })
}

/// Each of r, w and m at most once.
fn is_mode(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| "rwm".contains(c) && text.matches(c).count() == 1)
}

#[cfg(test)]
mod tests {
    use super::device;

    #[test]
    fn paths_and_permissions_are_optional() {
        for (text, host, container, mode) in [
            ("/dev/null", "/dev/null", "/dev/null", "rwm"),
            ("/dev/null:r", "/dev/null", "/dev/null", "r"),
            ("/dev/null:/dev/x", "/dev/null", "/dev/x", "rwm"),
            ("/dev/null:/dev/x:rw", "/dev/null", "/dev/x", "rw"),
        ] {
            let device = device(text).unwrap();
            assert_eq!(
                (
                    device.host_path.as_str(),
                    device.container_path.as_str(),
                    device.permissions.as_str()
                ),
                (host, container, mode)
            );
        }
        for (text, error) in [
            ("", "bad format for path: "),
            ("/a:/b:r:w", "bad format for path: /a:/b:r:w"),
            ("/a:/b:rr", "bad mode specified: rr"),
            ("relative", "relative is not an absolute path"),
            ("/a:b", "b is not an absolute path"),
        ] {
            assert_eq!(device(text).unwrap_err().0, error);
        }
    }
}
