//! Random small images through every mode, against the oracle. `PROPTEST_CASES=5000` for a long run.

use crate::builder::{Archive, Comp, Form, Image, Item, layer};
use crate::oracle::{self, Checks, diff, open, well_formed};
use crate::run::Dir;
use proptest::prelude::*;

/// Paths from few names, so that they collide.
fn path() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 1..4).prop_map(|parts| parts.join("/"))
}

/// One line of a layer. Content is unique enough to be searched for.
fn line() -> impl Strategy<Value = String> {
    let content = || 0..1_000_000u32;
    let mode = prop::sample::select(vec!["0644", "0600", "4755"]);
    let target = prop::sample::select(vec!["a", "b/c", "../c", "/b", ".", "..", "nowhere"]);
    prop_oneof![
        6 => (path(), content(), mode).prop_map(|(p, c, m)| format!("file {p} content=content-{c:06} mode={m}")),
        3 => (path(), prop::sample::select(vec!["0755", "0700", "1777"]), 0..9u32).prop_map(|(p, m, t)| format!("dir {p} mode={m} mtime={t}.5")),
        2 => (path(), target).prop_map(|(p, t)| format!("sym {p} -> {t}")),
        4 => (path(), path()).prop_map(|(p, t)| format!("link {p} -> {t}")),
        3 => path().prop_map(|p| format!("whiteout {p}")),
        2 => path().prop_map(|p| format!("opaque {p}")),
        1 => Just("opaque .".to_owned()),
        1 => path().prop_map(|p| format!("fifo {p}")),
        1 => (path(), content()).prop_map(|(p, c)| format!("file {p} sparse=1.0 map=0+512,4096+100 size=9000 content=sparse-{c}")),
        1 => Just("dir . mode=0711 mtime=3".to_owned()),
        1 => (path(), content()).prop_map(|(p, c)| format!("file ./{p} content=content-{c:06} xattr.user.x={c} long=pax")),
    ]
}

pub fn layers() -> impl Strategy<Value = Vec<Vec<String>>> {
    prop::collection::vec(prop::collection::vec(line(), 0..7), 1..5)
}

/// Leaves out lines that make the layer an error or a question, so that most images are plain ones.
pub fn sane(texts: &[Vec<String>]) -> Vec<Vec<String>> {
    let mut done: Vec<Vec<String>> = Vec::new();
    for lines in texts {
        done.push(Vec::new());
        for line in lines {
            done.last_mut().unwrap().push(line.clone());
            let tars: Vec<_> = done.iter().map(|l| layer(&l.join("\n"))).collect();
            if !oracle::replay(&tars).is_ok_and(|t| t.questions.is_empty()) {
                done.last_mut().unwrap().pop();
            }
        }
    }
    done
}

fn check(texts: &[Vec<String>], archive: &Archive, args: &[&str], checks: Checks) -> Result<(), String> {
    let dir = Dir::new();
    archive.write(dir.path());
    let mut all = vec!["in.tar", "-o", "out.tar", "-q"];
    all.extend(args);
    let run = dir.run(&all);
    let tars: Vec<_> = texts.iter().map(|l| layer(&l.join("\n"))).collect();
    let want = oracle::replay(&tars);
    if run.stderr.contains("panicked") || !matches!(run.code, Some(0 | 2)) {
        return Err(format!("{:?} {}", run.code, run.stderr));
    }
    let settled = want.as_ref().is_ok_and(|t| t.questions.is_empty());
    if run.code == Some(2) {
        let clean = dir.names() == ["in.tar", "shadowed.toml"] && run.stderr.contains("error:");
        return if settled || !clean { Err(format!("{} {:?}", run.stderr, dir.names())) } else { Ok(()) };
    }
    if !settled {
        return Ok(());
    }
    let (input, output) = (open(&dir.join("in.tar")), open(&dir.join("out.tar")));
    let mut bad = well_formed(&input, &output, checks).join("\n");
    match output.images.first().map(oracle::archive::ImageView::tree) {
        Some(Ok(got)) => bad.extend(diff(&want?, &got)),
        Some(Err(e)) => bad.push_str(&e),
        None => {}
    }
    if bad.is_empty() { Ok(()) } else { Err(bad) }
}

