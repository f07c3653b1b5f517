//! One order's story as a page that a person reads: one file, no scripts, no requests to anywhere.

use std::fmt::Write;

use super::{
    Letter, Shown as Why, Stage,
    story::{Event, Money, Notified, Shown, Turn},
    words,
};
use crate::{
    domain::storefront::{Storefront, Title},
    http::html::escape,
};

/// Nothing runs, and only the page's own style counts.
pub(super) const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'";

const STYLE: &str = include_str!("page.css");

/// The page of a story.
pub(super) fn html(storefront: &Storefront, story: &Shown<'_>) -> String {
    let Title { ko, en } = &storefront.title;
    let (ko, en, order) = (escape(ko), escape(en), story.order);
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{en}: order {order}</title><style>{STYLE}</style></head><body><main>"
    );
    head(
        &mut page,
        &format!("{en} <span lang=\"ko\">{ko}</span>"),
        story,
    );
    if let Some(why) = &story.now {
        now(&mut page, why);
        steps(&mut page, &why.steps);
    }
    money(&mut page, &story.ledger, story.currency);
    line(&mut page, story);
    let path = format!("/ops/sagas/{}/{order}", story.storefront);
    add(
        &mut page,
        format_args!(
            "<footer><p>The same for programs: <code>curl -H 'Accept: application/json' {}</code>. \
             All orders of one request: <code>/ops/sagas?correlation=…</code></p></footer>\
             </main></body></html>",
            escape(&path)
        ),
    );
    page
}

fn head(page: &mut String, shop: &str, story: &Shown<'_>) {
    let status = story.status.as_deref().unwrap_or(story.state);
    let (state, status) = (escape(story.state), escape(status));
    let turns = story.turn_count;
    let lasted = words::duration(story.lasted_ms);
    let amount = story.amount.map_or_else(String::new, |amount| {
        format!("{} {} · ", grouped(amount), escape(story.currency))
    });
    let turns = if turns == 1 {
        "one turn".to_owned()
    } else {
        format!("{turns} turns in {lasted}")
    };
    add(
        page,
        format_args!(
            "<header><p>{shop}</p><h1>Order {} <span class=\"badge {state}\">{status}</span></h1>\
             <p>{amount}{turns} · began with <code>{}</code></p></header>",
            story.order,
            escape(&story.correlation)
        ),
    );
}

fn now(page: &mut String, why: &Why<'_>) {
    let wrong = if why.dead_letter.is_some() {
        " wrong"
    } else {
        ""
    };
    add(
        page,
        format_args!(
            "<h2>Waits for</h2><div class=\"card waits{wrong}\"><p>{}</p>",
            escape(&why.waits_for)
        ),
    );
    if let Some(timer) = why.timer {
        let (date, time) = words::date_and_time(crate::domain::Timestamp(timer));
        add(
            page,
            format_args!("<p class=\"soft\">It is looked at by {date} {time} UTC.</p>"),
        );
    }
    if let Some(Letter {
        attempts,
        last_trouble,
        ..
    }) = &why.dead_letter
    {
        let trouble = escape(last_trouble);
        add(
            page,
            format_args!("<p class=\"soft\">Asked {attempts} times; at last: {trouble}</p>"),
        );
    }
    page.push_str("</div>");
}

fn steps(page: &mut String, steps: &[Stage]) {
    if steps.is_empty() {
        return;
    }
    page.push_str("<h2>Steps</h2><ol class=\"steps\">");
    for stage in steps {
        let Stage {
            step,
            mode,
            progress,
        } = stage;
        add(
            page,
            format_args!("<li class=\"{progress}\" title=\"{mode}\"><b>{step}</b> {progress}</li>"),
        );
    }
    page.push_str("</ol>");
}

