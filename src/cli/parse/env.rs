//! `-e`, `--env-file` and `--label-file`.

use super::Invalid;

/// `-e NAME=value`, or `-e NAME` for the client's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Not empty.
    pub name: String,
    /// `None`: taken from the client's environment.
    pub value: Option<String>,
}

/// Reads one `-e`.
pub fn variable(text: &str) -> Result<Variable, Invalid> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (text, None),
    };
    if name.is_empty() {
        return Err(Invalid(format!("invalid environment variable: {text}")));
    }
    Ok(Variable {
        name: name.to_owned(),
        value,
    })
}

/// Lines of a `NAME=value` file: `#` comments, no quotes; errors without the file's name.
pub fn file(content: &[u8]) -> Result<Vec<Variable>, Invalid> {
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    let mut variables = Vec::new();
    for (index, line) in content.split(|&byte| byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = std::str::from_utf8(line).map_err(|_| {
            let bytes: Vec<String> = line.iter().map(u8::to_string).collect();
            Invalid(format!(
                "invalid utf8 bytes at line {}: [{}]",
                index + 1,
                bytes.join(" ")
            ))
        })?;
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = match line.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (line, None),
        };
        if name.is_empty() {
            return Err(Invalid(format!("no variable name on line '{line}'")));
        }
        if name.contains(char::is_whitespace) {
            return Err(Invalid(format!("variable '{name}' contains whitespaces")));
        }
        variables.push(Variable {
            name: name.to_owned(),
            value,
        });
    }
    Ok(variables)
}

/// Fills in the client's values; a name that the client does not have is left out.
pub fn resolve(
    variables: Vec<Variable>,
    client: impl Fn(&str) -> Option<String>,
) -> Vec<(String, String)> {
    variables
        .into_iter()
        .filter_map(|Variable { name, value }| {
            let value = value.or_else(|| client(&name))?;
            Some((name, value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{file, resolve, variable};

    #[test]
    fn a_file_has_comments_and_no_quotes() {
        let text = "# comment\nX=1\nY=two words\nZ=\"q\"\n\n  W=lead\nEMPTY=\nHOST_VAR\nNONE\n";
        let client = |name: &str| (name == "HOST_VAR").then(|| "hv".to_owned());
        let pairs = resolve(file(text.as_bytes()).unwrap(), client);
        let pairs: Vec<(&str, &str)> = pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            pairs,
            [
                ("X", "1"),
                ("Y", "two words"),
                ("Z", "\"q\""),
                ("W", "lead"),
                ("EMPTY", ""),
                ("HOST_VAR", "hv")
            ]
        );
    }

    #[test]
    fn bad_names_are_refused() {
        assert_eq!(
            variable("=x").unwrap_err().0,
            "invalid environment variable: =x"
        );
        assert_eq!(variable("A B=1").unwrap().name, "A B");
        assert_eq!(
            file(b"bad name=1").unwrap_err().0,
            "variable 'bad name' contains whitespaces"
        );
        assert_eq!(file(b"=1").unwrap_err().0, "no variable name on line '=1'");
        assert_eq!(
            file(b"a=1\n\xff").unwrap_err().0,
            "invalid utf8 bytes at line 2: [255]"
        );
    }
}
