//! Which stages a build needs, on what each stands, and what it takes from others. Pure but for
//! the question what a base image's triggers are.
//!
//! ```text
//!  FROM alpine AS build ◀──COPY --from=build── FROM alpine AS web   (the target)
//!  FROM build AS test      nobody asks for it: left out
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use rbox_images::Platform;
use rbox_images::dockerfile::{
    Dockerfile, Instruction, Located, MountKind, Stage, parse_instruction,
};

use super::scope::Given;
use super::state::Expand;
use crate::engine::Failure;

/// The stages to build.
#[derive(Debug)]
pub struct Plan {
    /// In the order of the file: a stage needs only earlier ones.
    pub stages: Vec<PlannedStage>,
    /// Position of the one that becomes the image: the last.
    pub target: usize,
}

/// One stage.
#[derive(Debug)]
pub struct PlannedStage {
    /// Its name, or `stage-N`, in front of its steps; empty when there is one stage only.
    pub name: String,
    /// Whether the user gave this name or number to `--no-cache-filter`.
    pub uncached: bool,
    /// On what it stands.
    pub base: Base,
    /// Where its `FROM` is written.
    pub lines: RangeInclusive<usize>,
    /// The base's triggers, then its own instructions.
    pub instructions: Vec<Located<Instruction>>,
    /// What `--from=` and `from=` mean in it.
    pub sources: BTreeMap<String, Source>,
    /// How many steps it has in progress: an image that it stands on, and what makes a layer.
    pub steps: usize,
}

/// What a stage begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// Nothing.
    Scratch,
    /// An image by the name written.
    Image(String),
    /// Position of another stage.
    Stage(usize),
}

/// What `--from=` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// An image by the name written.
    Image(String),
    /// Position of another stage.
    Stage(usize),
}

/// What of the command line bears on the plan.
#[derive(Debug, Default)]
pub struct Wanted<'a> {
    /// `--target`.
    pub target: Option<&'a str>,
    /// `--no-cache-filter`, names of stages.
    pub uncached: &'a [String],
}

/// A failure, and the lines that it is about.
pub type PlanError = (Failure, Option<RangeInclusive<usize>>);

impl PlannedStage {
    /// Positions of the stages that must be built before.
    pub fn needs(&self) -> BTreeSet<usize> {
        let base = match self.base {
            Base::Stage(stage) => Some(stage),
            _ => None,
        };
        let sources = self.sources.values().filter_map(|source| match source {
            Source::Stage(stage) => Some(*stage),
            Source::Image(_) => None,
        });
        base.into_iter().chain(sources).collect()
    }
}

/// Whether an instruction is a step of its own in progress: it makes a layer.
pub fn is_step(instruction: &Instruction) -> bool {
    matches!(
        instruction,
        Instruction::Run(_) | Instruction::Copy(_) | Instruction::Add(_) | Instruction::Workdir(_)
    )
}

/// Finds what must be built. `triggers` gives the `ONBUILD` instructions of an image.
pub fn plan(
    dockerfile: &Dockerfile,
    given: &Given,
    wanted: &Wanted<'_>,
    expand: &Expand<'_>,
    triggers: &mut dyn FnMut(&str) -> Result<Vec<String>, Failure>,
) -> Result<Plan, PlanError> {
    let stages = &dockerfile.stages;
    let target = match wanted.target {
        Some(name) => find_target(stages, name).map_err(|failure| (failure, None))?,
        None => stages
            .len()
            .checked_sub(1)
            .ok_or_else(|| (Failure::new("no build stage in current context"), None))?,
    };
    let mut found: BTreeMap<usize, PlannedStage> = BTreeMap::new();
    let mut open = BTreeSet::from([target]);
    // Stages need earlier ones only, so each is met once, the last one first.
    while let Some(index) = open.pop_last() {
        let stage = &stages[index];
        let at = |failure| (failure, Some(stage.lines.clone()));
        let base = base_of(stages, index, given, expand).map_err(at)?;
        let texts = match &base {
            Base::Scratch => Vec::new(),
            Base::Image(name) => triggers(name).map_err(at)?,
            Base::Stage(base) => stage_triggers(&stages[*base]),
        };
        let mut instructions = texts
            .iter()
            .map(|text| trigger(text, stage).map_err(at))
            .collect::<Result<Vec<_>, _>>()?;
        instructions.extend(stage.instructions.iter().cloned());
        let sources = sources_of(stages, index, &instructions)?;
        let planned = PlannedStage {
            name: display_name(stage, index),
            uncached: wanted.uncached.iter().any(|name| is_called(stage, name)),
            steps: usize::from(matches!(base, Base::Image(_)))
                + instructions.iter().filter(|i| is_step(&i.value)).count(),
            base,
            lines: stage.lines.clone(),
            instructions,
            sources,
        };
        open.extend(planned.needs());
        found.insert(index, planned);
    }
    Ok(numbered(found, stages.len() == 1))
}

