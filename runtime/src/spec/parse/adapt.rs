//! Words of the specification that the types of the crate oci-spec spell
//! otherwise, or do not take at all.

use serde_json::{Map, Value, json};

use crate::security::capabilities;

/// The specification's words and the crate's.
const SCHEDULER_FLAGS: [(&str, &str); 2] = [
    ("SCHED_FLAG_RESET_ON_FORK", "SCHED_RESET_ON_FORK"),
    ("SCHED_FLAG_DL_OVERRUN", "SCHED_FLAG_D_L_OVERRUN"),
];

/// Changes the `process` object; what has to be told about it. `path` is in
/// front of the names of its fields.
pub(super) fn process(process: &mut Value, path: &str) -> Vec<String> {
    let Value::Object(process) = process else {
        return Vec::new();
    };
    // Optional in the specification: root then.
    process.entry("user").or_insert_with(|| json!({}));
    if let Some(flags) = array(process, "scheduler", "flags") {
        for flag in flags {
            let known = SCHEDULER_FLAGS.iter().find(|(word, _)| flag == *word);
            if let Some((_, crates)) = known {
                *flag = json!(crates);
            }
        }
    }
    if let Some(Value::Object(affinity)) = process.get_mut("execCPUAffinity") {
        lists_of_numbers(affinity);
    }
    match process.get_mut("capabilities") {
        Some(Value::Object(sets)) => known_capabilities(sets, path),
        _ => Vec::new(),
    }
}

/// Changes the `linux` object.
pub(super) fn linux(linux: &mut Value) -> Vec<String> {
    // One text in version 1.2 of the specification, a list of lines later.
    if let Some(schemata) = linux.pointer_mut("/intelRdt/schemata")
        && schemata.is_string()
    {
        *schemata = Value::Array(vec![schemata.take()]);
    }
    Vec::new()
}

/// Empty is the same as absent, and blanks are allowed.
fn lists_of_numbers(affinity: &mut Map<String, Value>) {
    for key in ["initial", "final"] {
        let Some(Value::String(text)) = affinity.get_mut(key) else {
            continue;
        };
        text.retain(|character| character != ' ');
        if text.is_empty() {
            affinity.remove(key);
        }
    }
}

/// Takes out the names that are no capabilities of any kernel known here.
fn known_capabilities(sets: &mut Map<String, Value>, path: &str) -> Vec<String> {
    let mut warnings = Vec::new();
    for (set, names) in sets {
        let Value::Array(names) = names else {
            continue;
        };
        names.retain(|name| {
            let known = name
                .as_str()
                .is_none_or(|name| capabilities::parse(name).is_ok());
            if !known {
                warnings.push(format!(
                    "{path}capabilities.{set}: {name} is unknown here and left out"
                ));
            }
            known
        });
    }
    warnings
}

fn array<'a>(
    object: &'a mut Map<String, Value>,
    key: &str,
    list: &str,
) -> Option<&'a mut Vec<Value>> {
    object.get_mut(key)?.get_mut(list)?.as_array_mut()
}
