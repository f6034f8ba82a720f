//! `ARG`: which variables an instruction sees, and where their values come from.
//!
//! ```text
//!  --build-arg ──┬──▶ ARG before FROM ──▶ FROM lines; ARG NAME in a stage
//!                └──▶ ARG in a stage  ──▶ the rest of the stage, and stages FROM it
//!  ENV, the base image's too, hides an ARG of the same name
//! ```

use std::collections::{BTreeMap, BTreeSet};

use rbox_images::Platform;
use rbox_images::dockerfile::{ArgDeclaration, Dockerfile, Instruction};

/// Proxies reach every `RUN` without `ARG`, and neither the history nor the cache key.
const PROXIES: [&str; 10] = [
    "ALL_PROXY",
    "FTP_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "all_proxy",
    "ftp_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// What the whole build knows: `--build-arg`, the platform, and `ARG` before the first `FROM`.
#[derive(Debug, Clone, Default)]
pub struct Given {
    arguments: BTreeMap<String, String>,
    platform: BTreeMap<String, String>,
    global: Vec<(String, Option<String>)>,
}

/// The `ARG`s of a stage so far, in the order of their declaration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    arguments: Vec<(String, Option<String>)>,
}

/// Replaces the variables of a default by what the lookup says.
pub type Expand<'a, E> = dyn Fn(&str, &dyn Fn(&str) -> Option<String>) -> Result<String, E> + 'a;

impl Given {
    /// With the values of the command line; `target` is what `TARGETSTAGE` says.
    pub fn new(arguments: BTreeMap<String, String>, target: Option<&str>) -> Given {
        let host = Platform::host();
        let mut platform = BTreeMap::new();
        for side in ["BUILD", "TARGET"] {
            platform.insert(format!("{side}PLATFORM"), host.to_string());
            platform.insert(format!("{side}OS"), host.os.clone());
            platform.insert(format!("{side}ARCH"), host.architecture.clone());
            let variant = host.variant.clone().unwrap_or_default();
            platform.insert(format!("{side}VARIANT"), variant);
        }
        let target = target.unwrap_or("default").to_owned();
        platform.insert("TARGETSTAGE".to_owned(), target);
        Given {
            arguments,
            platform,
            global: Vec::new(),
        }
    }

    /// `ARG` before the first `FROM`.
    pub fn declare_global<E>(
        &mut self,
        declaration: &ArgDeclaration,
        expand: &Expand<'_, E>,
    ) -> Result<(), E> {
        let value = match (&self.arguments.get(&declaration.name), &declaration.default) {
            (Some(given), _) => Some((*given).clone()),
            (None, Some(default)) => Some(expand(default, &|name| self.global(name))?),
            (None, None) => self.platform.get(&declaration.name).cloned(),
        };
        self.global.push((declaration.name.clone(), value));
        Ok(())
    }

    /// What a `FROM` line sees.
    pub fn global(&self, name: &str) -> Option<String> {
        let declared = self.global.iter().rev().find(|(known, _)| known == name);
        match declared {
            Some((_, value)) => value.clone(),
            None => self.platform.get(name).cloned(),
        }
    }

    /// Proxies that were given, for every `RUN`.
    pub fn proxies(&self) -> impl Iterator<Item = (&str, &str)> {
        PROXIES
            .into_iter()
            .filter_map(|name| self.arguments.get(name).map(|value| (name, value.as_str())))
    }

    /// `--build-arg`s that no `ARG` asks for, in order.
    pub fn unused(&self, dockerfile: &Dockerfile) -> Vec<&str> {
        let global = dockerfile
            .global_args
            .iter()
            .flat_map(|located| &located.value);
        let local = dockerfile
            .stages
            .iter()
            .flat_map(|stage| &stage.instructions)
            .filter_map(|located| match &located.value {
                Instruction::Arg(declarations) => Some(declarations),
                _ => None,
            })
            .flatten();
        let declared: BTreeSet<&str> = global
            .chain(local)
            .map(|declaration| declaration.name.as_str())
            .collect();
        self.arguments
            .keys()
            .map(String::as_str)
            .filter(|name| {
                !declared.contains(name) && !PROXIES.contains(name) && *name != "SOURCE_DATE_EPOCH"
            })
            .collect()
    }
}

