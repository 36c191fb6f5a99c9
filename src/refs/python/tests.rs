use super::*;

const WORDS: &[&[u8]] = &[b"tests", b"test"];

/// The references as text: `LINE import LEVEL MODULE NAMES` or `LINE "LITERAL"`.
fn refs(source: &[u8], inside: bool) -> Vec<String> {
    let line = |r: Reference| match r.target {
        Target::Import { level, module, names } => {
            format!("{} import {}{module} {}", r.line, ".".repeat(level as usize), names.join(","))
                .trim_end()
                .to_owned()
        }
        Target::Literal(value) => format!("{} {value:?}", r.line),
    };
    references(source, WORDS, inside).into_iter().map(line).collect()
}

fn outside(source: &str) -> Vec<String> {
    refs(source.as_bytes(), false)
}

/// What the lexical reader alone makes of `source`.
fn lexical_only(source: &str) -> Vec<String> {
    let broken = format!("{source}\n(");
    outside(&broken)
}

#[test]
fn imports_that_lead_into_a_dropped_directory_count() {
    for (source, expected) in [
        ("from numpy._core.tests._natype import pd_NA", "1 import numpy._core.tests._natype pd_NA"),
        ("from .tests.test_app import TestEnv", "1 import .tests.test_app TestEnv"),
        ("from ..tests import x", "1 import ..tests x"),
        ("from . import tests", "1 import . tests"),
        ("from .... import tests", "1 import .... tests"),
        ("from a import (b, # tests\n  tests as t,\n)", "1 import a b,tests"),
        ("from a.tests import *", "1 import a.tests *"),
        ("from a . tests import b", "1 import a.tests b"),
        ("import a.tests as t, b", "1 import a.tests"),
        ("import b, \\\n    tests", "1 import tests"),
        ("import tests", "1 import tests"),
        ("from tests import(x)", "1 import tests x"),
        ("if TYPE_CHECKING:\n    import a.test", "2 import a.test"),
        ("try: import a.test\nexcept ImportError: pass", "1 import a.test"),
        ("x = 1; import a.test", "1 import a.test"),
        ("def f():\n  class A:\n    async def g():\n      from a.test import b", "4 import a.test b"),
        ("match x:\n  case 1:\n    import a.test", "3 import a.test"),
        ("\u{feff}import a.test", "1 import a.test"),
        ("\r\n\r\nimport a.test\r\n", "3 import a.test"),
        ("x = 1\r\rimport a.test\r", "3 import a.test"),
    ] {
        assert_eq!(outside(source), [expected], "{source}");
        assert!(lexical_only(source).iter().any(|found| found == expected), "{source}: {:?}", lexical_only(source));
    }
}

