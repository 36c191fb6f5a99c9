//! Tests with plans of layers written as lines, compared as text.

use super::*;
use crate::image::ImageFacts;
use crate::layer::LayerIndex;
use crate::plan::{self, Plan};
use crate::profile::Profile;
use crate::profile::{self, Matcher};
use crate::report::paint::Paint;
use crate::tree::merge::{Merged, merge, tests::layer};

const HIDDEN: &str = "[[rule]]\nid = 'shadowed'\nabout = 'unseen'\naction = 'drop-shadowed'\n";

struct Case {
    layers: Vec<LayerIndex>,
    merged: Merged,
    plan: Plan,
    profile: Profile,
    base: usize,
}

impl Case {
    /// Makes a case of layers, with the rule `shadowed` and one called `d` for these patterns.
    fn new(layers: &[&[&str]], drop: &str) -> Self {
        Self::with(layers, &format!("{HIDDEN}[[rule]]\nid = 'd'\naction = 'drop'\npaths = [{drop}]\n"), 0)
    }

    fn with(layers: &[&[&str]], rules: &str, base: usize) -> Self {
        let index = |lines: &&[&str]| LayerIndex { members: layer(lines), ..LayerIndex::default() };
        let layers: Vec<LayerIndex> = layers.iter().map(index).collect();
        let names = ["./case.toml".to_owned()];
        let request = profile::Request { profiles: &names, ..Default::default() };
        let profile = profile::resolve(&request, &|_| Ok(rules.to_owned())).unwrap();
        let refs: Vec<&LayerIndex> = layers.iter().collect();
        let members: Vec<_> = layers.iter().map(|l| l.members.as_slice()).collect();
        let merged = merge(&members, base).unwrap();
        let plan = plan::plan(&plan::Request {
            facts: &ImageFacts::default(),
            layers: &refs,
            merged: &merged,
            profile: &profile,
            matcher: &Matcher::new(&profile).unwrap(),
            named: None,
            squash: false,
            base,
            cut: &plan::cut::WHOLE,
        });
        let plan = plan.unwrap();
        Self { merged, plan, profile, base, layers }
    }

