use super::*;
use crate::image::ImageFacts;
use crate::layer::LayerIndex;
use crate::profile::{self, Matcher};
use crate::refs::{Reference, Target, script};
use crate::tree::NodeId;
use crate::tree::merge::{merge, tests::layer};
use std::ops::Range;

const HIDDEN: &str = "[[rule]]\nid = 'shadowed'\naction = 'drop-shadowed'\n";

/// An image of layers written as lines, and the options of its plan.
#[derive(Default)]
struct Case {
    layers: Vec<LayerIndex>,
    facts: ImageFacts,
    rules: String,
    squash: bool,
    base: usize,
}

/// The result: the paths of each output layer, and the held paths with the reason.
#[derive(Debug)]
struct Planned {
    layers: Vec<Vec<String>>,
    held: Vec<(String, HoldReason)>,
    removed: Vec<(String, TakenBy)>,
}

impl Case {
    fn new(layers: &[&[&str]]) -> Self {
        let index = |lines: &&[&str]| {
            let members = layer(lines);
            let tar_bytes = members.last().map_or(0, |m| m.span().end) + 1024;
            LayerIndex { members, tar_bytes, ..LayerIndex::default() }
        };
        Self { layers: layers.iter().map(index).collect(), ..Self::default() }
    }

    fn rules(mut self, rules: &str) -> Self {
        self.rules = rules.to_owned();
        self
    }

    fn drop(self, pattern: &str) -> Self {
        let rule = format!("{HIDDEN}[[rule]]\nid = 'd'\naction = 'drop'\npaths = ['{pattern}']\n");
        self.rules(&rule)
    }

    fn squash(mut self) -> Self {
        self.squash = true;
        self
    }

    fn base(mut self, layers: usize) -> Self {
        self.base = layers;
        self
    }

    fn fact(mut self, path: &str, facts: crate::layer::Facts) -> Self {
        let layer = &mut self.layers[0];
        let member = layer.members.iter().position(|m| *m.path == path).unwrap();
        layer.facts.insert(member as u32, facts);
        self
    }

    fn run(&self) -> Planned {
        let rules = if self.rules.is_empty() { HIDDEN } else { &self.rules };
        let names = ["./case.toml".to_owned()];
        let request = profile::Request { profiles: &names, ..Default::default() };
        let profile = profile::resolve(&request, &|_| Ok(rules.to_owned())).unwrap();
        let layers: Vec<&LayerIndex> = self.layers.iter().collect();
        let members: Vec<_> = layers.iter().map(|l| l.members.as_slice()).collect();
        let merged = merge(&members, self.base).unwrap();
        let matcher = Matcher::new(&profile).unwrap();
        let plan = plan(&Request {
            facts: &self.facts,
            layers: &layers,
            merged: &merged,
            profile: &profile,
            matcher: &matcher,
            named: None,
            squash: self.squash,
            base: self.base,
            cut: &cut::WHOLE,
        })
        .unwrap();
        let path = |id: NodeId| merged.tree.path(id).to_string();
        let removed = |r: &Removed| (layers[r.layer as usize].members[r.member as usize].path.to_string(), r.by);
        Planned {
            layers: plan.outputs.iter().map(|o| self.read(o)).collect(),
            held: plan.held.iter().map(|h| (path(h.node), h.why)).collect(),
            removed: plan.removed.iter().map(removed).collect(),
        }
    }

    /// Returns the members of an output layer: copied ones as `path`, new ones as `+path`, links as `+path=>target`.
    fn read(&self, output: &LayerPlan) -> Vec<String> {
        let pieces = match output {
            LayerPlan::Verbatim(from) => return vec![format!("={from}")],
            LayerPlan::Splice { pieces, .. } => pieces,
        };
        let mut out = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Bytes(bytes) => {
                    for header in bytes.chunks_exact(512).filter(|b| b[0] != 0) {
                        let text = |range: Range<usize>| {
                            let end = header[range.clone()].iter().position(|&c| c == 0).unwrap_or(range.len());
                            String::from_utf8_lossy(&header[range][..end]).into_owned()
                        };
                        let target = text(157..257);
                        let target = if target.is_empty() { target } else { format!("=>{target}") };
                        out.push(format!("+{}{target}", text(0..100)));
                    }
                }
                Piece::Spooled(_) => unreachable!("nothing is made here"),
                Piece::Copy { layer, range } => {
                    let members = self.layers[*layer as usize].members.iter();
                    let inside = members.filter(|m| m.start >= range.start && m.span().end <= range.end);
                    out.extend(inside.map(|m| m.path.to_string()));
                }
            }
        }
        out
    }
}

