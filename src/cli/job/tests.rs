//! Command lines, right and wrong.

use clap::FromArgMatches;

use super::super::args::{Command, ProfilesCommand, command};
use super::*;
use crate::Digest;
use crate::codec::Compression;
use crate::pipeline::{Base, LayersMode};

fn args(line: &str) -> std::result::Result<Args, clap::Error> {
    let words = std::iter::once("slim").chain(line.split(' ').filter(|w| !w.is_empty()));
    Args::from_arg_matches(&command().try_get_matches_from(words)?)
}

fn job(line: &str) -> Job {
    Job::resolve(args(line).unwrap(), None).unwrap()
}

fn plain() -> Job {
    let (input, profiles) = ("in.tar".into(), vec!["none".into()]);
    Job {
        request: Request { input, profiles, output: Some("out.tar".into()), ..Request::default() },
        output: Some("out.tar".into()),
        report: None,
        removed: None,
        provenance: None,
        referrers: Vec::new(),
        verbosity: Verbosity::Normal,
        color: Color::Auto,
        threads: None,
        max_size: None,
        min_saving: None,
    }
}

/// `in.tar -p none -o out.tar` with `more` is the plain job with `change`.
fn with(more: &str, change: impl FnOnce(&mut Job)) {
    let mut expected = plain();
    change(&mut expected);
    assert_eq!(job(&format!("in.tar -p none -o out.tar {more}")), expected, "{more}");
}

#[test]
fn clap_finds_no_fault_in_the_definition() {
    command().debug_assert();
}

#[test]
fn every_option_ends_where_it_belongs() {
    let digest = Digest::of(b"");
    with("", |_| {});
    with("--enable a,b --enable c", |j| j.request.enable = vec!["a".into(), "b".into(), "c".into()]);
    with("--drop /a/{b,c} --drop **/d", |j| j.request.drop = vec!["/a/{b,c}".into(), "**/d".into()]);
    with("--protect /a --protect /b", |j| j.request.protect = vec!["/a".into(), "/b".into()]);
    with("--layers keep", |_| {});
    with("--layers squash", |j| j.request.layers = LayersMode::Squash);
    with("--base 3", |j| j.request.base = Some(Base::Count(3)));
    with(&format!("--base {digest}"), |j| j.request.base = Some(Base::Digest(digest)));
    with("--compression none", |j| j.request.compression = Some((Compression::None, None)));
    with("--compression zstd:19", |j| j.request.compression = Some((Compression::Zstd, Some(19))));
    with("-t a:1 --tag h:5000/b", |j| j.request.tags = vec!["a:1".into(), "h:5000/b".into()]);
    with("--label a=b --label c=", |j| j.request.labels = vec![("a".into(), "b".into()), ("c".into(), String::new())]);
    with("--platform linux/arm/v7", |j| j.request.reading.platform = Some("linux/arm/v7".into()));
    with("--report r.json", |j| j.report = Some("r.json".into()));
    with("--removed -", |j| (j.removed, j.request.list_removed) = (Some("-".into()), true));
    with("--dry-run", |j| j.request.output = None);
    with("-q", |j| j.verbosity = Verbosity::Quiet);
    with("-v", |j| j.verbosity = Verbosity::Verbose);
    with("-vvv", |j| j.verbosity = Verbosity::All);
    with("--color never", |j| j.color = Color::Never);
    with("--threads 2", |j| j.threads = Some(2));
    with("--max-size 700MB", |j| j.max_size = Some(700_000_000));
    with("--min-saving 5%", |j| j.min_saving = Some(Saving::Percent(5.0)));
    with("--timings", |j| j.request.timings = true);
}

#[test]
fn profiles_add_up_in_order_and_standard_streams_are_dashes() {
    assert_eq!(job("- -p a,./b.toml -p c -o -").request.profiles, ["a", "./b.toml", "c"]);
    let piped = job("- -p none -o -");
    assert_eq!((piped.request.input.as_str(), piped.output.as_deref()), ("-", Some("-")));
    assert_eq!(job("in -p none --dry-run").output, None);
}

#[test]
fn only_one_thing_goes_to_standard_output() {
    for line in ["i -p none -o - --report -", "i -p none -o - --removed -", "i -p none -o out --report - --removed -"] {
        let error = Job::resolve(args(line).unwrap(), None).unwrap_err();
        assert!(error.what.contains("standard output") && error.hint.is_some(), "{line}: {error}");
    }
}

