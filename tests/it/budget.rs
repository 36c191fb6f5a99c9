//! Budgets of `slim analyze`, growth since an earlier analysis, and comments.

use crate::builder::{Archive, Comp, Form, Image, layer};
use crate::run::{Dir, Outcome};
use serde_json::{Value, json};

/// A distribution of so many bytes.
fn pip(name: &str, version: &str, bytes: usize) -> String {
    format!(
        "file site/{name}-{version}.dist-info/RECORD content=\"{name}.so,,\\n\"\nfile site/{name}.so content=x repeat={bytes}\n"
    )
}

fn image(dir: &Dir, layers: &[&str], comp: Comp) {
    let layers = layers.iter().map(|l| layer(l)).collect();
    Archive::new(Image::new(layers).comp(comp), Form::Hybrid).write(dir.path());
}

const LOWER: &str = "dir root/.ssh\nfile root/.ssh/id_rsa content=secret\nfile old content=o repeat=20000\nfile app/.git/HEAD content=h\n";

fn small(dir: &Dir) {
    let packages = pip("num_py", "1.0", 50_000) + &pip("arrow", "2.0", 9000);
    image(dir, &[LOWER, &packages, "whiteout old\nwhiteout root/.ssh"], Comp::None);
}

/// Runs a gate in which dive's own rules are off.
fn gate(dir: &Dir, budget: &str, more: &[&str]) -> (Option<i32>, Vec<Value>, Outcome) {
    dir.write(".dive-ci", "rules: {lowestEfficiency: disabled, highestUserWastedPercent: disabled}");
    dir.write("slim.toml", budget);
    let mut args = vec!["analyze", "in.tar", "--ci", "--json", "-"];
    args.extend(more);
    let run = dir.run(&args);
    let said: Value = serde_json::from_slice(&run.stdout).unwrap_or_else(|_| panic!("{}", run.stderr));
    let rules = said["slim"]["ci"]["rules"].as_array().unwrap();
    let own = rules.iter().filter(|r| r["rule"].as_str().unwrap().starts_with("budget."));
    (run.code, own.map(|r| json!([r["rule"], r["status"], r["found"]])).collect(), run)
}

fn analyzed(dir: &Dir, more: &[&str]) -> Value {
    let args = [&["analyze", "in.tar", "--json", "-"], more].concat();
    serde_json::from_slice(&dir.run(&args).ok().stdout).unwrap()
}

#[test]
fn each_budget_passes_up_to_its_limit() {
    let dir = Dir::new();
    small(&dir);
    let said = analyzed(&dir, &[]);
    let own = &said["slim"];
    let number = |value: &Value| value.as_u64().unwrap();
    let (total, reclaimable) = (number(&own["bytes"]), number(&own["reclaimableBytes"]));
    let layer = own["layers"].as_array().unwrap().iter().map(|l| number(&l["bytes"])).max().unwrap();
    let packages = own["packages"].as_array().unwrap();
    let package = |name: &str| number(&packages.iter().find(|p| p["name"] == name).unwrap()["bytes"]);
    let largest = package("pip num_py 1.0");
    for (key, found) in [
        ("total", total),
        ("layer", layer),
        ("reclaimable", reclaimable),
        ("package", largest),
        ("packages.pip num-py", largest),
        ("packages.pip arrow", package("pip arrow 2.0")),
        ("packages.pip gone", 0),
    ] {
        let text = |limit: u64| match key.strip_prefix("packages.") {
            Some(name) => format!("[budget.packages]\n\"{name}\" = \"{limit}\"\n"),
            None => format!("[budget]\n{key} = \"{limit}\"\n"),
        };
        let rule = format!("budget.{key}");
        let (code, rules, _) = gate(&dir, &text(found), &[]);
        assert_eq!((code, rules), (Some(0), vec![json!([rule, "pass", found.to_string()])]), "{key}");
        if found > 0 {
            let (code, rules, _) = gate(&dir, &text(found - 1), &[]);
            assert_eq!((code, rules), (Some(1), vec![json!([rule, "fail", found.to_string()])]), "{key}");
        }
    }
}

