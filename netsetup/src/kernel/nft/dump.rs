//! Reads the whole ruleset of a network namespace: every table of every family, with chains,
//! rules, sets and their elements, as one moment's view.

use std::collections::BTreeMap;

use super::dump_element::elements;
use super::dump_expr::expression;
use super::wire::{
    NFPROTO_UNSPEC, NFT_MSG_GETSETELEM, NFT_MSG_GETTABLE, NFT_MSG_NEWCHAIN, NFT_MSG_NEWRULE,
    NFT_MSG_NEWSET, NFT_MSG_NEWSETELEM, NFT_MSG_NEWTABLE, NFT_SET_CONCAT, NFT_SET_INTERVAL,
    NFT_SET_MAP, NFTA_CHAIN_HOOK, NFTA_CHAIN_NAME, NFTA_CHAIN_POLICY, NFTA_CHAIN_TABLE,
    NFTA_CHAIN_TYPE, NFTA_EXPR_DATA, NFTA_EXPR_NAME, NFTA_HOOK_HOOKNUM, NFTA_HOOK_PRIORITY,
    NFTA_RULE_CHAIN, NFTA_RULE_EXPRESSIONS, NFTA_RULE_TABLE, NFTA_RULE_USERDATA,
    NFTA_SET_DATA_TYPE, NFTA_SET_DESC, NFTA_SET_DESC_CONCAT, NFTA_SET_ELEM_LIST_ELEMENTS,
    NFTA_SET_ELEM_LIST_SET, NFTA_SET_ELEM_LIST_TABLE, NFTA_SET_FIELD_LEN, NFTA_SET_FLAGS,
    NFTA_SET_KEY_LEN, NFTA_SET_KEY_TYPE, NFTA_SET_NAME, NFTA_SET_TABLE, NFTA_TABLE_NAME,
    message_type, nfgenmsg, read_comment,
};
use super::{Nft, NftError};
use crate::explain::ruleset::{Base, Chain, Family, Rule, Ruleset, Set, Table};
use crate::kernel::netlink::{Attributes, Encoder, NetlinkError};

const NFT_MSG_GETCHAIN: u16 = 4;
const NFT_MSG_GETRULE: u16 = 7;
const NFT_MSG_GETSET: u16 = 10;
const NFTA_TABLE_FLAGS: u16 = 2;
const DORMANT: u32 = 1;
const NFTA_HOOK_DEV: u16 = 3;
const NFTA_HOOK_DEVS: u16 = 4;
const NFTA_RULE_HANDLE: u16 = 3;
const SET_ANONYMOUS: u32 = 0x1;
const SET_OBJECT: u32 = 0x40;
const NFTA_SET_EXPR: u16 = 17;
const NFTA_SET_EXPRESSIONS: u16 = 18;
/// A ruleset that others keep changing is given up after so many attempts.
const ATTEMPTS: usize = 16;

/// What a dump's entry says, and of which table it is.
type Entry<T> = (u8, String, T);

struct SetHead {
    set: Set,
    key_length: usize,
    intervals: bool,
}

impl Nft {
    /// The ruleset of the socket's namespace, all of one generation.
    ///
    /// # Errors
    /// The kernel refuses, or others keep changing the ruleset.
    pub fn ruleset(&mut self) -> Result<Ruleset, NftError> {
        const LABEL: &str = "read the ruleset";
        for _ in 0..ATTEMPTS {
            let before = self.generation(LABEL)?;
            let ruleset = match self.ruleset_once() {
                Ok(ruleset) => ruleset,
                // A table went between two lists.
                Err(error) if error.is_missing() => continue,
                Err(error) => return Err(error.into()),
            };
            if self.generation(LABEL)? == before {
                return Ok(ruleset);
            }
        }
        Err(NftError::Contended(LABEL.to_owned()))
    }

