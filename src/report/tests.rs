//! Tests with one made-up report in all forms.

use super::paint::Paint;
use super::text::{Options, render};
use super::*;

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn layer(index: usize, fate: Fate, input: u64, output: u64, instruction: &str) -> LayerReport {
    let kept = fate != Fate::Dropped;
    LayerReport {
        index,
        instruction: instruction.into(),
        input_bytes: input,
        output_bytes: output,
        input_blob: input / 3,
        output_blob: kept.then_some(output / 3),
        diff_id: DIGEST.replace("e3", &format!("{index:02x}")),
        output_diff_id: kept.then(|| DIGEST.into()),
        fate,
        files_removed: u64::from(input != output) * 7,
    }
}

fn rule(id: &str, files: u64, bytes: u64) -> RuleReport {
    let about = "man pages and their translations: no program reads them but man, which is not installed".into();
    RuleReport {
        id: id.into(),
        profile: "debian-slim".into(),
        about,
        costs: String::new(),
        risk: Risk::None,
        files,
        bytes,
    }
}

fn named(name: &str, files: u64, bytes: u64) -> Named {
    Named { name: name.into(), files, bytes }
}

fn held(reason: &str, rule: &str, files: u64, bytes: u64) -> Held {
    Held { reason: reason.into(), rule: rule.into(), files, bytes }
}

fn image_side(bytes: u64) -> ImageSide {
    ImageSide { manifest: Some(DIGEST.into()), config: DIGEST.into(), uncompressed_bytes: bytes, blob_bytes: bytes / 3 }
}

fn image() -> ImageReport {
    let long = "RUN |1 V=1 /bin/sh -c apt-get update && apt-get install -y --no-install-recommends gcc g++ git \
                ssh && python -m venv /opt/venv # buildkit";
    let left = |id: &str, files, bytes, usual| {
        let reason = format!("a sentence about {id}");
        SkippedFiles { id: id.into(), reason, files, bytes, example: b"usr/bin/a\xff".into(), usual }
    };
    let unchanged = |id: &str, files, bytes, usual| {
        let reason = format!("a sentence about {id}");
        let rule = "upx".to_owned();
        Unchanged { id: id.into(), rule, reason, files, bytes, example: b"usr/bin/b".into(), usual }
    };
    let rescue = |path: &[u8], rule: &str, bytes| Rescue {
        path: path.into(),
        rule: rule.into(),
        bytes,
        why: "protected: licences stay with what they cover".into(),
    };
    ImageReport {
        tags: vec!["app:1.0".into(), "app:latest".into()],
        platform: "linux/amd64".into(),
        picked: vec![],
        input: image_side(1_876_000_000),
        output: Some(image_side(1_270_400_000)),
        layers: vec![
            layer(1, Fate::Base, 98_200_000, 98_200_000, "/bin/sh -c #(nop) ADD file:0a1b in / "),
            layer(2, Fate::Rewritten, 1_554_000_000, 1_172_200_000, long),
            layer(3, Fate::Dropped, 205_300_000, 0, "COPY /wheels /wheels # buildkit"),
            layer(4, Fate::Unchanged, 1_536, 1_536, "COPY a\x1b[31mb /app\n # buildkit"),
            layer(5, Fate::Rewritten, 18_498_464, 0, ""),
        ],
        rules: vec![
            rule("man-pages", 12_345, 18_400_000),
            rule("wheels", 101, 205_300_000),
            rule("docs", 44, 18_400_000),
            rule("idle", 0, 0),
        ],
        unmatched_rules: vec!["my-docs".into(), "go-cache".into()],
        idle_rules: vec!["my-docs".into()],
        removed: Totals { files: 12_490, bytes: 605_600_000 },
        stripped: Stripped {
            files: 3,
            bytes: 1_048_576,
            left: vec![left("appended", 1, 9_000_000, false), left("nothing", 100, 80_000_000, true)],
        },
        removed_packages: Vec::new(),
        kept_packages: Vec::new(),
        linked: Totals { files: 2, bytes: 3_072 },
        made: Totals { files: 1, bytes: 512 },
        bytecode: Bytecode { modules: 1_234, bytes: 157_000_000, start_seconds: 1.57 },
        unchanged: vec![unchanged("timed-out", 1, 7_000, false), unchanged("not-smaller", 10, 80_000, true)],
        packages: (1..=8).map(|i| named(&format!("package-{i}"), i, 1_000_000 * (i / 2))).collect(),
        directories: vec![named("usr/share/doc", 44, 18_400_000), named("wheels", 101, 205_300_000)],
        rescued: vec![
            rescue(b"usr/share/doc/bash/copyright", "docs", 12_288),
            rescue(b"usr/share/doc/odd\xff\\name", "docs", 512),
        ],
        held: vec![
            held("licences stay with what they cover", "docs", 310, 4_200_000),
            held("a link that stays leads to it", "docs", 1, 512),
            held("licences stay with what they cover", "man-pages", 2, 1_024),
        ],
    }
}

fn side(path: &str, bytes: u64) -> Side {
    Side {
        path: path.into(),
        form: ImageFormat::Hybrid,
        archive_bytes: Some(bytes + 8_192),
        moved: None,
        uncompressed_bytes: bytes,
        pulled_bytes: Some(bytes / 3),
        digest: Some(DIGEST.into()),
    }
}

