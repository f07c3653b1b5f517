//! One look on the screen.

use std::collections::VecDeque;

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::{Color, Modifier, Style},
    text::{Line, Span},
    widgets::{Block, Borders, Cell, Paragraph, Row, Sparkline, Table},
};

use super::{
    figures::{Figures, Follower, Shard, Shop, Trouble},
    words::{age, bytes, microseconds, number, percent, quantiles, rate},
};

/// Lines of the two rows of blocks, their titles included.
const BLOCK_LINES: u16 = 5;

/// What is shown.
pub(super) struct Shown<'a> {
    pub(super) server: &'a str,
    /// `None` before the first answer.
    pub(super) figures: Option<&'a Figures>,
    /// Why the last look failed.
    pub(super) trouble: Option<&'a str>,
    /// Orders in each second, the last one at the end.
    pub(super) orders: &'a VecDeque<u64>,
}

const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
const GOOD: Style = Style::new().fg(Color::Green);
const BAD: Style = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
const DIM: Style = Style::new().fg(Color::DarkGray);

/// Draws it, as much as fits.
pub(super) fn draw(frame: &mut Frame<'_>, shown: &Shown<'_>) {
    let Some(figures) = shown.figures else {
        let trouble = shown.trouble.unwrap_or("asking …");
        frame.render_widget(Paragraph::new(trouble), frame.area());
        return;
    };
    let lines = |count: usize| Constraint::Length(u16::try_from(count + 2).unwrap_or(u16::MAX));
    let followers = figures.followers.len();
    let areas: [Rect; 7] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(BLOCK_LINES),
        Constraint::Length(BLOCK_LINES),
        lines(figures.shards.len()),
        lines(figures.shops.len()),
        if followers > 0 {
            lines(followers)
        } else {
            Constraint::Length(0)
        },
        Constraint::Min(1),
    ])
    .areas(frame.area());
    let [title, upper, lower, shards, shops, following, foot] = areas;
    frame.render_widget(heading(shown, figures), title);
    let [left, right] = halves(upper);
    draw_orders(frame, left, shown, figures);
    draw_times(frame, right, figures);
    let [left, right] = halves(lower);
    frame.render_widget(commits(figures), left);
    frame.render_widget(machine(figures), right);
    frame.render_widget(shard_table(&figures.shards), shards);
    frame.render_widget(shop_table(&figures.shops), shops);
    if followers > 0 {
        frame.render_widget(follower_table(&figures.followers), following);
    }
    frame.render_widget(footer(&figures.trouble), foot);
}

fn halves(area: Rect) -> [Rect; 2] {
    Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)])
        .spacing(2)
        .areas(area)
}

fn titled(title: &str) -> Block<'_> {
    let title = Span::styled(format!(" {title} "), BOLD);
    Block::new()
        .borders(Borders::TOP)
        .border_style(DIM)
        .title(title)
}

fn heading<'a>(shown: &Shown<'a>, figures: &Figures) -> Line<'a> {
    let (word, style) = match (shown.trouble, figures.is_ready) {
        (Some(trouble), _) => (trouble, BAD),
        (None, true) => ("ready", GOOD),
        (None, false) => ("not ready: see /readyz", BAD),
    };
    Line::from(vec![
        Span::styled("jumun ", BOLD),
        Span::raw(format!("{}  {}  ", figures.version, shown.server)),
        Span::styled(word, style),
    ])
}

fn draw_orders(frame: &mut Frame<'_>, area: Rect, shown: &Shown<'_>, figures: &Figures) {
    let title = format!(
        "{} orders/s · {} requests/s",
        rate(figures.orders_per_s),
        rate(figures.requests_per_s)
    );
    let block = titled(&title);
    let columns = usize::from(area.width);
    let from = shown.orders.len().saturating_sub(columns);
    let seen: Vec<u64> = shown.orders.iter().skip(from).copied().collect();
    let line = Sparkline::default().block(block).data(&seen).style(GOOD);
    frame.render_widget(line, area);
}

fn draw_times(frame: &mut Frame<'_>, area: Rect, figures: &Figures) {
    let row = |name: &'static str, own| {
        let [half, most, nearly_all] = quantiles(own);
        Row::new([name.to_owned(), half, most, nearly_all])
    };
    let rows = [
        row("commands", figures.commands),
        row("reads", figures.reads),
        row("syncs", figures.syncs),
    ];
    let widths = [
        Constraint::Length(10),
        Constraint::Length(10),
        Constraint::Length(10),
        Constraint::Length(10),
    ];
    let header = Row::new(["took", "half", "90 %", "99 %"]).style(DIM);
    let errors = figures.errors_per_s.is_some_and(|own| own.0 > 0);
    let title = format!(
        "{} in flight · {} refused/s · {} failed/s",
        number(figures.in_flight),
        rate(figures.refused_per_s),
        rate(figures.errors_per_s)
    );
    let block = titled(&title).title_style(if errors { BAD } else { BOLD });
    frame.render_widget(Table::new(rows, widths).header(header).block(block), area);
}

