//! Archives made member by member, so that they can be wrong.

/// A tar in the making.
#[derive(Default)]
pub struct Tar {
    bytes: Vec<u8>,
}

impl Tar {
    /// Goes on after the members of another tar.
    pub fn after(mut bytes: Vec<u8>) -> Tar {
        let end = bytes
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |last| last + 1);
        bytes.resize(end.next_multiple_of(512), 0);
        Tar { bytes }
    }

    pub fn file(self, name: &str, data: &[u8]) -> Tar {
        self.member(name, b'0', 0o644, "", data)
    }

    pub fn directory(self, name: &str) -> Tar {
        self.member(name, b'5', 0o755, "", b"")
    }

    pub fn symlink(self, name: &str, target: &str) -> Tar {
        self.member(name, b'2', 0o777, target, b"")
    }

    pub fn hardlink(self, name: &str, target: &str) -> Tar {
        self.member(name, b'1', 0o644, target, b"")
    }

    /// The bytes, ended as a tar is.
    pub fn finish(mut self) -> Vec<u8> {
        self.bytes.extend([0; 1024]);
        self.bytes
    }

    fn member(mut self, name: &str, kind: u8, mode: u32, link: &str, data: &[u8]) -> Tar {
        let mut header = [0u8; 512];
        let mut put = |at: usize, text: &str| {
            header[at..at + text.len()].copy_from_slice(text.as_bytes());
        };
        assert!(
            name.len() <= 100 && link.len() <= 100,
            "too long for a plain header"
        );
        put(0, name);
        put(100, &format!("{mode:07o}"));
        put(108, "0000000");
        put(116, "0000000");
        put(124, &format!("{:011o}", data.len()));
        put(136, "07000000000");
        put(148, "        ");
        put(157, link);
        put(257, "ustar\u{0}00");
        header[156] = kind;
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        self.bytes.extend(header);
        self.bytes.extend(data);
        self.bytes.resize(self.bytes.len().next_multiple_of(512), 0);
        self
    }
}
