//! Over which channels somebody is told, and where each finds the person's address.

use super::{super::section::expected, Both};
use crate::domain::storefront::{Channel, Way};

/// The channels of a notice; the log, if it has none or has the address of none.
pub(super) fn ways(both: &Both<'_, '_>, known: &[&str]) -> Vec<Way> {
    let mut ways: Vec<Way> = Vec::new();
    for channel in channels(both) {
        let address = channel
            .needs_address()
            .then(|| {
                let key = both.place(channel.name()).map_or("to", |_| channel.name());
                both.field(key, known)
            })
            .flatten();
        if channel.needs_address() && address.is_none() {
            missing(both, channel);
        } else if ways.iter().all(|way| way.channel != channel) {
            ways.push(Way { channel, address });
        }
    }
    if ways.is_empty() {
        ways.push(Way {
            channel: Channel::Log,
            address: None,
        });
    }
    ways
}

/// Notes that nobody knows where to. What is said for all does not bind those about something that
/// has no such field.
fn missing(both: &Both<'_, '_>, channel: Channel) {
    let section = both.own;
    if section.has("channel") || section.has("channels") {
        let name = channel.name();
        let message = format!(
            "the channel `{name}` needs an address: name the field that has it, {name} = \"…\", or \
             as `to`"
        );
        section.report.at(&section.at, message);
    }
}

fn channels(both: &Both<'_, '_>) -> Vec<Channel> {
    let places = [Some(both.own), both.shared];
    let mut places = places.into_iter().flatten();
    let Some(place) = places.find(|place| place.has("channel") || place.has("channels")) else {
        return vec![];
    };
    if place.has("channel") && place.has("channels") {
        let message = "`channel` and `channels` say the same: expected one of them";
        place.report.at(&place.place("channel"), message);
    }
    let names = Channel::ALL.map(Channel::name);
    let mut words: Vec<_> = place.text("channel").into_iter().collect();
    words.extend(place.texts("channels"));
    let channels = words.iter().filter_map(|word| {
        let found = Channel::ALL.into_iter().find(|own| own.name() == word.text);
        if found.is_none() {
            let expected = expected(word.text, &names);
            let message = format!("there is no channel `{}`: {expected}", word.text);
            place.wrong(word, message);
        }
        found
    });
    channels.collect()
}