#[test]
fn what_a_pull_moves_is_measured_where_layers_are_stored_plain() {
    let dir = Dir::new();
    image(&dir, &["file a content=x repeat=100000"], Comp::None);
    let of = |budget: &str| gate(&dir, budget, &[]).1[0].clone();
    let (few, many) = ("[budget]\ncompressed = \"100\"\n", "[budget]\ncompressed = \"3kB\"\n");
    let plain = of(many);
    assert_eq!((&plain[1], &of(few)[1]), (&json!("pass"), &json!("fail")), "{plain}");
    let all = analyzed(&dir, &["--compress"]);
    assert_eq!(all["slim"]["compressedBytes"].to_string(), plain[2].as_str().unwrap());
    assert_eq!(analyzed(&dir, &[])["slim"]["compressedBytes"], Value::Null);
    image(&dir, &["file a content=x repeat=100000"], Comp::Gzip);
    assert_eq!((&of(many)[1], &of(few)[1]), (&json!("pass"), &json!("fail")));
    let all = analyzed(&dir, &["--compress"]);
    assert_eq!(all["slim"]["compressedBytes"], all["slim"]["blobBytes"]);
}

#[test]
fn forbidden_paths_are_found_in_every_layer() {
    let dir = Dir::new();
    small(&dir);
    let (code, rules, run) = gate(
        &dir,
        "[budget]\nforbidden = [\"**/.git/**\", \"root/.ssh\", \"none/**\", \"site/*.so\"]\n",
        &["--markdown", "c.md"],
    );
    let expected = json!([
        ["budget.forbidden", "fail", "1"],
        ["budget.forbidden", "fail", "1"],
        ["budget.forbidden", "pass", "0"],
        ["budget.forbidden", "fail", "2"],
    ]);
    assert_eq!((code, json!(rules)), (Some(1), expected), "{}", run.stderr);
    // A later layer deletes it, and it is shipped all the same.
    let text = dir.run(&["analyze", "in.tar", "--ci"]).text();
    assert!(text.contains("root/.ssh (layer 1)"), "{text}");
    let comment = std::fs::read_to_string(dir.join("c.md")).unwrap();
    assert!(comment.contains("| ❌ **fail** | budget.forbidden | root/.ssh | root/.ssh \\(layer 1\\) |"), "{comment}");
    assert!(comment.lines().next().unwrap().ends_with("❌ 3 of 7 rules fail"), "{comment}");
}

#[test]
fn growth_is_told_by_package() {
    let dir = Dir::new();
    image(&dir, &[&(pip("num", "1.0", 4096) + &pip("arrow", "2.0", 9216) + &pip("gone", "1", 512))], Comp::None);
    dir.run(&["analyze", "in.tar", "--json", "old.json", "-q"]).ok();
    image(&dir, &[&(pip("num", "1.1", 24_576) + &pip("arrow", "2.1", 9216) + &pip("fresh", "1", 1024))], Comp::None);
    let baseline = ["--baseline", "old.json"];
    let (code, rules, run) = gate(&dir, "[budget]\ngrowth = \"20992\"\n", &baseline);
    // 20,480 of num, and 512 of fresh, which is larger than gone by that.
    assert_eq!((code, rules), (Some(0), vec![json!(["budget.growth", "pass", "20992"])]));
    let said: Value = serde_json::from_slice(&run.stdout).unwrap();
    let growth = &said["slim"]["growth"];
    let names: Vec<&str> = growth["packages"].as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap()).collect();
    assert_eq!(names[0], "pip num");
    assert!(names.contains(&"pip fresh") && names.contains(&"pip gone") && !names.contains(&"pip arrow"), "{names:?}");
    assert_eq!(gate(&dir, "[budget]\ngrowth = \"20991\"\n", &baseline).0, Some(1));
    assert_eq!(gate(&dir, "[budget]\ngrowth = \"1000%\"\n", &baseline).0, Some(0));
    assert_eq!(gate(&dir, "[budget]\ngrowth = \"5%\"\n", &baseline).0, Some(1));
    assert_eq!(gate(&dir, "[budget]\ngrowth = \"0%\"\n", &[]).1, [json!(["budget.growth", "skip", ""])]);
    // Without a gate as well.
    let text = dir.run(&["analyze", "in.tar", "--baseline", "old.json"]).ok().text();
    assert!(text.contains("growth       +21.0 kB") && text.contains("pip num +20.5 kB"), "{text}");
    let comment = dir.run(&["analyze", "in.tar", "--baseline", "old.json", "--markdown"]).ok().text();
    assert!(
        comment.starts_with("### example.com/app:1.0: ") && comment.contains("pip num 1.1 | +20.5 kB |"),
        "{comment}"
    );
    // An image that shrank has not grown.
    dir.run(&["analyze", "in.tar", "--json", "new.json", "-q"]).ok();
    image(&dir, &["file a content=x"], Comp::None);
    assert_eq!(gate(&dir, "[budget]\ngrowth = \"0\"\n", &["--baseline", "new.json"]).0, Some(0));
    // What an earlier version did not say is not asked of it.
    dir.write("bare.json", "{\"slim\": {\"bytes\": 1}}");
    dir.run(&["analyze", "in.tar", "--baseline", "bare.json"]).ok();
    dir.write("dive.json", "{\"layer\": []}");
    dir.run(&["analyze", "in.tar", "--baseline", "dive.json"]).error(&["dive.json", "slim", "--json"]);
    dir.write("no.json", "{");
    dir.run(&["analyze", "in.tar", "--baseline", "no.json"]).error(&["no.json", "line 1"]);
    dir.run(&["analyze", "in.tar", "--baseline", "none.json"]).error(&["none.json", "cannot be read"]);
}

