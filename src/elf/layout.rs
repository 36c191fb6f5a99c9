//! The place of each part in the new file.
//!
//! A range that a program header describes is *pinned*. Pinned ranges that lie close together are a cluster. The prefix layout
//! keeps all up to the last pinned byte in place, and is safe by construction. The compact one moves each cluster down by a
//! multiple of the largest alignment there is, so that addresses and offsets stay congruent, and so cuts the gaps between them:
//! files that patchelf edited have their symbols and debug data there. Kept sections that are not pinned follow, then the
//! section table.

use std::ops::Range;

use goblin::elf::header::{EM_386, EM_S390, EM_X86_64, ET_DYN};
use goblin::elf::program_header::{PT_INTERP, PT_LOAD, PT_NULL, ProgramHeader};
use goblin::elf::section_header::{SHT_NULL, SectionHeader};

use super::Reason;
use super::pick::Picked;
use super::read::{Image, has_bytes, is_content, is_loaded, range};
use super::strings::Strings;

/// The largest alignment in bytes at which segments are moved: with a larger one the padding would be long.
const UNIT_MAX: u64 = 2 << 20;

/// The most rounds of extending clusters by the sections that lie partly in them; a file that needs more is odd.
const ROUNDS: usize = 8;

/// A range of the original that stays together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cluster {
    pub(super) from: Range<u64>,
    /// The offset in the new file, at or below the original one.
    pub(super) to: u64,
}

/// A section of its own at a new place.
#[derive(Debug)]
pub(super) struct Float {
    pub(super) number: usize,
    pub(super) from: Range<u64>,
    pub(super) to: u64,
}

/// The places in a new file.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) clusters: Vec<Cluster>,
    pub(super) floats: Vec<Float>,
    /// The new section names, and their offset.
    pub(super) names: Option<(Strings, u64)>,
    /// The offset of the section table.
    pub(super) table: u64,
    pub(super) size: u64,
}

impl Layout {
    /// Makes the layout in which everything up to the last pinned byte stays in place.
    pub(super) fn prefix(image: &Image, picked: &Picked) -> Result<Self, Reason> {
        let pinned = pins(image, picked, 1)?;
        let end = pinned.last().map_or(0, |last| last.end);
        Self::finish(image, picked, vec![Cluster { from: 0..end, to: 0 }]).ok_or(Reason::Limit)
    }

    /// Makes the layout in which the clusters move together; returns `None` if nothing can be moved, or the headers do not tell
    /// how.
    pub(super) fn compact(image: &Image, picked: &Picked) -> Option<Self> {
        let unit = unit(image).filter(|&unit| unit <= UNIT_MAX)?;
        if !image.segments.iter().filter(|s| s.p_type == PT_LOAD).all(|s| s.p_offset <= image.size && is_congruent(s)) {
            return None;
        }
        // Patchelf leaves a PT_GNU_PROPERTY in program headers that it moved: they can stay, but not change.
        if image.reaches_into(&image.segment_table()) {
            return None;
        }
        let mut pinned = pins(image, picked, unit).ok()?;
        // A section before the last of them would be read after it: recipes only go forward.
        let last = pinned.last().map_or(0, |pin| pin.end);
        let early = kept(image, picked).map(|(_, s)| s).filter(|s| has_bytes(s)).map(bytes);
        pinned.extend(early.filter(|section| section.start < last));
        let pinned = joined(pinned, unit);
        let mut clusters = Vec::with_capacity(pinned.len());
        let mut shift = 0_u64;
        let mut end = 0;
        for from in pinned {
            shift = shift.checked_add((from.start.checked_sub(end)? / unit).checked_mul(unit)?)?;
            end = from.end;
            clusters.push(Cluster { to: from.start.checked_sub(shift)?, from });
        }
        if shift == 0 {
            return None;
        }
        Self::finish(image, picked, clusters).filter(|layout| layout.finds_its_headers(image) != Some(false))
    }

