//! `slim diff A B`: the differences between two images, path by path, by package, directory and layer, and in their
//! configuration.
//!
//! It works in two steps, as contents are read only if nothing else tells files apart. A [`Pair`] has the paths of both trees
//! side by side and asks which contents are equal; the caller, which reads files, answers; the result is a [`Diff`], plain data
//! that [`text`], [`json`] and [`markdown`] render. Files of one size are equal if they are the same member of layers with the
//! same diff_id; others are compared byte by byte.

pub mod config;
mod files;
mod found;
pub mod json;
mod layers;
pub mod markdown;
mod measured;
pub mod page;
mod pair;
mod sums;
#[cfg(test)]
mod tests;
pub mod text;

pub use found::{
    Answers, Aspect, Change, ConfigChange, Count, Diff, DirectoryChange, Entry, Image, Layer, LayerChange,
    PackageChange, Questions, Side, Status, Sum,
};
pub use pair::Pair;

impl Pair<'_> {
    /// Returns the files that have to be read before the images can be compared.
    #[must_use]
    pub fn ask(&self) -> Questions {
        let manifests = self.sides.each_ref().map(measured::Measured::manifests);
        Questions { manifests: files::unknown(self, manifests), ..files::ask(self) }
    }

    /// Compares the images; `depth` is the number of levels below the root down to which directories are listed.
    #[must_use]
    pub fn compare(&self, answers: &Answers, depth: usize) -> Diff {
        let [before, after] = &self.images;
        let found = files::changes(self, answers);
        let sums = sums::Sums::new(self, &found.real);
        Diff {
            before: self.sides[0].side(before),
            after: self.sides[1].side(after),
            files: found.changes,
            same: found.same,
            packages: sums.packages(&answers.versions),
            directories: sums.directories(depth),
            layers: layers::changes(before, after, &self.layers),
            config: config::changes(before, after),
        }
    }
}
