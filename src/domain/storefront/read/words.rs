//! `[….words]` and `[….events]`: the storefront's words for the states and events of a kind, and
//! which of them its flow cannot do without.

use super::{
    resource::Read,
    section::{Report, Section, Word},
};
use crate::domain::{
    Kind, order,
    storefront::{
        Action, CommandAction, CommandRule, FieldType, Flow, ListingRules, Resource, Step, Words,
    },
};

/// The names that a resource's words may have on the left.
pub(super) const fn states(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Listing => &["draft", "open", "closed", "sold_out", "freed"],
        Kind::Order => &["placed", "held", "confirmed", "completed", "cancelled"],
        Kind::Payment => &[
            "requested",
            "captured",
            "refunding",
            "refunded",
            "voiding",
            "failed",
        ],
        Kind::Approval => &["requested", "granted", "refused", "withdrawn", "expired"],
        // `done`, and the steps before it, have the words that `steps` lists.
        Kind::Delivery => &["planned", "cancelled"],
        Kind::Payout => &["due", "paid", "taken_back"],
        Kind::Saga | Kind::Subscriber => &[],
    }
}

/// The names that a resource's events have inside.
pub(super) const fn events(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Listing => &[
            "offered", "amended", "opened", "closed", "reserved", "released", "sold_out", "freed",
            "removed",
        ],
        Kind::Order => &[
            "placed",
            "itemised",
            "amended",
            "priced",
            "held",
            "confirmed",
            "completed",
            "cancelled",
            "removed",
        ],
        Kind::Payment => &[
            "requested",
            "captured",
            "failed",
            "voiding",
            "refunding",
            "refunded",
        ],
        Kind::Approval => &["requested", "granted", "refused", "withdrawn", "expired"],
        Kind::Delivery => &["planned", "noted", "step", "done", "cancelled"],
        Kind::Payout => &["scheduled", "paid", "taken_back"],
        Kind::Saga | Kind::Subscriber => &[],
    }
}

/// Reads the words for these names. An approval's may be others where it is about a listing: they
/// stand in a table of their own, and are kept as `listing.granted`. `word` reads the word under a name,
/// which is kept under that key.
pub(super) fn mapping<'r>(
    section: Option<&Section<'r>>,
    kind: Kind,
    known: &[&str],
    mut word: impl FnMut(&Section<'r>, &str, &str) -> Option<Word<'r>>,
) -> Words {
    let Some(section) = section else {
        return Words::default();
    };
    let of_listings = Kind::Listing.name();
    let mut keys = known.to_vec();
    keys.extend((kind == Kind::Approval).then_some(of_listings));
    section.only(&keys);
    let mut words = Words::default();
    read(section, known, "", &mut word, &mut words);
    if kind == Kind::Approval
        && let Some(section) = section.section(of_listings)
    {
        section.only(known);
        let before = format!("{of_listings}.");
        read(&section, known, &before, &mut word, &mut words);
    }
    words
}

fn read<'r>(
    section: &Section<'r>,
    known: &[&str],
    before: &str,
    word: &mut impl FnMut(&Section<'r>, &str, &str) -> Option<Word<'r>>,
    words: &mut Words,
) {
    for (own, _) in section.entries() {
        let key = format!("{before}{}", own.text);
        let word = known
            .contains(&own.text)
            .then(|| word(section, own.text, &key));
        if let Some(word) = word.flatten() {
            words.0.push((key.into(), word.text.into()));
        }
    }
}

/// What decides which states can be reached.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach<'a> {
    pub(super) flow: &'a Flow,
    pub(super) rules: &'a [CommandRule],
    pub(super) listing: &'a ListingRules,
}

impl Reach<'_> {
    fn asks(&self, action: CommandAction) -> bool {
        self.rules.iter().any(|rule| rule.action == action)
    }

    fn has(&self, does: impl Fn(Action) -> bool) -> bool {
        self.flow.step(does).is_some()
    }

    fn approves(&self) -> bool {
        self.has(|action| matches!(action, Action::Approve { .. }))
    }

    fn refuses(&self) -> bool {
        self.asks(CommandAction::RefuseApproval)
    }

    fn cancels(&self) -> bool {
        self.asks(CommandAction::CancelOrder)
            || self.asks(CommandAction::RemoveOrder)
            || (self.approves() && self.refuses())
            || self.expires()
    }

    fn expires(&self) -> bool {
        let mut steps = self.flow.steps.iter();
        steps.any(|step| step.within_ms.is_some())
    }

    fn states(&self, kind: Kind) -> Vec<&'static str> {
        let mut reached: Vec<&str> = Vec::new();
        match kind {
            Kind::Order => {
                reached.push("placed");
                let steps = self.flow.steps.iter();
                let holds = steps.clone().any(Step::holds);
                reached.extend(holds.then_some("held"));
                reached.extend(
                    steps
                        .filter_map(|step| step.then)
                        .map(order::State::name)
                        .filter(|then| !holds || *then != "held"),
                );
                reached.extend(self.cancels().then_some("cancelled"));
            }
            Kind::Payment if self.has(|action| action == Action::Pay) => {
                reached.push("captured");
                if self.cancels() {
                    reached.extend(["refunding", "refunded"]);
                }
            }
            Kind::Delivery if self.has(|action| matches!(action, Action::Deliver { .. })) => {
                reached.extend(self.cancels().then_some("cancelled"));
            }
            Kind::Approval if self.approves() || self.listing.approval => reached.push("granted"),
            Kind::Payout if self.has(|action| matches!(action, Action::PayOut(_))) => {
                reached.push("paid");
            }
            Kind::Listing => {
                if self.listing.approval {
                    reached.extend(["draft", "open"]);
                }
                let closes = self.asks(CommandAction::CloseListing)
                    || self.asks(CommandAction::RemoveListing)
                    || (self.listing.approval && self.refuses());
                reached.extend(closes.then_some("closed"));
            }
            Kind::Payment
            | Kind::Delivery
            | Kind::Approval
            | Kind::Payout
            | Kind::Saga
            | Kind::Subscriber => {}
        }
        reached
    }
}

/// Notes every state that can be reached and that has no word. A delivery, an approval or a payout
/// in another state without a word is not on its list; that may be meant.
pub(super) fn check(report: &Report<'_>, read: &Read<'_>, resource: &Resource, reach: Reach<'_>) {
    if resource.field_holding(FieldType::Status).is_none() {
        return;
    }
    for state in reach.states(resource.kind) {
        if resource.words.get(state).is_none() {
            let kind = resource.kind;
            let message =
                format!("[{kind}.words] needs a word for `{state}`, which this flow can reach");
            report.at(&read.words_at, message);
        }
    }
}