    /// True if a program's headers are still where a kernel before 5.18 tells its loader: as far behind the first segment as
    /// they were. `AT_PHDR` was the load address plus `e_phoff`, whatever `PT_PHDR` said.
    fn finds_its_headers(&self, image: &Image) -> Option<bool> {
        let library = image.header.e_type == ET_DYN
            && image.header.e_entry == 0
            && !image.segments.iter().any(|s| s.p_type == PT_INTERP);
        let first = image.segments.iter().find(|s| s.p_type == PT_LOAD)?;
        let moved = |old: u64, new: Option<u64>| Some(old.wrapping_sub(new?));
        let table = moved(image.header.e_phoff, self.find(&image.segment_table()))?;
        Some(library || Some(table) == moved(first.p_offset, self.segment(first)))
    }

    /// Places everything that is not in the clusters after them.
    fn finish(image: &Image, picked: &Picked, clusters: Vec<Cluster>) -> Option<Self> {
        let mut layout = Self { clusters, floats: Vec::new(), names: None, table: 0, size: 0 };
        let mut end = layout.clusters.last().and_then(|c| c.to.checked_add(c.from.end.checked_sub(c.from.start)?))?;
        let mut loose: Vec<(usize, &SectionHeader)> = kept(image, picked)
            .filter(|(_, section)| has_bytes(section) && layout.find(&bytes(section)).is_none())
            .collect();
        loose.sort_by_key(|(number, section)| (section.sh_offset, *number));
        let strings = Strings::new(image, picked).filter(|_| loose.iter().any(|(n, _)| *n == image.names_index()));
        for (number, section) in loose.into_iter().filter(|(n, _)| strings.is_none() || *n != image.names_index()) {
            let to = end.checked_next_multiple_of(alignment(section))?;
            end = to.checked_add(section.sh_size)?;
            layout.floats.push(Float { number, from: bytes(section), to });
        }
        if let Some(strings) = strings {
            let length = strings.bytes.len() as u64;
            layout.names = Some((strings, end));
            end = end.checked_add(length)?;
        }
        let entry = if image.form.wide { (8, 64) } else { (4, 40) };
        layout.table = end.checked_next_multiple_of(entry.0)?;
        layout.size = layout.table.checked_add((picked.slots.len() as u64).checked_mul(entry.1)?)?;
        Some(layout)
    }

    /// Returns the offset in the new file of a range of the original that lies in one cluster.
    pub(super) fn find(&self, range: &Range<u64>) -> Option<u64> {
        let cluster = self.before(range.start)?;
        if range.end > cluster.from.end {
            return None;
        }
        range.start.checked_sub(cluster.from.start)?.checked_add(cluster.to)
    }

    /// Returns the new offset of an offset without bytes: it moves with the cluster before it.
    pub(super) fn point(&self, offset: u64) -> u64 {
        self.before(offset).map_or(offset, |c| offset.saturating_sub(c.from.start).saturating_add(c.to))
    }

    /// Returns the new offset of a program header's range.
    pub(super) fn segment(&self, segment: &ProgramHeader) -> Option<u64> {
        match segment.p_type {
            PT_NULL => Some(segment.p_offset),
            _ if is_content(segment) => self.find(&range(segment.p_offset, segment.p_filesz)),
            _ => Some(self.point(segment.p_offset)),
        }
    }

    /// Returns the new offset and size of the section of this old number.
    pub(super) fn section(&self, image: &Image, number: usize, section: &SectionHeader) -> Option<(u64, u64)> {
        if section.sh_type == SHT_NULL {
            return Some((section.sh_offset, section.sh_size));
        }
        if let Some((strings, at)) = self.names.as_ref().filter(|_| number == image.names_index()) {
            return Some((*at, strings.bytes.len() as u64));
        }
        if !has_bytes(section) {
            let point = self.point(section.sh_offset);
            return Some((if is_loaded(section) { point } else { point.min(self.table) }, section.sh_size));
        }
        let float = self.floats.binary_search_by_key(&(section.sh_offset, number), |f| (f.from.start, f.number));
        let to = match float.ok().and_then(|at| self.floats.get(at)) {
            Some(float) => float.to,
            None => self.find(&bytes(section))?,
        };
        Some((to, section.sh_size))
    }

