//! What `slim analyze` finds fault with: each kind of findings where it is one, and where it looks like one.

use crate::builder::tar::TarEntry;
use crate::builder::{Archive, Comp, Form, Image, layer};
use crate::guard::object;
use crate::run::Dir;
use serde_json::{Value, json};

/// A file with this content.
fn file(path: &str, content: impl AsRef<[u8]>) -> TarEntry {
    let mut entry = TarEntry::new(path.as_bytes(), b'0');
    entry.content = content.as_ref().to_vec();
    if path.contains("bin/") {
        entry.mode = 0o755;
    }
    entry
}

fn tar(entries: &[TarEntry]) -> Vec<u8> {
    let mut out = Vec::new();
    entries.iter().for_each(|entry| entry.write(&mut out));
    out.resize(out.len() + 1024, 0);
    out
}

fn lint_of(image: Image, args: &[&str]) -> Vec<Value> {
    let dir = Dir::new();
    Archive::new(image, Form::Docker).write(dir.path());
    let out = dir.run(&[&["analyze", "in.tar", "-p", "none", "--json", "-"], args].concat()).ok();
    let says: Value = serde_json::from_slice(&out.stdout).unwrap();
    says["slim"]["lint"].as_array().unwrap().clone()
}

/// The findings of an image as `SEVERITY ID PATH LAYER SUBJECT`, notes included.
fn lint(image: Image) -> Vec<String> {
    let line = |f: &Value| {
        let layer = f["layer"].as_u64().map_or("-".to_owned(), |layer| layer.to_string());
        let text = |key: &str| f[key].as_str().unwrap().to_owned();
        format!("{} {} {} {layer} {}", text("severity"), text("id"), text("path"), text("subject"))
            .trim_end()
            .to_owned()
    };
    lint_of(image, &[]).iter().map(line).collect()
}

/// An image that starts nothing.
fn image_of(layers: Vec<Vec<u8>>) -> Image {
    let mut image = Image::new(layers);
    image.config = json!({"config": {"Env": ["PATH=/usr/bin:/bin"]}});
    image
}

fn files(list: &[(&str, &str)]) -> Image {
    let entries: Vec<TarEntry> = list.iter().map(|(path, content)| file(path, content)).collect();
    image_of(vec![tar(&entries)])
}

const OS: (&str, &str) = ("usr/lib/python3.11/os.py", "");
const SITE: &str = "usr/lib/python3.11/site-packages";

#[test]
fn imports_that_nothing_provides_are_told_by_what_needs_them() {
    let dash = format!("{SITE}/dash/__init__.py");
    let deep = format!("{SITE}/dash/deep.py");
    let idle = format!("{SITE}/dash/idle.py");
    let late = format!("{SITE}/late.py");
    let list = [
        OS,
        (
            "app/main.py",
            "import sys, os, dash\nimport rich.console\nfrom lib import helper\nfrom lib.gone import x\ndef f():\n  import later, late\n",
        ),
        ("app/lib/helper.py", "from . import other\nfrom .lost import x\n"),
        ("app/lib/other.py", "try:\n  import toml\nexcept ImportError:\n  import tomli\n"),
        ("app/tests/test_x.py", "import pytest\n"),
        (&dash, "from . import deep\n"),
        (&deep, "import rich\nimport winreg\nif TYPE_CHECKING:\n  import types_x\ndef f():\n  import lazy\n"),
        (&idle, "import plugin\n"),
        (&late, "import plugin\n"),
    ];
    assert_eq!(
        lint(files(&list)),
        [
            "error missing-import app/lib/helper.py 1 .lost",
            "error missing-import app/main.py 1 lib.gone",
            "error missing-import app/main.py 1 rich",
            "warning missing-import app/main.py 1 later",
            &format!("warning missing-import {deep} 1 rich"),
            &format!("warning missing-import {late} 1 plugin"),
            "note missing-import app/lib/other.py 1 toml",
            "note missing-import app/lib/other.py 1 tomli",
            "note missing-import app/tests/test_x.py 1 pytest",
            &format!("note missing-import {deep} 1 lazy"),
            &format!("note missing-import {idle} 1 plugin"),
        ]
    );
    let found = lint_of(files(&list), &[]);
    let rich = found.iter().find(|f| f["path"] == "app/main.py" && f["subject"] == "rich").unwrap();
    assert_eq!((rich["line"].as_u64(), rich["instruction"].as_str()), (Some(2), Some("RUN step-0")));
    assert!(rich["message"].as_str().unwrap().contains("no file in the image provides"), "{rich}");
    let deep = found.iter().find(|f| f["path"] == deep.as_str() && f["subject"] == "rich").unwrap();
    assert!(deep["message"].as_str().unwrap().ends_with("; /app/main.py loads it"), "{deep}");
}

