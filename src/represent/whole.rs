//! An entity together with those whose fields its resource shows: an approval with its order, an
//! order with its delivery.

use crate::domain::{
    EntityKey, Kind,
    entity::{Entity, Item},
    storefront::{Field, FieldType, Resource, Storefront},
};

/// An entity with what is shown beside its own.
#[derive(Clone, Debug)]
pub(crate) struct Whole {
    pub(crate) item: Item,
    /// Each of another kind. Empty, without an allocation, for most resources.
    pub(crate) joined: Vec<Item>,
}

/// Which other entities a resource's fields need, as a bit for each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Joins(u8);

impl Whole {
    /// The entity of this kind: itself, or one beside it.
    pub(crate) fn of(&self, kind: Kind) -> Option<&Item> {
        let mut all = std::iter::once(&self.item).chain(&self.joined);
        all.find(|item| item.entity.kind() == kind)
    }
}

impl Whole {
    /// The number of the listing that it is about, or that its order names first.
    pub(crate) fn listing(&self) -> Option<u64> {
        listing(self)
    }
}

impl Joins {
    /// What the fields of this resource need.
    pub(crate) fn of(definition: &Storefront, resource: &Resource) -> Self {
        let mut joins = Self(0);
        for field in &resource.fields {
            joins.add(needed(definition, resource, field), resource.kind);
        }
        joins
    }

    fn add(&mut self, needed: Option<Kind>, own: Kind) {
        let Some(kind) = needed.filter(|kind| *kind != own) else {
            return;
        };
        self.0 |= bit(kind);
        // The listing that an entity is about is the one that its order names.
        if kind == Kind::Listing && own != Kind::Order {
            self.0 |= bit(Kind::Order);
        }
    }

    const fn has(self, kind: Kind) -> bool {
        self.0 & bit(kind) != 0
    }

    /// An entity with what is needed beside it, as far as `read` finds it.
    pub(crate) fn load<E>(
        self,
        item: Item,
        read: impl Fn(Kind, u64) -> Result<Option<Item>, E>,
    ) -> Result<Whole, E> {
        let joined = Vec::new();
        if self == Self(0) {
            return Ok(Whole { item, joined });
        }
        let about = about(&item);
        let mut whole = Whole { item, joined };
        if about.kind == Kind::Order {
            let kinds = [Kind::Order, Kind::Payment, Kind::Delivery, Kind::Payout];
            for kind in kinds.into_iter().filter(|kind| self.has(*kind)) {
                whole.joined.extend(read(kind, about.number)?);
            }
        }
        if self.has(Kind::Approval) {
            let approval = read(Kind::Approval, about.number)?;
            let is_its_own = |approval: &Item| self::about(approval) == about;
            whole.joined.extend(approval.filter(is_its_own));
        }
        if self.has(Kind::Listing)
            && let Some(number) = listing(&whole)
        {
            whole.joined.extend(read(Kind::Listing, number)?);
        }
        Ok(whole)
    }
}

/// The number of the listing that an entity is about, or that its order names first.
pub(super) fn listing(whole: &Whole) -> Option<u64> {
    let about = about(&whole.item);
    if about.kind == Kind::Listing {
        return Some(about.number);
    }
    let Entity::Order(order) = &whole.of(Kind::Order)?.entity else {
        return None;
    };
    order.lines.first().map(|line| line.listing.0)
}

/// The order or the listing that an entity is, or belongs to.
pub(crate) fn about(item: &Item) -> EntityKey {
    match &item.entity {
        Entity::Listing(_) => EntityKey::new(Kind::Listing, item.number),
        Entity::Approval(approval) => {
            let order = EntityKey::new(Kind::Order, item.number);
            approval.subject.unwrap_or(order)
        }
        Entity::Subscriber(_) => EntityKey::new(Kind::Subscriber, item.number),
        Entity::Order(_) | Entity::Payment(_) | Entity::Delivery(_) | Entity::Payout(_) => {
            EntityKey::new(Kind::Order, item.number)
        }
    }
}

/// Whose value a field shows, if that is another entity than its resource's own.
fn needed(definition: &Storefront, resource: &Resource, field: &Field) -> Option<Kind> {
    if let Some((kind, _)) = &field.of {
        return Some(*kind);
    }
    let of_order = match (resource.kind, field.holds) {
        (Kind::Listing | Kind::Order, _)
        | (_, FieldType::Status | FieldType::Order | FieldType::Commission | FieldType::Role)
        | (Kind::Payment | Kind::Payout, FieldType::Money) => false,
        (_, FieldType::Text { .. } | FieldType::Integer { .. } | FieldType::Position) => {
            is_orders(definition, field)
        }
        _ => true,
    };
    of_order.then_some(Kind::Order)
}

/// Whether the storefront's orders have a field of this name.
pub(crate) fn is_orders(definition: &Storefront, field: &Field) -> bool {
    let order = definition.resource(Kind::Order);
    order.is_some_and(|order| {
        let mut own = order.fields.iter().filter(|own| own.of.is_none());
        own.any(|own| own.name == field.name)
    })
}

const fn bit(kind: Kind) -> u8 {
    1_u8.wrapping_shl(kind.number() as u32)
}
