//! Makes pages to look at and to test in a browser: `cargo run --example page-sample -- DIR [ANALYZE.json PLAN.json]`.
//!
//! Without documents it writes the small pages: none, one file, hostile names, two images, profiles side by side. With those
//! that `slim analyze --json` and `slim plan --json` wrote of one image it writes that image's page as well, once as it is and
//! once with its files doubled.

use serde_json::Value as Json;
use slim::page::{
    Bar, Bars, Change, Choice, Column, Fact, Fate, File, Finding, Layer, Page, Profile, Rule, Severity, Side, Summary,
    Table, Target, Value, Verdict, View, Waste, Wasted, render,
};
use std::collections::HashMap;
use std::path::Path;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let dir = Path::new(args.first().map_or("target/page", String::as_str));
    std::fs::create_dir_all(dir).unwrap();
    let save = |name: &str, page: &Page| std::fs::write(dir.join(name), render(page)).unwrap();
    save("empty.html", &Page { title: "scratch".into(), ..Page::default() });
    save("one.html", &one());
    save("hostile.html", &hostile());
    save("diff.html", &diff());
    save("compare.html", &compare());
    if let [_, analysis, plan, ..] = args.as_slice() {
        let read = |path: &str| serde_json::from_slice::<Json>(&std::fs::read(path).unwrap()).unwrap();
        let (page, doubled) = image(&read(analysis), &read(plan));
        save("image.html", &page);
        save("doubled.html", &doubled);
        save("image-diff.html", &halves(&page));
    }
}

fn file(path: &[u8], size: u64) -> File {
    File { path: path.into(), size: Some(size), layer: Some(0), kind: Some(0), ..File::default() }
}

fn one() -> Page {
    Page {
        title: "hello-world:latest".into(),
        facts: vec![Fact { label: "Size".into(), value: Value::Bytes(9216), ..Fact::default() }],
        layers: vec![Layer {
            number: 1,
            bytes: 9216,
            files: 1,
            instruction: "COPY hello /".into(),
            ..Layer::default()
        }],
        kinds: vec!["executables".into()],
        files: vec![file(b"hello", 8192)],
        ..Page::default()
    }
}

/// The head of a page: the image as it is, and with three risks.
fn summary(scale: u64, failed: &str) -> Summary {
    let choice = |name: &str, risk: &str, megabytes: u64, costs: &str, failed: &str| Choice {
        name: name.into(),
        risk: risk.into(),
        bytes: megabytes * 1_000_000 * scale,
        pull_bytes: megabytes * 400_000 * scale,
        is_about: !risk.is_empty(),
        costs: costs.into(),
        failed: failed.into(),
        command: if risk.is_empty() { String::new() } else { format!("slim app.tar -p {name} -o OUT") },
    };
    Summary {
        choices: vec![
            choice("as it is", "", 1470, "", ""),
            choice("caches", "none", 960, "", ""),
            choice("python-slim", "low", 840, "", ""),
            choice("python-min", "opt-in", 570, "the first start of a program is slower; no documentation", failed),
        ],
        bits_per_second: 100_000_000,
        basis: "A pull moves 588.0 MB of compressed layers now: `--compress` measured that.".into(),
    }
}

/// The steps to a size.
fn target() -> Target {
    let row = |name: &str, risk: &str, saves: u64, leaves: u64, costs: &str| {
        let bytes = |n: u64| Value::Bytes(n * 1_000_000);
        vec![Value::Text(name.into()), Value::Risk(risk.into()), bytes(saves), bytes(leaves), Value::words(costs)]
    };
    Target {
        sentence: "570.0 MB can be reached (61.2% less), which is within 600.0 MB".into(),
        met: true,
        command: "slim app.tar -p auto,no-build-tools --enable bytecode -o OUT".into(),
        tables: vec![Table {
            title: "Steps".into(),
            columns: ["step", "risk", "saves", "leaves", "what it costs"]
                .map(|t| Column { title: t.into(), bar: t == "saves" })
                .to_vec(),
            rows: vec![
                row("caches", "none", 510, 960, ""),
                row("python-slim", "low", 120, 840, ""),
                row("bytecode", "opt-in", 270, 570, "the first start of a program is slower"),
            ],
            ..Table::default()
        }],
    }
}