#[test]
fn imports_are_found_wherever_python_looks() {
    let list = [
        OS,
        ("app/main.py", "import one, two, three, four, five, six, seven, distutils, app.sub.x\nfrom .own import a\n"),
        ("app/sub/x.py", ""),
        ("app/own.py", ""),
        ("app/one.cpython-311-x86_64-linux-gnu.so", ""),
        ("usr/lib/python3.11/lib-dynload/two.cpython-311-x86_64-linux-gnu.so", ""),
        ("usr/lib/python3.11/site-packages/three/sub/x.py", ""),
        ("opt/more/four/__init__.py", ""),
        ("usr/lib/python3.11/site-packages/x.pth", "/opt/pth\n../sites\n"),
        ("opt/pth/five.py", ""),
        ("usr/lib/python3.11/sites/six.py", ""),
        ("usr/lib/python3.11/site-packages/__editable___seven_finder.py", "MAPPING = {'seven': '/srv/seven'}\n"),
        ("srv/seven/__init__.py", ""),
        ("usr/lib/python3.11/site-packages/_distutils_hack/__init__.py", ""),
        ("usr/share/tool/run.py", "import sys\nsys.path.insert(0, '/usr/share/tool/private')\nimport hidden\n"),
        ("usr/share/tool/private/hidden.py", ""),
        // A directory on the way is no package, and the environment's programs are no application.
        ("opt/tool/pyvenv.cfg", ""),
        ("opt/tool/bin/tool", "#!/opt/tool/bin/python\nimport tool.cli\n"),
        ("opt/tool/bin/python", ""),
        ("opt/tool/lib/python3.11/site-packages/tool/cli.py", ""),
        ("opt/tool/lib/python3.11/site-packages/tool/__init__.py", ""),
    ];
    let mut image = files(&list);
    image.config = json!({"config": {"Env": ["PYTHONPATH=/opt/more"]}});
    assert_eq!(lint(image), Vec::<String>::new());
    // Without a Python nobody imports.
    assert_eq!(lint(files(&[("app/main.py", "import rich\n")])), Vec::<String>::new());
    // What lies elsewhere may be on a path that only a program knows.
    let list = [OS, ("app/main.py", "import helper\n"), ("srv/x/helper.py", "")];
    assert_eq!(lint(files(&list)), ["note missing-import app/main.py 1 helper"]);
}

#[test]
fn what_an_application_of_node_requires_is_looked_for() {
    let list = [
        ("usr/bin/node", ""),
        ("app/package.json", "{}"),
        (
            "app/index.js",
            "const a = require('express')\nimport b from '@x/y/z'\nrequire('fs')\nimport 'node:os'\nrequire('./own')\nfunction f() { require('lazy') }\n",
        ),
        ("app/node_modules/@x/y/package.json", "{}"),
        ("app/node_modules/@x/y/z.js", "require('peer')"),
        ("srv/www/page.js", "require('jquery')"),
    ];
    assert_eq!(lint(files(&list)), ["error missing-import app/index.js 1 express"]);
    assert_eq!(lint(files(&list[1..])), Vec::<String>::new());
}

