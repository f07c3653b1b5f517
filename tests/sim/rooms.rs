//! Many customers, few rooms: nothing is oversold, and an order of several lines has all or nothing.
//!
//! The seeds of the first test meet no trouble, so it knows the exact outcome. Those of the second
//! meet crashes, panics, a disk that takes no more, and a provider that fails; there the
//! durable history must add up.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    ops::ControlFlow,
    rc::Rc,
    sync::{Arc, Mutex},
    time::Duration,
};

use jumun::{
    actors::{
        handles::{Context, Engine, Entity, Error, Failure, Item, Request, Target},
        lane::Lane,
        provider::{Answer, Call, Provider, Settles, Trouble},
        restore::Restorer,
        settings::Settings,
        shard::{Parts, Threads},
    },
    app::open::replay,
    clock::Clock,
    domain::{
        Aggregate, Event, Fields, Kind, Refusal, Timestamp,
        ids::ListingId,
        listing::{self, Listing},
        order::{self, Line},
        storefront::{CommandAction, ComponentState, Storefront, read},
    },
    store::{
        codec,
        committer::UnderWay,
        components::Components,
        journal::{self, Journal, Memory, Reader},
        layout::Layout,
        pages::{Durable, Pages},
    },
    views::projector::Projector,
};
use tokio::time::sleep;

use super::{
    chance,
    disk::Disk,
    strikes::Strikes,
    system,
    world::{JOURNAL, limits},
};

/// Rooms are reserved with the order; `MODE` says when it is paid.
const INN: &str = r#"
name = "inns"
title = { ko = "여관", en = "Inn" }
currency = "KRW"
[order]
path = "stays"
[order.fields]
room = { type = "listing" }
status = { type = "status" }
price = { type = "money" }
[order.words]
placed = "asked"
confirmed = "paid"
completed = "left"
cancelled = "gone"
[listing]
path = "rooms"
returns = true
[listing.fields]
left = { type = "quantity" }
[payment]
path = "bills"
[payment.fields]
stay = { type = "order" }
status = { type = "status" }
[payment.words]
captured = "paid"
refunding = "back"
refunded = "back"
[delivery]
path = "nights"
steps = ["left"]
[delivery.fields]
stay = { type = "order" }
[[flow]]
do = "reserve"
mode = "sync"
fallback = "accept"
[[flow]]
do = "pay"
mode = "MODE"
then = "confirmed"
[[flow]]
do = "deliver"
mode = "command"
then = "completed"
[[command]]
on = "POST rooms"
do = "listing.offer"
[[command]]
on = "POST stays"
do = "order.place"
[[command]]
on = "POST bills"
do = "order.pay"
[[command]]
on = "DELETE stays/{id}"
do = "order.cancel"
[[command]]
on = "POST nights"
do = "delivery.advance"
"#;

const CLIENTS: usize = 64;

/// A provider with its own mind, which takes its time.
#[derive(Debug)]
struct Slow {
    settles: Settles,
    random: Mutex<fastrand::Rng>,
    trouble: u32,
}

impl Provider for Slow {
    fn settles(&self) -> Settles {
        self.settles
    }

    fn call(&self, _call: Call) -> Answer {
        let mut random = self.random.lock().unwrap();
        let (fails, declines) = (chance(&mut random, self.trouble), random.bool());
        let wait = Duration::from_millis(random.u64(0..50));
        Answer::Later(Box::pin(async move {
            sleep(wait).await;
            match (fails, declines) {
                (false, _) => Ok(()),
                (true, true) => Err(Trouble::Declined("no".to_owned())),
                (true, false) => Err(Trouble::Unavailable),
            }
        }))
    }
}

/// What outlives a crash.
struct House {
    random: fastrand::Rng,
    memory: Memory,
    durable: Durable,
    storefront: Arc<Storefront>,
    layout: Arc<Layout>,
    settings: Settings,
    strikes: Strikes,
    trouble: u32,
    now: Timestamp,
}

/// One life of the engine in it.
struct Run {
    engine: Engine,
    disk: Disk,
    projector: Arc<Projector>,
    clock: Clock,
}

