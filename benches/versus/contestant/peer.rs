//! What all peers share: the order as a request says it, what is refused, what an outbox is told, and
//! the answer. Plain actix-web and serde, as one writes a service; only what keeps the order differs.
//!
//! The fields and their limits are those of `storefronts/flowers.toml`. What its `Ordered` and
//! `PaymentConfirmed` say is told in the same words.

use std::{io, sync::Arc};

use actix_web::{HttpRequest, HttpResponse, http::header::HOST, web};
use serde::{Deserialize, Serialize};

use super::PATH;
use crate::contest::{Server, ask};

/// Where a client sends a key of its own.
const KEY: &str = "idempotency-key";

/// The longest key, in bytes.
const KEY_BYTES_MAX: usize = 255;

/// What an order, its payment and the customer's page say once it is paid.
pub(crate) const PAID: &str = "PaymentConfirmed";

/// What the events of a paid order are called, in the order in which they happen.
pub(crate) const EVENTS: [&str; 3] = ["Ordered", PAID, "OrderConfirmed"];

/// What the tables of databases are called, in the order of [`Counts`].
pub(crate) const TABLES: [&str; 6] = [
    "orders",
    "payments",
    "my_pages",
    "order_details",
    "events",
    "idempotency_keys",
];

/// An order as a request says it. What is left out is null, and further fields are ignored.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Asked {
    pub(crate) phone_number: Option<String>,
    pub(crate) address: Option<String>,
    pub(crate) customer_name: Option<String>,
    pub(crate) flower_type: Option<String>,
    /// In won.
    pub(crate) price: Option<i64>,
    pub(crate) email: Option<String>,
    pub(crate) language: Option<String>,
}

/// An order that was checked, and is to be kept.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) asked: Asked,
    /// The client's own key of the request, if it sent one: another order with it is refused.
    pub(crate) key: Option<String>,
}

/// Why an order was not kept.
#[derive(Debug)]
pub(crate) enum Failed {
    /// Another order has its key.
    KeyTaken,
    /// What the store says.
    Store(String),
}

/// What a peer has kept: rows of each table, in this order: orders, payments, the customer's page, the
/// florist's, events, keys.
pub(crate) type Counts = [u64; 6];

/// Where orders are kept: one for each HTTP worker.
pub(crate) trait Books: 'static {
    /// Keeps an order with its payment, the rows of both pages and its events. Answers with its number
    /// once all of it is durable.
    fn place(&self, wanted: &Arc<Wanted>) -> impl Future<Output = Result<i64, Failed>>;
}

impl Asked {
    /// Says what is wrong with it, if anything is.
    fn check(&self) -> Result<(), String> {
        let texts = [
            ("phoneNumber", &self.phone_number, 32),
            ("address", &self.address, 256),
            ("customerName", &self.customer_name, 64),
            ("flowerType", &self.flower_type, 64),
            ("email", &self.email, 254),
            ("language", &self.language, 8),
        ];
        for (name, text, chars_max) in texts {
            let text = text.as_deref().unwrap_or_default();
            // Bytes are at least as many as characters, so most texts need no counting.
            if text.len() > chars_max && text.chars().count() > chars_max {
                return Err(format!(
                    "the field `{name}` takes at most {chars_max} characters"
                ));
            }
        }
        match self.price {
            Some(price) if price < 0 => Err(format!("the amount {price} is less than nothing")),
            _ => Ok(()),
        }
    }
}

impl Wanted {
    /// What is charged, in won.
    pub(crate) fn amount(&self) -> i64 {
        self.asked.price.unwrap_or(0)
    }

