//! The words of the definition format for what was read from it, for those who tell people.

use super::{FieldType, Mode};

impl Mode {
    /// The word for it after `mode`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Async => "async",
            Self::Hold => "hold",
            Self::Command => "command",
        }
    }
}

impl FieldType {
    /// The word for it after `type`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::Integer { .. } => "integer",
            Self::Money => "money",
            Self::Status => "status",
            Self::Order => "order",
            Self::Key { .. } => "key",
            Self::Listing => "listing",
            Self::Quantity { .. } => "quantity",
            Self::Lines => "lines",
            Self::Commission => "commission",
            Self::Position => "position",
            Self::Role => "role",
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::storefront::read;

    #[test]
    fn the_words_are_those_that_are_read() {
        let text = include_str!("../../../tests/shops/posies.toml");
        let posies = read::storefront(text).unwrap();
        let text = text.replace(' ', "");
        for step in &posies.flow.steps {
            assert!(text.contains(&format!("do=\"{}\"", step.action.name())));
            assert!(text.contains(&format!("mode=\"{}\"", step.mode.name())));
        }
        for rule in &posies.commands {
            assert!(text.contains(&format!("=\"{}\"", rule.action.name())));
        }
        for field in posies.resources.iter().flat_map(|own| &own.fields) {
            assert!(text.contains(&format!("type=\"{}\"", field.holds.name())));
        }
    }
}
