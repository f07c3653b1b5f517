//! Writers that remember what they were told, and the comparison of that with what is stored.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::JoinHandle,
};

use serde_json::Value;

use super::{CANCEL, Client};

/// Writers, each with a connection of its own; with their refunds they stay within what a provider is
/// asked at once.
const WRITERS: usize = 5;

/// The most items on a page.
const PAGE_ITEMS: u64 = 1_000;

/// What is known of an order.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    customer: String,
    price: u64,
    /// The one that was acknowledged, and the one of a command that got no answer.
    statuses: Vec<String>,
}

/// Everything that was acknowledged on one data directory.
#[derive(Debug, Default)]
pub(crate) struct Acknowledged {
    orders: BTreeMap<u64, Known>,
    /// Customers whose order got no answer: it may be there or not.
    unanswered: BTreeSet<String>,
}

/// Writers at work.
#[derive(Debug)]
pub(crate) struct Load {
    writers: Vec<JoinHandle<Acknowledged>>,
    answers: Receiver<()>,
}

impl Load {
    /// Starts the writers; each ends when the server does not answer any more.
    pub(crate) fn start(address: SocketAddr, round: usize) -> Self {
        let (answered, answers) = sync_channel(1);
        let writers = (0..WRITERS).map(|writer| {
            let (client, answered) = (Client::new(address), answered.clone());
            let name = format!("r{round}w{writer}");
            std::thread::spawn(move || write(&client, &name, &answered))
        });
        Self {
            writers: writers.collect(),
            answers,
        }
    }

    /// Returns when so many orders were acknowledged since the last call.
    pub(crate) fn wait_for(&self, orders: usize) {
        for _ in 0..orders {
            self.answers.recv().expect("the server answers");
        }
    }

    /// Adds what the writers were told, once all of them have ended. Returns how many orders were
    /// acknowledged to them.
    pub(crate) fn join(self, all: &mut Acknowledged) -> usize {
        drop(self.answers);
        let mut count = 0;
        for writer in self.writers {
            let own = writer.join().unwrap();
            count += own.orders.len();
            for (number, known) in own.orders {
                let other = all.orders.insert(number, known);
                assert!(other.is_none(), "two orders have the number {number}");
            }
            all.unanswered.extend(own.unanswered);
        }
        count
    }
}

