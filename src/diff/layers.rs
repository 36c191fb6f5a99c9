//! Pairs the layers of two images: by diff_id, else by the instruction that made them, else by their place between two known
//! pairs. So a rebuilt layer is still that of its step, and its contents have not moved.

use super::{Image, Layer, LayerChange};
use crate::analyze::instructions;

/// The most layers for which instructions are compared; with more, only the place counts. No image has so many.
const MOST: usize = 1000;

/// The layers side by side, from the bottom up.
pub(super) struct Aligned {
    /// Indices from 0, of one image or of both.
    rows: Vec<(Option<usize>, Option<usize>)>,
}

impl Aligned {
    /// Returns for each layer of the first image its partner in the second.
    pub(super) fn partners(&self, layers: usize) -> Vec<Option<usize>> {
        let mut out = vec![None; layers];
        for (before, after) in self.rows.iter().filter_map(|(a, b)| a.map(|a| (a, *b))) {
            out[before] = after;
        }
        out
    }
}

/// Puts the layers side by side.
pub(super) fn align(before: &Image<'_>, after: &Image<'_>) -> Aligned {
    let steps = |image: &Image<'_>| -> Vec<String> {
        instructions(image.facts, image.layers.len())
            .map(|i| i.map_or_else(String::new, |i| i.raw().trim().to_owned()))
            .collect()
    };
    let (a, b) = (steps(before), steps(after));
    let likeness = |i: usize, j: usize| {
        if before.stored[i].0 == after.stored[j].0 {
            // The same layer is worth more than all instructions together.
            2 * MOST as u64
        } else {
            u64::from(!a[i].is_empty() && a[i] == b[j])
        }
    };
    let pairs = if a.len().max(b.len()) > MOST { Vec::new() } else { longest(a.len(), b.len(), likeness) };
    let mut rows = Vec::new();
    let (mut i, mut j) = (0, 0);
    for (next_i, next_j) in pairs.into_iter().chain([(a.len(), b.len())]) {
        gap(i..next_i, j..next_j, &mut rows);
        if next_i < a.len() {
            rows.push((Some(next_i), Some(next_j)));
        }
        (i, j) = (next_i + 1, next_j + 1);
    }
    Aligned { rows }
}

/// Adds the layers between known pairs: paired by place if there are as many on both sides.
fn gap(a: std::ops::Range<usize>, b: std::ops::Range<usize>, rows: &mut Vec<(Option<usize>, Option<usize>)>) {
    if a.len() == b.len() {
        rows.extend(a.zip(b).map(|(i, j)| (Some(i), Some(j))));
        return;
    }
    rows.extend(a.map(|i| (Some(i), None)));
    rows.extend(b.map(|j| (None, Some(j))));
}

/// Returns the common subsequence with the greatest likeness.
fn longest(n: usize, m: usize, likeness: impl Fn(usize, usize) -> u64) -> Vec<(usize, usize)> {
    let mut best = vec![vec![0_u64; m + 1]; n + 1];
    for i in (0..n).rev() {
        for j in (0..m).rev() {
            let one = likeness(i, j);
            let both = if one > 0 { best[i + 1][j + 1] + one } else { 0 };
            best[i][j] = both.max(best[i + 1][j]).max(best[i][j + 1]);
        }
    }
    let (mut i, mut j, mut out) = (0, 0, Vec::new());
    while i < n && j < m {
        let one = likeness(i, j);
        if one > 0 && best[i][j] == best[i + 1][j + 1] + one {
            out.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if best[i][j] == best[i + 1][j] {
            i += 1;
        } else {
            j += 1;
        }
    }
    out
}

/// Returns the layers as they are reported.
pub(super) fn changes(before: &Image<'_>, after: &Image<'_>, aligned: &Aligned) -> Vec<LayerChange> {
    let [before, after] = [before, after].map(told);
    let pick = |list: &[Layer], index: Option<usize>| index.map(|index| list[index].clone());
    let one = |&(i, j): &(Option<usize>, Option<usize>)| {
        let (before, after) = (pick(&before, i), pick(&after, j));
        let id = |layer: &Option<Layer>| layer.as_ref().map(|l| l.diff_id.clone());
        LayerChange { same: id(&before) == id(&after), before, after }
    };
    aligned.rows.iter().map(one).collect()
}

fn told(image: &Image<'_>) -> Vec<Layer> {
    let steps = instructions(image.facts, image.layers.len());
    let all = steps.zip(image.layers).zip(image.stored).enumerate();
    all.map(|(index, ((step, layer), (diff_id, blob_bytes)))| Layer {
        index: index + 1,
        instruction: step.map_or_else(String::new, ToString::to_string),
        diff_id: diff_id.to_string(),
        bytes: layer.tar_bytes,
        blob_bytes: *blob_bytes,
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_common_run_wins() {
        let of = |a: &str, b: &str| {
            let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
            longest(a.len(), b.len(), |i, j| u64::from(a[i] == b[j]))
        };
        assert_eq!(of("abc", "abc"), [(0, 0), (1, 1), (2, 2)]);
        assert_eq!(of("abc", "xbzc"), [(1, 1), (2, 3)]);
        assert_eq!(of("ab", "ba").len(), 1);
        assert_eq!(of("", "a"), []);
    }
}
