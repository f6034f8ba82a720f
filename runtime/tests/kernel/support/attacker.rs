//! This test program inside a container, as the attacker: some attacks are
//! system calls that no shell makes.

use std::path::Path;

use rbox_runtime::security::capabilities;
use rbox_runtime::spec::defaults;

use super::container::Trial;

/// Names the attack in the container's environment.
const VARIABLE: &str = "RBOX_TEST_ATTACK";

/// What makes this program run [`crate::attackers::act`] and nothing else.
pub const ARGUMENTS: [&str; 5] = [
    "--exact",
    "attackers::act",
    "--ignored",
    "--nocapture",
    "--test-threads=1",
];

/// A container that runs `attack` of [`crate::attackers`]; it succeeds when the
/// attack was tried and did not succeed.
pub fn attacker(image: &Path, attack: &str) -> Trial {
    let mut trial = Trial::new(image, &[]);
    set_attack(&mut trial, attack, "/attacker");
    trial.bind(&std::env::current_exe().unwrap(), "/attacker", &["ro"]);
    trial
}

/// Makes `attack`, by this program at `path` inside, what the container runs.
pub fn set_attack(trial: &mut Trial, attack: &str, path: &str) {
    let mut args = vec![path];
    args.extend(ARGUMENTS);
    trial.args(&args);
    trial.process(|process| {
        process.set_env(Some(vec![
            defaults::PATH.to_owned(),
            format!("{VARIABLE}={attack}"),
        ]));
    });
}

impl Trial {
    /// Runs an [`attacker`] with every capability and no filter: that it
    /// succeeds there shows that it is one.
    pub fn succumbs(&mut self) {
        let all: Vec<_> = capabilities::available().into_iter().collect();
        self.process(|process| {
            process.set_capabilities(Some(capabilities::process_sets(&all, 0)));
        });
        self.linux(|linux| {
            linux.set_seccomp(None);
        });
        let outcome = self.run();
        let attacked = outcome.stderr.contains("it succeeded with");
        assert!(attacked && outcome.code == 101, "{outcome:?}");
    }

    /// Runs an [`attacker`] and fails with what it says when the attack succeeded.
    pub fn withstands(&self) {
        let outcome = self.run();
        let tried = outcome.stdout.contains("1 passed");
        assert!(
            tried && outcome.code == 0,
            "{}{}",
            outcome.stdout,
            outcome.stderr
        );
    }
}

/// The attack that this process was started for; `None` outside of a container.
pub fn attack_of() -> Option<String> {
    std::env::var(VARIABLE).ok()
}
