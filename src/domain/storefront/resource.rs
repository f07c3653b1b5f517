//! A REST collection that is one kind of entity, under the storefront's own names.

use std::sync::Arc;

use crate::domain::{Kind, approval, delivery};

/// What a field holds, and its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// Text of at most so many characters.
    Text {
        /// The limit, in characters.
        max_chars: usize,
    },
    /// A whole number between two limits, both included.
    Integer {
        /// The least.
        min: i64,
        /// The most.
        max: i64,
    },
    /// The amount of the order or payment, in minor units.
    Money,
    /// The word for where the entity stands. Read only; what a client sends chooses the command.
    Status,
    /// The number of the order that the entity belongs to; the order's own, in `[order]`.
    Order,
    /// A text that the client chooses for its order, other than every other order's: it finds the
    /// order in the requests about it.
    Key {
        /// The limit, in characters.
        max_chars: usize,
    },
    /// The number of a listing: the one that an order is for, or that an approval is about.
    Listing,
    /// How many: of the listing that an order is for, or of a listing there are.
    Quantity {
        /// How many, where nothing is said.
        default: u64,
    },
    /// Several listings, each with a quantity: `[{"room": 1, "qty": 2}]`.
    Lines,
    /// What the storefront keeps of a payout, in minor units. Read only.
    Commission,
    /// A place as `latitude,longitude` in degrees.
    Position,
    /// The name of the part that somebody has in an order. Read only.
    Role,
}

/// One field of a resource, as it stands on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its JSON name.
    pub name: Arc<str>,
    /// What it holds.
    pub holds: FieldType,
    /// Whether a creating request must carry it.
    pub required: bool,
    /// Whether answers show it; otherwise it is only accepted.
    pub shown: bool,
    /// Whose field it shows, if not the entity's own: the order's, the delivery's or the listing's.
    pub of: Option<(Kind, Arc<str>)>,
    /// What a line calls the listing's number and the quantity, in a field that holds lines.
    pub lines: Option<(Arc<str>, Arc<str>)>,
    /// Whether the number that it holds is written as text, as some originals did.
    pub as_text: bool,
}

impl Field {
    /// A field of this name that holds this, with nothing special about it.
    pub fn new(name: &str, holds: FieldType) -> Self {
        Self {
            name: name.into(),
            holds,
            required: false,
            shown: true,
            of: None,
            lines: None,
            as_text: false,
        }
    }
}

/// The storefront's words for the domain's states or events; few, so looked up one by one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words(pub Vec<(Arc<str>, Arc<str>)>);

impl Words {
    /// The storefront's word for `own`, if it has one.
    pub fn get(&self, own: &str) -> Option<&Arc<str>> {
        self.0
            .iter()
            .find(|(domain, _)| &**domain == own)
            .map(|(_, word)| word)
    }

    /// The storefront's word for a step of its deliveries, counted from 0. The last one completes
    /// them and is kept as such.
    pub fn of_step(&self, step: u8) -> Option<&Arc<str>> {
        let word = self.get(&format!("step.{step}"));
        word.or_else(|| self.get(delivery::State::Done.name()))
    }

    /// The storefront's word for a state or an event of an approval, which may have one of its own
    /// where it is about a listing. What expired is as good as refused, or as withdrawn, where the
    /// storefront says nothing else.
    pub fn of_approval(&self, own: &str, about: Option<Kind>) -> Option<&Arc<str>> {
        if own == approval::State::Expired.name() && self.get(own).is_none() {
            let like = [approval::State::Refused, approval::State::Withdrawn];
            return like.iter().find_map(|state| self.get(state.name()));
        }
        let listings = about
            .filter(|about| *about == Kind::Listing)
            .and_then(|about| self.get(&format!("{about}.{own}")));
        listings.or_else(|| self.get(own))
    }

    /// The storefront's word for where a delivery stands.
    pub fn of_delivery(&self, state: delivery::State) -> Option<&Arc<str>> {
        match state {
            delivery::State::Step(step) => self.get(&format!("step.{step}")),
            delivery::State::Absent
            | delivery::State::Planned
            | delivery::State::Done
            | delivery::State::Cancelled => self.get(state.name()),
        }
    }
}

/// A query method, `GET /{path}/search/{method}?{field}=`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// The method's name in the URL.
    pub method: Arc<str>,
    /// The field, and the name of the query parameter.
    pub field: Arc<str>,
    /// Whether it answers one item (404 if there is none) rather than a list.
    pub single: bool,
}

/// One REST collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// What its items are.
    pub kind: Kind,
    /// Its path segment, which is also its relation in `_embedded` and in links. Empty where nobody
    /// outside sees it.
    pub path: Arc<str>,
    /// The relation of one item.
    pub item: Arc<str>,
    /// Other path segments it answers to.
    pub aliases: Vec<Arc<str>>,
    /// Its fields, in the order they are written.
    pub fields: Vec<Field>,
    /// The words for its states; a delivery's steps are under `step.0`, `step.1`, …; those for the
    /// approvals of listings, where they have others, under `listing.granted`, ….
    pub words: Words,
    /// The names of its events for the outside; an event without one stays inside.
    pub events: Words,
    /// What its events' data calls the number of what they happened to.
    pub number: Arc<str>,
    /// What the data of its events has, where that is not simply the number and all fields; by the
    /// names in [`Resource::events`].
    pub event_data: Vec<(Arc<str>, EventData)>,
    /// Its query methods.
    pub searches: Vec<Search>,
}

/// What the data of an event has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventData {
    /// Beside the number; `None` for all fields that answers show.
    pub members: Option<Vec<EventMember>>,
    /// Names that are always null, as some originals had them.
    pub empty: Vec<Arc<str>>,
}

/// One member of an event's data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventMember {
    /// Whose field it is: the resource's own, the order's or the listing's.
    pub kind: Kind,
    /// Which.
    pub field: Field,
}

impl Resource {
    /// The name of one of its events for the outside; of an approval's, it may be another where that
    /// is about a listing.
    pub fn event_name(&self, own: &str, about: Option<Kind>) -> Option<&Arc<str>> {
        match about {
            Some(about) => self.events.of_approval(own, Some(about)),
            None => self.events.get(own),
        }
    }

    /// What is said of that event's data, if anything is.
    pub fn data_of(&self, own: &str, about: Option<Kind>) -> Option<&EventData> {
        let of_listings = format!("{}.{own}", Kind::Listing);
        let has_own = about == Some(Kind::Listing) && self.events.get(&of_listings).is_some();
        let wanted = if has_own { &*of_listings } else { own };
        let mut data = self.event_data.iter();
        data.find(|(own, _)| **own == *wanted).map(|(_, data)| data)
    }

    /// Whether it has a collection in URLs.
    pub fn is_exposed(&self) -> bool {
        !self.path.is_empty()
    }

    /// The storefront's word for the first of these that has one.
    pub fn word(&self, standings: &[&str]) -> Option<&Arc<str>> {
        standings.iter().find_map(|own| self.words.get(own))
    }

    /// Whether a path segment means this collection.
    pub fn answers_to(&self, segment: &str) -> bool {
        self.is_exposed() && &*self.path == segment
            || self.aliases.iter().any(|alias| &**alias == segment)
    }

    /// The first field of its own that holds this.
    pub fn field_holding(&self, holds: FieldType) -> Option<&Field> {
        self.field(|own| own == holds)
    }

    /// The first field of its own of which this is so.
    pub fn field(&self, is: impl Fn(FieldType) -> bool) -> Option<&Field> {
        let mut own = self.fields.iter().filter(|field| field.of.is_none());
        own.find(|field| is(field.holds))
    }
}