#[test]
fn interpreters_are_looked_for_as_the_kernel_and_env_do() {
    let list = [
        ("usr/bin/env", ""),
        ("bin/sh", ""),
        ("usr/bin/lost", "#!/usr/bin/perl -w\n"),
        ("usr/bin/found", "#!/bin/sh\n"),
        ("usr/bin/by-env", "#!/usr/bin/env ruby\n"),
        ("usr/bin/by-env-too", "#!/usr/bin/env -S sh -e\n"),
        ("opt/bin/also-perl", "#!/usr/bin/perl\n"),
        ("app/not-executable", "#!/usr/bin/perl\n"),
        ("opt/bin/template", "#!python\n"),
    ];
    let image = |cmd: &str| {
        let mut image = files(&list);
        image.config = json!({"config": {"Cmd": [cmd], "Env": ["PATH=/usr/bin:/bin"]}});
        image
    };
    assert_eq!(
        lint(image("found")),
        [
            "warning missing-interpreter opt/bin/also-perl 1 /usr/bin/perl",
            "warning missing-interpreter usr/bin/by-env 1 ruby",
        ]
    );
    assert_eq!(lint(image("by-env"))[0], "error missing-interpreter usr/bin/by-env 1 ruby");
}

#[test]
fn libraries_are_looked_for_as_the_loader_does() {
    let image = image_of(vec![tar(&[
        file("usr/bin/tool", object(&["liblost.so.1", "libc.so.6", "libown.so", "libbeside.so.2"], "$ORIGIN/../own")),
        file("lib/x86_64-linux-gnu/libc.so.6", object(&[], "")),
        file("usr/own/libown.so", object(&[], "")),
        file("opt/pkg.libs/libbeside.so.2", object(&[], "")),
    ])]);
    assert_eq!(
        lint(image),
        ["warning missing-library usr/bin/tool 1 liblost.so.1", "note missing-library usr/bin/tool 1 libbeside.so.2",]
    );
}

#[test]
fn links_that_lead_nowhere_say_who_deleted_what_they_led_to() {
    let image = image_of(vec![
        layer(
            "file data/x content=x\nfile keep content=x\nsym ok -> keep\nsym gone -> data/x\nsym etc/never -> ../no/where\nsym etc/mtab -> /proc/mounts\nsym loop -> loop\nsym usr/share/man/a.gz -> b.gz",
        ),
        layer("whiteout data"),
    ]);
    assert_eq!(
        lint(image.clone()),
        [
            "warning broken-link etc/never 1 ../no/where",
            "warning broken-link gone 1 data/x",
            "note broken-link usr/share/man/a.gz 1 b.gz",
        ]
    );
    let found = lint_of(image, &[]);
    let gone = found.iter().find(|f| f["path"] == "gone").unwrap();
    assert_eq!(gone["message"], "points to data/x: /data/x of layer 1 was deleted in layer 2");
}

#[test]
fn risky_modes_are_told_once_for_a_directory() {
    let image = image_of(vec![layer(
        "file usr/bin/su mode=4755 content=x\nfile opt/own mode=4755 content=x\nfile opt/group mode=2755 content=x\nfile opt/plain mode=4644 content=x\n\
         dir tmp mode=1777\nfile tmp/x mode=0666 content=x\ndir app mode=0777\nfile app/a mode=0666 content=x\ndir app/b mode=0777\nfile opt/fine content=x\n\
         file usr/bin/ping mode=0755 content=x xattr.security.capability=0x0100000200200000000000000000000000000000",
    )]);
    assert_eq!(
        lint(image),
        [
            "warning setuid opt/group 1 setgid",
            "warning setuid opt/own 1 setuid",
            "warning world-writable app 1",
            "warning world-writable tmp/x 1",
            "note capabilities usr/bin/ping 1",
            "note setuid usr/bin/su 1 setuid",
        ]
    );
}

