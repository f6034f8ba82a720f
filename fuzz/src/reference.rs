//! Image names: what is understood is told back in the same words, and names no other file.

use rbox_images::Reference;

pub(crate) fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match text.parse::<Reference>() {
        Ok(name) => {
            assert_eq!(name.to_string().parse(), Ok(name.clone()));
            assert_eq!(name.familiar().parse(), Ok(name.clone()));
            assert!(name.tag().is_some() || name.digest().is_some());
            assert!(!name.path().is_empty() && name.path().len() <= 255);
            // It becomes a part of URLs.
            let parts: Vec<&str> = name.path().split('/').collect();
            assert!(!parts.iter().any(|part| matches!(*part, "" | "." | "..")));
            let plain = |c: char| c.is_ascii_graphic() && !"?#%\\".contains(c);
            assert!(name.to_string().chars().all(plain), "{name}");
        }
        Err(error) => assert!(error.to_string().len() <= 4 * text.len() + 200),
    }
    if let Ok(bare) = Reference::parse_bare(&text) {
        assert_eq!(text.parse(), Ok(bare.with_default_tag()));
    }
}