/// Positions in the file become positions in the plan. A stage that is `alone` needs no name.
fn numbered(found: BTreeMap<usize, PlannedStage>, alone: bool) -> Plan {
    let position: BTreeMap<usize, usize> = found
        .keys()
        .enumerate()
        .map(|(position, index)| (*index, position))
        .collect();
    let stages: Vec<PlannedStage> = found
        .into_values()
        .map(|mut stage| {
            if let Base::Stage(base) = &mut stage.base {
                *base = position[base];
            }
            for source in stage.sources.values_mut() {
                if let Source::Stage(from) = source {
                    *from = position[from];
                }
            }
            if alone {
                stage.name.clear();
            }
            stage
        })
        .collect();
    Plan {
        target: stages.len().saturating_sub(1),
        stages,
    }
}

fn display_name(stage: &Stage, index: usize) -> String {
    match &stage.name {
        Some(name) => name.clone(),
        None => format!("stage-{index}"),
    }
}

fn is_called(stage: &Stage, name: &str) -> bool {
    stage
        .name
        .as_deref()
        .is_some_and(|own| own.eq_ignore_ascii_case(name))
}

/// A name wins over a number, the later of two stages of one name over the earlier.
fn find_target(stages: &[Stage], name: &str) -> Result<usize, Failure> {
    let by_name = stages.iter().rposition(|stage| is_called(stage, name));
    let by_number = || name.parse::<usize>().ok().filter(|n| *n < stages.len());
    by_name.or_else(by_number).ok_or_else(|| {
        let named: Vec<&str> = stages.iter().filter_map(|s| s.name.as_deref()).collect();
        let failure = Failure::new(format!("target stage {name:?} could not be found"));
        match named.len() {
            0 => failure,
            _ => failure.hint(format!("the stages are: {}", named.join(", "))),
        }
    })
}

fn base_of(
    stages: &[Stage],
    index: usize,
    given: &Given,
    expand: &Expand<'_>,
) -> Result<Base, Failure> {
    let stage = &stages[index];
    let global = |word: &str| expand(word, &|name| given.global(name));
    if let Some(platform) = &stage.platform {
        check_platform(&global(platform)?, &stage.base)?;
    }
    let name = global(&stage.base)?;
    if name.is_empty() {
        return Err(Failure::new(format!(
            "base name ({}) should not be blank",
            stage.base
        )));
    }
    if let Some(base) = stages[..index]
        .iter()
        .rposition(|earlier| is_called(earlier, &name))
    {
        return Ok(Base::Stage(base));
    }
    Ok(match name.as_str() {
        "scratch" => Base::Scratch,
        _ => Base::Image(name),
    })
}

/// Only this machine's own: its programs are what `RUN` can run.
pub fn check_platform(platform: &str, what: &str) -> Result<(), Failure> {
    let wanted: Platform = platform
        .parse()
        .map_err(|error: rbox_images::PlatformSyntax| Failure::new(error.to_string()))?;
    if wanted.runs_here() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "cannot build {what} for {wanted}: this machine is {}, and rbox builds for it alone",
        Platform::host()
    )))
}

/// A trigger fires in stages that begin with the one that has it, once.
fn stage_triggers(base: &Stage) -> Vec<String> {
    let texts = base.instructions.iter().map(|located| &located.value);
    texts
        .filter_map(|instruction| match instruction {
            Instruction::OnBuild(text) => Some(text.clone()),
            _ => None,
        })
        .collect()
}