/// Names that try to become markup, to steer the reader, or are no text.
fn hostile() -> Page {
    let bad = "</script><img src=x onerror=\"window.broken=1\"><!--";
    let mut page = one();
    page.title = bad.into();
    page.notes = vec![bad.into(), "a note with `code` and an odd ` in it".into()];
    page.packages = vec![bad.into()];
    page.verdicts = vec![Verdict { fate: Fate::Drop, rule: bad.into(), risk: bad.into(), why: bad.into() }];
    page.layers[0].instruction = bad.into();
    page.files.extend([
        File { package: Some(0), verdict: Some(0), saved: 100, ..file(bad.as_bytes(), 100) },
        file(b"tmp/\xff\xfe", 5000),
        file("tmp/a\u{202e}gpj.exe".as_bytes(), 5000),
        file("tmp/\u{2028}line".as_bytes(), 3000),
        file("tmp/日本語/ü".as_bytes(), 3000),
        file(b"tmp/new\nline\x1b[31m", 2000),
        file(b"tmp/empty", 0),
        file("deep/".repeat(60).as_bytes(), 1),
        file(&[b"long/".as_slice(), "x".repeat(255).as_bytes()].concat(), 4000),
        File { kind: Some(9), layer: Some(9), package: Some(9), verdict: Some(9), ..file(b"points/nowhere", 1) },
        file(b"__proto__/constructor", 700),
    ]);
    page.summary = Some(summary(1, bad));
    page.target = Some(target());
    page.findings = vec![Finding {
        severity: Severity::Error,
        id: "secret".into(),
        path: bad.into(),
        message: bad.into(),
        ..Finding::default()
    }];
    page
}

fn diff() -> Page {
    let layer = |side, number| Layer {
        side,
        number,
        instruction: format!("RUN step {number}"),
        bytes: 4000,
        files: 2,
        ..Layer::default()
    };
    let change = |path: &str, before, size, change| File {
        path: path.into(),
        before,
        size,
        before_layer: before.map(|_| 0),
        layer: size.map(|_: u64| 1),
        kind: Some(0),
        change: Some(change),
        ..File::default()
    };
    Page {
        view: View::Diff,
        title: "app:1 → app:2".into(),
        summary: Some(Summary {
            choices: [("before", 4000), ("after", 5200)]
                .map(|(name, bytes)| Choice { name: name.into(), bytes, pull_bytes: bytes, ..Choice::default() })
                .to_vec(),
            bits_per_second: 100_000_000,
            basis: String::new(),
        }),
        facts: vec![Fact {
            label: "Size".into(),
            value: Value::Bytes(5200),
            was: Some(Value::Bytes(4000)),
            ..Fact::default()
        }],
        layers: vec![layer(Side::Before, 1), layer(Side::After, 1)],
        kinds: vec!["data".into()],
        files: vec![
            change("app/same", Some(1000), Some(1000), Change::Same),
            change("app/new", None, Some(1500), Change::Added),
            change("app/old", Some(500), None, Change::Removed),
            change("app/grown", Some(1500), Some(1700), Change::Changed),
            change("app/moved", Some(1000), Some(1000), Change::Moved),
        ],
        tables: vec![Table {
            title: "By package".into(),
            about: String::new(),
            columns: ["Package", "Change"].map(|t| Column { title: t.into(), bar: t == "Change" }).to_vec(),
            rows: vec![
                vec![Value::Text("pip new 1".into()), Value::Delta(1500)],
                vec![Value::Text("pip old 1".into()), Value::Delta(-500)],
            ],
        }],
        ..Page::default()
    }
}

fn compare() -> Page {
    let names = ["none", "caches", "python-slim", "python-min"];
    let sizes = [1_868_000_000_u64, 1_418_000_000, 1_123_000_000, 901_000_000];
    let row = |i: usize| {
        vec![
            Value::Text(names[i].into()),
            Value::Bytes(sizes[i]),
            Value::Delta(i64::try_from(sizes[i]).unwrap() - 1_868_000_000),
            Value::Seconds(3.5 + i as f64),
            if i < 3 { Value::Pass(true) } else { Value::Failed("exit 1 in 0.3 s".into()) },
            Value::Risk(["none", "none", "low", "opt-in"][i].into()),
            Value::Code(format!("slim app.tar -p {} -o OUT", names[i])),
        ]
    };
    Page {
        view: View::Compare,
        title: "app:1 under four profiles".into(),
        summary: Some(summary(1, "2 commands")),
        subtitle: "linux/amd64".into(),
        bars: vec![Bars {
            title: "Size".into(),
            about: "Layers as plain tars.".into(),
            rows: (0..4)
                .map(|i| Bar { label: names[i].into(), value: Value::Bytes(sizes[i]), ..Bar::default() })
                .collect(),
        }],
        tables: vec![Table {
            title: "Side by side".into(),
            about: "A start is the time until the program answers.".into(),
            columns: ["Profile", "Size", "Change", "Start", "Smoke test", "Risk", "Command"]
                .map(|t| Column { title: t.into(), bar: t == "Size" })
                .to_vec(),
            rows: (0..4).map(row).collect(),
        }]
        .into_iter()
        .chain(names.map(|name| Table {
            title: format!("What only {name} removes"),
            columns: vec![Column { title: "directory".into(), bar: false }],
            rows: vec![vec![Value::Text("usr/share/doc".into())]],
            ..Table::default()
        }))
        .collect(),
        ..Page::default()
    }
}

