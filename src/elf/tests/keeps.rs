//! Tests of the parts that stay in a file that is stripped.

use super::build::{ALLOC, FORMS, File, Section, section};
use super::*;

#[test]
fn the_level_debug_keeps_symbols_and_their_numbers() {
    for (wide, big) in FORMS {
        let after = stripped(&File::usual(wide, big), Level::Debug);
        let names = names(&after);
        assert_eq!(names[7..], [".comment", "", ".dep-v0", ".symtab", ".strtab", ".shstrtab"]);
        let elf = goblin::elf::Elf::parse(&after).expect("an ELF file");
        assert_eq!((elf.syms.len(), elf.section_headers[10].sh_link), (40, 11));
    }
}

#[test]
fn a_number_that_a_dynamic_symbol_has_stays() {
    for (wide, big) in FORMS {
        let mut file = File::usual(wide, big);
        file.section(".dynsym").bytes = [file.symbol(0, 0), file.symbol(1, 9), file.symbol(1, 0xfff1)].concat();
        let after = stripped(&file, Level::All);
        assert_eq!(names(&after)[6..], [".bss", "", "", ".dep-v0", ".shstrtab"]);
    }
}

#[test]
fn loaded_sections_keep_their_numbers() {
    let mut file = File::usual(true, false);
    file.sections.swap(6, 8);
    let after = stripped(&file, Level::All);
    assert_eq!(names(&after)[5..], [".data", "", "", ".bss", ".dep-v0", ".shstrtab"]);
}

#[test]
fn loaded_sections_stay_whatever_their_name() {
    let mut file = File::usual(true, false);
    file.section(".data").name = ".debug_gdb_scripts";
    assert!(names(&stripped(&file, Level::All)).contains(&".debug_gdb_scripts".to_owned()));
}

#[test]
fn a_link_to_a_debug_file_and_unknown_sections_stay() {
    let mut file = File::usual(true, false);
    for name in [".gnu_debuglink", "pydata", ".note.package", ".riscv.attributes", ".BTF"] {
        file.sections.push(section(name, 1, 0, name.as_bytes()).aligned(4));
    }
    let after = stripped(&file, Level::All);
    for name in [".gnu_debuglink", "pydata", ".note.package", ".riscv.attributes", ".BTF"] {
        assert!(names(&after).contains(&name.to_owned()) && find(&after, name.as_bytes()));
    }
}

#[test]
fn what_a_kept_section_refers_to_stays() {
    let mut file = File::usual(true, false);
    file.section(".dep-v0").link = 10;
    assert_eq!(names(&stripped(&file, Level::All))[7..], ["", "", ".dep-v0", ".symtab", ".strtab", ".shstrtab"]);
    let mut shared = File::usual(true, false);
    shared.section(".dep-v0").link = 12;
    assert!(find(&stripped(&shared, Level::All), b".comment"), "names that are used otherwise are not made anew");
}

#[test]
fn relocations_go_with_what_they_relocate() {
    let mut file = File::usual(true, false);
    file.sections.push(section(".rela.debug_info", 4, 0, [0; 48]).links(10, 8));
    file.sections.push(section(".rela.text", 4, 0, [0; 48]).links(10, 3));
    assert!(!names(&stripped(&file, Level::All)).iter().any(|name| name.starts_with(".rela")));
    let kept = names(&stripped(&file, Level::Debug));
    assert!(kept.contains(&".rela.text".to_owned()) && !kept.contains(&".rela.debug_info".to_owned()));
}

#[test]
fn a_segment_without_bytes_keeps_its_offset_in_the_file() {
    for (wide, big) in FORMS {
        let mut file = File::usual(wide, big);
        file.segments.push(build::Segment { memory: 0x1000, ..build::load(0x1800, 0x5800, 0) });
        let after = stripped(&file, Level::All);
        assert!(after.len() >= 0x1800);
    }
}

