//! Hooks: those inside run programs of the image, those outside must not hand
//! the caller's descriptors on.

use std::fs::{self, File};
use std::os::fd::OwnedFd;

use oci_spec::runtime::{Hook, Hooks};
use rbox_runtime::lifecycle::Root;
use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};

use crate::lifecycle::{ended, options};
use crate::support::{Trial, alpine, apart};

fn hook(script: &str) -> Hook {
    let mut hook = Hook::default();
    let args = ["sh", "-c", script].map(str::to_owned).to_vec();
    hook.set_path("/bin/sh".into())
        .set_args(Some(args))
        .set_env(Some(vec!["PATH=/bin:/usr/bin".into()]));
    hook
}

fn ran(trial: &Trial) {
    let root = Root::new(&trial.extra().join("run"));
    let container = root.create(options(trial)).unwrap();
    container.start().unwrap();
    ended(&container);
    container.delete(false).unwrap();
}

/// The image's program in place of the hook's has the rights of any other.
#[test]
fn a_hook_inside_has_the_containers_rights() {
    let Some(image) = alpine("attacks_hooks::a_hook_inside_has") else {
        return;
    };
    apart("a_hook_inside_has", || {
        crate::attacks_privileges::fill_our_sets();
        for (user, no_new_privileges) in [(0, false), (0, true), (1000, false)] {
            let rights = "grep -E '^(Uid|Gid|Groups|Cap.*|NoNewPrivs|Seccomp):' /proc/self/status";
            let mut trial = Trial::shell(&image, &format!("{rights} > /tmp/program"));
            trial.user(user, user).process(|process| {
                process.set_no_new_privileges(Some(no_new_privileges));
            });
            let mut hooks = Hooks::default();
            hooks.set_start_container(Some(vec![hook(&format!("{rights} > /tmp/hook"))]));
            trial.spec.set_hooks(Some(hooks));
            ran(&trial);
            let read = |name: &str| fs::read_to_string(trial.upper().join("tmp").join(name));
            let program = read("program").unwrap();
            assert!(program.contains("Seccomp:\t2"), "{program}");
            assert_eq!(read("hook").unwrap(), program);
        }
    });
}

#[test]
fn no_hook_inherits_a_descriptor_of_the_caller() {
    let Some(image) = alpine("attacks_hooks::no_hook_inherits") else {
        return;
    };
    apart("no_hook_inherits", || {
        let directory = File::open("/etc").unwrap();
        let leaks: Vec<OwnedFd> = [5, 9, 40]
            .map(|number| fcntl_dupfd_cloexec(&directory, number).unwrap())
            .into();
        for leak in &leaks {
            fcntl_setfd(leak, FdFlags::empty()).unwrap();
        }
        let mut trial = Trial::new(&image, &["true"]);
        let noted = trial.extra().join("noted");
        let note = |file: &str| vec![hook(&format!("ls -l /proc/self/fd >> {file}"))];
        let outside = || Some(note(noted.to_str().unwrap()));
        let mut hooks = Hooks::default();
        hooks
            .set_create_runtime(outside())
            .set_create_container(outside())
            .set_start_container(Some(note("/noted")))
            .set_poststart(outside())
            .set_poststop(outside());
        trial.spec.set_hooks(Some(hooks));
        ran(&trial);
        let mut seen = fs::read_to_string(&noted).unwrap();
        assert_eq!(seen.matches("total").count(), 4, "{seen}");
        seen += &fs::read_to_string(trial.upper().join("noted")).unwrap();
        assert!(!seen.contains("/etc"), "{seen}");
        drop(leaks);
    });
}