/// A line of a block: what, and how much of it.
fn said(name: &'static str, what: String) -> Line<'static> {
    Line::from(vec![
        Span::styled(format!("{name:<11}"), DIM),
        Span::raw(what),
    ])
}

fn commits(figures: &Figures) -> Paragraph<'static> {
    let own = &figures.commits;
    let written = format!(
        "{}/s in {} groups, {}",
        rate(own.batches_per_s),
        rate(own.groups_per_s),
        own.bytes_per_s
            .map_or_else(|| "–".to_owned(), |own| bytes(own.whole()))
    );
    let of = |part: u64, all: u64| format!("{} of {}", number(part), number(all));
    let pages = format!(
        "{}, checkpoint {} ago",
        of(own.unwritten, own.unwritten_max),
        age(own.checkpoint_age)
    );
    let lines = vec![
        said("written", written),
        said("waiting", of(own.waiting, own.waiting_max)),
        said("unwritten", pages),
        said(
            "a sync",
            figures
                .syncs
                .map_or_else(|| "–".to_owned(), |[half, ..]| microseconds(half)),
        ),
    ];
    Paragraph::new(lines).block(titled("commits"))
}

fn machine(figures: &Figures) -> Paragraph<'static> {
    let own = &figures.machine;
    let is_short = own.disk_free < own.disk_free_min.saturating_mul(2);
    let disk = format!(
        "{} free, least {}",
        bytes(own.disk_free),
        bytes(own.disk_free_min)
    );
    let lines = vec![
        said("disk", disk).style(if is_short { BAD } else { Style::new() }),
        said(
            "journal",
            format!("{}, trees {}", bytes(own.journal), bytes(own.trees)),
        ),
        said("memory", bytes(own.memory)),
        said(
            "CPU",
            format!(
                "{}, {} descriptors",
                percent(own.cpu),
                number(own.descriptors)
            ),
        ),
    ];
    Paragraph::new(lines).block(titled("machine"))
}

fn table<'a>(
    title: &'a str,
    header: &'a [&'a str],
    rows: Vec<Row<'a>>,
    widths: &[u16],
) -> Table<'a> {
    let widths = widths.iter().map(|width| Constraint::Length(*width));
    let header = Row::new(header.iter().copied()).style(DIM);
    Table::new(rows, widths).header(header).block(titled(title))
}

/// A cell that stands out if it is not 0.
fn warned(count: u64) -> Cell<'static> {
    let style = if count > 0 { BAD } else { Style::new() };
    Cell::new(number(count)).style(style)
}

fn shard_table(shards: &[Shard]) -> Table<'_> {
    let rows = shards.iter().map(|own| {
        let (word, style) = if own.is_up {
            ("up", GOOD)
        } else {
            ("silent", BAD)
        };
        let requests = format!("{} of {}", number(own.requests), number(own.requests_max));
        Row::new([
            Cell::new(own.name.as_str()),
            Cell::new(word).style(style),
            Cell::new(requests),
            Cell::new(number(own.in_flight)),
            Cell::new(number(own.entities)),
            Cell::new(number(own.sagas)),
            Cell::new(number(own.timers)),
            warned(own.replaced),
        ])
    });
    let header = &[
        "shard",
        "",
        "requests",
        "in flight",
        "actors",
        "sagas",
        "timers",
        "replaced",
    ];
    table("shards", header, rows.collect(), &[5, 6, 14, 9, 8, 8, 8, 8])
}

fn shop_table(shops: &[Shop]) -> Table<'_> {
    let rows = shops.iter().map(|own| {
        let style = if own.breaker == "closed" { GOOD } else { BAD };
        Row::new([
            Cell::new(own.name.as_str()),
            Cell::new(rate(own.orders_per_s)),
            Cell::new(number(own.placed)),
            Cell::new(number(own.cancelled)),
            Cell::new(number(own.in_line)),
            Cell::new(own.breaker.as_str()).style(style),
            Cell::new(rate(own.failed_per_s)),
            warned(own.gave_up),
            Cell::new(number(own.lag)),
            warned(own.paused),
        ])
    });
    let header = &[
        "shop",
        "a second",
        "placed",
        "cancelled",
        "in line",
        "breaker",
        "failed/s",
        "gave up",
        "view lag",
        "paused",
    ];
    table(
        "shops",
        header,
        rows.collect(),
        &[12, 8, 10, 9, 8, 9, 8, 7, 8, 6],
    )
}

fn follower_table(followers: &[Follower]) -> Table<'_> {
    let rows = followers.iter().map(|own| {
        Row::new([
            Cell::new(own.shop.as_str()),
            Cell::new(own.kind.as_str()),
            Cell::new(own.name.as_str()),
            Cell::new(number(own.lag)),
            warned(own.parked),
        ])
    });
    let header = &["shop", "kind", "name", "behind", "dead letters"];
    table(
        "who follows the events",
        header,
        rows.collect(),
        &[12, 9, 32, 10, 12],
    )
}

/// What waits for a person, or how to end it.
fn footer(trouble: &Trouble) -> Line<'static> {
    let counts = [
        (trouble.quarantined, "in quarantine: /ops/quarantine"),
        (trouble.stopped_views, "views stopped: /ops/quarantine"),
        (trouble.gave_up, "refunds given up: /ops/dead-letters"),
        (trouble.lost_threads, "threads lost: restart it"),
        (trouble.restarts, "panics survived: /ops/actors"),
    ];
    let mut spans = vec![Span::styled("q ends it  ", DIM)];
    if trouble.has_store_failed {
        let what = "the store failed: restart it once its disk is well  ";
        spans.push(Span::styled(what, BAD));
    }
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    spans.extend(
        counts.map(|(count, what)| Span::styled(format!("{} {what}  ", number(count)), BAD)),
    );
    Line::from(spans)
}
