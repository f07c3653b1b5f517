//! `jumun top`: how a server does, at the terminal, again and again.

mod ask;
mod figures;
mod look;
mod screen;
#[cfg(test)]
mod tests;
mod words;

use std::{
    collections::VecDeque,
    io::{self, IsTerminal, Write},
    process::ExitCode,
    time::Duration,
};

use clap::Args;
use ratatui::{
    DefaultTerminal, Terminal,
    backend::TestBackend,
    buffer::Buffer,
    crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers},
};
use tokio::time::Instant;

use self::{ask::Server, figures::Figures, look::Look, screen::Shown};
use super::Error;
use crate::app;

/// Looks that the sparkline remembers: more than any terminal is wide.
const REMEMBERED_MAX: usize = 512;

/// A look as text is so large; what is empty at its end is left out.
const TEXT_COLUMNS: u16 = 100;
const TEXT_LINES: u16 = 60;

/// The settings of `top`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:

  jumun top                                  # the server on this machine
  jumun top --server http://shop:8080        # another one
  jumun top --once | tail -n 8               # one look, as text

q, Esc or Ctrl-C ends it. Everything shown is from GET /metrics; docs/monitoring.md explains it.")]
pub(super) struct Top {
    /// The server's address
    #[arg(
        long,
        env = "JUMUN_SERVER",
        default_value = "http://127.0.0.1:8080",
        value_name = "URL"
    )]
    server: String,
    /// How often to look, in milliseconds
    #[arg(long, default_value_t = 1_000, value_name = "MS",
          value_parser = clap::value_parser!(u64).range(100..=60_000))]
    interval_ms: u64,
    /// One look as text, over one interval; what is done where there is no terminal, too
    #[arg(long)]
    once: bool,
}

/// What was seen so far.
struct Watch {
    server: Server,
    last: Option<(Instant, Look)>,
    figures: Option<Figures>,
    /// Why the last look failed.
    trouble: Option<String>,
    /// Orders in each second, the last one at the end.
    orders: VecDeque<u64>,
}

/// Looks at a server until somebody has seen enough.
pub(super) fn run(given: &Top, out: &mut dyn Write) -> Result<ExitCode, Error> {
    let interval = Duration::from_millis(given.interval_ms);
    let is_seen = io::stdout().is_terminal() && io::stdin().is_terminal();
    app::in_system(async {
        let mut watch = Watch::of(Server::at(&given.server)?);
        if given.once || !is_seen {
            return watch.once(interval, out).await;
        }
        watch.look().await;
        if let (None, Some(trouble)) = (&watch.figures, &watch.trouble) {
            return Err(Error::NoServer(trouble.clone()));
        }
        // Gives the terminal back in a panic, too.
        let mut terminal = ratatui::try_init()?;
        let watched = watch.until_enough(interval, &mut terminal).await;
        ratatui::try_restore()?;
        watched.map(|()| ExitCode::SUCCESS)
    })
}

impl Watch {
    const fn of(server: Server) -> Self {
        Self {
            server,
            last: None,
            figures: None,
            trouble: None,
            orders: VecDeque::new(),
        }
    }

    /// Looks once more. A server that does not answer is tried again; what was seen stays.
    async fn look(&mut self) {
        let now = Instant::now();
        let look = match self.server.look().await {
            Ok(look) => look,
            Err(trouble) => {
                self.trouble = Some(trouble);
                return;
            }
        };
        let before = self.last.as_ref();
        let figures = Figures::of(&look, before.map(|(at, look)| (now - *at, look)));
        if let Some(orders) = figures.orders_per_s {
            if self.orders.len() >= REMEMBERED_MAX {
                self.orders.pop_front();
            }
            self.orders.push_back(orders.whole());
        }
        self.trouble = None;
        self.figures = Some(figures);
        self.last = Some((now, look));
    }

    fn shown(&self) -> Shown<'_> {
        Shown {
            server: self.server.address(),
            figures: self.figures.as_ref(),
            trouble: self.trouble.as_deref(),
            orders: &self.orders,
        }
    }

    async fn until_enough(
        &mut self,
        interval: Duration,
        terminal: &mut DefaultTerminal,
    ) -> Result<(), Error> {
        loop {
            let next = Instant::now() + interval;
            terminal.draw(|frame| screen::draw(frame, &self.shown()))?;
            while let Some(left) = next.checked_duration_since(Instant::now()) {
                if !event::poll(left)? {
                    break;
                }
                match event::read()? {
                    Event::Key(key) if is_enough(key) => return Ok(()),
                    Event::Resize(..) => {
                        terminal.draw(|frame| screen::draw(frame, &self.shown()))?;
                    }
                    Event::FocusGained
                    | Event::FocusLost
                    | Event::Key(_)
                    | Event::Mouse(_)
                    | Event::Paste(_) => {}
                }
            }
            self.look().await;
        }
    }

    /// Two looks, so that there is something between them, and the second as text.
    async fn once(&mut self, interval: Duration, out: &mut dyn Write) -> Result<ExitCode, Error> {
        self.look().await;
        if self.trouble.is_none() {
            tokio::time::sleep(interval).await;
            self.look().await;
        }
        if let Some(trouble) = self.trouble.take() {
            return Err(Error::NoServer(trouble));
        }
        write!(out, "{}", as_text(&self.shown(), TEXT_COLUMNS, TEXT_LINES))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn is_enough(key: KeyEvent) -> bool {
    let is_interrupt =
        key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c');
    let ends = matches!(key.code, KeyCode::Char('q') | KeyCode::Esc);
    key.kind == KeyEventKind::Press && (ends || is_interrupt)
}

/// What a terminal of this size would show, without its colours.
fn as_text(shown: &Shown<'_>, columns: u16, lines: u16) -> String {
    let Ok(mut terminal) = Terminal::new(TestBackend::new(columns, lines));
    let Ok(_) = terminal.draw(|frame| screen::draw(frame, shown));
    text_of(terminal.backend().buffer())
}

fn text_of(buffer: &Buffer) -> String {
    let columns = usize::from(buffer.area.width);
    let lines = buffer.content.chunks(columns.max(1));
    let lines = lines.map(|line| {
        line.iter()
            .map(ratatui::buffer::Cell::symbol)
            .collect::<String>()
    });
    let text: Vec<String> = lines.map(|line| line.trim_end().to_owned()).collect();
    format!("{}\n", text.join("\n").trim_end())
}
