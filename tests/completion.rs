//! Completion: what `rbox __complete` answers, and that bash, zsh and fish show it.

use std::process::Command;

use crate::harness::{Host, Output, Terminal, installed};

/// The answer's candidates, without what they are.
fn candidates(host: &Host, line: &str) -> Vec<String> {
    let words: Vec<&str> = std::iter::once("__complete")
        .chain(line.split(' '))
        .collect();
    let answer = host.rbox(&words).ok();
    let first = |line: &str| line.split('\t').next().unwrap().to_owned();
    answer.lines().map(first).collect()
}

#[test]
fn commands_groups_and_flags_are_completed_from_the_catalogue() {
    let host = Host::without_images();
    let all = candidates(&host, "");
    for name in ["run", "ps", "network", "system", "completion"] {
        assert!(all.contains(&name.to_owned()), "{name}: {all:?}");
    }
    assert!(!all.iter().any(|name| name.starts_with("__")));
    for (line, expected) in [
        ("ru", &["run"][..]),
        ("help netw", &["network"]),
        ("network dis", &["disconnect"]),
        ("--root /nowhere rena", &["rename"]),
        ("nonsense ", &[]),
        ("run --detach", &["--detach", "--detach-keys="]),
        ("run --rm -it --workd", &["--workdir="]),
        // What follows the image is the command's.
        ("run alpine --deta", &[]),
        ("rm web --for", &["--force"]),
        ("rm -- --for", &[]),
        ("--ro", &["--root="]),
        ("run --pull=al", &["--pull=always"]),
        ("run --pull al", &["always"]),
        ("run -itu root --pull n", &["never"]),
        ("kill -s HU", &["HUP"]),
        ("run --cap-add NET_R", &["NET_RAW"]),
        ("build --progress pl", &["plain"]),
        ("completion f", &["fish"]),
        ("load -i ", &[":files"]),
        ("build ", &[":files"]),
    ] {
        assert_eq!(candidates(&host, line), expected, "{line}");
    }
    let about = host.rbox(&["__complete", "ru"]).ok();
    assert_eq!(about, "run\tCreate and run a new container from an image");
    assert_eq!(host.rbox(&["__complete"]).ok(), "");
}

#[test]
fn names_are_those_of_the_moment() {
    let host = Host::with_own_images();
    host.ok("network create lan");
    host.ok("create --name stopped alpine true");
    host.ok("run -d --name running alpine sleep 1000");
    for (line, expected) in [
        ("exec ", &["running"][..]),
        ("start ", &["stopped"]),
        ("rm ", &["running", "stopped"]),
        ("container logs -f s", &["stopped"]),
        ("stop -t 3 running r", &["running"]),
        ("rename running ", &[]),
        ("network connect l", &["lan"]),
        ("network connect lan r", &["running"]),
        ("network rm lan ", &["bridge", "host", "lan", "none"]),
        ("network create ", &[]),
        ("run --network=l", &["--network=lan"]),
        ("run --net con", &["container:"]),
        ("run --link s", &["stopped"]),
        ("run flas", &["flask:3.1"]),
        ("rmi al", &["alpine:latest"]),
        ("run flask:3.1 ", &[]),
    ] {
        assert_eq!(candidates(&host, line), expected, "{line}");
    }
    // Another root has other names, and is not made by looking.
    let elsewhere = host.scratch().join("elsewhere");
    let line = format!("--root {} exec ", elsewhere.display());
    assert_eq!(candidates(&host, &line), [""; 0]);
    assert!(!elsewhere.exists());
}

#[test]
fn services_are_those_of_the_compose_file() {
    let host = Host::without_images();
    let text = "services: {web: {image: alpine}, database: {image: alpine, profiles: [x]}}\n";
    let file = host.write("compose.yaml", text);
    for (rest, expected) in [
        ("up ", &["database", "web"][..]),
        ("logs -f w", &["web"]),
        ("exec d", &["database"]),
        ("exec web ", &[]),
        ("--proj", &["--project-directory=", "--project-name="]),
        ("--profile x resta", &["restart"]),
        ("up --force-r", &["--force-recreate"]),
    ] {
        let line = format!("compose -f {file} {rest}");
        assert_eq!(candidates(&host, &line), expected, "{rest}");
    }
    assert_eq!(candidates(&host, "compose -f /nosuch up "), [""; 0]);
}

