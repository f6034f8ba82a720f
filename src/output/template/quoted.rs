//! Constants in quotes.

/// Go's escapes of an interpreted string; `None` where an escape is none of Go's.
pub fn unescape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let digits = match rest.next()? {
            'a' => Err('\x07'),
            'b' => Err('\x08'),
            'f' => Err('\x0c'),
            'n' => Err('\n'),
            'r' => Err('\r'),
            't' => Err('\t'),
            'v' => Err('\x0b'),
            c @ ('\\' | '\'' | '"') => Err(c),
            'x' => Ok(2),
            'u' => Ok(4),
            'U' => Ok(8),
            _ => return None,
        };
        match digits {
            Err(c) => out.push(c),
            Ok(count) => {
                let mut code = 0;
                for _ in 0..count {
                    code = code * 16 + rest.next()?.to_digit(16)?;
                }
                out.push(char::from_u32(code)?);
            }
        }
    }
    Some(out)
}
