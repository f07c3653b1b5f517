//! Which request means which command.

use std::{fmt, sync::Arc};

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

/// What a rule looks for in a request's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The JSON name.
    pub field: Arc<str>,
    /// What must be so.
    pub test: Test,
}

/// What must be so about a field of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// It has this text.
    Is(Arc<str>),
    /// It is there and not null.
    Given,
    /// It is not there, or null.
    Missing,
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = &self.field;
        match &self.test {
            Test::Is(text) => write!(f, "{field} = {text:?}"),
            Test::Given => write!(f, "{field} given"),
            Test::Missing => write!(f, "{field} missing"),
        }
    }
}

/// What a request asks the engine to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Place an order (`order.place`).
    PlaceOrder,
    /// Change an order's fields (`order.amend`).
    AmendOrder,
    /// Pay an order, at the price that the request names if it names one (`order.pay`).
    PayOrder,
    /// Call an order off (`order.cancel`).
    CancelOrder,
    /// Call an order off and take it off the lists (`order.remove`).
    RemoveOrder,
    /// Take a step of an order's delivery: the one named by the rule, or else the next
    /// (`delivery.advance`).
    AdvanceDelivery,
    /// Say yes: to an order, or to a listing where the request names one (`approval.grant`).
    GrantApproval,
    /// Say no (`approval.refuse`).
    RefuseApproval,
    /// Pay the seller now rather than when it is due (`payout.pay`).
    PayPayout,
    /// Offer a listing (`listing.offer`).
    OfferListing,
    /// Change a listing (`listing.amend`).
    AmendListing,
    /// Put a listing on sale (`listing.open`).
    OpenListing,
    /// Take a listing off sale (`listing.close`).
    CloseListing,
    /// Take a listing off sale and off the lists (`listing.remove`).
    RemoveListing,
}

impl Action {
    /// Every command with the name that definition files use.
    pub const ALL: [(&'static str, Self); 14] = [
        ("order.place", Self::PlaceOrder),
        ("order.amend", Self::AmendOrder),
        ("order.pay", Self::PayOrder),
        ("order.cancel", Self::CancelOrder),
        ("order.remove", Self::RemoveOrder),
        ("delivery.advance", Self::AdvanceDelivery),
        ("approval.grant", Self::GrantApproval),
        ("approval.refuse", Self::RefuseApproval),
        ("payout.pay", Self::PayPayout),
        ("listing.offer", Self::OfferListing),
        ("listing.amend", Self::AmendListing),
        ("listing.open", Self::OpenListing),
        ("listing.close", Self::CloseListing),
        ("listing.remove", Self::RemoveListing),
    ];

    /// The name that definition files use.
    pub fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, action)| *action == self);
        found.map_or("", |(name, _)| name)
    }
}

/// Who may ask for a command. Kept for whoever stands before the engine; the engine itself does not
/// know who asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Anyone at all.
    #[default]
    Anyone,
    /// The customer whose order it is.
    Customer,
    /// The shop's people.
    Owner,
    /// Who offers the listing.
    Seller,
    /// Who runs the storefront.
    Operator,
}

impl Role {
    /// Every role with the name that definition files use.
    pub const ALL: [(&'static str, Self); 5] = [
        ("anyone", Self::Anyone),
        ("customer", Self::Customer),
        ("owner", Self::Owner),
        ("seller", Self::Seller),
        ("operator", Self::Operator),
    ];
}

/// What a request is answered with when it was carried out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reply {
    /// The entity that is addressed, as usual.
    #[default]
    Entity,
    /// `200` and nothing, as one original's own handler did (SEED API 6c).
    Nothing,
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
    /// The step to take, counted from 0 (`AdvanceDelivery`); the next one if it is not said.
    pub step: Option<u8>,
    /// The step of the delivery, counted from 0, after which it is refused.
    pub until: Option<u8>,
    /// Who may ask.
    pub by: Role,
    /// What it is answered with.
    pub reply: Reply,
}
