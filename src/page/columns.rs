//! The list of files as columns: this keeps a page of 80,000 files at a few megabytes, which a browser can read at once.
//!
//! Files are sorted by directory, so that most columns are few runs. Directories are a tree, each named once. Names are joined by
//! line feeds, which [`escape`] leaves in none.

use super::file::{Change, File};
use crate::report::escape;
use bstr::{BStr, ByteSlice};
use serde::{Serialize, Serializer};

/// The value for nothing in a column of numbers.
const NONE: i64 = -1;

/// The data that the script of the page reads.
#[derive(Serialize, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(super) struct Columns {
    /// The number of files.
    count: usize,
    /// The names of directories, joined by line feeds; the first is the root's, which is empty.
    dir_names: String,
    /// The parent of each directory except the root; it comes before the directory.
    dir_parents: Vec<usize>,
    /// The names of files, joined by line feeds.
    names: String,
    /// The directory of each file, as runs: a value, its length, the next value, and so on.
    dirs: Vec<i64>,
    sizes: Vec<i64>,
    before: Vec<i64>,
    saved: Vec<i64>,
    layers: Vec<i64>,
    before_layers: Vec<i64>,
    kinds: Vec<i64>,
    packages: Vec<i64>,
    verdicts: Vec<i64>,
    changes: Vec<i64>,
}

/// Serializes files as columns.
pub(super) fn serialize<S: Serializer>(files: &[File], serializer: S) -> Result<S::Ok, S::Error> {
    encode(files).serialize(serializer)
}

/// Encodes files as columns. The result does not depend on the order of `files`, except for those with the same path and layer.
pub(super) fn encode(files: &[File]) -> Columns {
    let mut sorted: Vec<(&BStr, &BStr, &File)> = files
        .iter()
        .map(|file| {
            let (dir, name) = split(file.path.as_bstr());
            (dir, name, file)
        })
        .collect();
    sorted.sort_by(|a, b| {
        let dirs = || parts(a.0).cmp(parts(b.0));
        dirs().then_with(|| a.1.cmp(b.1)).then_with(|| a.2.layer.cmp(&b.2.layer))
    });
    let mut dirs = Dirs::default();
    let of_files: Vec<i64> = sorted.iter().map(|(dir, ..)| number(dirs.number(dir))).collect();
    let column = |field: fn(&File) -> i64| runs(sorted.iter().map(|(.., file)| field(file)));
    Columns {
        count: sorted.len(),
        dir_names: dirs.names,
        dir_parents: dirs.parents,
        names: sorted.iter().map(|(_, name, _)| escape(name)).collect::<Vec<_>>().join("\n"),
        dirs: runs(of_files.into_iter()),
        sizes: sorted.iter().map(|(.., file)| bytes(file.size)).collect(),
        before: column(|f| bytes(f.before)),
        saved: column(|f| bytes(Some(f.saved))),
        layers: column(|f| index(f.layer)),
        before_layers: column(|f| index(f.before_layer)),
        kinds: column(|f| index(f.kind)),
        packages: column(|f| index(f.package)),
        verdicts: column(|f| index(f.verdict)),
        changes: column(|f| f.change.map_or(NONE, change)),
    }
}

/// The directories in the order in which they come: by their components, so that each follows its parent.
#[derive(Default)]
struct Dirs<'a> {
    /// The directories from the root to the last one, with their numbers.
    open: Vec<(&'a [u8], usize)>,
    names: String,
    parents: Vec<usize>,
}

impl<'a> Dirs<'a> {
    fn number(&mut self, dir: &'a BStr) -> usize {
        let common = parts(dir).zip(&self.open).take_while(|(part, (name, _))| part == name).count();
        self.open.truncate(common);
        for part in parts(dir).skip(common) {
            let parent = self.open.last().map_or(0, |(_, number)| *number);
            self.parents.push(parent);
            self.names.push('\n');
            self.names.push_str(&escape(part));
            self.open.push((part, self.parents.len()));
        }
        self.open.last().map_or(0, |(_, number)| *number)
    }
}

fn split(path: &BStr) -> (&BStr, &BStr) {
    match path.rfind_byte(b'/') {
        Some(at) => (path[..at].as_bstr(), path[at + 1..].as_bstr()),
        None => (BStr::new(""), path),
    }
}

fn parts(dir: &BStr) -> impl Iterator<Item = &[u8]> {
    dir.split_str("/").filter(|part| !part.is_empty())
}

fn number(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn bytes(n: Option<u64>) -> i64 {
    n.map_or(NONE, |n| i64::try_from(n).unwrap_or(i64::MAX))
}

fn index(n: Option<u32>) -> i64 {
    n.map_or(NONE, i64::from)
}

fn change(change: Change) -> i64 {
    match change {
        Change::Same => 0,
        Change::Added => 1,
        Change::Removed => 2,
        Change::Changed => 3,
        Change::Moved => 4,
    }
}

/// Encodes runs: `value, length, value, length, …`
fn runs(values: impl Iterator<Item = i64>) -> Vec<i64> {
    let mut out: Vec<i64> = Vec::new();
    for value in values {
        match out.as_mut_slice() {
            [.., last, length] if *last == value => *length += 1,
            _ => out.extend([value, 1]),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, size: u64, layer: u32) -> File {
        File { path: path.into(), size: Some(size), layer: Some(layer), ..File::default() }
    }

    #[test]
    fn files_of_a_directory_are_together_whatever_order_they_come_in() {
        let files =
            [file("a/b/c", 3, 1), file("a/z", 2, 0), file("a-b/x", 5, 1), file("top", 1, 0), file("a/b/d/e", 4, 1)];
        let columns = encode(&files);
        assert_eq!(columns.names, "top\nz\nc\ne\nx");
        assert_eq!(columns.dir_names, "\na\nb\nd\na-b");
        assert_eq!(columns.dir_parents, [0, 1, 2, 0]);
        assert_eq!(columns.dirs, [0, 1, 1, 1, 2, 1, 3, 1, 4, 1]);
        assert_eq!(columns.sizes, [1, 2, 3, 4, 5]);
        assert_eq!(columns.layers, [0, 2, 1, 3]);
        assert_eq!(columns.changes, [-1, 5]);
        let mut reversed = files.to_vec();
        reversed.reverse();
        assert_eq!(encode(&reversed), columns);
    }

    #[test]
    fn names_never_hold_what_separates_them() {
        let columns = encode(&[file("d\n/x\ny", 1, 0), file("d\n/\u{fffd}", 1, 0)]);
        assert_eq!(columns.dir_names, "\nd\\n");
        assert_eq!(columns.names, "x\\ny\n\u{fffd}");
        let raw = File { path: b"\xff/\xfe".into(), ..File::default() };
        let columns = encode(&[raw]);
        assert_eq!((columns.dir_names.as_str(), columns.names.as_str()), ("\n\\xff", "\\xfe"));
        assert_eq!(columns.sizes, [-1]);
    }

    #[test]
    fn no_files_are_no_rows() {
        assert_eq!(encode(&[]), Columns::default());
    }
}