const KEY: &str = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----\n";

#[test]
fn secrets_are_found_where_they_lie_and_never_shown() {
    let site = format!("{SITE}/pkg/tests/key.pem");
    let image = image_of(vec![
        tar(&[
            file("root/.npmrc", "//registry.npmjs.org/:_authToken=npm_s3cr3t\n"),
            file("home/a/.npmrc", "//registry.npmjs.org/:_authToken=${NPM_TOKEN}\n"),
            file("app/key.pem", KEY),
            file("app/again.pem", KEY),
            file("app/source.py", format!("x = '{KEY}'")),
            file("app/cert.pem", "-----BEGIN CERTIFICATE-----\nMII\n"),
            file(&site, KEY),
            file("app/.env", "DEBUG=1\n"),
            file("app/.env.example", "PASSWORD=s3cr3t\n"),
            file("srv/.env", "export DB_PASSWORD=s3cr3t\n"),
            file(
                "opt/.env",
                "TOKEN=changeme\nPASSWORD=\nSECRET_KEY=\"\"\nAPI_KEY=<key>\nTOKEN_EXPIRY_SECONDS=3600\nDB_PASSWORD_FILE=/run/secrets/db\n",
            ),
            file("app/.git/HEAD", "ref: refs/heads/main\n"),
        ]),
        layer("whiteout root/.npmrc\nfile app/again.pem content=\"-----BEGIN PRIVATE KEY-----\\nx\\n\""),
    ]);
    let mut with_config = image.clone();
    with_config.config = json!({"config": {"Env": ["API_TOKEN=s3cr3t", "API_TOKEN_FILE=/x", "TOKEN="]}});
    with_config.history = Some(vec![
        json!({"created_by": "|1 NPM_TOKEN=s3cr3t /bin/sh -c npm ci"}),
        json!({"created_by": "ENV API_TOKEN=s3cr3t", "empty_layer": true}),
        json!({"created_by": "RUN rm -f /root/.npmrc"}),
    ]);
    let found = lint_of(with_config.clone(), &[]);
    assert!(!serde_json::to_string(&found).unwrap().contains("s3cr3t"), "{found:?}");
    assert_eq!(
        lint(with_config),
        [
            "error secret  - API_TOKEN",
            "error secret  1 NPM_TOKEN",
            "error secret app/again.pem 2 a private key",
            "error secret app/key.pem 1 a private key",
            "error secret root/.npmrc 1 a token for npm",
            "error secret srv/.env 1 an environment file with what looks like secrets",
            "warning secret app/.env 1 an environment file",
            "warning secret app/.git 1 a git repository, with all that was ever committed",
            "warning secret opt/.env 1 an environment file",
            &format!("note secret {site} 1 a private key"),
        ]
    );
    let npm = found.iter().find(|f| f["path"] == "root/.npmrc").unwrap();
    assert_eq!(
        npm["message"],
        "a token for npm: layer 2 hides it, and layer 1 still has it for everybody who can pull"
    );
}

