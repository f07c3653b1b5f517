//! What an order costs, where its listings say so.

use super::Coordinator;
use crate::{
    actors::handles::Error,
    domain::{
        Kind, Money, Refusal, Value,
        listing::Listing,
        order::Line,
        storefront::{FieldType, Storefront},
    },
};

impl Coordinator {
    /// What an order of these lines costs: what its listings cost, if the storefront says so and all
    /// of them have a price. Who names another price has not seen this one.
    pub(super) fn priced(
        &self,
        storefront: usize,
        lines: &[Line],
        asked: Option<Money>,
    ) -> Result<Option<Money>, Error> {
        let definition = &self.local.storefronts[storefront];
        if !definition.listing.is_priced || lines.is_empty() {
            return Ok(asked);
        }
        let mut minor = 0_i64;
        let too_large = || Error::Refused(Refusal::AmountTooLarge);
        for line in lines {
            let listing: Listing = self
                .local
                .state(storefront, Kind::Listing, line.listing.0)?;
            let Some(each) = price(definition, &listing) else {
                return Ok(asked);
            };
            let quantity = i64::try_from(line.quantity).ok();
            let price = quantity.and_then(|quantity| each.checked_mul(quantity));
            let sum = price.and_then(|price| minor.checked_add(price));
            minor = sum.ok_or_else(too_large)?;
        }
        match asked {
            Some(asked) if asked.minor != minor => Err(Refusal::PriceChanged {
                price: minor,
                asked: asked.minor,
            }
            .into()),
            _ => Ok(Some(Money::new(minor, definition.currency))),
        }
    }
}

fn price(storefront: &Storefront, listing: &Listing) -> Option<i64> {
    let resource = storefront.resource(Kind::Listing)?;
    let field = resource.field_holding(FieldType::Money)?;
    listing.fields.get(&field.name).and_then(Value::as_int)
}