fn write(client: &Client, name: &str, answered: &SyncSender<()>) -> Acknowledged {
    let mut own = Acknowledged::default();
    for turn in 1_u64.. {
        let (customer, price) = (format!("{name}n{turn}"), 1_000 + turn);
        let body = format!(r#"{{"customerName": "{customer}", "price": {price}}}"#);
        let Some(number) = place(client, &body) else {
            own.unanswered.insert(customer);
            return own;
        };
        let statuses = vec!["PaymentConfirmed".to_owned()];
        let mut known = Known {
            customer,
            price,
            statuses,
        };
        answered.send(()).ok();
        let mut is_answered = true;
        if turn % 2 == 0 {
            let body = format!(r#"{{"orderId": {number}}}"#);
            is_answered = known.change(client, "POST", "/deliveries", &body, "Delivered");
        }
        if is_answered && turn % 3 == 0 {
            let path = format!("/orders/{number}");
            is_answered = known.change(client, "PATCH", &path, CANCEL, "OrderCancelled");
        }
        own.orders.insert(number, known);
        if !is_answered {
            return own;
        }
    }
    own
}

fn place(client: &Client, body: &str) -> Option<u64> {
    let (status, reply) = client.request("POST", "/orders").json(body).send().ok()?;
    match status {
        201 => Some(reply.number()),
        503 if reply.at("/code") == "stopping" => None,
        _ => panic!("an order was answered {status}: {}", reply.text),
    }
}

impl Known {
    /// Sends a command after which the order has this status. False if it was not answered.
    fn change(&mut self, client: &Client, method: &str, path: &str, body: &str, to: &str) -> bool {
        match client.request(method, path).json(body).send() {
            Ok((200 | 201, _)) => {
                self.statuses = vec![to.to_owned()];
                true
            }
            Ok((503, reply)) if reply.at("/code") == "stopping" => false,
            Ok((status, reply)) => panic!("{method} {path} was answered {status}: {}", reply.text),
            Err(_) => {
                self.statuses.push(to.to_owned());
                false
            }
        }
    }
}

impl Acknowledged {
    /// Orders that are known.
    pub(crate) fn orders(&self) -> usize {
        self.orders.len()
    }

    /// Compares with what the server has: nothing acknowledged is missing, nothing is there twice,
    /// each order has one payment, of its price. Returns how many commands were carried out but
    /// not acknowledged.
    pub(crate) fn check(&mut self, client: &Client) -> usize {
        let mut found = BTreeMap::new();
        for item in collection(client, "orders") {
            found.insert(number(&item["_links"]["self"]["href"]), item);
        }
        let (known, mut changed) = (self.orders.len(), 0);
        for (number, known) in &mut self.orders {
            let order = found
                .remove(number)
                .unwrap_or_else(|| panic!("{number}, {known:?} is lost"));
            assert_eq!(order["customerName"], known.customer.as_str(), "{number}");
            assert_eq!(order["price"], known.price, "{number}");
            let status = order["status"].as_str().unwrap_or_default().to_owned();
            assert!(
                known.statuses.contains(&status),
                "{number} is {status}, not {known:?}"
            );
            changed += usize::from(known.statuses[0] != status);
            known.statuses = vec![status];
        }
        for (number, order) in found {
            let customer = order["customerName"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            assert!(
                self.unanswered.remove(&customer),
                "{number} was ordered by nobody: {order}"
            );
            let statuses = vec![order["status"].as_str().unwrap_or_default().to_owned()];
            let price = order["price"].as_u64().unwrap_or_default();
            self.orders.insert(
                number,
                Known {
                    customer,
                    price,
                    statuses,
                },
            );
        }
        // What is not there by now never comes.
        self.unanswered.clear();
        self.check_payments(client);
        self.orders.len() - known + changed
    }

    fn check_payments(&self, client: &Client) {
        let payments = collection(client, "payments");
        let mut paid = BTreeMap::new();
        for payment in &payments {
            let order = payment["orderId"].as_u64().unwrap();
            assert!(
                paid.insert(order, payment).is_none(),
                "order {order} is paid twice"
            );
        }
        for (number, known) in &self.orders {
            let payment = paid
                .remove(number)
                .unwrap_or_else(|| panic!("{number} is not paid"));
            assert_eq!(payment["price"], known.price, "{number}");
            let is_cancelled = known.statuses == ["OrderCancelled"];
            let status = payment["status"].as_str().unwrap_or_default();
            let goes_back = ["Payment Cancelled", "PaymentCancelled"].contains(&status);
            assert!(
                is_cancelled == goes_back,
                "{number} {known:?}: its payment is {status}"
            );
        }
        assert!(paid.is_empty(), "payments without an order: {paid:?}");
        let sum: u64 = self.orders.values().map(|known| known.price).sum();
        let taken: u64 = payments
            .iter()
            .filter_map(|payment| payment["price"].as_u64())
            .sum();
        assert_eq!(taken, sum);
    }

    /// What the views show must be so, too, and every refund must come to its end.
    pub(crate) fn check_settled(&self, client: &Client) {
        for (number, known) in &self.orders {
            let is_cancelled = known.statuses == ["OrderCancelled"];
            if is_cancelled {
                client.until(
                    &format!("/payments/{number}"),
                    "/status",
                    "PaymentCancelled",
                );
            }
            let page = client.get(&format!("/myPages/{number}"));
            page.has("/customerName", known.customer.as_str())
                .has("/price", known.price);
            let shown = if is_cancelled {
                "PaymentCancelled"
            } else {
                "PaymentConfirmed"
            };
            page.has("/status", shown);
        }
    }
}

fn collection(client: &Client, name: &str) -> Vec<Value> {
    let mut all = Vec::new();
    for page in 0.. {
        let path = format!("/{name}?size={PAGE_ITEMS}&page={page}");
        let mut body = client.get(&path).json();
        let items = body["_embedded"][name].take();
        all.extend(items.as_array().unwrap().iter().cloned());
        if page + 1 >= body["page"]["totalPages"].as_u64().unwrap() {
            break;
        }
    }
    all
}

fn number(href: &Value) -> u64 {
    href.as_str()
        .and_then(|href| href.rsplit('/').next())
        .unwrap()
        .parse()
        .unwrap()
}