    /// What is told of each of [`EVENTS`], as JSON; the order's number stands beside it.
    pub(crate) fn told(&self) -> [String; 3] {
        let paid = format!(
            r#"{{"me":true,"price":{},"status":"{PAID}"}}"#,
            self.amount()
        );
        let confirmed = format!(r#"{{"me":true,"status":"{PAID}"}}"#);
        let placed = serde_json::to_string(&self.asked).expect("texts and a number");
        [placed, paid, confirmed]
    }
}

/// A server that keeps what is ordered in what `open` gives each worker.
pub(crate) fn http<B: Books>(
    name: &'static str,
    open: impl Fn() -> B + Clone + Send + 'static,
) -> io::Result<Server> {
    super::http(name, move |routes| {
        let books = web::Data::new(open());
        routes
            .app_data(books)
            .route(PATH, web::post().to(place::<B>));
    })
}

/// Places some orders, one of them under a key that is then used again, and one that is refused. What
/// `count` says must be theirs, with so many events each.
///
/// An error says who has something else.
pub(crate) fn test(
    server: &Server,
    events: u64,
    count: impl FnOnce() -> io::Result<Counts>,
) -> io::Result<()> {
    const ORDERS: u64 = 20;
    let request = |header: &str, price: i64| {
        let body = format!(r#"{{"customerName":"Hong Gildong","price":{price},"other":1}}"#);
        let length = body.len();
        let head = format!("POST {PATH} HTTP/1.1\r\nhost: shop\r\n{header}");
        let kind = "content-type: application/json";
        format!("{head}{kind}\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
    };
    let named = "idempotency-key: again\r\n";
    for _ in 1..ORDERS {
        ask(server, &request("", 30_000), 201)?;
    }
    ask(server, &request(named, 30_000), 201)?;
    ask(server, &request(named, 30_000), 409)?;
    ask(server, &request("", -1), 400)?;
    let (wanted, kept) = (
        [ORDERS, ORDERS, ORDERS, ORDERS, ORDERS * events, 1],
        count()?,
    );
    if kept == wanted {
        return Ok(());
    }
    let name = server.name;
    let what = format!("{name} was to keep {wanted:?} rows and kept {kept:?}");
    Err(io::Error::other(what))
}

async fn place<B: Books>(
    request: HttpRequest,
    books: web::Data<B>,
    asked: web::Json<Asked>,
) -> HttpResponse {
    let asked = asked.into_inner();
    if let Err(wrong) = asked.check() {
        return HttpResponse::BadRequest().json(Refused { error: &wrong });
    }
    let key = request.headers().get(KEY).and_then(|key| key.to_str().ok());
    let wanted = Arc::new(Wanted {
        asked,
        key: key.map(str::to_owned),
    });
    if key.is_some_and(|key| key.len() > KEY_BYTES_MAX) {
        let error = "the header Idempotency-Key takes at most 255 bytes";
        return HttpResponse::BadRequest().json(Refused { error });
    }
    match books.place(&wanted).await {
        Ok(number) => created(&request, &wanted.asked, number),
        Err(Failed::KeyTaken) => {
            let error = "another order has this Idempotency-Key";
            HttpResponse::Conflict().json(Refused { error })
        }
        Err(Failed::Store(error)) => {
            HttpResponse::InternalServerError().json(Refused { error: &error })
        }
    }
}

/// The order as it was placed, with its links: what the engine answers.
fn created(request: &HttpRequest, asked: &Asked, number: i64) -> HttpResponse {
    let host = request.headers().get(HOST);
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
    let href = format!("http://{host}{PATH}/{number}");
    HttpResponse::Created().json(Shown {
        phone_number: asked.phone_number.as_deref(),
        address: asked.address.as_deref(),
        customer_name: asked.customer_name.as_deref(),
        status: EVENTS[0],
        flower_type: asked.flower_type.as_deref(),
        price: asked.price,
        links: Links {
            itself: Link { href: &href },
            order: Link { href: &href },
        },
    })
}

#[derive(Serialize)]
struct Refused<'a> {
    error: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    phone_number: Option<&'a str>,
    address: Option<&'a str>,
    customer_name: Option<&'a str>,
    status: &'a str,
    flower_type: Option<&'a str>,
    price: Option<i64>,
    #[serde(rename = "_links")]
    links: Links<'a>,
}

#[derive(Serialize)]
struct Links<'a> {
    #[serde(rename = "self")]
    itself: Link<'a>,
    order: Link<'a>,
}

#[derive(Serialize)]
struct Link<'a> {
    href: &'a str,
}
