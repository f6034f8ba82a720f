//! Reading what others wrote: never more than it may be.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Bytes that a Compose file or a file of variables may have.
const LONGEST: u64 = 4 << 20;

/// Where files are: the machine's, or what a test says.
pub trait Files {
    /// The text of a file; `-` is standard input.
    ///
    /// # Errors
    /// It cannot be opened or read, is a directory, is too long or not UTF-8.
    fn read(&self, path: &Path) -> io::Result<String>;

    /// Whether there is such a file.
    fn has(&self, path: &Path) -> bool;
}

/// The machine's files.
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<String> {
        if path == Path::new("-") {
            return bounded(io::stdin().lock());
        }
        bounded(File::open(path)?)
    }

    fn has(&self, path: &Path) -> bool {
        path.is_file()
    }
}

fn bounded(from: impl Read) -> io::Result<String> {
    let mut bytes = Vec::new();
    from.take(LONGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST {
        let text = format!("longer than {} MiB", LONGEST >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
    }
    String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not UTF-8 text"))
}

/// The system's words for it, without the number.
pub fn why(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "is a directory".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_bounded_text() {
        assert_eq!(bounded(&b"a: 1"[..]).unwrap(), "a: 1");
        let error = bounded(io::repeat(b'x')).unwrap_err();
        assert_eq!(why(&error), "longer than 4 MiB");
        assert_eq!(why(&bounded(&[0xff][..]).unwrap_err()), "not UTF-8 text");
        assert_eq!(
            why(&Disk.read(Path::new("/")).unwrap_err()),
            "is a directory"
        );
        assert_eq!(
            why(&Disk.read(Path::new("/nosuch")).unwrap_err()),
            "no such file or directory"
        );
    }
}
