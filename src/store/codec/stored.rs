//! The stored form of the events' bodies: a contract of its own, whatever the domain renames.
//!
//! Each body is a MessagePack map by the field names written here. Money is `{minor, currency}`,
//! a storefront's fields are a map from name to a plain text, whole number or boolean.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::domain::{Fields, Money};

/// `order::Event::Placed`.
#[derive(Serialize, Deserialize)]
pub(super) struct OrderPlaced<'a> {
    #[serde(with = "fields")]
    pub(super) fields: Cow<'a, Fields>,
    #[serde(with = "money")]
    pub(super) amount: Money,
}

/// `order::Event::Amended`.
#[derive(Serialize, Deserialize)]
pub(super) struct OrderAmended<'a> {
    #[serde(with = "fields")]
    pub(super) fields: Cow<'a, Fields>,
}

/// `order::Event::Itemised`.
#[derive(Serialize, Deserialize)]
pub(super) struct OrderItemised {
    pub(super) lines: Vec<StoredLine>,
}

/// `order::Line`.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredLine {
    pub(super) listing: u64,
    pub(super) quantity: u64,
}

/// `order::Event::Priced`.
#[derive(Serialize, Deserialize)]
pub(super) struct OrderPriced {
    #[serde(with = "money")]
    pub(super) amount: Money,
}

/// `payment::Event::Requested`.
#[derive(Serialize, Deserialize)]
pub(super) struct PaymentRequested {
    pub(super) order: u64,
    #[serde(with = "money")]
    pub(super) amount: Money,
}

/// `payment::Event::Captured`, `RefundRequested` and `Refunded`.
#[derive(Serialize, Deserialize)]
pub(super) struct PaymentAmount {
    #[serde(with = "money")]
    pub(super) amount: Money,
}

/// `payment::Event::Failed`.
#[derive(Serialize, Deserialize)]
pub(super) struct PaymentFailed<'a> {
    pub(super) reason: Cow<'a, str>,
}

/// `delivery::Event::Planned`.
#[derive(Serialize, Deserialize)]
pub(super) struct DeliveryPlanned {
    pub(super) order: u64,
    pub(super) steps: u8,
}

/// `delivery::Event::Stepped`.
#[derive(Serialize, Deserialize)]
pub(super) struct DeliveryStepped {
    pub(super) step: u8,
}

/// `delivery::Event::Noted`.
#[derive(Serialize, Deserialize)]
pub(super) struct DeliveryNoted<'a> {
    #[serde(with = "fields")]
    pub(super) fields: Cow<'a, Fields>,
}

/// `listing::Event::Offered` and `Amended`.
#[derive(Serialize, Deserialize)]
pub(super) struct ListingOffered<'a> {
    #[serde(with = "fields")]
    pub(super) fields: Cow<'a, Fields>,
    pub(super) on_hand: Option<u64>,
}

/// `listing::Event::Reserved` and `Released`.
#[derive(Serialize, Deserialize)]
pub(super) struct ListingShare {
    pub(super) order: u64,
    pub(super) quantity: u64,
}

/// `saga::Event::RetryScheduled`.
#[derive(Serialize, Deserialize)]
pub(super) struct SagaRetryScheduled {
    pub(super) attempt: u32,
    pub(super) due: i64,
}

/// `saga::Event::Routed`.
#[derive(Serialize, Deserialize)]
pub(super) struct SagaRouted {
    pub(super) skipped: u32,
}

/// `saga::Event::Awaiting`. The kind of what is awaited is its stored number.
#[derive(Serialize, Deserialize)]
pub(super) struct SagaAwaiting {
    pub(super) kind: u8,
    pub(super) until: i64,
}

/// `saga::Event::GaveUp`.
#[derive(Serialize, Deserialize)]
pub(super) struct SagaGaveUp<'a> {
    pub(super) attempt: u32,
    pub(super) since: i64,
    pub(super) reason: Cow<'a, str>,
}

/// Every event of an approval. The kind of the subject is its stored number.
#[derive(Serialize, Deserialize)]
pub(super) struct ApprovalAbout {
    pub(super) kind: u8,
    pub(super) number: u64,
}

/// `payout::Event::Scheduled`.
#[derive(Serialize, Deserialize)]
pub(super) struct PayoutScheduled {
    pub(super) order: u64,
    #[serde(with = "money")]
    pub(super) amount: Money,
    #[serde(with = "money")]
    pub(super) commission: Money,
    pub(super) due: i64,
}

/// `payout::Event::Paid` and `TakenBack`.
#[derive(Serialize, Deserialize)]
pub(super) struct PayoutShares {
    #[serde(with = "money")]
    pub(super) amount: Money,
    #[serde(with = "money")]
    pub(super) commission: Money,
}

/// Money as `{minor, currency}`.
mod money {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    use crate::domain::{Money, money::Currency};

    #[derive(Serialize)]
    struct Written<'a> {
        minor: i64,
        currency: &'a str,
    }

    #[derive(Deserialize)]
    struct Read {
        minor: i64,
        currency: String,
    }

    pub(super) fn serialize<S: Serializer>(money: &Money, to: S) -> Result<S::Ok, S::Error> {
        let currency = money.currency.code();
        let minor = money.minor;
        Written { minor, currency }.serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Money, D::Error> {
        let Read { minor, currency } = Read::deserialize(from)?;
        let currency = Currency::from_code(&currency)
            .ok_or_else(|| D::Error::custom("not the form of a currency's code"))?;
        Ok(Money::new(minor, currency))
    }
}

/// A storefront's fields as a map of plain values, in the order they were set.
mod fields {
    use std::{borrow::Cow, fmt, sync::Arc};

    use serde::{
        Deserialize, Deserializer, Serialize, Serializer,
        de::{Error, MapAccess, Visitor},
    };

    use crate::domain::{Fields, Value};

    struct Written<'a>(&'a Value);

    impl Serialize for Written<'_> {
        fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            match self.0 {
                Value::Text(text) => to.serialize_str(text),
                Value::Int(number) => to.serialize_i64(*number),
                Value::Bool(yes) => to.serialize_bool(*yes),
            }
        }
    }

    struct Read(Value);

    impl<'de> Deserialize<'de> for Read {
        fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            from.deserialize_any(Plain).map(Self)
        }
    }

    struct Plain;

    impl Visitor<'_> for Plain {
        type Value = Value;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text, a whole number or a boolean")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
            Ok(Value::Text(text.to_owned()))
        }

        fn visit_string<E: Error>(self, text: String) -> Result<Value, E> {
            Ok(Value::Text(text))
        }

        fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
            Ok(Value::Int(number))
        }

        fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
            i64::try_from(number).map(Value::Int).map_err(E::custom)
        }

        fn visit_bool<E: Error>(self, yes: bool) -> Result<Value, E> {
            Ok(Value::Bool(yes))
        }
    }

    struct Named;

    impl<'de> Visitor<'de> for Named {
        type Value = Fields;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map of fields")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
            let mut fields = Fields::new();
            while let Some((name, Read(value))) = map.next_entry::<Arc<str>, Read>()? {
                fields.set(name, Some(value));
            }
            Ok(fields)
        }
    }

    pub(super) fn serialize<S: Serializer>(fields: &Fields, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(fields.iter().map(|(name, value)| (name, Written(value))))
    }

    pub(super) fn deserialize<'de, 'a, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Cow<'a, Fields>, D::Error> {
        from.deserialize_map(Named).map(Cow::Owned)
    }
}