#[test]
fn literals_that_lead_into_a_dropped_directory_count() {
    for (source, expected) in [
        (r#"importlib.import_module("pkg.tests.util")"#, &[r#"1 "pkg.tests.util""#][..]),
        (r#"pytest.main(["--pyargs","pkg.tests"])"#, &[r#"1 "pkg.tests""#]),
        (r#"f(os.path.join(dirname(__file__), "tests", "data.csv"))"#, &[r#"1 "data.csv""#, r#"1 "tests""#]),
        (r#"entry = "pkg.tests:main""#, &[r#"1 "pkg.tests:main""#]),
        (r#"x = f"{here}/tests/{name}.csv""#, &[r#"1 "/tests/""#]),
        (r#"x = "a" f"{here}" "/tests/x y""#, &[r#"1 "/tests/x y""#]),
        ("x = ('pkg.'\n 'tests.x')", &[r#"1 "pkg.tests.x""#]),
        ("x = b'a/test/b'", &[r#"1 "a/test/b""#]),
        ("x = r'''a/test'''", &[r#"1 "a/test""#]),
        ("f = lambda x='.tests': x", &[r#"1 ".tests""#]),
        ("def f(x: 'a.tests.X' = 1): pass", &[r#"1 "a.tests.X""#]),
        ("@deco('tests')\nclass A: pass", &[r#"1 "tests""#]),
        ("match x:\n  case {'tests': 1} | 'a.test': pass", &[r#"2 "a.test""#, r#"2 "tests""#]),
        ("x = [y for y in z if y != 'tests']", &[r#"1 "tests""#]),
        ("x = f'{f\"{y['tests']}\"}'", &[r#"1 "tests""#]),
    ] {
        assert_eq!(outside(source), expected, "{source}");
    }
    for source in ["x = 'a/test/b.csv'", "x = \"pkg.tests\"", "x = '''\npkg.tests\n'''", "x = ('tests/a', b'b.csv')"] {
        let found = lexical_only(source);
        assert!(outside(source).iter().all(|reference| found.contains(reference)), "{source}: {found:?}");
    }
}

#[test]
fn what_leads_elsewhere_does_not_count() {
    for source in [
        "import latest, pytest, a.testing, a._tests, a.tests_",
        "# import a.tests\n",
        "'''Run the test suite, or a test of it.'''",
        "from a import b\nx = 'no/file'\n",
        "test = 1\nprint(test)\n",
        "x = 'a.tests.b\\n'",
        "def test(tests): return tests.x",
    ] {
        assert_eq!(outside(source), Vec::<String>::new(), "{source}");
    }
    let unmentioned = "import a.b\nopen('data.csv')\nfrom . import c\n";
    assert_eq!(outside(unmentioned), Vec::<String>::new());
}

#[test]
fn file_names_count_where_a_word_is_mentioned() {
    let source = "d = 'tests'\na = ['data.csv', 'x/b.tar.gz', 'no name.csv', 'README', '1.5', '.hidden', 'v.', 'http']";
    assert_eq!(outside(source), [r#"1 "tests""#, r#"2 "data.csv""#, r#"2 "x/b.tar.gz""#]);
    let long = format!("d = 'tests'\nx = '{}.csv'", "a".repeat(MAX_FILE_NAME));
    assert_eq!(outside(&long), [r#"1 "tests""#]);
}

#[test]
fn all_that_a_file_inside_names_counts() {
    let source =
        b"import a.b, c\nfrom . import d\nfrom ..e import f as g\nh = 'data.csv', 'pkg.some_module', '._x', 'word'";
    let expected = [
        "1 import a.b",
        "1 import c",
        "2 import . d",
        "3 import ..e f",
        r#"4 "._x""#,
        r#"4 "data.csv""#,
        r#"4 "pkg.some_module""#,
    ];
    assert_eq!(refs(source, true), expected);
}

#[test]
fn a_stub_for_lazy_loading_is_a_module_like_any_other() {
    assert_eq!(
        outside("from . import tests\nfrom .tests import run as run\n"),
        ["1 import . tests", "2 import .tests run"]
    );
}

#[test]
fn syntax_errors_hide_nothing() {
    let python2 =
        "print 'a/tests'\nimport a.tests\nexec 'x' in y\ntry:\n  import b.tests\nexcept X, e:\n  from c import tests\n";
    let expected = ["1 \"a/tests\"", "2 import a.tests", "5 import b.tests", "7 import c tests"];
    assert_eq!(outside(python2), expected);
    let unclosed = "x = (1,\nimport a.tests\ny = '''\nimport b.tests\nfrom c import (d,\n  tests\n";
    let found = outside(unclosed);
    for expected in ["2 import a.tests", "4 import b.tests", "5 import c d,tests"] {
        assert!(found.iter().any(|f| f == expected), "{expected}: {found:?}");
    }
    assert_eq!(outside("from a import tests as\n  import x"), ["1 import a tests"]);
    assert_eq!(outside("from .. a.tests import b if\n"), ["1 import ..a.tests b"]);
}

#[test]
fn a_cookie_tells_the_encoding() {
    let latin1 = b"#!/usr/bin/python\n# -*- coding: Latin_1 -*-\nx = 'tests/\xe9.csv'\n";
    assert_eq!(refs(latin1, false), ["3 \"tests/\u{e9}.csv\""]);
    for name in ["iso-8859-1-unix", "iso_8859_1", "latin1", "l1"] {
        let source = [b"# vim: set fileencoding=", name.as_bytes(), b" :\nx = 'tests/\xe9.csv'\n"].concat();
        assert_eq!(refs(&source, false), ["2 \"tests/\u{e9}.csv\""], "{name}");
    }
    assert_eq!(refs(b"x = 'tests/\xe9.csv'\nimport a.tests", false), ["1 \"tests/\u{fffd}.csv\"", "2 import a.tests"]);
    assert_eq!(refs(b"# coding: latin-15\n# \xe9\nimport tests", false), ["3 import tests"]);
    assert_eq!(refs(b"\n\n# coding: latin-1\nx = 'tests/\xc3\xa9.csv'", false), ["4 \"tests/\u{e9}.csv\""]);
}

#[test]
fn a_huge_file_is_read_without_a_tree() {
    let mut source = "x = 1\n".repeat(MAX_PARSED / 6 + 1);
    source += "import a.tests\nx = 'tests/y'\n";
    let last = MAX_PARSED / 6 + 2;
    assert_eq!(outside(&source), [format!("{last} import a.tests"), format!("{} \"tests/y\"", last + 1)]);
    let one_line = format!("x = [{}]\nimport a.tests\n", "'a.tests',".repeat(MAX_PARSED / 10));
    assert_eq!(outside(&one_line), ["1 \"a.tests\"", "2 import a.tests"]);
}
