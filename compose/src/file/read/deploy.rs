//! `services.NAME.deploy`, as far as it speaks of one machine.

use super::fields::Fields;
use super::item::Item;
use super::service::nano_cpus;
use crate::file::error::LoadError;
use crate::model::Service;

/// Reads it over what the service's own keys said of the same.
pub fn read(
    service_fields: &mut Fields,
    service: &mut Service,
    scale: Option<u32>,
) -> Result<(), LoadError> {
    service.replicas = scale;
    let Some(item) = service_fields.get("deploy") else {
        return Ok(());
    };
    let mut fields = item.fields()?;
    fields.refuse(&[
        "endpoint_mode",
        "labels",
        "placement",
        "rollback_config",
        "update_config",
    ])?;
    fields.opt("mode", |item| match item.text()?.as_str() {
        "replicated" => Ok(()),
        mode => Err(item.error(format!("{mode} is not supported"))),
    })?;
    let replicas = fields.opt("replicas", Item::small)?;
    distinct(
        service_fields,
        ("scale", "deploy.replicas"),
        &mut service.replicas,
        replicas,
    )?;
    if let Some(resources) = fields.get("resources") {
        read_resources(&resources, service_fields, service)?;
    }
    if let Some(policy) = fields.opt("restart_policy", restart_policy)? {
        service.restart.get_or_insert(policy);
    }
    fields.finish()
}

fn read_resources(item: &Item, own: &Fields, service: &mut Service) -> Result<(), LoadError> {
    let mut resources = item.fields()?;
    if let Some(limits) = resources.get("limits") {
        let mut fields = limits.fields()?;
        let cpus = fields.opt("cpus", nano_cpus)?;
        let names = ("cpus", "deploy.resources.limits.cpus");
        distinct(own, names, &mut service.nano_cpus, cpus)?;
        let memory = fields.opt("memory", Item::bytes)?;
        let names = ("mem_limit", "deploy.resources.limits.memory");
        distinct(own, names, &mut service.memory, memory)?;
        let pids = fields.opt("pids", Item::integer)?;
        let names = ("pids_limit", "deploy.resources.limits.pids");
        distinct(own, names, &mut service.pids_limit, pids)?;
        fields.finish()?;
    }
    if let Some(reservations) = resources.get("reservations") {
        let mut fields = reservations.fields()?;
        fields.refuse(&["cpus", "devices", "generic_resources"])?;
        let memory = fields.opt("memory", Item::bytes)?;
        let names = ("mem_reservation", "deploy.resources.reservations.memory");
        distinct(own, names, &mut service.memory_reservation, memory)?;
        fields.finish()?;
    }
    resources.finish()
}

/// Two keys for the same must say the same.
fn distinct<T: PartialEq>(
    fields: &Fields,
    (own, deploy): (&str, &str),
    slot: &mut Option<T>,
    value: Option<T>,
) -> Result<(), LoadError> {
    if slot.is_some() && value.is_some() && *slot != value {
        let text = format!("can't set distinct values on '{own}' and '{deploy}'");
        return Err(fields.conflict(own, text));
    }
    if value.is_some() {
        *slot = value;
    }
    Ok(())
}

/// As `restart` says it.
fn restart_policy(item: &Item) -> Result<String, LoadError> {
    let mut fields = item.fields()?;
    fields.refuse(&["delay", "window"])?;
    let condition = fields.opt("condition", |item| {
        item.one_of(&["none", "on-failure", "any"])
    })?;
    let most: Option<u32> = fields.opt("max_attempts", Item::small)?;
    let policy = match (condition.as_deref(), most) {
        (Some("none"), _) => "no".to_owned(),
        (Some("on-failure"), Some(most)) => format!("on-failure:{most}"),
        (Some("on-failure"), None) => "on-failure".to_owned(),
        (_, None) => "always".to_owned(),
        (_, Some(_)) => {
            let text = "needs condition: on-failure";
            return Err(fields.conflict("max_attempts", text));
        }
    };
    fields.finish()?;
    Ok(policy)
}
