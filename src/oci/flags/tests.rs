use super::*;

static DETACH: Flag = Flag::with_short("detach", "d", Kind::Switch, "");
static BUNDLE: Flag = Flag::with_short("bundle", "b", Kind::Text, "");
static ENV: Flag = Flag::with_short("env", "e", Kind::Repeated, "");
static COUNT: Flag = Flag::new("preserve-fds", Kind::Number, "");
static CRIU: Flag = Flag::new("criu", Kind::Refused, "");
static ALL: &[&Flag] = &[&DETACH, &BUNDLE, &ENV, &COUNT, &CRIU];

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

fn parsed(line: &str) -> Parsed {
    parse(ALL, &words(line), false).unwrap()
}

#[track_caller]
fn refused(line: &str) -> String {
    parse(ALL, &words(line), false).unwrap_err().to_string()
}

#[test]
fn one_dash_is_as_good_as_two_and_letters_are_names() {
    for line in [
        "--bundle x",
        "-bundle x",
        "-b x",
        "--b x",
        "-b=x",
        "--bundle=x",
    ] {
        assert_eq!(parsed(line).text(&BUNDLE), Some("x"), "{line}");
    }
    assert_eq!(parsed("--bundle=a=b").text(&BUNDLE), Some("a=b"));
    assert_eq!(parsed("--bundle -d").text(&BUNDLE), Some("-d"));
}

#[test]
fn a_switch_takes_a_value_only_behind_an_equals_sign() {
    assert!(parsed("--detach").on(&DETACH));
    assert!(parsed("-d=t").on(&DETACH));
    assert!(!parsed("--detach=false").on(&DETACH));
    assert_eq!(parsed("--detach false").arguments, ["false"]);
    assert_eq!(parsed("-d -d=false").switch(&DETACH), Some(false));
    assert_eq!(parsed("x").switch(&DETACH), None);
}

#[test]
fn the_first_argument_ends_the_flags_unless_they_may_be_mixed() {
    let line = parsed("-d id sh -c true");
    assert_eq!(line.arguments, ["id", "sh", "-c", "true"]);
    let mixed = parse(ALL, &words("id --detach 9"), true).unwrap();
    assert!(mixed.on(&DETACH));
    assert_eq!(mixed.arguments, ["id", "9"]);
    let ended = parse(ALL, &words("-- id --detach"), true).unwrap();
    assert!(!ended.on(&DETACH));
    assert_eq!(ended.arguments, ["id", "--detach"]);
}

#[test]
fn a_dash_alone_is_an_argument() {
    assert_eq!(parsed("-").arguments, ["-"]);
    assert_eq!(parsed("--bundle -").text(&BUNDLE), Some("-"));
}

#[test]
fn texts_repeat_and_the_last_of_the_others_counts() {
    let line = parsed("-e A=1 --env B=2 --env= --bundle x --bundle y --preserve-fds 3");
    assert_eq!(line.all(&ENV).collect::<Vec<_>>(), ["A=1", "B=2", ""]);
    assert_eq!(line.text(&BUNDLE), Some("y"));
    assert_eq!(line.number(&COUNT), Some(3));
    assert_eq!(parsed("--bundle=").text(&BUNDLE), None);
}

#[test]
fn help_is_known_to_every_command() {
    assert!(parsed("--help").help && parsed("-h").help && parsed("-d -help x").help);
    assert!(!parsed("id --help").help);
}

#[test]
fn refusals_are_gos() {
    for (line, text) in [
        ("--bogus", "flag provided but not defined: -bogus"),
        ("-it", "flag provided but not defined: -it"),
        ("---d", "bad flag syntax: ---d"),
        ("--=x", "bad flag syntax: --=x"),
        ("--bundle", "flag needs an argument: -bundle"),
        ("-b", "flag needs an argument: -b"),
        (
            "--preserve-fds=abc",
            "invalid value \"abc\" for flag -preserve-fds: parse error",
        ),
        (
            "--detach=maybe",
            "invalid boolean value \"maybe\" for -detach: parse error",
        ),
        ("--criu /x", "flag --criu is not supported"),
        ("--criu", "flag --criu is not supported"),
    ] {
        assert_eq!(refused(line), text, "{line}");
    }
}
