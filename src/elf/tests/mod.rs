//! Tests of stripping, on objects made here and so for every class and byte order.

#![allow(clippy::indexing_slicing, reason = "a test may panic")]

mod build;
mod keeps;
mod reasons;
mod verify;

use super::*;
use build::{FORMS, File};
use std::borrow::Cow;
use std::ops::Range;

/// Returns the new file, verified; a second run leaves it alone.
fn stripped(file: &File, level: Level) -> Vec<u8> {
    let before = file.bytes();
    let Outcome::Replaced(recipe) = strip(before.as_slice(), level) else {
        panic!("not stripped: {:?}", strip(before.as_slice(), level));
    };
    let after = recipe.apply(&before);
    assert_eq!(after.len() as u64, recipe.size);
    assert_eq!(recipe.chunks(before.as_slice()).collect::<Vec<_>>().concat(), after);
    verify::verify(&before, &after).expect("the same to a loader");
    assert!(matches!(strip(after.as_slice(), level), Outcome::Unchanged(_)), "a second run changes it");
    after
}

/// Returns the reason for which a file is left as it is.
fn reason(bytes: &[u8]) -> Reason {
    match strip(bytes, Level::All) {
        Outcome::Unchanged(reason) => reason,
        Outcome::Replaced(recipe) => panic!("stripped: {recipe:?}"),
    }
}

/// The names of a file's sections.
fn names(file: &[u8]) -> Vec<String> {
    let elf = goblin::elf::Elf::parse(file).expect("an ELF file");
    elf.section_headers.iter().map(|s| elf.shdr_strtab.get_at(s.sh_name).unwrap_or_default().to_owned()).collect()
}

fn find(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn every_form_loses_its_symbols_and_debug_data() {
    for (wide, big) in FORMS {
        let after = stripped(&File::usual(wide, big), Level::All);
        assert_eq!(
            names(&after),
            ["", ".dynsym", ".dynstr", ".text", ".dynamic", ".data", ".bss", ".dep-v0", ".shstrtab"]
        );
        assert!(find(&after, b"kept: 23 bytes of JSON.") && !find(&after, b"made by hand"));
    }
}

#[test]
fn gaps_between_segments_are_cut_in_every_form() {
    for (wide, big) in FORMS {
        let file = File::patched(wide, big);
        let after = stripped(&file, Level::All);
        let elf = goblin::elf::Elf::parse(&after).expect("an ELF file");
        let last = &elf.program_headers[3];
        assert_eq!(last.p_offset, 0x2000);
        assert_eq!(&after[last.p_offset as usize..][..0x100], [3; 0x100]);
    }
}

#[test]
fn mutations_neither_panic_nor_break() {
    let mut random = verify::Random(4);
    let mut replaced = 0;
    let files: Vec<Vec<u8>> =
        FORMS.iter().flat_map(|&(w, b)| [File::usual(w, b), File::patched(w, b)]).map(|file| file.bytes()).collect();
    for turn in 0..20_000 {
        let mut object = files[turn % files.len()].clone();
        let edits = verify::mutate(&mut object, &mut random);
        let level = if turn % 3 == 0 { Level::Debug } else { Level::All };
        if let Outcome::Replaced(recipe) = strip(object.as_slice(), level) {
            replaced += 1;
            let made = recipe.apply(&object);
            verify::verify(&object, &made).unwrap_or_else(|wrong| panic!("turn {turn}: {wrong}: {edits:?}"));
            assert!(matches!(strip(made.as_slice(), level), Outcome::Unchanged(_)), "turn {turn}: {edits:?}");
        }
    }
    assert!(replaced > 1000, "{replaced}");
}

/// An object that counts the bytes read of it.
struct Counted(Vec<u8>, std::cell::Cell<u64>);

impl Object for Counted {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read(&self, range: Range<u64>) -> Option<Cow<'_, [u8]>> {
        self.1.set(self.1.get() + range.end - range.start);
        self.0.as_slice().read(range)
    }
}

#[test]
fn only_headers_are_read() {
    let mut file = File::usual(true, false);
    file.section(".debug_info").bytes = vec![1; 5 << 20];
    file.section(".debug_info").size = 5 << 20;
    let object = Counted(file.bytes(), 0.into());
    let Outcome::Replaced(recipe) = strip(&object, Level::All) else { panic!("not stripped") };
    assert!(object.1.get() < 8192, "{} bytes read", object.1.get());
    let copied: u64 = recipe.pieces.iter().filter(|p| matches!(p, Piece::Copy(_))).map(Piece::size).sum();
    assert!(copied > recipe.size / 2 && recipe.size < 8192);
}

#[test]
fn a_head_tells_what_may_be_stripped() {
    for (wide, big) in FORMS {
        let file = File::usual(wide, big).bytes();
        assert!(may_be_elf(&file[..HEAD]) && may_be_elf(&file[..4]) && may_be_elf(&file[..2]));
        let object = File { kind: 1, ..File::usual(wide, big) }.bytes();
        assert!(!may_be_elf(&object[..HEAD]));
    }
    assert!(!may_be_elf(b"#!/bin/sh\n") && !may_be_elf(b"\x7fE!") && may_be_elf(b""));
}

#[test]
fn a_long_run_of_zeros_and_a_short_original() {
    let recipe = Recipe { pieces: vec![Piece::Zeros(40 << 20), Piece::Copy(0..3)], size: (40 << 20) + 3 };
    let made = recipe.apply(b"abc");
    assert_eq!(made.len() as u64, recipe.size);
    assert_eq!(made[40 << 20..], *b"abc");
    assert_eq!(recipe.apply(b"ab").len(), 40 << 20);
}

#[test]
fn an_overlay_may_span_pieces() {
    let mut recipe = Recipe::default();
    for piece in [Piece::Copy(0..4), Piece::Zeros(4), Piece::Copy(10..14), Piece::Copy(14..16)] {
        recipe.push(piece);
    }
    assert_eq!(recipe.pieces.len(), 3);
    let made = recipe.overlay(2, b"1234567").apply(b"abcdefghijklmnop");
    assert_eq!(made, b"ab1234567lmnop");
}
