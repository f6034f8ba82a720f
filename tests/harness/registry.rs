//! Debian's docker-registry on loopback of the test's own host, and images put into it part by
//! part, so that they can be wrong.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use rbox_images::{Digest, Platform};
use serde_json::{Value, json};

use super::beside::Daemon;
use super::client::installed;
use super::host::Host;
use super::images::archive;
use super::skip;
use super::tar::Tar;
use super::wait::wait_until;

/// `MANIFEST` and the like are OCI's media types.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// A list of manifests.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// An image's config.
pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// A layer.
pub const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// A registry at `localhost:5000`, ended with the test.
pub struct Registry {
    _daemon: Daemon,
    address: String,
}

impl Registry {
    /// `None` after saying why there is none.
    pub fn start(host: &Host, test: &str) -> Option<Registry> {
        Registry::with(host, test, 5000, "")
    }

    /// With settings of its own below `http:` and after it, in docker-registry's YAML.
    pub fn with(host: &Host, test: &str, port: u16, settings: &str) -> Option<Registry> {
        if !installed(&["docker-registry"], test) {
            return None;
        }
        let address = format!("127.0.0.1:{port}");
        let data = host.scratch().join(format!("registry-{port}"));
        let config = format!(
            "version: 0.1\nlog: {{level: error}}\n\
             storage: {{filesystem: {{rootdirectory: {}}}, delete: {{enabled: true}}}}\n\
             http:\n  addr: {address}\n{settings}\n",
            data.display()
        );
        let config = host.write(&format!("registry-{port}.yml"), &config);
        let daemon = Daemon::start(host, &["docker-registry", "serve", &config]);
        if !wait_until(20, || TcpStream::connect(&address).is_ok()) {
            skip(
                test,
                &format!("docker-registry does not start here: {}", daemon.said()),
            );
            return None;
        }
        Some(Registry {
            _daemon: daemon,
            address,
        })
    }

    /// `127.0.0.1:5000`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Puts a blob into a repository; its descriptor.
    pub fn blob(&self, repository: &str, media_type: &str, bytes: &[u8]) -> Value {
        let digest = Digest::of(bytes).to_string();
        let opened = self.request(
            "POST",
            &format!("/v2/{repository}/blobs/uploads/"),
            &[],
            b"",
        );
        let place = opened.header("Location").expect("no upload was opened");
        let place = place.split_once(&self.address).map_or(&*place, |(_, p)| p);
        let joint = if place.contains('?') { '&' } else { '?' };
        let path = format!("{place}{joint}digest={digest}");
        let put = self.request("PUT", &path, &[], bytes);
        assert_eq!(put.status, 201, "{}", put.text());
        json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() })
    }

    /// Puts a manifest or list under a tag; its descriptor.
    pub fn manifest(&self, name: &str, media_type: &str, content: &Value) -> Value {
        let (repository, tag) = name.split_once(':').unwrap();
        let bytes = serde_json::to_vec(content).unwrap();
        let path = format!("/v2/{repository}/manifests/{tag}");
        let put = self.request("PUT", &path, &[("Content-Type", media_type)], &bytes);
        assert_eq!(put.status, 201, "{}", put.text());
        json!({ "mediaType": media_type, "digest": Digest::of(&bytes).to_string(),
                "size": bytes.len() })
    }

    /// Puts a whole image under a tag; the descriptor of its manifest.
    pub fn image(&self, name: &str, image: &Parts) -> Value {
        let (repository, _) = name.split_once(':').unwrap();
        let layers: Vec<Value> = image
            .layers
            .iter()
            .map(|(media_type, packed)| self.blob(repository, media_type, packed))
            .collect();
        let config = serde_json::to_vec(&image.config).unwrap();
        let config = self.blob(repository, &image.config_type, &config);
        let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config,
                               "layers": layers });
        self.manifest(name, MANIFEST, &manifest)
    }

    /// The manifest that a tag has.
    pub fn manifest_of(&self, name: &str) -> (Digest, Value) {
        let bytes = self.manifest_bytes(name);
        let value = serde_json::from_slice(&bytes).unwrap();
        (Digest::of(&bytes), value)
    }

    /// Its bytes.
    pub fn manifest_bytes(&self, name: &str) -> Vec<u8> {
        let (repository, tag) = name.split_once(':').unwrap();
        let path = format!("/v2/{repository}/manifests/{tag}");
        let accept = format!(
            "{MANIFEST}, {INDEX}, application/vnd.docker.distribution.manifest.v2+json, \
             application/vnd.docker.distribution.manifest.list.v2+json"
        );
        let got = self.request("GET", &path, &[("Accept", &accept)], b"");
        assert_eq!(got.status, 200, "{}", got.text());
        got.body
    }

    fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut head = format!(
            "{method} {path} HTTP/1.0\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n",
            self.address,
            body.len()
        );
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        Answer::read(stream)
    }
}