#[test]
fn mistakes_have_a_place_and_a_way_out() {
    let dir = Dir::new();
    small(&dir);
    for (text, words) in [
        ("[budget]\ntotl = \"1MB\"\n", &["slim.toml:2:1", "unknown key `totl`", "did you mean `total`?"][..]),
        ("[buget]\n", &["slim.toml:1:2", "did you mean `budget`?"]),
        ("[budget]\ntotal = 5\n", &["slim.toml:2:9", "must be a string, found an integer"]),
        ("[budget]\ntotal = \"5m\"\n", &["slim.toml:2:9", "5MB"]),
        ("[budget]\ngrowth = \"x%\"\n", &["slim.toml:2:10", "no share"]),
        ("[budget]\nforbidden = [\"a/../b\"]\n", &["slim.toml:2:15", "`..`"]),
        ("[budget]\nforbidden = \"a\"\n", &["an array of strings"]),
        ("[budget.packages]\n\"pipp numpy\" = \"1MB\"\n", &["slim.toml:2:1", "did you mean `pip`?"]),
        ("[budget.packages]\nnumpy = \"1MB\"\n", &["slim.toml:2:1", "a manager and a name"]),
        (
            "[budget.lint]\nmax = \"warnings\"\n",
            &["slim.toml:2:7", "unknown max `warnings`", "did you mean `warning`?"],
        ),
        ("[budget.lint]\nignored = []\n", &["did you mean `ignore`?"]),
        ("budget = 1\n", &["must be a table"]),
        ("[budget\n", &["slim.toml:1", "not TOML"]),
    ] {
        dir.write("slim.toml", text);
        dir.run(&["analyze", "in.tar", "--ci"]).error(words);
        // Without a gate nobody looks at it.
        dir.run(&["analyze", "in.tar"]).ok();
    }
    std::fs::remove_file(dir.join("slim.toml")).unwrap();
    dir.run(&["analyze", "in.tar", "--ci", "--budget", "b.toml"]).error(&["b.toml", "cannot be read"]);
    dir.run(&["analyze", "in.tar", "--budget", "b.toml"]).error(&["--ci"]);
    dir.write("b.toml", "[budget]\ntotal = \"1\"\n");
    let run = dir.run(&["analyze", "in.tar", "--ci", "--budget", "b.toml"]);
    assert_eq!(run.code, Some(1));
    assert!(run.text().contains("FAIL  budget.total"), "{}", run.text());
}

#[test]
fn a_comment_is_escaped_and_has_an_end() {
    let dir = Dir::new();
    let mut many = String::new();
    for i in 0..700 {
        many.push_str(&format!("file \"d|{i:04} <script>`x`/{}\" content=x\n", "long".repeat(40)));
    }
    image(&dir, &[&many, "whiteout \"d|0001 <script>`x`\""], Comp::None);
    dir.run(&["analyze", "in.tar", "--depth", "2", "--markdown", "c.md", "--json", "c.json"]).ok();
    let comment = std::fs::read_to_string(dir.join("c.md")).unwrap();
    assert!(comment.chars().count() < 60_000 && !comment.contains("<script"), "{comment}");
    assert_eq!(comment.matches("<details>").count(), comment.matches("</details>").count());
    assert!(dir.join("c.json").exists());
    dir.run(&["analyze", "in.tar", "--markdown", "-", "--json", "-"]).error(&["standard output"]);
    dir.run(&["analyze", "in.tar", "--markdown", "in.tar"]).error(&["--markdown in.tar is IN"]);
    dir.run(&["analyze", "in.tar", "--markdown", "c.md", "--json", "c.md"]).error(&["--markdown c.md is --json"]);
}