/// A shell that finds rbox by its name, and whose rbox finds the host's state.
fn shell(host: &Host, words: &[&str]) -> Command {
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_rbox"));
    let directory = binary.parent().unwrap().display();
    let path = format!("{directory}:{}", std::env::var("PATH").unwrap());
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    for (name, value) in host.command(&[""; 0]).get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    command.env("PATH", path);
    command
}

fn says(mut command: Command) -> String {
    let output = command.output().unwrap();
    Output::new(format!("{command:?}"), output).ok()
}

#[test]
fn bash_completes_words_that_it_takes_apart_itself() {
    let host = Host::with_own_images();
    host.ok("network create lan");
    let script = host.scratch().join("rbox.bash");
    std::fs::write(&script, host.ok("completion bash") + "\n").unwrap();
    for (words, expected) in [
        (&["ru"][..], "run"),
        (&["run", "--network", "=", "la"], "lan"),
        (&["run", "--pull", "="], "always missing never"),
        (&["run", "--netw"], "--network=\n--network-alias="),
        (&["run", "--rm", "flask", ":", "3"], "3.1"),
        (&["run", "-p", "80", ":", ""], "alpine:latest\nflask:3.1"),
    ] {
        let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
        let line = format!(
            "compopt() {{ :; }}; . {}; COMP_WORDS=(rbox {}); COMP_CWORD={}; _rbox; \
             printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            script.display(),
            quoted.join(" "),
            words.len()
        );
        let shown = says(shell(&host, &["bash", "--norc", "-c", &line]));
        assert_eq!(shown, expected.replace(' ', "\n"), "{words:?}");
    }
}

/// Types at a shell that knows the completion, with the tabulator where it saves words.
fn press_tab(mut command: Command) {
    command.env("TERM", "dumb");
    let mut terminal = Terminal::start(&command);
    terminal.expect("ready> ");
    terminal.send("rbox netw\t");
    terminal.expect("network ");
    terminal.send("insp\t");
    terminal.expect("ect ");
    terminal.send("back\t");
    terminal.expect("end ");
    terminal.send("--form\t");
    terminal.expect("at=");
    terminal.send("{{.Name}}\r");
    terminal.expect("\nbackend");
    terminal.expect("ready> ");
    terminal.send("exit\r");
    assert_eq!(terminal.wait(), 0);
}

#[test]
fn a_person_at_bash_presses_tab() {
    let host = Host::with_own_images();
    host.ok("network create backend");
    let script = host.ok("completion bash");
    let rc = host.write(
        "rc",
        &format!("PS1='ready> '\nbind 'set enable-bracketed-paste off'\n{script}\n"),
    );
    let mut command = shell(&host, &["bash", "--rcfile", &rc, "-i"]);
    command.env("INPUTRC", "/dev/null");
    press_tab(command);
}

#[test]
fn a_person_at_zsh_presses_tab() {
    if !installed(&["zsh"], "a_person_at_zsh_presses_tab") {
        return;
    }
    let host = Host::with_own_images();
    host.ok("network create backend");
    let script = host.ok("completion zsh");
    let rc = format!("PROMPT='ready> '\nautoload -Uz compinit\ncompinit -D -u\n{script}\n");
    let rc = host.write(".zshrc", &rc);
    let mut command = shell(&host, &["zsh", "-d", "-i"]);
    command.env("ZDOTDIR", std::path::Path::new(&rc).parent().unwrap());
    press_tab(command);
}

#[test]
fn fish_shows_names_with_what_they_are() {
    let test = "fish_shows_names_with_what_they_are";
    if !installed(&["fish"], test) {
        return;
    }
    let host = Host::with_own_images();
    host.ok("create --name web alpine true");
    let script = host.scratch().join("rbox.fish");
    std::fs::write(&script, host.ok("completion fish") + "\n").unwrap();
    for (typed, expected) in [
        ("rbox start ", "web\tcontainer"),
        ("rbox completion z", "zsh"),
        ("rbox run --pull=al", "--pull=always"),
    ] {
        let line = format!("source {}; complete -C '{typed}'", script.display());
        let shown = says(shell(&host, &["fish", "--no-config", "-c", &line]));
        assert_eq!(shown, expected, "{typed}");
    }
}
