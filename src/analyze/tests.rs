//! Numbers worked out by hand. Each file has 512 bytes of data and a header of 512.

use super::*;
use crate::layer::LayerIndex;
use crate::tree::merge::{merge, tests::layer};
use waste::Cause;

fn indexes(layers: &[&[&str]]) -> Vec<LayerIndex> {
    let index = |lines: &&[&str]| {
        let mut members = layer(lines);
        // dive takes a member for a directory by its flag.
        members.iter_mut().filter(|m| m.kind == crate::tar::Kind::Dir).for_each(|m| m.flag = b'5');
        let tar_bytes = members.last().map_or(0, |m| m.span().end) + 1024;
        LayerIndex { members, tar_bytes, ..LayerIndex::default() }
    };
    layers.iter().map(index).collect()
}

/// Returns the efficiency, the wasted bytes, and the paths that are there more than once.
fn dive(layers: &[&[&str]]) -> (f64, u64, Vec<(u64, String)>) {
    let layers = indexes(layers);
    let metric = dive::metric(&layers.iter().collect::<Vec<_>>());
    let paths = metric.inefficient.iter().map(|i| (i.count, i.file.to_string())).collect();
    (metric.efficiency, metric.wasted_bytes, paths)
}

#[test]
fn efficiency_is_the_least_size_of_each_path_over_all_of_them() {
    assert_eq!(dive(&[&[]]), (1.0, 0, vec![]));
    assert_eq!(dive(&[&["a"], &["b"]]), (1.0, 0, vec![]));
    assert_eq!(dive(&[&["a"], &["a"]]), (0.5, 1024, vec![(2, "/a".into())]));
    assert_eq!(dive(&[&["a", "b"], &[".wh.a"]]), (0.5, 512, vec![(2, "/a".into())]));
    // A whiteout of a directory is one mention of a path that was no leaf.
    assert_eq!(dive(&[&["d/", "d/a"], &[".wh.d"]]), (1.0, 0, vec![]));
    assert_eq!(dive(&[&["d/", "d/a"], &[".wh.d"], &["d"]]), (2.0 / 3.0, 1024, vec![(2, "/d".into())]));
    // Without a header of its own it is no directory.
    assert_eq!(dive(&[&["d/a"], &[".wh.d"]]), (1.0, 0, vec![]));
    // Nothing to hide: the visit ends, and -1 is the least.
    assert_eq!(dive(&[&["a"], &[".wh.b", "a"]]), (511.0 / 512.0, 0, vec![]));
    // `+` comes before `.`, so `+x` is added to the stack and then taken out.
    assert_eq!(dive(&[&["+x"], &["+x", ".wh.+x"], &[".wh.+x"]]).0, 0.0);
    assert_eq!(dive(&[&["d/", "d/a"], &["d/.wh..wh..opq"]]), (1.0, 0, vec![]));
}

fn waste(layers: &[&[&str]]) -> Vec<(Cause, Option<usize>, String, u64)> {
    let layers = indexes(layers);
    let layers: Vec<&LayerIndex> = layers.iter().collect();
    let members: Vec<_> = layers.iter().map(|l| l.members.as_slice()).collect();
    let merged = merge(&members, 0).unwrap();
    let needed = waste::needed(&layers, &merged.tree);
    let found = waste::find(&layers, &merged, &needed);
    assert_eq!(found.bytes(), found.steps.iter().map(waste::Waste::bytes).sum::<u64>());
    assert_eq!(found.bytes(), found.paths.iter().map(waste::Waste::bytes).sum::<u64>());
    found.paths.iter().map(|w| (w.cause, w.by, w.path.to_string(), w.bytes())).collect()
}

#[test]
fn waste_is_what_no_path_needs_and_is_told_once() {
    use Cause::{Deleted, Marker, Replaced};
    assert_eq!(waste(&[&["a"], &["b"]]), []);
    assert_eq!(waste(&[&["a"], &["a"]]), [(Replaced, Some(2), "a".into(), 1024)]);
    assert_eq!(waste(&[&["a", "a"]]), [(Replaced, Some(1), "a".into(), 1024)]);
    assert_eq!(
        waste(&[&["d/", "d/a", "d/b"], &[".wh.d"]]),
        [(Deleted, Some(2), "d".into(), 512 + 2 * 1024), (Marker, Some(2), ".wh.d".into(), 512)]
    );
    // The first layer that hides the file deleted it.
    assert_eq!(waste(&[&["a"], &[".wh.a"], &["a"]])[0], (Deleted, Some(2), "a".into(), 1024));
    // Another name still needs the data.
    assert_eq!(waste(&[&["a", "b=>a"], &["a"]]), []);
    assert_eq!(waste(&[&["d/", "d/a"], &["d/.wh..wh..opq"]])[0], (Deleted, Some(2), "d".into(), 1024));
    // A directory that upper layers describe again is needed by its files.
    assert_eq!(waste(&[&["d/", "d/a"], &["d/", "d/b"]]), []);
}

#[test]
fn commands_can_be_pasted_into_a_shell() {
    assert_eq!(text::command("a.tar:x/y:1", "auto"), "slim a.tar:x/y:1 -p auto -o OUT");
    assert_eq!(text::command("a b's.tar", "auto"), "slim \"a b's.tar\" -p auto -o OUT");
}

#[test]
fn each_risk_is_told_only_if_it_saves_more_than_the_lower_ones() {
    use crate::profile::Risk;
    let saving = |profile: &str, risk, saved_bytes| savings::Saving {
        profile: profile.to_owned(),
        risk,
        costs: Vec::new(),
        output_bytes: 100 - saved_bytes,
        saved_bytes,
        rules: Vec::new(),
    };
    let levels = |savings: &[savings::Saving]| {
        let analysis = Analysis {
            head: Head::default(),
            layers: Vec::new(),
            paths: 0,
            metric: dive::metric(&[]),
            wasted: Wasted::default(),
            breakdown: None,
            savings: savings.to_vec(),
            advice: None,
            findings: None,
            growth: None,
            verdict: None,
        };
        analysis.levels().into_iter().map(|s| s.profile.clone()).collect::<Vec<_>>()
    };
    let (most, low) = (saving("most", Risk::OptIn, 50), saving("low", Risk::Low, 30));
    let (safe, less) = (saving("safe", Risk::None, 20), saving("less", Risk::OptIn, 10));
    assert_eq!(levels(&[most.clone(), low.clone(), safe.clone(), less.clone()]), ["safe", "low", "most"]);
    assert_eq!(levels(&[low, less.clone()]), ["low"]);
    assert_eq!(levels(&[less]), ["less"]);
    assert_eq!(levels(&[saving("nothing", Risk::None, 0)]), Vec::<String>::new());
}