type Answers = Rc<RefCell<Vec<Result<Item, Error>>>>;

impl House {
    fn new(seed: u64, troubled: bool) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let mode = if troubled { "sync" } else { "command" };
        let inn = read::storefront(&INN.replace("MODE", mode));
        let storefront = Arc::new(inn.expect("it is well formed"));
        Self {
            memory: Memory::new(),
            durable: Durable::default(),
            layout: Arc::new(Layout::of(&[Arc::clone(&storefront)])),
            storefront,
            settings: Settings {
                shards: random.usize(1..=4),
                requests_per_shard_max: 2 * CLIENTS,
                crashes_max: usize::MAX,
                ..Settings::default()
            },
            strikes: Strikes::new(random.fork(), 0),
            trouble: if troubled { random.u32(0..60) } else { 0 },
            now: Timestamp(1_700_000_000_000),
            random,
        }
    }

    fn open(&mut self, refusals: u32) -> Run {
        let clock = Clock::runtime(self.now);
        let journal = Journal::open(self.memory.clone(), JOURNAL).unwrap().journal;
        let end = journal.end();
        let collections = self.layout.collections().to_vec();
        let opened = Pages::in_memory(&self.durable, collections, limits()).unwrap();
        let pages = Arc::new(opened.pages);
        let storefronts = vec![Arc::clone(&self.storefront)];
        let layout = || Arc::clone(&self.layout);
        let restorer = Restorer::new(storefronts.clone(), layout(), Arc::clone(&pages));
        replay(journal.source(), opened.complete_to + 1, end, restorer).unwrap();
        let lanes: Vec<Arc<Lane>> = (0..self.settings.shards).map(|_| Arc::default()).collect();
        let projector = Projector::new(storefronts.clone(), layout(), Arc::clone(&pages), end);
        let projector = Arc::new(projector);
        let source = journal.source();
        let disk = Disk::new(journal, self.random.fork(), refusals, &lanes, None);
        let (durable, failed) = (disk.clone(), disk.clone());
        let settles = if self.random.bool() {
            Settles::Elsewhere
        } else {
            Settles::InJournal
        };
        let provider = Slow {
            settles,
            random: Mutex::new(self.random.fork()),
            trouble: self.trouble,
        };
        let engine = Engine::start(Parts {
            components: Arc::new(Components::in_memory(&storefronts)),
            storefronts,
            layout: layout(),
            pages,
            committer: Arc::new(disk.clone()),
            lanes,
            under_way: UnderWay::default(),
            journal: source,
            durable: Arc::new(move || durable.durable()),
            failed: Arc::new(move || failed.failed()),
            full: Arc::new(|| false),
            views: projector.positions(),
            release_view: Arc::new(|_| false),
            providers: vec![Arc::new(provider)],
            spans: jumun::telemetry::spans::Spans::default(),
            clock: clock.clone(),
            settings: self.settings,
            faults: Arc::new(self.strikes.clone()),
            threads: Threads::Callers,
        });
        Run {
            engine: engine.unwrap(),
            disk,
            projector,
            clock,
        }
    }

    /// Does some of what the committer has to do, and lets time pass.
    async fn step(&mut self, run: &Run) {
        match self.random.u32(0..10) {
            0..3 => drop(run.disk.append(self.random.usize(1..6))),
            3..5 => drop(run.disk.sync()),
            5..7 => drop(run.disk.settle()),
            7 => sleep(Duration::from_millis(self.random.u64(0..40))).await,
            _ => run.pump(),
        }
        for _ in 0..self.random.u32(0..8) {
            tokio::task::yield_now().await;
        }
    }

    /// Steps until so many are answered.
    async fn answered(&mut self, run: &Run, answers: &Answers, count: usize) {
        while answers.borrow().len() < count {
            self.step(run).await;
        }
    }

    async fn offer(&mut self, run: &Run, on_hand: u64) -> u64 {
        let answers = Answers::default();
        let offer = Request {
            on_hand: Some(on_hand),
            ..Request::new(CommandAction::OfferListing, Target::New, Kind::Listing)
        };
        run.ask(offer, &answers);
        self.answered(run, &answers, 1).await;
        let outcome = answers.borrow_mut().pop().expect("it was answered");
        outcome.expect("a room can be offered").number
    }

    /// Every listing as the durable history tells it, and every order with its state and lines.
    fn history(&self) -> Result<History, String> {
        let mut history = History::default();
        let source = journal::Medium::source(&self.memory);
        let end = journal::scan(&*source, |_, _, _| {})
            .map_err(|error| error.to_string())?
            .end;
        let read = Reader::new(source).read(1, end, |_, body, _| {
            history.take(&codec::decode(body).expect("it was written here"));
            ControlFlow::Continue(())
        });
        read.map_err(|error| error.to_string())?;
        Ok(history)
    }
}

