//! What an entity shows to the outside: its storefront's fields, in its words. For answers and for
//! the feed alike.

mod value;
mod whole;
mod wire;

#[cfg(test)]
pub(crate) use self::whole::about;
pub(crate) use self::{
    value::{kept_status, of_item, status},
    whole::{Joins, Whole, is_orders},
    wire::Wire,
};