fn lists(layers: &[&[&str]]) -> Vec<Vec<String>> {
    layers.iter().map(|l| l.iter().map(|&s| s.to_owned()).collect()).collect()
}

#[test]
fn layers_lose_what_later_ones_hide() {
    let case = Case::new(&[&["d/", "d/x", "f"], &["f", "d/", "d/.wh.x", "d/y"], &[".wh.f"]]);
    assert_eq!(case.run().layers, lists(&[&["d", "d/y"]]));
}

#[test]
fn an_untouched_layer_is_verbatim() {
    let case = Case::new(&[&["d/", "d/x"], &["y"]]);
    assert_eq!(case.run().layers, lists(&[&["=0"], &["=1"]]));
    assert_eq!(Case::new(&[&["d/", "d/x"]]).squash().run().layers, lists(&[&["=0"]]));
}

#[test]
fn a_group_whose_holder_goes_moves_its_data_to_the_next_name() {
    let case = Case::new(&[&["a", "b=>a", "c=>a"], &["a"]]);
    assert_eq!(case.run().layers, lists(&[&["+b", "+c=>b"], &["=1"]]));
    assert_eq!(case.squash().run().layers, lists(&[&["+b", "+c=>b", "a"]]));
}

#[test]
fn a_link_into_a_lower_layer_is_written_with_its_group() {
    let case = Case::new(&[&["a"], &["b=>a", "z"]]);
    assert_eq!(case.run().layers, lists(&[&["+b", "+a=>b", "z"]]));
}

#[test]
fn a_directory_stays_with_anything_in_it() {
    let case = Case::new(&[&["d/", "d/e/", "d/e/x", "d/y", "k"]]);
    let planned = Case::new(&[&["d/", "d/e/", "d/e/x", "d/y", "k"]])
        .rules("[[rule]]\nid = 'd'\naction = 'drop'\npaths = ['d']\nexcept = ['d/y']\n")
        .run();
    assert_eq!(planned.layers, lists(&[&["d", "d/y", "k"]]));
    assert_eq!(case.drop("/d").run().layers, lists(&[&["k"]]));
}

#[test]
fn protection_wins_over_everything() {
    let case = Case::new(&[&["d/x", "d/keep", "other"]]);
    let rules = "[[rule]]\nid = 'd'\naction = 'drop'\npaths = ['d']\n[protect]\npaths = ['d/keep']\n";
    let planned = case.rules(rules).run();
    assert_eq!(planned.layers, lists(&[&["d/keep", "other"]]));
    assert!(matches!(planned.held[..], [(ref path, HoldReason::Protected(_))] if path == "d/keep"));
}

#[test]
fn what_a_kept_link_leads_to_stays() {
    let planned =
        Case::new(&[&["opt/real", "opt/more", "opt/via->real", "app->/opt/via", "bin=>opt/more"]]).drop("opt").run();
    assert_eq!(planned.layers, lists(&[&["=0"]]));
    assert_eq!(planned.held.len(), 3);
    // A link that goes holds nothing, nor does one to a directory that no rule names.
    let planned = Case::new(&[&["opt/x", "opt/l->x", "top->opt"]]).drop("opt/*").run();
    assert_eq!(planned.layers, lists(&[&["top", "+opt/"]]));
    assert!(planned.held.is_empty());
}

#[test]
fn interpreters_and_what_the_config_names_stay() {
    let script = script::shebang(b"#!/usr/bin/env tool\n");
    let mut case =
        Case::new(&[&["usr/bin/env", "usr/bin/tool->../lib/tool", "usr/lib/tool", "usr/bin/entry", "usr/bin/x", "s"]])
            .drop("usr")
            .fact("s", crate::layer::Facts { script, ..Default::default() });
    case.facts.entrypoint = vec!["entry".to_owned(), "--flag".to_owned()];
    assert_eq!(case.run().layers, lists(&[&["usr/bin/env", "usr/bin/tool", "usr/lib/tool", "usr/bin/entry", "s"]]));
}

