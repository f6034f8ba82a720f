//! Hooks of all six kinds: when, where and with which state they run.

use std::path::Path;

use oci_spec::runtime::{Hook, Hooks};
use rbox_runtime::lifecycle::{Container, Root, Status};

use crate::lifecycle::{ended, options};
use crate::support::{Trial, alpine, apart};

/// A hook that notes its kind, the state's status and pid, and who it sees.
fn noting(kind: &str, file: &Path) -> Hook {
    let script = format!(
        "read -r state; status=${{state#*status\\\":\\\"}}; pid=${{state#*pid\\\":}}; \
         echo {kind} ${{status%%\\\"*}} ${{pid%%,*}} $(readlink /proc/self/ns/pid) >> {}",
        file.display()
    );
    hook(&script)
}

fn hook(script: &str) -> Hook {
    let mut hook = Hook::default();
    let args = ["sh", "-c", script].map(str::to_owned).to_vec();
    hook.set_path("/bin/sh".into())
        .set_args(Some(args))
        .set_env(Some(vec!["PATH=/bin:/usr/bin".into()]));
    hook
}

#[allow(deprecated, reason = "docker's configurations have this list")]
fn all(file: &Path) -> Hooks {
    let mut hooks = Hooks::default();
    hooks
        .set_prestart(Some(vec![noting("prestart", file)]))
        .set_create_runtime(Some(vec![noting("createRuntime", file)]))
        .set_create_container(Some(vec![noting("createContainer", file)]))
        .set_start_container(Some(vec![noting("startContainer", Path::new("/noted"))]))
        .set_poststart(Some(vec![noting("poststart", file)]))
        .set_poststop(Some(vec![noting("poststop", file)]));
    hooks
}

#[test]
fn all_kinds_run_in_order_with_the_state_and_in_their_namespaces() {
    let Some(image) = alpine("hooks::all_kinds_run_in_order") else {
        return;
    };
    apart("all_kinds_run_in_order", || {
        let mut trial = Trial::new(&image, &["sleep", "100"]);
        let file = trial.extra().join("noted");
        trial.spec.set_hooks(Some(all(&file)));
        let root = Root::new(&trial.extra().join("run"));
        let container = root.create(options(&trial)).unwrap();
        let pid = container.pid();
        let own = std::fs::read_link("/proc/self/ns/pid").unwrap();
        let inside = std::fs::read_link(format!("/proc/{pid}/ns/pid")).unwrap();
        let line = |kind: &str, status: &str, pid: i32, namespace: &Path| {
            format!("{kind} {status} {pid} {}\n", namespace.display())
        };
        let mut expected = line("prestart", "creating", pid, &own)
            + &line("createRuntime", "creating", pid, &own)
            + &line("createContainer", "creating", pid, &inside);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), expected);
        assert!(!trial.upper().join("noted").exists());
        container.start().unwrap();
        assert_eq!(
            std::fs::read_to_string(trial.upper().join("noted")).unwrap(),
            line("startContainer", "created", pid, &inside)
        );
        expected += &line("poststart", "running", pid, &own);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), expected);
        container.kill(9, false).unwrap();
        ended(&container);
        container.delete(false).unwrap();
        expected += &line("poststop", "stopped", 0, &own);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), expected);
        assert_eq!(container.take_warnings(), [""; 0]);
    });
}

#[test]
fn a_failing_hook_before_the_start_leaves_nothing() {
    let Some(image) = alpine("hooks::a_failing_hook_before") else {
        return;
    };
    apart("a_failing_hook_before", || {
        type Setter = fn(&mut Hooks, Option<Vec<Hook>>) -> &mut Hooks;
        let kinds: [(&str, Setter); 2] = [
            ("createRuntime", Hooks::set_create_runtime),
            ("createContainer", Hooks::set_create_container),
        ];
        for (kind, set) in kinds {
            let mut trial = Trial::new(&image, &["sleep", "100"]);
            let mut hooks = Hooks::default();
            set(
                &mut hooks,
                Some(vec![hook("exit 0"), hook("echo no >&2; exit 7")]),
            );
            trial.spec.set_hooks(Some(hooks));
            let run = trial.extra().join("run");
            let error = Root::new(&run)
                .create(options(&trial))
                .unwrap_err()
                .to_string();
            let text = format!(
                "error running {kind} hook #1: /bin/sh: exit status 7, stdout: , stderr: no"
            );
            assert!(error.ends_with(&text), "{error}");
            assert_eq!(std::fs::read_dir(run).unwrap().count(), 0);
        }
    });
}

