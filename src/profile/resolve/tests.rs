use super::super::{Bytecode, Mode};
use super::*;

/// Resolves files given as (path, text); the first one is asked for.
fn run(files: &[(&str, &str)]) -> Result<Profile, ProfileError> {
    run_with(files, &Request::default())
}

fn run_with(files: &[(&str, &str)], request: &Request<'_>) -> Result<Profile, ProfileError> {
    let first = [files[0].0.to_owned()];
    resolve(&Request { profiles: &first, ..*request }, &read(files))
}

fn read<'a>(files: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> io::Result<String> + 'a {
    |path| match files.iter().find(|(name, _)| *name == path) {
        Some((_, text)) => Ok((*text).to_owned()),
        None => Err(io::Error::from(io::ErrorKind::NotFound)),
    }
}

fn check_one(text: &str) -> Vec<String> {
    let nothing = |_: &str| Err(io::Error::from(io::ErrorKind::NotFound));
    check("f.toml", text, &nothing).iter().map(ToString::to_string).collect()
}

fn rule(id: &str, more: &str) -> String {
    format!("[[rule]]\nid = \"{id}\"\naction = \"drop\"\npaths = [\"{id}\"]\n{more}\n")
}

#[test]
fn a_rule_replaces_the_extended_one_in_its_place() {
    let base = [rule("a", ""), rule("b", ""), rule("c", "risk = \"opt-in\"")].concat();
    let top = format!(
        "description = \"top\"\nextends = [\"../base.toml\"]\nenable = [\"c\"]\n{}",
        rule("b", "risk = \"none\"")
    );
    let p = run(&[("d/top.toml", &top), ("d/../base.toml", &base)]).unwrap();
    let all: Vec<_> = p.rules.iter().map(|r| (r.id.as_str(), r.profile.as_str(), r.enabled)).collect();
    assert_eq!(all, [("a", "d/../base.toml", true), ("b", "d/top.toml", true), ("c", "d/../base.toml", true)]);
    assert_eq!((p.rules[1].risk, p.rules[0].risk), (Risk::None, Risk::Low));
    assert_eq!((p.description.as_str(), p.names[0].as_str()), ("top", "d/top.toml"));
}

#[test]
fn several_profiles_add_up_and_each_counts_once() {
    let names = ["debian-slim", "caches", "alpine-slim"].map(str::to_owned);
    let p = resolve(&Request { profiles: &names, ..Request::default() }, &read(&[])).unwrap();
    let shadowed = p.rules.iter().filter(|r| matches!(r.action, Action::DropShadowed(_))).count();
    assert_eq!((shadowed, p.rules.iter().filter(|r| r.id == "apk-man").count()), (1, 1));
    assert_eq!(p.protects.len(), resolve(&Request::default(), &read(&[])).unwrap().protects.len());
}

#[test]
fn the_command_line_adds_a_rule_and_protections() {
    let (drop, protect) = (["/x/".to_owned(), "{site-packages}/y".to_owned()], ["z*".to_owned()]);
    let p = resolve(&Request { drop: &drop, protect: &protect, ..Request::default() }, &read(&[])).unwrap();
    let rule = p.rules.last().unwrap();
    assert_eq!((rule.id.as_str(), rule.paths[0].expanded.as_slice()), ("command-line", &["x".to_owned()][..]));
    assert!(rule.enabled && rule.paths[1].expanded.contains(&"**/site-packages/y".to_owned()));
    assert_eq!(p.protects.last().unwrap().reason, "--protect z*");
    let bad = ["a{b".to_owned()];
    let e = resolve(&Request { drop: &bad, ..Request::default() }, &read(&[])).unwrap_err();
    assert!(e.to_string().contains(" --> --drop:1:1\n  |\n1 | a{b\n  | ^^^"), "{e}");
}

#[test]
fn a_protection_is_written_in_three_ways() {
    let p = run(&[("f.toml", "[protect]\npaths = [\"a\", { path = \"b\", reason = \"why\", links = true }]")]).unwrap();
    let q = run(&[("f.toml", "[protect.paths]\n\"{bin}/c\" = \"why not\"")]).unwrap();
    let last: Vec<_> = p.protects.iter().chain(&q.protects).filter(|p| p.profile == "f.toml").collect();
    let short: Vec<_> = last.iter().map(|p| (p.path.source.as_str(), p.reason.as_str(), p.links)).collect();
    assert_eq!(short, [("a", "protected by f.toml", false), ("b", "why", true), ("{bin}/c", "why not", false)]);
}

