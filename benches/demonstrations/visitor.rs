//! A client that remembers what it was told, and never takes silence for an answer: what got none
//! is sent again under the same key, until it is answered.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::SocketAddr,
};

use super::{
    crowd::{Answer, Client, write},
    server::ask,
    shops::{Later, SHOPS, Shop},
};

/// The most items on a page.
const PAGE_ITEMS: u64 = 1_000;

/// One of a shop's clients.
pub(crate) struct Visitor {
    shop: &'static Shop,
    name: String,
    asked: u64,
    pending: Option<Pending>,
    /// The order that was placed last, if it is still to be spoken about.
    last: Option<u64>,
    memory: Memory,
}

/// What was told to one or all of a shop's clients.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// Orders that were acknowledged: whose, and what they may say.
    orders: BTreeMap<u64, (String, Vec<&'static str>)>,
    /// Whose orders were refused, so that they must not be there.
    refused: BTreeSet<String>,
    /// Whose order had no answer in the end.
    unanswered: BTreeSet<String>,
    /// Requests that were sent again because they had no answer.
    pub(crate) repeated: u64,
}

/// A request without its answer.
struct Pending {
    line: String,
    body: String,
    key: String,
    about: About,
    /// It was sent before without an answer that says what became of it: perhaps it was done then.
    is_in_doubt: bool,
}

enum About {
    New(String),
    Order(u64, &'static Later),
}

impl Visitor {
    /// So many of each shop; `crowd` must be no other crowd's name.
    pub(crate) fn of_each(crowd: &str, clients: usize) -> Vec<Self> {
        let of = |shop| (0..clients).map(move |at| Self::new(shop, format!("{crowd}{at}")));
        SHOPS.iter().flat_map(of).collect()
    }

    /// `name` must be no other client's.
    fn new(shop: &'static Shop, name: String) -> Self {
        Self {
            shop,
            name,
            asked: 0,
            pending: None,
            last: None,
            memory: Memory::default(),
        }
    }

    /// What it was told, once it is not served any more.
    pub(crate) fn remembers(mut self) -> Memory {
        match self.pending.take().map(|pending| pending.about) {
            Some(About::New(whose)) => drop(self.memory.unanswered.insert(whose)),
            Some(About::Order(number, later)) => self.memory.may_say(number, later),
            None => {}
        }
        self.memory
    }

    /// The next thing to ask: something about the order before in two of three cases, if there is
    /// something, else for a new one.
    fn next(&mut self) -> Pending {
        self.asked += 1;
        let key = format!("{}n{}", self.name, self.asked);
        let later = self.last.take().zip(fastrand::choice(self.shop.later));
        if let Some((number, later)) = later
            && fastrand::u8(..3) > 0
        {
            let (line, body) = later.about(number);
            let about = About::Order(number, later);
            return Pending {
                line,
                body,
                key,
                about,
                is_in_doubt: false,
            };
        }
        let (line, body) = self.shop.order(&key);
        let about = About::New(key.clone());
        Pending {
            line,
            body,
            key,
            about,
            is_in_doubt: false,
        }
    }
}

impl Client for Visitor {
    fn asks(&mut self, request: &mut Vec<u8>) -> Option<&'static str> {
        let pending = match self.pending.take() {
            Some(pending) => {
                self.memory.repeated += 1;
                Pending {
                    is_in_doubt: true,
                    ..pending
                }
            }
            None => self.next(),
        };
        write(request, &pending.line, Some(&pending.key), &pending.body);
        self.pending = Some(pending);
        Some(self.shop.name)
    }

    fn hears(&mut self, answer: &Answer<'_>) {
        if answer.status == 504 {
            // Nobody knows; the same again.
            return;
        }
        // That nothing was done now says nothing of the time before.
        let fails = answer.status >= 500;
        let is_answered = |pending: &mut Pending| !(fails && pending.is_in_doubt);
        let Some(pending) = self.pending.take_if(is_answered) else {
            return;
        };
        let done = answer.status < 300;
        match pending.about {
            About::New(whose) => match answer.number().filter(|_| done) {
                Some(number) => {
                    self.last = Some(number);
                    let known = (whose, self.shop.placed.to_vec());
                    self.memory.orders.insert(number, known);
                }
                None => drop(self.memory.refused.insert(whose)),
            },
            About::Order(number, later) if done => {
                if let Some((_, says)) = self.memory.orders.get_mut(&number) {
                    *says = later.then.to_vec();
                }
            }
            About::Order(..) => {}
        }
    }
}

