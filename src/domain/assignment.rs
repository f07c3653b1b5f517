//! Who is assigned to an order: the free listings, the one to ask first first.

use super::{ids::ListingId, storefront::Choice};

/// A place on earth, in ten-millionths of a degree (about a centimetre).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// North is positive.
    pub latitude_e7: i64,
    /// East is positive.
    pub longitude_e7: i64,
}

/// Ten-millionths in a degree.
const E7: i64 = 10_000_000;

impl Position {
    /// Reads `37.5665,126.9780`: degrees, with up to seven decimals.
    pub fn parse(text: &str) -> Option<Self> {
        let (latitude, longitude) = text.split_once(',')?;
        Some(Self {
            latitude_e7: degrees(latitude.trim(), 90)?,
            longitude_e7: degrees(longitude.trim(), 180)?,
        })
    }

    /// How far it is to another place, squared and only good for comparing. A degree of longitude
    /// is shorter the farther north; at 37 degrees, where the originals' customers live, it is four
    /// fifths of one of latitude, and engineers are not sent across the globe.
    pub fn distance(self, other: Self) -> u128 {
        let north = i128::from(self.latitude_e7.abs_diff(other.latitude_e7)).saturating_mul(5);
        let around = self.longitude_e7.abs_diff(other.longitude_e7);
        let half = 180_u64.saturating_mul(E7.unsigned_abs());
        let around = around.min(half.saturating_mul(2).saturating_sub(around));
        let east = i128::from(around).saturating_mul(4);
        let squares = north
            .saturating_mul(north)
            .saturating_add(east.saturating_mul(east));
        squares.unsigned_abs()
    }
}

/// The free listings in the order in which they are asked. Those without a position come last where
/// the nearest is wanted; equally near ones, and all of them where the order has no position, go by
/// their number.
pub fn rank<T>(
    free: Vec<(ListingId, Option<Position>, T)>,
    choice: Choice,
    near: Option<Position>,
    seed: u64,
) -> Vec<(ListingId, Option<Position>, T)> {
    let mut ranked = free;
    ranked.sort_by_key(|(listing, position, _)| {
        let rank = match choice {
            Choice::First => 0,
            Choice::Random => u128::from(scatter(seed ^ listing.0.rotate_left(32))),
            Choice::Nearest => match (near, position) {
                (Some(near), Some(position)) => near.distance(*position),
                (Some(_), None) => u128::MAX,
                (None, _) => 0,
            },
        };
        (rank, *listing)
    });
    ranked
}

/// Spreads neighbouring numbers: the finaliser of `SplitMix64` (Steele, Lea, Flood 2014).
const fn scatter(number: u64) -> u64 {
    let mixed = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// Reads degrees with up to seven decimals, at most `max` to either side.
fn degrees(text: &str, max: i64) -> Option<i64> {
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |part: &str| part.chars().all(|c| c.is_ascii_digit());
    if whole.is_empty() || fraction.len() > 7 || !plain(whole) || !plain(fraction) {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let fraction: i64 = format!("{fraction:0<7}").parse().ok()?;
    let value = whole.checked_mul(E7)?.checked_add(fraction)?;
    let value = if is_negative {
        value.checked_neg()?
    } else {
        value
    };
    (value.checked_abs()? <= max.checked_mul(E7)?).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Position {
        Position::parse(text).unwrap()
    }

    fn ranked(choice: Choice, near: Option<&str>, seed: u64) -> Vec<u64> {
        let free = [
            (1, Some("35.1796,129.0756")),
            (2, None),
            (3, Some("37.4563,126.7052")),
            (4, Some("37.5665,126.9780")),
        ];
        let free = free.map(|(number, at)| (ListingId(number), at.map(place), ()));
        let ranked = rank(Vec::from(free), choice, near.map(place), seed);
        ranked.into_iter().map(|(listing, ..)| listing.0).collect()
    }

    #[test]
    fn the_nearest_is_asked_first() {
        let seoul_station = Some("37.5547,126.9707");
        assert_eq!(ranked(Choice::Nearest, seoul_station, 1), [4, 3, 1, 2]);
        assert_eq!(ranked(Choice::Nearest, Some("35,129"), 1), [1, 4, 3, 2]);
        assert_eq!(ranked(Choice::Nearest, None, 1), [1, 2, 3, 4]);
        assert_eq!(ranked(Choice::First, seoul_station, 1), [1, 2, 3, 4]);
    }

    #[test]
    fn chance_is_the_same_for_the_same_order_and_fair_over_many() {
        assert_eq!(
            ranked(Choice::Random, None, 9),
            ranked(Choice::Random, None, 9)
        );
        let first = (0..1_000).map(|seed| ranked(Choice::Random, None, seed)[0]);
        let mut counts = [0; 5];
        for listing in first {
            counts[usize::try_from(listing).unwrap()] += 1;
        }
        assert!(counts[1..].iter().all(|count| *count > 150), "{counts:?}");
    }

    #[test]
    fn a_place_is_two_numbers_of_degrees() {
        let expected = Position {
            latitude_e7: -5_000_000,
            longitude_e7: 1_800_000_000,
        };
        assert_eq!(place("-0.5, 180"), expected);
        for wrong in [
            "",
            "1",
            "1,",
            "91,0",
            "0,181",
            "a,b",
            "1.00000000,2",
            "1,2,3",
            "+1,2",
        ] {
            assert_eq!(Position::parse(wrong), None, "{wrong}");
        }
        let (east, west) = (place("0,179.9"), place("0,-179.9"));
        assert!(east.distance(west) < east.distance(place("0,179")));
    }
}
