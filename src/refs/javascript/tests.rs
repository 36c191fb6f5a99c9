use super::*;

fn of(source: &str) -> Vec<String> {
    let line = |r: Reference| match r.target {
        Target::Require(name) => format!("{} {name}", r.line),
        Target::Join(path) => format!("{} join {path}", r.line),
        Target::Text(text) => format!("{} {text:?}", r.line),
        other => format!("{other:?}"),
    };
    references(source.as_bytes(), &[]).into_iter().map(line).collect()
}

#[test]
fn modules_are_named_in_many_ways() {
    for (source, expected) in [
        ("const a = require('a')", "1 a"),
        ("\n\nimport x from \"@s/a/b\"", "3 @s/a/b"),
        ("import 'a-b'", "1 a-b"),
        ("import { a,\n b } from 'a'", "2 a"),
        ("export * from './a'", "1 ./a"),
        ("export{a}from'../b.js'", "1 ../b.js"),
        ("await import('./a')", "1 ./a"),
        ("await import(`./a`)", "1 ./a"),
        ("require.resolve('a/b')", "1 a/b"),
        ("new URL('x.wasm', import.meta.url)", "1 x.wasm"),
        ("module.exports = {a: './b'}", "1 ./b"),
        ("e.registerLanguage('x', require('./languages/makefile'))", "1 ./languages/makefile"),
    ] {
        assert!(of(source).contains(&expected.to_owned()), "{source}: {:?}", of(source));
    }
    assert!(of("readFileSync(path.join(__dirname, '..', 'a.md'))").contains(&"1 join ../a.md".to_owned()));
    assert!(of("(0, path_1.join)(__dirname, '..', 'a.md')").contains(&"1 join ../a.md".to_owned()));
    assert!(of("(0, n.resolve)('@a/b')").contains(&"1 join @a/b".to_owned()));
    assert!(of("`${__dirname}/../a.md`").contains(&"1 \"*/../a.md\"".to_owned()));
    assert!(of("import(`./locale/${name}.js`)").contains(&"1 \"./locale/*\"".to_owned()));
}

#[test]
fn comments_and_regular_expressions_are_no_strings() {
    for source in [
        "// require('a')\n/* import './b' */",
        "x = /'/; y = 'a'",
        "x = a.replace(/[/']/g, 1)",
        "#!/usr/bin/env node './a'",
        "return /\"/.test(x)",
        "//# sourceMappingURL=x.js.map",
    ] {
        assert_eq!(of(source), Vec::<String>::new(), "{source}");
    }
    let after = |source: &str| assert!(of(source).contains(&"1 b".to_owned()), "{source}: {:?}", of(source));
    after("x = a / 2 / require('b')");
    after("x = (a) / 2; y = \"it's\"; require('b')");
    after("x = /\\/'/g; require('b')");
    after("x = `it's ${a + `'${1}`} ' {`; require('b')");
    after("x = [1] / 2; /* ' */ require('b')");
    assert!(of("<p>it's</p>\nrequire('b')").contains(&"2 b".to_owned()));
}

#[test]
fn a_package_names_its_files() {
    let text = r#"{
  "name": "x", "main": "lib/main", "types": "./no.d.ts",
  "exports": {".": {"types": "./no.d.ts", "import": "./dist/doc/a.mjs", "default": "./b.js"}},
  "bin": {"x": "bin/x.js"}, "browser": {"./a.js": false, "./b.js": "./c.js"}, "files": ["no"]
}"#;
    let shown: Vec<String> =
        package(text.as_bytes()).into_iter().map(|r| format!("{} {:?}", r.line, r.target)).collect();
    let expected = ["2 ./lib/main", "3 ./dist/doc/a.mjs", "3 ./b.js", "4 ./bin/x.js", "4 ./c.js"];
    let expected: Vec<String> =
        expected.iter().map(|e| e.split_once(' ').unwrap()).map(|(l, n)| format!("{l} Require({n:?})")).collect();
    assert_eq!(shown, expected);
    for text in ["", "[]", "{\"main\": 1}", "{"] {
        assert_eq!(package(text.as_bytes()), []);
    }
}

proptest::proptest! {
    #[test]
    fn nothing_makes_it_panic(source in "[a'`/\\\\${}\\[\\]\\n é\"]{0,200}") {
        let _ = references(source.as_bytes(), &[]);
        let _ = crate::refs::python::references(source.as_bytes(), &[]);
    }

    #[test]
    fn no_python_makes_it_panic(source in "[fr'\"/\\\\%{}\\[\\]()\\n é,.]{0,200}") {
        let _ = crate::refs::python::references(source.as_bytes(), &[]);
    }
}
