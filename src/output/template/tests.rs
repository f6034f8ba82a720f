use serde_json::{Value, json};

use super::{Methods, Options, Template};

fn data() -> Value {
    json!({
        "Name": "/h4i",
        "State": {"Status": "running", "Running": true, "ExitCode": 0, "Pid": 28323},
        "Args": ["-lk", "-p", "80"],
        "Config": {"Labels": {"l": "1"}, "Env": null},
        "NetworkSettings": {
            "Ports": {"5353/udp": null, "80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}]},
            "Networks": {"b": {"IPAddress": "172.18.0.2"}, "a": {"IPAddress": "172.17.0.2"}}
        }
    })
}

fn strict(text: &str) -> Result<String, String> {
    let template = Template::parse(text).map_err(|error| error.to_string())?;
    let options = Options {
        strict: true,
        ..Options::default()
    };
    template
        .execute(&data(), options)
        .map_err(|error| error.to_string())
}

#[test]
fn values_print_as_go_prints_them() {
    for (template, text) in [
        ("plain", "plain"),
        ("{{.Name}} {{.State.Status}}", "/h4i running"),
        (
            "{{json .State.Running}} {{json .Args}}",
            "true [\"-lk\",\"-p\",\"80\"]",
        ),
        (
            "{{.State}}",
            "map[ExitCode:0 Pid:28323 Running:true Status:running]",
        ),
        ("{{.Args}}", "[-lk -p 80]"),
        ("{{.Config.Env}}", "<no value>"),
        ("{{json .Config.Env}}", "null"),
        ("{{print .Config.Env}}", "<nil>"),
        ("{{index .Args 1}}", "-p"),
        (
            "{{(index (index .NetworkSettings.Ports \"80/tcp\") 0).HostPort}}",
            "8080",
        ),
        (
            "{{index .Config.Labels \"l\"}}{{index .Config.Labels \"none\"}}",
            "1",
        ),
        ("{{len .Args}}", "3"),
        ("{{join .Args \",\"}}", "-lk,-p,80"),
        ("{{upper .Name | lower | title}}", "/H4i"),
        ("{{split .Name \"4\"}}", "[/h i]"),
        (
            "{{.Name | printf \"%-6s|%5d|%05d|%q|%v\" \"x\" 42 7 \"q\"}}",
            "x     |   42|00007|\"q\"|/h4i",
        ),
        ("{{println .Name 1 2}}", "/h4i 1 2\n"),
        (
            "{{print 1 2 \"a\" \"b\" 3}}",
            "1 2a b3".replace("a b", "ab").as_str(),
        ),
        ("{{truncate .Name 2}}{{pad \"x\" 1 2}}|", "/h x  |"),
        ("{{slice .Name 1 3}}", "h4"),
        ("{{html \"<a>\"}}", "&lt;a&gt;"),
    ] {
        assert_eq!(strict(template).as_deref(), Ok(text), "{template}");
    }
}

#[test]
fn control_flow_follows_go() {
    for (template, text) in [
        ("{{if .State.Running}}up{{else}}down{{end}}", "up"),
        (
            "{{if not .State.Running}}a{{else if eq .State.ExitCode 0}}b{{else}}c{{end}}",
            "b",
        ),
        ("{{range .Args}}[{{.}}]{{end}}", "[-lk][-p][80]"),
        (
            "{{range $i, $v := .Args}}{{$i}}={{$v}} {{end}}",
            "0=-lk 1=-p 2=80 ",
        ),
        (
            "{{range $k, $v := .NetworkSettings.Networks}}{{$k}}:{{$v.IPAddress}} {{end}}",
            "a:172.17.0.2 b:172.18.0.2 ",
        ),
        (
            "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}",
            "172.17.0.2172.18.0.2",
        ),
        ("{{range .Config.Env}}x{{else}}none{{end}}", "none"),
        (
            "{{range .Args}}{{if eq . \"-p\"}}{{break}}{{end}}{{.}}{{end}}",
            "-lk",
        ),
        (
            "{{with .State}}{{.Status}} {{$.Name}}{{end}}",
            "running /h4i",
        ),
        ("{{with .Config.Env}}x{{else}}y{{end}}", "y"),
        ("{{$x := .Name}}{{if true}}{{$x = \"z\"}}{{end}}{{$x}}", "z"),
        ("a {{- 1 -}} b", "a1b"),
        ("a{{/* note */}}b{{- /* trimmed */ -}} c", "abc"),
        ("{{and 1 0}}{{or 0 \"x\"}}{{and true \"y\"}}", "0xy"),
        (
            "{{if and (gt 3 2) (le 2 2) (ne 1 2) (lt 1 2) (ge 2 2)}}ok{{end}}",
            "ok",
        ),
        ("{{eq .State.Status \"exited\" \"running\"}}", "true"),
        ("{{\"a\\tb\"}}{{`c\\d`}}{{'x'}}", "a\tbc\\d120"),
    ] {
        assert_eq!(strict(template).as_deref(), Ok(text), "{template}");
    }
}

#[test]
fn parse_errors_have_gos_texts() {
    for (template, text) in [
        ("{{.Bogus", "template: :1: unclosed action"),
        (
            "\n{{bogus .}}",
            "template: :2: function \"bogus\" not defined",
        ),
        ("{{if .x}}", "template: :1: unexpected EOF"),
        ("{{end}}", "template: :1: unexpected {{end}}"),
        ("{{}}", "template: :1: missing value for command"),
        ("{{$x}}", "template: :1: undefined variable \"$x\""),
        ("{{\"a}}", "template: :1: unterminated quoted string"),
        ("{{(1}}", "template: :1: unclosed left paren"),
        ("{{1)}}", "template: :1: unexpected right paren"),
        (
            "{{#}}",
            "template: :1: unrecognized character in action: U+0023 '#'",
        ),
        ("{{/* x}}", "template: :1: unclosed comment"),
    ] {
        assert_eq!(strict(template).unwrap_err(), text, "{template}");
    }
}

#[test]
fn execution_errors_name_the_place() {
    for (template, text) in [
        (
            "{{.Bogus}}",
            "template: :1:2: executing \"\" at <.Bogus>: map has no entry for key \"Bogus\"",
        ),
        (
            "{{.State.Bogus}}",
            "template: :1:8: executing \"\" at <.State.Bogus>: map has no entry for key \"Bogus\"",
        ),
        (
            "{{.Config.Env.X}}",
            "template: :1:9: executing \"\" at <.Config.Env.X>: nil data; no entry for key \"X\"",
        ),
        (
            "{{.Name.X}}",
            "template: :1:7: executing \"\" at <.Name.X>: can't evaluate field X in type interface {}",
        ),
        (
            "{{index .Config.Env 0}}",
            "template: :1:2: executing \"\" at <index .Config.Env 0>: error calling index: index of untyped nil",
        ),
        (
            "{{(index (index .NetworkSettings.Ports \"81/tcp\") 0).HostPort}}",
            "template: :1:3: executing \"\" at <index (index .Networ...>: error calling index: index of untyped nil",
        ),
        (
            "{{index .Args 7}}",
            "template: :1:2: executing \"\" at <index .Args 7>: error calling index: index out of range: 7",
        ),
        (
            "{{len}}",
            "template: :1:2: executing \"\" at <len>: wrong number of args for len: want 1 got 0",
        ),
    ] {
        assert_eq!(strict(template).unwrap_err(), text, "{template}");
    }
}

#[test]
fn a_missing_key_has_no_value_when_not_strict() {
    let template = Template::parse("{{.Bogus}} {{.Bogus.More}}").unwrap();
    assert_eq!(
        template.execute(&data(), Options::default()).unwrap(),
        "<no value> <no value>"
    );
}

struct Row;

impl Methods for Row {
    fn call(&self, name: &str, arguments: &[Value]) -> Option<Result<Value, String>> {
        (name == "Label").then(|| Ok(Value::from(format!("<{}>", arguments[0].as_str().unwrap()))))
    }

    fn type_name(&self) -> &'static str {
        "*formatter.ContainerContext"
    }
}

#[test]
fn methods_take_arguments_and_unknown_fields_name_the_type() {
    let options = Options {
        methods: Some(&Row),
        ..Options::default()
    };
    let run = |text: &str| {
        Template::parse(text)
            .unwrap()
            .execute(&json!({"ID": "<x>"}), options)
    };
    assert_eq!(run("{{.Label \"app\"}}").unwrap(), "<app>");
    assert_eq!(run("{{json .}}").unwrap(), r#"{"ID":"\u003cx\u003e"}"#);
    assert_eq!(
        run("{{.Bogus}}").unwrap_err().to_string(),
        "template: :1:2: executing \"\" at <.Bogus>: can't evaluate field Bogus in type *formatter.ContainerContext"
    );
}
