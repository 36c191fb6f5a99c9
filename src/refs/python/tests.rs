use super::*;
use crate::refs::When;
use crate::refs::literal::{Words, may_name};

/// Returns the references as text: `LINE import LEVEL MODULE NAMES`, `LINE "TEXT"`, `LINE join "PATH"`.
fn refs(source: &[u8]) -> Vec<String> {
    let words = [b"tests".to_vec(), b"ttf".to_vec()];
    let line = |r: Reference| match r.target {
        Target::Import { level, module, names } => {
            format!("{} import {}{module} {names}", r.line, ".".repeat(level as usize)).trim_end().to_owned()
        }
        Target::Text(value) => format!("{} {value:?}", r.line),
        Target::Join(path) => format!("{} join {path:?}", r.line),
        other => format!("{} {other:?}", r.line),
    };
    references(source, &words).into_iter().map(line).collect()
}

fn of(source: &str) -> Vec<String> {
    refs(source.as_bytes())
}

#[test]
fn imports_of_all_kinds_count() {
    for (source, expected) in [
        ("from numpy._core.tests._natype import pd_NA", "1 import numpy._core.tests._natype pd_NA"),
        ("from .tests.test_app import TestEnv", "1 import .tests.test_app TestEnv"),
        ("from ..tests import x", "1 import ..tests x"),
        ("from . import tests", "1 import . tests"),
        ("from .... import tests", "1 import .... tests"),
        ("from a import (b, # tests\n  tests as t,\n)", "1 import a b,tests"),
        ("from a.tests import *", "1 import a.tests"),
        ("from a . tests import b", "1 import a.tests b"),
        ("import b \\\n  .tests", "1 import b.tests"),
        ("from tests import(x)", "1 import tests x"),
        ("if TYPE_CHECKING:\n    import a.test", "2 import a.test"),
        ("try: import a.test\nexcept ImportError: pass", "1 import a.test"),
        ("x = 1; import a.test", "1 import a.test"),
        ("def f():\n  class A:\n    async def g():\n      from a.test import b", "4 import a.test b"),
        ("match x:\n  case 1:\n    import a.test", "3 import a.test"),
        ("\u{feff}import a.test", "1 import a.test"),
        ("\r\n\r\nimport a.test\r\n", "3 import a.test"),
        ("x = 1\r\rimport a.test\r", "3 import a.test"),
        ("importlib.import_module('a')", "1 import a"),
        ("__import__('a_b')", "1 import a_b"),
    ] {
        assert_eq!(of(source), [expected], "{source}");
    }
    assert_eq!(of("import a.tests as t, b"), ["1 import a.tests", "1 import b"]);
    assert_eq!(of("raise x from y\nyield from z\nfrom_ = 1\ndef f(): yield from a"), Vec::<String>::new());
    let relative = ["1 import .x", "1 \".x\""];
    assert_eq!(of("import_module('.x', __package__)"), relative);
}

#[test]
fn imports_are_told_by_when_they_happen() {
    use When::{Always, Conditional, Lazy, Optional, Typing};
    for (source, expected) in [
        ("import a", Always),
        ("class A:\n  import a", Always),
        ("for x in y:\n  import a\n", Always),
        ("try:\n  x\nexcept ImportError:\n  pass\nimport a", Always),
        ("try:\n  import a\nfinally:\n  pass", Always),
        ("try:\n  import a\nexcept (OSError, ValueError):\n  pass", Always),
        ("try:\n  import a\nexcept OSError:\n  x\nexcept (X, ImportError) as e:\n  pass", Optional),
        ("try:\n  if x:\n    import a\n  y\nexcept:\n  pass", Optional),
        ("try: import a\nexcept Exception: pass", Optional),
        ("try:\n  x\nexcept ModuleNotFoundError:\n  import a", Optional),
        ("try:\n  x\nexcept ImportError:\n  pass\nelse:\n  import a", Optional),
        ("try:\n  x\nexcept X:\n  pass\nelse:\n  import a", Always),
        ("with suppress(ImportError):\n  import a", Optional),
        ("with open(x):\n  import a", Always),
        ("if TYPE_CHECKING:\n  import a", Typing),
        ("if typing.TYPE_CHECKING:\n  import a", Typing),
        ("if sys.platform == 'win32':\n\timport a", Conditional),
        ("if x:\n  pass\nelif y: import a", Conditional),
        ("if x:\n  pass\nelse:\n  import a", Conditional),
        ("if x[1:2]:\n  y\nz = [\nif_]\nimport a", Always),
        ("def f(x=1,\n  y=2):\n  if x:\n    import a", Lazy),
        ("async def f():\n  import a", Lazy),
        ("def f():\n  x\n\n# c\nimport a", Always),
        ("def f():\n  import a\nimport a", Always),
        ("match x:\n  case 1:\n    import a", Conditional),
        ("if x:\n  try:\n    import a\n  except ImportError:\n    pass", Optional),
        ("\u{feff}try:\n  import a\nexcept ImportError:\n  pass", Optional),
        ("import_module('a')", When::Mention),
        ("'''\ntry:\n'''\nimport a", Always),
    ] {
        let target = Target::Import { level: 0, module: "a".into(), names: "".into() };
        let found = references(source.as_bytes(), &[]);
        let when = found.iter().find(|r| r.target == target).map(|r| r.when);
        assert_eq!(when, Some(expected), "{source}");
    }
}

