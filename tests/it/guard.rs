//! The guard, seen from outside: small trees that are built like the packages which naive rules broke. Each case says what the
//! rule takes and what is held back; without a guard the same rule takes all that it names.

use crate::builder::tar::TarEntry;
use crate::builder::{Archive, Comp, Form, Image};
use crate::oracle;
use crate::run::Dir;

/// A tree of `path: content` and a naive rule.
struct Case<'a> {
    files: &'a [(&'a str, &'a str)],
    rule: &'a [&'a str],
    config: serde_json::Value,
}

const SITE: &str = "usr/lib/python3/site-packages/";

impl Case<'_> {
    fn image(&self) -> Image {
        let mut tar = Vec::new();
        for (path, content) in self.files {
            let mut entry = TarEntry::new(full(path).as_bytes(), b'0');
            entry.content = content.as_bytes().to_vec();
            entry.write(&mut tar);
        }
        tar.resize(tar.len().next_multiple_of(512) + 1024, 0);
        let mut image = Image::new(vec![tar]);
        image.config = self.config.clone();
        image
    }

    /// The files that go with this guard, in order.
    fn removed(&self, guard: &str) -> Vec<String> {
        let dir = Dir::new();
        let image = self.image().comp(if guard == "none" { Comp::None } else { Comp::Gzip });
        Archive::new(image, Form::OciTar).write(dir.path());
        let paths: Vec<String> = self.rule.iter().map(|p| format!("{p:?}")).collect();
        let profile = format!(
            "description = 't'\n[[rule]]\nid = 't'\naction = 'drop'\nguard = '{guard}'\npaths = [{}]\n",
            paths.join(", ")
        );
        dir.write("t.toml", profile);
        dir.run(&["in.tar", "-o", "out.tar", "-p", "t.toml", "-q"]).ok();
        let output = oracle::open(&dir.join("out.tar"));
        let kept = output.images[0].tree().unwrap();
        let gone = self.files.iter().map(|(path, _)| full(path));
        let mut gone: Vec<String> = gone.filter(|path| !kept.names.contains_key(path.as_bytes())).collect();
        gone.sort();
        gone
    }
}

/// Paths with `>` before them are below site-packages.
fn full(path: &str) -> String {
    path.strip_prefix('>').map_or_else(|| path.to_owned(), |rest| format!("{SITE}{rest}"))
}

/// Of what `rule` names, only `gone` goes; unguarded all of `gone` and `held` do.
#[track_caller]
pub fn check(rule: &[&str], files: &[(&str, &str)], held: &[&str], gone: &[&str]) {
    let case = Case { files, rule, config: serde_json::json!({}) };
    let sorted = |paths: &[&str]| {
        let mut paths: Vec<String> = paths.iter().map(|p| full(p)).collect();
        paths.sort();
        paths
    };
    assert_eq!(case.removed("references"), sorted(gone), "with the guard");
    assert_eq!(case.removed("none"), sorted(&[held, gone].concat()), "without");
}

#[test]
fn a_package_imports_its_own_copy_by_the_usual_name() {
    let files = [
        (">keeps/tools.py", "import build.core"),
        (">build/__init__.py", "import distutils.core\nfrom six.moves import x\nimport gone"),
        (">build/core.py", ""),
        (">build/_distutils/__init__.py", ""),
        (">build/_distutils/core.py", "from .cmd import c"),
        (">build/_distutils/cmd.py", ""),
        (">build/_distutils/other.py", ""),
        (">build/_vendor/six/__init__.py", ""),
        (">build/_vendor/six/moves.py", ""),
        (">build/_vendor/toml.py", ""),
        (">other/_vendor/gone.py", ""),
    ];
    let held: Vec<&str> = files[1..6].iter().chain(&files[7..9]).map(|f| f.0).collect();
    let gone = [">build/_distutils/other.py", ">build/_vendor/toml.py", ">other/_vendor/gone.py"];
    check(&["**/build", "**/other"], &files, &held, &gone);
}

