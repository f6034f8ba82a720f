//! The process that `exec` is asked for: the container's own with the flags over it.

use oci_spec::runtime::{Capability, LinuxCapabilities, Process, Spec};
use rbox_runtime::security::capabilities;

use super::flags::{Flag, Kind, Parsed};
use crate::engine::failure::Failure;

/// `--tty`.
pub static TTY: Flag = Flag::with_short("tty", "t", Kind::Switch, "give the process a terminal");
/// `--cwd`.
pub static CWD: Flag = Flag::new("cwd", Kind::Text, "working directory in the container");
/// `--env`.
pub static ENV: Flag = Flag::with_short("env", "e", Kind::Repeated, "set a variable: NAME=value");
/// `--user`.
pub static USER: Flag = Flag::with_short("user", "u", Kind::Text, "<uid>[:<gid>]");
/// `--additional-gids`.
pub static ADDITIONAL_GIDS: Flag = Flag::with_short(
    "additional-gids",
    "g",
    Kind::Repeated,
    "further groups of the process",
);
/// `--process-label`.
pub static LABEL: Flag = Flag::new("process-label", Kind::Text, "SELinux label of the process");
/// `--apparmor`.
pub static APPARMOR: Flag = Flag::new("apparmor", Kind::Text, "AppArmor profile of the process");
/// `--no-new-privs`.
pub static NO_NEW_PRIVS: Flag = Flag::new(
    "no-new-privs",
    Kind::Switch,
    "the process cannot gain privileges by execve",
);
/// `--cap`.
pub static CAP: Flag = Flag::with_short(
    "cap",
    "c",
    Kind::Repeated,
    "add a capability to the bounding, permitted and effective sets",
);

/// The process of the flags, in a container of that configuration.
pub fn from_flags(spec: &Spec, flags: &Parsed) -> Result<Process, Failure> {
    let args = flags.arguments.get(1..).unwrap_or_default();
    if args.is_empty() {
        return Err(Failure::new("process args cannot be empty"));
    }
    let mut process = spec.process().clone().unwrap_or_default();
    process
        .set_args(Some(args.to_vec()))
        .set_terminal(Some(flags.on(&TTY)))
        .set_console_size(None);
    if let Some(cwd) = flags.text(&CWD) {
        process.set_cwd(cwd.into());
    }
    if let Some(label) = flags.text(&LABEL) {
        process.set_selinux_label(Some(label.to_owned()));
    }
    if let Some(profile) = flags.text(&APPARMOR) {
        process.set_apparmor_profile(Some(profile.to_owned()));
    }
    if let Some(on) = flags.switch(&NO_NEW_PRIVS) {
        process.set_no_new_privileges(Some(on));
    }
    let added = flags.all(&ENV).map(str::to_owned);
    process.env_mut().get_or_insert_default().extend(added);
    let asked: Vec<&str> = flags.all(&CAP).collect();
    if !asked.is_empty() {
        let sets = process.capabilities().clone();
        process.set_capabilities(Some(with_capabilities(sets, &asked)?));
    }
    set_user(&mut process, flags)?;
    Ok(process)
}

/// Adds to the three sets that runc adds to. Inheritable and ambient stay: they
/// would outlive a change of user.
fn with_capabilities(
    sets: Option<LinuxCapabilities>,
    asked: &[&str],
) -> Result<LinuxCapabilities, Failure> {
    let none = || {
        let mut none = LinuxCapabilities::default();
        none.set_bounding(None)
            .set_effective(None)
            .set_permitted(None)
            .set_inheritable(None)
            .set_ambient(None);
        none
    };
    let mut sets = sets.unwrap_or_else(none);
    let added: Vec<Capability> = asked
        .iter()
        .map(|name| capabilities::parse(name).map_err(|error| Failure::new(error.to_string())))
        .collect::<Result<_, _>>()?;
    let with = |set: &Option<oci_spec::runtime::Capabilities>| {
        let mut set = set.clone().unwrap_or_default();
        set.extend(added.iter().copied());
        Some(set)
    };
    let (bounding, effective, permitted) = (
        with(sets.bounding()),
        with(sets.effective()),
        with(sets.permitted()),
    );
    sets.set_bounding(bounding)
        .set_effective(effective)
        .set_permitted(permitted);
    Ok(sets)
}