#[test]
fn no_command_tells_secrets_of_the_config() {
    let dir = Dir::new();
    let with = |secret: &str, name: &str| {
        let mut image =
            image_of(vec![layer("file a content=x"), layer(&format!("file {name} content=y repeat=9000\nwhiteout a"))]);
        image.config = json!({"config": {
            "Env": [format!("API_TOKEN={secret} s3cr3t")],
            "Labels": {"u": format!("https://me:s3cr3t-{secret}@x")},
            "Cmd": ["sh", "-c", format!("TOKEN=s3cr3t{secret} app")],
        }});
        let made = format!("RUN |1 NPM_TOKEN=a s3cr3t-{secret} /bin/sh -c rm a");
        image.history = Some(vec![json!({"created_by": "RUN PASSWORD=s3cr3t make"}), json!({"created_by": made})]);
        Archive::new(image, Form::Hybrid).write(dir.path());
        std::fs::rename(dir.join("in.tar"), dir.join(&format!("{secret}.tar"))).unwrap();
    };
    with("one", "b");
    with("two", "c");
    for args in [
        &["analyze", "one.tar"][..],
        &["analyze", "one.tar", "--json", "-"],
        &["analyze", "one.tar", "--html", "-"],
        &["analyze", "one.tar", "--markdown", "-"],
        &["analyze", "one.tar", "two.tar"],
        &["diff", "one.tar", "two.tar", "-vv"],
        &["diff", "one.tar", "two.tar", "--json", "-"],
        &["diff", "one.tar", "two.tar", "--html", "-"],
        &["diff", "one.tar", "two.tar", "--markdown", "-"],
        &["plan", "one.tar", "-p", "caches"],
        &["plan", "one.tar", "-p", "caches", "--all"],
        &["verify", "one.tar", "--against", "two.tar"],
        &["verify", "one.tar", "--against", "two.tar", "--json"],
        &["plan", "one.tar", "-p", "caches", "--why", "b"],
        &["one.tar", "-p", "caches", "--dry-run", "-v", "--report", "/dev/stdout"],
        &["compare", "one.tar", "-p", "caches", "--json", "-"],
    ] {
        let run = dir.run(args);
        let said = String::from_utf8_lossy(&run.stdout).into_owned() + &run.stderr;
        assert!(run.code != Some(2) && !said.contains("s3cr3t"), "{args:?}: {said}");
        let tells = !args.contains(&"--markdown") && !args.contains(&"--why") && args[0] != "compare";
        assert!(!tells || said.contains("***"), "{args:?}: {said}");
    }
}

#[test]
fn archives_of_packages_are_told_by_directory() {
    let image = image_of(vec![
        layer(
            "file wheels/a.whl content=x repeat=9\nfile wheels/b.whl content=x\nfile srv/c.deb content=x\nfile srv/small.tar.gz content=x\nfile srv/big.tar.gz random=1100000\nfile usr/lib/python3.11/ensurepip/_bundled/pip.whl content=x",
        ),
        layer("whiteout wheels"),
    ]);
    assert_eq!(
        lint(image.clone()),
        ["warning package-archive srv 1 Debian package", "note package-archive wheels 1 Python wheel"]
    );
    let found = lint_of(image, &[]);
    assert_eq!(found[1]["message"], "2 Python wheels, 10 B: layer 2 hides them, and layer 1 still has them");
    assert_eq!((found[0]["count"].as_u64(), found[1]["count"].as_u64()), (Some(2), Some(2)));
}

#[test]
fn what_the_config_starts_has_to_be_there() {
    let start = |config: Value| {
        let mut image = files(&[("bin/app", "x"), ("srv/run", "x")]);
        image.config = json!({"config": config});
        lint(image)
    };
    let path = json!(["PATH=/usr/bin:/bin"]);
    for there in [json!(["/bin/app"]), json!(["app", "gone"]), json!(["srv/run"]), json!([])] {
        assert!(
            start(json!({"Entrypoint": there, "Cmd": ["/gone"], "Env": path})).is_empty()
                != there.as_array().unwrap().is_empty()
        );
    }
    let gone = "error missing-program  - ";
    assert_eq!(start(json!({"Entrypoint": ["gone", "/bin/app"], "Env": path})), [format!("{gone}gone")]);
    assert_eq!(start(json!({"Cmd": ["/bin/gone"], "Env": path})), [format!("{gone}/bin/gone")]);
    assert_eq!(start(json!({"WorkingDir": "/srv", "Cmd": ["./run"], "Env": path})), Vec::<String>::new());
    let health = json!({"Cmd": ["app"], "Env": path, "Healthcheck": {"Test": ["CMD", "curl", "-f"]}});
    assert_eq!(start(health), ["warning missing-program  - curl"]);
}