#[test]
fn modules_of_test_directories_that_are_imported_stay() {
    let rule = &["**/tests"];
    // numpy.testing, and what the module needs in turn.
    let files = [
        (">numpy/__init__.py", ""),
        (">numpy/testing/__init__.py", "from numpy._core.tests._natype import pd_NA\n"),
        (">numpy/_core/__init__.py", ""),
        (">numpy/_core/tests/__init__.py", ""),
        (">numpy/_core/tests/_natype.py", "from ._more import x\n"),
        (">numpy/_core/tests/_more.py", ""),
        (">numpy/_core/tests/test_a.py", "import numpy\nfrom . import other"),
        (">numpy/_core/tests/other.py", ""),
        (">numpy/_core/tests/__pycache__/_natype.cpython-311.pyc", ""),
    ];
    let held = [files[3].0, files[4].0, files[5].0, files[8].0];
    check(rule, &files, &held, &[files[6].0, files[7].0]);
    // jupyterlab: a relative import in a function, and a script by its name.
    let files = [
        (">jupyterlab/__init__.py", ""),
        (
            ">jupyterlab/browser_check.py",
            "def f():\n    from .tests.test_app import TestEnv\nx = osp.join(HERE, 'browser-test.js')",
        ),
        (">jupyterlab/tests/test_app.py", ""),
        (">jupyterlab/tests/test_b.py", ""),
    ];
    check(rule, &files, &[files[2].0], &[files[3].0]);
}

#[test]
fn a_package_that_is_loaded_by_scanning_its_directory_stays() {
    let files = [
        (">ansible/__init__.py", ""),
        (">ansible/plugins/loader.py", "test_loader = Jinja2Loader('TestModule', 'ansible.plugins.test', C.X)"),
        (">ansible/plugins/test/__init__.py", ""),
        (">ansible/plugins/test/core.py", "from ansible.utils.test import x"),
        (">ansible/plugins/test/a.yml", ""),
        (">ansible/utils/test/__init__.py", ""),
        (">ansible/utils/test/a.py", ""),
        (">other/test/__init__.py", ""),
    ];
    check(&["**/test"], &files, &[files[2].0, files[3].0, files[4].0, files[5].0], &[files[6].0, files[7].0]);
    // A suite is found by scanning as well, by pytest, and is not needed for that.
    let suite =
        [(">p/__init__.py", "pytest.main(['--pyargs', 'p.tests'])\njoin(here, 'tests')"), (">p/tests/test_a.py", "")];
    check(&["**/tests"], &suite, &[], &[suite[1].0]);
}

#[test]
fn data_directories_that_are_named_stay() {
    let files = [
        (">botocore/__init__.py", "import os\nBOTOCORE_ROOT = os.path.dirname(__file__)"),
        (">botocore/loaders.py", "class A:\n    PATH = os.path.join(BOTOCORE_ROOT, 'data')\n"),
        (">botocore/data/s3/service-2.json", "{}"),
        (">other/__init__.py", "x = {'data': 1}\nf('data')"),
        (">other/data/x.json", "{}"),
    ];
    check(&["**/data"], &files, &[files[2].0], &[files[4].0]);
    let boto = [
        (">boto3/__init__.py", ""),
        (">boto3/session.py", "from boto3.docs.a import b\n"),
        (">boto3/docs/__init__.py", ""),
        (">boto3/docs/a.py", ""),
        (">boto3/docs/unused.py", ""),
    ];
    check(&["**/docs"], &boto, &[boto[2].0, boto[3].0], &[boto[4].0]);
    let headers = [
        (">torch/__init__.py", ""),
        (">torch/utils/cpp_extension.py", "lib_include = os.path.join(_TORCH_PATH, 'include')"),
        (">torch/include/a/b.h", ""),
        (">torch/csrc/c.h", ""),
    ];
    check(&["**/*.h"], &headers, &[headers[2].0], &[headers[3].0]);
}

