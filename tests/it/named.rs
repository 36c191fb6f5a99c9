//! What the image itself names in full stays: scripts, configuration, programs and the config veto rules that ask nobody else. Each
//! kind is one of public reports about images that broke when they were made smaller (issue 14); the reports stand in the tests.

use crate::builder::tar::TarEntry;
use crate::builder::{Archive, Form, Image};
use crate::oracle;
use crate::run::Dir;
use serde_json::{Value, json};

/// A file of the image: its text, with `#!` for one that can be run; a link where it begins with `-> `, a directory where it is `/`.
type File<'a> = (&'a str, &'a str);

const DEBIAN: File<'_> = ("etc/debian_version", "12.0\n");
const DOC: &str = "usr/share/doc/";
const SITE: &str = "usr/lib/python3/site-packages/";

/// The paths of `files` that a profile takes out of an image.
fn taken(profile: &[&str], files: &[TarEntry], config: &Value) -> Vec<String> {
    let dir = Dir::new();
    let mut tar = Vec::new();
    files.iter().for_each(|file| file.write(&mut tar));
    tar.resize(tar.len().next_multiple_of(512) + 1024, 0);
    let mut image = Image::new(vec![tar]);
    image.config = json!({ "config": config });
    Archive::new(image, Form::OciTar).write(dir.path());
    dir.run(&[&["in.tar", "-o", "out.tar", "-q", "-p"], profile].concat()).ok();
    let output = oracle::open(&dir.join("out.tar"));
    let kept = output.images[0].tree().unwrap();
    let gone = files.iter().filter(|file| !kept.names.contains_key(&file.name));
    gone.map(|file| String::from_utf8_lossy(&file.name).into_owned()).collect()
}

fn entry((path, text): &File<'_>) -> TarEntry {
    let link = text.strip_prefix("-> ");
    let flag = if link.is_some() {
        b'2'
    } else if *text == "/" {
        b'5'
    } else {
        b'0'
    };
    let mut entry = TarEntry::new(path.as_bytes(), flag);
    entry.mode = if text.starts_with("#!") || flag != b'0' { 0o755 } else { 0o644 };
    match link {
        Some(link) => entry.link = link.as_bytes().to_vec(),
        None if flag == b'0' => entry.content = text.as_bytes().to_vec(),
        None => {}
    }
    entry
}

