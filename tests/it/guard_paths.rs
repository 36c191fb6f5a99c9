//! One path in all its spellings: what a program reads of its own package stays, however the path is put together. Each spelling is
//! a package of its own, whose README no rule would spare otherwise.

use crate::guard::check;

/// The rule of `node-readme` and `node-ci`, with less to it.
const TOP: &[&str] = &[
    "**/node_modules/{[!@.]*,@*/*}/{README,CHANGELOG,HISTORY}.md",
    "**/node_modules/{[!@.]*,@*/*}/{.travis.yml,.github}",
];

/// A tree with a package for each text of `bin/cli.js`; of all `NAME` stays where `stays` says so.
#[track_caller]
fn node(name: &str, texts: &[&str], stays: bool) {
    let mut files = Vec::new();
    for (i, text) in texts.iter().enumerate() {
        let dir = format!("app/node_modules/t{i}/");
        files.push((format!("{dir}package.json"), r#"{"name": "t", "files": ["README.md"], "readme": "README.md"}"#));
        files.push((format!("{dir}bin/cli.js"), *text));
        files.push((format!("{dir}{name}"), ""));
    }
    each(&files, name, stays);
}

#[track_caller]
fn each(files: &[(String, &str)], name: &str, stays: bool) {
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    let named: Vec<&str> = files.iter().map(|f| f.0).filter(|path| path.ends_with(name)).collect();
    check(TOP, &files, if stays { &named } else { &[] }, if stays { &[] } else { &named });
}

#[test]
fn a_readme_that_its_own_program_reads_stays_in_all_spellings() {
    let texts = [
        "read(path.join(__dirname, '../README.md'))",
        "read(path.join(__dirname, '..', 'README.md'))",
        "read((0, path_1.join)(__dirname, '..', 'README.md'))",
        "read(path.resolve(__dirname, '../', 'README.md'))",
        "read(path.resolve(__filename, '..', '..', 'README.md'))",
        "read(__dirname + '/../README.md')",
        "read(`${__dirname}/../README.md`)",
        "read(path.dirname(__dirname) + path.sep + 'README.md')",
        "read(new URL('../README.md', import.meta.url))",
        "read(new URL(\"..\\/README.md\", import.meta.url))",
        "read(fileURLToPath(import.meta.resolve('../README.md')))",
        "const readme = '../README.md'; read(new URL(readme, import.meta.url))",
        "const NAME = 'README.md'; read(path.join(root, NAME))",
        "const root = path.join(__dirname, '..');\nread(path.join(root, 'README.md'))",
        "const root = path.join(__dirname, '..');\nread(`${root}/README.md`)",
        "const root = `${__dirname}/../`;\nread(root + 'README.md')",
        "const root = `${__dirname}/../`;\nread(`${root}README.md`)",
        "read(['..', 'README.md'].join('/'))",
        "read(readdirSync(root).find(f => f.toLowerCase() === 'readme.md'))",
        "read(path.join(require.resolve('../package.json'), '../README.md'))",
        "read(path.join(path.dirname(pkgUp.sync()), \"README.md\"))",
        "read(path.join(root, ['README', 'md'].join('.')))",
        "read(readdirSync(root).find(f => f.startsWith('README')))",
    ];
    node("README.md", &texts, true);
}

#[test]
fn a_readme_that_nobody_names_goes() {
    let texts = [
        "read(path.join(__dirname, '..', 'usage.md'))",
        "log('See README.md for more')",
        "log('https://example.com/README.md')",
        "// README.md",
        "x.readme = y.history || 'changelog'",
        "require('../package.json')",
    ];
    node("README.md", &texts, false);
}

#[test]
fn other_documents_and_directories_are_told_alike() {
    node("HISTORY.md", &["read(path.join(__dirname, '..', 'HISTORY.md'))", "const f = 'HISTORY.md'"], true);
    node(".travis.yml", &["copy(path.join(__dirname, '..', '.travis.yml'))", "const f = '.travis.yml'"], true);
    let texts = [
        "copy(path.join(__dirname, '..', '.github'))",
        "copy(`${__dirname}/../.github`)",
        "copy(__dirname + '/../.github/ci.yml')",
        "const CI = '.github'; copy(path.join(root, CI))",
    ];
    node(".github/ci.yml", &texts, true);
    node("CHANGELOG.md", &["const f = 'HISTORY.md'", "read('README.md')"], false);
}

/// A program of `cli`, and what it may read of other packages.
fn neighbours(text: &str) -> [(&str, &str); 8] {
    [
        ("app/node_modules/cli/package.json", "{}"),
        ("app/node_modules/cli/bin/cli", text),
        ("app/node_modules/@x/tool/package.json", "{}"),
        ("app/node_modules/@x/tool/README.md", ""),
        ("app/node_modules/@x/tool/node_modules/inner/package.json", "{}"),
        ("app/node_modules/@x/tool/node_modules/inner/README.md", ""),
        ("app/node_modules/other/package.json", "{}"),
        ("app/node_modules/other/README.md", ""),
    ]
}

#[test]
fn another_package_is_named_by_its_name() {
    let texts = [
        "read(path.join(path.dirname(require.resolve('@x/tool/package.json')), 'README.md'))",
        "read(path.join(require.resolve('@x/tool'), '..', 'README.md'))",
        "read(require.resolve('@x/tool/README.md'))",
        "read(import.meta.resolve('@x/tool/README.md'))",
        "read(new URL('./README.md', import.meta.resolve('@x/tool/package.json')))",
        "read('node_modules/@x/tool/README.md')",
        "read(path.join(root, 'node_modules', '@x', 'tool', 'README.md'))",
        "read(path.join(modules, '@x/tool', 'README.md'))",
    ];
    for text in texts {
        let text = format!("#!/usr/bin/env node\n{text}\n");
        let files = neighbours(&text);
        check(TOP, &files, &[files[3].0], &[files[5].0, files[7].0]);
    }
    let files = neighbours("#!/usr/bin/env node\nrequire('@x/tool'); read('README.md')");
    check(TOP, &files, &[], &[files[3].0, files[5].0, files[7].0]);
}

#[test]
fn python_files_name_what_lies_above_them_alike() {
    let texts = [
        "open(os.path.join(os.path.dirname(__file__), '..', 'README.md'))",
        "open(os.path.join(os.path.dirname(__file__), os.pardir, 'README.md'))",
        "open(os.path.join(__file__, '..', '..', 'README.md'))",
        "(Path(__file__).parent / '..' / 'README.md').read_text()",
        "(Path(__file__).parent.parent / 'README.md').read_text()",
        "Path(__file__).resolve().parents[1].joinpath('README.md')",
        "open(dirname(__file__) + '/../README.md')",
        "open(f'{here}/../README.md')",
        "open(f'{os.path.dirname(__file__)}/../README.md')",
        "open('%s/../README.md' % here)",
        "open(dirname(dirname(__file__)) + '/README.md')",
        "Path(__file__).parent.with_name('README.md')",
        "NAME = 'README.md'\n(Path(__file__).parent.parent / NAME).read_text()",
        "os.sep.join([os.path.dirname(__file__), '..', 'README.md'])",
    ];
    let mut files = Vec::new();
    for (i, text) in texts.iter().enumerate() {
        files.push((format!("srv/t{i}/lib/main.py"), *text));
        files.push((format!("srv/t{i}/README.md"), ""));
        files.push((format!("srv/t{i}/lib/sub/README.md"), ""));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    let (gone, held): (Vec<&str>, Vec<&str>) =
        files.iter().map(|f| f.0).filter(|path| path.ends_with("md")).partition(|path| path.contains("/sub/"));
    check(&["srv/**/*.md"], &files, &held, &gone);
    // In a package, with directories between.
    let data = [
        (">p/__init__.py", ""),
        (">p/a/b.py", "open(dirname(__file__) + '/data/default.txt')\nopen(join(dirname(__file__), '..', 'x.txt'))"),
        (">p/a/data/default.txt", ""),
        (">p/x.txt", ""),
        (">p/a/x.txt", ""),
        (">p/notes.txt", ""),
    ];
    check(&["**/*.txt"], &data, &[data[2].0, data[3].0, data[4].0], &[data[5].0]);
}
