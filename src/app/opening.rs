//! The listings that a storefront begins with (`[[listing.row]]`), offered before anyone can ask.
//!
//! One after the other, each durable before the next: a start that was cut short is taken up where
//! it stopped. Listings of any other origin mean that the shop has begun without these.

use crate::{
    actors::handles::{Context, Engine, Entity, Error, Failure, Item, Request, Target},
    domain::{
        Cause, Fields, Kind,
        storefront::{CommandAction, Storefront},
    },
};

/// A storefront's file has listings that cannot be offered.
#[derive(Debug, thiserror::Error)]
#[error("the listings that `{storefront}` begins with cannot be offered: {source}")]
pub struct NotOpened {
    storefront: String,
    source: Error,
}

/// Offers what the storefronts begin with, where that has not been done.
pub(super) async fn open(engine: &Engine) -> Result<(), NotOpened> {
    for (at, storefront) in engine.storefronts().iter().enumerate() {
        offer(engine, at, storefront)
            .await
            .map_err(|source| NotOpened {
                storefront: storefront.name.to_string(),
                source,
            })?;
    }
    Ok(())
}

async fn offer(engine: &Engine, at: usize, storefront: &Storefront) -> Result<(), Error> {
    for (fields, on_hand) in left(engine, at, storefront)? {
        let request = Request {
            fields: fields.clone(),
            on_hand: *on_hand,
            ..Request::new(CommandAction::OfferListing, Target::New, Kind::Listing)
        };
        let context = Context {
            cause: Some(Cause::Opening),
            ..Context::default()
        };
        engine.perform(at, request, context).await?;
    }
    Ok(())
}

/// What is still to be offered.
fn left<'a>(
    engine: &Engine,
    at: usize,
    storefront: &'a Storefront,
) -> Result<&'a [(Fields, Option<u64>)], Failure> {
    let rows = &storefront.listing.rows[..];
    if rows.is_empty() {
        return Ok(rows);
    }
    let offered = engine.listings_ever(at, rows.len())?;
    // Nobody was served before all were offered, so nobody can have changed some of them.
    let is_cut_short = offered.iter().zip(rows).all(|(item, row)| is(item, row));
    let done = if is_cut_short {
        offered.len()
    } else {
        rows.len()
    };
    Ok(rows.get(done..).unwrap_or_default())
}

fn is(item: &Item, (fields, on_hand): &(Fields, Option<u64>)) -> bool {
    let Entity::Listing(listing) = &item.entity else {
        return false;
    };
    listing.fields == *fields && listing.on_hand == *on_hand
}