#[test]
fn a_set_can_be_added_to_and_replaced() {
    let text = "[sets]\nsite-packages = [\"{site-packages}\", \"opt/py\"]\nbin = [\"opt/bin\"]\n";
    let p = run(&[("f.toml", text)]).unwrap();
    assert_eq!(p.sets["site-packages"], ["**/site-packages", "**/dist-packages", "opt/py"]);
    assert_eq!(p.sets["bin"], ["opt/bin"]);
}

#[test]
fn each_mistake_is_found_with_its_place_and_the_nearest_name() {
    let good = "id = \"a\"\naction = \"drop\"\npaths = [\"a\"]";
    let strip = "id = \"a\"\naction = \"strip\"\npaths = [\"a\"]";
    for (text, place, message) in [
        ("x = ", "1:5", "not TOML"),
        ("descripton = \"\"", "1:1", "did you mean `description`?"),
        ("description = 1", "1:15", "`description` must be a string, found an integer"),
        ("extends = [\"cahces\"]", "1:12", "did you mean `caches`?"),
        ("extends = [\"./caches.toml\"]", "1:12", "did you mean the built-in `caches`?"),
        ("extends = [\"f.toml\"]", "1:12", "extend each other: f.toml -> f.toml"),
        ("extends = \"caches\"", "1:11", "must be an array of strings"),
        ("extends = [\"caches\"]\nenable = [\"apt-list\"]", "2:11", "did you mean `apt-lists`?"),
        ("rule = 1", "1:8", "`rule` must be `[[rule]]` tables"),
        ("[[rule]]\naction = \"drop\"\npaths = []", "1:1", "needs an `id`"),
        ("[[rule]]\nid = \"a\"", "1:1", "needs an `action`: one of `drop`, `drop-shadowed`"),
        ("[[rule]]\nid = \"a\"\naction = \"dorp\"", "3:10", "did you mean `drop`?"),
        ("[[rule]]\nid = \"a\"\naction = \"drop\"", "1:1", "needs `paths`"),
        ("[[rule]]\nid = \"a\"\naction = \"drop-shadowed\"\npaths = []", "4:1", "takes no patterns"),
        ("[[rule]]\nid = \"a b\"", "2:6", "ASCII letters"),
        ("[[rule]]\nid = \"command-line\"", "2:6", "--drop"),
        (&format!("[[rule]]\n{good}\nrisk = \"hihg\""), "5:8", "expected `none`, `low`, `opt-in`"),
        (&format!("[[rule]]\n{good}\nguard = \"pyton\""), "5:9", "did you mean `python`?"),
        (&format!("[[rule]]\n{good}\nlevel = \"all\""), "5:1", "`level` is for rules that strip"),
        ("[[rule]]\nid = \"a\"\naction = \"strip\"", "1:1", "a rule that strips needs `paths`"),
        (&format!("[[rule]]\n{strip}\nlevel = \"dbug\""), "5:9", "did you mean `debug`?"),
        (&format!("[[rule]]\n{strip}\nguard = \"python\""), "5:1", "`guard` is for rules that drop"),
        (&format!("[[rule]]\n{good}\npahts = []"), "5:1", "did you mean `paths`?"),
        (&format!("[[rule]]\n{good}\nenable = []"), "5:1", "move it above the first table"),
        (&format!("[[rule]]\n{good}\n[[rule]]\n{good}"), "6:6", "the first one is in line 2"),
        (&format!("[[rule]]\n{good}\nexcept = [\"x\", 'a[']"), "5:17", "unclosed character class"),
        (&format!("[[rule]]\n{good}\nexcept = ['{{stdlb}}/x']"), "5:12", "did you mean `{stdlib}`?"),
        ("protect.path = []", "1:9", "did you mean `paths`?"),
        ("protect.paths = 1", "1:17", "an array of patterns or a table"),
        ("protect.paths = [{ reason = \"x\" }]", "1:18", "needs a `path`"),
        ("protect.paths = [{ path = \"x\", links = 1 }]", "1:40", "must be true or false"),
        ("[sets]\na = [\"{a}\"]", "2:7", "a part of itself"),
        ("[sets]\na = []", "2:1", "is empty"),
        ("[sets]\n\"a,b\" = [\"x\"]", "2:1", "a set's name"),
    ] {
        let errors = check_one(text);
        assert_eq!(errors.len(), 1, "{text}: {errors:?}");
        assert!(errors[0].contains(&format!("--> f.toml:{place}\n")), "{text}: {}", errors[0]);
        assert!(errors[0].contains(message), "{text}: {}", errors[0]);
    }
}

