//! Black-box tests: the binary's contract, seen from outside. Images are written as text ([`builder`]), what they mean is
//! worked out a second time in the simplest way ([`oracle`]), and [`traps`] is the list of what a layer rewriter must get
//! right, one test or more for each line.
//!
//! `SLIM_BIN=/path/to/slim` tests that binary instead of the one cargo built; `SLIM_KEEP=1` leaves the directories of failed
//! runs; `PROPTEST_CASES` sets the number of random images.

mod about;
mod analyze;
mod archives;
mod bad_input;
mod book;
mod budget;
mod builder;
mod case;
mod checksums;
mod cli;
mod compare;
mod diff;
mod differential;
mod engine;
mod guard;
mod guard_paths;
mod lint;
mod named;
mod oracle;
mod others;
mod packages;
mod places;
mod plan;
mod property;
mod registry;
mod repacked;
mod run;
mod selftest;
mod stores;
mod strip;
mod structure;
mod transforms;
mod traps;
mod trial;
mod verify;
mod windows;
