use globset::GlobMatcher;
use proptest::prelude::*;

use super::super::{Request, resolve};
use super::*;

fn index(patterns: &[&str]) -> Index<usize> {
    let globs: Vec<super::super::Glob> = patterns
        .iter()
        .map(|p| super::super::Glob {
            source: (*p).to_owned(),
            expanded: vec![(*p).to_owned()],
        })
        .collect();
    Index::new(globs.iter().enumerate().map(|(i, g)| (g, i)).collect()).unwrap()
}

fn found(index: &Index<usize>, path: &str) -> Vec<usize> {
    let mut out = Vec::new();
    index.find(path.as_bytes(), |i| out.push(i));
    out.sort_unstable();
    out.dedup();
    out
}

fn profile(text: &str) -> Profile {
    let read = |_: &str| Ok(text.to_owned());
    resolve(
        &Request {
            profiles: &["t.toml".to_owned()],
            ..Request::default()
        },
        &read,
    )
    .unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn a_pattern_is_rooted_and_stays_within_a_component() {
    for (pattern, yes, no) in [
        ("a/b", &["a/b"][..], &["a", "a/b/c", "x/a/b", "a/bc"][..]),
        ("**/b", &["b", "a/b", "x/a/b"], &["a/b/c", "ab"]),
        ("a/**", &["a/b", "a/b/c"], &["a", "ab"]),
        ("a/**/b", &["a/b", "a/x/b", "a/x/y/b", "a/b/b"], &["a/b/c", "ab"]),
        ("**", &["a", "a/b"], &[]),
        ("**/a/**/b/c", &["a/b/c", "x/a/b/a/b/c", "a/a/b/b/c"], &["b/c", "a/c"]),
        ("*", &["a", ".a"], &["a/b"]),
        ("a*c?", &["acd", "abccd"], &["ac", "ac/"]),
        ("**/*.map", &["x.map", "a/.map", "a/b.c.map"], &["map", "x.map/y"]),
        (r"\*\{", &["*{"], &["a{"]),
        ("{a,b/c}/d", &["a/d", "b/c/d"], &["b/d"]),
        ("[a-c]x", &["bx"], &["dx"]),
        ("a**b", &["axb", "ab"], &["a/b"]),
        ("é?", &["éa"], &["éé"]),
    ] {
        let i = index(&[pattern]);
        yes.iter().for_each(|p| assert_eq!(found(&i, p), [0], "{pattern} {p}"));
        no.iter()
            .for_each(|p| assert_eq!(found(&i, p), [0; 0], "{pattern} {p}"));
    }
}

#[test]
fn names_are_bytes() {
    let i = index(&["a/*\u{e9}", "a/?"]);
    let mut out = Vec::new();
    i.find(b"a/\xff", |t| out.push(t));
    i.find(b"a/\xff\xc3\xa9", |t| out.push(t));
    assert_eq!(out, [1, 0]);
}

#[test]
fn hits_are_those_of_enabled_rules_each_once() {
    let p = profile(
        r#"
        [[rule]]
        id = "off"
        action = "drop"
        risk = "opt-in"
        paths = ["a/b"]
        [[rule]]
        id = "on"
        action = "drop"
        paths = ["**/b", "a/*", "{a,b}/b"]
        except = ["a/*", "[a]/b"]
        [protect]
        paths = ["a/b"]
        "#,
    );
    let m = Matcher::new(&p).unwrap();
    let mut hits = Hits {
        rules: vec![7],
        except: vec![7],
        protects: vec![7],
    };
    m.matches(b"a/b", &mut hits);
    assert_eq!((hits.rules, hits.except), (vec![1], vec![1]));
    assert_eq!(p.protects[usize::from(hits.protects[0])].path.source, "a/b");
    let mut hits = Hits::default();
    m.matches(b"a", &mut hits);
    assert_eq!(hits, Hits::default());
}

#[test]
fn a_protection_does_not_hold_below_its_exceptions() {
    let p = profile(r#"protect.paths = [{ path = "**/zq", except = ["**/cache", "tmp"] }, { path = "**/zq*" }]"#);
    let m = Matcher::new(&p).unwrap();
    let mut hits = Hits::default();
    let mut count = |path: &str| {
        m.matches(path.as_bytes(), &mut hits);
        hits.protects.len()
    };
    assert_eq!(
        ["a/zq", "a/cache/b/zq", "tmp/zq", "tmpx/zq", "a/cache/zqq"].map(&mut count),
        [2, 1, 1, 2, 1]
    );
}

/// Small globs and paths over few letters, so that they often match.
fn small_glob() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        3 => "[ab.]{1,3}",
        2 => "[ab.*?]{1,4}",
        2 => Just("**".to_owned()),
        1 => r"\\[*?ab]",
        1 => Just("{a,*b,}x".to_owned()),
        1 => Just("[!a]b".to_owned()),
    ];
    prop::collection::vec(part, 1..5).prop_map(|parts| parts.join("/"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn the_matcher_agrees_with_globset(globs in prop::collection::vec(small_glob(), 1..6), path in "[abx.*?]{1,3}(/[abx.]{1,3}){0,4}") {
        let patterns: Vec<&str> = globs.iter().map(String::as_str).collect();
        let oracle = |p: &str| -> GlobMatcher { pattern::compile(p).unwrap().compile_matcher() };
        let expected: Vec<usize> =
            (0..patterns.len()).filter(|i| oracle(patterns[*i]).is_match_candidate(&Candidate::from_bytes(path.as_bytes()))).collect();
        prop_assert_eq!(found(&index(&patterns), &path), expected);
    }
}

/// `cargo test --release -- --ignored --nocapture a_path_takes`, with a list of paths in `SLIM_PATHS` if there is one.
#[test]
#[ignore = "a measurement"]
fn a_path_takes_under_two_microseconds() {
    let request = Request {
        profiles: &["python-slim".to_owned(), "node-slim".to_owned()],
        ..Request::default()
    };
    let p = resolve(&request, &|_| Err(std::io::Error::other("no files"))).unwrap();
    let paths = std::env::var("SLIM_PATHS")
        .ok()
        .and_then(|file| std::fs::read_to_string(file).ok());
    let made = || {
        (0..50_000)
            .map(|i| format!("app/.venv/lib/python3.11/site-packages/p{i}/core/m{i}.py\n"))
            .collect()
    };
    let paths = paths.unwrap_or_else(made);
    let start = std::time::Instant::now();
    let m = Matcher::new(&p).unwrap();
    println!(
        "compiled in {:?}: {} rules, {} protections",
        start.elapsed(),
        p.rules.len(),
        p.protects.len()
    );
    let (mut hits, mut total) = (Hits::default(), 0);
    let start = std::time::Instant::now();
    for path in paths.lines() {
        m.matches(path.as_bytes(), &mut hits);
        total += hits.rules.len() + hits.protects.len();
    }
    let each = start.elapsed() / u32::try_from(paths.lines().count()).unwrap();
    println!("{each:?} a path, {total} hits");
    assert!(each.as_nanos() < 2000);
}
