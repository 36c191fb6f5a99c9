//! Every reason for which a file is left as it is.

use super::build::{ALLOC, EXEC, FORMS, File, Section, Segment, load, section};
use super::*;

/// Returns the reason, which must be the same in every class and byte order.
fn each(change: impl Fn(&mut File)) -> Reason {
    let mut reasons = FORMS.map(|(wide, big)| {
        let mut file = File::usual(wide, big);
        change(&mut file);
        reason(&file.bytes())
    });
    reasons.sort_unstable();
    assert_eq!(reasons.first(), reasons.last());
    reasons[0]
}

/// Returns the reason after the 64-bit little-endian file was overwritten at `at`.
fn edited(at: usize, bytes: &[u8]) -> Reason {
    let mut file = File::usual(true, false).bytes();
    file[at..at + bytes.len()].copy_from_slice(bytes);
    reason(&file)
}

#[test]
fn what_is_no_program() {
    assert_eq!(reason(b"#!/bin/sh\n"), Reason::NotElf);
    assert_eq!(reason(b""), Reason::NotElf);
    assert_eq!(edited(4, &[7]), Reason::NotElf);
    assert_eq!(edited(5, &[3]), Reason::NotElf);
    assert_eq!(each(|file| file.kind = 1), Reason::Relocatable);
    assert_eq!(each(|file| (file.kind, file.segments) = (1, vec![])), Reason::Relocatable);
    assert_eq!(each(|file| (file.kind, file.machine) = (1, 247)), Reason::Machine, "eBPF");
    assert_eq!(each(|file| file.kind = 4), Reason::Core);
    assert_eq!(each(|file| file.kind = 0xfe00), Reason::Type);
    for machine in [0, 190, 224, 247] {
        assert_eq!(each(|file| file.machine = machine), Reason::Machine);
    }
}

#[test]
fn headers_that_say_little_or_nonsense() {
    assert_eq!(edited(52, &[65, 0]), Reason::Header);
    assert_eq!(edited(54, &[57, 0]), Reason::Header);
    assert_eq!(edited(58, &[63, 0]), Reason::Header);
    assert_eq!(edited(56, &[0xff, 0xff]), Reason::ManySegments);
    assert_eq!(edited(60, &[0, 0]), Reason::ManySections);
    assert_eq!(edited(60, &[0, 0xff]), Reason::ManySections);
    assert_eq!(edited(62, &[0xff, 0xff]), Reason::ManySections);
    assert_eq!(edited(40, &[0; 8]), Reason::NoSections);
    assert_eq!(each(|file| file.segments.clear()), Reason::NoSegments);
    assert_eq!(each(|file| file.segments = vec![Segment { kind: 4, ..load(0x400, 0x400, 8) }]), Reason::NoSegments);
    assert_eq!(edited(32, &[8]), Reason::Overlap);
    assert_eq!(edited(62, &[99, 0]), Reason::Names);
    assert_eq!(edited(62, &[6, 0]), Reason::Names);
}

#[test]
fn what_reaches_too_far() {
    let file = File::usual(true, false).bytes();
    assert_eq!(reason(&file[..40]), Reason::OutOfBounds);
    assert_eq!(reason(&file[..file.len() - 1]), Reason::OutOfBounds);
    assert_eq!(each(|file| file.section(".debug_info").size = 1 << 30), Reason::OutOfBounds);
    assert_eq!(each(|file| file.segments[1].size = 1 << 30), Reason::OutOfBounds);
    assert_eq!(edited(64 + 8, &[0xff; 8]), Reason::OutOfBounds);
    assert_eq!(each(|file| file.section(".dep-v0").link = 99), Reason::Link);
    assert_eq!(each(|file| (file.section(".dep-v0").kind, file.section(".dep-v0").info) = (4, 99)), Reason::Link);
    assert_eq!(each(|file| file.segments[2].offset = 8), Reason::Overlap);
    assert_eq!(each(|file| file.section(".dynstr").at = Some(8)), Reason::Overlap);
    let mut patched = File::usual(true, false);
    patched.segments.push(Segment { kind: 0x6474_e553, ..load(0x50, 0x50, 16) });
    stripped(&patched, Level::All);
}

#[test]
fn a_file_of_debug_data() {
    let hollow = |file: &mut File| {
        *file.section(".text") = Section { size: 0x100, ..section(".text", 8, ALLOC | EXEC, []).at(0x600, 0x600) };
    };
    assert_eq!(each(hollow), Reason::DebugFile);
}