/// Numbers for names, in the order they come in.
#[derive(Default)]
struct Names(Vec<String>, HashMap<String, u32>);

impl Names {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(n) = self.1.get(name) {
            return *n;
        }
        let n = u32::try_from(self.0.len()).unwrap();
        self.0.push(name.to_owned());
        self.1.insert(name.to_owned(), n);
        n
    }
}

fn text(json: &Json) -> String {
    json.as_str().unwrap_or_default().to_owned()
}

/// The page of a real image, and with its files doubled.
fn image(analysis: &Json, plan: &Json) -> (Page, Page) {
    let slim = &analysis["slim"];
    let n = |json: &Json| json.as_u64().unwrap_or(0);
    let wasted = |layer: Option<u64>| -> Vec<Wasted> {
        let list = slim["wastedPaths"].as_array().unwrap().iter();
        list.filter(|w| layer.is_none_or(|l| n(&w["parts"][0]["layer"]) == l))
            .map(|w| Wasted {
                path: text(&w["path"]).into(),
                bytes: n(&w["bytes"]),
                how: format!("{} in layer {}", text(&w["cause"]), n(&w["by"])),
            })
            .take(10)
            .collect()
    };
    let mut page = Page {
        title: text(&slim["image"]["tags"][0]),
        subtitle: format!("{} · {}", text(&slim["image"]["platform"]), text(&slim["image"]["config"])),
        command: "slim analyze dashboard.tar --html page.html".into(),
        summary: Some(summary(1, "")),
        target: Some(target()),
        profile: "python-slim".into(),
        ..Page::default()
    };
    let fact = |label: &str, value, note: &str| Fact { label: label.into(), value, was: None, note: note.into() };
    page.facts = vec![
        fact("Size", Value::Bytes(n(&slim["bytes"])), "all layers as plain tars"),
        fact("Paths", Value::Count(n(&slim["paths"])), "that a container sees"),
        fact("Reclaimable", Value::Bytes(n(&slim["reclaimableBytes"])), "that no container sees"),
        fact(
            "Efficiency",
            Value::Percent(n(&analysis["image"]["efficiencyScore"]) as f64 + 99.9),
            "as dive computes it",
        ),
        fact("Best profile", Value::Bytes(n(&slim["profiles"][0]["savedBytes"])), "python-min would save"),
    ];
    for layer in slim["layers"].as_array().unwrap() {
        page.layers.push(Layer {
            number: usize::try_from(n(&layer["index"])).unwrap(),
            instruction: slim::report::instruction::clean(layer["instruction"].as_str().unwrap()),
            bytes: n(&layer["bytes"]),
            blob_bytes: n(&layer["blobBytes"]),
            files: n(&layer["files"]),
            wasted_bytes: n(&layer["wastedBytes"]),
            wasted: wasted(Some(n(&layer["index"]))),
            ..Layer::default()
        });
    }
    for waste in slim["waste"].as_array().unwrap() {
        page.waste.push(Waste {
            sentence: text(&waste["sentence"]),
            bytes: n(&waste["bytes"]),
            files: n(&waste["files"]),
            paths: vec![Wasted {
                path: text(&waste["path"]).into(),
                bytes: n(&waste["bytes"]),
                how: text(&waste["cause"]),
            }],
        });
    }
    for profile in slim["profiles"].as_array().unwrap() {
        let rule = |r: &Json| Rule {
            id: text(&r["id"]),
            about: text(&r["about"]),
            risk: text(&r["risk"]),
            files: n(&r["files"]),
            bytes: n(&r["bytes"]),
        };
        page.profiles.push(Profile {
            name: text(&profile["profile"]),
            risk: text(&profile["risk"]),
            input_bytes: n(&slim["bytes"]),
            output_bytes: n(&profile["outputBytes"]),
            command: format!("slim dashboard.tar -p {} -o OUT", text(&profile["profile"])),
            rules: profile["rules"].as_array().unwrap().iter().map(rule).collect(),
            ..Profile::default()
        });
    }
    page.findings = findings();
    files(&mut page, &plan["images"][0], &n);
    let mut doubled = page.clone();
    let copies =
        page.files.iter().map(|f| File { path: [b"opt/copy/", f.path.as_slice()].concat().into(), ..f.clone() });
    doubled.files.extend(copies);
    (page, doubled)
}