/// An instruction of a base, in the place of the `FROM` that pulled it in.
fn trigger(text: &str, stage: &Stage) -> Result<Located<Instruction>, Failure> {
    let located = parse_instruction(text)
        .map_err(|error| Failure::new(format!("ONBUILD trigger {text:?}: {error}")))?;
    Ok(Located {
        lines: stage.lines.clone(),
        ..located
    })
}

fn sources_of(
    stages: &[Stage],
    index: usize,
    instructions: &[Located<Instruction>],
) -> Result<BTreeMap<String, Source>, PlanError> {
    let mut sources = BTreeMap::new();
    for located in instructions {
        for from in named_sources(&located.value) {
            let source = source(stages, index, from)
                .map_err(|failure| (failure, Some(located.lines.clone())))?;
            sources.insert(from.to_owned(), source);
        }
    }
    Ok(sources)
}

/// The `--from=` of a copy, the `from=` of a `RUN`'s mounts.
fn named_sources(instruction: &Instruction) -> Vec<&str> {
    match instruction {
        Instruction::Copy(copy) => copy.from.as_deref().into_iter().collect(),
        Instruction::Add(add) => add.copy.from.as_deref().into_iter().collect(),
        Instruction::Run(run) => run
            .mounts
            .iter()
            .filter(|mount| matches!(mount.kind, MountKind::Bind | MountKind::Cache))
            .flat_map(|mount| &mount.options)
            .filter(|(key, _)| key == "from")
            .map(|(_, value)| value.as_str())
            .collect(),
        _ => Vec::new(),
    }
}

