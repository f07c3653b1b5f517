//! The stored numbers of what opened a turn. A number is given once, and never to anything else.

use crate::domain::{Cause, storefront::CommandAction};

/// Commands by their stored numbers.
const COMMANDS: [(u8, CommandAction); 14] = [
    (1, CommandAction::PlaceOrder),
    (2, CommandAction::AmendOrder),
    (3, CommandAction::PayOrder),
    (4, CommandAction::CancelOrder),
    (5, CommandAction::RemoveOrder),
    (6, CommandAction::AdvanceDelivery),
    (7, CommandAction::GrantApproval),
    (8, CommandAction::RefuseApproval),
    (9, CommandAction::PayPayout),
    (10, CommandAction::OfferListing),
    (11, CommandAction::AmendListing),
    (12, CommandAction::OpenListing),
    (13, CommandAction::CloseListing),
    (14, CommandAction::RemoveListing),
];

/// A cause's number, and that of its command; 0 where it has none.
pub(super) fn numbers(cause: Cause) -> [u8; 2] {
    match cause {
        Cause::Unknown => [0, 0],
        Cause::Command(command) => {
            let known = COMMANDS.iter().find(|(_, own)| *own == command);
            let (number, _) = known.expect("every command has a number");
            [1, *number]
        }
        Cause::Timer => [2, 0],
        Cause::ProviderAnswered => [3, 0],
        Cause::Operator => [4, 0],
        Cause::Opening => [5, 0],
        Cause::Subscriber => [6, 0],
        Cause::Unmet => [7, 0],
    }
}

/// What has these numbers, if anything does.
pub(super) fn read(numbers: [u8; 2]) -> Option<Cause> {
    Some(match numbers {
        [0, 0] => Cause::Unknown,
        [1, command] => {
            let known = COMMANDS.iter().find(|(number, _)| *number == command);
            Cause::Command(known?.1)
        }
        [2, 0] => Cause::Timer,
        [3, 0] => Cause::ProviderAnswered,
        [4, 0] => Cause::Operator,
        [5, 0] => Cause::Opening,
        [6, 0] => Cause::Subscriber,
        [7, 0] => Cause::Unmet,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_has_one_number_and_is_found_by_it() {
        for (_, command) in CommandAction::ALL {
            let cause = Cause::Command(command);
            assert_eq!(read(numbers(cause)), Some(cause));
        }
        let all = (0..=u8::MAX).filter(|number| read([1, *number]).is_some());
        assert_eq!(all.count(), CommandAction::ALL.len());
    }
}