    fn ruleset_once(&mut self) -> Result<Ruleset, NetlinkError> {
        let tables = self.list("tables", NFT_MSG_GETTABLE, table)?;
        let chains = self.list("chains", NFT_MSG_GETCHAIN, chain)?;
        let rules = self.list("rules", NFT_MSG_GETRULE, rule)?;
        let sets = self.list("sets", NFT_MSG_GETSET, set)?;
        let mut ruleset = Ruleset::default();
        let mut index = BTreeMap::new();
        for (family, name, mut table) in tables {
            let Some(known) = Family::from_number(family) else {
                continue;
            };
            table.family = known;
            name.clone_into(&mut table.name);
            index.insert((family, name), ruleset.tables.len());
            ruleset.tables.push(table);
        }
        for (family, table, chain) in chains {
            if let Some(at) = index.get(&(family, table)) {
                ruleset.tables[*at].chains.push(chain);
            }
        }
        for (family, table, (chain, rule)) in rules {
            let Some(at) = index.get(&(family, table)) else {
                continue;
            };
            let table = &mut ruleset.tables[*at];
            if let Some(chain) = table.chain(&chain) {
                table.chains[chain].rules.push(rule);
            }
        }
        for (family, table, mut head) in sets {
            head.set.elements = self.set_elements(family, &table, &head)?;
            if let Some(at) = index.get(&(family, table)) {
                ruleset.tables[*at].sets.push(head.set);
            }
        }
        Ok(ruleset)
    }

