//! A `.dockerignore` and a path: what is below a hidden directory is hidden, unless a `!` may take
//! it back.

use rbox_images::context::Ignore;

pub(crate) fn run(data: &[u8]) {
    // The first line is a path, the others are the file.
    let end = data.iter().position(|byte| *byte == b'\n');
    let (path, file) = data.split_at(end.unwrap_or(data.len()));
    let ignore = match Ignore::parse(file) {
        Ok(ignore) => ignore,
        Err(error) => return assert!(error.to_string().len() <= 2_000),
    };
    let names = path
        .split(|byte| *byte == b'/')
        .filter(|name| !name.is_empty());
    let mut whole: Vec<u8> = Vec::new();
    let mut sealed = false;
    for name in names.take(20) {
        if !whole.is_empty() {
            whole.push(b'/');
        }
        whole.extend(name);
        let excluded = ignore.excludes(&whole);
        assert!(excluded || !sealed, "{}", String::from_utf8_lossy(&whole));
        sealed |= excluded && !ignore.may_include_below(&whole);
        assert!(!(excluded && ignore.is_empty()));
    }
}
