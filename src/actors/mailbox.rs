//! Supervised actors whose mailboxes have their room from the first message on.
//!
//! actix makes each with room for 16 messages. What an actor sets when it has `started` comes a moment
//! later, so that of those who came to it at once the seventeenth was refused.

use std::sync::mpsc;

use actix::{Actor, Addr, ArbiterHandle, AsyncContext, Context, Supervised, Supervisor};

/// Starts an actor on this thread, with room for so many messages.
pub(super) fn start<A>(room: usize, build: impl FnOnce(Addr<A>) -> A + 'static) -> Addr<A>
where
    A: Actor<Context = Context<A>> + Supervised,
{
    Supervisor::start(move |ctx: &mut Context<A>| {
        ctx.set_mailbox_capacity(room);
        build(ctx.address())
    })
}

/// Starts an actor on another thread, with room for so many messages, and waits until it is built. If
/// that panics, whoever sends to the address finds the actor gone.
pub(super) fn start_on<A>(
    thread: &ArbiterHandle,
    room: usize,
    build: impl FnOnce(Addr<A>) -> A + Send + 'static,
) -> Addr<A>
where
    A: Actor<Context = Context<A>> + Supervised,
{
    let (under_way, over) = mpsc::sync_channel::<()>(0);
    let address = Supervisor::start_in_arbiter(thread, move |ctx: &mut Context<A>| {
        ctx.set_mailbox_capacity(room);
        let actor = build(ctx.address());
        drop(under_way);
        actor
    });
    // Nothing is ever sent: it ends with the other end, however that ends.
    let _ended = over.recv();
    address
}