#[test]
fn the_section_table_that_patchelf_left_is_no_data() {
    for (wide, big) in FORMS {
        let old = File::usual(wide, big).bytes();
        let table = &old[old.len() - 13 * if wide { 64 } else { 40 }..];
        let mut bytes = File::patched(wide, big).bytes();
        let last = goblin::elf::Elf::parse(&bytes).expect("an ELF file").section_headers[11].clone();
        let at = (last.sh_offset + last.sh_size).next_multiple_of(8) as usize;
        bytes[at..at + table.len()].copy_from_slice(table);
        assert!(matches!(strip(bytes.as_slice(), Level::All), Outcome::Replaced(recipe) if recipe.size < 0x4000));
        bytes[at + table.len() + 100] = 1;
        assert!(matches!(strip(bytes.as_slice(), Level::All), Outcome::Unchanged(_)), "unknown data, so the gap stays");
    }
}

#[test]
fn a_gap_is_not_cut_where_a_segment_can_not_be_mapped() {
    let mut file = File::patched(true, false);
    file.segments[3].addr += 8;
    assert!(matches!(strip(file.bytes().as_slice(), Level::All), Outcome::Unchanged(_)));
}

#[test]
fn large_alignment_is_kept() {
    let mut file = File::patched(true, false);
    for segment in &mut file.segments {
        segment.align = 0x4000;
    }
    (file.segments[1].addr, file.segments[2].addr, file.segments[3].addr) = (0x5000, 0x5000, 0xf000);
    for (name, addr) in [(".dynamic", 0x5000), (".data", 0x5040), (".bss", 0x5240), (".note.gnu.build-id", 0xf000)] {
        file.section(name).addr = addr;
    }
    let elf = stripped(&file, Level::All);
    assert_eq!(goblin::elf::Elf::parse(&elf).expect("an ELF file").program_headers[3].p_offset, 0x3000);
}

#[test]
fn a_section_half_in_a_segment_stays_whole() {
    let mut file = File::usual(true, false);
    file.sections.push(section(".half", 1, 0, [5; 0x100]).at(0x1200, 0));
    file.section(".data").bytes[0x1c0..].fill(5);
    file.section(".comment").at = Some(0x1300);
    assert!(find(&stripped(&file, Level::All), &[5; 0x100]));
}

#[test]
fn names_tell_what_to_keep() {
    let kept: [&[u8]; 9] = [
        b"ld-linux-x86-64.so.2",
        b"ld-musl-x86_64.so.1",
        b"ld64.so.2",
        b"ld-2.31.so",
        b"libc.so.6",
        b"libc-2.31.so",
        b"libpthread.so.0",
        b"ld.so.1",
        b"libc.musl-x86_64.so.1",
    ];
    assert!(kept.iter().all(|name| keeps_symtab(name)));
    let other: [&[u8]; 5] = [b"libcrypto.so.3", b"ld", b"libcap.so.2", b"libc++.so.1", b"libc-client.so"];
    assert!(!other.iter().any(|name| keeps_symtab(name)));
    assert!(is_checked_name(b"fips.so") && is_checked_name(b"libsoftokn3.so") && !is_checked_name(b"libssl.so.3"));
    let side = side_cars(b"libcrypto.so.3");
    for path in [".libcrypto.so.3.hmac", "libcrypto.so.3.hmac", "libcrypto.so.chk", "fipscheck/libcrypto.so.hmac"] {
        assert!(side.contains(&path.as_bytes().to_vec()), "{path}");
    }
    assert!(side_cars(&[b'.'; 5000]).len() < 100);
}

#[test]
fn an_unallocated_section_in_a_segment_stays_in_place() {
    let mut file = File::usual(true, false);
    file.sections.push(Section { flags: 0, ..section(".odd", 1, ALLOC, [6; 16]).at(0x7f0, 0) });
    let after = stripped(&file, Level::All);
    assert_eq!(after[0x7f0..0x800], [6; 16]);
}
