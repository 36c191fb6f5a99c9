//! `slim verify --run` and `--sweep`, with an engine that is a shell script: it knows what was loaded, and what works in an image
//! that has `doc/two`.

use crate::builder::archive::to_tar;
use crate::builder::{Archive, Form, Image, layer};
use crate::engine;
use crate::run::{Dir, Outcome};
use serde_json::{Value, json};

/// What it runs.
const RUNS: &str = r#"  run) id=; for last; do case $last in sha256:*) [ -n "$id" ] || id=$last ;; esac; done
    has() { grep -q doc/two "$dir/loaded-$id"; }
    case $last in
      : | works) exit 0 ;;
      needs) has || { printf '\033[31mno such file\n' >&2; exit 2; } ;;
      leaves) sleep 100 & exec sleep 100 ;;
      # The sweep of programs: its last argument is how many seconds each may take.
      10) while read -r path; do
          code=0; case $path in */needs) has || code=1 ;; esac
          printf '%s\t%s\t1 1\n' "$path" "$code"
        done; printf '/bin/nobody-asked\t0\t1 1\n' ;;
      # That of modules.
      *importlib*) cat > /dev/null; has && echo '["m","ok",""]' || echo '["m","","ImportError: \u001b[31m"]' ;;
    esac ;;
"#;

const FILES: &str = "dir bin\nfile bin/sh mode=0755 content=sh\nfile bin/works mode=0755 content=works\n\
    file bin/needs mode=0755 content=needs\nfile keep content=keep\n";
const GOES: &str = "file bin/goes mode=0755 content=goes\nfile doc/two content=two\n";

/// An image that has all, and one that lacks what goes.
fn two(more: &str) -> Dir {
    let mut dir = Dir::new();
    for (name, text) in [("in.tar", format!("{FILES}{more}{GOES}")), ("out.tar", format!("{FILES}{more}"))] {
        let mut image = Image::new(vec![layer(&text)]);
        image.config = json!({"config": {"Env": ["PATH=/bin"]}});
        dir.write(name, to_tar(&Archive::new(image, Form::Docker).entries()));
    }
    engine::install(&mut dir, RUNS);
    dir
}

fn verify(dir: &Dir, out: &str, more: &[&str]) -> Outcome {
    dir.run(&[&["verify", out, "--against", "in.tar", "--engine", "./engine"], more].concat())
}

/// All that came into the engine is gone.
#[track_caller]
fn nothing_left(dir: &Dir, loads: usize) {
    let log = std::fs::read_to_string(dir.join("log")).unwrap();
    let count = |word: &str| log.lines().filter(|l| l.split(' ').next() == Some(word)).count();
    assert_eq!((count("load"), count("rmi"), count("tag")), (loads, loads, 0), "{log}");
    assert!(dir.names().iter().all(|n| !n.starts_with("has-")));
}

#[test]
fn commands_and_programs_that_no_longer_work_are_mismatches() {
    let dir = two("");
    dir.write("list", "works\nneeds\n");
    let args = ["--run", "list", "--runs", "2", "--sweep", "bin"];
    let run = verify(&dir, "out.tar", &[&args[..], &["--json"]].concat());
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    let all: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!((&all["ok"], &all["mismatches"]), (&json!(false), &json!([])), "{all}");
    let trials = &all["trials"];
    assert_eq!((&trials["different"], &trials["shell"]), (&json!(1), &json!(true)), "{trials}");
    assert_eq!((&trials["trials"][0]["same"], &trials["trials"][1]["differs"]), (&json!(true), &json!(["exit-code"])));
    assert_eq!(trials["trials"][1]["after"]["seconds"].as_array().unwrap().len(), 2);
    let sweep = &all["sweeps"]["sweeps"][0];
    let names = |list: &str| sweep[list].as_array().unwrap().iter().map(|f| f["name"].clone()).collect::<Vec<_>>();
    assert_eq!(
        (names("regressions"), names("dropped")),
        (vec![json!("/bin/needs")], vec![json!("/bin/goes")]),
        "{sweep}"
    );
    assert_eq!((&sweep["tried"], &sweep["worked"], &sweep["works"]), (&json!(4), &json!(4), &json!(2)));
    nothing_left(&dir, 2);

    let run = verify(&dir, "out.tar", &args);
    assert_eq!(run.code, Some(1));
    for words in [
        "Commands: 1 of 2 as before",
        "DIFFERS",
        "exit code: needs",
        "Sweep bin: 2 of 4 work",
        "/bin/needs  exit code 1",
    ] {
        assert!(run.text().contains(words), "no {words:?} in {}", run.text());
    }
    assert!(!run.text().contains('\u{1b}'), "what a container says steers no terminal: {:?}", run.text());
}

