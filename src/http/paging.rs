//! `page`, `size` and `sort`, as Spring Data read and linked them (SEED API 1.3).

use actix_web::web;
use serde::Serialize;

use super::hal::Link;

/// Items on a page, if the request does not say.
const SIZE_DEFAULT: u64 = 20;

/// The most items on a page.
pub(super) const SIZE_MAX: u64 = 1_000;

/// The query's pairs, decoded; none if it cannot be.
pub(super) fn query(text: &str) -> Vec<(String, String)> {
    web::Query::<Vec<(String, String)>>::from_query(text)
        .map(web::Query::into_inner)
        .unwrap_or_default()
}

/// What a client asked to see of a collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Paging {
    pub(super) page: u64,
    pub(super) size: u64,
    /// Each with whether it descends, as given; unknown ones are ignored.
    pub(super) sort: Vec<(String, bool)>,
    /// Whether the client said any of it.
    is_given: bool,
}

impl Paging {
    /// Reads it from a query. As in the originals, what is no number counts as not given.
    pub(super) fn of(text: &str) -> Self {
        let mut paging = Self {
            page: 0,
            size: SIZE_DEFAULT,
            sort: Vec::new(),
            is_given: false,
        };
        for (name, value) in query(text) {
            match name.as_str() {
                "page" => paging.page = value.parse().unwrap_or(0),
                "size" => {
                    let size = value.parse().ok().filter(|size| *size > 0);
                    paging.size = size.unwrap_or(SIZE_DEFAULT).min(SIZE_MAX);
                }
                "sort" => paging.add_sort(&value),
                _ => continue,
            }
            paging.is_given = true;
        }
        paging
    }

    /// Where the page begins.
    pub(super) const fn offset(&self) -> u64 {
        self.page.saturating_mul(self.size)
    }

    /// The links of the page of a collection with so many items.
    pub(super) fn links<'a>(&self, url: &str, total: u64) -> Vec<Link<'a>> {
        let pages = self.pages(total);
        let to = |rel, page| Link::new(rel, self.url(url, page));
        let mut links = Vec::new();
        if pages > 1 {
            links.push(to("first", 0));
            if self.page > 0 {
                links.push(to("prev", self.page.saturating_sub(1).min(pages - 1)));
            }
        }
        links.push(if self.is_given {
            to("self", self.page)
        } else {
            Link::template("self", format!("{url}{{?page,size,sort}}"))
        });
        if pages > 1 {
            if self.page.saturating_add(1) < pages {
                links.push(to("next", self.page + 1));
            }
            links.push(to("last", pages - 1));
        }
        links
    }

    /// The `page` member.
    pub(super) const fn summary(&self, total: u64) -> Summary {
        Summary {
            size: self.size,
            total_elements: total,
            total_pages: self.pages(total),
            number: self.page,
        }
    }

    const fn pages(&self, total: u64) -> u64 {
        total.div_ceil(self.size)
    }

    /// `price,desc`, `price`, or several fields and one direction.
    fn add_sort(&mut self, value: &str) {
        let mut names: Vec<&str> = value.split(',').map(str::trim).collect();
        let is_descending = match names
            .last()
            .copied()
            .map(str::to_ascii_lowercase)
            .as_deref()
        {
            Some("desc") => {
                names.pop();
                true
            }
            Some("asc") => {
                names.pop();
                false
            }
            _ => false,
        };
        let given = names.into_iter().filter(|name| !name.is_empty());
        self.sort
            .extend(given.map(|name| (name.to_owned(), is_descending)));
    }

    fn url(&self, url: &str, page: u64) -> String {
        let mut text = format!("{url}?page={page}&size={}", self.size);
        for (name, is_descending) in &self.sort {
            let name: String = web_safe(name);
            text.push_str("&sort=");
            text.push_str(&name);
            text.push_str(if *is_descending { ",desc" } else { ",asc" });
        }
        text
    }
}

/// Drops what a field's name cannot hold, so that nothing foreign gets into a link.
fn web_safe(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

/// The `page` member of a collection.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Summary {
    size: u64,
    total_elements: u64,
    total_pages: u64,
    number: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{hal::OnlyLinks, json};

    fn check(query: &str, page: u64, size: u64, sort: &[(&str, bool)]) {
        let paging = Paging::of(query);
        let expected: Vec<_> = sort
            .iter()
            .map(|(name, down)| ((*name).to_owned(), *down))
            .collect();
        assert_eq!((paging.page, paging.size), (page, size), "{query}");
        assert_eq!(paging.sort, expected, "{query}");
    }

    #[test]
    fn what_is_no_number_counts_as_not_given() {
        check("", 0, 20, &[]);
        check("page=2&size=5", 2, 5, &[]);
        check("page=-1&size=0", 0, 20, &[]);
        check("page=x&size=y", 0, 20, &[]);
        check("size=5000", 0, 1_000, &[]);
        check("sort=price,desc", 0, 20, &[("price", true)]);
        check(
            "sort=a,b,DESC&sort=c",
            0,
            20,
            &[("a", true), ("b", true), ("c", false)],
        );
    }

    fn links(query: &str, total: u64) -> String {
        let links = Paging::of(query).links("http://h/things", total);
        let printed = String::from_utf8(json::print(&OnlyLinks(&links))).unwrap();
        let words: Vec<&str> = printed.split_whitespace().collect();
        words.join("")
    }

    #[test]
    fn a_single_page_links_to_itself_only_and_is_templated_unless_paged() {
        let whole =
            r#"{"_links":{"self":{"href":"http://h/things{?page,size,sort}","templated":true}}}"#;
        assert_eq!(links("", 20), whole);
        let paged = r#"{"_links":{"self":{"href":"http://h/things?page=0&size=5"}}}"#;
        assert_eq!(links("size=5", 0), paged);
    }

    #[test]
    fn more_pages_are_linked_to_each_other() {
        let middle = links("page=1&size=10&sort=price,desc", 25);
        for (rel, page) in [
            ("first", 0),
            ("prev", 0),
            ("self", 1),
            ("next", 2),
            ("last", 2),
        ] {
            let link = format!(
                "\"{rel}\":{{\"href\":\"http://h/things?page={page}&size=10&sort=price,desc\"}}"
            );
            assert!(middle.contains(&link), "{link} in {middle}");
        }
        let last = links("page=2&size=10", 25);
        assert!(!last.contains("next") && last.contains("prev"), "{last}");
    }
}