#[test]
fn what_is_missing_is_said_with_a_hint() {
    let error = |line: &str| Job::resolve(args(line).unwrap(), None).unwrap_err();
    let output = error("in.tar -p none");
    assert_eq!((output.kind, output.what.as_str()), (ErrorKind::Usage, "no output is given"));
    assert!(output.hint.unwrap().contains("docker-daemon:NAME:TAG"));
    assert!(error("--color never profiles").hint.unwrap().contains("the command `profiles`, it comes first"));
}

#[test]
fn without_a_profile_it_is_auto() {
    let request = job("in.tar -o out.tar").request;
    assert_eq!(
        (request.profiles, request.notes),
        (vec!["auto".to_owned()], vec!["no profile was given: auto".to_owned()])
    );
    assert!(job("in.tar -o out.tar -p auto").request.notes.is_empty());
}

#[test]
fn the_epoch_comes_from_the_environment() {
    let resolve = |epoch: &str| Job::resolve(args("i -p none -o o").unwrap(), Some(epoch.into()));
    assert_eq!(resolve("1700000000").unwrap().request.created, Some(1_700_000_000));
    assert_eq!(resolve("").unwrap().request.created, None);
    let error = resolve("yesterday").unwrap_err();
    assert!(error.kind == ErrorKind::Usage && error.what.contains("`yesterday`"), "{error}");
}

#[test]
fn wrong_lines_are_usage_errors() {
    for line in [
        "",
        "-p none -o out",
        "i -p none -o out extra",
        "i -p  -o out --profile=",
        "i -p none,,caches -o out",
        "i -p none -o out -o other",
        "i -p none -o=",
        "i -p none -o out --nonsense",
        "i -p none -o out --layers merge",
        "i -p none -o out --base -1",
        "i -p none -o out --base sha256:00",
        "i -p none -o out --compression gzip:10",
        "i -p none -o out --label novalue",
        "i -p none -o out --threads 0",
        "i -p none -o out --max-size big",
        "i -p none -o out --min-saving 101%",
        "i -p none -o out --color maybe",
        "i -p none -o out -q -v",
        "completions tcsh",
        "profiles show",
        "profiles what",
    ] {
        let error = args(line).expect_err(line);
        assert_eq!(error.exit_code(), 2, "{line}");
        assert!(error.use_stderr(), "{line}");
    }
}

#[test]
fn a_plan_is_asked_for_like_the_main_job() {
    let plan = |line: &str| match args(line).unwrap().command {
        Some(Command::Plan(plan)) => *plan,
        other => panic!("{line}: {other:?}"),
    };
    let shared = "-p a,b --enable c --drop /d --protect /e --layers squash --base 2 --platform linux/amd64 --threads 3";
    let wanted = job(&format!("in.tar {shared} --dry-run"));
    let asked = plan(&format!("plan in.tar {shared} usr/share **/x.py"));
    assert_eq!(asked.paths, ["usr/share", "**/x.py"]);
    assert_eq!(
        (asked.request.image.reading.threads, planning(asked.request).unwrap()),
        (wanted.threads, wanted.request)
    );
    let asked = plan("plan in.tar -p none -v --only drop,held --only strip --depth 2 --sort size");
    assert!(asked.all && asked.depth == Some(2) && asked.sort == crate::explain::Sort::Size && !asked.json);
    assert_eq!(asked.only.iter().map(|v| v.name()).collect::<Vec<_>>(), ["drop", "held", "strip"]);
    assert_eq!(plan("plan - -p none --why /a --why b --json").why, ["/a", "b"]);
    for line in [
        "plan",
        "plan -p none",
        "plan in -p none -o out",
        "plan in -p none --only gone",
        "plan in -p none --why a b",
        "plan in -p none --why a --all",
        "plan in -p none --json --depth 1",
        "plan in -p none --depth -1",
    ] {
        assert_eq!(args(line).expect_err(line).exit_code(), 2, "{line}");
    }
    assert_eq!(planning(plan("plan in.tar").request).unwrap().profiles, ["auto"]);
}

#[test]
fn subcommands_need_nothing_of_the_main_job() {
    assert!(matches!(args("profiles").unwrap().command, Some(Command::Profiles { command: None })));
    let show = args("profiles show none --color never").unwrap();
    assert_eq!(show.color, Color::Never);
    assert!(matches!(
        show.command,
        Some(Command::Profiles { command: Some(ProfilesCommand::Show { name }) }) if name == "none"
    ));
    assert!(matches!(args("completions zsh").unwrap().command, Some(Command::Completions { .. })));
    assert!(matches!(args("man").unwrap().command, Some(Command::Man)));
    // After the first option of the main job a word is its input, whatever it is called.
    assert_eq!(job("-p none -o out ./man").request.input, "./man");
}