#[test]
fn strings_that_may_name_something_count() {
    for (source, expected) in [
        (r#"pytest.main(["--pyargs","pkg.tests"])"#, &[r#"1 "pkg.tests""#][..]),
        (r#"entry = "pkg.tests:main""#, &[r#"1 "pkg.tests:main""#]),
        (r#"x = f"{here}/tests/{name}.csv""#, &[r#"1 "*/tests/*.csv""#]),
        (r#"x = "a" f"{here}" "/tests/x""#, &[r#"1 "a*/tests/x""#]),
        ("x = ('pkg.'\n 'tests.x')", &[r#"1 "pkg.tests.x""#]),
        ("x = 'a'\n'b.c'\n", &[r#"2 "b.c""#]),
        ("x = b'a/test/b'", &[r#"1 "a/test/b""#]),
        ("x = r'''a/test'''", &[r#"1 "a/test""#]),
        ("f = lambda x='.tests': x", &[r#"1 ".tests""#]),
        ("match x:\n  case {'tests': 1} | 'a.test': pass", &[r#"2 "tests""#, r#"2 "a.test""#]),
        ("x = f'{f\"{y['tests']}\"}'", &[r#"1 "tests""#]),
        ("x = 'grammar%s%s.txt' % v", &[r#"1 "grammar*.txt""#]),
        ("x = 'Lorem ipsum.txt'", &[r#"1 "Lorem ipsum.txt""#]),
        ("x = ('ttf', 'otf')", &[r#"1 "ttf""#]),
        (r"x = 'a\x2fb\'.c'", &[r#"1 "a/b'.c""#]),
        ("lazy.attach_stub(__name__, __file__)", &["1 Stub"]),
    ] {
        assert_eq!(of(source), expected, "{source}");
    }
    for source in
        ["'''Run the tests, or one.'''", "x = 'a.tests.b\\n'", "# 'a/b'", "x = 'tests '", "d['key'] = 'value'"]
    {
        assert_eq!(of(source), Vec::<String>::new(), "{source}");
    }
}

#[test]
fn paths_that_are_put_together_are_one() {
    for (source, expected) in [
        (r#"os.path.join(dirname(__file__), "tests", "a")"#, r#"1 join "tests/a""#),
        (r#"Path(__file__).parent / "data" / "x""#, r#"1 join "data/x""#),
        (r#"x = here / "data" / name / "y""#, r#"1 join "data/*/y""#),
        (r#"join(a, "x", b, "y", c)"#, r#"1 join "x/*/y""#),
        (r#"get_data("pkg", "d")"#, r#"1 join "pkg/d""#),
        (r#"f(package="pkg", name="d")"#, r#"1 join "pkg/d""#),
        (r#"join(BOTOCORE_ROOT, 'data')"#, r#"1 join "data""#),
        (r#"files("pkg").joinpath("data")"#, r#"1 join "data""#),
        ("join(\n  here,\n  'data',\n)", r#"1 join "data""#),
    ] {
        assert!(of(source).contains(&expected.to_owned()), "{source}: {:?}", of(source));
    }
    assert_eq!(of("x = a / b / c\ny = [1, 'data']\nf('data')"), Vec::<String>::new());
}

#[test]
fn syntax_errors_hide_nothing_else() {
    let python2 =
        "print 'a/tests'\nimport a.tests\nexec 'x' in y\ntry:\n  import b.tests\nexcept X, e:\n  from c import tests\n";
    assert_eq!(of(python2), ["1 \"a/tests\"", "2 import a.tests", "5 import b.tests", "7 import c tests"]);
    let unclosed = "x = (1,\nimport a.tests\ny = '''\nimport b.tests\nz = 'a\nfrom c import (d,\n  tests\n";
    let found = of(unclosed);
    for expected in ["2 import a.tests", "4 import b.tests", "6 import c d,tests"] {
        assert!(found.iter().any(|f| f == expected), "{expected}: {found:?}");
    }
}

#[test]
fn a_cookie_tells_the_encoding() {
    let latin1 = b"#!/usr/bin/python\n# -*- coding: Latin_1 -*-\nx = 'tests/\xe9.csv'\n";
    assert_eq!(refs(latin1), ["3 \"tests/\u{e9}.csv\""]);
    for name in ["iso-8859-1-unix", "iso_8859_1", "latin1", "l1"] {
        let source = [b"# vim: set fileencoding=", name.as_bytes(), b" :\nx = 'tests/\xe9.csv'\n"].concat();
        assert_eq!(refs(&source), ["2 \"tests/\u{e9}.csv\""], "{name}");
    }
    assert_eq!(refs(b"x = 'tests/\xe9.csv'\nimport a.tests"), ["1 \"tests/\u{fffd}.csv\"", "2 import a.tests"]);
    assert_eq!(refs(b"# coding: latin-15\n# \xe9\nimport tests"), ["3 import tests"]);
}

#[test]
fn what_is_made_to_take_long_does_not() {
    let start = std::time::Instant::now();
    for text in
        ["\"\"\"\\", "f'''{", "f'{(", "f\"{f'{", "(", "'\\'", "x/'a'/", "import ", "from a import (", "{'a':", "\\\n"]
    {
        let found = of(&text.repeat((256 << 10) / text.len()));
        assert!(found.len() < 10, "{text}");
    }
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

/// The imports and strings that CPython's own parser sees in each of the files whose names come in, as JSON, a line for each.
const ORACLE: &str = r#"
import ast, json, sys, warnings
warnings.simplefilter("ignore")
for path in sys.stdin.read().splitlines():
    try:
        tree = ast.parse(open(path, encoding="utf-8").read())
    except (SyntaxError, ValueError, RecursionError):
        continue
    # The pieces of an f-string are not strings of their own.
    pieces = {id(v) for n in ast.walk(tree) if isinstance(n, ast.JoinedStr) for v in n.values}
    imports, strings = [], []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports += [(0, alias.name, []) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [alias.name for alias in node.names if alias.name != "*"]
            imports.append((node.level, node.module or "", names))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isascii() and id(node) not in pieces:
            strings.append(node.value)
    print(json.dumps([path, imports, strings]))
"#;

/// A file with its imports (level, module, names) and strings.
type Parsed = (std::path::PathBuf, Vec<(u32, String, Vec<String>)>, Vec<String>);

/// Has the files parsed; none if there is no Python here.
fn parsed(files: &[std::path::PathBuf]) -> Vec<Parsed> {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let mut python = Command::new("python3");
    python.args(["-c", ORACLE]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut child) = python.spawn() else {
        eprintln!("skipped: there is no python3 to compare with");
        return Vec::new();
    };
    let names: Vec<&str> = files.iter().filter_map(|path| path.to_str()).collect();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(names.join("\n").as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    output.stdout.split(|&b| b == b'\n').filter(|l| !l.is_empty()).map(|l| serde_json::from_slice(l).unwrap()).collect()
}

fn sources(dir: &std::path::Path, out: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "py") {
            out.push(path);
        }
    }
}

/// Compares with CPython's parser on part of the standard library of the Python here: everything that the parser finds is found.
#[test]
fn a_parser_sees_no_more() {
    let mut files = Vec::new();
    for dir in ["/usr/lib/python3", "/usr/local/lib", "/root/.pyenv/versions"] {
        sources(std::path::Path::new(dir), &mut files);
    }
    files.sort();
    let step = files.len() / 1500 + 1;
    let small = |path: &std::path::PathBuf| {
        let size = std::fs::metadata(path).map_or(0, |meta| meta.len());
        size < 200_000 && !path.to_string_lossy().contains("lib2to3")
    };
    let files: Vec<_> = files.into_iter().step_by(step).filter(small).collect();
    for (path, imports, strings) in parsed(&files) {
        let found = references(&std::fs::read(&path).unwrap(), &[]);
        let has = |target: &Target| found.iter().any(|r| r.target == *target);
        for (level, module, names) in imports {
            let target =
                Target::Import { level, module: module.as_str().into(), names: names.join(",").as_str().into() };
            assert!(has(&target), "{}: {target:?}", path.display());
        }
        for string in strings.iter().filter(|s| s.is_ascii() && s.contains('.') && may_name(s, &Words::new(&[]))) {
            let glob = crate::refs::literal::as_glob(string).unwrap_or_else(|| string.clone());
            if may_name(&glob, &Words::new(&[])) {
                assert!(has(&Target::Text(glob.as_str().into())), "{}: {string:?}", path.display());
            }
        }
    }
}
