//! This test program inside a container, as the attacker: some attacks are
//! system calls that no shell makes.

use std::path::Path;

use rbox_runtime::spec::defaults;

use super::container::Trial;

/// Names the attack in the container's environment.
const VARIABLE: &str = "RBOX_TEST_ATTACK";

/// A container that runs `attack` of [`crate::attackers`]; it succeeds when the
/// attack was tried and did not succeed.
pub fn attacker(image: &Path, attack: &str) -> Trial {
    let program = std::env::current_exe().unwrap();
    let mut trial = Trial::new(
        image,
        &[
            "/attacker",
            "--exact",
            "attackers::act",
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ],
    );
    trial.process(|process| {
        process.set_env(Some(vec![
            defaults::PATH.to_owned(),
            format!("{VARIABLE}={attack}"),
        ]));
    });
    trial.bind(&program, "/attacker", &["ro"]);
    trial
}

impl Trial {
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