#[test]
fn a_failing_start_hook_stops_the_container_before_its_program() {
    let Some(image) = alpine("hooks::a_failing_start_hook") else {
        return;
    };
    apart("a_failing_start_hook", || {
        let mut trial = Trial::shell(&image, "touch /ran");
        let mut hooks = Hooks::default();
        hooks.set_start_container(Some(vec![hook("exit 7")]));
        trial.spec.set_hooks(Some(hooks));
        let root = Root::new(&trial.extra().join("run"));
        let container = root.create(options(&trial)).unwrap();
        let error = container.start().unwrap_err().to_string();
        assert!(error.contains("startContainer hook #0"), "{error}");
        ended(&container);
        assert_eq!(container.status(), Status::Stopped);
        container.delete(false).unwrap();
        assert!(!trial.upper().join("ran").exists());
    });
}

#[test]
fn failing_hooks_after_the_start_are_warnings() {
    let Some(image) = alpine("hooks::failing_hooks_after") else {
        return;
    };
    apart("failing_hooks_after", || {
        let mut trial = Trial::new(&image, &["sleep", "100"]);
        let mut hooks = Hooks::default();
        hooks
            .set_poststart(Some(vec![hook("exit 1")]))
            .set_poststop(Some(vec![hook("exit 2"), hook("exit 3")]));
        trial.spec.set_hooks(Some(hooks));
        let root = Root::new(&trial.extra().join("run"));
        let container = root.create(options(&trial)).unwrap();
        container.start().unwrap();
        assert_eq!(container.status(), Status::Running);
        assert_eq!(warnings(&container), 1);
        container.delete(true).unwrap();
        assert_eq!(warnings(&container), 2);
        ended(&container);
    });
}

fn warnings(container: &Container) -> usize {
    container.take_warnings().len()
}

#[test]
fn a_hook_that_hangs_is_killed_at_its_timeout() {
    let Some(image) = alpine("hooks::a_hook_that_hangs") else {
        return;
    };
    apart("a_hook_that_hangs", || {
        let mut trial = Trial::new(&image, &["true"]);
        let mut slow = hook("exec sleep 600");
        slow.set_timeout(Some(1));
        let mut hooks = Hooks::default();
        hooks.set_create_container(Some(vec![slow]));
        trial.spec.set_hooks(Some(hooks));
        let run = trial.extra().join("run");
        let error = Root::new(&run)
            .create(options(&trial))
            .unwrap_err()
            .to_string();
        assert!(
            error.ends_with("ran past timeout of 1s, and was killed"),
            "{error}"
        );
    });
}

#[test]
fn a_hook_inside_inherits_neither_descriptors_nor_environment() {
    let Some(image) = alpine("hooks::a_hook_inside_inherits") else {
        return;
    };
    apart("a_hook_inside_inherits", || {
        let mut trial = Trial::new(&image, &["true"]);
        let mut start = hook("ls /proc/self/fd > /seen; env >> /seen");
        start.set_env(None);
        let mut hooks = Hooks::default();
        hooks.set_start_container(Some(vec![start]));
        trial.spec.set_hooks(Some(hooks));
        let root = Root::new(&trial.extra().join("run"));
        let container = root.create(options(&trial)).unwrap();
        container.start().unwrap();
        ended(&container);
        container.delete(false).unwrap();
        let seen = std::fs::read_to_string(trial.upper().join("seen")).unwrap();
        // The directory that ls reads is its own descriptor 3; the shell's variables are its own.
        let (fds, env) = seen.split_at(seen.find(|c: char| c.is_alphabetic()).unwrap());
        assert_eq!(fds, "0\n1\n2\n3\n");
        for variable in env.lines() {
            let name = variable.split('=').next().unwrap();
            assert!(
                ["PWD", "SHLVL", "_", "OLDPWD"].contains(&name),
                "{variable}"
            );
        }
    });
}
