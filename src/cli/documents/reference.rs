//! docs/cli.md: the help of every command.

use crate::cli::{catalog, help};

#[test]
fn the_reference_is_the_help_of_all_commands() {
    let mut commands = catalog::commands();
    commands.sort_by_key(|(name, _)| *name);
    let mut text = format!(
        "# Command line\n\nWhat `--help` says, of every command; `rbox generate man DIRECTORY` \
         writes the same as manual\npages, and `rbox completion bash|zsh|fish` what shells need \
         to complete it. How it compares to\nDocker's: [coming-from-docker.md]\
         (coming-from-docker.md). Made by `cargo xtask documents`.\n\n```text\n{}```\n",
        catalog::help()
    );
    for (name, spec) in commands {
        text.push_str(&format!(
            "\n## rbox {name}\n\n```text\n{}```\n",
            help::of_command(name, spec)
        ));
    }
    super::check("cli.md", &text);
}
