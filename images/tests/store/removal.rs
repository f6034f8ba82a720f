//! Names given and taken away, and what goes with the last one.

use rbox_images::{Digest, ImageUser, Removed};

use crate::archive::{Layout, Tar, config};
use crate::{Bench, names};

fn untagged(name: &str) -> Removed {
    Removed::Untagged(name.to_owned())
}

fn deleted(id: &str) -> Removed {
    Removed::Deleted(id.to_owned())
}

fn tar(text: &str) -> Vec<u8> {
    Tar::default().file("f", text.as_bytes()).finish()
}

fn user(image_id: &str, running: bool) -> ImageUser {
    ImageUser {
        container_id: "0d518390f8f14b16".to_owned(),
        running,
        image_id: image_id.to_owned(),
    }
}

#[test]
fn the_last_name_takes_image_blobs_and_layer_along() {
    let Some(bench) = Bench::new("the_last_name_takes_image_blobs_and_layer_along") else {
        return;
    };
    let id = bench.import(&tar("1"), "a");
    bench
        .store
        .tag("a", &"reg.test:5000/a/b:c".parse().unwrap())
        .unwrap();
    let one = bench.remove("reg.test:5000/a/b:c", false, &[]).unwrap();
    assert_eq!(one, [untagged("reg.test:5000/a/b:c")]);
    let all = bench.remove("a", false, &[]).unwrap();
    let layer = Digest::of(&tar("1")).to_string();
    assert_eq!(all, [untagged("a:latest"), deleted(&id), deleted(&layer)]);
    bench.assert_empty();
    let error = bench.remove("a", false, &[]).unwrap_err().to_string();
    assert_eq!(error, "No such image: a:latest");
}

#[test]
fn a_layer_that_another_image_has_too_stays() {
    let Some(bench) = Bench::new("a_layer_that_another_image_has_too_stays") else {
        return;
    };
    let first = bench.import(&tar("1"), "a");
    let second = bench.import(&tar("1"), "b");
    assert_ne!(first, second);
    assert_eq!(
        bench.remove("a", false, &[]).unwrap(),
        [untagged("a:latest"), deleted(&first)]
    );
    assert!(bench.tree("b").join("f").exists());
    assert_eq!(names(&bench.root().join("layers")).len(), 1);
    bench.remove(&second[7..], false, &[]).unwrap();
    bench.assert_empty();
}

#[test]
fn stacks_of_layers_are_named_by_chain_from_the_top() {
    let Some(bench) = Bench::new("stacks_of_layers_are_named_by_chain_from_the_top") else {
        return;
    };
    let (low, high) = (tar("low"), tar("high"));
    let mut layout = Layout::new();
    let image = layout.image(&config(&[&low, &high]), &[&low, &high]);
    let id = Digest::of(&config(&[&low, &high])).to_string();
    bench
        .store
        .load(&layout.named(image, "two").finish()[..])
        .unwrap();
    let base = Digest::of(&low).to_string();
    let chain = Digest::of(format!("{base} {}", Digest::of(&high)).as_bytes()).to_string();
    assert_eq!(
        bench.remove("two", false, &[]).unwrap(),
        [
            untagged("two:latest"),
            deleted(&id),
            deleted(&chain),
            deleted(&base)
        ]
    );
    bench.assert_empty();
}

#[test]
fn what_a_container_needs_stays_until_the_container_is_gone() {
    let Some(bench) = Bench::new("what_a_container_needs_stays_until_the_container_is_gone") else {
        return;
    };
    let id = bench.import(&tar("1"), "a");
    let stopped = [user(&id, false)];
    let error = bench.remove("a", false, &stopped).unwrap_err().to_string();
    assert!(
        error.starts_with("conflict: unable to remove repository reference \"a\""),
        "{error}"
    );
    assert_eq!(
        bench.remove("a", true, &stopped).unwrap(),
        [untagged("a:latest"), deleted(&id)]
    );
    assert!(bench.store.get("a").is_err() && bench.store.get(&id).is_err());
    let kept = bench.store.get_kept(&id).unwrap();
    assert!(kept.layers[0].join("f").exists());
    bench.collect(&stopped);
    assert!(kept.layers[0].join("f").exists());
    bench.collect(&[]);
    assert!(bench.store.get_kept(&id).is_err());
    bench.assert_empty();
}

#[test]
fn an_image_whose_name_went_to_another_is_listed_without_one() {
    let Some(bench) = Bench::new("an_image_whose_name_went_to_another_is_listed_without_one")
    else {
        return;
    };
    let old = bench.import(&tar("1"), "a");
    let new = bench.import(&tar("2"), "a");
    let listed: Vec<_> = bench
        .store
        .list()
        .unwrap()
        .into_iter()
        .map(|i| (i.id, i.references))
        .collect();
    assert_eq!(
        listed,
        [
            (new.clone(), vec!["a:latest".to_owned()]),
            (old.clone(), Vec::new())
        ]
    );
    bench.remove(&old, false, &[]).unwrap();
    bench.store.tag(&new[7..19], &"b".parse().unwrap()).unwrap();
    assert_eq!(bench.store.get("b").unwrap().id, new);
    let error = bench
        .store
        .tag("nosuch", &"x".parse().unwrap())
        .unwrap_err()
        .to_string();
    assert_eq!(error, "No such image: nosuch:latest");
}

#[test]
fn a_name_goes_while_someone_imports_and_the_rest_goes_later() {
    let Some(bench) = Bench::new("a_name_goes_while_someone_imports_and_the_rest_goes_later")
    else {
        return;
    };
    let id = bench.import(&tar("1"), "a");
    let (mut feed, from) = std::io::pipe().map(|(from, feed)| (feed, from)).unwrap();
    std::thread::scope(|scope| {
        let importing = scope.spawn(|| bench.store.import(from, &crate::named("b")).unwrap());
        // Its session has begun once its directory is there.
        use std::io::Write as _;
        let bytes = tar("2");
        feed.write_all(&bytes[..600]).unwrap();
        while names(&bench.root().join("tmp")).is_empty() {
            std::thread::yield_now();
        }
        assert_eq!(bench.remove("a", false, &[]).unwrap()[1], deleted(&id));
        assert_eq!(names(&bench.root().join("layers")).len(), 1);
        feed.write_all(&bytes[600..]).unwrap();
        drop(feed);
        importing.join().unwrap();
    });
    bench.collect(&[]);
    assert_eq!(
        names(&bench.root().join("layers")),
        [Digest::of(&tar("2")).hex()]
    );
    bench.remove("b", false, &[]).unwrap();
    bench.assert_empty();
}
