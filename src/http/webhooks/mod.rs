//! `/{storefront}/webhooks`: where its events are posted to.
//!
//! | path | methods | answers |
//! |---|---|---|
//! | `/webhooks` | GET, POST | all of them; makes one |
//! | `/webhooks/{id}` | GET, PATCH, DELETE | how it goes; changes it; removes it |
//! | `…/attempts` | GET | the last attempts to send something |
//! | `…/dead-letters` | GET, DELETE | what is not sent any more; forgets it |
//! | `…/dead-letters/redeliver` | POST | sends all of it again |
//! | `…/dead-letters/{event}` | GET, DELETE | one of it; forgets it |
//! | `…/dead-letters/{event}/redeliver` | POST | sends it again |
//! | `…/pause`, `…/resume` | POST | sends nothing; sends again |
//! | `…/secret` | GET, POST | what is signed with; gives it another |
//! | `…/test` | POST | sends a trial event now, and answers with what came of it |

mod asked;
mod letters;
mod shown;

use actix_web::{
    HttpResponse,
    http::{Method, StatusCode, header::LOCATION},
    web::Bytes,
};

use self::shown::Shown;
use super::{call::Call, error::ApiError, ops::not_from_a_page};
use crate::{actors::handles::webhooks::NotDone, domain::subscriber::Subscriber};

/// The collection's path, after the storefront's.
pub(super) const WEBHOOKS: &str = "webhooks";

