//! `services.NAME.healthcheck`.

use super::item::Item;
use crate::file::error::LoadError;
use crate::model::Healthcheck;

/// Reads it.
pub fn read(item: &Item) -> Result<Healthcheck, LoadError> {
    let mut fields = item.fields()?;
    let mut health = Healthcheck {
        test: fields.or_default("test", health_test)?,
        interval: fields.opt("interval", Item::duration)?,
        timeout: fields.opt("timeout", Item::duration)?,
        start_period: fields.opt("start_period", Item::duration)?,
        start_interval: fields.opt("start_interval", Item::duration)?,
        retries: fields.opt("retries", Item::integer)?,
    };
    if fields.or_default("disable", Item::boolean)? {
        health.test = vec!["NONE".to_owned()];
    }
    fields.finish()?;
    Ok(health)
}

fn health_test(item: &Item) -> Result<Vec<String>, LoadError> {
    if item.node.scalar().is_some() {
        return Ok(vec!["CMD-SHELL".to_owned(), item.text()?]);
    }
    let words = item.texts()?;
    match words.first().map(String::as_str) {
        None | Some("NONE" | "CMD" | "CMD-SHELL") => Ok(words),
        Some(_) => Err(item.error("must start either by \"CMD\", \"CMD-SHELL\" or \"NONE\"")),
    }
}