    /// Returns the last cluster that begins at or before an offset.
    fn before(&self, offset: u64) -> Option<&Cluster> {
        let after = self.clusters.partition_point(|cluster| cluster.from.start <= offset);
        after.checked_sub(1).and_then(|at| self.clusters.get(at))
    }
}

/// Returns the ranges that must stay together, in order, joined if less than `near` bytes lie between them. The first begins at
/// 0.
fn pins(image: &Image, picked: &Picked, near: u64) -> Result<Vec<Range<u64>>, Reason> {
    let mut pins = vec![0..image.header_bytes.len() as u64, image.segment_table()];
    for segment in image.segments.iter().filter(|s| is_content(s)) {
        pins.push(range(segment.p_offset, segment.p_filesz));
    }
    // The file must not end before the offset of a segment, even if the segment has no bytes.
    let empty = image.segments.iter().filter(|s| s.p_type == PT_LOAD && s.p_filesz == 0);
    pins.extend(empty.map(|s| s.p_offset.min(image.size)).map(|at| at..at));
    pins.extend(kept(image, picked).map(|(_, s)| s).filter(|s| has_bytes(s) && is_loaded(s)).map(bytes));
    for _ in 0..ROUNDS {
        pins = joined(pins, near);
        let more: Vec<Range<u64>> = kept(image, picked)
            .map(|(_, s)| s)
            .filter(|s| has_bytes(s))
            .map(bytes)
            .filter(|section| pokes_out(&pins, section))
            .collect();
        if more.is_empty() {
            return Ok(pins);
        }
        pins.extend(more);
    }
    Err(Reason::Overlap)
}

/// True if a range is partly in the pinned ones and partly outside.
fn pokes_out(pins: &[Range<u64>], section: &Range<u64>) -> bool {
    let first = pins.partition_point(|pin| pin.end <= section.start);
    pins.get(first)
        .is_some_and(|pin| pin.start < section.end && !(pin.start <= section.start && section.end <= pin.end))
}

fn joined(mut ranges: Vec<Range<u64>>, near: u64) -> Vec<Range<u64>> {
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut result: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match result.last_mut() {
            Some(last) if range.start < last.end.saturating_add(near) || range.start == last.end => {
                last.end = last.end.max(range.end);
            }
            _ => result.push(range),
        }
    }
    result
}

/// Returns the unit in bytes by whose multiples clusters move: the largest alignment, and a page of any kernel for the
/// processor.
fn unit(image: &Image) -> Option<u64> {
    let page = if [EM_386, EM_X86_64, EM_S390].contains(&image.header.e_machine) { 4096 } else { 65536 };
    let segments = image.segments.iter().filter(|s| s.p_type != PT_NULL).map(|s| s.p_align);
    let sections = image.sections.iter().filter(|s| is_loaded(s)).map(|s| s.sh_addralign);
    let powers = |&align: &u64| align == 0 || align.is_power_of_two();
    segments.chain(sections).chain([page]).map(|align| Some(align).filter(powers)).try_fold(0, |a, b| Some(b?.max(a)))
}

/// True if a segment can be mapped page by page.
fn is_congruent(segment: &ProgramHeader) -> bool {
    segment.p_offset.wrapping_sub(segment.p_vaddr).is_multiple_of(segment.p_align.max(4096))
}

fn kept<'a>(image: &'a Image, picked: &'a Picked) -> impl Iterator<Item = (usize, &'a SectionHeader)> {
    image.sections.iter().enumerate().filter(|(number, _)| picked.keeps(*number))
}

fn bytes(section: &SectionHeader) -> Range<u64> {
    range(section.sh_offset, section.sh_size)
}

fn alignment(section: &SectionHeader) -> u64 {
    if section.sh_addralign.is_power_of_two() && section.sh_addralign <= 4096 { section.sh_addralign } else { 16 }
}
