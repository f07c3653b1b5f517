//! Faults that operators set while the program runs (`--fault-injection`), for demonstrations.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix::Arbiter;
use serde::{Deserialize, Serialize};

use super::{
    faults::{Faults, Place, Point},
    provider::{Answer, Call, Provider, Settles, Trouble},
};
use crate::domain::{EntityKey, Kind};

/// The most rules at once: each is looked at wherever one may strike.
pub const RULES_MAX: usize = 32;

/// The longest stall, in milliseconds.
pub const STALL_MS_MAX: u64 = 600_000;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// It panics.
    Panic,
    /// It takes [`Rule::ms`]; a stall ends early when the rules are changed.
    Stall,
    /// It fails: the provider is unavailable, the disk has an error.
    Fail,
    /// The disk is full.
    Full,
    /// The thread of the shard ends.
    Die,
}

/// Where what goes wrong, and how often. What is not said fits everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Where.
    pub at: Place,
    /// Only for the storefront with this name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storefront: Option<String>,
    /// Only for entities of this kind, by its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Only for the entity, order or shard with this number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// Only for the view at this path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub view: Option<String>,
    /// How many of 1,000 times; always, if it is not said.
    #[serde(default = "always")]
    pub per_mille: u16,
    /// What goes wrong.
    #[serde(rename = "do")]
    pub fault: Fault,
    /// How long a stall takes.
    #[serde(default)]
    pub ms: u64,
    /// How often it strikes at most; without end, if it is not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
}

const fn always() -> u16 {
    1_000
}

/// A rule, and how often it has struck.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Armed {
    /// The rule.
    #[serde(flatten)]
    pub rule: Rule,
    /// How often it has struck.
    pub struck: u64,
}

/// Rules that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Too many.
    #[error("there are {0} rules; {RULES_MAX} at most")]
    TooMany(usize),
    /// This cannot go wrong there.
    #[error("`{0}` cannot {1}: {2}")]
    Impossible(Place, &'static str, &'static str),
    /// A number is out of its range.
    #[error("`{0}` is out of its range: {1} at most")]
    OutOfRange(&'static str, u64),
    /// There is no such kind.
    #[error("there is no kind `{0}` of entities")]
    UnknownKind(String),
}

impl Rule {
    fn check(&self) -> Result<(), Unusable> {
        let on_disk = matches!(self.at, Place::Commit | Place::Sync);
        let can_fail = on_disk || self.at == Place::Provider;
        let on_shard = !can_fail && self.at != Place::View;
        if let Some(name) = &self.kind
            && Kind::ALL.iter().all(|kind| kind.name() != *name)
        {
            return Err(Unusable::UnknownKind(name.clone()));
        }
        let ranges = [
            ("per_mille", u64::from(self.per_mille), 1_000),
            ("ms", self.ms, STALL_MS_MAX),
        ];
        for (name, found, max) in ranges {
            if found > max {
                return Err(Unusable::OutOfRange(name, max));
            }
        }
        let impossible = |what, why| Err(Unusable::Impossible(self.at, what, why));
        match self.fault {
            Fault::Fail if !can_fail => impossible("fail", "use panic, stall or die"),
            Fault::Full if self.at != Place::Commit => impossible("be full", "use commit"),
            Fault::Die if !on_shard => impossible("die", "it is not on a shard's thread"),
            Fault::Panic | Fault::Stall | Fault::Fail | Fault::Full | Fault::Die => Ok(()),
        }
    }

    fn fits(&self, point: &Point<'_>) -> bool {
        let kind = point.kind.map(Kind::name);
        self.at == point.place
            && (self.number.is_none() || self.number == point.number)
            && (self.storefront.is_none() || self.storefront.as_deref() == point.storefront)
            && (self.kind.is_none() || self.kind.as_deref() == kind)
            && (self.view.is_none() || self.view.as_deref() == point.view)
    }
}

/// The faults that are set. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Injected(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// Whether there are rules: read wherever one may strike.
    any: AtomicBool,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    random: fastrand::Rng,
    rules: Vec<Armed>,
    /// How often the rules were changed.
    changes: u64,
}

impl Injected {
    /// Sets these rules in place of all there were. Stalls under way end.
    pub fn set(&self, rules: Vec<Rule>) -> Result<(), Unusable> {
        if rules.len() > RULES_MAX {
            return Err(Unusable::TooMany(rules.len()));
        }
        rules.iter().try_for_each(Rule::check)?;
        let mut state = self.state();
        let armed = rules.into_iter().map(|rule| Armed { rule, struck: 0 });
        state.rules = armed.collect();
        state.changes += 1;
        self.0.any.store(!state.rules.is_empty(), Ordering::Relaxed);
        drop(state);
        self.0.changed.notify_all();
        Ok(())
    }

    /// The rules, and how often each has struck.
    pub fn rules(&self) -> Vec<Armed> {
        self.state().rules.clone()
    }

    /// What goes wrong at this point, this time.
    pub fn draw(&self, point: &Point<'_>) -> Option<(Fault, Duration)> {
        if !self.0.any.load(Ordering::Relaxed) {
            return None;
        }
        let state = &mut *self.state();
        for armed in &mut state.rules {
            let is_left = armed.rule.times.is_none_or(|times| armed.struck < times);
            if is_left
                && armed.rule.fits(point)
                && state.random.u16(0..1_000) < armed.rule.per_mille
            {
                armed.struck += 1;
                return Some((armed.rule.fault, Duration::from_millis(armed.rule.ms)));
            }
        }
        None
    }

    /// Holds this thread up for so long, or until the rules are changed.
    pub fn stall(&self, longest: Duration) {
        let state = self.state();
        let changes = state.changes;
        let waited = self
            .0
            .changed
            .wait_timeout_while(state, longest, |state| state.changes == changes);
        drop(waited);
    }

