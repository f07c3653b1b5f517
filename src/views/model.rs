//! A read model by its place: one of a storefront's views, or its notifications. Each can stop and go
//! on by itself.

use crate::{
    domain::storefront::Storefront,
    store::{layout::Layout, pages::CollectionId},
};

/// The last segment of the address of a storefront's notifications, and the name under which a
/// component lists them.
pub const NOTIFICATIONS: &str = "notifications";

/// One read model of one storefront.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Model {
    /// The storefront's place among those that are served.
    pub storefront: usize,
    /// Which of its read models.
    pub part: Part,
}

/// Which read model of a storefront.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The view with this place in the definition, with its history.
    View(usize),
    /// The notifications.
    Notifications,
}

impl Model {
    /// A view.
    pub const fn view(storefront: usize, view: usize) -> Self {
        Self {
            storefront,
            part: Part::View(view),
        }
    }

    /// A storefront's notifications.
    pub const fn notifications(storefront: usize) -> Self {
        Self {
            storefront,
            part: Part::Notifications,
        }
    }

    /// Those that a storefront at this place has.
    pub fn all(at: usize, storefront: &Storefront) -> impl Iterator<Item = Self> {
        let views = (0..storefront.views.len()).map(move |view| Self::view(at, view));
        let tells = !storefront.notices.is_empty();
        views.chain(tells.then(|| Self::notifications(at)))
    }

    /// The name under which a component lists it.
    pub fn path(self, storefront: &Storefront) -> &str {
        match self.part {
            Part::View(view) => &storefront.views[view].path,
            Part::Notifications => NOTIFICATIONS,
        }
    }

    /// Where what it shows is. Numbers are counted from 1; what would be 0 says
    /// [where it stopped](super::stops).
    ///
    /// # Panics
    ///
    /// If it is one that the storefront does not have.
    pub fn collection(self, layout: &Layout) -> CollectionId {
        match self.part {
            Part::View(view) => layout.rows(self.storefront, view),
            Part::Notifications => {
                let told = layout.told(self.storefront);
                let told = told.expect("only storefronts with notices have notifications");
                told.notifications
            }
        }
    }
}
