//! Which collections of pages a set of storefronts needs, and where each of them is.

use std::sync::Arc;

use super::pages::{Collection, CollectionId, Tree};
use crate::domain::{Kind, storefront::Storefront};

/// The collections of all mounted storefronts.
#[derive(Clone, Debug)]
pub struct Layout {
    collections: Vec<Collection>,
    fronts: Vec<Front>,
}

/// Where one storefront's collections are.
#[derive(Clone, Debug)]
struct Front {
    /// First the kinds, then the views.
    begins: usize,
    /// Of each view, what its rows said before.
    histories: Vec<Option<CollectionId>>,
    told: Option<Told>,
}

/// Where a storefront's notifications are, and what they are made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// The notifications, counted from 1.
    pub notifications: CollectionId,
    /// How each of them went out, under the same number.
    pub deliveries: CollectionId,
    /// What is known of each order.
    pub orders: CollectionId,
    /// What is known of each listing.
    pub listings: CollectionId,
}

impl Layout {
    /// The layout for these storefronts, in this order.
    pub fn of(storefronts: &[Arc<Storefront>]) -> Self {
        let mut layout = Self {
            collections: Vec::new(),
            fronts: Vec::new(),
        };
        for storefront in storefronts {
            let front = layout.front(storefront);
            layout.fronts.push(front);
        }
        layout
    }

    /// All collections, in the order of their ids.
    pub fn collections(&self) -> &[Collection] {
        &self.collections
    }

    /// Where the storefront's entities of this kind are.
    pub fn entities(&self, storefront: usize, kind: Kind) -> CollectionId {
        CollectionId(self.fronts[storefront].begins + usize::from(kind.number()) - 1)
    }

    /// Where the rows of the storefront's view with this place in its definition are.
    pub fn rows(&self, storefront: usize, view: usize) -> CollectionId {
        CollectionId(self.fronts[storefront].begins + Kind::ALL.len() + view)
    }

    /// Where that view keeps what its rows said before, if it does.
    pub fn history(&self, storefront: usize, view: usize) -> Option<CollectionId> {
        self.fronts[storefront].histories[view]
    }

    /// Where the storefront's notifications are, if it tells anybody anything.
    pub fn told(&self, storefront: usize) -> Option<Told> {
        self.fronts[storefront].told
    }

    fn front(&mut self, storefront: &Storefront) -> Front {
        let begins = self.collections.len();
        let name = &*storefront.name;
        for kind in Kind::ALL {
            self.add(Tree::of(kind), name.to_owned());
        }
        for view in &storefront.views {
            self.add(Tree::Views, format!("{name}/{}", view.path));
        }
        // A view's path is one segment, so that names of three are never a view's.
        let views = storefront.views.iter();
        let histories = views
            .map(|view| {
                let name = format!("{name}/{}/history", view.path);
                view.history.then(|| self.add(Tree::Views, name))
            })
            .collect();
        let told = (!storefront.notices.is_empty()).then(|| {
            let mut add = |of| self.add(Tree::Views, format!("{name}/notifications/{of}"));
            Told {
                notifications: add("told"),
                deliveries: add("deliveries"),
                orders: add("orders"),
                listings: add("listings"),
            }
        });
        Front {
            begins,
            histories,
            told,
        }
    }

    fn add(&mut self, tree: Tree, name: String) -> CollectionId {
        self.collections.push(Collection { tree, name });
        CollectionId(self.collections.len() - 1)
    }
}