fn set_user(process: &mut Process, flags: &Parsed) -> Result<(), Failure> {
    let number = |text: &str, what: &str| {
        text.parse::<u32>()
            .map_err(|_| Failure::new(format!("parsing {text} as int for {what} failed")))
    };
    let mut user = process.user().clone();
    if let Some(given) = flags.text(&USER) {
        let (uid, gid) = match given.split_once(':') {
            Some((uid, gid)) => (uid, Some(gid)),
            None => (given, None),
        };
        if let Some(gid) = gid {
            user.set_gid(number(gid, "gid")?);
        }
        user.set_uid(number(uid, "uid")?);
    }
    let added: Vec<u32> = flags
        .all(&ADDITIONAL_GIDS)
        .map(|text| number(text, "additional gid"))
        .collect::<Result<_, _>>()?;
    if !added.is_empty() {
        let mut groups = user.additional_gids().clone().unwrap_or_default();
        groups.extend(added);
        user.set_additional_gids(Some(groups));
    }
    process.set_user(user);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::exec::COMMAND;
    use super::super::flags::parse;
    use super::*;

    fn process(words: &[&str]) -> Result<Process, String> {
        let mut own = Process::default();
        own.set_env(Some(vec!["A=1".into()]))
            .set_terminal(Some(true))
            .set_capabilities(None)
            .set_no_new_privileges(Some(true));
        let mut spec = Spec::default();
        spec.set_process(Some(own));
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        let flags = parse(COMMAND.flags, &words, false).unwrap();
        from_flags(&spec, &flags).map_err(|failure| failure.message)
    }

    #[test]
    fn the_containers_own_settings_are_where_it_begins() {
        let got = process(&["id", "sh", "-c", "true"]).unwrap();
        assert_eq!(got.args().as_deref().unwrap(), ["sh", "-c", "true"]);
        assert_eq!(got.env().as_deref().unwrap(), ["A=1"]);
        assert_eq!(
            (got.terminal(), got.no_new_privileges()),
            (Some(false), Some(true))
        );
    }

    #[test]
    fn flags_go_over_it() {
        let got = process(&[
            "-t",
            "-u",
            "7:8",
            "-g",
            "9",
            "-g",
            "10",
            "-e",
            "B=2",
            "--cwd",
            "/tmp",
            "--no-new-privs=false",
            "-c",
            "CAP_SYS_ADMIN",
            "id",
            "x",
        ])
        .unwrap();
        assert_eq!(
            (got.terminal(), got.no_new_privileges()),
            (Some(true), Some(false))
        );
        let user = got.user();
        assert_eq!((user.uid(), user.gid()), (7, 8));
        assert_eq!(user.additional_gids().as_deref(), Some(&[9, 10][..]));
        assert_eq!(got.env().as_deref().unwrap(), ["A=1", "B=2"]);
        assert_eq!(got.cwd(), std::path::Path::new("/tmp"));
        let sets = got.capabilities().as_ref().unwrap();
        assert!(
            sets.bounding()
                .as_ref()
                .unwrap()
                .contains(&Capability::SysAdmin)
        );
        assert!(
            sets.effective()
                .as_ref()
                .unwrap()
                .contains(&Capability::SysAdmin)
        );
        assert_eq!((sets.inheritable(), sets.ambient()), (&None, &None));
    }

    #[test]
    fn what_is_wrong_is_refused() {
        for (words, text) in [
            (
                &["-u", "nobody", "id", "x"][..],
                "parsing nobody as int for uid failed",
            ),
            (&["-u", "1:x", "id", "x"], "parsing x as int for gid failed"),
            (
                &["-g", "-1", "id", "x"],
                "parsing -1 as int for additional gid failed",
            ),
            (&["id"], "process args cannot be empty"),
        ] {
            assert_eq!(process(words).unwrap_err(), text);
        }
        assert!(
            process(&["-c", "CAP_BOGUS", "id", "x"])
                .unwrap_err()
                .contains("BOGUS")
        );
    }
}