#[test]
fn findings_are_ignored_by_kind_and_path() {
    let image = || image_of(vec![layer("file a/x mode=0666 content=x\nfile b/x mode=0666 content=x\nsym c -> d")]);
    let count = |args: &[&str]| lint_of(image(), args).len();
    assert_eq!(count(&[]), 3);
    assert_eq!(count(&["--lint-ignore", "broken-link"]), 2);
    assert_eq!(count(&["--lint-ignore", "world-writable:/a", "--lint-ignore", "world-writable:**/y"]), 2);
    assert_eq!(count(&["--lint-ignore", "*:{a,b}/x"]), 1);
    assert_eq!(count(&["--lint-ignore", "*:a/x,b"]), 3);
    assert_eq!(count(&["--lint-ignore", "*"]), 0);
    assert_eq!(count(&["--lint-ignore", "*:/"]), 0);
    let dir = Dir::new();
    Archive::new(image(), Form::Docker).write(dir.path());
    dir.run(&["analyze", "in.tar", "--lint-ignore", "nothing"]).error(&["nothing", "world-writable"]);
    dir.run(&["analyze", "in.tar", "--lint-ignore", "setuid:["]).error(&["--lint-ignore"]);
}

#[test]
fn the_text_tells_the_worst_first_and_counts_notes() {
    let dir = Dir::new();
    let image = image_of(vec![layer(
        "file a/x mode=0666 content=x\nfile usr/bin/su mode=4755 content=x\nfile .env content=PASSWORD=abcd1234",
    )]);
    Archive::new(image.comp(Comp::Gzip), Form::Hybrid).write(dir.path());
    let text = dir.run(&["analyze", "in.tar"]).ok().text();
    let at = |word: &str| text.find(word).unwrap_or_else(|| panic!("{word}: {text}"));
    assert!(at("lint: 1 error, 1 warning, 1 note") < at("error   secret"));
    assert!(at("- /.env (layer 1): an environment file") < at("warning world-writable"));
    assert!(at("- /a/x (layer 1): a file that everybody may write") < at("1 note: -v shows more"));
    assert!(!text.contains("/usr/bin/su (layer"));
    let text = dir.run(&["analyze", "in.tar", "-v"]).ok().text();
    assert!(text.contains("- /usr/bin/su (layer 1): runs as its owner, user 0"), "{text}");
    // A gate alone does not look.
    let said = dir.run(&["analyze", "in.tar", "--ci"]);
    assert!(!said.text().contains("lint:"));
}

#[test]
fn sarif_names_rules_places_and_the_same_finding_the_same() {
    let dir = Dir::new();
    let write = |lines: &str| {
        Archive::new(image_of(vec![layer("file z content=z"), layer(lines)]), Form::Docker).write(dir.path());
        dir.run(&["analyze", "in.tar", "--sarif", "out.sarif", "-q"]).ok();
        serde_json::from_slice::<Value>(&std::fs::read(dir.join("out.sarif")).unwrap()).unwrap()
    };
    let log = write("file \"a b:\\xff\" mode=0666 content=x\nfile .env content=PASSWORD=abcd1234");
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert!(rules.iter().all(|rule| rule["help"]["text"].is_string()));
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    for result in results {
        assert_eq!(rules[result["ruleIndex"].as_u64().unwrap() as usize]["id"], result["ruleId"]);
    }
    let place = &results[1]["locations"][0];
    assert_eq!(place["physicalLocation"]["artifactLocation"], json!({"uri": "a%20b%3A%FF", "uriBaseId": "IMAGE"}));
    assert_eq!(place["logicalLocations"][0]["name"], "layer 2");
    assert_eq!((&results[0]["level"], &results[1]["level"]), (&json!("error"), &json!("warning")));
    let again = write("file q content=q\nfile \"a b:\\xff\" mode=0666 content=y\nfile .env content=PASSWORD=other9876");
    let prints = |log: &Value| -> Vec<Value> {
        let results = log["runs"][0]["results"].as_array().unwrap();
        results.iter().map(|r| r["partialFingerprints"].clone()).collect()
    };
    assert_eq!(prints(&log), prints(&again));
    dir.run(&["analyze", "in.tar", "--sarif", "in.tar"]).error(&["--sarif", "is IN"]);
    dir.run(&["analyze", "in.tar", "--sarif", "-", "--json", "-"]).error(&["standard output"]);
}

