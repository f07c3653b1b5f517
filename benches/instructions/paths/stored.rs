//! What is made of orders after they were answered: pages, a start's replay, the feed.

use std::sync::Arc;

use jumun::{
    actors::restore::Restorer,
    app::open,
    feed::Filter,
    store::journal::{self, Medium},
};

use super::requests::{delivered, placed};
use crate::{
    counted,
    house::{House, pages, system},
};

/// Orders before those that are counted.
const WARM: u64 = 64;

/// Pages compressed and written to a store in memory.
pub(super) fn checkpoint(times: u64) {
    let system = system();
    let house = system.block_on(async {
        let mut house = House::open().await;
        house.exchange(&placed(WARM), "201").await;
        house.checkpoint();
        house.exchange(&placed(times), "201").await;
        house
    });
    counted::part(&mut || house.checkpoint());
}

/// An order that was placed and delivered, read from the journal into empty pages.
pub(super) fn replay(times: u64) {
    let system = system();
    let house = system.block_on(async {
        let mut house = House::open().await;
        house.exchange(&placed(times), "201").await;
        house.exchange(&delivered(1..=times), "201").await;
        house
    });
    let source = Medium::source(&house.memory);
    let end = journal::scan(&*source, |_, _, _| {})
        .expect("it is whole")
        .end;
    let run = || {
        let pages = pages(&house.layout);
        let layout = Arc::clone(&house.layout);
        let restorer = Restorer::new(house.storefronts.clone(), layout, pages);
        open::replay(Arc::clone(&source), 1, end, restorer).expect("it is whole");
    };
    run();
    counted::part(&mut || run());
}

/// The events of orders that were placed, read from the journal for the first time.
pub(super) fn feed(times: u64) {
    let system = system();
    let house = system.block_on(async {
        let mut house = House::open().await;
        house.exchange(&placed(times), "201").await;
        house
    });
    let feed = house.engine.feed();
    counted::part(&mut || {
        let (mut after, mut seen) = (0, 0);
        while after < feed.horizon() {
            let slice = feed.read(house.flowers(), after, &Filter::default(), usize::MAX);
            let slice = slice.expect("it is whole");
            seen += slice.events.len() as u64;
            after = slice.seen_to;
        }
        assert!(seen >= times, "{seen} events of {times} orders");
    });
}