impl Run {
    fn ask(&self, request: Request, answers: &Answers) {
        let (engine, answers) = (self.engine.clone(), Rc::clone(answers));
        actix::spawn(async move {
            let outcome = engine.perform(0, request, Context::default()).await;
            answers.borrow_mut().push(outcome);
        });
    }

    fn pump(&self) {
        self.disk.append(usize::MAX);
        self.disk.sync();
        self.disk.settle();
        self.projector.take(&self.disk.unseen(usize::MAX)).unwrap();
    }
}

#[derive(Debug, Default)]
struct History {
    listings: BTreeMap<u64, Listing>,
    orders: BTreeMap<u64, (order::State, Vec<Line>)>,
    /// The orders that something was reserved for, in the order in which it was.
    reserved: Vec<u64>,
    wrong: Vec<String>,
}

impl History {
    fn take(&mut self, batch: &jumun::domain::Batch) {
        for stamped in &batch.events {
            let number = stamped.entity.number;
            match &stamped.event {
                Event::Listing(event) => {
                    let listing = self.listings.entry(number).or_default();
                    listing.apply(event);
                    if let listing::Event::Reserved { order, .. } = event {
                        self.reserved.push(order.0);
                    }
                    if listing.is_oversold() {
                        self.wrong
                            .push(format!("room {number} is oversold: {listing:?}"));
                    }
                }
                Event::Order(event) => {
                    let (state, lines) = self.orders.entry(number).or_default();
                    *state = event.state_after().unwrap_or(*state);
                    if let order::Event::Itemised { lines: named } = event {
                        lines.clone_from(named);
                    }
                }
                Event::Payment(_)
                | Event::Delivery(_)
                | Event::Saga(_)
                | Event::Approval(_)
                | Event::Payout(_)
                | Event::Subscriber(_) => {}
            }
        }
    }

    /// What is reserved is what the orders that stand ask for, to the last one.
    fn check(&self) -> Result<(), String> {
        let mut due: BTreeMap<u64, BTreeMap<u64, u64>> = BTreeMap::new();
        for (number, (state, lines)) in &self.orders {
            let stands = !matches!(state, order::State::Cancelled | order::State::Completed);
            for (listing, quantity) in order::summed(lines) {
                if stands {
                    due.entry(listing.0).or_default().insert(*number, quantity);
                }
            }
        }
        for (number, listing) in &self.listings {
            let reserved = listing.reserved.iter();
            let reserved = reserved
                .map(|(order, quantity)| (order.0, *quantity))
                .collect();
            let due = due.remove(number).unwrap_or_default();
            if due != reserved {
                return Err(format!(
                    "room {number} keeps {reserved:?}, orders ask for {due:?}"
                ));
            }
        }
        self.wrong
            .first()
            .map_or(Ok(()), |wrong| Err(wrong.clone()))
    }
}

fn stay(lines: &[(u64, u64)]) -> Request {
    let lines = lines.iter().map(|&(listing, quantity)| Line {
        listing: ListingId(listing),
        quantity,
    });
    Request {
        lines: lines.collect(),
        ..Request::place(Fields::new(), None)
    }
}