#[test]
fn data_files_that_are_named_stay() {
    let files = [
        (">sklearn/__init__.py", "load_descr('iris.rst')"),
        (">sklearn/datasets/descr/iris.rst", ""),
        (">sklearn/datasets/descr/wine.rst", ""),
        (">sklearn/README.rst", ""),
        (">other/__init__.py", "x = 'README.rst'"),
        (">other/README.rst", ""),
        (">other/iris.rst", ""),
    ];
    check(&["**/*.rst"], &files, &[files[1].0], &[files[2].0, files[3].0, files[5].0, files[6].0]);
    let texts = [
        (">parso/__init__.py", ""),
        (">parso/python/grammar.py", "file = 'python/grammar%s%s.txt' % (v.major, v.minor)"),
        (">parso/python/grammar311.txt", ""),
        (">parso/notes.txt", ""),
        (">setuptools/__init__.py", ""),
        (">setuptools/_vendor/jaraco/text/__init__.py", "files(__name__).joinpath('Lorem ipsum.txt').read_text()"),
        (">setuptools/_vendor/jaraco/text/Lorem ipsum.txt", ""),
        (">app/__init__.py", "(Path(__file__).parent / 'README.txt').read_text()"),
        (">app/README.txt", ""),
        (">app/sub/README.txt", ""),
    ];
    check(&["**/*.txt"], &texts, &[texts[2].0, texts[6].0, texts[8].0], &[texts[3].0, texts[9].0]);
    let sources = [
        (">triton/__init__.py", ""),
        (">triton/backends/nvidia/driver.py", "src = Path(os.path.join(dirname, 'driver.c')).read_text()"),
        (">triton/backends/nvidia/driver.c", ""),
        (">triton/x.c", ""),
    ];
    check(&["**/*.c"], &sources, &[sources[2].0], &[sources[3].0]);
    // In another package, by its name; an application's own beside it.
    let elsewhere = [
        ("app/main.py", "pkgutil.get_data('pkg.sub', 'a/x.dat')\nopen('conf/app.dat')"),
        ("app/conf/app.dat", ""),
        ("app/conf/b.dat", ""),
        (">pkg/__init__.py", ""),
        (">pkg/sub/__init__.py", ""),
        (">pkg/sub/a/x.dat", ""),
        (">pkg/app.dat", ""),
    ];
    check(&["**/*.dat"], &elsewhere, &[elsewhere[1].0, elsewhere[5].0], &[elsewhere[2].0, elsewhere[6].0]);
}

#[test]
fn kinds_of_files_that_are_named_stay() {
    let files = [
        (">django/__init__.py", ""),
        (">django/utils/trans_real.py", "import gettext as gettext_module"),
        (">django/conf/locale/de/LC_MESSAGES/django.mo", ""),
        (">quiet/__init__.py", ""),
        (">quiet/locale/de/LC_MESSAGES/q.mo", ""),
    ];
    check(&["**/*.mo"], &files, &[files[2].0], &[files[4].0]);
    let fonts = [
        (">matplotlib/__init__.py", ""),
        (">matplotlib/font_manager.py", "x = {'ttf': ('ttf', 'otf')}"),
        (">matplotlib/mpl-data/fonts/DejaVu.ttf", ""),
        (">streamlit/__init__.py", ""),
        (">streamlit/file_util.py", "return os.path.join(dirname(__file__), 'static')"),
        (">streamlit/static/media/Sans.ttf", ""),
        (">reportlab/__init__.py", ""),
        (">reportlab/rl_settings.py", "TTFSearchPath = ('%(REPORTLAB_DIR)s/fonts',)"),
        (">reportlab/fonts/Vera.ttf", ""),
        (">other/__init__.py", ""),
        (">other/x.ttf", ""),
    ];
    check(&["**/*.{ttf,woff2}"], &fonts, &[fonts[2].0, fonts[5].0, fonts[8].0], &[fonts[10].0]);
    let stubs = [
        (">skimage/__init__.py", "import lazy_loader as _lazy\n_, _, _ = _lazy.attach_stub(__name__, __file__)"),
        (">skimage/__init__.pyi", "from . import data\nfrom .io import imread\n"),
        (">skimage/io.pyi", ""),
        (">jedi/__init__.py", ""),
        (">jedi/typeshed.py", "name = m + '.pyi'"),
        (">jedi/third_party/typeshed/os.pyi", ""),
        (">other/a.pyi", ""),
    ];
    check(&["**/*.pyi"], &stubs, &[stubs[1].0, stubs[5].0], &[stubs[2].0, stubs[6].0]);
    // What only a stub names is loaded.
    let lazy = [stubs[0], stubs[1], (">skimage/io/__init__.py", ""), (">skimage/io/x.py", "")];
    check(&["**/io"], &lazy, &[lazy[2].0], &[lazy[3].0]);
}