#[test]
fn all_mistakes_are_found_at_once_up_to_a_bound() {
    let errors =
        check_one("a = 1\nb = 2\nextends = [\"x\"]\n[[rule]]\nid = \"r\"\naction = \"drop\"\npaths = [\"\", 1]");
    assert_eq!(errors.len(), 5, "{errors:?}");
    let many: String = (0..100_000).map(|i| format!("a{i}=1\n")).collect();
    assert_eq!(check_one(&many).len(), MAX_ERRORS);
    assert!(check_one("").is_empty());
}

#[test]
fn files_that_extend_each_other_are_a_cycle_however_they_are_spelled() {
    let a = ("d/a.toml", "extends = [\"./b.toml\"]");
    let b = ("d/b.toml", "extends = [\"../d/a.toml\"]");
    let e = run(&[a, b]).unwrap_err();
    assert!(e.message.contains("d/a.toml -> d/b.toml -> d/a.toml"), "{e}");
    assert_eq!(e.place.file, "d/b.toml");
    let endless = |path: &str| Ok(format!("extends = [\"x{path}\"]"));
    let e = resolve(&Request { profiles: &["a.toml".to_owned()], ..Request::default() }, &endless).unwrap_err();
    assert!(e.message.contains("in a row"), "{e}");
}

#[test]
fn hostile_texts_are_errors() {
    for text in [
        "[".repeat(100_000),
        format!("a = {}", "[".repeat(100_000)),
        format!("a = {}", "{ a = ".repeat(20_000)),
        format!("{}a = 1", "a.".repeat(100_000)),
        format!("[{}a]", "a.".repeat(100_000)),
        "a".repeat(2 << 20),
        format!("[[rule]]\nid = \"a\"\naction = \"drop\"\npaths = [\"{}\"]", "{a,".repeat(10_000)),
        "\u{0}\u{feff}".to_owned(),
        rule("a", &"x = 1\n".repeat(10_000)),
    ] {
        let errors = check_one(&text);
        assert!(!errors.is_empty() && errors.len() <= MAX_ERRORS);
        assert!(errors.iter().all(|e| e.len() < 3000), "{}", errors[0].len());
    }
    let many: String = (0..12_000).map(|i| rule(&format!("r{i}"), "")).collect();
    assert!(check_one(&many).iter().any(|e| e.contains("more than 10000 rules")));
}

const WHEN: &str = "[[when]]\npaths = [\"a\"]\nuse = [\"one.toml\"]\n[[when]]\npaths = [\"b\"]\nuse = [\"two.toml\"]\n";

fn for_image(files: &[(&str, &str)], has: &str) -> Result<Profile, ProfileError> {
    let request = Request { profiles: &[files[0].0.to_owned()], ..Request::default() };
    resolve_for(&request, &read(files), &|globs, os| {
        globs.iter().any(|g| g.source == has) || os.contains(&has.to_owned())
    })
}

#[test]
fn a_choice_brings_its_profiles_where_it_holds() {
    let (one, two) = (rule("x", "risk = \"opt-in\""), format!("sets.s = [\"y\"]\n{}", rule("y", "")));
    let own = "[[rule]]\nid = \"own\"\naction = \"drop\"\npaths = [\"{s}\"]\n";
    let top = format!("enable = [\"x\"]\n{WHEN}{own}");
    let files = [("t.toml", top.as_str()), ("one.toml", &one), ("two.toml", &two)];
    let ids = |p: &Profile| p.rules.iter().map(|r| r.id.clone()).collect::<Vec<_>>();
    let all = run(&files).unwrap();
    assert_eq!(
        (ids(&all), all.picked()),
        (vec!["x".into(), "y".into(), "own".into()], vec!["one.toml".into(), "two.toml".into()])
    );
    let a = for_image(&files, "a").unwrap();
    assert_eq!((ids(&a), a.picked()), (vec!["x".into(), "own".into()], vec!["one.toml".to_owned()]));
    assert!(a.rules[0].enabled);
    let b = for_image(&files, "b").unwrap();
    assert_eq!((ids(&b), b.picked()), (vec!["y".into(), "own".into()], vec!["two.toml".to_owned()]));
    assert_eq!(ids(&for_image(&files, "c").unwrap()), ["own"]);
    let by_name = top.replace("paths = [\"a\"]\nuse", "os = [\"a\"]\nuse");
    let a = for_image(&[("t.toml", &by_name), files[1], files[2]], "a").unwrap();
    assert_eq!((ids(&a), &a.choices[0].os), (vec!["x".into(), "own".into()], &vec!["a".to_owned()]));
    assert!(for_image(&[("t.toml", &format!("enable = [\"z\"]\n{WHEN}")), files[1], files[2]], "c").is_err());
}

