//! Takes symbols and debug data out of ELF executables and shared objects, and never breaks one.
//!
//! `strip` lays a file out anew from its section headers, and so breaks files whose section headers disagree with their program
//! headers, as those of patchelf, auditwheel and BOLT do. Here the program headers rule. What they describe stays byte for byte
//! and keeps its address; only parts that no loader looks at are removed: debug sections, the symbol table, and gaps between
//! segments in whole pages. Anything that is not understood stays, and an odd file is left as it is, for a [`Reason`] that can
//! be shown.
//!
//! Nothing here reads a file or holds one: an [`Object`] gives the ranges asked for (headers, section names, the
//! dynamic symbols), and the result is a [`Recipe`], the pieces of the original that make the new file. Its size is
//! known before a byte of it is written, and an object of any size is streamed.
//!
//! ```text
//! Object -> read::Image -> refuse -> pick: which sections go -> layout: prefix or compact -> write: Recipe -> check
//! ```
//!
//! A second run changes nothing, and the bytes are the same on any machine.

mod check;
mod hidden;
mod layout;
mod names;
mod object;
mod pick;
mod read;
mod reason;
mod recipe;
mod refuse;
mod silent;
mod strings;
#[cfg(test)]
mod tests;
mod write;

pub use names::{SEALS, is_checked_name, keeps_symtab, side_cars};
pub use object::{LEAST, Level, Object};
pub use reason::Reason;
pub use recipe::{Piece, Recipe};
pub use silent::silent;

use layout::Layout;
use read::Image;

/// The number of bytes by which the compact layout must be smaller than the prefix layout to be used.
const COMPACT_GAIN: u64 = 4096;

/// The number of bytes at the beginning of a file that [`may_be_elf`] wants to see.
pub const HEAD: usize = 20;

/// The result of stripping a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It stays as it is.
    Unchanged(Reason),
    /// It is rebuilt from pieces of itself.
    Replaced(Recipe),
}

/// True if a file that begins with `head` may be one to strip: an ELF executable or shared object. [`HEAD`] bytes are enough to
/// tell; with fewer, the answer is true if they leave it open.
#[must_use]
pub fn may_be_elf(head: &[u8]) -> bool {
    if !head.starts_with(b"\x7fELF") {
        return head.len() < 4 && b"\x7fELF".starts_with(head);
    }
    match (head.get(5), head.get(16..18)) {
        (Some(1), Some(kind)) => matches!(kind, [2 | 3, 0]),
        (Some(2), Some(kind)) => matches!(kind, [0, 2 | 3]),
        (Some(_), Some(_)) => false,
        _ => true,
    }
}

/// Decides what to do with `object`. Reads headers, section names and dynamic symbols, in little memory; never panics.
#[must_use]
pub fn strip(object: &(impl Object + ?Sized), level: Level) -> Outcome {
    match rewrite(object, level) {
        Ok(recipe) => Outcome::Replaced(recipe),
        Err(reason) => Outcome::Unchanged(reason),
    }
}

fn rewrite<O: Object + ?Sized>(object: &O, level: Level) -> Result<Recipe, Reason> {
    let image = Image::read(object)?;
    refuse::refuse(object, &image)?;
    let picked = pick::pick(object, &image, level)?;
    let prefix = Layout::prefix(&image, &picked)?;
    let compact = Layout::compact(&image, &picked).filter(|compact| {
        compact.size.checked_add(COMPACT_GAIN).is_some_and(|size| size <= prefix.size)
            && hidden::look(object, &image, compact).is_ok()
    });
    let layout = match compact {
        Some(compact) => compact,
        None => hidden::look(object, &image, &prefix).map(|()| prefix)?,
    };
    match image.size.checked_sub(layout.size) {
        Some(saved) if saved >= LEAST => {}
        _ if !picked.any() => return Err(Reason::Nothing),
        Some(saved) if saved > 0 => return Err(Reason::TooLittle),
        _ => return Err(Reason::Grows),
    }
    let recipe = write::recipe(&image, &picked, &layout).ok_or(Reason::Limit)?;
    if !recipe.ascends() {
        return Err(Reason::Overlap);
    }
    check::check(object, &image, &picked, &recipe).ok_or(Reason::SelfCheck)?;
    Ok(recipe)
}
