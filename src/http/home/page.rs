//! The page that a person sees at `/`: what is running, and commands to try, made from the
//! definitions. One file, no requests to anywhere.

use std::{fmt::Write, sync::Arc};

use crate::{
    domain::storefront::{CommandAction, CommandRule, Resource, Storefront, Verb, example},
    http::{address::Collection, html::escape},
};

/// Only what the page itself holds runs or is shown.
pub(super) const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'";

const STYLE: &str = include_str!("style.css");

const SCRIPT: &str = "document.addEventListener('click', async (event) => {\
    const button = event.target.closest('button'); if (!button) return;\
    await navigator.clipboard.writeText(button.previousElementSibling.textContent);\
    button.textContent = 'Copied'; setTimeout(() => { button.textContent = 'Copy'; }, 1500);\
    });";

/// The page. `root` is the storefront that answers without its name, too.
pub(super) fn html(origin: &str, storefronts: &[Arc<Storefront>], root: Option<&str>) -> String {
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>Jumun</title><style>{STYLE}</style></head><body><main>\
         <h1>Jumun <span lang=\"ko\">주문</span></h1>\
         <p>A store's back office, running at {}. Nothing is lost once it is answered.</p>",
        escape(origin)
    );
    for storefront in storefronts {
        section(
            &mut page,
            origin,
            storefront,
            root == Some(&*storefront.name),
        );
    }
    page.push_str(
        "<footer><p><a href=\"/readyz\">Ready?</a> · \
         <a href=\"/metrics\">Figures</a> · <a href=\"/problems\">What the error codes \
         mean</a></p></footer></main><script>",
    );
    page.push_str(SCRIPT);
    page.push_str("</script></body></html>");
    page
}

fn section(page: &mut String, origin: &str, storefront: &Storefront, is_root: bool) {
    let prefix = if is_root {
        String::new()
    } else {
        format!("/{}", storefront.name)
    };
    let (ko, en) = (escape(&storefront.title.ko), escape(&storefront.title.en));
    add(
        page,
        &format!("<section><h2>{en} <span lang=\"ko\">{ko}</span></h2>"),
    );
    let also = if is_root {
        "<code>/</code> and at "
    } else {
        ""
    };
    let name = &storefront.name;
    add(page, &format!("<p>At {also}<code>/{name}</code></p><ul>"));
    for path in Collection::all(storefront).map(Collection::path) {
        add(
            page,
            &format!("<li><a href=\"{prefix}/{path}\">{path}</a></li>"),
        );
    }
    page.push_str("</ul>");
    let base = format!("{origin}{prefix}");
    let rules = storefront
        .commands
        .iter()
        .filter(|rule| is_worth_showing(rule));
    // What creates and delivers comes before what takes back.
    let (forth, back): (Vec<_>, Vec<_>) = rules.partition(|rule| rule.verb == Verb::Post);
    for rule in forth.into_iter().chain(back) {
        if let Some(resource) = storefront.resource(rule.kind) {
            let (label, name) = (meaning(rule.action), rule.action.name());
            let title = format!("{label} <code>{name}</code>");
            attempt(page, &title, &command(&base, resource, rule));
        }
    }
    if let Some(view) = storefront.views.first() {
        attempt(page, "Look at it", &format!("curl {base}/{}", view.path));
    }
    page.push_str("</section>");
}

/// One way to do each thing is enough.
const fn is_worth_showing(rule: &CommandRule) -> bool {
    let is_amend = matches!(
        rule.action,
        CommandAction::AmendOrder | CommandAction::AmendListing
    );
    !matches!(rule.verb, Verb::Put) && !is_amend
}

const fn meaning(action: CommandAction) -> &'static str {
    match action {
        CommandAction::PlaceOrder => "Place an order",
        CommandAction::AmendOrder => "Change an order",
        CommandAction::CancelOrder => "Cancel an order",
        CommandAction::RemoveOrder => "Cancel an order and take it off the list",
        CommandAction::PayOrder => "Pay an order",
        CommandAction::AdvanceDelivery => "Deliver it",
        CommandAction::GrantApproval => "Approve",
        CommandAction::RefuseApproval => "Refuse",
        CommandAction::PayPayout => "Pay the seller",
        CommandAction::OfferListing => "Offer something",
        CommandAction::AmendListing => "Change an offer",
        CommandAction::OpenListing => "Put an offer on sale",
        CommandAction::CloseListing => "Take an offer off sale",
        CommandAction::RemoveListing => "Take an offer off the list",
    }
}

/// A request that the rule fits, for the shell.
fn command(base: &str, resource: &Resource, rule: &CommandRule) -> String {
    let path = &resource.path;
    let url = match rule.verb {
        Verb::Post => format!("{base}/{path}"),
        Verb::Put | Verb::Patch | Verb::Delete => format!("{base}/{path}/1"),
    };
    if rule.verb == Verb::Delete {
        return format!("curl -X DELETE {url}");
    }
    let method = (rule.verb != Verb::Post).then(|| rule.verb.name());
    example::curl(&url, method, &example::body(resource, rule))
}

fn attempt(page: &mut String, title: &str, command: &str) {
    let command = escape(command);
    add(
        page,
        &format!(
            "<h3>{title}</h3><div class=\"try\"><pre>{command}</pre><button>Copy</button></div>"
        ),
    );
}

fn add(page: &mut String, text: &str) {
    page.write_str(text)
        .expect("writing to a string cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::storefront::read;

    #[test]
    fn the_page_shows_commands_that_the_definition_understands_and_escapes_the_host() {
        let text = include_str!("../../../tests/shops/posies.toml");
        let posies = [Arc::new(read::storefront(text).unwrap())];
        let page = html("http://<i>", &posies, None);
        assert!(!page.contains("<i>"));
        for part in [
            "curl http://&lt;i&gt;/posies/purchases -H",
            "-d &#39;{&quot;status&quot;:&quot;CalledOff&quot;}&#39;",
            "-d &#39;{&quot;orderId&quot;:1}&#39;",
            "<a href=\"/posies/pages\">pages</a>",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
        let at_root = html("http://h", &posies, Some("posies"));
        assert!(at_root.contains("curl http://h/purchases -H"));
    }
}
