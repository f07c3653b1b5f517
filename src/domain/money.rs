//! Money: whole minor units of one currency, with arithmetic that refuses to wrap or to mix.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// An ISO 4217 alphabetic currency code, such as `KRW`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// South Korean won, which has no smaller unit: one minor unit is one won.
    pub const KRW: Self = Self(*b"KRW");

    /// The currency with this three-letter code, if it has the form of one.
    pub fn from_code(code: &str) -> Option<Self> {
        let bytes: [u8; 3] = code.as_bytes().try_into().ok()?;
        bytes
            .iter()
            .all(u8::is_ascii_uppercase)
            .then_some(Self(bytes))
    }

    /// Its three letters.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a currency is made of three ASCII letters")
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// As its three letters.
impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = Cow::<str>::deserialize(deserializer)?;
        let wrong = || D::Error::custom(format!("`{code}` is not a currency code"));
        Self::from_code(&code).ok_or_else(wrong)
    }
}

/// An amount in minor units. Negative only inside the ledger's postings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// Minor units: won for KRW, cents for EUR.
    pub minor: i64,
    /// Of which currency.
    pub currency: Currency,
}

/// Why two amounts could not be combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The sum does not fit in 64 bits.
    #[error("the amount is too large to be kept")]
    Overflow,
    /// The amounts are of different currencies.
    #[error("amounts of different currencies cannot be combined")]
    MixedCurrencies,
}

impl Money {
    /// `minor` units of `currency`.
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing, in `currency`.
    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// The sum.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.combine(other, i64::checked_add)
    }

    /// The difference.
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.combine(other, i64::checked_sub)
    }

    fn combine(
        self,
        other: Self,
        with: impl Fn(i64, i64) -> Option<i64>,
    ) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::MixedCurrencies);
        }
        let minor = with(self.minor, other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Self::new(minor, self.currency))
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.minor, self.currency.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_checked() {
        let won = |minor| Money::new(minor, Currency::KRW);
        let euro = Money::new(1, Currency::from_code("EUR").unwrap());
        assert_eq!(won(2).plus(won(3)), Ok(won(5)));
        assert_eq!(won(2).minus(won(3)), Ok(won(-1)));
        assert_eq!(won(i64::MAX).plus(won(1)), Err(MoneyError::Overflow));
        assert_eq!(won(i64::MIN).minus(won(1)), Err(MoneyError::Overflow));
        assert_eq!(won(1).plus(euro), Err(MoneyError::MixedCurrencies));
    }

    #[test]
    fn a_currency_is_three_capital_letters() {
        for wrong in ["", "KR", "krw", "KRWX", "K1W", "₩"] {
            assert_eq!(Currency::from_code(wrong), None, "{wrong}");
        }
        assert_eq!(Currency::from_code("KRW"), Some(Currency::KRW));
    }
}
