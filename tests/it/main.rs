//! Jumun from outside: through real HTTP, and the real binary.

#![cfg(test)]

mod bad_input;
mod behaviour;
mod contract;
mod crash;
mod damage;
mod definitions;
mod durable;
mod laundry;
mod letters;
mod mixed;
mod originals;
mod pause;
mod readme;
mod support;
mod views;
mod walk;
