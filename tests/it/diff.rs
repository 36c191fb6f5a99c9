//! `slim diff`: what it says of two images is what a naive replay of both says.

use crate::builder::{Archive, Comp, Form, Image, layer};
use crate::oracle::{self, Tree, replay::What};
use crate::property;
use crate::run::{Dir, Outcome};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

fn write(dir: &Dir, name: &str, image: Image, form: Form) {
    let written = Archive::new(image, form).write(dir.path());
    std::fs::rename(written, dir.join(name)).unwrap();
}

fn image(layers: &[&str]) -> Image {
    Image::new(layers.iter().map(|l| layer(l)).collect())
}

/// Two images in a directory.
fn two(before: &[&str], after: &[&str]) -> Dir {
    let dir = Dir::new();
    write(&dir, "a.tar", image(before), Form::Docker);
    write(&dir, "b.tar", image(after).comp(Comp::Gzip), Form::OciTar);
    dir
}

fn diff(dir: &Dir, more: &[&str]) -> Outcome {
    let mut args = vec!["diff", "a.tar", "b.tar"];
    args.extend(more);
    dir.run(&args)
}

fn says(dir: &Dir) -> Value {
    let run = diff(dir, &["--json", "-"]).ok();
    serde_json::from_slice(&run.stdout).unwrap()
}

/// Status and aspects of a path.
fn of(says: &Value, path: &str) -> Option<(String, Vec<String>)> {
    let files = says["files"].as_array().unwrap();
    let found = files.iter().find(|f| f["path"] == path)?;
    let aspects = found["aspects"].as_array().unwrap().iter().map(|a| a.as_str().unwrap().to_owned()).collect();
    Some((found["status"].as_str().unwrap().to_owned(), aspects))
}

fn is(says: &Value, path: &str, status: &str, aspects: &[&str]) {
    let expected = (status.to_owned(), aspects.iter().map(|a| (*a).to_owned()).collect());
    assert_eq!(of(says, path), Some(expected), "{path}");
}

#[test]
fn each_way_to_differ_has_its_word() {
    let dir = two(
        &[
            "dir d mtime=1\nfile d/same content=same mtime=1\nfile gone content=g\nfile content content=abc\nfile size content=abc\n\
             file mode content=m mode=0644\nfile owner content=o uid=1\nfile time content=t mtime=5\nsym link -> x\n\
             file x content=x xattr.user.a=1\nfile type content=t\nchar dev 1 3\nfile old/name content=\"a long content\"\n\
             file one content=12\nlink two -> one\nfile moves content=mm",
            "file upper content=u",
        ],
        &[
            "dir d mtime=1\nfile d/same content=same mtime=1\nfile new content=nn\nfile content content=abd\nfile size content=abcd\n\
             file mode content=m mode=4755\nfile owner content=o uid=2\nfile time content=t mtime=6.5\nsym link -> y\n\
             file x content=x xattr.user.a=2\nsym type -> t\nchar dev 1 5\nfile new-name content=\"a long content\"\n\
             file one content=12\nfile two content=12",
            "file upper content=u\nfile moves content=mm",
        ],
    );
    let says = says(&dir);
    assert_eq!(of(&says, "d/same"), None);
    assert_eq!(of(&says, "one"), None);
    assert_eq!(of(&says, "upper"), None);
    is(&says, "gone", "removed", &[]);
    is(&says, "new", "added", &[]);
    is(&says, "content", "changed", &["content"]);
    is(&says, "size", "changed", &["content"]);
    is(&says, "mode", "metadata", &["mode"]);
    is(&says, "owner", "metadata", &["owner"]);
    is(&says, "x", "metadata", &["xattrs"]);
    is(&says, "time", "metadata", &["mtime"]);
    is(&says, "link", "changed", &["target"]);
    is(&says, "dev", "changed", &["device"]);
    is(&says, "new-name", "renamed", &[]);
    is(&says, "two", "metadata", &["links"]);
    is(&says, "moves", "moved", &["layer"]);
    assert_eq!(of(&says, "type").unwrap().0, "changed");
    assert_eq!(of(&says, "old/name"), None, "it was renamed");
    is(&says, "old", "removed", &[]);
    let renamed = says["files"].as_array().unwrap().iter().find(|f| f["status"] == "renamed").unwrap();
    assert_eq!((&renamed["from"], &renamed["before"]["size"]), (&json!("old/name"), &json!(14)));
    let count = |status: &str| says["counts"][status]["files"].as_u64().unwrap();
    assert_eq!(["added", "removed", "changed", "renamed", "metadata", "moved"].map(count), [1, 2, 5, 1, 5, 1]);
    // Nothing of the first layer's digest is the second's, and still it is the same step.
    assert_eq!(says["layers"][0]["same"], false);
    assert_eq!((&says["layers"][0]["before"]["index"], &says["layers"][0]["after"]["index"]), (&json!(1), &json!(1)));
}

