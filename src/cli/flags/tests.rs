use super::{Scanned, scan};
use clap::CommandFactory;

#[derive(clap::Parser)]
struct Run {
    #[arg(short, long)]
    detach: bool,
    #[arg(short, long)]
    interactive: bool,
    #[arg(short, long)]
    tty: bool,
    #[arg(long)]
    rm: bool,
    #[arg(short = 'p', long)]
    publish: Vec<String>,
    #[arg(short, long)]
    memory: Option<String>,
    #[arg(long, alias = "net")]
    network: Vec<String>,
    #[arg(short = 'h', long)]
    hostname: Option<String>,
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    sig_proxy: Option<bool>,
    words: Vec<String>,
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

fn scanned(line: &str, interspersed: bool) -> Result<(String, String), String> {
    scan(
        &Run::command(),
        &words(line),
        interspersed,
        &["gpus", "storage-opt", "quiet/q"],
    )
    .map(
        |Scanned {
             flags, arguments, ..
         }| (flags.join(" "), arguments.join(" ")),
    )
    .map_err(|error| error.to_string())
}

#[test]
fn flags_follow_pflag() {
    for (line, flags, arguments) in [
        (
            "-itd alpine sh -c x",
            "--interactive --tty --detach",
            "alpine sh -c x",
        ),
        (
            "-p8080:80 -p=81:80 -p 82:80 a",
            "--publish=8080:80 --publish=81:80 --publish=82:80",
            "a",
        ),
        ("--rm=false --tty=1 a --rm", "--tty", "a --rm"),
        ("--rm --rm=0 a", "", "a"),
        ("-dm 1g a", "--memory=1g --detach", "a"),
        ("--memory -1 a", "--memory=-1", "a"),
        ("--net=x --network y a", "--network=x --network=y", "a"),
        ("-h web a", "--hostname=web", "a"),
        ("-- -a b", "", "-a b"),
        (
            "--sig-proxy=false --sig-proxy a",
            "--sig-proxy=false --sig-proxy=true",
            "a",
        ),
        ("- a", "", "- a"),
    ] {
        assert_eq!(
            scanned(line, false),
            Ok((flags.into(), arguments.into())),
            "{line}"
        );
    }
    assert_eq!(scanned("a -t b", true), Ok(("--tty".into(), "a b".into())));
}

#[test]
fn errors_are_pflags() {
    for (line, error) in [
        ("--bogus alpine", "unknown flag: --bogus"),
        ("-z alpine", "unknown shorthand flag: 'z' in -z"),
        ("-itzx alpine", "unknown shorthand flag: 'z' in -zx"),
        ("--memory", "flag needs an argument: --memory"),
        ("-tm", "flag needs an argument: 'm' in -m"),
        ("--=x", "bad flag syntax: --=x"),
        ("---x", "bad flag syntax: ---x"),
        (
            "--rm=maybe a",
            "invalid argument \"maybe\" for \"--rm\" flag: strconv.ParseBool: parsing \"maybe\": invalid syntax",
        ),
        (
            "-d=maybe a",
            "invalid argument \"maybe\" for \"-d, --detach\" flag: strconv.ParseBool: parsing \"maybe\": invalid syntax",
        ),
        ("--gpus all a", "unsupported flag: --gpus"),
        ("-q a", "unsupported flag: -q"),
    ] {
        assert_eq!(scanned(line, false), Err(error.into()), "{line}");
    }
}

#[test]
fn help_ends_it() {
    let help = |line| {
        scan(&Run::command(), &words(line), false, &[])
            .unwrap()
            .help
    };
    assert!(help("--help --bogus"));
    assert!(!help("-h --help"));
    assert!(!help("alpine --help"));
}