impl Memory {
    /// The order may have taken in this command or not.
    fn may_say(&mut self, number: u64, later: &Later) {
        if let Some((_, says)) = self.orders.get_mut(&number) {
            says.extend(later.then);
        }
    }

    /// Adds another client's of the same shop. Returns what is in both, which nothing may be.
    pub(crate) fn add(&mut self, other: Self) -> Vec<String> {
        self.refused.extend(other.refused);
        self.unanswered.extend(other.unanswered);
        self.repeated += other.repeated;
        let mut faults = Vec::new();
        for (number, known) in other.orders {
            if self.orders.insert(number, known).is_some() {
                faults.push(format!("two clients have the order {number}"));
            }
        }
        faults
    }

    /// How many orders were acknowledged.
    pub(crate) fn orders(&self) -> usize {
        self.orders.len()
    }

    /// Compares with what the server has. Returns what is lost, wrong or there twice.
    pub(crate) fn compare(&self, shop: &Shop, address: SocketAddr) -> io::Result<Vec<String>> {
        let found = listed(shop, address)?;
        let mut faults = self.missing(&found);
        let mut seen = BTreeSet::new();
        for (number, (whose, status)) in &found {
            if !seen.insert(whose) {
                faults.push(format!("{whose} has a second order, {number}"));
            }
            if self.refused.contains(whose) {
                faults.push(format!("{number} of {whose} was refused, and is there"));
            } else if !self.orders.contains_key(number) && !self.unanswered.contains(whose) {
                faults.push(format!("{number} of {whose}, {status}: nobody ordered it"));
            }
        }
        Ok(faults)
    }

    /// What was acknowledged and is not there, or says something else.
    pub(crate) fn missing(&self, found: &Listed) -> Vec<String> {
        let mut faults = Vec::new();
        for (number, (whose, says)) in &self.orders {
            match found.get(number) {
                None => faults.push(format!("{number} of {whose} is lost")),
                Some((other, _)) if other != whose => {
                    faults.push(format!("{number} of {whose} is {other}'s"));
                }
                Some((_, status)) if !says.contains(&status.as_str()) => {
                    faults.push(format!("{number} of {whose} says {status}, not {says:?}"));
                }
                Some(_) => {}
            }
        }
        faults
    }
}

/// The memories of all clients of each shop, and what contradicts itself in them.
pub(crate) fn remembered(visitors: Vec<Visitor>) -> (Vec<(&'static Shop, Memory)>, Vec<String>) {
    let mut shops: Vec<_> = SHOPS.iter().map(|shop| (shop, Memory::default())).collect();
    let mut faults = Vec::new();
    for visitor in visitors {
        let name = visitor.shop.name;
        let own = shops.iter_mut().find(|(shop, _)| shop.name == name);
        let (_, memory) = own.expect("it is one of the shops");
        faults.extend(memory.add(visitor.remembers()));
    }
    (shops, faults)
}

/// What a shop has on its list, by number: whose, and what it says.
pub(crate) type Listed = BTreeMap<u64, (String, String)>;

/// Every order on the shop's list.
pub(crate) fn listed(shop: &Shop, address: SocketAddr) -> io::Result<Listed> {
    let mut found = Listed::new();
    for page in 0.. {
        let path = format!(
            "/{}/{}?size={PAGE_ITEMS}&page={page}",
            shop.name, shop.orders
        );
        let (status, body) = ask(address, "GET", &path, "")?;
        let items = body["_embedded"][shop.orders].as_array();
        let items = items
            .ok_or_else(|| io::Error::other(format!("GET {path} was answered {status}: {body}")))?;
        for item in items {
            let href = item["_links"]["self"]["href"].as_str().unwrap_or_default();
            let number = href.rsplit('/').next().and_then(|own| own.parse().ok());
            let text = |field: &str| {
                let text = item[field].as_str();
                text.map_or_else(|| item[field].to_string(), str::to_owned)
            };
            let shown = (text(shop.whose), text(shop.status));
            found.insert(number.unwrap_or_default(), shown);
        }
        if page + 1 >= body["page"]["totalPages"].as_u64().unwrap_or(0) {
            break;
        }
    }
    Ok(found)
}