/// All want one of the last ten rooms of a kind.
async fn last_ten(house: &mut House) -> Result<(), String> {
    let run = house.open(0);
    let taken = house.random.u64(0..20);
    let room = house.offer(&run, taken + 10).await;
    let answers = Answers::default();
    for _ in 0..taken {
        run.ask(stay(&[(room, 1)]), &answers);
    }
    house
        .answered(&run, &answers, usize::try_from(taken).unwrap())
        .await;
    answers.borrow_mut().clear();
    for _ in 0..CLIENTS {
        run.ask(stay(&[(room, 1)]), &answers);
        if house.random.bool() {
            house.step(&run).await;
        }
    }
    house.answered(&run, &answers, CLIENTS).await;
    let answers = answers.take();
    let accepted = answers.iter().filter(|answer| answer.is_ok()).count();
    let sold_out = |answer: &&Result<Item, Error>| {
        matches!(answer, Err(Error::Refused(Refusal::SoldOut { .. })))
    };
    let refused = answers.iter().filter(sold_out).count();
    run.pump();
    let history = house.history()?;
    history.check()?;
    let stored = run.engine.item(0, Kind::Listing, room);
    let stored = stored.map_err(|failure| failure.to_string())?;
    let stored = stored.map(|item| item.entity);
    if stored != Some(Entity::Listing(history.listings[&room].clone())) {
        return Err(format!("{stored:?} is stored, {history:?} happened"));
    }
    if (accepted, refused) == (10, CLIENTS - 10) {
        return Ok(());
    }
    Err(format!(
        "{accepted} were accepted, {refused} refused: {answers:?}"
    ))
}

/// All want rooms of two kinds, some give theirs back, and everything goes wrong.
async fn trouble(house: &mut House, acknowledged: &mut Vec<u64>) -> Result<(), String> {
    let per_mille = house.random.u32(0..30);
    let deaths = 20 * house.random.u32(0..4);
    house.strikes = Strikes::new(house.random.fork(), per_mille).with_deaths(deaths);
    let refusals = if house.random.bool() { 3 } else { 0 };
    let run = house.open(refusals);
    let (answers, others) = (Answers::default(), Answers::default());
    let rooms = [1, 2];
    for _ in 0..house.random.usize(20..CLIENTS) {
        let lines: Vec<(u64, u64)> = (0..house.random.usize(1..=3))
            .map(|_| (rooms[house.random.usize(0..2)], house.random.u64(1..=2)))
            .collect();
        run.ask(stay(&lines), &answers);
        let (order, kind) = (house.random.u64(1..130), Kind::Order);
        let action = match house.random.u32(0..4) {
            0 => Some((CommandAction::CancelOrder, kind)),
            1 => Some((CommandAction::AdvanceDelivery, Kind::Delivery)),
            _ => None,
        };
        if let Some((action, kind)) = action {
            let request = Request::new(action, Target::Order(order), kind);
            run.ask(request, &others);
        }
        for _ in 0..house.random.u32(0..3) {
            house.step(&run).await;
        }
    }
    let long = house.random.u32(0..60);
    for _ in 0..long {
        house.step(&run).await;
    }
    for item in answers.borrow().iter().flatten() {
        acknowledged.push(item.number);
    }
    run.disk.go_down();
    house.now = run.clock.now();
    let random = &mut house.random;
    house.memory.cut_power(|_, _| chance(random, 50));
    Ok(())
}

/// One more life without trouble, until nothing is under way.
async fn rest(house: &mut House, acknowledged: &[u64]) -> Result<(), String> {
    house.strikes.end();
    house.trouble = 0;
    let run = house.open(0);
    for _ in 0..200 {
        run.pump();
        sleep(Duration::from_secs(1)).await;
    }
    for number in acknowledged {
        let item = run.engine.item(0, Kind::Order, *number);
        let item = item.map_err(|failure: Failure| failure.to_string())?;
        if !matches!(item.map(|item| item.entity), Some(Entity::Order(_))) {
            return Err(format!("order {number} was acknowledged and is lost"));
        }
    }
    house.history()?.check()
}

