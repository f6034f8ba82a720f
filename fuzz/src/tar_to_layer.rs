//! A tar as a layer: it is refused and leaves nothing, or becomes a tree that packs to a layer and
//! back to the same one. Nothing beside the store is touched.

use std::fs;
use std::path::Path;

use rbox_images::{IdShift, ImportOptions, Layer, Store};

/// Files that claim more are not packed: holes are written out.
const SMALL: u64 = 1 << 20;

pub(crate) fn run(data: &[u8]) {
    let base = tempfile::tempdir().unwrap();
    fs::write(base.path().join("prey"), "untouched").unwrap();
    let root = base.path().join("images");
    let store = Store::open(&root).unwrap();
    let imported = store.import(data, &ImportOptions::default());
    let image = match imported {
        Ok(id) => Some(store.get(&id).unwrap()),
        Err(error) => {
            assert!(error.to_string().len() <= 2000);
            None
        }
    };
    let layers = fs::read_dir(root.join("layers")).unwrap().count();
    assert_eq!(layers, usize::from(image.is_some()));
    assert_eq!(fs::read_dir(root.join("tmp")).unwrap().count(), 0);
    if let Some(image) = image {
        let tree = &image.layers[0];
        if apparent(tree) <= SMALL
            && let Ok(once) = packed(&store, tree)
        {
            let again = root.join("layers").join(once.diff_id.hex()).join("fs");
            assert_eq!(packed(&store, &again).unwrap(), once);
        }
    }
    let beside: Vec<_> = fs::read_dir(base.path()).unwrap().collect();
    assert_eq!(beside.len(), 2);
    let prey = fs::read_to_string(base.path().join("prey")).unwrap();
    assert_eq!(prey, "untouched");
}

fn packed(store: &Store, tree: &Path) -> Result<Layer, String> {
    let layer = store.commit_copy(tree, &IdShift::default());
    layer.map_err(|error| error.to_string())
}

fn apparent(tree: &Path) -> u64 {
    let entries = fs::read_dir(tree).unwrap();
    let sizes = entries.map(|entry| {
        let path = entry.unwrap().path();
        let stat = path.symlink_metadata().unwrap();
        match stat.is_dir() {
            true => apparent(&path),
            false => stat.len(),
        }
    });
    sizes.fold(0, u64::saturating_add)
}
