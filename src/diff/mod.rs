//! `slim diff A B`: what differs between two images, path by path, by package, directory and layer, and in their configuration.
//!
//! It goes in two steps, as contents are read only where nothing else tells files apart: a [`Pair`] has the
//! paths of both trees side by side and asks which contents are equal; who reads files answers; and of that it makes a [`Diff`], plain
//! data that [`text`], [`json`] and [`markdown`] tell. Files of one size are equal where they are the same member of layers with the same diff_id, and
//! are compared byte by byte elsewhere.

pub mod config;
mod files;
mod found;
pub mod json;
mod layers;
pub mod markdown;
mod measured;
pub mod page;
mod pair;
mod paths;
mod sums;
#[cfg(test)]
mod tests;
pub mod text;
mod walk;

pub use found::{
    Answers, Aspect, Change, ConfigChange, Count, Diff, DirectoryChange, Entry, Image, Layer, LayerChange,
    PackageChange, Questions, Side, Status, Sum,
};
pub use pair::Pair;

impl Pair<'_> {
    /// What has to be read before they can be compared.
    #[must_use]
    pub fn ask(&self) -> Questions {
        let manifests = self.sides.each_ref().map(measured::Measured::manifests);
        Questions { manifests: files::unknown(self, manifests), ..files::ask(self) }
    }

    /// Compares them; `depth` says how deep directories are told apart.
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