    fn list<T>(
        &mut self,
        what: &str,
        message: u16,
        parse: fn(Attributes<'_>) -> Option<(String, T)>,
    ) -> Result<Vec<Entry<T>>, NetlinkError> {
        let label = format!("list nft {what}");
        let header = nfgenmsg(NFPROTO_UNSPEC, 0);
        let kinds = [
            NFT_MSG_NEWTABLE,
            NFT_MSG_NEWCHAIN,
            NFT_MSG_NEWRULE,
            NFT_MSG_NEWSET,
        ];
        self.socket
            .dump(&label, message_type(message), &header, |kind, body| {
                if !kinds.iter().any(|known| message_type(*known) == kind) {
                    return None;
                }
                let family = *body.first()?;
                let (table, entry) = parse(Attributes::after(body, 4))?;
                Some((family, table, entry))
            })
    }

    fn set_elements(
        &mut self,
        family: u8,
        table: &str,
        head: &SetHead,
    ) -> Result<Vec<crate::explain::ruleset::Element>, NetlinkError> {
        let mut header = Encoder::default();
        header.raw(&nfgenmsg(family, 0));
        header.text(NFTA_SET_ELEM_LIST_TABLE, table);
        header.text(NFTA_SET_ELEM_LIST_SET, &head.set.name);
        let label = format!("list nft set {}", head.set.name);
        let kind = message_type(NFT_MSG_GETSETELEM);
        let lists = self
            .socket
            .dump(&label, kind, header.as_slice(), |kind, body| {
                (kind == message_type(NFT_MSG_NEWSETELEM)).then(|| {
                    Attributes::after(body, 4)
                        .nested(NFTA_SET_ELEM_LIST_ELEMENTS)
                        .map(|(_, element)| element.to_vec())
                        .collect::<Vec<_>>()
                })
            })?;
        let raw: Vec<Vec<u8>> = lists.into_iter().flatten().collect();
        let ends = head.intervals && head.set.parts.is_empty();
        Ok(elements(&raw, ends, head.key_length))
    }
}

fn table(attributes: Attributes<'_>) -> Option<(String, Table)> {
    let name = attributes.get_text(NFTA_TABLE_NAME)?;
    let flags = attributes.get_be32(NFTA_TABLE_FLAGS).unwrap_or(0);
    let table = Table {
        family: Family::Inet,
        name: String::new(),
        dormant: flags & DORMANT != 0,
        chains: Vec::new(),
        sets: Vec::new(),
    };
    Some((name, table))
}

fn chain(attributes: Attributes<'_>) -> Option<(String, Chain)> {
    let table = attributes.get_text(NFTA_CHAIN_TABLE)?;
    let base = attributes.get(NFTA_CHAIN_HOOK).map(|hook| {
        let hook = Attributes::new(hook);
        let mut devices: Vec<String> = hook
            .nested(NFTA_HOOK_DEVS)
            .map(|(_, name)| {
                let end = name.iter().position(|byte| *byte == 0);
                String::from_utf8_lossy(&name[..end.unwrap_or(name.len())]).into_owned()
            })
            .collect();
        devices.extend(hook.get_text(NFTA_HOOK_DEV));
        Base {
            kind: attributes.get_text(NFTA_CHAIN_TYPE).unwrap_or_default(),
            hook: hook.get_be32(NFTA_HOOK_HOOKNUM).unwrap_or(u32::MAX),
            priority: hook
                .get(NFTA_HOOK_PRIORITY)
                .and_then(|bytes| bytes.try_into().ok())
                .map_or(0, i32::from_be_bytes),
            drops: attributes.get_be32(NFTA_CHAIN_POLICY) == Some(0),
            devices,
        }
    });
    let chain = Chain {
        name: attributes.get_text(NFTA_CHAIN_NAME)?,
        base,
        rules: Vec::new(),
    };
    Some((table, chain))
}

fn rule(attributes: Attributes<'_>) -> Option<(String, (String, Rule))> {
    let table = attributes.get_text(NFTA_RULE_TABLE)?;
    let chain = attributes.get_text(NFTA_RULE_CHAIN)?;
    let handle = attributes
        .get(NFTA_RULE_HANDLE)
        .and_then(|bytes| bytes.try_into().ok())
        .map_or(0, u64::from_be_bytes);
    let expressions = attributes
        .nested(NFTA_RULE_EXPRESSIONS)
        .map(|(_, body)| {
            let body = Attributes::new(body);
            let name = body.get_text(NFTA_EXPR_NAME).unwrap_or_default();
            expression(&name, body.nested(NFTA_EXPR_DATA))
        })
        .collect();
    let rule = Rule {
        handle,
        expressions,
        comment: attributes.get(NFTA_RULE_USERDATA).and_then(read_comment),
    };
    Some((table, (chain, rule)))
}

fn set(attributes: Attributes<'_>) -> Option<(String, SetHead)> {
    let table = attributes.get_text(NFTA_SET_TABLE)?;
    let flags = attributes.get_be32(NFTA_SET_FLAGS).unwrap_or(0);
    let key_type = attributes.get_be32(NFTA_SET_KEY_TYPE).unwrap_or(0);
    let key_length = attributes.get_be32(NFTA_SET_KEY_LEN).unwrap_or(0) as usize;
    let described: Vec<usize> = attributes
        .nested(NFTA_SET_DESC)
        .nested(NFTA_SET_DESC_CONCAT)
        .filter_map(|(_, field)| Attributes::new(field).get_be32(NFTA_SET_FIELD_LEN))
        .map(|length| length as usize)
        .collect();
    let stateful = flags & SET_OBJECT != 0
        || attributes.get(NFTA_SET_EXPR).is_some()
        || attributes.get(NFTA_SET_EXPRESSIONS).is_some();
    let parts = if described.is_empty() {
        parts_of_type(key_type, key_length)
    } else {
        described
    };
    let set = Set {
        name: attributes.get_text(NFTA_SET_NAME)?,
        anonymous: flags & SET_ANONYMOUS != 0,
        map: flags & NFT_SET_MAP != 0,
        key_type,
        data_type: attributes.get_be32(NFTA_SET_DATA_TYPE).unwrap_or(0),
        parts,
        elements: Vec::new(),
        stateful,
    };
    let head = SetHead {
        set,
        key_length,
        intervals: flags & NFT_SET_INTERVAL != 0 && flags & NFT_SET_CONCAT == 0,
    };
    Some((table, head))
}

/// Lengths of a concatenation's parts, from nft's type number: 6 bits a part. Empty when it is no
/// concatenation, or has a part whose length is not known.
fn parts_of_type(mut key_type: u32, key_length: usize) -> Vec<usize> {
    const BITS: u32 = 6;
    let mut parts: Vec<usize> = Vec::new();
    while key_type != 0 {
        let length = match key_type & ((1 << BITS) - 1) {
            2 | 12 | 14 | 21 => 1,
            13 | 10 | 15 => 2,
            7 | 19 | 26 => 4,
            9 => 6,
            8 | 41 => 16,
            _ => return Vec::new(),
        };
        parts.insert(0, length);
        key_type >>= BITS;
    }
    let total: usize = parts.iter().map(|length| length.next_multiple_of(4)).sum();
    if parts.len() < 2 || total != key_length {
        return Vec::new();
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::parts_of_type;

    #[test]
    fn a_concatenation_has_the_parts_of_its_type() {
        let address_and_port = (7 << 6) | 13;
        assert_eq!(parts_of_type(address_and_port, 8), [4, 2]);
        assert!(parts_of_type(7, 4).is_empty());
        assert!(parts_of_type(address_and_port, 12).is_empty());
        assert!(parts_of_type((63 << 6) | 13, 8).is_empty());
    }
}