#[test]
fn what_python_imports_is_rescued_from_guarded_rules() {
    let rules = "[sets]\npython-path = ['**/lib']\n[[rule]]\nid = 't'\naction = 'drop'\npaths = ['**/tests']\nguard = 'python'\n";
    let import = |level, module: &str, names: &[&str]| Reference {
        line: 7,
        when: crate::refs::When::Always,
        target: Target::Import { level, module: module.into(), names: names.join(",").into() },
    };
    let facts =
        |references: Vec<Reference>| crate::layer::Facts { references: references.into(), ..Default::default() };
    let files =
        ["lib/p/__init__.py", "lib/p/tests/__init__.py", "lib/p/tests/a.py", "lib/p/tests/b.py", "lib/p/tests/c.py"];
    let planned = Case::new(&[&files])
        .rules(rules)
        .fact("lib/p/__init__.py", facts(vec![import(0, "p.tests", &["a"])]))
        .fact("lib/p/tests/a.py", facts(vec![import(1, "b", &[])]))
        .run();
    assert_eq!(planned.layers, lists(&[&files[..4]]));
    let [(path, TakenBy::Rule(rule))] = planned.removed.as_slice() else { panic!("{planned:?}") };
    assert_eq!((path.as_str(), rule.index()), ("lib/p/tests/c.py", 0));
}

#[test]
fn above_a_base_whiteouts_stay_for_what_would_come_back() {
    let base: &[&str] = &["d/", "d/old", "gone", "kept"];
    let case = Case::new(&[base, &[".wh.gone", "mid"], &[".wh.d"], &["d/", "d/new"]]).base(1);
    assert_eq!(case.run().layers, lists(&[&["=0"], &["=1"], &["d", "d/new", "+d/.wh.old"]]));
    assert_eq!(case.squash().run().layers, lists(&[&["=0"], &["mid", "d", "d/new", "+d/.wh.old", "+.wh.gone"]]));
    // A directory that the base only implies is there although nothing in it is.
    let implied = Case::new(&[&["v/x"], &["v/.wh.x"], &[".wh.v", "new"]]).base(2);
    assert_eq!(implied.run().layers, lists(&[&["=0"], &["=1"], &["=2"]]));
    let planned = Case::new(&[&["f", "b"], &["f"], &["z"]]).base(1).drop("{f,b}").run();
    assert_eq!(planned.layers, lists(&[&["=0"], &["z", "+.wh.f"]]));
    assert!(matches!(planned.held[..], [(ref path, HoldReason::Base)] if path == "b"));
}

#[test]
fn without_the_rule_what_is_hidden_stays() {
    let rule = "[[rule]]\nid = 'd'\naction = 'drop'\npaths = ['f', 'g']\n";
    let case = Case::new(&[&["f", "x"], &["f", "x"], &["g"]]).rules(rule);
    assert_eq!(case.run().layers, lists(&[&["x"], &["x"]]));
    let linked = Case::new(&[&["f", "l=>f"], &["f", ".wh.l"]]).rules(rule);
    assert_eq!(linked.run().layers, lists(&[&["=0"], &["+.wh.f", ".wh.l"]]));
}

#[test]
fn translations_that_the_environment_asks_for_stay() {
    let locale = "usr/share/locale";
    let files =
        ["de/LC_MESSAGES/a.mo", "de_AT/LC_MESSAGES/a.mo", "da/LC_MESSAGES/a.mo"].map(|f| format!("{locale}/{f}"));
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let mut case = Case::new(&[&files]).drop("usr/share/locale/*/LC_*");
    let dirs = ["da", "de", "de_AT"].map(|dir| format!("+{locale}/{dir}/"));
    assert_eq!(case.run().layers, [dirs.to_vec()]);
    case.facts.env = vec![("LANG".to_owned(), "de_DE.UTF-8".to_owned())];
    assert_eq!(case.run().layers, [[&files[..2], &[&dirs[0]]].concat()]);
}