    fn ask<T>(&self, then: impl FnOnce(&Explain<'_>) -> T) -> T {
        let layers: Vec<&LayerIndex> = self.layers.iter().collect();
        then(&Explain::new(Planned {
            tags: &["t".to_owned()],
            platform: "linux/amd64",
            instructions: &["RUN a"],
            layers: &layers,
            tree: &self.merged.tree,
            whiteouts: &self.merged.whiteouts,
            plan: &self.plan,
            profile: &self.profile,
            base: self.base,
        }))
    }

    /// Returns the tree without its heading and the table at its end.
    fn tree(&self, paths: &[&str], only: &[Verdict], options: tree::Options) -> Vec<String> {
        let paths: Vec<String> = paths.iter().map(|p| (*p).to_owned()).collect();
        self.ask(|explain| {
            let chosen = Chosen::new(explain, &Selection::new(&paths, only));
            let mut out = Vec::new();
            tree::write(&chosen, &options, &mut out).unwrap();
            let text = String::from_utf8(out).unwrap();
            text.lines().skip(2).take_while(|l| !l.is_empty()).map(str::to_owned).collect()
        })
    }

    /// Returns `path verdict why` of each entry.
    fn entries(&self) -> Vec<String> {
        let show =
            |e: &Explain<'_>, entry: Entry| format!("{} {}: {}", e.path(&entry), entry.verdict.name(), e.why(&entry));
        self.ask(|explain| explain.entries().map(|entry| show(explain, entry)).collect())
    }

    fn why(&self, path: &str) -> Option<Vec<String>> {
        self.ask(|explain| explain.answer(path).map(|a| a.sentences))
    }
}

const PLAIN: tree::Options =
    tree::Options { width: None, paint: Paint(false), all: false, depth: None, sort: Sort::Name };

#[test]
fn verdicts_are_numbered_as_they_are_listed() {
    for (index, verdict) in Verdict::ALL.into_iter().enumerate() {
        assert_eq!((verdict as usize, verdict.bit()), (index, 1 << index));
    }
}

#[test]
fn what_hides_a_path_is_named_with_its_layer() {
    let lower = &["f", "g", "d/", "d/x", "e/", "e/y", "o/", "o/z", "k/", "s", "s"][..];
    let case = Case::new(&[lower, &[".wh.f", "g", ".wh.d"], &["f", "e", "o/", "o/.wh..wh..opq", "k/"]], "'none'");
    let hidden: Vec<String> = case.entries().into_iter().filter(|e| e.contains(" hidden: ")).collect();
    let expected = [
        "d hidden: layer 2 deletes it",
        "d/x hidden: layer 2 deletes it",
        "e hidden: layer 3 replaces it",
        "e/y hidden: layer 3 replaces it",
        "f hidden: layer 2 deletes it",
        "g hidden: layer 2 replaces it",
        "k hidden: layer 3 describes it anew",
        "o hidden: layer 3 describes it anew",
        "o/z hidden: layer 3 hides all that was in its directory",
        "s hidden: a later entry of the same layer replaces it",
        ".wh.d hidden: a marker that hides what lower layers have",
        ".wh.f hidden: a marker that hides what lower layers have",
        "o/.wh..wh..opq hidden: a marker that hides what lower layers have",
    ];
    assert_eq!(hidden, expected);
}

#[test]
fn what_stays_hidden_is_told_apart_from_what_goes() {
    let layers: [&[&str]; 2] = [&["f"], &["f"]];
    let stays = Case::with(&layers, "[[rule]]\nid = 'd'\naction = 'drop'\npaths = ['none']\n", 0);
    stays.ask(|e| {
        assert_eq!(
            e.entries().map(|e| (e.verdict, e.bytes)).collect::<Vec<_>>(),
            [(Verdict::Keep, 0), (Verdict::Hidden, 0)]
        )
    });
    let said = stays.why("f").unwrap();
    assert_eq!(
        said[1],
        "f (512 B) in layer 1 stays there: no container sees it (layer 2 replaces it), but no rule asks for it."
    );
    let goes = Case::new(&layers, "'none'").why("f").unwrap();
    assert_eq!(
        goes[1],
        "f (512 B) in layer 1, which no container sees (layer 2 replaces it), goes: the rule `shadowed` (case.toml, risk low) drops it: unseen."
    );
    let base = Case::with(&layers, HIDDEN, 1).why("f").unwrap();
    assert!(base[1].ends_with("(layer 2 replaces it), and other images share the layer."), "{base:?}");
}

#[test]
fn a_directory_of_one_fate_is_one_line_and_what_stays_is_none() {
    let case = Case::new(&[&["a/", "a/x", "a/y", "b/", "b/k", "c/", "c/d/", "c/d/x", "c/k", "z"]], "'a', 'c/d/*'");
    let expected = [
        "   3.6 kB     8.2 kB           /",
        "   2.6 kB     2.6 kB  drop     ├── a/  2 files, d",
        "   1.0 kB     3.1 kB           └── c/",
    ];
    let tree = case.tree(&[], &[], PLAIN);
    assert_eq!(tree[..3], expected);
    assert_eq!(tree[3], "   1.0 kB     1.5 kB  drop         └── d/*  1 file, d", "the directory itself stays");
    assert_eq!(tree.len(), 4);
    let all = case.tree(&[], &[], tree::Options { all: true, ..PLAIN });
    assert_eq!(all.len(), 11, "every path and the root: {all:#?}");
    assert_eq!(all[10], "              1.0 kB  keep     └── z");
    let folded = case.tree(&[], &[], tree::Options { depth: Some(1), ..PLAIN });
    assert_eq!(folded[2], "   1.0 kB     3.1 kB           └── c/  drop 1, keep 1");
    assert_eq!(case.tree(&[], &[], tree::Options { depth: Some(0), ..PLAIN }).len(), 1);
}

#[test]
fn neighbours_of_one_fate_are_one_line() {
    let case = Case::new(&[&["d/", "d/1", "d/2", "d/3", "d/4", "d/k"]], "'d/[0-9]'");
    assert_eq!(case.tree(&[], &[], PLAIN)[2], "   4.1 kB     4.1 kB  drop         └── 1 and 3 more  4 files, d");
}

#[test]
fn what_is_asked_for_is_shown() {
    let case = Case::new(&[&["a/", "a/x", "b/", "b/k", "b/c/", "b/c/l", "tests", "b/tests"]], "'a'");
    let tree = |paths: &[&str], only: &[Verdict]| -> Vec<String> {
        let lines = case.tree(paths, only, PLAIN);
        lines.iter().skip(1).map(|l| l.chars().skip(22).collect::<String>().trim_end().to_owned()).collect()
    };
    assert_eq!(tree(&["/b/k"], &[]), ["         └── b/", "keep         └── k"]);
    assert_eq!(tree(&["b/"], &[]), ["keep     └── b/  3 files"]);
    assert_eq!(tree(&["**/tests"], &[]), ["         ├── b/", "keep     │   └── tests", "keep     └── tests"]);
    assert_eq!(tree(&[], &[Verdict::Keep]), ["keep     ├── b/  3 files", "keep     └── tests"]);
    assert_eq!(tree(&["b"], &[Verdict::Drop]), Vec::<String>::new());
    let used = case.ask(|e| Chosen::new(e, &Selection::new(&["a".into(), "q".into(), "[".into()], &[])).used);
    assert_eq!(used, [true, false, false]);
}

#[test]
fn sizes_sort_and_widths_cut() {
    let case =
        Case::new(&[&["a", "b/", "b/1", "b/2", "c\u{1b}[2J-long-name-that-does-not-fit-in-the-line-at-all"]], "'*'");
    let by_size = case.tree(&[], &[], tree::Options { sort: Sort::Size, width: Some(60), ..PLAIN });
    assert!(by_size[1].ends_with("├── b/  2 files, d"), "{by_size:#?}");
    assert!(by_size[3].contains(r"c\x1b[2J-long") && by_size[3].ends_with('…'), "{by_size:#?}");
    assert!(by_size.iter().all(|l| l.chars().count() <= 60), "{by_size:#?}");
}

#[test]
fn paths_are_followed_and_chains_of_reasons_told() {
    let layers: [&[&str]; 1] =
        [&["bin->usr/bin", "usr/", "usr/bin/", "usr/bin/tool", "usr/bin/t->tool", "lost->gone", "x"]];
    let case = Case::with(
        &layers,
        "[[rule]]\nid = 'd'\nabout = 'why not'\naction = 'drop'\npaths = ['usr/bin/tool', 'x']\n",
        0,
    );
    let said = case.why("/bin/t").unwrap();
    assert_eq!(said[0], "bin/t leads to usr/bin/tool, by way of bin, usr/bin/t.");
    assert_eq!(said[1], "usr/bin/t (symlink) stays: no rule asks for it.");
    let tool = "usr/bin/tool (512 B) stays: the rule `d` (case.toml, risk low) asks for it, but the link usr/bin/t leads to it.";
    assert_eq!(said[2..4], [tool, "  usr/bin/t (symlink) stays: no rule asks for it."]);
    assert_eq!(case.why("lost").unwrap()[0], "lost is a link to gone, which leads nowhere.");
    assert_eq!(case.why("./x").unwrap(), ["x (512 B) goes: the rule `d` (case.toml, risk low) drops it: why not."]);
    assert_eq!(case.why("bin/tool").unwrap()[0], "bin/tool leads to usr/bin/tool, by way of bin.");
    for missing in ["nope", "bin/nope", "x/y", "../x", "usr/bin/tool/x"] {
        assert_eq!(case.why(missing), None, "{missing}");
    }
    case.ask(|e| {
        assert_eq!(e.near("tool"), ["usr/bin/tool"]);
        assert_eq!(e.near("bin/toool"), ["usr/bin/tool"]);
        assert_eq!(e.near("qqqqqq"), Vec::<String>::new());
        let below = e.answer("/").unwrap().below.unwrap();
        assert_eq!(
            below.iter().map(|b| (b.verdict, b.paths)).collect::<Vec<_>>(),
            [(Verdict::Drop, 1), (Verdict::Held, 1), (Verdict::Keep, 5)]
        );
    });
}

#[test]
fn odd_names_can_be_asked_for_as_they_are_shown() {
    let case = Case::new(&[&["a\nb", "back\\slash"]], "'none'");
    assert_eq!(case.why("a\\nb").unwrap(), ["a\\nb (512 B) stays: no rule asks for it."]);
    assert_eq!(case.why("a\nb").unwrap().len(), 1);
    assert_eq!(case.why("back\\slash").unwrap(), ["back\\\\slash (512 B) stays: no rule asks for it."]);
    assert_eq!(case.why("back\\\\slash").unwrap().len(), 1);
}

#[test]
fn data_that_a_link_keeps_do_not_go() {
    let case = Case::new(&[&["a", "b=>a"]], "'a'");
    let said = case.why("a").unwrap();
    assert!(said[0].contains("stays: the rule `d`") && said[0].contains("the link b leads to it"), "{said:?}");
}
