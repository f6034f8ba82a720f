//! Container ids and names. A name is a symlink to an id: taking one is one
//! atomic syscall, and finding one does not depend on how many there are.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rbox_netsetup::store::directory_lock::DirectoryLock;

use super::dirs::Dirs;
use super::failure::{Context, Failure};
use super::known;
use super::links;
use super::recover;

/// A new id: 64 hexadecimal digits whose short form is not a plain number.
pub fn new_id() -> Result<String, Failure> {
    loop {
        let mut bytes = [0u8; 32];
        rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())
            .context(|| "read random bytes".into())?;
        let id: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        if !id.as_bytes()[..12].iter().all(u8::is_ascii_digit) {
            return Ok(id);
        }
    }
}

/// Docker's rule for names; `shown` is how the text names the bad one.
pub fn check(name: &str, shown: &str) -> Result<(), Failure> {
    let mut bytes = name.bytes();
    let first_ok = bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_alphanumeric());
    let rest_ok = bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
    if first_ok && rest_ok && name.len() >= 2 && name.len() <= 255 {
        return Ok(());
    }
    Err(Failure::new(format!(
        "Invalid container name ({shown}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"
    )))
}

/// Takes `name` for `id`; fails with Docker's text if another container has it.
/// A name whose taker died before its container was made is free.
pub fn reserve(dirs: &Dirs, name: &str, id: &str) -> Result<(), Failure> {
    let link = dirs.names().join(name);
    loop {
        match std::os::unix::fs::symlink(id, &link) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(dirs.names())
                    .context(|| format!("make {}", dirs.names().display()))?;
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let Some(owner) = target(&link) else { continue };
                if recover::sweep_half_made(dirs, &owner)? {
                    continue;
                }
                return Err(conflict(name, &owner));
            }
            Err(error) => {
                return Err(Failure::new(format!("make {}: {error}", link.display())));
            }
        }
    }
}

fn conflict(name: &str, owner: &str) -> Failure {
    Failure::new(format!(
        "Conflict. The container name \"/{name}\" is already in use by container \"{owner}\". You \
         have to remove (or rename) that container to be able to reuse that name."
    ))
}

/// Whether [`reserve`] would fail; takes nothing.
pub fn check_free(dirs: &Dirs, name: &str) -> Result<(), Failure> {
    match target(&dirs.names().join(name)) {
        Some(owner) => Err(conflict(name, &owner)),
        None => Ok(()),
    }
}

/// Takes a random `adjective_surname`.
pub fn reserve_random(dirs: &Dirs, id: &str) -> Result<String, Failure> {
    for attempt in 0..100u32 {
        let name = random(attempt)?;
        if reserve(dirs, &name, id).is_ok() {
            return Ok(name);
        }
    }
    Err(Failure::new("no free random container name found"))
}

/// A random `adjective_surname`; with a digit behind it when that was tried too often.
pub fn random(attempt: u32) -> Result<String, Failure> {
    let mut seed = [0u8; 8];
    rustix::rand::getrandom(&mut seed, rustix::rand::GetRandomFlags::empty())
        .context(|| "read random bytes".into())?;
    let number = usize::try_from(u64::from_le_bytes(seed) >> 16).unwrap_or(0);
    let mut name = format!(
        "{}_{}",
        ADJECTIVES[number % ADJECTIVES.len()],
        SURNAMES[number / ADJECTIVES.len() % SURNAMES.len()]
    );
    if attempt > 5 {
        name.push_str(&(number % 10).to_string());
    }
    Ok(name)
}

/// Gives a name back if `id` still has it.
pub fn release(dirs: &Dirs, name: &str, id: &str) -> Result<(), Failure> {
    give_back(dirs, id, |_| vec![dirs.names().join(name)], remove)
}

/// The same, as part of the removal of a whole directory: what was the name is in there then, to be
/// deleted with the rest. Where an id takes up a block of its own, freeing that has time.
pub fn retire(dirs: &Dirs, name: &str, id: &str, into: &Path) -> Result<(), Failure> {
    let links = |names: &Path| vec![names.join(name)];
    give_back(dirs, id, links, |link| {
        fs::rename(link, into.join("name")).or_else(|_| remove(link))
    })
}

/// Gives every name back that `id` has.
pub fn release_all(dirs: &Dirs, id: &str) -> Result<(), Failure> {
    let links = |names: &Path| {
        let entries = fs::read_dir(names).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect()
    };
    give_back(dirs, id, links, remove)
}

fn remove(link: &Path) -> io::Result<()> {
    fs::remove_file(link)
}

