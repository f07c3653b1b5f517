//! What a stopped server's journal says about the money, counted by someone who trusts nobody.

use std::{collections::BTreeMap, io, path::Path, sync::Arc};

use jumun::{
    domain::Event,
    store::{codec, journal},
};

/// Of each order, by its shop and number.
#[derive(Debug, Default)]
pub(crate) struct Books(BTreeMap<(Arc<str>, u64), Account>);

/// What happened to one order, counted.
#[derive(Debug, Default)]
struct Account {
    placed: u64,
    confirmed: u64,
    cancelled: u64,
    captured: u64,
    refunding: u64,
    refunded: u64,
}

impl Books {
    /// Reads the journal of a data directory that nobody is writing.
    pub(crate) fn read(data: &Path) -> io::Result<Self> {
        let mut books = Self::default();
        let files = journal::Files::new(data.join("journal"));
        let scanned = journal::scan(&files, |_, body, _| {
            let batch = codec::decode(body).expect("the program wrote it");
            for stamped in batch.events {
                let order = (Arc::clone(&batch.storefront), stamped.entity.number);
                books.0.entry(order).or_default().note(&stamped.event);
            }
        });
        scanned.map_err(io::Error::other)?;
        Ok(books)
    }

    /// Orders that were placed.
    pub(crate) fn orders(&self) -> usize {
        self.count(|account| account.placed > 0)
    }

    /// Orders whose money was taken.
    pub(crate) fn paid(&self) -> usize {
        self.count(|account| account.captured > 0)
    }

    /// Orders for which money was taken or given back more than once.
    pub(crate) fn doubled(&self) -> usize {
        self.count(|account| account.captured > 1 || account.refunded > account.captured)
    }

    /// Orders of shops that take money which were confirmed without any.
    pub(crate) fn confirmed_unpaid(&self, free: &str) -> usize {
        let orders = self.0.iter().filter(|((shop, _), _)| **shop != *free);
        let unpaid = |account: &Account| account.confirmed > 0 && account.captured == 0;
        orders.filter(|(_, account)| unpaid(account)).count()
    }

    /// Orders that were called off, and whose money is not back: of which shop, and their numbers.
    pub(crate) fn owed(&self) -> Vec<(Arc<str>, u64)> {
        let is_off = |account: &Account| account.cancelled > 0 || account.refunding > 0;
        let owes = |account: &Account| is_off(account) && account.captured > account.refunded;
        let orders = self.0.iter().filter(|(_, account)| owes(account));
        orders.map(|(order, _)| order.clone()).collect()
    }

    fn count(&self, which: impl Fn(&Account) -> bool) -> usize {
        self.0.values().filter(|account| which(account)).count()
    }
}

impl Account {
    fn note(&mut self, event: &Event) {
        let counted = match (event, event.name()) {
            (Event::Order(_), "placed") => &mut self.placed,
            (Event::Order(_), "confirmed") => &mut self.confirmed,
            (Event::Order(_), "cancelled") => &mut self.cancelled,
            (Event::Payment(_), "captured") => &mut self.captured,
            (Event::Payment(_), "refunding") => &mut self.refunding,
            (Event::Payment(_), "refunded") => &mut self.refunded,
            _ => return,
        };
        *counted += 1;
    }
}
