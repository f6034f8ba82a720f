//! All-or-nothing changes of nf_tables.

use rustix::io::Errno;

use super::wire::{
    NFNL_BATCH_GENID, NFNL_MSG_BATCH_BEGIN, NFNL_MSG_BATCH_END, NFNL_SUBSYS_NFTABLES, NFPROTO_INET,
    NFPROTO_UNSPEC, NFT_MSG_GETGEN, NFT_MSG_NEWGEN, NFT_MSG_NEWRULE, NFTA_GEN_ID, message_type,
    nfgenmsg,
};
use super::{Nft, NftError};
use crate::kernel::netlink::{ACK, Attributes, Batch, Encoder, NetlinkError};

/// A compare-and-swap that lost so often is given up. Somebody else won each time.
const ATTEMPTS: usize = 10_000;

/// Changes that the kernel applies together or not at all.
#[derive(Debug)]
pub(super) struct Transaction {
    batch: Batch,
    family: u8,
    rules: usize,
}

impl Transaction {
    /// A transaction on a table of one family. With a generation it fails, changing nothing,
    /// unless the ruleset is still of that generation.
    pub fn new(label: &str, family: u8, generation: Option<u32>) -> Transaction {
        let mut batch = Batch::default();
        batch.request(label, NFNL_MSG_BATCH_BEGIN, 0, |e| {
            e.raw(&nfgenmsg(NFPROTO_UNSPEC, NFNL_SUBSYS_NFTABLES));
            if let Some(generation) = generation {
                e.be32(NFNL_BATCH_GENID, generation);
            }
        });
        Transaction {
            batch,
            family,
            rules: 0,
        }
    }

    /// Appends one change.
    pub fn push(
        &mut self,
        label: impl Into<String>,
        message: u16,
        flags: u16,
        fill: impl FnOnce(&mut Encoder),
    ) {
        let family = self.family;
        self.rules += usize::from(message == NFT_MSG_NEWRULE);
        self.batch
            .request(label, message_type(message), flags, |e| {
                e.raw(&nfgenmsg(family, 0));
                fill(e);
            });
    }

    /// How many rules it adds.
    pub fn rules(&self) -> usize {
        self.rules
    }

    /// A change outgrew its message.
    #[cfg(test)]
    pub fn overflowed(&self) -> bool {
        self.batch.overflowed()
    }

    /// Nothing was appended.
    pub fn is_empty(&self) -> bool {
        self.batch.len() == 1
    }
}

impl Nft {
    /// Applies a transaction.
    pub(super) fn commit(&mut self, mut transaction: Transaction) -> Result<(), NetlinkError> {
        if transaction.is_empty() {
            return Ok(());
        }
        transaction.batch.acknowledge_last();
        self.end(transaction)
    }

    fn end(&mut self, transaction: Transaction) -> Result<(), NetlinkError> {
        let mut batch = transaction.batch;
        batch.request("commit", NFNL_MSG_BATCH_END, 0, |e| {
            e.raw(&nfgenmsg(NFPROTO_UNSPEC, NFNL_SUBSYS_NFTABLES));
        });
        self.socket.execute(batch).map(drop)
    }

    /// Looks, decides and changes as one: `build` is run again when the ruleset changed
    /// between its generation and the commit.
    pub(super) fn change(
        &mut self,
        label: &str,
        mut build: impl FnMut(&mut Nft, u32) -> Result<Transaction, NetlinkError>,
    ) -> Result<(), NftError> {
        for _ in 0..ATTEMPTS {
            let generation = self.generation(label)?;
            let transaction = build(self, generation)?;
            match self.commit(transaction) {
                Ok(()) => return Ok(()),
                Err(error) if error.errno() == Some(Errno::RESTART) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(NftError::Contended(label.to_owned()))
    }

    /// Number of the ruleset's present generation, all of which can be listed.
    ///
    /// A commit counts the generation first and shows its elements last: who looks in between
    /// misses some, and the number is right all the same. A batch, also one of nothing, waits
    /// until the commit before it is over.
    pub(super) fn generation(&mut self, label: &str) -> Result<u32, NetlinkError> {
        loop {
            let counted = self.counted(label)?;
            self.end(Transaction::new(label, NFPROTO_INET, None))?;
            if self.counted(label)? == counted {
                return Ok(counted);
            }
        }
    }

    fn counted(&mut self, label: &str) -> Result<u32, NetlinkError> {
        let mut batch = Batch::default();
        batch.request(label, message_type(NFT_MSG_GETGEN), ACK, |e| {
            e.raw(&nfgenmsg(NFPROTO_UNSPEC, 0));
        });
        let replies = self.socket.execute(batch)?;
        replies
            .iter()
            .filter(|reply| reply.kind == message_type(NFT_MSG_NEWGEN))
            .find_map(|reply| Attributes::after(&reply.body, 4).get_be32(NFTA_GEN_ID))
            .ok_or_else(|| NetlinkError::Answer {
                request: label.to_owned(),
                problem: "unreadable",
            })
    }
}