#[test]
fn an_image_does_not_differ_from_itself_in_another_form() {
    let dir = Dir::new();
    let layers = [
        "file a content=x repeat=9000\nlink b -> a\nfile s sparse=1.0 map=0+512,4096+100 size=9000 content=q",
        "whiteout b\nfile c content=z",
    ];
    write(&dir, "a.tar", image(&layers), Form::Docker);
    for (form, comp) in [(Form::Docker, Comp::None), (Form::Hybrid, Comp::Gzip), (Form::OciTar, Comp::Zstd)] {
        write(&dir, "b.tar", image(&layers).comp(comp), form);
        let run = diff(&dir, &["--exit-code"]).ok();
        assert!(run.text().contains("Nothing differs."), "{}", run.text());
        let said = says(&dir);
        assert_eq!((&said["differs"], &said["files"], &said["packages"]), (&json!(false), &json!([]), &json!([])));
        assert_eq!(said["same"], 3);
    }
    // Equal files of other layers have to be read to know it.
    write(
        &dir,
        "b.tar",
        image(&[
            "file a content=x repeat=9000\nfile c content=z\nfile s sparse=1.0 map=0+512,4096+100 size=9000 content=q",
        ]),
        Form::Docker,
    );
    let said = says(&dir);
    assert!(said["files"].as_array().unwrap().iter().all(|f| f["status"] == "moved"), "{said}");
    assert_eq!(diff(&dir, &["--exit-code", "-q"]).code, Some(1));
    assert_eq!(diff(&dir, &["-q"]).ok().text(), "");
}

#[test]
fn sparse_files_are_compared_as_they_are_read() {
    let plain = |at: usize, byte: u8| {
        let mut content = vec![0_u8; 9000];
        content[..512].fill(b'q');
        content[4096..4196].fill(b'q');
        content[at] = byte;
        content.iter().map(|b| format!("{b:02x}")).collect::<String>()
    };
    let sparse = "file s sparse=1.0 map=0+512,4096+100 size=9000 content=q";
    for (content, differs) in
        [(plain(0, b'q'), false), (plain(0, b'r'), true), (plain(600, 1), true), (plain(8999, 1), true)]
    {
        let plain = format!("file s content=0x{content}");
        for (a, b) in [(sparse, plain.as_str()), (plain.as_str(), sparse)] {
            let said = says(&two(&[a], &[b]));
            assert_eq!(of(&said, "s").is_some_and(|(status, _)| status == "changed"), differs, "{said}");
        }
    }
    let other = says(&two(&[sparse], &["file s sparse=old map=0+612 size=9000 content=q"]));
    is(&other, "s", "changed", &["content"]);
    // As much as fits into a number: nobody reads holes.
    let huge = "file s sparse=1.0 map=0+512 size=4000000000000000000 content=q";
    let said = says(&two(
        &[huge, "file x content=1"],
        &[huge, "file x content=2", "file s sparse=1.0 map=0+512 size=4000000000000000000 content=q uid=1"],
    ));
    is(&said, "s", "metadata", &["owner", "layer"]);
}