#[test]
fn notes_are_counted_and_failed_budgets_are_results_of_sarif() {
    let dir = Dir::new();
    let program = "file usr/bin/su mode=04755 content=x\nfile usr/bin/passwd mode=04755 content=x";
    Archive::new(image_of(vec![layer(program)]), Form::Docker).write(dir.path());
    dir.write("slim.toml", "[budget]\ntotal = \"1B\"\nreclaimable = \"2%\"\n");
    let sarif = |more: &[&str]| {
        let run = dir.run(&[&["analyze", "in.tar", "--sarif", "-"], more].concat());
        serde_json::from_slice::<Value>(&run.stdout).unwrap_or_else(|e| panic!("{e}: {}", run.stderr))
    };
    let said = dir.run(&["analyze", "in.tar", "--ci", "--sarif", "-"]);
    assert!(said.code == Some(1) && said.stderr.contains("check failed: budget.total: found"), "{}", said.stderr);
    let log = sarif(&["--ci"]);
    let run = &log["runs"][0];
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 1, "{results:?}");
    assert_eq!((&results[0]["ruleId"], &results[0]["level"]), (&json!("budget.total"), &json!("error")));
    assert!(results[0]["message"]["text"].as_str().unwrap().ends_with("the threshold is 1B."), "{results:?}");
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(rules[results[0]["ruleIndex"].as_u64().unwrap() as usize]["id"], "budget.total");
    let notes = run["properties"]["notesNotListed"].as_u64().unwrap();
    assert!(notes >= 2, "{notes}");
    let listed = sarif(&["--lint-notes"]);
    assert_eq!(listed["runs"][0]["results"].as_array().unwrap().len() as u64, notes);
    let text = dir.run(&["analyze", "in.tar", "--markdown"]).ok().text();
    assert!(text.contains(&format!("Lint has {notes} notes")) && !text.contains("usr/bin/su"), "{text}");
    let text = dir.run(&["analyze", "in.tar", "--markdown", "--lint-notes"]).ok().text();
    assert!(text.contains("usr/bin/su"), "{text}");
}

#[test]
fn a_budget_makes_a_gate_of_findings() {
    let dir = Dir::new();
    Archive::new(image_of(vec![layer("file a/x mode=0666 content=x")]), Form::Docker).write(dir.path());
    let gate = |text: &str| {
        dir.write("slim.toml", text);
        let run = dir.run(&["analyze", "in.tar", "--ci", "--json", "-"]);
        let says: Value = serde_json::from_slice(&run.stdout).unwrap();
        let rules = says["slim"]["ci"]["rules"].as_array().unwrap();
        let row = rules.iter().find(|r| r["rule"] == "budget.lint").unwrap();
        (run.code, row["status"].as_str().unwrap().to_owned())
    };
    assert_eq!(gate("[budget.lint]\nmax = \"note\"\n"), (Some(1), "fail".into()));
    assert_eq!(gate("[budget.lint]\nmax = \"warning\"\n"), (Some(0), "pass".into()));
    assert_eq!(gate("[budget.lint]\nmax = \"note\"\nignore = [\"world-writable\"]\n"), (Some(0), "pass".into()));
    let run = dir.run(&["analyze", "in.tar", "--ci"]);
    assert!(run.text().contains("budget.lint") && !run.text().contains("nothing was linted"), "{}", run.text());
}
