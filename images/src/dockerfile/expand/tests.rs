use super::*;

fn lookup(name: &str) -> Option<String> {
    let value = match name {
        "a" => "one",
        "path" => "/usr/local/bin/tool.tar.gz",
        "spaces" => "x  y",
        "empty" => "",
        "star" => "a*b",
        "ü" => "umlaut",
        "1" => "first",
        _ => return None,
    };
    Some(value.to_owned())
}

fn with(word: &str) -> Result<String, String> {
    expand(word, '\\', &lookup).map_err(|error| error.problem.to_string())
}

#[track_caller]
fn all(cases: &[(&str, &str)]) {
    for (word, expected) in cases {
        assert_eq!(with(word).as_deref(), Ok(*expected), "{word}");
    }
}

#[test]
fn names_end_where_they_must() {
    all(&[
        ("$a", "one"),
        ("${a}", "one"),
        ("x$a/$a.y", "xone/one.y"),
        ("${a}b", "oneb"),
        ("$ab", ""),
        ("$a-b", "one-b"),
        ("$nothing", ""),
        ("$", "$"),
        ("a$", "a$"),
        ("$ b", "$ b"),
        ("$/b", "$/b"),
        ("$ü", "umlaut"),
        ("$12", ""),
        ("$1x", "firstx"),
        ("$$a", "a"),
        ("$@x", "x"),
    ]);
}