/// What lint may say one day.
fn findings() -> Vec<Finding> {
    [
        (
            Severity::Error,
            "import-missing",
            "app/.venv/lib/python3.12/site-packages/pip/_vendor/rich/x.py",
            "imports `rich`, which no file provides",
            "pip install rich",
        ),
        (Severity::Warning, "setuid", "usr/bin/chfn", "is setuid root", "chmod u-s, or drop it"),
        (Severity::Note, "package-archive", "wheels/pyarrow.whl", "is a package archive", ""),
    ]
    .map(|(severity, id, path, message, help)| Finding {
        severity,
        id: id.into(),
        path: path.into(),
        layer: Some(7),
        message: message.into(),
        help: help.into(),
    })
    .to_vec()
}

/// The files of a plan; kinds and packages are guessed from the path.
fn files(page: &mut Page, plan: &Json, n: &dyn Fn(&Json) -> u64) {
    let (mut kinds, mut packages, mut verdicts) = (Names::default(), Names::default(), HashMap::new());
    let files = plan["entries"].as_array().unwrap().iter().filter(|row| row["type"] != "marker");
    for row in files {
        let path = slim::report::unescape(row["path"].as_str().unwrap());
        let shown = String::from_utf8_lossy(&path).into_owned();
        let fate = match row["verdict"].as_str().unwrap() {
            "drop" => Fate::Drop,
            "hidden" => Fate::Hidden,
            "strip" => Fate::Strip,
            "rewrite" => Fate::Rewrite,
            "held" => Fate::Held,
            _ => Fate::Keep,
        };
        let key = (text(&row["verdict"]), text(&row["rule"]), text(&row["why"]));
        let next = u32::try_from(verdicts.len()).unwrap();
        let verdict = *verdicts.entry(key.clone()).or_insert_with(|| {
            page.verdicts.push(Verdict { fate, rule: key.1.clone(), why: key.2.clone(), risk: String::new() });
            next
        });
        let goes = matches!(fate, Fate::Drop | Fate::Hidden | Fate::Strip);
        page.files.push(File {
            path: path.into(),
            size: Some(n(&row["size"])),
            layer: u32::try_from(n(&row["layer"])).unwrap().checked_sub(1),
            kind: Some(kinds.number(kind(&shown, row["type"].as_str().unwrap_or("")))),
            package: package(&shown).map(|p| packages.number(&p)),
            verdict: Some(verdict),
            saved: if goes { n(&row["bytes"]) } else { 0 },
            ..File::default()
        });
    }
    (page.kinds, page.packages) = (kinds.0, packages.0);
}

fn kind(path: &str, of: &str) -> &'static str {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.rsplit_once('.').map_or("", |(_, ext)| ext) {
        _ if of != "file" => "(directories and links)",
        _ if path.contains("/tests/") => "tests",
        "pyc" => "bytecode",
        "py" | "pyi" => "Python sources",
        "h" | "hpp" => "headers",
        "a" => "static libraries",
        "deb" | "whl" => "package archives",
        "js" | "map" | "css" => "JavaScript",
        _ if name.contains(".so") => "shared objects",
        _ if path.contains("/bin/") || path.contains("libexec") => "executables",
        _ if path.contains("/locale") => "locales",
        _ if path.contains("/doc/") || path.contains("/man/") => "documentation",
        _ if path.starts_with("var/") => "caches",
        _ => "data",
    }
}

fn package(path: &str) -> Option<String> {
    let (_, rest) = path.split_once("site-packages/")?;
    let name = rest.split(['/', '-', '.']).next()?;
    Some(format!("pip {name}"))
}

/// A difference made up of one image, by the number of each file.
fn halves(page: &Page) -> Page {
    let mut out = page.clone();
    out.view = View::Diff;
    out.title = format!("{} → next", page.title);
    let before = page.layers.iter().map(|l| Layer { side: Side::Before, ..l.clone() });
    out.layers = before.chain(page.layers.iter().cloned()).collect();
    let count = u32::try_from(page.layers.len()).unwrap();
    for (i, file) in out.files.iter_mut().enumerate() {
        let size = file.size.unwrap_or(0);
        let (before, size, change) = match i % 97 {
            0..3 => (None, Some(size), Change::Added),
            3..5 => (Some(size), None, Change::Removed),
            5 => (Some(size), Some(size * 11 / 10 + 3), Change::Changed),
            6 => (Some(size), Some(size), Change::Moved),
            _ => (Some(size), Some(size), Change::Same),
        };
        let layer = file.layer;
        (file.before, file.size, file.change, file.verdict) = (before, size, Some(change), None);
        file.before_layer = before.and(layer);
        file.layer = size.and(layer.map(|l| l + count));
    }
    out.target = None;
    for fact in &mut out.facts {
        fact.was = Some(fact.value.clone());
    }
    out.profiles.clear();
    out.verdicts.clear();
    out.profile.clear();
    out
}
