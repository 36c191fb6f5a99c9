//! `cargo +nightly fuzz run elf`: stripping never panics, and what it makes is the same to a loader, and final. Give it
//! small ELF files in `corpus/elf` to begin with.

#![no_main]

use libfuzzer_sys::fuzz_target;
use slim::elf::{Level, Outcome, strip};

#[path = "../../src/elf/tests/verify.rs"]
mod verify;

fuzz_target!(|data: &[u8]| {
    for level in [Level::Debug, Level::All] {
        if let Outcome::Replaced(recipe) = strip(data, level) {
            let made = recipe.apply(data);
            assert_eq!(made.len() as u64, recipe.size);
            assert_eq!(verify::verify(data, &made), Ok(()));
            assert!(matches!(strip(made.as_slice(), level), Outcome::Unchanged(_)), "a second run changes it");
        }
    }
});