#[test]
fn quotes_and_escapes_are_resolved() {
    all(&[
        ("'$a'", "$a"),
        ("\"$a\"", "one"),
        ("\"'$a'\"", "'one'"),
        ("'\"$a\"'", "\"$a\""),
        (r"\$a", "$a"),
        (r"\\$a", r"\one"),
        (r#""\$a""#, "$a"),
        (r#""\"$a\"""#, "\"one\""),
        (r#""\n""#, r"\n"),
        (r"\n", "n"),
        (r"'\'", r"\"),
        (r"a\", "a"),
        ("a\\ b", "a b"),
        ("\"\"", ""),
    ]);
    assert_eq!(expand("`$a $a", '`', &lookup).unwrap(), "$a one");
    assert_eq!(expand(r"C:\$a", '`', &lookup).unwrap(), r"C:\one");
}

#[test]
fn defaults_and_alternatives() {
    all(&[
        ("${a:-x}", "one"),
        ("${empty:-x}", "x"),
        ("${none:-x}", "x"),
        ("${a-x}", "one"),
        ("${empty-x}", ""),
        ("${none-x}", "x"),
        ("${a:+x}", "x"),
        ("${empty:+x}", ""),
        ("${none:+x}", ""),
        ("${a+x}", "x"),
        ("${empty+x}", "x"),
        ("${none+x}", ""),
        ("${none:-$a}", "one"),
        ("${none:-${other:-${a}}}", "one"),
        ("${none:-\"}\"}", "}"),
        (r"${none:-\}}", "}"),
        ("${none:-a b}", "a b"),
        ("${none:-}", ""),
        ("${a:?x}", "one"),
        ("${empty?x}", ""),
    ]);
    assert_eq!(with("${none:?give it}").unwrap_err(), "none: give it");
    assert_eq!(
        with("${none?}").unwrap_err(),
        "none: is not allowed to be unset"
    );
    assert_eq!(
        with("${empty:?}").unwrap_err(),
        "empty: is not allowed to be empty"
    );
}

#[test]
fn beginnings_and_ends_are_cut_off() {
    all(&[
        ("${path#/*/}", "local/bin/tool.tar.gz"),
        ("${path##/*/}", "tool.tar.gz"),
        ("${path##*/}", "tool.tar.gz"),
        ("${path%.*}", "/usr/local/bin/tool.tar"),
        ("${path%%.*}", "/usr/local/bin/tool"),
        ("${path%/*}", "/usr/local/bin"),
        ("${path#x}", "/usr/local/bin/tool.tar.gz"),
        ("${a#?}", "ne"),
        ("${a%??}", "o"),
        ("${a##*}", ""),
        ("${a#*}", "one"),
        (r"${star#a\*}", "b"),
        (r"${star%\*b}", "a"),
        ("${none#x}", ""),
        ("${path#/us$none}", "r/local/bin/tool.tar.gz"),
        ("${a%e}", "on"),
    ]);
    let wrong = with(r"${a#\x}").unwrap_err();
    assert_eq!(
        wrong,
        r"invalid pattern (\x) in substitution: invalid escape '\x'"
    );
}

#[test]
fn matches_are_replaced() {
    all(&[
        ("${path/usr/opt}", "/opt/local/bin/tool.tar.gz"),
        ("${path//l/L}", "/usr/LocaL/bin/tooL.tar.gz"),
        (r"${path//\//-}", "-usr-local-bin-tool.tar.gz"),
        ("${a/n*/x}", "ox"),
        ("${a//?/x}", "xxx"),
        ("${a/o/}", "ne"),
        ("${a//x/y}", "one"),
        ("${a///y}", "one"),
        ("${a/one/$path}", "/usr/local/bin/tool.tar.gz"),
        ("${a//*/x}", "x"),
    ]);
}

#[test]
fn wrong_words_are_told() {
    for (word, problem) in [
        (
            "'a",
            "unexpected end of statement while looking for matching single-quote",
        ),
        (
            "\"a",
            "unexpected end of statement while looking for matching double-quote",
        ),
        ("${a", "syntax error: missing '}'"),
        ("${", "syntax error: missing '}'"),
        ("${a:", "syntax error: missing '}'"),
        ("${a:-b", "syntax error: missing '}'"),
        ("${a/b}", "syntax error: missing '/' in ${}"),
        ("${a/b/c", "syntax error: missing '}'"),
        ("${}", "syntax error: bad substitution"),
        ("${:-a}", "syntax error: bad substitution"),
        ("${{a}}", "syntax error: bad substitution"),
        ("${a^}", "unsupported modifier (^) in substitution"),
        ("${a:x}", "unsupported modifier (:x) in substitution"),
    ] {
        assert_eq!(with(word).unwrap_err(), problem, "{word}");
    }
    let error = expand("\"x", '\\', &lookup).unwrap_err().to_string();
    assert!(
        error.starts_with("failed to process \"\\\"x\": unexpected end"),
        "{error}"
    );
}

#[test]
fn words_are_split_after_the_expansion_but_not_within_quotes() {
    let words = |text| expand_words(text, '\\', &lookup).unwrap();
    assert_eq!(words("$spaces z"), ["x", "y", "z"]);
    assert_eq!(words("\"$spaces\" z"), ["x  y", "z"]);
    assert_eq!(words("'a b'c\\ d"), ["a bc d"]);
    assert_eq!(words("  "), Vec::<String>::new());
    assert_eq!(words("$none"), Vec::<String>::new());
}

#[test]
fn quotes_in_a_heredoc_are_text() {
    let text = "don't \"$a\"\n\\$a \\\\ ${none:-d}\n";
    let expanded = expand_heredoc(text, '\\', &lookup).unwrap();
    assert_eq!(expanded, "don't \"one\"\n$a \\ d\n");
}

#[test]
fn nothing_grows_or_nests_without_end() {
    let large = "x".repeat(600_000);
    let value = |_: &str| Some(large.clone());
    let problem = |word: &str, lookup: &Lookup| expand(word, '\\', lookup).unwrap_err().problem;
    assert_eq!(problem("$a$a", &value), ExpandProblem::TooLong);
    assert_eq!(problem("\"$a$a\"", &value), ExpandProblem::TooLong);
    assert!(matches!(
        problem("${a//x/yy}", &value),
        ExpandProblem::Pattern { .. }
    ));
    let stars = format!("${{a//{}z/y}}", "*x".repeat(1000));
    assert!(matches!(
        problem(&stars, &value),
        ExpandProblem::Pattern { .. }
    ));
    let deep = "${n:-".repeat(100_000);
    assert_eq!(problem(&deep, &lookup), ExpandProblem::TooDeep);
    let quoted = "\"${n:-".repeat(100_000);
    assert_eq!(problem(&quoted, &lookup), ExpandProblem::TooDeep);
}
