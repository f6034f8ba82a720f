//! The build cache: what it leads to stays, and what it led to goes with it.

use rbox_images::{CacheRecord, Digest};

use crate::archive::Tar;
use crate::{Bench, names};

fn key(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

fn record(diff_id: Option<&Digest>, created: i64) -> CacheRecord {
    CacheRecord {
        diff_id: diff_id.map(Digest::to_string),
        step: "RUN true".to_owned(),
        created,
    }
}

fn tar(text: &str) -> Vec<u8> {
    Tar::default().file("f", text.as_bytes()).finish()
}

#[test]
fn a_cached_layer_outlives_its_image_and_goes_with_its_record() {
    let Some(bench) = Bench::new("a_cached_layer_outlives_its_image_and_goes_with_its_record")
    else {
        return;
    };
    let layer = Digest::of(&tar("1"));
    bench.import(&tar("1"), "a");
    let made = record(Some(&layer), 1000);
    bench.store.cache_put(&key("step"), &made).unwrap();
    bench.remove("a", false, &[]).unwrap();
    assert_eq!(names(&bench.root().join("layers")), [layer.hex()]);
    assert_eq!(bench.store.cache_get(&key("step")), Some(made));
    let listed = bench.store.cache_list().unwrap();
    assert_eq!((listed[0].size, listed[0].uses), (1, 1));
    assert!(listed[0].last_used > 1000);

    let none = bench.store.cache_prune(&|_| false, &|| Ok(Vec::new()));
    assert!(none.unwrap().entries.is_empty());
    let all = bench.store.cache_prune(&|_| true, &|| Ok(Vec::new()));
    let all = all.unwrap();
    assert_eq!((all.entries.len(), all.swept.bytes), (1, 1));
    assert_eq!(bench.store.cache_get(&key("step")), None);
    bench.assert_empty();
}

#[test]
fn a_record_without_its_layer_is_no_hit() {
    let Some(bench) = Bench::new("a_record_without_its_layer_is_no_hit") else {
        return;
    };
    let gone = record(Some(&Digest::of(b"gone")), 1);
    bench.store.cache_put(&key("gone"), &gone).unwrap();
    assert_eq!(bench.store.cache_get(&key("gone")), None);
    let nothing = record(None, 1);
    bench.store.cache_put(&key("nothing"), &nothing).unwrap();
    assert_eq!(bench.store.cache_get(&key("nothing")), Some(nothing));
    assert_eq!(bench.store.cache_get(&key("never")), None);
}

#[test]
fn damaged_records_are_no_hits_and_go_at_the_next_prune() {
    let Some(bench) = Bench::new("damaged_records_are_no_hits_and_go_at_the_next_prune") else {
        return;
    };
    bench.import(&tar("1"), "a");
    bench
        .store
        .cache_put(&key("good"), &record(None, 1))
        .unwrap();
    let cache = bench.root().join("cache");
    let path = |text: &str| cache.join(format!("{}.json", key(text).hex()));
    std::fs::write(path("cut"), "{\"diff_id\":").unwrap();
    let outside = r#"{"diff_id":"sha256:../../outside","step":"RUN","created":1}"#;
    std::fs::write(path("outside"), outside).unwrap();
    std::fs::write(cache.join("README"), "not ours").unwrap();
    for damaged in ["cut", "outside"] {
        assert_eq!(bench.store.cache_get(&key(damaged)), None, "{damaged}");
    }
    assert_eq!(bench.store.cache_list().unwrap().len(), 1);
    bench
        .store
        .cache_prune(&|_| false, &|| Ok(Vec::new()))
        .unwrap();
    let mut left = vec![format!("{}.json", key("good").hex()), "README".to_owned()];
    left.sort();
    assert_eq!(names(&cache), left);
    bench.assert_clean();
}
