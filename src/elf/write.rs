//! Writes the headers anew and puts the recipe together. Only fields that change are overwritten, so that bits of unknown
//! meaning stay.

use super::layout::Layout;
use super::pick::{Picked, Slot};
use super::read::{Image, info_link};
use super::recipe::{Piece, Recipe};
use goblin::elf::section_header::SHT_NULL;

/// Returns the recipe of a layout; `None` if a number does not fit its field.
pub(super) fn recipe(image: &Image, picked: &Picked, layout: &Layout) -> Option<Recipe> {
    let mut recipe = Recipe::default();
    let pad_to = |recipe: &mut Recipe, to: u64| {
        let gap = to.checked_sub(recipe.size)?;
        recipe.push(Piece::Zeros(gap));
        Some(())
    };
    for cluster in &layout.clusters {
        pad_to(&mut recipe, cluster.to)?;
        recipe.push(Piece::Copy(cluster.from.clone()));
    }
    for float in &layout.floats {
        pad_to(&mut recipe, float.to)?;
        recipe.push(Piece::Copy(float.from.clone()));
    }
    if let Some((strings, at)) = &layout.names {
        pad_to(&mut recipe, *at)?;
        recipe.push(Piece::Bytes(strings.bytes.clone()));
    }
    pad_to(&mut recipe, layout.table)?;
    recipe.push(Piece::Bytes(sections(image, picked, layout)?));
    let segments_at = layout.find(&image.segment_table())?;
    recipe = recipe.overlay(0, &header(image, picked, layout, segments_at)?);
    if layout.clusters.len() > 1 {
        recipe = recipe.overlay(segments_at, &segments(image, layout)?);
    }
    (recipe.size == layout.size).then_some(recipe)
}

fn header(image: &Image, picked: &Picked, layout: &Layout, segments_at: u64) -> Option<Vec<u8>> {
    let (form, mut bytes) = (image.form, image.header_bytes.clone());
    let (segments, sections, count, names) = if form.wide { (32, 40, 60, 62) } else { (28, 32, 48, 50) };
    let names_number = picked.renumbered.get(image.names_index()).copied().flatten()?;
    form.put_word(&mut bytes, segments, segments_at)?;
    form.put_word(&mut bytes, sections, layout.table)?;
    form.put(&mut bytes, count, 2, picked.slots.len() as u64)?;
    form.put(&mut bytes, names, 2, u64::from(names_number))?;
    Some(bytes)
}

fn segments(image: &Image, layout: &Layout) -> Option<Vec<u8>> {
    let (size, at) = if image.form.wide { (56, 8) } else { (32, 4) };
    let mut bytes = image.segment_bytes.clone();
    for (entry, segment) in bytes.chunks_exact_mut(size).zip(&image.segments) {
        image.form.put_word(entry, at, layout.segment(segment)?)?;
    }
    Some(bytes)
}

fn sections(image: &Image, picked: &Picked, layout: &Layout) -> Option<Vec<u8>> {
    let entry = if image.form.wide { 64 } else { 40 };
    let mut table = Vec::with_capacity(picked.slots.len().checked_mul(entry)?);
    for (slot, kept) in picked.slots.iter().enumerate() {
        match *kept {
            Slot::Empty => table.resize(table.len().checked_add(entry)?, 0),
            Slot::Kept(number) => table.extend(section(image, picked, layout, slot, number)?),
        }
    }
    Some(table)
}

/// Returns the entry of the section with the old number `number`, which becomes `slot`.
fn section(image: &Image, picked: &Picked, layout: &Layout, slot: usize, number: usize) -> Option<Vec<u8>> {
    let form = image.form;
    let (entry, offset, size, link, info) = if form.wide { (64, 24, 32, 40, 44) } else { (40, 16, 20, 24, 28) };
    let start = number.checked_mul(entry)?;
    let mut bytes = image.section_bytes.get(start..start.checked_add(entry)?)?.to_vec();
    let old = image.sections.get(number)?;
    if old.sh_type == SHT_NULL {
        return Some(bytes);
    }
    let renumbered = |number: u32| picked.renumbered.get(usize::try_from(number).ok()?).copied().flatten();
    let (new_offset, new_size) = layout.section(image, number, old)?;
    form.put_word(&mut bytes, offset, new_offset)?;
    form.put_word(&mut bytes, size, new_size)?;
    form.put(&mut bytes, link, 4, u64::from(renumbered(old.sh_link)?))?;
    if let Some(number) = info_link(old) {
        form.put(&mut bytes, info, 4, u64::from(renumbered(number)?))?;
    }
    if let Some((strings, _)) = &layout.names {
        form.put(&mut bytes, 0, 4, *strings.starts.get(slot)? as u64)?;
    }
    Some(bytes)
}
