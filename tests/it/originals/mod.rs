//! The originals, one file each: their commands, their policies, and what was required of them.

mod fish;
mod flowers;
mod repairs;
mod stays;
mod tutoring;