/// Of `files` only `gone` go. Without what the first file says, or with another config, all of `held` would.
#[track_caller]
fn check(profile: &str, files: &[File<'_>], config: Value, held: &[&str], gone: &[&str]) {
    let entries: Vec<TarEntry> = files.iter().map(entry).collect();
    let taken = taken(&[profile], &entries, &config);
    assert_eq!(taken, gone, "{profile}: {files:?}");
    held.iter().for_each(|path| assert!(files.iter().any(|(known, _)| known == path), "{path} is no file of the case"));
    held.iter().for_each(|path| assert!(!taken.iter().any(|gone| gone == path)));
}

/// A file of documentation that `speaker` names stays, its neighbour goes; without the speaker both go.
#[track_caller]
fn document(speaker: File<'_>, named: &str, config: Value) {
    let other = format!("{DOC}zz/changelog.gz");
    let files = [DEBIAN, speaker, (named, "x"), (&other, "x")];
    check("debian-slim", &files, config.clone(), &[named], &[&other]);
    let silent = [DEBIAN, (speaker.0, "#!/bin/sh\n"), (named, "x"), (&other, "x")];
    let entries: Vec<TarEntry> = silent.iter().map(entry).collect();
    assert_eq!(taken(&["debian-slim"], &entries, &config), [named, &*other], "without {speaker:?}");
}

/// dj-wasabi/ansible-zabbix-server#142, junegunn/fzf#1866, StackStorm/st2packaging-dockerfiles#81, robert-dodier/maxima-jupyter#112.
#[test]
fn whatever_names_a_document_keeps_it() {
    let named = format!("{DOC}tool/examples/create.sql");
    for (path, text) in [
        ("start.sh", "#!/bin/sh\nmysql x < /usr/share/doc/tool/examples/create.sql\n"),
        ("usr/local/bin/start", "#!/bin/bash\nD=/usr/share/doc/tool/examples\ncat $D/create.sql\n"),
        ("usr/local/bin/start", "#!/bin/bash\nDOC=/usr/share/doc\ncat ${DOC}/tool/examples/create.sql\n"),
        ("usr/local/bin/start", "#!/usr/bin/env perl\nopen(F, '<', '/usr/share/doc/tool/examples/create.sql');\n"),
        ("srv/app.rb", "File.read('/usr/share/doc/tool/examples/create.sql')\n"),
        ("srv/app.php", "<?php readfile('/usr/share/doc/tool/examples/create.sql');\n"),
        ("srv/App.java", "class A { String s = \"/usr/share/doc/tool/examples/create.sql\"; }\n"),
        ("srv/app.lua", "io.open('/usr/share/doc/tool/examples/create.sql')\n"),
        ("srv/app.js", "fs.readFileSync('/usr/share/doc/tool/examples/create.sql')\n"),
        ("srv/app.py", "open('/usr/share/doc/tool/examples/create.sql')\n"),
        ("root/.bashrc", "source /usr/share/doc/tool/examples/create.sql\n"),
        ("home/me/.zshrc", "source /usr/share/doc/tool/examples/create.sql\n"),
        ("etc/cron.d/job", "* * * * * root sqlite3 x < /usr/share/doc/tool/examples/create.sql\n"),
        ("etc/supervisor/conf.d/x.conf", "[program:x]\ncommand=cat /usr/share/doc/tool/examples/create.sql\n"),
        ("usr/lib/systemd/user/x.service", "[Service]\nExecStart=/bin/cat /usr/share/doc/tool/examples/create.sql\n"),
        ("srv/Makefile", "all:\n\tcat /usr/share/doc/tool/examples/create.sql\n"),
        ("srv/conf.yaml", "schema: /usr/share/doc/tool/examples/create.sql\n"),
        ("srv/conf.json", "{\"schema\": \"/usr/share/doc/tool/examples/create.sql\"}\n"),
        ("srv/conf.xml", "<schema file=\"/usr/share/doc/tool/examples/create.sql\"/>\n"),
        ("srv/conf.toml", "schema = '/usr/share/doc/tool/examples/create.sql'\n"),
        ("srv/x.properties", "schema=file:///usr/share/doc/tool/examples/create.sql\n"),
        ("usr/bin/tool", "\u{7f}ELF\0\0/usr/share/doc/tool/examples/create.sql\0"),
    ] {
        document((path, text), &named, json!({}));
    }
    for speaker in [
        ("start.sh", "#!/bin/sh\ncd /usr/share/doc/tool/examples && mysql < create.sql\n"),
        ("start.sh", "#!/bin/sh\ncat /usr/share/doc/tool/*/create.sql\n"),
        ("start.sh", "#!/bin/sh\nzcat /usr/share/doc/tool/examples/create.sql*\n"),
        ("etc/nginx/nginx.conf", "http { server { root /usr/share/doc/tool/examples; } }\n"),
        ("etc/postfix/postfix-files", "$readme_directory/examples/create.sql:f:root:-:644\n"),
    ] {
        document(speaker, &named, json!({}));
    }
    // What is compressed, or in parts, goes by the name of the whole.
    document(
        ("usr/bin/tool", "#!/bin/sh\nHELP=/usr/share/info/tool.info\n"),
        "usr/share/info/tool.info-1.gz",
        json!({}),
    );
}

#[test]
fn the_config_keeps_what_it_names() {
    let named = format!("{DOC}tool/examples/create.sql");
    let other = format!("{DOC}zz/changelog.gz");
    for config in [
        json!({"Cmd": ["sh", "-c", "mysql < /usr/share/doc/tool/examples/create.sql"]}),
        json!({"Cmd": ["cat", "/usr/share/doc/tool/examples/create.sql"]}),
        json!({"Entrypoint": ["/bin/sh"], "Env": ["SCHEMA=/usr/share/doc/tool/examples"]}),
        json!({"WorkingDir": "/usr/share/doc/tool"}),
        json!({"Volumes": {"/usr/share/doc/tool": {}}}),
        json!({"Healthcheck": {"Test": ["CMD-SHELL", "test -f /usr/share/doc/tool/examples/create.sql"]}}),
        json!({"Labels": {"schema": "/usr/share/doc/tool/examples/create.sql"}}),
        json!({"Env": ["D=/usr/share/doc"], "Cmd": ["sh", "-c", "cat $D/tool/examples/create.sql"]}),
    ] {
        check("debian-slim", &[DEBIAN, (&named, "x"), (&other, "x")], config, &[&named], &[&other]);
    }
}

#[test]
fn comments_roots_and_what_is_removed_name_nothing() {
    let file = format!("{DOC}tool/create.sql");
    for speaker in [
        ("start.sh", "#!/bin/sh\n# /usr/share/doc/tool/create.sql\n"),
        ("start.sh", "#!/bin/sh\nls /usr/share/doc\n"),
        ("start.sh", "#!/bin/sh\nrm -rf /usr/share/doc/tool /usr/share/doc/*\n"),
        ("start.sh", "#!/bin/sh\nmkdir -p /usr/share/doc/tool\n"),
        ("etc/x.conf", "doc = /usr/share/doc/ # see /usr/share/doc/tool\n"),
        ("etc/x.xml", "<a><!-- /usr/share/doc/tool --></a>\n"),
        ("usr/share/doc/tool/README", "see /usr/share/doc/tool/create.sql\n"),
        ("etc/manpath.config", "MANDATORY_MANPATH /usr/share/doc/tool\n"),
        ("var/lib/dpkg/info/tool.postinst", "#!/bin/sh\ncat /usr/share/doc/tool/create.sql\n"),
    ] {
        let entries: Vec<TarEntry> = [DEBIAN, speaker, (&file, "x")].iter().map(entry).collect();
        assert!(taken(&["debian-slim"], &entries, &json!({})).contains(&file), "{speaker:?}");
    }
    // A rule may say that nobody is asked.
    let dir = Dir::new();
    dir.write("t.toml", "[[rule]]\nid = 't'\naction = 'drop'\nguard = 'none'\npaths = ['a/*']\n");
    let profile = dir.join("t.toml");
    let files = [("start.sh", "#!/bin/sh\ncat /a/b\n"), ("a/b", "x")];
    check(profile.to_str().unwrap(), &files, json!({}), &[], &["a/b"]);
}

/// encode/django-rest-framework#8609, cookiecutter/cookiecutter-django#4045: collectstatic fails where a map is missing.
#[test]
fn maps_stay_where_somebody_follows_them() {
    let maps = format!("{SITE}gadget/static/a.js.map");
    let other = format!("{SITE}gadget/static/b.js.map");
    let (js, css) = (format!("{SITE}gadget/static/a.js"), format!("{SITE}gadget/static/b.css"));
    let said = [(&*js, "var a;\n//# sourceMappingURL=a.js.map\n"), (&*css, "a{}\n/*# sourceMappingURL=data:x */\n")];
    let django = format!("{SITE}django/contrib/staticfiles/storage.py");
    let whitenoise = format!("{SITE}whitenoise/__init__.py");
    for reader in
        [&*django, &whitenoise, "var/lib/gems/3.1.0/gems/sprockets-4.2.0/lib/sprockets.rb", "usr/bin/sentry-cli"]
    {
        let files = [DEBIAN, (reader, ""), said[0], said[1], (&maps, "{}"), (&other, "{}")];
        check("python-slim", &files, json!({}), &[&maps], &[&other]);
    }
    check("python-slim", &[DEBIAN, said[0], (&maps, "{}")], json!({}), &[], &[&maps]);
    let files = [
        DEBIAN,
        ("app/node_modules/source-map-loader/package.json", "{}"),
        ("app/node_modules/x/a.css", "a{}\n/*# sourceMappingURL=m/a.css.map */"),
        ("app/node_modules/x/m/a.css.map", "{}"),
        ("app/node_modules/x/m/b.css.map", "{}"),
    ];
    check("node-slim", &files, json!({}), &[files[3].0], &[files[4].0]);
    // A package that reads one of its own files spells out its path.
    let init = format!("{SITE}gadget/__init__.py");
    for code in [
        "M = files(__name__).joinpath('static/a.js.map').read_text()\n",
        "HERE = os.path.dirname(__file__)\nopen(os.path.join(HERE, 'static', 'a.js.map'))\n",
    ] {
        check("python-slim", &[(&*init, code), (&*maps, "{}"), (&*other, "{}")], json!({}), &[&maps], &[&other]);
    }
}

/// Tryton's modules have their texts in *.po alone; a *.po that is newer than its *.mo waits to be compiled.
#[test]
fn sources_of_translations_go_only_beside_what_was_made_of_them() {
    let at = |name: &str| format!("{SITE}shop/locale/de/LC_MESSAGES/{name}");
    let (mo, po, alone) = (at("a.mo"), at("a.po"), at("b.po"));
    let init = format!("{SITE}shop/__init__.py");
    let run = |code: &str, age: i64, more: &[File<'_>], config: Value| {
        let mut files: Vec<TarEntry> =
            [(&*init, code), (&mo, "x"), (&po, "x"), (&alone, "x")].iter().chain(more).map(entry).collect();
        files.iter_mut().for_each(|file| file.secs = 1_700_000_000);
        files[2].secs += age;
        taken(&["python-slim"], &files, &config)
    };
    assert_eq!(run("", 0, &[], json!({})), [&*po]);
    assert_eq!(run("", -100, &[], json!({})), [&*po]);
    let none: [&str; 0] = [];
    assert_eq!(run("", 100, &[], json!({})), none);
    for code in [
        "import polib\n",
        "from babel.messages import pofile\n",
        "from babel.messages.pofile import read_po\n",
        "x = '.po'\n",
    ] {
        assert_eq!(run(code, 0, &[], json!({})), none, "{code}");
    }
    assert_eq!(run("", 0, &[("start.sh", "#!/bin/sh\npybabel compile -d locale\n")], json!({})), none);
    assert_eq!(run("", 0, &[], json!({"Cmd": ["sh", "-c", "msgfmt a.po -o a.mo && exec x"]})), none);
    // Of one installation the times say in which order the files were written.
    let record = format!("{SITE}shop-1.dist-info/RECORD");
    let rows = "shop/locale/de/LC_MESSAGES/a.mo,,\nshop/locale/de/LC_MESSAGES/a.po,,\n";
    assert_eq!(run("", 1, &[(&record, rows)], json!({})), [&*po]);
}

/// debuerreotype/debuerreotype#34; and gtk-doc-tools, which lives in /usr/share/gtk-doc.
#[test]
fn a_directory_of_documents_may_be_a_program() {
    let files = [
        DEBIAN,
        ("usr/share/gtk-doc/data/gtk-doc.xsl", "x"),
        ("usr/share/gtk-doc/html/glib/index.html", "x"),
        ("usr/share/gtk-doc/python/gtkdoc/common.py", "x"),
        ("usr/share/lintian/lib/Lintian.pm", "x"),
        ("usr/share/lintian/overrides/bash", "x"),
    ];
    check("debian-slim", &files, json!({}), &[files[1].0, files[3].0, files[4].0], &[files[2].0, files[5].0]);
}

/// mosaicml/composer#974, apify/apify-actor-docker#22.
#[test]
fn applications_live_in_temporary_directories() {
    let files =
        [("tmp/app/main.py", "import helper"), ("tmp/app/helper.py", ""), ("tmp/app/d/x.json", ""), ("tmp/junk", "")];
    let all = ["tmp/app/main.py", "tmp/app/helper.py", "tmp/app/d/x.json"];
    for config in [
        json!({"WorkingDir": "/tmp/app", "Cmd": ["uvicorn", "main:app"]}),
        json!({"Cmd": ["python3", "/tmp/app/main.py"]}),
        json!({"Env": ["PYTHONPATH=/usr/x:/tmp/app"]}),
        json!({"Env": ["XDG_CONFIG_HOME=/tmp/app"]}),
        json!({"Volumes": {"/tmp/app": {}}}),
        json!({"Cmd": ["sh", "-c", "cd /tmp/app && python3 main.py"]}),
    ] {
        check("caches", &files, config, &all, &["tmp/junk"]);
    }
    let script = [("start.sh", "#!/bin/sh\nexec /tmp/app/main.py\n"), files[0], files[1], files[2], files[3]];
    check("caches", &script, json!({}), &all, &["tmp/junk"]);
    for config in [json!({"WorkingDir": "/tmp"}), json!({"Env": ["HOME=/tmp"]}), json!({"Env": ["PYTHONPATH=/tmp"]})] {
        check("caches", &files, config, &all, &[]);
    }
    let every = ["tmp/app/main.py", "tmp/app/helper.py", "tmp/app/d/x.json", "tmp/junk"];
    check("caches", &files, json!({"Env": ["TMPDIR=/tmp"]}), &[], &every);
    let seeds = [("start.sh", "#!/bin/sh\ncat /tmp/*.sql | mysql\n"), ("tmp/a.sql", ""), ("tmp/junk", "")];
    check("caches", &seeds, json!({}), &["tmp/a.sql"], &["tmp/junk"]);
    // What somebody gave a mode or an owner stays, empty.
    let mut dirs: Vec<TarEntry> =
        [("tmp/.X11-unix", "/"), ("tmp/own", "/"), ("tmp/own/x", "y"), ("tmp/plain", "/")].iter().map(entry).collect();
    (dirs[0].mode, dirs[1].uid) = (0o1777, 1000);
    assert_eq!(taken(&["caches"], &dirs, &json!({})), ["tmp/own/x", "tmp/plain"]);
}

const CATALOGUE: &str = "usr/share/locale/de/LC_MESSAGES/";

fn catalogues(more: &[File<'_>], config: Value) -> Vec<String> {
    let names = ["coreutils", "iso_3166-1", "shop"].map(|name| format!("{CATALOGUE}{name}.mo"));
    let list = format!("/.\n/{}\n/{}\n", names[0], names[1]);
    let own =
        [DEBIAN, ("var/lib/dpkg/info/coreutils.list", &list), (&names[0], "x"), (&names[1], "x"), (&names[2], "x")];
    let files: Vec<TarEntry> = own.iter().chain(more).map(entry).collect();
    taken(&["debian-slim"], &files, &config)
}

/// kimchi-project/wok#192, flatpak/flatpak#1096.
#[test]
fn catalogues_that_somebody_opens_stay() {
    let coreutils = format!("{CATALOGUE}coreutils.mo");
    // Names of countries are data, and what no package has is the application's own.
    assert_eq!(catalogues(&[], json!({})), [&*coreutils]);
    let none: [&str; 0] = [];
    for speaker in [
        ("etc/default/locale", "LANG=de_DE.UTF-8\n"),
        ("etc/locale.conf", "LC_MESSAGES=de\n"),
        ("etc/environment", "LANGUAGE=\"de:en\"\n"),
        ("etc/profile.d/x.sh", "export LC_ALL=de_AT\n"),
        ("start.sh", "#!/bin/sh\nLANG=de_DE.UTF-8 exec ls\n"),
        ("etc/supervisor/conf.d/x.conf", "environment=LANG=\"de_DE.UTF-8\"\n"),
        ("app/main.py", "import gettext\nt = gettext.translation('coreutils', '/usr/share/locale', ['de'])\n"),
        ("app/main.py", "import gettext\ngettext.bindtextdomain('coreutils')\n"),
        ("usr/share/tool/main.py", "import gettext\nDOMAIN = 'coreutils'\nt = gettext.translation(DOMAIN)\n"),
        ("app/main.php", "<?php textdomain('coreutils');\n"),
        ("app/start.sh", "#!/bin/sh\nexport TEXTDOMAIN=coreutils\n"),
        ("etc/postgresql/15/main/postgresql.conf", "lc_messages = 'de_DE.UTF-8'\n"),
        ("etc/my.cnf", "lc_messages = de_DE\n"),
        ("etc/container_environment/LANG", "de_DE.UTF-8"),
        ("etc/sysconfig/language", "RC_LANG=\"de_DE.utf8\"\n"),
        ("app/pod.yaml", "env:\n- name: LC_ALL\n  value: de_DE.UTF-8\n"),
        ("start.sh", "#!/bin/sh\nL=de_DE.UTF-8\nexport LANG=$L\n"),
        ("app/main.py", "open('/usr/share/locale/de/LC_MESSAGES/coreutils.mo', 'rb')\n"),
    ] {
        assert_eq!(catalogues(&[speaker], json!({})), none, "{speaker:?}");
    }
    for config in [
        json!({"Cmd": ["env", "LANG=de_DE.UTF-8", "ls"]}),
        json!({"Cmd": ["sh", "-c", "LC_ALL=de_DE.UTF-8 ls"]}),
        json!({"Env": ["LANG=de_DE.UTF-8"]}),
    ] {
        assert_eq!(catalogues(&[], config.clone()), none, "{config}");
    }
    assert_eq!(
        catalogues(&[("start.sh", "#!/bin/sh\n# LANG=de_DE\nLANG=C LC_ALL=fr_FR ls\n")], json!({})),
        [&*coreutils]
    );
}

/// Suites that are the program: run by a command, or found by one of the package's own modules.
#[test]
fn test_suites_that_are_run_stay() {
    let (init, test) = (format!("{SITE}p/__init__.py"), format!("{SITE}p/tests/test_a.py"));
    let data = format!("{SITE}p/tests/data.csv");
    let tests = format!("{SITE}p/tests/__init__.py");
    let own = [(&*init, ""), (&tests, ""), (&test, ""), (&data, "")];
    check("python-slim", &own, json!({}), &[], &[&tests, &test, &data]);
    let run = ["python3", "-m", "pytest", "--pyargs", "p"];
    for config in [
        json!({"Cmd": ["pytest", "--pyargs", "p"]}),
        json!({"Cmd": ["sh", "-c", "pytest -q --pyargs p.tests"]}),
        json!({"Entrypoint": run}),
        json!({"Cmd": ["python3", "-m", "unittest", "p.tests.test_a"]}),
        json!({"Cmd": ["pytest", "/usr/lib/python3/site-packages/p/tests"]}),
        json!({"WorkingDir": "/usr/lib/python3/site-packages", "Cmd": ["pytest", "p/tests"]}),
    ] {
        check("python-slim", &own, config, &[&tests, &test, &data], &[]);
    }
    let points = format!("{SITE}p-1.dist-info/entry_points.txt");
    for speaker in [
        ("check.sh", "#!/bin/sh\nexec pytest --pyargs p\n"),
        ("etc/supervisor/conf.d/x.conf", "[program:x]\ncommand=python3 -m unittest discover p.tests\n"),
        ("srv/Makefile", "check:\n\tpytest /usr/lib/python3/site-packages/p/tests\n"),
        ("srv/.gitlab-ci.yml", "test:\n  script:\n    - pytest --pyargs p\n"),
        ("check.sh", "#!/bin/sh\nexec nosetests -v p\n"),
        ("check.sh", "#!/bin/sh\nexec trial p.tests\n"),
        ("srv/check.py", "import p\np.test()\n"),
        (&points, "[tempest.test_plugins]\np = p.tests.plugin:Plugin\n"),
        (
            "usr/lib/python3/site-packages/p/suite.py",
            "def load_tests(loader, tests, pattern):\n    return loader.discover('x')\n",
        ),
    ] {
        let files = [own[0], own[1], own[2], own[3], speaker];
        check("python-slim", &files, json!({}), &[&tests, &test, &data], &[]);
    }
}

/// A cache that a program runs environments out of is none where that program is run.
#[test]
fn caches_that_are_run_from_stay() {
    let files = [("root/.cache/uv/environments-v2/x/bin/python", "x"), ("root/.cache/pip/http/x", "x")];
    let (uv, pip) = (files[0].0, files[1].0);
    check("caches", &files, json!({}), &[], &[uv, pip]);
    check("caches", &files, json!({"Cmd": ["uv", "run", "--script", "/app/x.py"]}), &[uv], &[pip]);
    check("caches", &files, json!({"Cmd": ["sh", "-c", "exec /usr/local/bin/uvx x"]}), &[uv], &[pip]);
    check("caches", &files, json!({"Env": ["PATH=/root/.cache/uv/environments-v2/x/bin:/bin"]}), &[uv], &[pip]);
    check("caches", &files, json!({"Env": ["UV_CACHE_DIR=/root/.cache/uv"]}), &[], &[uv, pip]);
    let with = |text| [("start.sh", text), files[0], files[1]];
    check("caches", &with("#!/bin/sh\nuv run x\n"), json!({}), &[uv], &[pip]);
    check("caches", &with("#!/root/.cache/uv/environments-v2/x/bin/python\n"), json!({}), &[uv], &[pip]);
    check("caches", &with("#!/bin/sh\n# uv run x\n"), json!({}), &[], &[uv, pip]);
    // Whoever leads to the interpreter of an environment needs all of that.
    let module = "root/.cache/uv/environments-v2/x/lib/python3.11/site-packages/m.py";
    let environment = [files[0], ("root/.cache/uv/environments-v2/x/pyvenv.cfg", "home = /usr/bin\n"), (module, "")];
    for speaker in [
        ("usr/bin/tool", "#!/root/.cache/uv/environments-v2/x/bin/python\nimport m\n"),
        ("usr/bin/tool", "-> /root/.cache/uv/environments-v2/x/bin/python"),
    ] {
        let files = [environment[0], environment[1], environment[2], speaker];
        check("caches", &files, json!({}), &[uv, environment[1].0, module], &[]);
    }
    // Its interpreter is a link to one outside, and others name it who are not listened to.
    let python = ("root/.cache/uv/environments-v2/x/bin/python3", "-> /usr/bin/python3");
    for speaker in [
        ("usr/local/bin/m", "#!/root/.cache/uv/environments-v2/x/bin/python3\nimport m\n"),
        ("usr/local/bin/m", "-> /root/.cache/uv/environments-v2/x/bin/python3"),
    ] {
        let others = [
            ("usr/bin/python3", "x"),
            ("usr/share/z/z.sh", "#!/bin/sh\n/root/.cache/uv/environments-v2/x/bin/python3\n"),
        ];
        let files = [python, environment[1], environment[2], speaker, others[0], others[1]];
        check("caches", &files, json!({}), &[python.0, environment[1].0, module], &[]);
    }
    let npm = [("root/.npm/_cacache/index-v5/x", "x")];
    check("caches", &npm, json!({"Cmd": ["npm", "start"]}), &[], &[npm[0].0]);
    for command in [["npm", "exec", "cowsay"], ["npm", "ci", "--offline"]] {
        check("caches", &npm, json!({ "Cmd": command }), &[npm[0].0], &[]);
    }
}

/// A link that programs load by its name comes with a package for developers; it stays, the package goes.
#[test]
fn libraries_that_are_loaded_by_name_keep_their_link() {
    let status = "Package: zlib1g\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n\
                  Package: zlib1g-dev\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\nDepends: zlib1g (= 1)\n\n";
    let dir = "usr/lib/x86_64-linux-gnu/";
    let (library, link, archive) = (format!("{dir}libz.so.1"), format!("{dir}libz.so"), format!("{dir}libz.a"));
    let (of_library, of_dev) = (format!("/{library}\n"), format!("/{link}\n/{archive}\n/usr/include/zlib.h\n"));
    let own = [
        ("var/lib/dpkg/status", status),
        ("var/lib/dpkg/info/zlib1g.list", &of_library),
        ("var/lib/dpkg/info/zlib1g-dev.list", &of_dev),
        (&library, "x"),
        (&link, "-> libz.so.1"),
        (&archive, "x"),
        ("usr/include/zlib.h", "x"),
    ];
    let gone = ["var/lib/dpkg/info/zlib1g-dev.list", &archive, "usr/include/zlib.h"];
    let run = |speaker: Option<File<'_>>| {
        let files: Vec<TarEntry> = own.iter().chain(&speaker).map(entry).collect();
        taken(&["no-build-tools"], &files, &json!({}))
    };
    let all = run(None);
    assert!(all.contains(&link) && gone.iter().all(|path| all.iter().any(|gone| gone == path)), "{all:?}");
    for speaker in [
        ("app/a.py", "from ctypes import CDLL\nz = CDLL('libz.so')\n"),
        ("app/a.py", "from ctypes import CDLL, util\nz = CDLL(util.find_library('z'))\n"),
        ("app/a.py", "z = CDLL('/usr/lib/x86_64-linux-gnu/libz.so')\n"),
        ("app/a.lua", "local z = ffi.load('z')\n"),
        ("app/a.rb", "module Z\n  extend FFI::Library\n  ffi_lib 'z'\nend\n"),
        ("app/A.java", "Z z = Native.load(\"z\", Z.class);\n"),
        ("app/a.cs", "[DllImport(\"libz\")] static extern int f();\n"),
        ("app/a.pl", "FFI::Platypus->new(lib => 'libz.so');\n"),
        ("app/start.sh", "#!/bin/sh\nLD_PRELOAD=/usr/lib/x86_64-linux-gnu/libz.so exec app\n"),
        ("app/tool", "\u{7f}ELF\0\0dlopen\0libz.so\0"),
        // Strings of Go's and Rust's programs have no ends.
        ("app/tool", "\u{7f}ELF\0\0libz.solibcrypto.so\0"),
    ] {
        let taken = run(Some(speaker));
        assert_eq!(taken, gone, "{speaker:?}");
    }
}

/// A start script that compiles needs what builds software; to speak of it, or to be the distribution's, is not enough.
#[test]
fn build_tools_that_a_start_script_runs_stay() {
    let status = ["make", "m4", "zlib1g-dev"]
        .map(|name| format!("Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n"));
    let own = [
        ("var/lib/dpkg/status", &*status.concat()),
        ("var/lib/dpkg/info/make.list", "/usr/bin/make\n"),
        ("var/lib/dpkg/info/m4.list", "/usr/bin/m4\n"),
        ("var/lib/dpkg/info/zlib1g-dev.list", "/usr/include/zlib.h\n"),
        ("usr/bin/make", "x"),
        ("usr/bin/m4", "x"),
        ("usr/include/zlib.h", "x"),
    ];
    let run = |path: &str, text: &str| {
        let files: Vec<TarEntry> = own.iter().chain(&[(path, text)]).map(entry).collect();
        let taken = taken(&["no-build-tools"], &files, &json!({}));
        ["usr/bin/make", "usr/bin/m4", "usr/include/zlib.h"].map(|path| taken.iter().any(|gone| gone == path))
    };
    assert_eq!(run("start.sh", "#!/bin/sh\nset -e\ncd /app && make all\nexec app\n"), [false, true, false]);
    assert_eq!(run("start.sh", "#!/bin/sh\nm4 a.m4 >b\n"), [true, false, true]);
    for (path, text) in [
        ("start.sh", "#!/bin/sh\necho please make it\n# make\n"),
        ("usr/bin/tool", "#!/bin/sh\nmake all\n"),
        ("app/README", "make all\n"),
    ] {
        assert_eq!(run(path, text), [true, true, true], "{path}");
    }
}

/// What the attack on the guard found: each is how real start scripts, services and applications are written.
#[test]
fn paths_are_named_in_many_ways() {
    let named = format!("{DOC}tool/create.sql");
    for speaker in [
        ("app/a.php", "<?php return ['schema' => '/usr/share/doc/tool/create.sql'];\n"),
        ("app/a.pl", "my %h = (schema => '/usr/share/doc/tool/create.sql');\n"),
        ("etc/fonts/x.conf", "<dir>/usr/share/doc/tool/create.sql</dir>\n"),
        ("start.sh", "#!/bin/sh\nDOCS=/usr/share/doc\nP=${1:-tool}\ncat \"$DOCS/$P/create.sql\"\n"),
        ("start.sh", "#!/bin/sh\ncat \"${DOC:-/usr/share/doc}/tool/create.sql\"\n"),
        ("start.sh", "#!/bin/sh\nD=/usr/share/doc\ncat \"$D\"/tool/create.sql\n"),
        ("start.sh", "#!/bin/sh\ncd /usr/share/doc; cat tool/create.sql\n"),
        ("start.sh", "#!/bin/sh\nif [ ${#a} -gt 0 ]; then cat /usr/share/doc/tool/create.sql; fi\n"),
        ("app/a.py", "import os\nDOC = '/usr/share/doc'\nopen(os.path.join(DOC, 'tool/create.sql'))\n"),
        ("app/a.py", "import os\nos.system('zcat /usr/share/doc/tool/create.sql | mysql')\n"),
        ("app/a.js", "execSync('zcat /usr/share/doc/tool/create.sql | mysql')\n"),
        ("etc/systemd/system/x.service", "ExecStart=/bin/true ; /usr/share/doc/tool/create.sql\n"),
        ("var/spool/cron/crontabs/root", "* * * * * cat /usr/share/doc/tool/create.sql\n"),
        ("srv/.env", "SCHEMA=/usr/share/doc/tool/create.sql\n"),
        ("srv/settings", "schema /usr/share/doc/tool/create.sql\n"),
        ("var/lib/postgresql/.bashrc", ". /usr/share/doc/tool/create.sql\n"),
        ("app/package.json", "{\"scripts\": {\"start\": \"sh /usr/share/doc/tool/create.sql\"}}"),
        ("usr/bin/tool", "\u{7f}ELF\0invalid argument/usr/share/doc/tool/create.sql/usr/share/zoneinfo/\0"),
        ("etc/tool.cfg", "STARTFILE:file://localhost/usr/share/doc/tool/create.sql\n"),
        ("srv/conf.json", "{\"schema\": \"\\/usr\\/share\\/doc\\/tool\\/create.sql\"}\n"),
        ("usr/share/tool/a.py", "p = Path('/usr/share/doc') / 'tool' / 'create.sql'\n"),
        ("usr/share/tool/a.py", "DOC = '/usr/share/doc'\np = os.path.join(DOC, 'tool', 'create.sql')\n"),
        ("usr/share/tool/a.py", "DOC = Path('/usr/share/doc')\np = f'{DOC}/tool/create.sql'\n"),
        ("srv/a.rb", "DOC = '/usr/share/doc'\nFile.read(File.join(DOC, 'tool', 'create.sql'))\n"),
        ("srv/a.pl", "my $d = '/usr/share/doc'; open(F, $d . '/tool/create.sql');\n"),
    ] {
        document(speaker, &named, json!({}));
    }
    // Strings of .NET have two bytes for each character.
    let wide: String = named.chars().flat_map(|c| [c, '\0']).collect();
    document(("srv/tool.dll", &format!("MZ\0/\0{wide}\0\0")), &named, json!({}));
    // Who names the place means what is named after him.
    document(("usr/lib/tool/5.4/tool", "\u{7f}ELF\0/usr/share/info/\0"), "usr/share/info/tool.info-1.gz", json!({}));
    let link = [DEBIAN, ("etc/tool/schema", "-> /usr/share/doc/tool"), (&named, "x")];
    check("debian-slim", &link, json!({}), &[&named], &[]);
    for speaker in [
        ("start.sh", "#!/bin/sh\nrm -rf a \\\n  /usr/share/doc/tool\n"),
        ("start.sh", "#!/bin/sh\ntrap 'rm -rf /usr/share/doc/tool' EXIT\n"),
        ("start.sh", "#!/bin/sh\necho x 2> /usr/share/doc/tool/create.sql\n"),
    ] {
        check("debian-slim", &[DEBIAN, speaker, (&named, "x")], json!({}), &[], &[&named]);
    }
}
