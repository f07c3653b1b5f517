//! What clients ask of the five shops, and what the orders then say.

use std::{io, net::SocketAddr};

use super::server::ask;

/// One of the shops, from a client's side.
#[derive(Debug)]
pub(crate) struct Shop {
    pub(crate) name: &'static str,
    /// The path of its orders.
    pub(crate) orders: &'static str,
    /// The field that says whose an order is; here each order has another one.
    pub(crate) whose: &'static str,
    /// The field that says how far an order has come.
    pub(crate) status: &'static str,
    /// The body of an order; `WHOSE` is replaced.
    order: &'static str,
    /// What an accepted order may say: it may go on by itself.
    pub(crate) placed: &'static [&'static str],
    /// What can be asked of an order later.
    pub(crate) later: &'static [Later],
}

/// A command about an order.
#[derive(Debug)]
pub(crate) struct Later {
    /// Method and path; `NUMBER` is replaced.
    line: &'static str,
    /// `NUMBER` is replaced here, too.
    body: &'static str,
    /// What the order may say afterwards.
    pub(crate) then: &'static [&'static str],
}

/// What is put on the shelves before the shops open: path and body.
const STOCK: [(&str, &str); 3] = [
    (
        "/stays/rooms",
        r#"{"roomName": "Suite", "roomStatus": "EMPTY", "roomQty": 5000}"#,
    ),
    (
        "/tutoring/lessons",
        r#"{"sellerId": "LEE", "title": "Maths", "price": 50000}"#,
    ),
    (
        "/tutoring/managements",
        r#"{"lessonId": 1, "status": "SaleApproved"}"#,
    ),
];

/// All five.
pub(crate) const SHOPS: [Shop; 5] = [
    Shop {
        name: "flowers",
        orders: "orders",
        whose: "customerName",
        status: "status",
        order: r#"{"customerName": "WHOSE", "address": "SEOUL", "flowerType": "AAAA", "price": 10000}"#,
        placed: &["PaymentConfirmed"],
        later: &[
            Later {
                line: "PATCH /flowers/orders/NUMBER",
                body: r#"{"status": "OrderCancelled"}"#,
                then: &["OrderCancelled"],
            },
            Later {
                line: "POST /flowers/deliveries",
                body: r#"{"orderId": NUMBER}"#,
                then: &["Delivered"],
            },
        ],
    },
    Shop {
        name: "stays",
        orders: "reservations",
        whose: "customerName",
        status: "reserveStatus",
        order: r#"{"customerName": "WHOSE", "roomNumber": 1, "roomCount": 1, "paymentPrice": 90000}"#,
        placed: &["reserve"],
        later: &[
            Later {
                line: "PATCH /stays/reservations/NUMBER",
                body: r#"{"reserveStatus": "payment"}"#,
                then: &["paymentComp"],
            },
            Later {
                line: "PATCH /stays/reservations/NUMBER",
                body: r#"{"reserveStatus": "cancel"}"#,
                then: &["cancel"],
            },
        ],
    },
    Shop {
        name: "fish",
        orders: "orders",
        whose: "customerName",
        status: "status",
        order: r#"{"customerName": "WHOSE", "fishName": "flatfish", "qty": 1, "price": 30000, "status": "paid"}"#,
        placed: &["paid"],
        later: &[
            Later {
                line: "PATCH /fish/orders/NUMBER",
                body: r#"{"status": "canceled"}"#,
                then: &["canceled"],
            },
            Later {
                line: "PATCH /fish/fishstores/NUMBER",
                body: r#"{"status": "prepared"}"#,
                then: &["paid"],
            },
        ],
    },
    Shop {
        name: "repairs",
        orders: "ascalls",
        whose: "tel",
        status: "status",
        order: r#"{"tel": "WHOSE", "location": "SEOUL"}"#,
        placed: &["호출", "호출확정"],
        later: &[
            Later {
                line: "PATCH /repairs/ascalls/NUMBER",
                body: r#"{"status": "호출취소"}"#,
                then: &["호출취소"],
            },
            Later {
                line: "PATCH /repairs/asassigns/NUMBER",
                body: r#"{"status": "수리완료"}"#,
                then: &["수리완료"],
            },
        ],
    },
    Shop {
        name: "tutoring",
        orders: "reservations",
        whose: "reserveId",
        status: "status",
        order: r#"{"reserveId": "WHOSE", "userId": "KIM", "lessonId": 1}"#,
        placed: &["reserve", "Pending", "PayCompleted"],
        later: &[Later {
            line: "PATCH /tutoring/reservations/NUMBER",
            body: r#"{"status": "Canceled"}"#,
            then: &["Canceled"],
        }],
    },
];

/// Puts on the shelves what is ordered.
pub(crate) fn stock(address: SocketAddr) -> io::Result<()> {
    for (path, body) in STOCK {
        let (status, answer) = ask(address, "POST", path, body)?;
        if status != 201 {
            let what = format!("POST {path} was answered {status}: {answer}");
            return Err(io::Error::other(what));
        }
    }
    Ok(())
}

impl Shop {
    /// The first line and the body of a new order.
    pub(crate) fn order(&self, whose: &str) -> (String, String) {
        let line = format!("POST /{}/{}", self.name, self.orders);
        (line, self.order.replace("WHOSE", whose))
    }
}

impl Later {
    /// The first line and the body about this order.
    pub(crate) fn about(&self, number: u64) -> (String, String) {
        let number = number.to_string();
        let filled = |text: &str| text.replace("NUMBER", &number);
        (filled(self.line), filled(self.body))
    }
}
