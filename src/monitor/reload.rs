//! What a sandbox has in the kernel, made again where somebody took it away.

use std::path::Path;

use rbox_netsetup::apply::{self, Mended};
use rbox_netsetup::foreign;
use rbox_netsetup::plan::Step;

use super::attachment::{Attachment, private_steps};
use super::network::{Network, failure};
use super::ports;
use crate::engine::dirs::Dirs;
use crate::engine::failure::Failure;
use crate::engine::record::Record;
use crate::engine::reload;

impl Network {
    /// Looks after everything that this sandbox's steps made, in their order; the names of what
    /// was missing.
    pub fn reload(&mut self, record: &Record) -> Result<Vec<String>, Failure> {
        let mut mended = Vec::new();
        if self.namespace.is_some() {
            let path = self.sandbox.key.clone().into();
            self.mend(&[Step::NetnsName { path }], &mut mended)?;
        }
        for index in 0..self.attachments.len() {
            let steps = private_steps(&self.attachments[index]);
            self.mend(&steps, &mut mended)?;
        }
        if self.namespace.is_some() {
            self.mend(&self.default_routes(), &mut mended)?;
            let steps = self.journal.steps().unwrap_or_default();
            let redirect = steps.into_iter().rev();
            let redirect = redirect
                .filter(|step| matches!(step, Step::ResolverRedirect { .. }))
                .take(1);
            self.mend(&redirect.collect::<Vec<_>>(), &mut mended)?;
        }
        let led = ports::steps(&self.sandbox.ports, &self.led_to, &record.id);
        self.mend(&led, &mut mended)?;
        Ok(mended)
    }

    /// What was noticed while the steps were carried out and the user should know.
    pub fn notices(&mut self, dirs: &Dirs, id: &str) -> Vec<Failure> {
        let Some(kernel) = &mut self.kernel else {
            return Vec::new();
        };
        let remarks = kernel.context().nft.take_remarks();
        if remarks.is_empty() {
            return Vec::new();
        }
        reload::notices(dirs, id, &remarks)
    }

    /// At the container's end: nothing of ours stays with other firewalls when the last
    /// container on the default bridge is gone.
    pub fn retire(&mut self, leases: &Path) {
        let default = |attachment: &Attachment| attachment.network.is_default_bridge();
        if let Some(kernel) = &mut self.kernel
            && self.attachments.iter().any(default)
        {
            // Who removes a network tries again.
            let _ = foreign::retire(leases, kernel.context().nft);
        }
    }

    /// The steps are in the journal already.
    fn mend(&mut self, steps: &[Step], mended: &mut Vec<String>) -> Result<(), Failure> {
        let Some(kernel) = &mut self.kernel else {
            return Ok(());
        };
        let mut context = kernel.context();
        let mut remade = false;
        for step in steps {
            if remade {
                apply::apply(step, &mut context).map_err(failure)?;
                continue;
            }
            let found = apply::mend(step, &mut context).map_err(failure)?;
            remade = found == Mended::Remade;
            if found != Mended::Nothing
                && let Some(name) = name(step)
                && !mended.contains(&name)
            {
                mended.push(name);
            }
        }
        Ok(())
    }
}

/// What a step is called when it was mended; a bridge is its network's.
fn name(step: &Step) -> Option<String> {
    match step {
        Step::Veth(veth) => Some(veth.ifname.clone()),
        Step::DefaultRoute { .. } => Some("default route".to_owned()),
        Step::ResolverRedirect { .. } => Some("resolver".to_owned()),
        Step::Ports { .. } | Step::Reach { .. } => Some("published ports".to_owned()),
        Step::NetnsName { .. } => Some("name of the namespace".to_owned()),
        _ => None,
    }
}