#[test]
fn large_files_are_compared_to_their_end() {
    let large = |last: u8| {
        let mut content = "61".repeat((2 << 20) + 5);
        content.push_str(&format!("{last:02x}"));
        format!("file large content=0x{content}")
    };
    let (a, b) = (large(b'a'), large(b'b'));
    is(&says(&two(&[&a, "file x content=1"], &[&b, "file x content=1"])), "large", "changed", &["content"]);
    assert_eq!(
        of(&says(&two(&[&a, "file x content=1"], &[&format!("{a}\nfile y content=y"), "file x content=1"])), "large"),
        None
    );
}

const DPKG: &str = "Package: VER\\nStatus: install ok installed\\nArchitecture: all\\nVersion: 1.0-NUM\\n";

#[test]
fn packages_are_told_with_their_versions() {
    let image = |n: u32, more: &str| {
        let status = DPKG.replace("VER", "libx").replace("NUM", &n.to_string());
        format!(
            "file var/lib/dpkg/status content=\"{status}\"\nfile var/lib/dpkg/info/libx.list content=\"/usr/lib/x\\n\"\n\
             file usr/lib/x content=x{n}\n\
             file site/num-{n}.0.dist-info/RECORD content=\"num/a.py,,\\nnum-{n}.0.dist-info/RECORD,,\\n\"\nfile site/num/a.py content=a repeat={n}000\n\
             file lib/apk/db/installed content=\"P:mini\\nV:{n}.1-r0\\nF:opt\\nR:mini\\n\\n\"\nfile opt/mini content=m\n\
             file app/node_modules/left/package.json content=\"{{\\\"version\\\":\\\"{n}.2.3\\\"}}\"\nfile app/node_modules/left/i.js content=1\n\
             file app/node_modules/@s/same/package.json content=\"{{\\\"version\\\":\\\"1.1.1\\\"}}\"\n{more}"
        )
    };
    let dir = two(
        &[&image(1, "file site/old-3.dist-info/RECORD content=\"old.py,,\\n\"\nfile site/old.py content=o")],
        &[&image(2, "file site/fresh-4.dist-info/RECORD content=\"fresh.py,,\\n\"\nfile site/fresh.py content=ff")],
    );
    let said = says(&dir);
    let find = |manager: &str, name: &str| {
        let all = said["packages"].as_array().unwrap();
        let found = all.iter().find(|p| p["manager"] == manager && p["name"] == name);
        found.map(|p| json!([p["status"], p["before"], p["after"]]))
    };
    assert_eq!(find("pip", "num"), Some(json!(["changed", ["1.0"], ["2.0"]])));
    assert_eq!(find("pip", "old"), Some(json!(["removed", ["3"], []])));
    assert_eq!(find("pip", "fresh"), Some(json!(["added", [], ["4"]])));
    assert_eq!(find("dpkg", "libx"), Some(json!(["changed", ["1.0-1"], ["1.0-2"]])));
    assert_eq!(find("apk", "mini"), Some(json!(["changed", ["1.1-r0"], ["2.1-r0"]])));
    assert_eq!(find("npm", "left"), Some(json!(["changed", ["1.2.3"], ["2.2.3"]])));
    assert_eq!(find("npm", "@s/same"), None);
    let num = said["packages"].as_array().unwrap().iter().find(|p| p["name"] == "num").unwrap();
    assert_eq!(num["bytesAfter"].as_u64().unwrap() - num["bytesBefore"].as_u64().unwrap(), 1024);
    let text = diff(&dir, &[]).ok().text();
    assert!(text.contains("pip num") && text.contains("1.0 -> 2.0"), "{text}");
}