#[test]
fn a_directory_that_only_its_hidden_children_implied_stays() {
    let case = Case::new(&[&["a/b/c"], &[".wh..wh..opq", "z"], &["d/e"], &["d/.wh.e"]]);
    assert_eq!(case.run().layers, lists(&[&["z"], &["+d/"]]));
}

#[test]
fn the_guard_of_the_built_in_profile_sees_imports_from_anywhere() {
    let site = "usr/local/lib/python3.11/site-packages/pkg";
    let files = [
        "app/main.py".to_owned(),
        format!("{site}/__init__.py"),
        format!("{site}/tests/helper.py"),
        format!("{site}/tests/gone.py"),
    ];
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let target = Target::Import { level: 0, module: "pkg.tests.helper".into(), names: "".into() };
    let facts = crate::layer::Facts {
        references: [Reference { line: 1, when: crate::refs::When::Always, target }].into(),
        ..Default::default()
    };
    let case = Case::new(&[&files]).rules("extends = ['python-slim']\n").fact("app/main.py", facts);
    assert_eq!(case.run().layers, lists(&[&files[..3]]));
}

#[test]
fn a_directory_that_its_own_layer_replaced_says_nothing_any_more() {
    let case = Case::new(&[&["b/", "b", "b/c", "z"], &["z"]]);
    assert_eq!(case.run().layers, lists(&[&["b/c"], &["=1"]]));
}

#[test]
fn hidden_links_go_with_their_data() {
    let rule = "[[rule]]\nid = 'd'\naction = 'drop'\npaths = ['a', 'usr/lib/a']\n";
    let chain = Case::new(&[&["a", "b=>a", "c=>b", "k"], &["b", "c"]]).rules(rule);
    assert_eq!(chain.run().layers, lists(&[&["k"], &["=1"]]));
    let linked = Case::new(&[&["lib->usr/lib", "usr/lib/a", "b=>lib/a"], &["b"]]).rules(rule);
    assert_eq!(linked.run().layers, lists(&[&["lib", "+usr/lib/"], &["=1"]]));
}

#[test]
fn no_path_is_whited_out_twice_and_whiteouts_have_their_parents() {
    let base: &[&str] = &["e/", "e/x", "f"];
    let twice = Case::new(&[base, &["e/.wh.x", "e/.wh.x", "f"]]).base(1);
    assert_eq!(twice.run().layers, lists(&[&["=0"], &["+e/", "e/.wh.x", "f"]]));
    let rule = "[[rule]]\nid = 'd'\naction = 'drop'\npaths = ['f']\n";
    let beside = Case::new(&[base, &[".wh.f", "f", "g"]]).base(1).rules(rule);
    assert_eq!(beside.run().layers, lists(&[&["=0"], &[".wh.f", "g"]]));
}

#[test]
fn global_headers_are_not_written_beside_what_is_new() {
    let mut case = Case::new(&[&["a"], &["b=>a", "s"]]);
    case.layers[1].members[1].global = true;
    // A gap where the header was.
    for member in &mut case.layers[1].members {
        member.start += 1024;
    }
    let planned = case.run();
    assert_eq!(planned.layers, lists(&[&["+b", "+a=>b", "+s"]]));
}

#[test]
fn a_name_that_stays_is_not_removed() {
    let planned = Case::new(&[&["a", "b=>a"], &["a"]]).run();
    assert!(planned.removed.is_empty(), "{:?}", planned.removed);
}

#[test]
fn tests_that_are_no_python_code_are_data() {
    let site = "usr/lib/python3/dist-packages";
    let files = [
        "p/__init__.py",
        "p/tests/a.sql",
        "p/data/tests/test_x.py",
        "p/sub/__init__.py",
        "p/sub/tests/test_y.py",
        "tests/z.py",
    ];
    let files: Vec<String> = files.iter().map(|f| format!("{site}/{f}")).collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let case = Case::new(&[&files]).rules("extends = ['python-slim']\n");
    assert_eq!(case.run().layers, lists(&[&files[..4]]));
}