fn money(page: &mut String, money: &Money, currency: &str) {
    if money.captured == 0 {
        return;
    }
    let currency = escape(currency);
    add(
        page,
        format_args!("<h2>Money, in {currency}</h2><dl class=\"money card\">"),
    );
    for (name, amount) in [
        ("captured", money.captured),
        ("= refunded", money.refunded),
        ("+ commission", money.commission),
        ("+ paid out", money.paid_out),
        ("+ held", money.held),
    ] {
        let amount = grouped(amount);
        add(
            page,
            format_args!("<div><dt>{name}</dt><dd>{amount}</dd></div>"),
        );
    }
    page.push_str("</dl>");
}

fn line(page: &mut String, story: &Shown<'_>) {
    page.push_str("<h2>What happened</h2><ol class=\"line\">");
    for (place, each) in story.turns.iter().enumerate() {
        if let Some(left_out) = story.left_out.as_ref().filter(|gap| gap.after == place) {
            let turns = left_out.turns;
            add(
                page,
                format_args!(
                    "<li class=\"gap\">… {turns} turns are left out; the journal has them</li>"
                ),
            );
        }
        turn(page, each, &story.correlation);
    }
    page.push_str("</ol>");
}

fn turn(page: &mut String, turn: &Turn<'_>, began_with: &str) {
    let (date, time) = turn.at.split_once('T').unwrap_or_default();
    let time = time.trim_end_matches('Z');
    let after = turn.after_ms.map_or_else(String::new, |ms| {
        format!(" · {} later", words::duration(ms))
    });
    let command = turn.command.map_or_else(String::new, |command| {
        format!(" <code class=\"soft\">{command}</code>")
    });
    add(
        page,
        format_args!(
            "<li class=\"{}\"><div class=\"card\"><div class=\"turn\"><strong>{}{command}</strong>\
             <span>{date} <b>{time}</b>{after}</span></div>",
            turn.cause, turn.says
        ),
    );
    page.push_str("<ul class=\"events\">");
    turn.events.iter().for_each(|own| event(page, own));
    page.push_str("</ul>");
    turn.notifications
        .iter()
        .for_each(|own| notified(page, own));
    from(page, turn, began_with);
    page.push_str("</div></li>");
}

fn event(page: &mut String, event: &Event<'_>) {
    let domain = format!("{} {}", event.kind, event.happened.replace('_', " "));
    let name = event
        .name
        .map_or_else(String::new, |name| format!("<em>{}</em> ", escape(name)));
    let details = escape(&event.details.texts().join(" · "));
    add(
        page,
        format_args!(
            "<li><span class=\"id mono\">{}</span><span>{name}{domain} \
             <span class=\"is\">{details}</span></span></li>",
            event.id
        ),
    );
}

fn notified(page: &mut String, told: &Notified<'_>) {
    let to = told.to.unwrap_or("nobody in particular");
    add(
        page,
        format_args!(
            "<div class=\"told\"><p class=\"soft\">Told {}, notification {}</p>\
             <p lang=\"ko\">{}</p><p>{}</p></div>",
            escape(to),
            told.number,
            escape(told.ko),
            escape(told.en)
        ),
    );
}

/// Where a turn came from, if that is not where the order did.
fn from(page: &mut String, turn: &Turn<'_>, began_with: &str) {
    if turn.correlation != began_with {
        let own = escape(&turn.correlation);
        add(
            page,
            format_args!("<p class=\"from\">request <code>{own}</code></p>"),
        );
    }
    if let Some(trace) = &turn.came.traceparent {
        add(
            page,
            format_args!("<p class=\"from\">trace <code>{trace}</code></p>"),
        );
    }
    if let Some(key) = turn.idempotency_key {
        let key = escape(key);
        add(
            page,
            format_args!("<p class=\"from\">idempotency key <code>{key}</code></p>"),
        );
    }
}

/// A number with its thousands apart.
fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "-" } else { "" });
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn add(page: &mut String, text: std::fmt::Arguments<'_>) {
    page.write_fmt(text)
        .expect("writing to a string cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_apart() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (50_000, "50,000"),
            (-1_234_567, "-1,234,567"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }
}