#[test]
fn the_configuration_is_compared_value_by_value() {
    let dir = Dir::new();
    let config =
        |config: Value| Image { config: json!({"config": config, "created": "2001"}), ..image(&["file a content=x"]) };
    write(
        &dir,
        "a.tar",
        config(
            json!({"Env": ["PATH=/bin", "A=1", "B=2"], "Cmd": ["a"], "User": "", "ExposedPorts": {"80/tcp": {}}, "Labels": {"l": "1"}, "Image": "sha256:1"}),
        ),
        Form::Docker,
    );
    let mut after = config(
        json!({"Env": ["A=1", "PATH=/bin:/x", "C=3"], "Cmd": ["b"], "Entrypoint": ["e"], "ExposedPorts": {"81/tcp": {}}, "Volumes": null, "Labels": {"l": "1"}}),
    );
    after.config["created"] = json!("2002");
    after.config["architecture"] = json!("arm64");
    after.history =
        Some(vec![json!({"created_by": "RUN step-0"}), json!({"created_by": "ENV C=3", "empty_layer": true})]);
    write(&dir, "b.tar", after, Form::Docker);
    let said = says(&dir);
    let changes: Vec<Value> = said["config"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| json!([c["field"], c["name"], c["before"], c["after"]]))
        .collect();
    let expected = json!([
        ["Cmd", null, "[\"a\"]", "[\"b\"]"],
        ["Entrypoint", null, null, "[\"e\"]"],
        ["Env", "B", "2", null],
        ["Env", "C", null, "3"],
        ["Env", "PATH", "/bin", "/bin:/x"],
        ["ExposedPorts", "80/tcp", "", null],
        ["ExposedPorts", "81/tcp", null, ""],
        ["architecture", null, "amd64", "arm64"],
        ["history", null, null, "ENV C=3"],
    ]);
    assert_eq!(json!(changes), expected);
    assert_eq!((&said["files"], &said["layers"][0]["same"]), (&json!([]), &json!(true)));
    assert_eq!(diff(&dir, &["--exit-code", "-q"]).code, Some(1));
    let text = diff(&dir, &[]).ok().text();
    for line in
        ["  ExposedPorts\n    - 80/tcp\n    + 81/tcp\n", "    - PATH=/bin\n    + PATH=/bin:/x\n", "    + ENV C=3\n"]
    {
        assert!(text.contains(line), "{line}: {text}");
    }
}

