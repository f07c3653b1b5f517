//! `/profile`: what each collection's fields and requests are, in ALPS.

use actix_web::HttpResponse;
use serde::Serialize;

use super::{
    address::Collection,
    call::Call,
    command,
    hal::{Link, OnlyLinks},
    json,
};
use crate::domain::storefront::Verb;

/// `GET /profile`.
pub(super) fn list(call: &Call<'_>) -> HttpResponse {
    let own = call.url("profile");
    let mut links = vec![Link::new("self", own.as_str())];
    for of in Collection::all(call.front.definition) {
        links.push(Link::new(of.path(), format!("{own}/{}", of.path())));
    }
    call.ok(&OnlyLinks(&links))
}

/// `GET /profile/orders`.
pub(super) fn one(call: &Call<'_>, of: Collection<'_>) -> HttpResponse {
    let path = of.path();
    let representation = format!("{}-representation", of.item());
    let semantic = of.fields().iter().map(|field| Descriptor {
        name: Some(field.name.to_string()),
        ..Descriptor::new("SEMANTIC")
    });
    let mut descriptor = vec![Descriptor {
        id: Some(representation.clone()),
        href: Some(call.url(&format!("profile/{path}"))),
        r#type: None,
        inner: semantic.collect(),
        ..Descriptor::new("")
    }];
    let request = |id: String, name: &str, kind: &'static str| Descriptor {
        id: Some(id),
        name: Some(name.to_owned()),
        rt: Some(format!("#{representation}")),
        ..Descriptor::new(kind)
    };
    descriptor.push(request(format!("get-{path}"), path, "SAFE"));
    descriptor.push(request(format!("get-{}", of.item()), of.item(), "SAFE"));
    if let Collection::Resource(resource) = of {
        let verbs = [
            (Verb::Post, "create", path, "UNSAFE"),
            (Verb::Put, "update", of.item(), "IDEMPOTENT"),
            (Verb::Patch, "patch", of.item(), "UNSAFE"),
            (Verb::Delete, "delete", of.item(), "IDEMPOTENT"),
        ];
        for (verb, word, name, kind) in verbs {
            if command::is_ruled(call.front.definition, verb, resource) {
                descriptor.push(request(format!("{word}-{name}"), name, kind));
            }
        }
    }
    let document = Document {
        alps: Alps {
            version: "1.0",
            descriptor,
        },
    };
    HttpResponse::Ok()
        .content_type("application/alps+json")
        .body(json::print(&document))
}

#[derive(Serialize)]
struct Document {
    alps: Alps,
}

#[derive(Serialize)]
struct Alps {
    version: &'static str,
    descriptor: Vec<Descriptor>,
}

#[derive(Default, Serialize)]
struct Descriptor {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    href: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rt: Option<String>,
    #[serde(rename = "descriptor", skip_serializing_if = "Vec::is_empty")]
    inner: Vec<Self>,
}

impl Descriptor {
    fn new(kind: &'static str) -> Self {
        Self {
            r#type: Some(kind),
            ..Self::default()
        }
    }
}