#[test]
fn compiled_modules_are_no_data() {
    let files = [
        ("app/main.py", "import pkg\nx = ['.pyc', '*.py', 'pkg.a']"),
        (">pkg/__init__.py", "from . import a"),
        (">pkg/a.py", ""),
        (">pkg/__pycache__/a.cpython-311.pyc", ""),
        (">pkg/__pycache__/__init__.cpython-311.pyc", ""),
    ];
    check(&["**/__pycache__"], &files, &[], &[files[3].0, files[4].0]);
}

#[test]
fn entry_points_scripts_and_the_config_are_heard() {
    let files = [
        (">x-1.dist-info/entry_points.txt", "[console_scripts]\nx = pkg.cli:main\n"),
        (">x.pth", "import pkg.hook; pkg.hook.install()\n/srv/src\n"),
        ("usr/bin/tool", "#!/usr/bin/python3\nfrom pkg.tool import main\n"),
        ("srv/app/run.sh", "#!/bin/sh\n"),
        ("srv/src/mine/sub.py", ""),
        (">pkg/__init__.py", "import mine.sub"),
        (">pkg/cli.py", ""),
        (">pkg/hook.py", ""),
        (">pkg/tool.py", ""),
        (">pkg/serve/__init__.py", ""),
        (">pkg/serve/__main__.py", "from . import deep"),
        (">pkg/serve/deep.py", ""),
        (">pkg/unused.py", ""),
    ];
    let config = serde_json::json!({"config": {"Entrypoint": ["python", "-m", "pkg.serve"], "Cmd": []}});
    let case = Case { files: &files, rule: &["{**/pkg,srv/src}/**/*.py"], config };
    assert_eq!(case.removed("references"), [full(files[12].0)]);
    assert_eq!(case.removed("none").len(), 9);
}

