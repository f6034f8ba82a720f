//! `generate man`: a page for each command, made of what its `--help` is made of.

use std::path::PathBuf;

use crate::cli::call::{Arity, Call, Spec};
use crate::cli::catalog::{self, Group};
use crate::cli::stop::{Outcome, Stop};
use crate::cli::{RBOX, help};
use crate::output::roff::{self, Page};

/// `generate man`.
pub static SPEC: Spec = Spec {
    usage: "DIRECTORY",
    about: "Generate manual pages, one a command",
    arity: Arity::Exactly(1),
    run,
    examples: "\
rbox generate man /usr/local/share/man/man1
",
    ..Spec::of::<Man>()
};

#[derive(clap::Parser)]
struct Man {
    #[arg(hide = true)]
    directory: PathBuf,
}

const VERSION: &str = concat!("rbox ", env!("CARGO_PKG_VERSION"));

const EXIT_CODES: [(&str, &str); 6] = [
    ("0", "the command did what it was asked for"),
    (
        "1",
        "it failed; the text on the standard error says why, and a line that begins with \
         \"hint:\" what to do",
    ),
    (
        "125",
        "run could not start the container, or a flag is wrong",
    ),
    ("126", "the container's command cannot be executed"),
    ("127", "the container's command was not found"),
    (
        "other",
        "of run, exec and start -a: that of the container's command; 128 and the signal's \
         number if a signal ended it",
    ),
];

fn run(call: &Call) -> Outcome {
    let line: Man = call.parse()?;
    for (name, text) in pages() {
        let path = line.directory.join(format!("{name}.1"));
        std::fs::write(&path, text)
            .map_err(|error| Stop::failed(format!("write {}: {error}", path.display())))?;
    }
    Ok(0)
}

/// Every page's name and text.
fn pages() -> Vec<(String, String)> {
    let mut pages = vec![("rbox".to_owned(), overview())];
    for group in catalog::groups() {
        pages.push((page_name(group.name), of_group(group)));
    }
    for (name, spec) in catalog::commands() {
        let own = page_name(name);
        for alias in catalog::names(spec) {
            if alias != name {
                pages.push((page_name(alias), roff::alias(&own)));
            }
        }
        pages.push((own, of_command(name, spec)));
    }
    pages
}

fn page_name(path: &str) -> String {
    format!("rbox-{}", path.replace(' ', "-"))
}

fn overview() -> String {
    let mut page = Page::new("rbox", VERSION, RBOX.about);
    page.section("synopsis");
    page.synopsis("rbox", RBOX.usage);
    options(&mut page, &(RBOX.flags)());
    page.section("commands");
    for (name, about) in catalog::listed(None) {
        page.term(name, "", about);
    }
    page.section("exit status");
    for (code, about) in EXIT_CODES {
        page.term(code, "", about);
    }
    page.section("environment");
    for (name, about) in [
        ("RBOX_ROOT", "as --root"),
        ("RBOX_RUN_ROOT", "as --run-root"),
        (
            "RBOX_INSECURE_REGISTRIES",
            "as --insecure-registry, comma-separated",
        ),
        ("NO_COLOR", "when set, no colours on terminals either"),
    ] {
        page.term(name, "", about);
    }
    page.finish()
}

fn of_group(group: &Group) -> String {
    let name = page_name(group.name);
    let mut page = Page::new(&name, VERSION, group.about);
    page.section("synopsis");
    let spec = catalog::group_spec(group);
    let usage = spec.map_or("COMMAND", |spec| spec.usage);
    page.synopsis(&format!("rbox {}", group.name), usage);
    if let Some(spec) = spec {
        options(&mut page, &(spec.flags)());
    }
    page.section("commands");
    let commands = catalog::listed(Some(group));
    for (command, about) in &commands {
        page.term(command, "", about);
    }
    let others = commands
        .iter()
        .map(|(command, _)| page_name(&format!("{} {command}", group.name)));
    page.see_also(
        &std::iter::once("rbox".to_owned())
            .chain(others)
            .collect::<Vec<_>>(),
    );
    page.finish()
}

fn of_command(name: &str, spec: &Spec) -> String {
    let mut page = Page::new(&page_name(name), VERSION, spec.about);
    page.section("synopsis");
    page.synopsis(&format!("rbox {name}"), spec.usage);
    let names = catalog::names(spec);
    if names.len() > 1 {
        page.section("aliases");
        let names: Vec<String> = names.iter().map(|name| format!("rbox {name}")).collect();
        page.text(&names.join(", "));
    }
    options(&mut page, &(spec.flags)());
    if !spec.examples.is_empty() {
        page.section("examples");
        page.literal(spec.examples);
    }
    let group = name.split_once(' ').map(|(group, _)| page_name(group));
    page.see_also(
        &std::iter::once("rbox".to_owned())
            .chain(group)
            .collect::<Vec<_>>(),
    );
    page.finish()
}

fn options(page: &mut Page, command: &clap::Command) {
    let flags = help::flags(command);
    if flags.is_empty() {
        return;
    }
    page.section("options");
    for flag in flags {
        let short = flag.short.map(|short| format!("-{short}, "));
        page.term(
            &format!("{}--{}", short.unwrap_or_default(), flag.long),
            flag.kind.as_deref().unwrap_or_default(),
            &flag.about,
        );
    }
}