impl Scope {
    /// `ARG` in a stage; returns it as the history has it, `A=1`.
    pub fn declare<E>(
        &mut self,
        declaration: &ArgDeclaration,
        given: &Given,
        expand: &dyn Fn(&str) -> Result<String, E>,
    ) -> Result<String, E> {
        let name = &declaration.name;
        let value = match (given.arguments.get(name), &declaration.default) {
            (Some(value), _) => Some(value.clone()),
            (None, Some(default)) => Some(expand(default)?),
            (None, None) => given.global(name),
        };
        let text = match &value {
            Some(value) => format!("{name}={value}"),
            None => name.clone(),
        };
        self.arguments.retain(|(known, _)| known != name);
        self.arguments.push((name.clone(), value));
        Ok(text)
    }

    /// The value of a declared argument that has one.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.set()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    /// The declared arguments that have a value, in order.
    pub fn set(&self) -> impl Iterator<Item = (&str, &str)> {
        self.arguments
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.as_deref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    fn declaration(name: &str, default: Option<&str>) -> ArgDeclaration {
        ArgDeclaration {
            name: name.to_owned(),
            default: default.map(str::to_owned),
        }
    }

    /// `$NAME` alone.
    fn expand(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<String, Infallible> {
        Ok(match text.strip_prefix('$') {
            Some(name) => lookup(name).unwrap_or_default(),
            None => text.to_owned(),
        })
    }

    fn given(arguments: &[(&str, &str)]) -> Given {
        let arguments = arguments
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Given::new(arguments, None)
    }

    fn declare(scope: &mut Scope, given: &Given, name: &str, default: Option<&str>) -> String {
        let known = scope.clone();
        let look = |text: &str| expand(text, &|name| known.get(name).map(str::to_owned));
        let Ok(text) = scope.declare(&declaration(name, default), given, &look);
        text
    }

    #[test]
    fn the_command_line_wins_over_defaults_and_defaults_see_what_was_before() {
        let mut given = given(&[("VER", "3.23")]);
        for (name, default) in [("VER", Some("1")), ("IMAGE", Some("$VER")), ("BARE", None)] {
            let Ok(()) = given.declare_global(&declaration(name, default), &expand);
        }
        assert_eq!(given.global("VER").as_deref(), Some("3.23"));
        assert_eq!(given.global("IMAGE").as_deref(), Some("3.23"));
        assert_eq!(given.global("BARE"), None);
        assert_eq!(given.global("NOSUCH"), None);
    }

    #[test]
    fn a_stage_sees_only_what_it_declares() {
        let mut given = given(&[("A", "line")]);
        let Ok(()) = given.declare_global(&declaration("G", Some("global")), &expand);
        let mut scope = Scope::default();
        assert_eq!(scope.get("G"), None);
        assert_eq!(declare(&mut scope, &given, "G", None), "G=global");
        assert_eq!(declare(&mut scope, &given, "A", Some("default")), "A=line");
        assert_eq!(declare(&mut scope, &given, "B", Some("$A")), "B=line");
        assert_eq!(declare(&mut scope, &given, "C", None), "C");
        assert_eq!(declare(&mut scope, &given, "G", Some("own")), "G=own");
        let set: Vec<_> = scope.set().collect();
        assert_eq!(set, [("A", "line"), ("B", "line"), ("G", "own")]);
    }

    #[test]
    fn platforms_are_there_for_from_and_for_stages_that_ask() {
        let given = given(&[]);
        let host = Platform::host();
        assert_eq!(given.global("TARGETARCH"), Some(host.architecture.clone()));
        let mut scope = Scope::default();
        assert_eq!(
            declare(&mut scope, &given, "BUILDPLATFORM", None),
            format!("BUILDPLATFORM={host}")
        );
        assert_eq!(
            declare(&mut scope, &given, "TARGETSTAGE", None),
            "TARGETSTAGE=default"
        );
    }

    #[test]
    fn proxies_need_no_declaration_and_other_arguments_do() {
        let given = given(&[("http_proxy", "http://p"), ("LOST", "1"), ("USED", "1")]);
        assert_eq!(
            given.proxies().collect::<Vec<_>>(),
            [("http_proxy", "http://p")]
        );
        let dockerfile = Dockerfile {
            global_args: vec![rbox_images::dockerfile::Located {
                value: vec![declaration("USED", None)],
                lines: 1..=1,
                text: String::new(),
            }],
            stages: Vec::new(),
            escape: '\\',
            warnings: Vec::new(),
        };
        assert_eq!(given.unused(&dockerfile), ["LOST"]);
    }
}
