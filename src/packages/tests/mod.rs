use super::dpkg::{alternatives, clauses, compare};
use super::manager::Relation;
use super::*;
use proptest::prelude::*;
use std::cmp::Ordering;

mod ledgers;

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn names(clauses: &[Clause]) -> Vec<Vec<String>> {
    clauses.iter().map(|c| c.iter().map(|t| t.name.to_string()).collect()).collect()
}

#[test]
fn parts_of_databases_are_known_by_their_paths() {
    let (dpkg, apk, pip): (&'static dyn PackageManager, &'static dyn PackageManager, &'static dyn PackageManager) =
        (&dpkg::Dpkg, &apk::Apk, &pip::Pip);
    let list = Part { list: true, ..Part::DATABASE };
    let sums = Part { list: true, ..Part::LEDGER };
    for (path, known) in [
        ("var/lib/dpkg/status", Some((dpkg, Part::DATABASE))),
        ("var/lib/dpkg/status.d/base-files", Some((dpkg, Part::DATABASE))),
        ("var/lib/dpkg/status.d/base-files.md5sums", Some((dpkg, sums))),
        ("var/lib/dpkg/info/gcc-12.list", Some((dpkg, list))),
        ("var/lib/dpkg/info/libc6:amd64.md5sums", Some((dpkg, sums))),
        ("var/lib/dpkg/info/gcc-12.postinst", None),
        ("var/lib/dpkg/diversions", Some((dpkg, list))),
        ("var/lib/dpkg/triggers/File", Some((dpkg, Part::DATABASE))),
        ("var/lib/dpkg/triggers/ldconfig", Some((dpkg, Part::DATABASE))),
        ("var/lib/dpkg/triggers/Lock", None),
        ("var/lib/dpkg/alternatives/cc", Some((dpkg, Part::DATABASE))),
        ("var/lib/apt/extended_states", Some((dpkg, Part::DATABASE))),
        ("etc/apk/world", Some((apk, Part::DATABASE))),
        ("lib/apk/db/installed", Some((apk, Part { database: true, ..sums }))),
        ("usr/lib/apk/db/installed", Some((apk, Part { database: true, ..sums }))),
        ("opt/v/site-packages/a-1.dist-info/METADATA", Some((pip, Part::DATABASE))),
        ("opt/v/site-packages/a-1.dist-info/RECORD", Some((pip, Part::LEDGER))),
        ("opt/METADATA", None),
        ("app/RECORD", None),
        ("installed", None),
        ("tmp/x.md5sums", None),
        ("tmp/var/lib/dpkg/status", None),
        ("app/node_modules/a/package.json", None),
    ] {
        assert_eq!(Manager::of_file(path.as_bytes()), known.map(|(m, part)| (Manager(m), part)), "{path}");
        assert_eq!(Ledger::of(path.as_bytes()).is_some(), known.is_some_and(|(_, part)| part.ledger), "{path}");
    }
}

#[test]
fn each_manager_has_a_row_and_a_name_of_its_own() {
    assert!(Manager::all().all(|manager| Manager::named(manager.name()).map(Manager::rank) == Some(manager.rank())));
    let ranks =
        |distribution: bool| Manager::all().filter(move |m| m.is_distribution() == distribution).map(Manager::rank);
    assert!(ranks(true).max() < ranks(false).min(), "a distribution's packages own a file before a language's");
    assert_eq!(Manager::removing().iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["dpkg", "apk", "pip"]);
    assert_eq!(Manager::named("yum"), None);
}

/// An image of paths and texts.
struct Image<'a>(Vec<Text<'a>>);

impl<'a> Files<'a> for Image<'a> {
    fn texts(&self) -> &[Text<'a>] {
        &self.0
    }

    fn text(&self, path: &[u8]) -> Option<&'a [u8]> {
        self.0.iter().find(|(at, _)| *at == path).map(|(_, text)| *text)
    }

    fn names(&self, dir: &[u8]) -> Vec<BString> {
        let names = self.0.iter().filter(|(path, _)| path::split(path).0 == dir);
        names.map(|(path, _)| path::split(path).1.into()).collect()
    }

    fn with(&self, name: &[u8]) -> Vec<BString> {
        self.0
            .iter()
            .map(|(path, _)| path::split(path))
            .filter(|(_, n)| *n == name)
            .map(|(dir, _)| dir.into())
            .collect()
    }
}