fn modes(texts: &[Vec<String>], pick: usize) -> Result<(), String> {
    let tars: Vec<_> = texts.iter().map(|l| layer(&l.join("\n"))).collect();
    let (form, comp) = [
        (Form::Docker, Comp::None),
        (Form::OciTar, Comp::Gzip),
        (Form::OciTar, Comp::Zstd),
        (Form::Hybrid, Comp::None),
    ][pick % 4];
    let archive = Archive::new(Image::new(tars.clone()).comp(comp), form);
    let run = |args: &[&str], checks: Checks| {
        let explain = |e: String| {
            format!(
                "slim {}\n{}\n{e}",
                args.join(" "),
                texts.iter().map(|l| l.join("\n")).collect::<Vec<_>>().join("\n---\n")
            )
        };
        check(texts, &archive, args, checks).map_err(explain)
    };
    run(&["-p", "shadowed.toml"], Checks { squash: None, base: 0 })?;
    run(&["-p", "shadowed.toml", "--layers", "squash"], Checks { squash: Some(0), base: 0 })?;
    run(&["-p", "none", "--layers", "squash"], Checks { squash: Some(0), base: 0 })?;
    if tars.len() > 1 {
        let n = 1 + pick % (tars.len() - 1);
        run(&["-p", "shadowed.toml", "--base", &n.to_string()], Checks { squash: None, base: n })?;
        run(
            &["-p", "shadowed.toml", "--layers", "squash", "--base", &n.to_string()],
            Checks { squash: Some(n), base: n },
        )?;
    }
    Ok(())
}

/// Images that share their lowest layers: these are the same for all of them, and each image has its tree but for what the rule names.
fn sharing(base: &[Vec<String>], tops: &[Vec<String>]) -> Result<(), String> {
    let own = |(number, top): (usize, &Vec<String>)| {
        // No two images are the same.
        let top = [top.as_slice(), &[format!("file own-{number} content=own-content-{number}")]].concat();
        sane(&[base, &[top]].concat())
    };
    let texts: Vec<Vec<Vec<String>>> = tops.iter().enumerate().map(own).collect();
    let image = |texts: &Vec<Vec<String>>| Image::new(texts.iter().map(|l| layer(&l.join("\n"))).collect());
    let names = ["x/a:1", "x/b:1", "x/c:1"];
    let items = texts.iter().map(image).zip(names).map(|(image, name)| Item { tags: vec![name], ..Item::new(image) });
    let dir = Dir::new();
    Archive { items: items.collect(), form: Form::Hybrid, schema2: false }.write(dir.path());
    let run = dir.run(&["in.tar", "-o", "out.tar", "-p", "shadowed.toml", "--drop", "**/b", "--allow-idle"]);
    let fail = |what: &str| Err(format!("{what}\n{texts:?}\n{}", run.stderr));
    if run.code != Some(0) {
        return fail("an exit code");
    }
    let sizes = ["in.tar", "out.tar"].map(|name| std::fs::metadata(dir.join(name)).unwrap().len());
    // The documents, and hard links whose data cannot stay in a lower layer.
    if sizes[1] > sizes[0] + 16384 {
        return fail("it grew");
    }
    let (input, output) = (open(&dir.join("in.tar")), open(&dir.join("out.tar")));
    if !input.problems.is_empty() || !output.problems.is_empty() {
        return fail("problems");
    }
    for (before, after) in input.images.iter().zip(&output.images) {
        let (Ok(before), Ok(after)) = (before.tree(), after.tree()) else { return fail("no tree") };
        if !before.questions.is_empty() {
            return Ok(());
        }
        let named = |path: &[u8]| path.split(|&c| c == b'/').any(|part| part == b"b");
        let mut want = before;
        want.names.retain(|path, _| after.names.contains_key(path) || !named(path));
        if let Some(bad) = diff(&want, &after) {
            return fail(&bad);
        }
    }
    Ok(())
}

fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(64);
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 3000, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    /// The tree is the same before and after, in every mode.
    #[test]
    fn random_images_keep_their_tree(texts in layers(), pick in 0..12usize) {
        let texts = sane(&texts);
        prop_assert_eq!(modes(&texts, pick), Ok(()));
    }

    /// Images that share layers are planned together.
    #[test]
    fn random_images_that_share_a_base(base in layers(), tops in prop::collection::vec(prop::collection::vec(line(), 0..5), 2..4)) {
        prop_assert_eq!(sharing(&sane(&base), &tops), Ok(()));
    }

    /// With everything in it that may be refused: an error or the right tree, never a crash.
    #[test]
    fn random_nonsense_is_refused_or_right(texts in layers(), pick in 0..12usize) {
        prop_assert_eq!(modes(&texts, pick), Ok(()));
    }

    /// The oracle itself: umoci unpacks the same. `SLIM_UMOCI=1` asks for it, as it is slow and finds umoci's own differences
    /// (a path below a lower layer's symlink, a link to a lower layer) too.
    #[test]
    fn random_images_against_umoci(texts in layers()) {
        if std::env::var_os("SLIM_UMOCI").is_some() {
            let texts: Vec<String> = sane(&texts).iter().map(|l| l.iter().filter(|l| !l.starts_with("sym")).cloned().collect::<Vec<_>>().join("\n")).collect();
            let tars: Vec<_> = texts.iter().map(|t| layer(t)).collect();
            if oracle::replay(&tars).is_ok_and(|t| t.questions.is_empty()) {
                let found = crate::differential::umoci_differs(&texts).filter(|f| !f.starts_with("umoci:"));
                prop_assert_eq!(found, None, "{}", texts.join("\n---\n"));
            }
        }
    }
}
