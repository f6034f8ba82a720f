//! One record of comma-separated values, quotes as in RFC 4180 (Go's encoding/csv).

use super::Invalid;

/// The fields of one flag that takes several.
#[derive(Clone, Debug)]
pub struct Fields(pub Vec<String>);

/// Reads one such flag.
pub fn flag(text: &str) -> Result<Fields, Invalid> {
    fields(text).map(Fields)
}

/// The fields of a line.
pub fn fields(line: &str) -> Result<Vec<String>, Invalid> {
    if line.is_empty() {
        return Err(Invalid::new("value is empty"));
    }
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let (field, after) = match rest.strip_prefix('"') {
            Some(inner) => quoted(inner)?,
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                if let Some(column) = rest[..end].find('"') {
                    return Err(Invalid(format!(
                        "parse error on line 1, column {}: bare \" in non-quoted field",
                        line.len() - rest.len() + column + 1
                    )));
                }
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        fields.push(field);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None if after.is_empty() => return Ok(fields),
            None => return Err(Invalid::new("extraneous or missing \" in quoted-field")),
        }
    }
}

fn quoted(inner: &str) -> Result<(String, &str), Invalid> {
    let mut field = String::new();
    let mut rest = inner;
    loop {
        let Some(end) = rest.find('"') else {
            return Err(Invalid::new("extraneous or missing \" in quoted-field"));
        };
        field.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(next) => {
                field.push('"');
                rest = next;
            }
            None => return Ok((field, rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fields;

    #[test]
    fn quotes_hide_commas() {
        assert_eq!(fields("a=1,\"b=2,3\",c").unwrap(), ["a=1", "b=2,3", "c"]);
        assert_eq!(fields("a,").unwrap(), ["a", ""]);
        assert_eq!(fields("\"a\"\"b\"").unwrap(), ["a\"b"]);
        assert!(fields("a\"b").is_err());
        assert!(fields("\"a").is_err());
    }
}