#[test]
fn what_works_as_before_is_no_mismatch() {
    let dir = two("");
    dir.write("list", "works\n");
    let args = ["--run", "list", "--runs", "1", "--sweep", "packages,node,python"];
    let run = verify(&dir, "out.tar", &args).ok();
    for words in ["Commands: 1 of 1 as before", "Sweep python: skipped, the image has no Python", "no package manager"]
    {
        assert!(run.text().contains(words), "no {words:?} in {}", run.text());
    }
    assert_eq!(verify(&dir, "out.tar", &[&args[..], &["-q"]].concat()).ok().text(), "");
    let json = verify(&dir, "in.tar", &["--run", "list", "--json"]).ok();
    assert_eq!(serde_json::from_slice::<Value>(&json.stdout).unwrap()["ok"], true);
    nothing_left(&dir, 5);
}

#[test]
fn names_and_answers_of_an_image_steer_no_terminal() {
    let python = "opt/\u{1b}[31m";
    let files = format!(
        "file {python}/bin/python3 mode=0755 content=p\nfile {python}/lib/python3.12/os.py content=os\n\
         file {python}/lib/python3.12/site-packages/m.py content=m\n"
    );
    let dir = two(&files);
    let run = verify(&dir, "out.tar", &["--sweep", "python"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(run.text().contains("Sweep python /opt/\\u{1b}[31m/bin/python3"), "{}", run.text());
    assert!(!run.text().contains('\u{1b}') && !run.stderr.contains('\u{1b}'), "{:?}", run.text());
    dir.write("p.toml", "description = \"p\"\n[[rule]]\nid = \"d\"\nabout = \"x\"\naction = \"drop\"\nguard = \"none\"\npaths = [\"doc\"]\n");
    let text =
        dir.run(&["compare", "in.tar", "-p", "./p.toml", "--engine", "./engine", "--sweep", "python"]).ok().text();
    assert!(text.contains("sweep python /opt/\\u{1b}[31m") && !text.contains('\u{1b}'), "{text:?}");
    nothing_left(&dir, 4);
}

#[test]
fn what_a_command_leaves_behind_does_not_outlast_the_time_out() {
    let dir = two("");
    dir.write("list", "leaves\n");
    let start = std::time::Instant::now();
    let run = verify(&dir, "out.tar", &["--run", "list", "--runs", "1", "--timeout", "1", "--json"]).ok();
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
    let all: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(all["trials"]["trials"][0]["after"]["timedOut"], true, "{all}");
    nothing_left(&dir, 2);
}

#[test]
fn what_cannot_be_run_is_an_error() {
    let dir = two("");
    dir.write("list", "works\n");
    let engine = ["--engine", "./engine"];
    let run = |args: &[&str]| dir.run(&[&["verify"], args].concat());
    run(&[&["out.tar", "--run", "list"], &engine[..]].concat()).error(&["nothing to compare", "--against IN"]);
    run(&[&["out.tar", "--sweep", "bin"], &engine[..]].concat()).error(&["nothing to compare", "--against IN"]);
    run(&[&["-", "--against", "in.tar", "--run", "list"], &engine[..]].concat()).error(&["standard input", "save it"]);
    run(&["out.tar", "--against", "in.tar", "--run", "list", "--engine", "/no/such"]).error(&[
        "no container engine answers",
        "/no/such",
        "hint:",
    ]);
    run(&[&["out.tar", "--against", "in.tar", "--run", "none"], &engine[..]].concat())
        .error(&["none", "cannot be read"]);
}