/// A place among a storefront's webhooks.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place<'a> {
    /// All of them.
    All,
    /// The one with this name.
    One(&'a str),
    /// What was sent lately.
    Attempts(&'a str),
    /// What is not sent any more.
    Letters(&'a str),
    /// One of it, by its event's id as it was written.
    Letter(&'a str, &'a str),
    /// Where one of it is sent again, or all.
    Redeliver(&'a str, Option<&'a str>),
    /// Where it is paused.
    Pause(&'a str),
    /// Where it is resumed.
    Resume(&'a str),
    /// What is signed with.
    Secret(&'a str),
    /// Where it is tried.
    Test(&'a str),
}

impl<'a> Place<'a> {
    /// What these segments, after `webhooks`, address.
    pub(super) fn at(segments: &[&'a str]) -> Option<Self> {
        Some(match *segments {
            [] => Self::All,
            [id] => Self::One(id),
            [id, "attempts"] => Self::Attempts(id),
            [id, "dead-letters"] => Self::Letters(id),
            [id, "dead-letters", "redeliver"] => Self::Redeliver(id, None),
            [id, "dead-letters", event] => Self::Letter(id, event),
            [id, "dead-letters", event, "redeliver"] => Self::Redeliver(id, Some(event)),
            [id, "pause"] => Self::Pause(id),
            [id, "resume"] => Self::Resume(id),
            [id, "secret"] => Self::Secret(id),
            [id, "test"] => Self::Test(id),
            _ => return None,
        })
    }

    /// Whether a method that changes something means something here.
    pub(super) fn allows(self, method: &Method) -> bool {
        match self {
            Self::All
            | Self::Pause(_)
            | Self::Redeliver(..)
            | Self::Resume(_)
            | Self::Secret(_)
            | Self::Test(_) => method == Method::POST,
            Self::One(_) => method == Method::PATCH || method == Method::DELETE,
            Self::Letter(..) | Self::Letters(_) => method == Method::DELETE,
            Self::Attempts(_) => false,
        }
    }
}

/// Answers a request with a method that is allowed there.
pub(super) async fn respond(
    call: &Call<'_>,
    place: Place<'_>,
    body: Bytes,
) -> Result<HttpResponse, ApiError> {
    let method = call.request.method();
    let is_read = *method == Method::GET || *method == Method::HEAD;
    // A page in somebody's browser could have orders posted to itself, or learn to sign.
    if !is_read || matches!(place, Place::Secret(_)) {
        not_from_a_page(call.request)?;
    }
    if is_read {
        return read(call, place).await;
    }
    let (webhooks, shop) = (&call.state.webhooks, call.front.at);
    let context = call.context(&body)?;
    match place {
        Place::All => create(call, &body).await,
        Place::One(id) if method == Method::DELETE => {
            webhooks.remove(shop, id, context).await?;
            Ok(HttpResponse::NoContent().finish())
        }
        Place::One(id) => {
            let wish = asked::amendment(call.front.definition, &body)?;
            let webhook = webhooks.amend(shop, id, wish, context).await?;
            shown(call, &webhook, StatusCode::OK).await
        }
        Place::Pause(id) => {
            let why = asked::why(&body)?;
            let webhook = webhooks.pause(shop, id, why, context).await?;
            shown(call, &webhook, StatusCode::OK).await
        }
        Place::Resume(id) => {
            let webhook = webhooks.resume(shop, id, context).await?;
            shown(call, &webhook, StatusCode::OK).await
        }
        Place::Secret(id) => {
            let secret = asked::secret(&body)?;
            let webhook = webhooks.rotate(shop, id, secret, context).await?;
            Ok(call.ok(&shown::Secrets::of(call, &webhook)))
        }
        Place::Test(id) => {
            let attempt = webhooks.try_out(shop, id).await?;
            Ok(call.ok(&shown::Attempted::of(&attempt)))
        }
        Place::Letters(_) | Place::Letter(..) | Place::Redeliver(..) => {
            let (id, items) = letters::meant(place)?;
            let webhook = if *method == Method::DELETE {
                webhooks.discard(shop, id, items, context).await?
            } else {
                webhooks.redeliver(shop, id, items, context).await?
            };
            Ok(call.ok(&letters::Letters::of(call, &webhook)))
        }
        Place::Attempts(_) => Err(ApiError::no_method(method, "GET,HEAD,OPTIONS".into())),
    }
}

async fn read(call: &Call<'_>, place: Place<'_>) -> Result<HttpResponse, ApiError> {
    let (webhooks, shop) = (&call.state.webhooks, call.front.at);
    match place {
        Place::All => {
            let (webhooks, mut all) = (webhooks.list(shop)?, Vec::new());
            for webhook in &webhooks {
                all.push(Shown::of(call, webhook).await?);
            }
            Ok(call.ok(&shown::All::of(all)))
        }
        Place::One(id) | Place::Pause(id) | Place::Resume(id) | Place::Test(id) => {
            let webhook = webhooks.get(shop, id)?;
            shown(call, &webhook, StatusCode::OK).await
        }
        Place::Attempts(id) => {
            let webhook = webhooks.get(shop, id)?;
            let attempts = webhooks.attempts(shop, &webhook.name);
            Ok(call.ok(&shown::Attempts::of(&attempts)))
        }
        Place::Secret(id) => {
            let webhook = webhooks.get(shop, id)?;
            Ok(call.ok(&shown::Secrets::of(call, &webhook)))
        }
        Place::Letters(id) | Place::Redeliver(id, None) => {
            let webhook = webhooks.get(shop, id)?;
            Ok(call.ok(&letters::Letters::of(call, &webhook)))
        }
        Place::Letter(id, event) | Place::Redeliver(id, Some(event)) => {
            letters::one(call, &webhooks.get(shop, id)?, event)
        }
    }
}

/// `POST /webhooks`: answered with the secret, too.
async fn create(call: &Call<'_>, body: &[u8]) -> Result<HttpResponse, ApiError> {
    let asked = asked::creation(call, body)?;
    let (webhooks, shop) = (&call.state.webhooks, call.front.at);
    let context = call.context(body)?;
    let wanted = (asked.wish, asked.secret);
    let created = webhooks.create(shop, asked.name, wanted, asked.from, context);
    let webhook = created.await?;
    let mut shown = Shown::of(call, &webhook).await?;
    shown.secret = webhook.settings.endpoint.as_ref().map(|own| &*own.secret);
    let mut response = HttpResponse::Created();
    let url = call.url(&format!("{WEBHOOKS}/{}", webhook.name));
    response.insert_header((LOCATION, url));
    Ok(call.with_body(&mut response, &shown))
}

async fn shown(
    call: &Call<'_>,
    webhook: &Subscriber,
    status: StatusCode,
) -> Result<HttpResponse, ApiError> {
    let body = Shown::of(call, webhook).await?;
    Ok(call.with_body(&mut HttpResponse::build(status), &body))
}

impl From<NotDone> for ApiError {
    fn from(not: NotDone) -> Self {
        let code = match not {
            NotDone::Engine(error) => return error.into(),
            NotDone::Address(_) | NotDone::Secret(_) => "field_invalid",
            NotDone::NotFound(_) => "not_found",
            NotDone::Exists(_) => "name_taken",
            NotDone::TooMany(_) => "too_many_subscribers",
        };
        Self::new(code, not.to_string())
    }
}
