//! Which machine an image was built for.

use std::fmt;
use std::str::FromStr;

/// Operating system and processor in OCI's (Go's) names, `linux/arm64/v8`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Platform {
    /// `linux`.
    pub os: String,
    /// `amd64`, `arm64`, `386`, …
    pub architecture: String,
    /// `v7` and the like, where the architecture has several.
    pub variant: Option<String>,
}

/// A platform text that is not `os/architecture[/variant]`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid platform {0:?}: it has the form linux/amd64")]
pub struct PlatformSyntax(String);

impl Platform {
    /// The platform of this binary.
    pub fn host() -> Platform {
        Platform {
            os: "linux".to_owned(),
            architecture: goarch(std::env::consts::ARCH).to_owned(),
            variant: None,
        }
    }

    /// Whether programs built for it run on this machine's processor and kernel.
    pub fn runs_here(&self) -> bool {
        let host = Platform::host();
        // An x86-64 kernel also runs 32-bit programs. Images made by hand often name nothing.
        let processor = self.architecture.is_empty()
            || self.architecture == host.architecture
            || (self.architecture == "386" && host.architecture == "amd64");
        processor && (self.os.is_empty() || self.os == host.os)
    }
}

/// `arm64` alone is Linux on it, and `linux` alone is this machine's processor.
fn from_one_word(word: &str) -> Option<Platform> {
    const ARCHITECTURES: [&str; 12] = [
        "386", "amd64", "arm", "arm64", "loong64", "mips64le", "mipsle", "ppc64", "ppc64le",
        "riscv64", "s390x", "wasm",
    ];
    let host = Platform::host();
    if word == host.os {
        return Some(host);
    }
    let architecture = goarch(word);
    ARCHITECTURES.contains(&architecture).then(|| Platform {
        architecture: architecture.to_owned(),
        ..host
    })
}

fn goarch(arch: &str) -> &str {
    match arch {
        "x86_64" => "amd64",
        "x86" => "386",
        "aarch64" => "arm64",
        "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
        other => other,
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        match &self.variant {
            Some(variant) => write!(f, "/{variant}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Platform {
    type Err = PlatformSyntax;

    fn from_str(text: &str) -> Result<Platform, PlatformSyntax> {
        let wrong = || PlatformSyntax(text.to_owned());
        if let Some(platform) = from_one_word(&text.to_ascii_lowercase()) {
            return Ok(platform);
        }
        let mut parts = text.split('/').map(str::to_ascii_lowercase);
        let mut part = || parts.next().filter(|part| !part.is_empty());
        let os = part().ok_or_else(wrong)?;
        let architecture = part().ok_or_else(wrong)?;
        let variant = part();
        if text.split('/').count() > 3 || text.ends_with('/') {
            return Err(wrong());
        }
        let architecture = goarch(&architecture).to_owned();
        Ok(Platform {
            os,
            architecture,
            variant,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_runs_its_own_images_and_no_foreign_ones() {
        assert!(Platform::host().runs_here());
        assert!(!"linux/s390x".parse::<Platform>().unwrap().runs_here());
        assert!(!"windows/amd64".parse::<Platform>().unwrap().runs_here());
    }

    #[test]
    fn a_platform_reads_as_it_is_written() {
        assert_eq!(
            "linux/arm/v7".parse::<Platform>().unwrap().to_string(),
            "linux/arm/v7"
        );
        assert_eq!(
            "linux/x86_64".parse::<Platform>().unwrap().to_string(),
            "linux/amd64"
        );
        assert_eq!(
            "aarch64".parse::<Platform>().unwrap().to_string(),
            "linux/arm64"
        );
        assert_eq!("linux".parse::<Platform>().unwrap(), Platform::host());
        for bad in ["linus", "linux/", "", "a/b/c/d", "/amd64"] {
            assert!(bad.parse::<Platform>().is_err(), "{bad}");
        }
    }
}