#[test]
fn layers_are_known_by_digest_then_by_step() {
    let dir = Dir::new();
    let steps = |list: &[&str]| Some(list.iter().map(|s| json!({"created_by": s})).collect::<Vec<_>>());
    let mut before = image(&["file base content=b", "file app content=1", "file last content=l"]);
    before.history = steps(&["FROM", "COPY app", "RUN last"]);
    write(&dir, "a.tar", before, Form::Docker);
    let mut after = image(&["file base content=b", "file more content=m", "file app content=2", "file last content=l"]);
    after.history = steps(&["FROM", "RUN more", "COPY app", "RUN last"]);
    write(&dir, "b.tar", after, Form::Docker);
    let said = says(&dir);
    let layers: Vec<Value> = said["layers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| json!([l["same"], l["before"]["index"], l["after"]["index"]]))
        .collect();
    assert_eq!(json!(layers), json!([[true, 1, 1], [false, null, 2], [false, 2, 3], [true, 3, 4]]));
    is(&said, "app", "changed", &["content"]);
    assert_eq!(of(&said, "last"), None);
}

#[test]
fn outputs_are_as_asked_for() {
    let dir = two(
        &["dir d\nfile d/a content=x repeat=5000\nfile d/b content=x\nfile \"pi|pe <b>`x`_\" content=1"],
        &["file \"pi|pe <b>`x`_\" content=22\ndir e\nfile e/f content=ff"],
    );
    diff(&dir, &["--json", "d.json", "--markdown", "d.md", "-q"]).ok();
    let markdown = std::fs::read_to_string(dir.join("d.md")).unwrap();
    assert!(markdown.starts_with("### Image diff: "), "{markdown}");
    assert!(markdown.contains("<code>pi&#124;pe &lt;b&gt;&#96;x&#96;&#95;</code>"), "{markdown}");
    assert_eq!(std::fs::read(dir.join("d.json")).unwrap(), diff(&dir, &["--json", "-"]).ok().stdout);
    assert_eq!(diff(&dir, &["--markdown"]).ok().text(), markdown);
    let text = diff(&dir, &[]).ok().text();
    for part in ["-7.2 kB", "removed  d/\n", "added    e/\n", "changed  pi|pe <b>`x`_ (content)"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("d/a"), "{text}");
    assert!(text.lines().all(|l| l.chars().count() <= 80 || l.starts_with("---") || l.starts_with("+++")), "{text}");
    let coloured = diff(&dir, &["--color", "always"]).ok().text();
    assert!(coloured.contains("\x1b[1;31m") && !text.contains('\x1b'));
    diff(&dir, &["--json", "a.tar"]).error(&["--json", "is A"]);
    diff(&dir, &["--markdown", "b.tar"]).error(&["--markdown", "is B"]);
    diff(&dir, &["--markdown", "x", "--json", "x"]).error(&["--markdown x is --json"]);
    diff(&dir, &["--markdown", "-", "--json", "-"]).error(&["standard output"]);
    dir.run(&["diff", "-", "-"]).error(&["standard input"]);
    dir.run(&["diff", "a.tar"]).error(&["<B>"]);
    dir.run(&["diff", "a.tar", "none.tar"]).error(&["none.tar"]);
    let stdin = std::fs::read(dir.join("a.tar")).unwrap();
    assert!(dir.run_with(&["diff", "-", "a.tar", "--exit-code"], &stdin).ok().text().contains("Nothing differs."));
}

/// What the oracle says of a path that both have: in what it differs, but for its layer.
fn aspects(a: &Tree, b: &Tree, path: &[u8]) -> BTreeSet<&'static str> {
    let (x, y) = (&a.names[path], &b.names[path]);
    let substance = match (&x.what, &y.what) {
        (What::File(x), What::File(y)) => (x != y, "content"),
        (What::Symlink(x), What::Symlink(y)) => (x != y, "target"),
        (x, y) if std::mem::discriminant(x) != std::mem::discriminant(y) => (true, "type"),
        (x, y) => (x != y, "device"),
    };
    let symlinks = matches!((&x.what, &y.what), (What::Symlink(_), What::Symlink(_)));
    let xattrs = |n: &oracle::replay::Node| -> Vec<_> {
        n.records.clone().into_iter().filter(|(k, _)| k.starts_with(b"SCHILY.xattr.")).collect()
    };
    // The first of the paths that both have as files, and that is a link to it.
    let first = |here: &Tree, there: &Tree| {
        let is_file = |path: &Vec<u8>| there.names.get(path).is_some_and(|n| matches!(n.what, What::File(_)));
        here.names.iter().find(|(p, n)| Rc::ptr_eq(n, &here.names[path]) && is_file(p)).map(|(p, _)| p.clone())
    };
    let files = matches!((&x.what, &y.what), (What::File(_), What::File(_)));
    let all = [
        substance,
        (x.mode != y.mode && !symlinks, "mode"),
        ((x.uid, x.gid) != (y.uid, y.gid), "owner"),
        (xattrs(x) != xattrs(y), "xattrs"),
        (x.mtime.is_some() && y.mtime.is_some() && x.mtime != y.mtime, "mtime"),
        (files && first(a, b) != first(b, a), "links"),
    ];
    all.into_iter().filter(|(differs, _)| *differs).map(|(_, aspect)| aspect).collect()
}

/// What differs, by the oracle: renamed paths are removed and added.
fn expected(a: &Tree, b: &Tree) -> BTreeMap<String, (String, BTreeSet<&'static str>)> {
    let mut out = BTreeMap::new();
    let paths: BTreeSet<&Vec<u8>> = a.names.keys().chain(b.names.keys()).collect();
    for path in paths {
        let name = String::from_utf8(path.clone()).unwrap();
        let (status, aspects) = match (a.names.contains_key(path), b.names.contains_key(path)) {
            (true, false) => ("removed", BTreeSet::new()),
            (false, true) => ("added", BTreeSet::new()),
            _ => ("both", aspects(a, b, path)),
        };
        if status != "both" || !aspects.is_empty() {
            out.insert(name, (status.to_owned(), aspects));
        }
    }
    out
}

const ASPECTS: [&str; 9] = ["type", "content", "target", "device", "mode", "owner", "xattrs", "links", "mtime"];

