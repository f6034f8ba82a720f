//! Base chains of others that drop what they do not know.

use super::ways_in::ADMITTED;
use super::wire::{
    NF_DROP, NF_INET_FORWARD, NFPROTO_INET, NFPROTO_IPV4, NFPROTO_IPV6, NFPROTO_UNSPEC,
    NFT_MSG_GETCHAIN, NFT_MSG_GETRULE, NFT_MSG_NEWCHAIN, NFT_MSG_NEWRULE, NFTA_CHAIN_HOOK,
    NFTA_CHAIN_NAME, NFTA_CHAIN_POLICY, NFTA_CHAIN_TABLE, NFTA_CMP_DATA, NFTA_DATA_VALUE,
    NFTA_EXPR_DATA, NFTA_EXPR_NAME, NFTA_HOOK_HOOKNUM, NFTA_RULE_EXPRESSIONS, NFTA_RULE_TABLE,
    message_type, nfgenmsg,
};
use super::{Nft, NftError, table};
use crate::kernel::netlink::{Attributes, Encoder};

/// A chain at the hook `forward` whose policy is to drop.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DroppingChain {
    /// `ip`, `ip6` or `inet`.
    pub family: String,
    /// Name of its table.
    pub table: String,
    /// Name of the chain.
    pub name: String,
}

impl DroppingChain {
    /// The program that keeps the chain, where iptables does.
    pub fn iptables(&self) -> Option<&'static str> {
        match (
            self.family.as_str(),
            self.table.as_str(),
            self.name.as_str(),
        ) {
            ("ip", "filter", "FORWARD") => Some("iptables"),
            ("ip6", "filter", "FORWARD") => Some("ip6tables"),
            _ => None,
        }
    }
}

impl Nft {
    /// All such chains but for our own table's. One dump.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn dropping_chains(&mut self) -> Result<Vec<DroppingChain>, NftError> {
        let header = nfgenmsg(NFPROTO_UNSPEC, 0);
        let kind = message_type(NFT_MSG_GETCHAIN);
        Ok(self.socket.dump("list chains", kind, &header, dropping)?)
    }

    /// Whether a rule of the chain's table compares with this interface's name, a beginning of
    /// it (`br-*`), or our mark: its owner knows of us.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn table_knows(
        &mut self,
        chain: &DroppingChain,
        interface: &str,
    ) -> Result<bool, NftError> {
        let mut header = Encoder::default();
        header.raw(&nfgenmsg(number(&chain.family), 0));
        header.text(NFTA_RULE_TABLE, &chain.table);
        let label = format!("list table {}", chain.table);
        let kind = message_type(NFT_MSG_GETRULE);
        let found = self
            .socket
            .dump(&label, kind, header.as_slice(), |kind, body| {
                (kind == message_type(NFT_MSG_NEWRULE) && names(body, interface)).then_some(())
            })?;
        Ok(!found.is_empty())
    }
}

fn number(family: &str) -> u8 {
    match family {
        "ip" => NFPROTO_IPV4,
        "ip6" => NFPROTO_IPV6,
        _ => NFPROTO_INET,
    }
}

fn dropping(kind: u16, body: &[u8]) -> Option<DroppingChain> {
    if kind != message_type(NFT_MSG_NEWCHAIN) {
        return None;
    }
    let attributes = Attributes::after(body, 4);
    let hook = attributes
        .nested(NFTA_CHAIN_HOOK)
        .get_be32(NFTA_HOOK_HOOKNUM)?;
    let policy = attributes.get_be32(NFTA_CHAIN_POLICY)?;
    let family = match *body.first()? {
        NFPROTO_IPV4 => "ip",
        NFPROTO_IPV6 => "ip6",
        NFPROTO_INET => "inet",
        // Others do not see what is forwarded between interfaces.
        _ => return None,
    };
    let chain = DroppingChain {
        family: family.to_owned(),
        table: attributes.get_text(NFTA_CHAIN_TABLE)?,
        name: attributes.get_text(NFTA_CHAIN_NAME)?,
    };
    let ours = chain.family == "inet" && chain.table == table::TABLE;
    (hook == NF_INET_FORWARD && policy == NF_DROP.cast_unsigned() && !ours).then_some(chain)
}

fn names(body: &[u8], interface: &str) -> bool {
    let expressions = Attributes::after(body, 4).nested(NFTA_RULE_EXPRESSIONS);
    expressions
        .map(|(_, expression)| Attributes::new(expression))
        .filter(|expression| expression.get_text(NFTA_EXPR_NAME).as_deref() == Some("cmp"))
        .filter_map(|expression| {
            let data = expression.nested(NFTA_EXPR_DATA).nested(NFTA_CMP_DATA);
            data.get(NFTA_DATA_VALUE)
        })
        .any(|value| {
            let end = value
                .iter()
                .position(|byte| *byte == 0)
                .unwrap_or(value.len());
            let text = &value[..end];
            let name = text.len() > 1 && interface.as_bytes().starts_with(text);
            name || value == ADMITTED.to_ne_bytes()
        })
}
