//! From a request's struct to the fields that the rules keep.

use std::sync::Arc;

use jumun::domain::{Fields, Value};

use crate::contestant::peer::Asked;

/// Names of fields, made once.
pub(super) struct Names([Arc<str>; 7]);

impl Names {
    pub(super) fn new() -> Self {
        let names = [
            "phoneNumber",
            "address",
            "customerName",
            "flowerType",
            "price",
            "email",
            "language",
        ];
        Self(names.map(Arc::from))
    }

    /// What a request says, as the rules keep it.
    pub(super) fn fields(&self, asked: &Asked) -> Fields {
        let text = |text: &Option<String>| text.clone().map(Value::Text);
        let values = [
            text(&asked.phone_number),
            text(&asked.address),
            text(&asked.customer_name),
            text(&asked.flower_type),
            asked.price.map(Value::Int),
            text(&asked.email),
            text(&asked.language),
        ];
        let pairs = self.0.iter().map(Arc::clone).zip(values);
        pairs
            .filter_map(|(name, value)| Some((name, value?)))
            .collect()
    }
}