/// The same by slim.
fn found(said: &Value, a: &Tree, b: &Tree) -> BTreeMap<String, (String, BTreeSet<&'static str>)> {
    let mut out = BTreeMap::new();
    let content = |tree: &Tree, path: &str| match &tree.names[path.as_bytes()].what {
        What::File(content) => content.clone(),
        other => panic!("{path} is no file: {other:?}"),
    };
    for file in said["files"].as_array().unwrap() {
        let path = file["path"].as_str().unwrap().to_owned();
        let status = file["status"].as_str().unwrap();
        let list = file["aspects"].as_array().unwrap();
        let aspects: BTreeSet<&'static str> =
            ASPECTS.into_iter().filter(|word| list.iter().any(|a| a == word)).collect();
        match status {
            "renamed" => {
                let from = file["from"].as_str().unwrap().to_owned();
                assert_eq!(content(a, &from), content(b, &path), "{from} -> {path}");
                out.insert(from, ("removed".to_owned(), BTreeSet::new()));
                out.insert(path, ("added".to_owned(), BTreeSet::new()));
            }
            "added" | "removed" => drop(out.insert(path, (status.to_owned(), aspects))),
            "moved" => assert!(aspects.is_empty(), "{file}"),
            _ => {
                let real = ["type", "content", "target", "device"].iter().any(|a| aspects.contains(a));
                assert_eq!(real, status == "changed", "{file}");
                out.insert(path, ("both".to_owned(), aspects));
            }
        }
    }
    out
}

fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(32);
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 300, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    /// The second image has some of the layers of the first, and others.
    #[test]
    fn what_differs_is_what_two_replays_say(one in property::layers(), other in property::layers(), keep in 0..4_usize) {
        let texts = |layers: &[Vec<String>]| -> Vec<String> { property::sane(layers).iter().map(|l| l.join("\n")).collect() };
        let mixed: Vec<Vec<String>> = one.iter().take(keep).cloned().chain(other).collect();
        let (before, after) = (texts(&one), texts(&mixed));
        let dir = Dir::new();
        let trees = [(&before, "a.tar", Form::Docker, Comp::None), (&after, "b.tar", Form::OciTar, Comp::Gzip)].map(|(texts, name, form, comp)| {
            let tars: Vec<_> = texts.iter().map(|l| layer(l)).collect();
            write(&dir, name, Image::new(tars.clone()).comp(comp), form);
            oracle::replay(&tars).unwrap()
        });
        let [a, b] = &trees;
        let said = says(&dir);
        prop_assert_eq!(found(&said, a, b), expected(a, b), "{:#?}\n--\n{:#?}", before, after);
        let untouched = said["same"].as_u64().unwrap() as usize;
        let both = a.names.keys().filter(|p| !p.is_empty() && b.names.contains_key(*p));
        let differ = said["files"].as_array().unwrap().iter().filter(|f| !["added", "removed", "renamed"].contains(&f["status"].as_str().unwrap()) && f["path"] != "").count();
        prop_assert_eq!(untouched + differ, both.count());
        // Each byte that a container sees is in one directory and one package.
        for side in ["Before", "After"] {
            let image = &said[side.to_lowercase()];
            let sum = |list: &str| said[list].as_array().unwrap().iter().map(|d| d[format!("bytes{side}")].as_u64().unwrap()).sum::<u64>();
            prop_assert!(sum("directories") <= image["bytes"].as_u64().unwrap() - image["reclaimableBytes"].as_u64().unwrap());
        }
    }
}

#[test]
fn the_page_has_what_differs_and_loads_nothing() {
    let dir = two(
        &["dir etc\nfile etc/gone content=gone\nfile etc/x content=1"],
        &["dir etc\nfile etc/<script>new content=new\nfile etc/x content=2"],
    );
    diff(&dir, &["--html", "out.html"]).ok();
    let html = std::fs::read_to_string(dir.join("out.html")).unwrap();
    for words in ["<!doctype html>", "default-src 'none'", "a.tar", "b.tar", "gone", "script\\u003enew"] {
        assert!(html.to_lowercase().contains(words), "no {words}");
    }
    assert!(!html.contains("<script>new"), "a name becomes no markup");
    assert!(!html.contains(" src=\"") && !html.contains("<link"), "it loads something");
    diff(&dir, &["--html", "a.tar"]).error(&["is A"]);
}