/// Returns for each package its name and version as shown, whether it is described, and its paths.
fn read(manager: &str, files: &[(&str, &'static str)]) -> Vec<(String, bool, Vec<String>)> {
    let image = Image(files.iter().map(|(path, text)| (BString::from(*path), text.as_bytes())).collect());
    let one = |one: Installed<'_>| {
        let paths = one.files.into_iter().flatten().map(|path| text(&path)).chain(one.below.map(|dir| text(&dir)));
        (format!("{} {}", one.shown.0, one.shown.1), one.described, paths.collect())
    };
    Manager::named(manager).unwrap().packages(&image).into_iter().map(one).collect()
}

fn package(shown: &str, described: bool, paths: &[&str]) -> (String, bool, Vec<String>) {
    (shown.to_owned(), described, paths.iter().map(|path| (*path).to_owned()).collect())
}

#[test]
fn packages_of_dpkg_have_the_paths_of_their_list_where_these_are_now() {
    let status = "Package: a\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n\
                  Package: b\nStatus: install ok installed\nVersion: 2\n\nPackage: rest\nStatus: deinstall ok config-files\n";
    let files = [
        ("var/lib/dpkg/diversions", "/bin/x\n/bin/x.real\nb\n"),
        ("var/lib/dpkg/info/a:amd64.list", "/.\n/bin/x\n"),
        ("var/lib/dpkg/info/b.list", "/bin/x\n"),
        ("var/lib/dpkg/info/rest.list", "/etc/rest\n"),
        ("var/lib/dpkg/status", status),
        // The name in the stanza counts, not that of the file.
        ("var/lib/dpkg/status.d/base", "Package: base-files\nVersion: 3\n"),
        ("var/lib/dpkg/status.d/base.md5sums", "0123456789abcdef0123456789abcdef  etc/issue\n"),
        ("var/lib/dpkg/status.d/lone.md5sums", "0123456789abcdef0123456789abcdef  etc/lone\n"),
    ];
    let expected = [
        package("a 1", true, &["/.", "/bin/x.real"]),
        package("b 2", true, &["/bin/x"]),
        package("rest ", false, &["/etc/rest"]),
        package("base-files 3", true, &["etc/issue"]),
        package("lone ", false, &["etc/lone"]),
    ];
    assert_eq!(read("dpkg", &files), expected);
}

#[test]
fn packages_of_languages() {
    let files = [
        ("v/site-packages/A_b-1.dist-info/METADATA", "Name: a-b\nVersion: 1\n"),
        ("v/site-packages/A_b-1.dist-info/RECORD", "A_b.py,,\n../../bin/a,,\n"),
        ("v/site-packages/c-2.dist-info/RECORD", "c.py,,\n"),
        ("v/site-packages/d-3.dist-info/METADATA", "Name: d\nVersion: 3\n"),
    ];
    let expected = [
        package("A_b 1", true, &["v/site-packages/A_b.py", "v/site-packages/../../bin/a"]),
        package("c 2", false, &["v/site-packages/c.py"]),
        package("d 3", true, &[]),
    ];
    assert_eq!(read("pip", &files), expected);
    let files =
        ["app", "app/node_modules/a", "app/node_modules/@s/b", "app/node_modules/a/node_modules/c", "app/lib/d"];
    let files = files.map(|dir| format!("{dir}/package.json"));
    let expected = [
        package("a ", false, &["app/node_modules/a"]),
        package("@s/b ", false, &["app/node_modules/@s/b"]),
        package("c ", false, &["app/node_modules/a/node_modules/c"]),
    ];
    assert_eq!(read("npm", &files.each_ref().map(|path| (&**path, "{}"))), expected);
}

#[test]
fn a_path_tells_its_package_by_the_directories() {
    let roots = [b"node_modules".to_vec(), b"site-packages".to_vec()];
    for (path, name) in [
        ("usr/lib/python3/site-packages/numpy/core/x.py", Some("numpy")),
        ("usr/lib/python3/site-packages/numpy-1.2.dist-info/RECORD", Some("numpy")),
        ("usr/lib/python3/site-packages/six.py", None),
        ("app/node_modules/@a/b/index.js", Some("@a/b")),
        ("app/node_modules/a/node_modules/b/index.js", Some("a")),
        ("app/main.js", None),
    ] {
        assert_eq!(by_directory(path.as_bytes(), &roots), name.map(BString::from), "{path}");
    }
}

/// Checks pairs whose order was found by `dpkg --compare-versions`.
#[test]
fn versions_are_ordered_as_dpkg_does() {
    for (lower, higher) in [
        ("1", "2"),
        ("1.9", "1.10"),
        ("1~rc1", "1"),
        ("1~~", "1~"),
        ("1~~a", "1~"),
        ("1-1", "1-2"),
        ("1-1", "1-1+b1"),
        ("1-1", "1.1-1"),
        ("9", "1:1"),
        ("1.0", "1.0a"),
        ("1.0a", "1.0+"),
        ("1.0", "1.0-1"),
        ("1:1.2.13.dfsg-1", "1:1.2.13.dfsg-1+deb12u1"),
        ("12.2.0-14", "12.2.0-14+deb12u1"),
        ("2.36-9+deb12u9", "2.36-9+deb12u10"),
        ("99999999999999999999998", "99999999999999999999999"),
    ] {
        assert_eq!(compare(lower.as_bytes(), higher.as_bytes()), Ordering::Less, "{lower} {higher}");
        assert_eq!(compare(higher.as_bytes(), lower.as_bytes()), Ordering::Greater, "{lower} {higher}");
    }
    for (a, b) in [("1", "1"), ("0:1", "1"), ("1.00", "1.0"), ("1-0", "1"), ("01", "1")] {
        assert_eq!(compare(a.as_bytes(), b.as_bytes()), Ordering::Equal, "{a} {b}");
    }
}

fn dpkg_says(a: &str, relation: &str, b: &str) -> Option<bool> {
    let status = std::process::Command::new("dpkg").args(["--compare-versions", a, relation, b]).status().ok()?;
    Some(status.success())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn dpkg_agrees_about_any_two_versions(
        a in "([0-9]:)?[0-9][0-9a-c.+~]{0,6}(-[0-9a-c.+~]{1,4})?",
        b in "([0-9]:)?[0-9][0-9a-c.+~]{0,6}(-[0-9a-c.+~]{1,4})?",
    ) {
        // Without dpkg, nothing is compared.
        if let Some(less) = dpkg_says(&a, "lt", &b) {
            prop_assert_eq!(compare(a.as_bytes(), b.as_bytes()) == Ordering::Less, less, "{} {}", a, b);
            prop_assert_eq!(Some(compare(a.as_bytes(), b.as_bytes()) == Ordering::Equal), dpkg_says(&a, "eq", &b));
        }
    }

    #[test]
    fn no_text_makes_a_reader_panic(bytes in prop::collection::vec(
        prop_oneof![
            Just(b'\n'), Just(b':'), Just(b' '), Just(b'P'), Just(b'('), Just(b')'), Just(b'|'), Just(b'\t'), Just(b'"'),
            any::<u8>(),
        ],
        0..200,
    )) {
        let stanzas: usize = deb822::stanzas(&bytes).map(|s| s.range.len()).sum();
        prop_assert_eq!(stanzas, bytes.len(), "stanzas cover all of a text");
        let _ = (dpkg::packages(&bytes).count(), dpkg::extended_states(&bytes).count(), dpkg::diversions(&bytes).count());
        let _ = (dpkg::statoverrides(&bytes).count(), dpkg::triggers(&bytes).count(), apk::world(&bytes).count());
        let _ = (apk::packages(&bytes), alternatives::Group::parse(b"x", &bytes), clauses(&bytes), compare(&bytes, &bytes));
        let _ = (pip::distribution(&bytes, Some(b"3.11")), pip::Pip.normalized(&bytes));
        let _ = pip::distribution(&[b"Name: x\nRequires-Dist: y; ".as_slice(), &bytes].concat(), None);
    }
}

#[test]
fn a_stanza_takes_its_bytes_and_the_empty_lines_after_it() {
    let status = "Package: a\nStatus: install ok installed\nVersion: 1\nConffiles:\n /etc/a 0123\n /etc/b 0123\n\n\n\
                  Package: b\nStatus: deinstall ok config-files\nVersion: 2\n\nPackage: c\nStatus: hold ok installed\n\
                  Essential: yes\nArchitecture: amd64\nMulti-Arch: foreign\nDepends: a (>= 1) | x:any, libc6\n (>> 2)";
    let found: Vec<_> = dpkg::packages(status.as_bytes()).collect();
    assert_eq!(found.iter().map(|p| p.name.to_string()).collect::<Vec<_>>(), ["a", "c"]);
    assert!(status[found[0].stanza.clone()].ends_with("/etc/b 0123\n\n\n"));
    assert_eq!(found[0].stanza.end, status.find("Package: b").unwrap());
    assert_eq!(found[1].stanza, status.find("Package: c").unwrap()..status.len());
    let c = &found[1];
    assert!(c.essential && c.on_hold && c.foreign && !found[0].essential);
    assert_eq!(names(&c.needs), [vec!["a", "x"], vec!["libc6"]]);
    assert_eq!(c.needs[1][0].version, Some((Relation::After, "2".into())));
}

#[test]
fn what_meets_a_requirement() {
    let package = |text: &str| dpkg::packages(text.as_bytes()).next().unwrap();
    let asking = package("Package: q\nArchitecture: amd64\n");
    for (one, asked, meets) in [
        ("Package: a\nVersion: 2-1\nArchitecture: amd64\n", "a", true),
        ("Package: a\nVersion: 2-1\nArchitecture: amd64\n", "a (>= 2)", true),
        ("Package: a\nVersion: 2-1\nArchitecture: amd64\n", "a (<< 2)", false),
        ("Package: a\nVersion: 2-1\nArchitecture: amd64\n", "a (= 2-1)", true),
        ("Package: a\nVersion: 2-1\nArchitecture: i386\n", "a", false),
        ("Package: a\nVersion: 2-1\nArchitecture: i386\nMulti-Arch: foreign\n", "a", true),
        ("Package: a\nVersion: 2-1\nArchitecture: all\n", "a", true),
        ("Package: b\nArchitecture: amd64\nProvides: a, z (= 3)\n", "a", true),
        ("Package: b\nArchitecture: amd64\nProvides: a, z (= 3)\n", "a (>= 1)", false),
        ("Package: b\nArchitecture: amd64\nProvides: a, z (= 3)\n", "z (>= 1)", true),
        ("Package: b\nArchitecture: amd64\nProvides: a, z (= 3)\n", "z (>= 4)", false),
    ] {
        assert_eq!(package(one).satisfies(&clauses(asked.as_bytes())[0][0], &asking), meets, "{one} {asked}");
    }
}

#[test]
fn files_beside_the_status() {
    let states =
        b"Package: a\nArchitecture: amd64\nAuto-Installed: 1\n\nPackage: b\nArchitecture: all\nAuto-Installed: 0\n";
    let found = dpkg::extended_states(states).map(|(name, _, auto, range)| (name.to_string(), auto, range));
    let second = 50..states.len();
    assert_eq!(found.collect::<Vec<_>>(), [("a".into(), true, 0..50), ("b".into(), false, second)]);
    let diversions = b"/bin/a\n/bin/a.real\n:\n/bin/b\n/bin/b.old\nmy-b\n";
    let found: Vec<_> = dpkg::diversions(diversions).map(|d| (text(d.from), text(d.to), d.by.map(text))).collect();
    assert_eq!(found[0], ("/bin/a".into(), "/bin/a.real".into(), None));
    assert_eq!(found[1], ("/bin/b".into(), "/bin/b.old".into(), Some("my-b".into())));
    assert_eq!(dpkg::statoverrides(b"root mail 2755 /usr/bin/x y\n").next().unwrap().0, b"/usr/bin/x y");
    let triggers = b"/usr/share/x libglib2.0-0:amd64/noawait\n/usr/y z\n";
    assert_eq!(dpkg::triggers(triggers).map(|(p, _)| text(p)).collect::<Vec<_>>(), ["libglib2.0-0:amd64", "z"]);
}

#[test]
fn a_group_of_alternatives() {
    let file = "manual\n/usr/bin/cc\ncc.1.gz\n/usr/share/man/man1/cc.1.gz\n\n/usr/bin/clang\n10\n\n\
                /usr/bin/gcc\n20\n/usr/share/man/man1/gcc.1.gz\n\n";
    let group = alternatives::Group::parse(b"cc", file.as_bytes()).unwrap();
    assert_eq!(&file[group.mode.clone()], "manual");
    assert_eq!(group.links.iter().map(|l| text(l.0)).collect::<Vec<_>>(), ["cc", "cc.1.gz"]);
    assert_eq!(&file[group.choices[0].range.clone()], "/usr/bin/clang\n10\n\n");
    assert_eq!(&file[group.choices[1].range.clone()], "/usr/bin/gcc\n20\n/usr/share/man/man1/gcc.1.gz\n");
    assert_eq!((group.choices[0].priority, group.choices[1].priority), (10, 20));
    assert_eq!(group.choices[0].paths[1], b"");
    let alone = "auto\n/usr/bin/c++\n\n/usr/bin/g++\n-20\n\n";
    let group = alternatives::Group::parse(b"c++", alone.as_bytes()).unwrap();
    assert_eq!((&alone[group.choices[0].range.clone()], group.choices[0].priority), ("/usr/bin/g++\n-20\n", -20));
    assert_eq!(alternatives::Group::parse(b"x", b"auto\n/usr/bin/x\ny\n"), None);
}

#[test]
fn apk_packages_with_their_files() {
    let db = "C:Q1=\nP:musl\nV:1.2.5-r0\nA:x86_64\np:so:libc.musl-x86_64.so.1=1\nF:lib\nR:ld-musl.so\nZ:Q1=\nF:usr\n\n\
              P:gcc\nV:13\nD:!old so:libc.musl-x86_64.so.1 binutils>=2 musl\ni:a b\nF:usr/bin\nR:gcc\n";
    let found = apk::packages(db.as_bytes());
    assert_eq!(found[0].1, ["lib", "lib/ld-musl.so", "usr"]);
    assert_eq!(found[1].1, ["usr/bin", "usr/bin/gcc"]);
    assert_eq!(found[0].0.stanza, 0..db.find("P:gcc").unwrap());
    assert_eq!(found[1].0.stanza.end, db.len());
    assert_eq!(names(&found[1].0.needs), [["so:libc.musl-x86_64.so.1"], ["binutils"], ["musl"]]);
    assert_eq!(names(&found[1].0.with), [["a"], ["b"]]);
    assert!(found[0].0.satisfies(&found[1].0.needs[0][0], &found[1].0));
    let world = "gcc\npython3=3.12\n!bad\nx y@edge\n";
    let cut = apk::world(world.as_bytes()).map(|(name, range)| (name.to_string(), world[range].to_owned()));
    let want = [("gcc", "gcc\n"), ("python3", "python3=3.12\n"), ("x", "x "), ("y", "y@edge\n")];
    assert_eq!(cut.collect::<Vec<_>>(), want.map(|(a, b)| (a.to_owned(), b.to_owned())));
}

#[test]
fn requirements_of_distributions() {
    let metadata = "Metadata-Version: 2.1\nName: My.Pkg__x\nVersion: 1\nLicense: a\n        \n        b\nProvides-Extra: Test\nProvides-Extra: unused\n\
        Requires-Dist: plain (>=1)\nRequires-Dist: Win_only; sys_platform == 'win32'\n\
        Requires-Dist: old; python_version < \"3.9\"\n\
        Requires-Dist: new; python_version >= '3.9' and (os_name == \"posix\" or extra == 'x')\n\
        Requires-Dist: arm; platform_machine == 'arm64'\nRequires-Dist: tester[fast]; extra == 'test'\n\
        Requires-Dist: never; extra == 'unused' and python_version < '3'\nRequires-Dist: odd; what is this\n\n\
        Requires-Dist: in-the-text\n";
    let one = pip::distribution(metadata.as_bytes(), Some(b"3.11")).unwrap();
    assert_eq!(one.package.name, "my-pkg-x");
    assert_eq!(names(&one.package.needs), [["plain"], ["new"], ["arm"], ["odd"]]);
    assert_eq!(one.extras.iter().map(|(e, c)| format!("{e} {}", c[0].name)).collect::<Vec<_>>(), ["test tester"]);
    let unknown = pip::distribution(metadata.as_bytes(), None).unwrap();
    assert_eq!(names(&unknown.package.needs), [["plain"], ["old"], ["new"], ["arm"], ["odd"]]);
    let other = pip::distribution(b"Name: o\nRequires-Dist: my-pkg.x[test]>2\n", None).unwrap();
    let mut all = [one, other];
    pip::settle(&mut all);
    assert_eq!(names(&all[0].package.needs).last().unwrap(), &["tester"]);
    assert_eq!(pip::python_of(b"opt/venv/lib/python3.11/site-packages"), Some(&b"3.11"[..]));
    assert_eq!(pip::python_of(b"usr/lib/python3/dist-packages"), None);
}
