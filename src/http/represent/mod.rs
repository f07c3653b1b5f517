//! Entities and rows as the wire shows them: the storefront's fields in its order and its words.

use super::{form::Form, json::Print};
pub(super) use crate::represent::{Joins, Whole, Wire, is_orders, kept_status, of_item, status};
use crate::{
    actors::handles::{Failure, Row},
    domain::{
        FieldsRef,
        storefront::{Field, FieldType, Resource, Rows, Storefront, View},
    },
};

/// An entity with its links, ready to print.
#[derive(Clone, Copy, Debug)]
pub(super) struct ItemBody<'a> {
    pub(super) definition: &'a Storefront,
    pub(super) resource: &'a Resource,
    pub(super) whole: &'a Whole,
    pub(super) form: &'a Form,
    /// The collection's address.
    pub(super) url: &'a str,
}

impl Print for ItemBody<'_> {
    fn print(&self, to: &mut Vec<u8>, _depth: usize) {
        let shown = self.resource.fields.iter().filter(|field| field.shown);
        let values = shown.map(|field| of_item(self.definition, self.resource, self.whole, field));
        self.form.fill(to, values, self.url, self.whole.item.number);
    }
}

/// A view's row with its links, ready to print.
#[derive(Clone, Debug)]
pub(super) struct RowBody<'a> {
    view: &'a View,
    number: u64,
    fields: FieldsRef<'a>,
    form: &'a Form,
    url: &'a str,
}

impl<'a> RowBody<'a> {
    /// Of a row that can be read; `url` is the collection's address.
    pub(super) fn of(
        view: &'a View,
        row: &'a Row,
        form: &'a Form,
        url: &'a str,
    ) -> Result<Self, Failure> {
        Ok(Self {
            view,
            number: row.number,
            fields: row.fields()?,
            form,
            url,
        })
    }
}

impl Print for RowBody<'_> {
    fn print(&self, to: &mut Vec<u8>, _depth: usize) {
        let shown = self.view.fields.iter();
        let values = shown.map(|field| of_row(self.view, self.number, &self.fields, field));
        self.form.fill(to, values, self.url, self.number);
    }
}

/// What the row with this number shows in a field.
pub(super) fn of_row<'a>(
    view: &View,
    number: u64,
    fields: &FieldsRef<'a>,
    field: &Field,
) -> Wire<'a> {
    match (field.holds, view.rows) {
        (FieldType::Order, _) | (FieldType::Listing, Rows::Listings) => Wire::Id(number),
        _ => fields.get(&field.name).into(),
    }
}

#[cfg(test)]
mod tests;
