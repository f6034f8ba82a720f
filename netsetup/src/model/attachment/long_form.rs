//! `--network` before anything is read that needs more than its own text.

use std::collections::BTreeMap;

use super::AttachmentError;
use crate::model::endpoint_rules::IFNAME_OPTION;
use crate::model::strconv::{StrconvError, parse_integer};

/// One `--network` before its addresses are read.
#[derive(Clone, Default, Debug)]
pub(super) struct Draft {
    pub(super) target: String,
    pub(super) aliases: Vec<String>,
    pub(super) ip: Option<String>,
    pub(super) ip6: Option<String>,
    pub(super) mac: Option<String>,
    pub(super) link_local: Option<String>,
    pub(super) links: Vec<(String, String)>,
    pub(super) driver_opts: BTreeMap<String, String>,
    pub(super) gw_priority: i32,
}

/// Whether the long form begins: somewhere a word, `=`, a word.
fn is_long(value: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    value
        .as_bytes()
        .windows(3)
        .any(|three| word(three[0]) && three[1] == b'=' && word(three[2]))
}

/// Comma-separated fields; one in double quotes may hold commas, and `""` for a quote.
fn fields(value: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut characters = value.chars().peekable();
    while let Some(character) = characters.next() {
        let Some(field) = fields.last_mut() else {
            break;
        };
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' if quoted || field.is_empty() => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            _ => field.push(character),
        }
    }
    fields
}

pub(super) fn driver_option(text: &str) -> Result<(String, String), AttachmentError> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok((key.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err(AttachmentError::DriverOption),
    }
}

pub(super) fn parse_draft(value: &str) -> Result<Draft, AttachmentError> {
    let mut draft = Draft::default();
    // A path may have `=` in it.
    if !is_long(value) || value.starts_with("ns:") {
        value.clone_into(&mut draft.target);
        return Ok(draft);
    }
    for field in fields(value) {
        let (key, text) = match field.split_once('=') {
            Some((key, text)) if !key.is_empty() => (key.trim().to_ascii_lowercase(), text.trim()),
            _ => return Err(AttachmentError::Field(field)),
        };
        let text = text.to_owned();
        match key.as_str() {
            "name" => draft.target = text,
            "alias" => draft.aliases.push(text),
            "ip" => draft.ip = Some(text),
            "ip6" => draft.ip6 = Some(text),
            "mac-address" => draft.mac = Some(text),
            "link-local-ip" => draft.link_local = Some(text),
            "ifname" => {
                draft.driver_opts.insert(IFNAME_OPTION.to_owned(), text);
            }
            "driver-opt" => draft.driver_opts.extend([driver_option(&text)?]),
            "gw-priority" => {
                let number = parse_integer(&text).map_err(AttachmentError::Priority)?;
                draft.gw_priority = i32::try_from(number).map_err(|_| {
                    AttachmentError::Priority(StrconvError::Range {
                        function: "Atoi",
                        text,
                    })
                })?;
            }
            _ => return Err(AttachmentError::Key(key)),
        }
    }
    if draft.target.is_empty() {
        Err(AttachmentError::NoTarget)
    } else {
        Ok(draft)
    }
}
