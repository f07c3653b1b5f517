//! Which request means which command.

use std::sync::Arc;

use crate::domain::Kind;

/// An HTTP method that can mean a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// On a collection.
    Post,
    /// On an item: all fields; what is absent becomes null.
    Put,
    /// On an item: the fields it carries.
    Patch,
    /// On an item.
    Delete,
}

impl Verb {
    /// The method's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// A field of the request's body that must have a value for a rule to count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The JSON name.
    pub field: Arc<str>,
    /// The text it must be.
    pub is: Arc<str>,
}

/// What a request asks the engine to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Place an order (`order.place`).
    PlaceOrder,
    /// Change an order's fields (`order.amend`).
    AmendOrder,
    /// Call an order off (`order.cancel`).
    CancelOrder,
    /// Call an order off and take it off the lists (`order.remove`).
    RemoveOrder,
    /// Take the next step of an order's delivery (`delivery.advance`).
    AdvanceDelivery,
}

/// One rule: requests that look like this mean that command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandRule {
    /// The method.
    pub verb: Verb,
    /// The resource whose collection (POST) or item (the others) is addressed.
    pub kind: Kind,
    /// All must hold.
    pub when: Vec<Condition>,
    /// What is meant.
    pub action: Action,
}
