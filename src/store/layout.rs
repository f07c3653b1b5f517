//! Which collections of pages a set of storefronts needs, and where each of them is.

use std::sync::Arc;

use super::pages::{Collection, CollectionId, Tree};
use crate::domain::{Kind, storefront::Storefront};

/// The collections of all mounted storefronts.
#[derive(Clone, Debug)]
pub struct Layout {
    collections: Vec<Collection>,
    /// For each storefront, where its collections begin: first the kinds, then the views.
    begins: Vec<usize>,
}

impl Layout {
    /// The layout for these storefronts, in this order.
    pub fn of(storefronts: &[Arc<Storefront>]) -> Self {
        let (mut collections, mut begins) = (Vec::new(), Vec::new());
        for storefront in storefronts {
            begins.push(collections.len());
            for kind in Kind::ALL {
                let name = storefront.name.to_string();
                collections.push(Collection {
                    tree: Tree::of(kind),
                    name,
                });
            }
            for view in &storefront.views {
                let name = format!("{}/{}", storefront.name, view.path);
                collections.push(Collection {
                    tree: Tree::Views,
                    name,
                });
            }
        }
        Self {
            collections,
            begins,
        }
    }

    /// All collections, in the order of their ids.
    pub fn collections(&self) -> &[Collection] {
        &self.collections
    }

    /// Where the storefront's entities of this kind are.
    pub fn entities(&self, storefront: usize, kind: Kind) -> CollectionId {
        CollectionId(self.begins[storefront] + usize::from(kind.number()) - 1)
    }

    /// Where the rows of the storefront's view with this place in its definition are.
    pub fn rows(&self, storefront: usize, view: usize) -> CollectionId {
        CollectionId(self.begins[storefront] + Kind::ALL.len() + view)
    }
}
