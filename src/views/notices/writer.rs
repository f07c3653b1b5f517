//! Writes the messages that an event causes.

use std::borrow::Cow;

use super::{Headline, Notification, facts::Facts};
use crate::{
    domain::{
        Batch, EntityKey, Event, Value,
        storefront::{Channel, FieldType, Language, Notice, Spoken, Storefront, Title},
    },
    store::commit::Position,
    views::fold,
};

/// Writes for one event.
pub(super) struct Writer<'a> {
    pub(super) storefront: &'a Storefront,
    /// Of what the event is about.
    pub(super) facts: &'a Facts,
    /// Of the first listing that the order is for.
    pub(super) listing: Option<&'a Facts>,
    pub(super) event: &'a Event,
    pub(super) subject: EntityKey,
    pub(super) position: Position,
    pub(super) batch: &'a Batch,
}

impl Writer<'_> {
    /// A message for each channel that has the address it needs; if none has, one in the log. Nobody is
    /// told where the notice names who is, and that is nobody.
    pub(super) fn write(&self, notice: &Notice, new: &mut Vec<Notification>) {
        let to = notice.to.as_ref().and_then(|field| self.field(field));
        let to = to.filter(|to| !to.trim().is_empty());
        if notice.to.is_some() && to.is_none() {
            return;
        }
        let own = new.partition_point(|earlier| earlier.position < self.position);
        let begins = new.len();
        for way in &notice.ways {
            let address = way.address.as_ref().and_then(|field| self.field(field));
            let address = address.filter(|address| !address.trim().is_empty());
            if address.is_some() || !way.channel.needs_address() {
                let address = address.map(Cow::into_owned);
                new.push(self.message(notice, way.channel, address, new.len() - own));
            }
        }
        if new.len() == begins {
            new.push(self.message(notice, Channel::Log, None, new.len() - own));
        }
    }

    fn message(
        &self,
        notice: &Notice,
        channel: Channel,
        address: Option<String>,
        part: usize,
    ) -> Notification {
        let to = notice.to.as_ref().and_then(|field| self.field(field));
        let headline = |title: &Title| Headline {
            ko: self.text(&title.ko),
            en: self.text(&title.en),
        };
        let language = match &notice.spoken {
            Spoken::In(language) => *language,
            Spoken::As(field) => {
                let said = self.field(field);
                said.map_or_else(Language::default, |said| Language::of(said.trim()))
            }
        };
        Notification {
            position: self.position,
            part: u8::try_from(part).unwrap_or(u8::MAX),
            event: fold::event_name(self.storefront, self.event).to_owned(),
            subject: self.subject,
            channel,
            to: to.map(Cow::into_owned),
            address,
            language,
            headline: notice
                .subject
                .as_ref()
                .filter(|_| channel == Channel::Mail)
                .map(headline),
            template: notice
                .template
                .as_ref()
                .filter(|_| channel == Channel::Kakao)
                .map(ToString::to_string),
            ko: self.text(&notice.text.ko),
            en: self.text(&notice.text.en),
            at: self.batch.at,
            correlation: self.batch.origin().to_string(),
        }
    }

    /// The text with every `{name}` replaced by what it stands for; by nothing, if that is null.
    fn text(&self, template: &str) -> String {
        let mut text = String::with_capacity(template.len());
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            text.push_str(before);
            let Some((name, after)) = after.split_once('}') else {
                text.push('{');
                rest = after;
                continue;
            };
            text.push_str(&self.word(name.trim()).unwrap_or_default());
            rest = after;
        }
        text.push_str(rest);
        text
    }

    fn word(&self, name: &str) -> Option<Cow<'_, str>> {
        match name {
            "status" => fold::status_after(self.storefront, self.event).map(shown),
            "event" => Some(fold::event_name(self.storefront, self.event).into()),
            "number" => Some(self.subject.number.to_string().into()),
            "amount" => {
                let amount = fold::amount(self.event).or(self.facts.amount)?;
                Some(amount.to_string().into())
            }
            _ => self.field(name),
        }
    }

    /// A field of the order or the listing, what was noted about the delivery, or a field of the
    /// listing that the order is for.
    fn field(&self, name: &str) -> Option<Cow<'_, str>> {
        let facts = self.facts;
        let given = facts.fields.get(name).or_else(|| facts.noted.get(name));
        if let Some(value) = given {
            return Some(shown(value.clone()));
        }
        let resource = self.storefront.resource(self.subject.kind)?;
        let field = resource.fields.iter().find(|field| *field.name == *name);
        match field.map(|field| field.holds) {
            Some(FieldType::Order) => Some(self.subject.number.to_string().into()),
            Some(FieldType::Money) => facts.amount.map(|amount| amount.to_string().into()),
            Some(FieldType::Listing) => facts.line.map(|line| line.listing.0.to_string().into()),
            Some(FieldType::Quantity { .. }) => {
                facts.line.map(|line| line.quantity.to_string().into())
            }
            Some(
                FieldType::Text { .. }
                | FieldType::Integer { .. }
                | FieldType::Status
                | FieldType::Key { .. }
                | FieldType::Lines
                | FieldType::Commission
                | FieldType::Position
                | FieldType::Role,
            ) => None,
            None => {
                let value = self.listing?.fields.get(name)?;
                Some(shown(value.clone()))
            }
        }
    }
}

fn shown(value: Value) -> Cow<'static, str> {
    match value {
        Value::Text(text) => text.into(),
        Value::Int(number) => number.to_string().into(),
        Value::Bool(flag) => flag.to_string().into(),
    }
}