fn sample() -> Report {
    let mut report = Report {
        schema_version: SCHEMA_VERSION,
        slim_version: "0.1.0".into(),
        dry_run: false,
        profiles: vec!["python-slim".into(), "./mine.toml".into()],
        picked: vec![],
        layers_mode: "keep".into(),
        notes: Vec::new(),
        input: side("app.tar", 1_876_000_000),
        output: Some(side("app-slim.tar", 1_270_400_000)),
        images: vec![image()],
        warnings: vec![Warning::new("media-type-mismatch", "layer 2 of 5 is gzip, its media type says tar")],
        timings: Vec::new(),
    };
    report.sort();
    report
}

fn dry() -> Report {
    let mut report = sample();
    report.dry_run = true;
    report.output = None;
    report.images[0].output = None;
    report
}

fn options(width: usize, detail: u8) -> Options {
    Options { width, terminal: true, paint: Paint(false), detail }
}

#[test]
fn text_at_80_columns() {
    insta::assert_snapshot!("text-80", render(&sample(), &options(80, 0)));
}

#[test]
fn text_at_120_columns_with_more_detail() {
    let mut report = sample();
    report.timings = vec![
        Timing { phase: "scan".into(), seconds: 1.254, bytes: 1_876_000_000 },
        Timing { phase: "plan".into(), seconds: 0.04, bytes: 0 },
    ];
    insta::assert_snapshot!("text-120-v", render(&report, &options(120, 1)));
}

#[test]
fn text_of_a_dry_run_of_several_images() {
    let mut report = dry();
    let mut arm = image();
    (arm.tags, arm.platform, arm.output) = (Vec::new(), "linux/arm64".into(), None);
    (arm.rules, arm.packages, arm.directories, arm.held) = Default::default();
    arm.layers.truncate(1);
    report.images.push(arm);
    insta::assert_snapshot!("text-dry-run", render(&report, &options(80, 0)));
}

#[test]
fn no_line_is_wider_than_asked_but_digests_whole() {
    for (width, detail) in [(80, 0), (80, 1), (100, 1)] {
        for line in render(&sample(), &options(width, detail)).lines() {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
    }
    let all = render(&sample(), &options(40, 2));
    assert_eq!(all.matches(DIGEST).count(), 2);
    assert!(all.contains("python -m venv /opt/venv\n"), "-vv cuts nothing: {all}");
}

#[test]
fn nothing_of_an_image_steers_the_terminal() {
    let mut report = sample();
    report.images[0].tags = vec!["evil\x1b]0;x\x07".into()];
    report.warnings[0].message = "bad\rname".into();
    let text = render(&report, &options(80, 2));
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
}

#[test]
fn a_larger_output_is_said_plainly() {
    let mut report = sample();
    report.input.archive_bytes = Some(1_000);
    report.output.as_mut().unwrap().archive_bytes = Some(1_500);
    let text = render(&report, &options(80, 0));
    assert!(text.ends_with("grew by 500 B of 1.0 kB (50.0%), 12,490 files removed, 3 stripped, 3 changed\n"), "{text}");
}

#[test]
fn an_index_is_named_beside_the_manifests() {
    let mut report = sample();
    assert!(!render(&report, &options(80, 0)).contains("\nindex"));
    report.output.as_mut().unwrap().digest = Some("sha256:index".into());
    assert!(render(&report, &options(80, 0)).contains("\nindex    sha256:index\n"));
}

#[test]
fn colour_changes_no_other_character() {
    let plain = render(&sample(), &options(80, 1));
    let coloured = render(&sample(), &Options { paint: Paint(true), ..options(80, 1) });
    let mut stripped = String::new();
    for (i, part) in coloured.split("\x1b[").enumerate() {
        stripped.push_str(if i == 0 { part } else { part.split_once('m').unwrap().1 });
    }
    assert_ne!(plain, coloured);
    assert_eq!(plain, stripped);
}

#[test]
fn json_has_the_documented_shape() {
    let mut out = Vec::new();
    json::write(&sample(), &mut out).unwrap();
    insta::assert_snapshot!("json", String::from_utf8(out).unwrap());
}

#[test]
fn every_json_key_is_documented() {
    fn keys(value: &serde_json::Value, found: &mut std::collections::BTreeSet<String>) {
        match value {
            serde_json::Value::Object(map) => map.iter().for_each(|(key, value)| {
                found.insert(key.clone());
                keys(value, found);
            }),
            serde_json::Value::Array(list) => list.iter().for_each(|v| keys(v, found)),
            _ => {}
        }
    }
    let mut report = sample();
    report.timings.push(Timing { phase: "scan".into(), seconds: 1.0, bytes: 1 });
    let mut found = std::collections::BTreeSet::new();
    keys(&serde_json::to_value(&report).unwrap(), &mut found);
    let doc = include_str!("json.rs");
    let words: Vec<&str> = doc.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let missing: Vec<_> = found.iter().filter(|key| !words.contains(&key.as_str())).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_dry_run_has_null_for_what_was_not_written() {
    let mut out = Vec::new();
    json::write(&dry(), &mut out).unwrap();
    let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert!(value["output"].is_null() && value["images"][0]["output"].is_null());
    assert_eq!(value["images"][0]["rescued"][1]["path"], r"usr/share/doc/odd\xff\\name");
}