/// Orders that were accepted while the rooms were paused get them in the order of their numbers, once
/// they run again.
async fn paused(house: &mut House) -> Result<(), String> {
    let run = house.open(0);
    let rooms = house.random.u64(1..40);
    let room = house.offer(&run, rooms).await;
    let part = house.storefront.component_of("rooms");
    let part = part.expect("it can be paused");
    let set = |state| {
        let components = run.engine.components();
        components.set(0, part, state).expect("nothing is written");
    };
    set(ComponentState::Paused);
    let answers = Answers::default();
    for _ in 0..CLIENTS {
        run.ask(stay(&[(room, 1)]), &answers);
    }
    house.answered(&run, &answers, CLIENTS).await;
    if !answers.borrow().iter().all(Result::is_ok) {
        return Err(format!("not all were accepted: {answers:?}"));
    }
    set(ComponentState::Running);
    for _ in 0..CLIENTS * 4 {
        house.step(&run).await;
        run.pump();
    }
    let history = house.history()?;
    history.check()?;
    if !history.reserved.is_sorted() || history.reserved.len() as u64 != rooms {
        return Err(format!("{rooms} rooms went to {:?}", history.reserved));
    }
    Ok(())
}

/// After a restart all come at once to a room that nobody asked for yet, with room for all of them.
async fn crowd(house: &mut House, room: u64) -> Result<(), String> {
    let run = house.open(0);
    let answers = Answers::default();
    for _ in 0..CLIENTS {
        run.ask(stay(&[(room, 1)]), &answers);
    }
    house.answered(&run, &answers, CLIENTS).await;
    let refused = answers.take().into_iter().find_map(Result::err);
    refused.map_or(Ok(()), |why| Err(format!("{why:?}")))
}

fn seeds() -> u64 {
    std::env::var("JUMUN_SIM_SEEDS").map_or(1_000, |text| text.parse().expect("a number"))
}

#[test]
fn sixty_four_clients_get_the_last_ten_rooms_and_no_more() {
    for seed in 0..seeds() {
        let mut house = House::new(seed, false);
        let outcome = system().block_on(last_ten(&mut house));
        assert_eq!(outcome, Ok(()), "seed {seed}");
    }
}

#[test]
fn a_crowd_at_a_listing_whose_actor_just_starts_is_not_refused() {
    for seed in 0..seeds() / 10 {
        let mut house = House::new(seed, false);
        let room = system().block_on(async {
            let run = house.open(0);
            let room = house.offer(&run, CLIENTS as u64).await;
            run.pump();
            run.disk.go_down();
            room
        });
        let outcome = system().block_on(crowd(&mut house, room));
        assert_eq!(outcome, Ok(()), "seed {seed}");
    }
}

#[test]
fn what_waited_for_paused_rooms_gets_them_in_order_over_all_shards() {
    for seed in 0..seeds() / 4 {
        let mut house = House::new(seed, false);
        let outcome = system().block_on(paused(&mut house));
        assert_eq!(outcome, Ok(()), "seed {seed}");
    }
}

#[test]
fn what_is_reserved_is_what_orders_ask_for_whatever_goes_wrong() {
    for seed in 0..seeds() / 2 {
        let mut house = House::new(seed, true);
        let outcome = system().block_on(async {
            // The rooms are there before the trouble begins.
            let run = house.open(0);
            for _ in 0..2 {
                let on_hand = house.random.u64(3..30);
                house.offer(&run, on_hand).await;
            }
            run.pump();
            run.disk.go_down();
            Ok::<_, String>(())
        });
        assert_eq!(outcome, Ok(()), "seed {seed}");
        let mut acknowledged = Vec::new();
        for _ in 0..house.random.u32(1..3) {
            let outcome = system().block_on(trouble(&mut house, &mut acknowledged));
            assert_eq!(outcome, Ok(()), "seed {seed}");
        }
        let outcome = system().block_on(rest(&mut house, &acknowledged));
        assert_eq!(outcome, Ok(()), "seed {seed}");
    }
}
