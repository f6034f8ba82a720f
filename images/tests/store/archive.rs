//! Archives made byte by byte, so that they can be wrong.

use std::io::Write;

use rbox_images::Digest;
use tar::EntryType;

/// A tar in the making.
#[derive(Default)]
pub struct Tar {
    bytes: Vec<u8>,
}

/// One member; `put` adds it.
#[derive(Clone)]
pub struct Node<'a> {
    pub name: &'a str,
    pub kind: EntryType,
    pub mode: u32,
    pub owner: (u64, u64),
    pub mtime: &'a str,
    pub link: &'a str,
    pub data: &'a [u8],
    pub device: (u32, u32),
    pub xattrs: &'a [(&'a str, &'a [u8])],
}

impl Default for Node<'_> {
    fn default() -> Self {
        Node {
            name: "",
            kind: EntryType::Regular,
            mode: 0o644,
            owner: (0, 0),
            mtime: "1000000000",
            link: "",
            data: b"",
            device: (0, 0),
            xattrs: &[],
        }
    }
}

impl Tar {
    pub fn file(self, name: &str, data: &[u8]) -> Tar {
        self.put(&Node {
            name,
            data,
            ..Node::default()
        })
    }

    pub fn dir(self, name: &str) -> Tar {
        self.put(&Node {
            name,
            kind: EntryType::Directory,
            mode: 0o755,
            ..Node::default()
        })
    }

    pub fn symlink(self, name: &str, link: &str) -> Tar {
        self.put(&Node {
            name,
            kind: EntryType::Symlink,
            link,
            ..Node::default()
        })
    }

    pub fn hardlink(self, name: &str, link: &str) -> Tar {
        self.put(&Node {
            name,
            kind: EntryType::Link,
            link,
            ..Node::default()
        })
    }

    /// Adds a member, what does not fit its header in PAX records.
    pub fn put(mut self, node: &Node<'_>) -> Tar {
        let mut records = Vec::new();
        if node.name.len() > 100 {
            record(&mut records, "path", node.name.as_bytes());
        }
        if node.link.len() > 100 {
            record(&mut records, "linkpath", node.link.as_bytes());
        }
        if node.mtime.parse::<u64>().is_err() {
            record(&mut records, "mtime", node.mtime.as_bytes());
        }
        for (name, value) in node.xattrs {
            record(&mut records, &format!("SCHILY.xattr.{name}"), value);
        }
        if !records.is_empty() {
            let mut header = tar::Header::new_ustar();
            header.set_entry_type(EntryType::XHeader);
            header.set_size(records.len() as u64);
            header.set_cksum();
            self = self.raw(header.as_bytes()).padded(&records);
        }
        let mut header = tar::Header::new_ustar();
        {
            let old = header.as_old_mut();
            fill(&mut old.name, node.name);
            fill(&mut old.linkname, node.link);
        }
        header.set_entry_type(node.kind);
        header.set_mode(node.mode);
        header.set_uid(node.owner.0);
        header.set_gid(node.owner.1);
        header.set_mtime(node.mtime.parse().unwrap_or(0));
        header.set_size(node.data.len() as u64);
        header.set_device_major(node.device.0).unwrap();
        header.set_device_minor(node.device.1).unwrap();
        header.set_cksum();
        self.raw(header.as_bytes()).padded(node.data)
    }

    pub fn raw(mut self, bytes: &[u8]) -> Tar {
        self.bytes.extend_from_slice(bytes);
        self
    }

    fn padded(self, bytes: &[u8]) -> Tar {
        let zeros = bytes.len().next_multiple_of(512) - bytes.len();
        self.raw(bytes).raw(&vec![0; zeros])
    }

    pub fn finish(self) -> Vec<u8> {
        self.raw(&[0; 1024]).bytes
    }
}

fn fill(field: &mut [u8], text: &str) {
    let bytes = &text.as_bytes()[..text.len().min(field.len())];
    field[..bytes.len()].copy_from_slice(bytes);
}

/// Appends one PAX record.
pub fn record(records: &mut Vec<u8>, key: &str, value: &[u8]) {
    let body = key.len() + value.len() + 3;
    let mut length = body + 1;
    while length != body + length.to_string().len() {
        length += 1;
    }
    records.extend_from_slice(format!("{length} {key}=").as_bytes());
    records.extend_from_slice(value);
    records.push(b'\n');
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A config for layers given as plain tars.
pub fn config(layers: &[&[u8]]) -> Vec<u8> {
    let diff_ids: Vec<String> = layers.iter().map(|l| Digest::of(l).to_string()).collect();
    serde_json::json!({
        "architecture": "amd64",
        "os": "linux",
        "created": "2024-01-01T00:00:00Z",
        "config": { "Cmd": ["/bin/sh"] },
        "rootfs": { "type": "layers", "diff_ids": diff_ids },
    })
    .to_string()
    .into_bytes()
}

/// An OCI image layout; `edit` may spoil it.
pub struct Layout {
    pub blobs: Vec<(String, Vec<u8>)>,
    pub manifests: Vec<serde_json::Value>,
}

impl Layout {
    pub fn new() -> Layout {
        Layout {
            blobs: Vec::new(),
            manifests: Vec::new(),
        }
    }

    pub fn blob(&mut self, media_type: &str, bytes: &[u8]) -> serde_json::Value {
        let digest = Digest::of(bytes);
        self.blobs
            .push((format!("blobs/sha256/{}", digest.hex()), bytes.to_vec()));
        serde_json::json!({
            "mediaType": media_type, "digest": digest.to_string(), "size": bytes.len()
        })
    }

    /// Adds an image; `packed` are its layers as stored. Returns its descriptor.
    pub fn image(&mut self, config: &[u8], packed: &[&[u8]]) -> serde_json::Value {
        let config = self.blob("application/vnd.oci.image.config.v1+json", config);
        let layer = "application/vnd.oci.image.layer.v1.tar+gzip";
        let layers: Vec<_> = packed.iter().map(|bytes| self.blob(layer, bytes)).collect();
        let manifest = serde_json::json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": config,
            "layers": layers,
        });
        let text = manifest.to_string();
        self.blob(
            "application/vnd.oci.image.manifest.v1+json",
            text.as_bytes(),
        )
    }

    pub fn named(mut self, mut descriptor: serde_json::Value, name: &str) -> Layout {
        if !name.is_empty() {
            descriptor["annotations"] = serde_json::json!({ "io.containerd.image.name": name });
        }
        self.manifests.push(descriptor);
        self
    }

    pub fn finish(self) -> Vec<u8> {
        let index = serde_json::json!({ "schemaVersion": 2, "manifests": self.manifests });
        let mut tar = Tar::default();
        for (name, bytes) in &self.blobs {
            tar = tar.file(name, bytes);
        }
        tar.file("index.json", index.to_string().as_bytes())
            .file("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)
            .finish()
    }
}