#[test]
fn what_checks_itself() {
    let named = |file: &mut File| file.sections.push(section(".rodata1", 1, ALLOC, [9; 32]).at(0x700, 0x700));
    assert_eq!(each(named), Reason::SelfChecking);
    let noted = |file: &mut File| {
        let mut note = Vec::new();
        for (name, body, kind, owner) in [(4, 5, 3, b"GNU\0"), (4, 32, 0xcafe_2a8e, b"FDO\0")] {
            for value in [name, body, kind] {
                file.put(&mut note, 4, value);
            }
            note.extend(owner);
            note.resize((note.len() + body as usize).next_multiple_of(4), 1);
        }
        file.segments.push(Segment { kind: 4, align: 4, ..load(0x700, 0x700, note.len() as u64) });
        file.sections.push(section(".note.x", 7, ALLOC, note).at(0x700, 0x700));
    };
    assert_eq!(each(noted), Reason::SelfChecking);
}

#[test]
fn data_that_no_header_knows() {
    assert_eq!(each(|file| file.tail = b"PK\x03\x04".to_vec()), Reason::Appended);
    let mut file = File::usual(true, false);
    file.section(".strtab").at = Some(0x8000);
    stripped(&file, Level::All);
}

#[test]
fn data_between_sections_stays() {
    let mut bytes = {
        let mut file = File::usual(true, false);
        file.sections.push(section(".late", 1, 0, [4; 10]).at(0x8000, 0));
        file.bytes()
    };
    assert!(matches!(strip(bytes.as_slice(), Level::All), Outcome::Replaced(_)));
    bytes[0x7000] = 1;
    assert_eq!(reason(&bytes), Reason::Hidden);
}

#[test]
fn not_worth_it() {
    let gone = [".comment", ".debug_info", ".symtab", ".strtab"];
    let bare = |file: &mut File| *file = file.clone().without(&gone);
    assert_eq!(
        each(|file| {
            bare(file);
            for s in &mut file.sections {
                if gone.contains(&s.name) {
                    s.name = ".x";
                }
            }
        }),
        Reason::Nothing
    );
    assert_eq!(
        each(|file| {
            file.section(".debug_info").bytes.truncate(9);
            file.section(".debug_info").size = 9;
            *file = file.clone().without(&[".symtab"]);
        }),
        Reason::TooLittle
    );
}

#[test]
fn what_would_not_shrink() {
    // The whole file is loaded, so nothing is cut and a second section table would be added.
    let loaded = |file: &mut File| {
        file.segments[0].size = file.bytes().len() as u64;
        file.segments[0].memory = file.segments[0].size;
    };
    assert_eq!(each(loaded), Reason::Grows);
}

/// An object that claims to be larger than its bytes; the missing ones read as zeros.
struct Sparse(Vec<u8>, u64);

impl Object for Sparse {
    fn size(&self) -> u64 {
        self.1
    }

    fn read(&self, range: Range<u64>) -> Option<Cow<'_, [u8]>> {
        assert!(range.end - range.start <= 16 << 20);
        self.0.as_slice().read(range)
    }
}

#[test]
fn limits_and_reading_errors() {
    let file = File::usual(true, false);
    let mut bytes = file.bytes();
    let table = u64::from_le_bytes(bytes[40..48].try_into().expect("eight bytes")) as usize;
    let size = table + 64 * file.sections.len() + 32;
    assert_eq!(
        strip(&Sparse(bytes[..table].to_vec(), bytes.len() as u64), Level::All),
        Outcome::Unchanged(Reason::Unreadable)
    );
    bytes[size..size + 8].copy_from_slice(&(17_u64 << 20).to_le_bytes());
    assert_eq!(strip(&Sparse(bytes, 1 << 40), Level::All), Outcome::Unchanged(Reason::Limit));
}

#[test]
fn a_wrong_recipe_is_found() {
    for (wide, big) in FORMS {
        let bytes = File::patched(wide, big).bytes();
        let object = bytes.as_slice();
        let image = Image::read(object).expect("an image");
        let picked = pick::pick(object, &image, Level::All).expect("picked");
        let Outcome::Replaced(recipe) = strip(object, Level::All) else { panic!("not stripped") };
        assert!(check::check(object, &image, &picked, &recipe).is_some());
        for (number, piece) in recipe.pieces.iter().enumerate() {
            let Piece::Copy(range) = piece else { continue };
            let mut wrong = recipe.clone();
            wrong.pieces[number] = Piece::Copy(range.start - 1..range.end - 1);
            assert!(check::check(object, &image, &picked, &wrong).is_none(), "{number}");
            wrong.pieces[number] = Piece::Zeros(piece.size());
            assert!(check::check(object, &image, &picked, &wrong).is_none(), "{number}");
        }
    }
}

#[test]
fn reasons_are_said_apart() {
    let all = [Reason::NotElf, Reason::Appended, Reason::Hidden, Reason::TooLittle, Reason::SelfCheck];
    for reason in all {
        assert!(reason.id().bytes().all(|c| c.is_ascii_lowercase() || c == b'-') && reason.to_string().len() > 10);
    }
    assert_eq!(Reason::Appended.to_string(), "appended data after the last section: a self-extracting program");
    assert!(Reason::NotElf.is_usual() && !Reason::Appended.is_usual());
}