/// Under the directory's lock: between a look at a name and its removal somebody
/// else could give the name back, and a third take it.
fn give_back(
    dirs: &Dirs,
    id: &str,
    links: impl FnOnce(&Path) -> Vec<PathBuf>,
    take_away: impl Fn(&Path) -> io::Result<()>,
) -> Result<(), Failure> {
    let names = dirs.names();
    let lock = DirectoryLock::existing(&names).map_err(|error| Failure::new(error.to_string()))?;
    if lock.is_none() {
        return Ok(());
    }
    for link in links(&names)
        .iter()
        .filter(|link| target(link).as_deref() == Some(id))
    {
        take_away(link).context(|| format!("remove {}", link.display()))?;
    }
    Ok(())
}

/// The id of the container of this name.
pub fn named(dirs: &Dirs, name: &str) -> Option<String> {
    target(&dirs.names().join(name))
}

/// The id that a container is called by: name, full id, an unambiguous prefix, or
/// `CONSUMER/ALIAS` of a link to it.
pub fn resolve(dirs: &Dirs, reference: &str) -> Result<String, Failure> {
    let name = reference.strip_prefix('/').unwrap_or(reference);
    if name.is_empty() {
        return Err(Failure::new("invalid container name or ID: value is empty"));
    }
    if let Some((consumer, alias)) = name.split_once('/') {
        return links::target(dirs, consumer, alias)
            .ok_or_else(|| known::no_such_container(dirs, reference));
    }
    if let Some(id) = named(dirs, name) {
        return Ok(id);
    }
    if !name.bytes().all(|byte| byte.is_ascii_hexdigit()) || name.len() > 64 {
        return Err(known::no_such_container(dirs, reference));
    }
    if name.len() == 64 && dirs.container(name).is_dir() {
        return Ok(name.to_owned());
    }
    let mut found = None;
    for id in ids(&dirs.containers())? {
        if id.starts_with(name) && found.replace(id).is_some() {
            return Err(Failure::new(format!(
                "multiple IDs found with provided prefix: {reference}"
            ))
            .hint("give more digits of the id, or the name"));
        }
    }
    found.ok_or_else(|| known::no_such_container(dirs, reference))
}

/// Ids of all directories below `parent`, in no order.
pub fn ids(parent: &Path) -> Result<Vec<String>, Failure> {
    let entries = match fs::read_dir(parent) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Failure::new(format!("list {}: {error}", parent.display()))),
    };
    Ok(entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.len() == 64)
        .collect())
}

fn target(link: &Path) -> Option<String> {
    fs::read_link(link)
        .ok()?
        .into_os_string()
        .into_string()
        .ok()
}

const ADJECTIVES: &[&str] = &[
    "agile", "amber", "ample", "artful", "awake", "bold", "brave", "breezy", "bright", "brisk",
    "calm", "candid", "clever", "cosmic", "crisp", "curious", "daring", "deft", "eager", "earnest",
    "fair", "fancy", "fearless", "fleet", "fluent", "fond", "frank", "gentle", "gifted", "glad",
    "golden", "grand", "happy", "hardy", "hopeful", "humble", "jolly", "keen", "kind", "lively",
    "lucid", "lucky", "mellow", "merry", "mighty", "modest", "neat", "nimble", "noble", "patient",
    "placid", "polite", "proud", "quick", "quiet", "rapid", "ready", "robust", "serene", "sharp",
    "silent", "sleek", "smart", "snappy", "solid", "steady", "stoic", "sunny", "swift", "tender",
    "tidy", "vivid", "warm", "wise", "witty", "zesty",
];