/// What a registry answered.
pub struct Answer {
    /// `200`.
    pub status: u16,
    /// The status line and the headers, each with its end of line.
    pub head: String,
    /// Everything after.
    pub body: Vec<u8>,
}

impl Answer {
    /// Reads a whole answer whose end is that of the connection, or that is told by its length.
    pub fn read(stream: TcpStream) -> Answer {
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        while reader.read_line(&mut head).unwrap() > 2 {}
        let status = head.split(' ').nth(1).unwrap_or_default();
        let mut answer = Answer {
            status: status.parse().unwrap_or_default(),
            head,
            body: Vec::new(),
        };
        let length = answer.header("Content-Length").map(|text| text.parse());
        match length {
            Some(length) => {
                reader
                    .take(length.unwrap())
                    .read_to_end(&mut answer.body)
                    .unwrap();
            }
            None => {
                reader.read_to_end(&mut answer.body).unwrap();
            }
        }
        answer
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<String> {
        header(&self.head, name)
    }

    fn text(&self) -> String {
        format!("{}{}", self.head, String::from_utf8_lossy(&self.body))
    }
}

/// A header's value in a head.
pub fn header(head: &str, name: &str) -> Option<String> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found
            .eq_ignore_ascii_case(name)
            .then(|| value.trim().to_owned())
    })
}

/// An image in parts.
#[derive(Clone)]
pub struct Parts {
    /// Media type and packed bytes, lowest first.
    pub layers: Vec<(String, Vec<u8>)>,
    /// What it says about itself.
    pub config: Value,
    /// The media type of that.
    pub config_type: String,
}

impl Parts {
    /// An image of one gzipped layer for each tar, that runs nothing.
    pub fn of(tars: &[Vec<u8>]) -> Parts {
        let diff_ids: Vec<String> = tars.iter().map(|tar| Digest::of(tar).to_string()).collect();
        Parts {
            layers: tars.iter().map(|tar| (LAYER.into(), gzip(tar))).collect(),
            config: json!({ "architecture": Platform::host().architecture, "os": "linux",
                            "config": { "Cmd": ["/bin/true"] },
                            "rootfs": { "type": "layers", "diff_ids": diff_ids } }),
            config_type: CONFIG.into(),
        }
    }

    /// Two small layers, the second with a file of `size` bytes that do not pack well.
    pub fn plain(size: usize) -> Parts {
        let one = Tar::default()
            .directory("etc/")
            .file("etc/one", b"1\n")
            .finish();
        let two = Tar::default().file("two", &noise(size)).finish();
        Parts::of(&[one, two])
    }

    /// The image `alpine` of the other stories.
    pub fn alpine() -> Parts {
        let packed = std::fs::read(archive("alpine-3.23.tar.gz")).unwrap();
        let mut tar = Vec::new();
        flate2::read::MultiGzDecoder::new(&*packed)
            .read_to_end(&mut tar)
            .unwrap();
        let mut parts = Parts::of(&[tar]);
        parts.layers[0].1 = packed;
        parts.config["config"]["Cmd"] = json!(["/bin/sh"]);
        parts
    }

    /// For another processor.
    pub fn architecture(mut self, architecture: &str) -> Parts {
        self.config["architecture"] = architecture.into();
        self
    }
}

/// Packed by gzip.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Bytes that look random and are the same each time.
pub fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let step = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..size).map(step).collect()
}
