//! `[components]`: the parts of the shop that can be paused, each with its collections.

use std::sync::Arc;

use super::{
    section::{Section, expected},
    segments,
};
use crate::domain::storefront::{COMPONENTS_MAX, Component, Resource, View};

/// A collection that every storefront has, besides those that it defines.
const BUILT_IN: &str = "notifications";

/// Reads the components. Where the file names none, each collection is one of its own.
pub(super) fn components(
    top: &Section<'_>,
    resources: &[Resource],
    views: &[View],
) -> Vec<Component> {
    let paths = resources.iter().map(|resource| &resource.path);
    let paths = paths.chain(views.iter().map(|view| &view.path));
    // A collection without a path is a mistake of its own.
    let paths: Vec<&Arc<str>> = paths.filter(|path| !path.is_empty()).collect();
    if !top.has("components") {
        return each(top, &paths);
    }
    let Some(section) = top.section("components") else {
        return Vec::new();
    };
    let mut known: Vec<&str> = paths.iter().map(|path| &***path).collect();
    known.push(BUILT_IN);
    let mut components: Vec<Component> = Vec::new();
    for (name, value) in section.entries() {
        segments::fits(section.report, &name);
        if components.len() == COMPONENTS_MAX {
            let message = format!("expected {COMPONENTS_MAX} components at most: join some");
            section.wrong(&name, message);
            break;
        }
        if value
            .get_ref()
            .as_array()
            .is_some_and(|list| list.is_empty())
        {
            let message = format!(
                "the component `{}` has no path: expected some of `{}`",
                name.text,
                known.join("`, `")
            );
            section.wrong(&name, message);
        }
        let mut component = Component {
            name: name.text.into(),
            paths: Vec::new(),
        };
        for path in section.texts(name.text) {
            let is_its = |own: &&Component| own.paths.iter().any(|taken| **taken == *path.text);
            if !known.contains(&path.text) {
                let expected = expected(path.text, &known);
                let message = format!("nothing has the path `{}`: {expected}", path.text);
                section.wrong(&path, message);
            } else if let Some(other) = components.iter().chain([&component]).find(is_its) {
                let message = format!(
                    "`{}` belongs to the component `{}` already: expected it once",
                    path.text, other.name
                );
                section.wrong(&path, message);
            }
            component.paths.push(path.text.into());
        }
        components.push(component);
    }
    components
}

fn each(top: &Section<'_>, paths: &[&Arc<str>]) -> Vec<Component> {
    if paths.len() > COMPONENTS_MAX {
        let message = format!(
            "the file has more than {COMPONENTS_MAX} collections: say in [components] which of them \
             are paused together, such as: order = [\"{}\"]",
            paths[0]
        );
        top.report.at(&top.at, message);
    }
    let one = |path: &&Arc<str>| Component {
        name: Arc::clone(path),
        paths: vec![Arc::clone(path)],
    };
    paths.iter().take(COMPONENTS_MAX).map(one).collect()
}