const SURNAMES: &[&str] = &[
    "abel",
    "ampere",
    "archimedes",
    "avicenna",
    "babbage",
    "banach",
    "bardeen",
    "bell",
    "bohr",
    "boole",
    "born",
    "brahe",
    "cantor",
    "carnot",
    "cauchy",
    "chandrasekhar",
    "church",
    "clarke",
    "curie",
    "dalton",
    "darwin",
    "dijkstra",
    "dirac",
    "edison",
    "einstein",
    "engelbart",
    "euclid",
    "euler",
    "faraday",
    "fermat",
    "fermi",
    "feynman",
    "fourier",
    "franklin",
    "galileo",
    "galois",
    "gauss",
    "germain",
    "goodall",
    "hamilton",
    "hawking",
    "heisenberg",
    "hertz",
    "hilbert",
    "hopper",
    "hypatia",
    "joule",
    "kepler",
    "khayyam",
    "knuth",
    "kovalevskaya",
    "lagrange",
    "lamarr",
    "laplace",
    "leibniz",
    "lovelace",
    "maxwell",
    "mcclintock",
    "meitner",
    "mendel",
    "mendeleev",
    "mirzakhani",
    "newton",
    "noether",
    "ohm",
    "pascal",
    "pasteur",
    "perlman",
    "planck",
    "poincare",
    "ptolemy",
    "raman",
    "ramanujan",
    "riemann",
    "ritchie",
    "shannon",
    "tesla",
    "thompson",
    "torvalds",
    "turing",
    "volta",
    "wiles",
    "wu",
    "yonath",
    "zhukovsky",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn dirs(root: &Path) -> Dirs {
        Dirs {
            root: root.to_owned(),
            run_root: root.join("run"),
        }
    }

    #[test]
    fn names_follow_dockers_rule() {
        for good in ["ab", "a1", "container1", "A_b.c-d", "0x"] {
            assert!(check(good, good).is_ok(), "{good}");
        }
        for bad in ["", "a", "-ab", ".ab", "bad name", "a/b", "ü1"] {
            assert!(check(bad, bad).is_err(), "{bad}");
        }
        assert_eq!(
            check("bad name", "bad name").unwrap_err().message,
            "Invalid container name (bad name), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"
        );
    }

    #[test]
    fn a_taken_name_is_refused_until_it_is_released() {
        let dir = tempfile::tempdir().unwrap();
        let dirs = dirs(dir.path());
        for id in ["aa", "bb"] {
            fs::create_dir_all(dirs.container(id)).unwrap();
            fs::write(dirs.container(id).join("config.json"), "{}").unwrap();
        }
        reserve(&dirs, "web", "aa").unwrap();
        let error = reserve(&dirs, "web", "bb").unwrap_err();
        assert!(
            error
                .message
                .starts_with("Conflict. The container name \"/web\"")
        );
        release(&dirs, "web", "bb").unwrap();
        assert!(
            reserve(&dirs, "web", "bb").is_err(),
            "only the owner releases"
        );
        release(&dirs, "web", "aa").unwrap();
        reserve(&dirs, "web", "bb").unwrap();
    }

    #[test]
    fn a_name_whose_taker_died_before_it_made_a_container_is_free() {
        let dir = tempfile::tempdir().unwrap();
        let dirs = dirs(dir.path());
        reserve(&dirs, "web", "aa").unwrap();
        reserve(&dirs, "web", "bb").unwrap();
        fs::create_dir_all(dirs.container("bb").join("upper")).unwrap();
        let made = fs::File::open(dirs.container("bb")).unwrap();
        made.lock().unwrap();
        std::thread::scope(|scope| {
            let other = scope.spawn(|| reserve(&dirs, "web", "cc"));
            // Its maker is alive: the other one waits until it says that it is whole.
            fs::write(dirs.container("bb").join("config.json"), "{}").unwrap();
            drop(made);
            let error = other.join().unwrap().unwrap_err();
            assert!(
                error.message.contains("in use by container \"bb\""),
                "{error}"
            );
        });
        fs::remove_file(dirs.container("bb").join("config.json")).unwrap();
        reserve(&dirs, "web", "cc").unwrap();
        assert!(!dirs.container("bb").exists());
    }

    #[test]
    fn a_container_is_found_by_name_id_and_unambiguous_prefix() {
        let dir = tempfile::tempdir().unwrap();
        let dirs = dirs(dir.path());
        let first = format!("ab12{}", "0".repeat(60));
        let second = format!("ab13{}", "0".repeat(60));
        for id in [&first, &second] {
            fs::create_dir_all(dirs.container(id)).unwrap();
        }
        reserve(&dirs, "web", &first).unwrap();
        assert_eq!(resolve(&dirs, "web").unwrap(), first);
        assert_eq!(resolve(&dirs, "/web").unwrap(), first);
        assert_eq!(resolve(&dirs, &second).unwrap(), second);
        assert_eq!(resolve(&dirs, "ab13").unwrap(), second);
        let ambiguous = resolve(&dirs, "ab1").unwrap_err();
        assert_eq!(
            ambiguous.message,
            "multiple IDs found with provided prefix: ab1"
        );
        assert_eq!(
            resolve(&dirs, "nosuch").unwrap_err().message,
            "No such container: nosuch"
        );
        assert_eq!(
            resolve(&dirs, "../x").unwrap_err().message,
            "No such container: ../x"
        );
    }
}
