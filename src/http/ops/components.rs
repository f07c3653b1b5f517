//! `/ops/components`: which parts of the shops are paused, and pausing them.

use actix_web::HttpResponse;
use serde::Serialize;

use super::{answer, state_wanted, storefront};
use crate::{
    actors::handles::Engine,
    domain::storefront::{ComponentState, Storefront},
    http::error::ApiError,
};

/// The body that is asked for.
const EXPECTED: &str = "expected {\"state\": \"paused\"} or {\"state\": \"running\"}";

/// A component by its places: the storefront's, and its own in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    storefront: usize,
    component: usize,
}

/// A component as it is answered.
#[derive(Serialize)]
struct Shown<'a> {
    storefront: &'a str,
    component: &'a str,
    state: &'static str,
    collections: Vec<&'a str>,
}

#[derive(Serialize)]
struct All<'a> {
    components: Vec<Shown<'a>>,
}

/// `GET /ops/components`, of all storefronts or of one.
pub(super) fn list(engine: &Engine, of: Option<&str>) -> Result<HttpResponse, ApiError> {
    let only = of.map(|name| storefront(engine, name)).transpose()?;
    let listed = engine.components().list().into_iter();
    let shown = listed.filter(|listed| only.is_none_or(|only| listed.storefront == only));
    let components = shown.map(|listed| {
        let part = Part {
            storefront: listed.storefront,
            component: listed.component,
        };
        Shown::of(engine, part, listed.state)
    });
    Ok(answer(&All {
        components: components.collect(),
    }))
}

/// `GET /ops/components/{storefront}/{component}`.
pub(super) fn get(engine: &Engine, of: &str, name: &str) -> Result<HttpResponse, ApiError> {
    let part = find(engine, of, name)?;
    let state = engine.components().state(part.storefront, part.component);
    Ok(answer(&Shown::of(engine, part, state)))
}

/// `PUT /ops/components/{storefront}/{component}`: answered once it is so and stays so.
pub(super) async fn put(
    engine: &Engine,
    part: Part,
    body: &[u8],
) -> Result<HttpResponse, ApiError> {
    let Part {
        storefront,
        component,
    } = part;
    let state = state_wanted(body, EXPECTED, ComponentState::from_name)?;
    engine.set_component(storefront, component, state).await?;
    Ok(answer(&Shown::of(engine, part, state)))
}

/// The component with these names.
pub(super) fn find(engine: &Engine, of: &str, name: &str) -> Result<Part, ApiError> {
    let storefront = storefront(engine, of)?;
    let components = &engine.storefronts()[storefront].components;
    let component = components.iter().position(|own| *own.name == *name);
    let component = component.ok_or_else(|| {
        let known: Vec<&str> = components.iter().map(|own| &*own.name).collect();
        let known = known.join(", ");
        let detail = format!("`{of}` has no part `{name}`; there are: {known}");
        ApiError::new("not_found", detail)
    })?;
    Ok(Part {
        storefront,
        component,
    })
}

impl<'a> Shown<'a> {
    fn of(engine: &'a Engine, part: Part, state: ComponentState) -> Self {
        let storefront: &Storefront = &engine.storefronts()[part.storefront];
        let component = &storefront.components[part.component];
        Self {
            storefront: &storefront.name,
            component: &component.name,
            state: state.name(),
            collections: component.paths.iter().map(|path| &**path).collect(),
        }
    }
}
