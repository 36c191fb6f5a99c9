use super::*;
use crate::engine::trial::{Run, Said, Trial};
use crate::profile::Risk;
use crate::report::RemovedPath;
use crate::report::paint::Paint;

fn removed(path: &str, layer: usize, bytes: u64, rule: &str) -> RemovedPath {
    RemovedPath { path: path.as_bytes().to_vec().into_boxed_slice().into(), layer, bytes, rule: rule.into() }
}

fn run(code: i32, seconds: f64) -> Run {
    let said = Said { bytes: 0, digest: String::new(), tail: "no such module\n".to_owned() };
    let (stdout, stderr) = (said.clone(), said);
    Run {
        exit_code: Some(code),
        timed_out: false,
        stdout,
        stderr,
        unsteady: Vec::new(),
        seconds: vec![seconds],
        median_seconds: seconds,
    }
}

fn rule(id: &str, bytes: u64) -> RuleReport {
    let text = |s: &str| s.to_owned();
    RuleReport {
        id: text(id),
        profile: text("p"),
        about: String::new(),
        costs: String::new(),
        risk: Risk::Low,
        files: 1,
        bytes,
    }
}

fn column(name: &str, bytes: u64, code: i32) -> Column {
    let outputs = Outputs::None;
    let trial = Trial::new("app | `x`", run(0, 1.0), run(code, 0.5), outputs);
    let different = usize::from(!trial.same);
    let trials = Trials { engine: "docker".into(), shell: true, outputs, different, trials: vec![trial] };
    Column {
        name: name.to_owned(),
        uncompressed_bytes: bytes,
        gzip_bytes: Some(bytes / 2),
        zstd_bytes: Some(bytes / 4),
        slim_seconds: (name != AS_IT_IS).then_some(2.0),
        rules: if name == AS_IT_IS { Vec::new() } else { vec![rule("docs", bytes / 10)] },
        trials: Some(trials),
        ..Column::default()
    }
}

fn comparison() -> Comparison {
    let lists = [
        vec![removed("usr/share/doc/a", 1, 100, "docs"), removed("x", 1, 5, "x")],
        vec![removed("x", 1, 5, "x"), removed("x", 2, 7, "x")],
    ];
    let mut columns = vec![column(AS_IT_IS, 4_000_000, 0), column("a", 3_000_000, 0), column("b", 1_000_000, 1)];
    columns.iter_mut().skip(1).zip(only(&lists)).for_each(|(c, only)| c.only = only);
    Comparison {
        schema_version: SCHEMA_VERSION,
        slim_version: "0".into(),
        image: Head {
            path: "in.tar".into(),
            tags: vec!["x:1".into()],
            platform: "linux/amd64".into(),
            config: "c".into(),
        },
        bits_per_second: 100_000_000,
        scan_seconds: 1.0,
        tried: Some(Tried { engine: "docker".into(), shell: true, outputs: Outputs::None, runs: 1 }),
        columns,
    }
}

#[test]
fn what_only_one_takes_is_told_by_layer_and_path() {
    let all = comparison();
    let of = |index: usize| all.columns[index].only.clone().unwrap();
    assert_eq!((of(1).files, of(1).bytes, of(1).directories[0].name.as_str()), (1, 100, "usr/share/doc"));
    assert_eq!((of(2).files, of(2).bytes, of(2).directories[0].name.as_str()), (1, 7, "/"));
    assert_eq!(only(&[vec![removed("x", 1, 5, "x")]]), [None]);
}

#[test]
fn the_text_has_a_letter_for_each_column() {
    let text = text::render(&comparison(), &text::Options { width: 80, paint: Paint(false), all: false });
    for line in [
        "  A  (as it is)",
        "  C  b",
        "    saved                   -    25.0%    75.0%",
        "  pull at 100 Mbit/s     0 ms     0 ms     0 ms",
        "  commands as before      1/1      1/1      0/1",
        "  500 ms  500 ms  ✗ exit 1 500 ms  app | `x`",
        "Only B removes 100 B in 1 file  docs 100 B",
        "C: commands that are not as before",
        "    exit code 0 before, 1 after",
        "    no such module",
    ] {
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.lines().any(|l| words(l) == words(line)), "no {line:?} in\n{text}");
    }
    assert!(!text.contains('\x1b'));
}

#[test]
fn markdown_survives_what_commands_are_made_of() {
    let text = markdown::render(&comparison());
    assert!(text.contains("| <code>app &#124; &#96;x&#96;</code> | 500 ms | 500 ms | ✗ exit 1 500 ms |\n"), "{text}");
    assert!(
        text.contains("|  | <code>&#40;as it is&#41;</code> | <code>a</code> | <code>b</code> |\n|:--|--:|--:|--:|\n"),
        "{text}"
    );
}

#[test]
fn json_has_the_figures_under_camel_case_names() {
    let json = serde_json::to_value(comparison()).unwrap();
    assert_eq!(json["columns"][2]["gzipBytes"], 500_000);
    assert_eq!(json["columns"][2]["trials"]["trials"][0]["differs"][0], "exit-code");
    assert_eq!(json["columns"][0]["slimSeconds"], serde_json::Value::Null);
}

#[test]
fn a_sweep_tells_what_broke_from_what_was_dropped() {
    use crate::engine::sweep::{Finding, Sweep};
    let mut all = comparison();
    let finding = |name: &str| Finding { name: name.into(), path: None, why: "E: gone".into() };
    let sweep = Sweep {
        sweep: "python".into(),
        with: Some("/usr/bin/python3".into()),
        tried: 2000,
        worked: 1500,
        works: 1497,
        regressions: vec![finding("a.b")],
        dropped: vec![finding("c"), finding("d")],
        ..Sweep::default()
    };
    let skipped = Sweep { sweep: "node".into(), skipped: Some("the image has no Node".into()), ..Sweep::default() };
    let sweeps = vec![sweep, skipped];
    all.columns[1].sweeps = Some(SweepReport { engine: "docker".into(), regressions: 1, sweeps });
    let text = text::render(&all, &text::Options { width: 80, paint: Paint(false), all: false });
    for part in
        ["1,497/1,500 (1 worse, 2 dropped)", "B: sweep python /usr/bin/python3: worked before", "  a.b  E: gone"]
    {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
}

#[test]
fn the_page_says_what_failed_and_each_risk() {
    use crate::page::Value;
    let page = page::page(&comparison());
    let choices = page.summary.unwrap().choices;
    let told: Vec<_> = choices.iter().map(|c| (c.name.as_str(), c.bytes, c.failed.as_str())).collect();
    assert_eq!(told, [(AS_IT_IS, 4_000_000, ""), ("a", 3_000_000, ""), ("b", 1_000_000, "1 command")]);
    let cells = page.tables.iter().flat_map(|table| &table.rows).flatten();
    let failed: Vec<&str> =
        cells.filter_map(|v| if let Value::Failed(how) = v { Some(how.as_str()) } else { None }).collect();
    assert_eq!(failed, ["0/1", "exit 1 500 ms", "exit code differs"]);
}
