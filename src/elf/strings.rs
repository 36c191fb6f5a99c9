//! Makes a new table of section names, with those that are still used.

use goblin::elf::section_header::{SHT_NULL, SHT_STRTAB};

use super::pick::{Picked, Slot};
use super::read::{Image, NAME_MAX, is_loaded};

/// The most sections for which the names are made anew; a known program has fewer than a hundred.
const SECTIONS_MAX: usize = 512;

/// The most bytes of names that are made anew; with more, the old ones stay.
const BYTES_MAX: usize = 64 << 10;

/// Names ended by NULs, and the offset of each slot's name.
#[derive(Debug)]
pub(super) struct Strings {
    pub(super) bytes: Vec<u8>,
    pub(super) starts: Vec<usize>,
}

impl Strings {
    /// Makes the names of the sections that stay; returns `None` if the old names should stay: they are loaded, used by another
    /// section too, or no longer than the new ones.
    pub(super) fn new(image: &Image, picked: &Picked) -> Option<Self> {
        let old = image.sections.get(image.names_index())?;
        let shared = image.sections.iter().enumerate().any(|(number, section)| {
            picked.keeps(number) && section.sh_type != SHT_NULL && section.sh_link as usize == image.names_index()
        });
        if shared || is_loaded(old) || old.sh_type != SHT_STRTAB || picked.slots.len() > SECTIONS_MAX {
            return None;
        }
        let names: Vec<&[u8]> = picked.slots.iter().map(|slot| name(image, *slot)).collect();
        // A name was cut, or all together are too many to look for each in the others.
        if names.iter().any(|n| n.len() >= NAME_MAX) || names.iter().map(|n| n.len()).sum::<usize>() > BYTES_MAX {
            return None;
        }
        let mut order: Vec<usize> = (0..names.len()).collect();
        // Longer names first, so that a name that is the end of another is found in it.
        order.sort_by_key(|&slot| (std::cmp::Reverse(names.get(slot).map_or(0, |name| name.len())), slot));
        let mut bytes = vec![0];
        let mut starts = vec![0; names.len()];
        for slot in order {
            let (Some(name), Some(start)) = (names.get(slot).filter(|name| !name.is_empty()), starts.get_mut(slot))
            else {
                continue;
            };
            let ended = [name, b"\0".as_slice()].concat();
            *start = bytes.windows(ended.len()).position(|window| window == ended).unwrap_or_else(|| {
                bytes.extend_from_slice(&ended);
                bytes.len() - ended.len()
            });
        }
        ((bytes.len() as u64) < old.sh_size).then_some(Self { bytes, starts })
    }
}

fn name(image: &Image, slot: Slot) -> &[u8] {
    match slot {
        Slot::Kept(number) => {
            image.sections.get(number).filter(|s| s.sh_type != SHT_NULL).map_or(&[], |section| image.name(section))
        }
        Slot::Empty => &[],
    }
}