#[test]
fn a_rule_of_the_profile_with_the_choice_comes_on_top_and_two_choices_share_none() {
    let (one, two) = (rule("x", ""), rule("x", "risk = \"none\""));
    let top = format!("{WHEN}{}", rule("x", "risk = \"opt-in\""));
    let p = run(&[("t.toml", &top), ("one.toml", &one), ("two.toml", "")]).unwrap();
    assert_eq!((p.rules.len(), p.rules[0].risk), (1, Risk::OptIn));
    let e = run(&[("t.toml", WHEN), ("one.toml", &one), ("two.toml", &two)]).unwrap_err();
    assert!(e.message.contains("the rule `x` is in `one.toml` as well"), "{e}");
    let e = run(&[("t.toml", "[[when]]\npaths = [\"a\"]\nuse = [\"t.toml\"]")]).unwrap_err();
    assert!(e.message.contains("extend each other"), "{e}");
}

#[test]
fn a_choice_needs_both_keys() {
    for text in ["[[when]]\npaths = [\"a\"]", "[[when]]\nuse = [\"none\"]", "[[when]]\npaths = []\nuse = [\"none\"]"] {
        assert!(check_one(text)[0].contains("a `[[when]]` needs"), "{text}");
    }
    assert!(check_one("[[when]]\npaths = [\"a\"]\nuses = [\"none\"]")[0].contains("did you mean `use`"));
    assert!(check_one("[[when]]\npaths = [\"{nope}\"]\nuse = [\"none\"]")[0].contains("unknown set"));
}

#[test]
fn rules_that_change_files_say_what_they_need() {
    let rule =
        |action: &str, more: &str| format!("[[rule]]\nid = \"r\"\naction = \"{action}\"\npaths = [\"a\"]\n{more}\n");
    let good = [
        rule("hardlink", ""),
        rule("bytecode", "mode = \"stale\""),
        rule("bytecode", "mode = \"compile\"\noptimize = 2"),
        rule("external", "command = [\"t\", \"{in}\", \"-o={out}\"]\ndeterministic = false\ntimeout = 7"),
    ];
    let profiles: Vec<Profile> = good.iter().map(|text| run(&[("t.toml", text)]).unwrap()).collect();
    let compiled = Bytecode { mode: Mode::Compile, optimize: 2 };
    assert_eq!(profiles[2].rules[0].action, Action::Bytecode(compiled));
    let Action::External(external) = &profiles[3].rules[0].action else { panic!("{:?}", profiles[3]) };
    assert_eq!((external.command.len(), external.timeout, external.deterministic), (3, 7, false));
    for (action, more, place, what) in [
        ("hardlink", "mode = \"stale\"", "5:1", "`mode` is for rules with `action = \"bytecode\"`"),
        ("hardlink", "guard = \"python\"", "5:1", "`guard` is for rules that drop"),
        ("drop", "command = [\"a\"]", "5:1", "`command` is for rules with `action = \"external\"`"),
        ("bytecode", "", "1:1", "needs a `mode`"),
        ("bytecode", "mode = \"compiled\"", "5:8", "unknown mode `compiled`"),
        ("bytecode", "mode = \"stale\"\noptimize = 1", "6:1", "`optimize` is for `mode = \"compile\"`"),
        ("bytecode", "mode = \"compile\"\noptimize = 3", "6:12", "a number from 0 to 2"),
        ("bytecode", "mode = \"compile\"\noptimize = \"1\"", "6:12", "found a string"),
        ("external", "deterministic = true", "1:1", "needs the `command`"),
        (
            "external",
            "command = [\"t\", \"{in}\", \"{out}\"]",
            "1:1",
            "must say whether the command is `deterministic`",
        ),
        ("external", "command = [\"t\", \"{in}\"]\ndeterministic = true", "5:11", "`command` needs `{out}`"),
        ("external", "command = []\ndeterministic = true", "5:11", "begins with the name of a program"),
        ("external", "command = \"t\"\ndeterministic = true", "5:11", "an array of strings"),
        ("external", "command = [\"t\", \"{in}{out}\"]\ndeterministic = \"no\"", "6:17", "true or false"),
        ("external", "command = [\"t\", \"{in}{out}\"]\ndeterministic = true\ntimeout = 0", "7:11", "from 1 to 86400"),
    ] {
        let errors = check_one(&rule(action, more));
        assert!(
            errors.iter().any(|e| e.contains(what) && e.contains(&format!("f.toml:{place}\n"))),
            "{more}: {errors:#?}"
        );
    }
    let without = "[[rule]]\nid = \"r\"\naction = \"hardlink\"\n";
    assert!(check_one(without)[0].contains("needs `paths`"));
}