fn source(stages: &[Stage], index: usize, from: &str) -> Result<Source, Failure> {
    if from.contains('$') {
        return Err(Failure::new(format!(
            "variable expansion is not supported for --from: {from}"
        ))
        .hint("name a stage for it: FROM $VARIABLE AS name, then --from=name"));
    }
    if let Some(stage) = stages[..index]
        .iter()
        .rposition(|earlier| is_called(earlier, from))
    {
        return Ok(Source::Stage(stage));
    }
    if is_called(&stages[index], from) {
        return Err(Failure::new(format!(
            "invalid from flag value {from}: refers to current build stage"
        )));
    }
    match from.parse::<usize>() {
        Ok(number) if number < index => Ok(Source::Stage(number)),
        Ok(number) if number == index => Err(Failure::new(format!(
            "invalid from flag value {from}: refers to current build stage"
        ))),
        Ok(_) => Err(Failure::new(format!(
            "invalid from flag value {from}: there is no such stage before this one"
        ))),
        Err(_) => Ok(Source::Image(from.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::build::input::expand;

    fn planned(text: &str, target: Option<&str>) -> Result<Plan, String> {
        let file = Dockerfile::parse(text.as_bytes()).unwrap();
        let mut given = Given::new(BTreeMap::new(), target);
        let expand =
            |word: &str, lookup: &dyn Fn(&str) -> Option<String>| expand(word, file.escape, lookup);
        for located in &file.global_args {
            for declaration in &located.value {
                given.declare_global(declaration, &expand).unwrap();
            }
        }
        let wanted = Wanted {
            target,
            uncached: &["web".to_owned()],
        };
        let mut triggers = |name: &str| {
            Ok(match name {
                "onbuild" => vec!["COPY --from=tools /t /t".to_owned(), "USER u".to_owned()],
                "broken" => vec!["BOGUS".to_owned()],
                _ => Vec::new(),
            })
        };
        plan(&file, &given, &wanted, &expand, &mut triggers).map_err(|(failure, lines)| match lines
        {
            Some(lines) => format!("{}: {}", lines.start(), failure.message),
            None => failure.message,
        })
    }

    fn names(plan: &Plan) -> Vec<&str> {
        plan.stages
            .iter()
            .map(|stage| stage.name.as_str())
            .collect()
    }

    const SEVERAL: &str = "FROM alpine AS build
RUN make
FROM build AS test
RUN make test
FROM golang AS tools
FROM alpine AS web
COPY --from=build /out /out
RUN --mount=type=bind,from=2,target=/t true
";

    #[test]
    fn what_nobody_asks_for_is_left_out() {
        let plan = planned(SEVERAL, None).unwrap();
        assert_eq!(names(&plan), ["build", "tools", "web"]);
        let web = &plan.stages[plan.target];
        assert_eq!(web.needs(), BTreeSet::from([0, 1]));
        assert_eq!(web.base, Base::Image("alpine".to_owned()));
        assert_eq!(web.steps, 3);
        assert!(web.uncached && !plan.stages[0].uncached);
    }

    #[test]
    fn a_target_is_a_stage_by_name_or_number() {
        for target in ["test", "TEST", "1"] {
            let plan = planned(SEVERAL, Some(target)).unwrap();
            assert_eq!(names(&plan), ["build", "test"]);
            let test = &plan.stages[1];
            assert_eq!(test.base, Base::Stage(0));
            // Standing on a stage is no step.
            assert_eq!(test.steps, 1);
        }
        for target in ["nosuch", "9"] {
            assert_eq!(
                planned(SEVERAL, Some(target)).unwrap_err(),
                format!("target stage {target:?} could not be found")
            );
        }
    }

    #[test]
    fn names_of_stages_are_expanded_and_hide_images() {
        let text = "ARG BASE=first\nARG VER\nFROM scratch AS first\nFROM ${BASE}\nFROM $BASE:$VER";
        assert_eq!(
            planned(text, None).unwrap().stages[0].base,
            Base::Image("first:".to_owned())
        );
        let plan = planned(text, Some("1")).unwrap();
        assert_eq!(names(&plan), ["first", "stage-1"]);
        assert_eq!(plan.stages[0].base, Base::Scratch);
        assert_eq!(plan.stages[0].steps, 0);
        assert_eq!(
            planned("FROM alpine\nRUN x", None).unwrap().stages[0].name,
            ""
        );
        assert_eq!(
            planned("FROM $NOSUCH", None).unwrap_err(),
            "1: base name ($NOSUCH) should not be blank"
        );
    }

    #[test]
    fn triggers_fire_once_and_bring_their_stages() {
        let text =
            "FROM t AS tools\nFROM onbuild AS a\nONBUILD WORKDIR /w\nFROM a AS b\nFROM b AS c";
        let plan = planned(text, None).unwrap();
        assert_eq!(names(&plan), ["tools", "a", "b", "c"]);
        let counts: Vec<usize> = plan
            .stages
            .iter()
            .map(|stage| stage.instructions.len())
            .collect();
        // The second has its own ONBUILD, too.
        assert_eq!(counts, [0, 3, 1, 0]);
        assert_eq!(plan.stages[1].sources["tools"], Source::Stage(0));
        assert_eq!(plan.stages[2].instructions[0].lines, 4..=4);
        let broken = planned("FROM broken", None).unwrap_err();
        assert!(
            broken.starts_with("1: ONBUILD trigger \"BOGUS\""),
            "{broken}"
        );
    }

    #[test]
    fn sources_are_earlier_stages_or_images() {
        let from = |from: &str| {
            planned(
                &format!("FROM a AS one\nFROM b AS two\nCOPY --from={from} /x /x\nFROM two"),
                None,
            )
            .map(|plan| plan.stages[plan.target - 1].sources[from].clone())
        };
        assert_eq!(from("one"), Ok(Source::Stage(0)));
        assert_eq!(from("ONE"), Ok(Source::Stage(0)));
        assert_eq!(from("0"), Ok(Source::Stage(0)));
        assert_eq!(from("busybox:1"), Ok(Source::Image("busybox:1".to_owned())));
        for own in ["two", "1"] {
            assert_eq!(
                from(own).unwrap_err(),
                format!("3: invalid from flag value {own}: refers to current build stage")
            );
        }
        assert!(from("7").unwrap_err().contains("no such stage"));
        assert!(
            from("$x")
                .unwrap_err()
                .contains("variable expansion is not supported")
        );
    }

    #[test]
    fn only_this_machine_s_platform_is_built() {
        assert!(planned("FROM --platform=$BUILDPLATFORM a", None).is_ok());
        let refused = planned("FROM --platform=linux/s390x a", None).unwrap_err();
        assert!(refused.starts_with("1: cannot build a for linux/s390x: this machine is "));
    }
}