#[test]
fn what_node_packages_load_stays() {
    let rule = &["**/node_modules/**/{docs,doc,test,*.md,make*,example*}"];
    let files = [
        ("app/index.js", "const {parse} = require('yaml')\nimport hljs from 'highlight.js'"),
        (
            "app/node_modules/yaml/package.json",
            r#"{"main": "./dist/index.js", "exports": {".": {"types": "./x.md", "node": "./dist/index.js"}}}"#,
        ),
        ("app/node_modules/yaml/dist/index.js", "var d = require('./doc/Document.js');\n// require('./doc/unused.js')"),
        ("app/node_modules/yaml/dist/doc/Document.js", "require('./anchors')"),
        ("app/node_modules/yaml/dist/doc/anchors.js", ""),
        ("app/node_modules/yaml/dist/doc/unused.js", ""),
        ("app/node_modules/yaml/README.md", ""),
        ("app/node_modules/highlight.js/package.json", r#"{"main": "./lib/index"}"#),
        (
            "app/node_modules/highlight.js/lib/index.js",
            "hljs.registerLanguage('makefile', require('./languages/makefile'));",
        ),
        ("app/node_modules/highlight.js/lib/languages/makefile.js", ""),
        ("app/node_modules/cli/package.json", r#"{"bin": {"cli": "bin/cli.js"}}"#),
        ("app/node_modules/cli/bin/cli.js", "fs.readFileSync(path.join(__dirname, 'usage.md'))\nfoo(/'/, 'b')"),
        ("app/node_modules/cli/bin/usage.md", ""),
        ("app/node_modules/cli/test/a.js", ""),
        ("app/node_modules/late/package.json", r#"{"exports": {"./test": "./test/main.mjs"}}"#),
        ("app/node_modules/late/test/main.mjs", "export * from '../example/index.mjs'"),
        ("app/node_modules/late/example/index.mjs", ""),
        ("app/node_modules/late/example/b.mjs", ""),
    ];
    let held = [3, 4, 9, 12, 15, 16].map(|i: usize| files[i].0);
    check(rule, &files, &held, &[5, 6, 13, 17].map(|i: usize| files[i].0));
}

#[test]
fn libraries_that_objects_need_stay() {
    let library = |names: &[&str], runpath: &str| object(names, runpath);
    let files = [
        (">pkg/_x.so", library(&["liba-1234.so.1", "libc.so.6"], "$ORIGIN/../pkg.libs")),
        (">pkg.libs/liba-1234.so.1", library(&["libb.so"], "$ORIGIN")),
        (">pkg.libs/libb.so", library(&[], "")),
        (">pkg.libs/libc.so.6", library(&[], "")),
        ("usr/lib/libc.so.6", library(&[], "")),
        (">pkg.libs/libunused.so", library(&[], "")),
        ("opt/x/libd.so", library(&[], "")),
        ("opt/x/run", library(&["libd.so"], "")),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    // RUNPATH comes before the loader's own directories.
    let held = [files[1].0, files[2].0, files[3].0, files[6].0];
    check(&["**/pkg.libs", "opt/x/*.so"], &files, &held, &[files[5].0]);
}

/// A shared object with nothing but a dynamic section. All of its bytes are ASCII.
pub fn object(needed: &[&str], runpath: &str) -> String {
    let (segments, dynamic, length) = (64_u64, 256_u64, 256_u64);
    let mut strings = vec![0_u8];
    let mut entries: Vec<(u64, u64)> = Vec::new();
    let mut add = |tag: u64, text: &str| {
        entries.push((tag, strings.len() as u64));
        strings.extend(text.as_bytes());
        strings.push(0);
    };
    needed.iter().for_each(|name| add(1, name));
    if !runpath.is_empty() {
        add(29, runpath);
    }
    // All bytes stay below 128, so that the file is text.
    let (at, size) = (768_u64, 2048_u64);
    entries.extend([(5, at), (10, strings.len() as u64)]);
    assert!(entries.len() * 16 < 256 && strings.len() < 128);
    let mut out = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    let mut put = |bytes: &[u8]| out.extend(bytes);
    [3_u16, 62].iter().for_each(|n| put(&n.to_le_bytes()));
    put(&1_u32.to_le_bytes());
    [0_u64, segments, 0].iter().for_each(|n| put(&n.to_le_bytes()));
    put(&0_u32.to_le_bytes());
    [64_u16, 56, 2, 64, 0, 0].iter().for_each(|n| put(&n.to_le_bytes()));
    for (kind, offset, bytes) in [(1_u32, 0, size), (2, dynamic, length)] {
        put(&kind.to_le_bytes());
        put(&4_u32.to_le_bytes());
        [offset, offset, offset, bytes, bytes, 8].iter().for_each(|n: &u64| put(&n.to_le_bytes()));
    }
    out.resize(usize::try_from(dynamic).unwrap(), 0);
    entries.iter().for_each(|(tag, value)| out.extend([tag.to_le_bytes(), value.to_le_bytes()].concat()));
    out.resize(usize::try_from(at).unwrap(), 0);
    out.extend(&strings);
    out.resize(usize::try_from(size).unwrap(), 0);
    String::from_utf8_lossy(&out).into_owned()
}

#[test]
fn the_report_says_who_needs_it() {
    let dir = Dir::new();
    let files = [(">p/__init__.py", "\n\nimport p.tests.a"), (">p/tests/a.py", ""), (">p/tests/b.py", "")];
    let case = Case { files: &files, rule: &[], config: serde_json::json!({}) };
    Archive::new(case.image(), Form::OciTar).write(dir.path());
    let run = dir.run(&["in.tar", "--dry-run", "-p", "none", "--drop", "**/tests", "-vv"]).ok();
    let text = run.text() + &run.stderr;
    assert!(text.contains("p/__init__.py:3 refers to it"), "{text}");
}
