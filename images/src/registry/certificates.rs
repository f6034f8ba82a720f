//! Whom to trust: the system's certificate authorities, and for a registry those of its directory,
//! `/etc/docker/certs.d/HOST[:PORT]/` (Docker's "Verify repository client with certificates").
//!
//! ```text
//!  *.crt                   further authorities
//!  NAME.cert, NAME.key     who this machine is
//! ```

use std::path::{Path, PathBuf};

use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, parse_pem};

use super::RegistryError;

/// The most that is read of a file, bytes.
const LARGEST: u64 = 1024 * 1024;

/// What a registry's directories hold.
#[derive(Debug, Default)]
pub(super) struct Own {
    pub(super) authorities: Vec<Certificate<'static>>,
    pub(super) client: Option<ClientCert>,
}

impl Own {
    /// Of `authority` (`host[:port]`) below each of `directories`.
    pub(super) fn read(directories: &[PathBuf], authority: &str) -> Result<Own, RegistryError> {
        let mut own = Own::default();
        for directory in directories {
            own.add(&directory.join(authority))?;
        }
        Ok(own)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.authorities.is_empty() && self.client.is_none()
    }

    fn add(&mut self, directory: &Path) -> Result<(), RegistryError> {
        let entries = match std::fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(problem(directory, error)),
        };
        let mut paths: Vec<PathBuf> = entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()
            .map_err(|error| problem(directory, error))?;
        paths.sort();
        for path in paths {
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("crt") => self.authorities.extend(certificates(&path)?),
                Some("cert") => {
                    let key = path.with_extension("key");
                    if !key.exists() {
                        return Err(problem(
                            &path,
                            format!(
                                "missing key {} for client certificate; CA certificates must use \
                                 the extension .crt",
                                key.display()
                            ),
                        ));
                    }
                    let chain = certificates(&path)?;
                    self.client = Some(ClientCert::new_with_certs(&chain, private_key(&key)?));
                }
                Some("key") if !path.with_extension("cert").exists() => {
                    return Err(problem(
                        &path,
                        format!(
                            "missing client certificate {} for key",
                            path.with_extension("cert").display()
                        ),
                    ));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The system's authorities; none where it has none.
pub(super) fn system() -> Vec<Certificate<'static>> {
    // A file of the bundle that cannot be read leaves the others.
    rustls_native_certs::load_native_certs()
        .certs
        .iter()
        .map(|der| Certificate::from_der(der).to_owned())
        .collect()
}

fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>, RegistryError> {
    let mut found = Vec::new();
    for item in parse_pem(&read(path)?) {
        if let PemItem::Certificate(certificate) = item.map_err(|error| problem(path, error))? {
            found.push(certificate);
        }
    }
    if found.is_empty() {
        return Err(problem(path, "no certificate in PEM form"));
    }
    Ok(found)
}

fn private_key(path: &Path) -> Result<PrivateKey<'static>, RegistryError> {
    for item in parse_pem(&read(path)?) {
        if let PemItem::PrivateKey(key) = item.map_err(|error| problem(path, error))? {
            return Ok(key);
        }
    }
    Err(problem(path, "no private key in PEM form"))
}

fn read(path: &Path) -> Result<Vec<u8>, RegistryError> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| problem(path, error))?;
    file.take(LARGEST)
        .read_to_end(&mut bytes)
        .map_err(|error| problem(path, error))?;
    Ok(bytes)
}

fn problem(path: &Path, problem: impl std::fmt::Display) -> RegistryError {
    RegistryError::Certificates {
        path: path.display().to_string(),
        problem: problem.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_authorities_and_a_pair() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("reg.test:5000");
        std::fs::create_dir(&directory).unwrap();
        let pair = rcgen::generate_simple_self_signed(vec!["reg.test".to_owned()]).unwrap();
        let write = |name: &str, text: String| std::fs::write(directory.join(name), text).unwrap();
        let roots = [root.path().to_owned()];
        assert!(Own::read(&roots, "other.test").unwrap().is_empty());

        write("ca.crt", pair.cert.pem());
        write("client.cert", pair.cert.pem());
        let error = Own::read(&roots, "reg.test:5000").unwrap_err().to_string();
        assert!(
            error.contains("missing key") && error.contains("client.key"),
            "{error}"
        );
        write("client.key", pair.signing_key.serialize_pem());
        let own = Own::read(&roots, "reg.test:5000").unwrap();
        assert_eq!(own.authorities.len(), 1);
        assert!(own.client.is_some());

        write("bad.crt", "not PEM".to_owned());
        let error = Own::read(&roots, "reg.test:5000").unwrap_err().to_string();
        assert!(
            error.ends_with("bad.crt: no certificate in PEM form"),
            "{error}"
        );
    }
}