    /// What goes wrong with the disk at this place, this time.
    pub fn on_disk(&self, place: Place) -> io::Result<()> {
        match self.draw(&Point::at(place)) {
            None => Ok(()),
            Some((Fault::Stall, longest)) => {
                self.stall(longest);
                Ok(())
            }
            Some((Fault::Full, _)) => Err(rustix::io::Errno::NOSPC.into()),
            Some((Fault::Fail, _)) => Err(rustix::io::Errno::IO.into()),
            Some((Fault::Panic | Fault::Die, _)) => panic!("an injected fault at {place}"),
        }
    }

    /// This provider, with what goes wrong when it is called.
    pub fn before(&self, provider: Arc<dyn Provider>) -> Arc<dyn Provider> {
        Arc::new(Before {
            faults: self.clone(),
            provider,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        let state = self.0.state.lock();
        state.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Faults for Injected {
    fn strike(&self, point: Point<'_>) {
        match self.draw(&point) {
            None | Some((Fault::Fail | Fault::Full, _)) => {}
            Some((Fault::Stall, longest)) => self.stall(longest),
            Some((Fault::Panic, _)) => panic!("an injected fault at {}", point.place),
            Some((Fault::Die, _)) => {
                if let Some(arbiter) = Arbiter::try_current() {
                    arbiter.stop();
                }
                panic!("an injected death at {}", point.place);
            }
        }
    }

    fn injected(&self) -> Option<&Injected> {
        Some(self)
    }
}

/// A provider, and what goes wrong before it.
struct Before {
    faults: Injected,
    provider: Arc<dyn Provider>,
}

impl Provider for Before {
    fn settles(&self) -> Settles {
        self.provider.settles()
    }

    /// One that is stalled on purpose may be under way beside those that are counted.
    fn answers_at_once(&self) -> bool {
        self.provider.answers_at_once()
    }

    fn call(&self, call: Call) -> Answer {
        let order = call.effect.order();
        let point = Point::of(
            Place::Provider,
            &call.storefront,
            EntityKey::new(Kind::Order, order.0),
        );
        match self.faults.draw(&point) {
            None => self.provider.call(call),
            Some((Fault::Stall, longest)) => {
                let provider = Arc::clone(&self.provider);
                let later: Pin<Box<dyn Future<Output = _> + Send>> = Box::pin(async move {
                    tokio::time::sleep(longest).await;
                    match provider.call(call) {
                        Answer::Now(result) => result,
                        Answer::Later(result) => result.await,
                    }
                });
                Answer::Later(later)
            }
            Some((Fault::Panic, _)) => panic!("an injected fault at {}", Place::Provider),
            Some((Fault::Fail | Fault::Full | Fault::Die, _)) => {
                Answer::Now(Err(Trouble::Unavailable))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Rule {
        serde_json::from_str(text).unwrap()
    }

    fn strikes(rule: &Rule, point: Point<'_>) -> bool {
        let injected = Injected::default();
        injected.set(vec![rule.clone()]).unwrap();
        injected.draw(&point).is_some()
    }

    #[test]
    fn a_rule_strikes_what_it_names_and_so_often() {
        let order =
            |number| Point::of(Place::Decide, "posies", EntityKey::new(Kind::Order, number));
        let any = rule(r#"{"at": "decide", "do": "panic"}"#);
        assert!(strikes(&any, order(1)));
        assert!(!strikes(&any, Point::at(Place::Shard)));
        for own in [
            r#"{"at": "decide", "do": "panic", "number": 7}"#,
            r#"{"at": "decide", "do": "panic", "storefront": "posies", "number": 7}"#,
            r#"{"at": "decide", "do": "panic", "kind": "order", "number": 7}"#,
        ] {
            assert!(strikes(&rule(own), order(7)), "{own}");
            assert!(!strikes(&rule(own), order(8)), "{own}");
        }
        for other in [
            r#"{"at": "decide", "do": "panic", "storefront": "other"}"#,
            r#"{"at": "decide", "do": "panic", "kind": "listing"}"#,
            r#"{"at": "decide", "do": "panic", "per_mille": 0}"#,
            r#"{"at": "decide", "do": "panic", "times": 0}"#,
        ] {
            assert!(!strikes(&rule(other), order(7)), "{other}");
        }
        let injected = Injected::default();
        let twice = rule(r#"{"at": "decide", "do": "panic", "times": 2}"#);
        injected.set(vec![twice]).unwrap();
        let struck = (0..5).filter(|_| injected.draw(&order(1)).is_some());
        assert_eq!(struck.count(), 2);
        assert_eq!(injected.rules()[0].struck, 2);
    }

    #[test]
    fn what_cannot_go_wrong_there_is_refused_and_changes_nothing() {
        let injected = Injected::default();
        let kept = rule(r#"{"at": "shard", "do": "die"}"#);
        injected.set(vec![kept.clone()]).unwrap();
        let check = |text: &str, said: &str| {
            let error = injected.set(vec![rule(text)]).unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
            assert_eq!(injected.rules()[0].rule, kept);
        };
        check(r#"{"at": "decide", "do": "fail"}"#, "`decide` cannot fail");
        check(r#"{"at": "sync", "do": "full"}"#, "use commit");
        check(r#"{"at": "commit", "do": "die"}"#, "cannot die");
        check(
            r#"{"at": "view", "do": "panic", "per_mille": 1001}"#,
            "1000 at most",
        );
        check(r#"{"at": "shard", "do": "stall", "ms": 600001}"#, "`ms`");
        check(
            r#"{"at": "apply", "do": "panic", "kind": "rose"}"#,
            "`rose`",
        );
    }
}
