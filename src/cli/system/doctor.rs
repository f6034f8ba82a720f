//! `doctor`.

use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::stop::{Outcome, Stop};
use crate::engine::doctor::{self, Finding, Verdict};
use crate::output::json;

/// `doctor`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS]",
    about: "Check what rbox needs of this machine, and say what to do",
    arity: Arity::Exactly(0),
    run,
    examples: "\
rbox doctor
rbox doctor --format json
",
    ..Spec::of::<Doctor>()
};

#[derive(clap::Parser)]
struct Doctor {
    /// Format output: 'text' or 'json'
    #[arg(long, value_name = "string", default_value = "text")]
    format: String,
}

fn run(call: &Call) -> Outcome {
    let line: Doctor = call.parse()?;
    let findings = match line.format.as_str() {
        "text" | "json" => doctor::examine(&call.dirs),
        other => {
            return Err(Stop::failed(format!(
                "unknown format: {other:?}: must be one of \"text\", \"json\""
            )));
        }
    };
    if line.format == "json" {
        let value = serde_json::to_value(&findings).map_err(Stop::failed)?;
        say(&format!("{}\n", json::indented(&value)));
    } else {
        say(&text(&findings));
    }
    let problem = |finding: &Finding| finding.verdict == Verdict::Problem;
    Ok(u8::from(findings.iter().any(problem)))
}

fn text(findings: &[Finding]) -> String {
    let width = findings.iter().map(|f| f.check.len()).max().unwrap_or(0);
    let mut text = String::new();
    for finding in findings {
        let verdict = match finding.verdict {
            Verdict::Ok => "ok",
            Verdict::Warning => "warning",
            Verdict::Problem => "problem",
        };
        let (check, found) = (finding.check, &finding.found);
        text.push_str(&format!("{verdict:<8} {check:width$}  {found}\n"));
        if let Some(advice) = &finding.advice {
            text.push_str(&format!("{:9}{:width$}  hint: {advice}\n", "", ""));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Finding, Verdict, text};

    #[test]
    fn advice_stands_below_what_it_is_about() {
        let finding = |check, verdict, advice: Option<&str>| Finding {
            check,
            verdict,
            found: "so".into(),
            advice: advice.map(String::from),
        };
        assert_eq!(
            text(&[
                finding("disk", Verdict::Ok, None),
                finding("overlay", Verdict::Problem, Some("load it")),
            ]),
            "ok       disk     so\nproblem  overlay  so\n                  hint: load it\n"
        );
    }
}
