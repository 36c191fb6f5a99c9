use super::super::{Action, Conditions, Glob, Hits, Matcher, Profile, Request, Risk, Rule, resolve, resolve_for};
use super::*;

mod node;

fn profile(name: &str) -> Profile {
    let request = Request { profiles: &[name.to_owned()], ..Request::default() };
    resolve(&request, &|_| Err(std::io::Error::other("no files"))).unwrap_or_else(|e| panic!("{e}"))
}

fn with_all_opt_ins(name: &str) -> Profile {
    let enable: Vec<String> = profile(name).rules.into_iter().map(|r| r.id).collect();
    let request = Request { profiles: &[name.to_owned()], enable: &enable, ..Request::default() };
    resolve(&request, &|_| Err(std::io::Error::other("no files"))).unwrap()
}

/// Returns the fate of a path: protected, excepted, the id of the rule that drops it, or kept. The verdict on a directory holds
/// for everything in it, as in a walk of a tree.
fn fate(profile: &Profile, path: &str) -> String {
    let matcher = Matcher::new(profile).unwrap();
    let (mut hits, mut all) = (Hits::default(), Hits::default());
    let ends = path.match_indices('/').map(|(i, _)| i).chain([path.len()]);
    for end in ends {
        matcher.matches(&path.as_bytes()[..end], &mut hits);
        all.rules.append(&mut hits.rules);
        all.except.append(&mut hits.except);
        all.protects.append(&mut hits.protects);
    }
    let rule = all.rules.iter().find(|r| !all.except.contains(r));
    match (all.protects.first(), rule) {
        (Some(_), _) => "protected".to_owned(),
        (None, Some(rule)) => profile.rule(*rule).id.clone(),
        (None, None) => "kept".to_owned(),
    }
}

fn fates(profile: &Profile, expected: &[(&str, &str)]) {
    for (path, fate_of_path) in expected {
        assert_eq!(fate(profile, path), *fate_of_path, "{path}");
    }
}

#[test]
fn every_rule_says_why_it_is_safe_and_at_what_risk() {
    for Builtin { name, description, .. } in builtins() {
        assert!(description.len() > 20 && !description.contains('"'), "{name}: {description}");
        let document = text(name).unwrap().parse::<toml::Table>().unwrap();
        let rules = document.get("rule").and_then(|r| r.as_array()).cloned().unwrap_or_default();
        for rule in &rules {
            for key in ["id", "about", "action", "risk"] {
                assert!(
                    rule.get(key).is_some_and(|v| v.as_str().is_some_and(|s| s.len() > 1)),
                    "{name}: {rule}: {key}"
                );
            }
            assert_eq!(rule["risk"].as_str() == Some("opt-in"), rule.get("costs").is_some(), "{name}: {rule}");
            assert!(rule["about"].as_str().unwrap().len() > 60, "{name}: {rule}");
            assert!(!rule["about"].as_str().unwrap().contains("  "), "{name}: {rule}");
        }
        let resolved = profile(name);
        assert_eq!(resolved.description, description);
        assert!(resolved.protects.iter().all(|p| p.reason.len() > 5));
        let named = document.get("enable").and_then(|e| e.as_array()).cloned().unwrap_or_default();
        let on = |r: &Rule| r.risk != Risk::OptIn || named.iter().any(|id| id.as_str() == Some(&r.id));
        assert!(resolved.rules.iter().all(|r| r.enabled == on(r)), "{name}");
        assert_eq!(
            resolved.rules.iter().any(|r| matches!(r.action, Action::DropShadowed(_)) && r.id == "shadowed"),
            name != "none"
        );
    }
    assert!(profile("none").rules.is_empty());
}

#[test]
fn ids_are_different_rules_only_where_a_profile_extends_another() {
    let all: Vec<String> = builtins().map(|p| p.name.to_owned()).collect();
    let request = Request { profiles: &all, ..Request::default() };
    let together = resolve(&request, &|_| Err(std::io::Error::other("no files"))).unwrap();
    let apart: usize = TEXTS.iter().map(|(_, text)| text.lines().filter(|l| *l == "[[rule]]").count()).sum();
    assert_eq!(together.rules.len(), apart);
}

#[test]
fn what_scanners_and_users_need_is_protected_whatever_is_enabled() {
    for name in ["none", "python-min", "node-slim", "alpine-slim", "rpm-slim", "dind", "web-static", "auto"] {
        let p = with_all_opt_ins(name);
        for path in [
            "var/lib/dpkg/status",
            "var/lib/dpkg/status.d/base",
            "var/lib/dpkg/info/bash.list",
            "var/lib/apt/extended_states",
            "lib/apk/db/installed",
            "usr/lib/apk/db/installed",
            "etc/apk/world",
            "var/lib/rpm/rpmdb.sqlite",
            "usr/lib/sysimage/rpm/Packages.db",
            "etc/os-release",
            "etc/alpine-release",
            "usr/lib/os-release",
            "usr/share/doc/bash/copyright",
            "usr/share/doc/gcc-12-base/copyright",
            "usr/share/common-licenses/GPL-2",
            "app/node_modules/@a/b/LICENSE.md",
            "app/node_modules/b/license",
            "app/.venv/lib/python3.11/site-packages/x-1.dist-info/RECORD",
            "app/.venv/lib/python3.11/site-packages/x/tests/LICENSE.txt",
            "usr/lib/python3/dist-packages/x.egg-info",
            "opt/conda/conda-meta/history",
            "srv/node_modules/x/package.json",
            "srv/package-lock.json",
            "usr/lib/ruby/gems/3.1.0/specifications/x.gemspec",
            "app/share/jupyter/nbextensions/x/index.js.LICENSE.txt",
            "bin/busybox",
            "usr/bin/busybox",
            "usr/bin/ssh",
            "usr/bin/ssh-keygen",
            "usr/bin/ssh-keyscan",
            "bin/sh",
            "usr/bin/bash",
            "usr/lib64/ld-linux-x86-64.so.2",
            "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
            "lib/ld-musl-x86_64.so.1",
            "lib/ld-linux-aarch64.so.1",
            "etc/passwd",
            "etc/ssl/certs/ca-certificates.crt",
            "etc/pki/tls/cert.pem",
            "usr/lib/python3/dist-packages/certifi/cacert.pem",
        ] {
            assert_eq!(fate(&p, path), "protected", "{name}: {path}");
        }
    }
    let links = |path: &str| {
        let by = profile("none").protects.into_iter().filter(|p| p.links);
        by.flat_map(|p| p.path.expanded).any(|e| e == path)
    };
    assert!(links("bin/busybox") && links("usr/bin/busybox") && !links("bin/bash"));
}

#[test]
fn caches_go_and_what_only_looks_like_one_stays() {
    fates(
        &profile("caches"),
        &[
            ("var/lib/apt/lists", "kept"),
            ("var/lib/apt/lists/deb_dists_Packages", "apt-lists"),
            ("var/cache/apt/pkgcache.bin", "apt-cache"),
            ("var/cache/apt/archives/gcc.deb", "apt-cache"),
            ("var/cache/apt/archives/partial", "kept"),
            ("var/cache/debconf/config.dat", "kept"),
            ("var/cache/debconf/config.dat-old", "dpkg-cache"),
            ("etc/apk/cache/APKINDEX.tar.gz", "apk-cache"),
            ("root/.cache/uv/archive-v0/x/y.dist-info/METADATA", "uv-cache"),
            ("home/u/.cache/pip/wheels/LICENSE", "pip-cache"),
            ("root/.cache/pypoetry/cache/x", "poetry-cache"),
            ("root/.cache/pypoetry/virtualenvs/app/bin/python", "kept"),
            ("root/.cache/pypoetry/virtualenvs/app/lib/python3.11/site-packages/x.dist-info/RECORD", "protected"),
            ("root/.npm/_npx/1/node_modules/.bin/x", "kept"),
            ("usr/local/share/.cache/yarn/v6/npm-x/node_modules/x/package.json", "yarn-cache"),
            ("root/.yarn/berry/cache/x.zip", "kept"),
            ("root/.local/share/pnpm/store/v10/files/00/ab", "pnpm-store"),
            ("root/.local/share/pnpm/store/v10/links/x/1/node_modules/x/index.js", "kept"),
            ("root/.local/share/pnpm/pnpm", "kept"),
            ("root/.cache/huggingface/model", "kept"),
            ("opt/conda/pkgs/x-1.conda", "conda-tarballs"),
            ("opt/conda/pkgs/x-1/lib/x.so", "kept"),
            ("root/.cache/ccache/2/x", "ccache"),
            ("root/.ccache/ccache.conf", "kept"),
            ("usr/lib/ccache/gcc", "kept"),
            ("var/log/dpkg.log", "logs"),
            ("var/log/apt/history.log", "logs"),
            ("var/log/nginx/access.log", "kept"),
            ("var/log/cron.log", "kept"),
            ("var/log/journal", "kept"),
            ("tmp", "kept"),
            ("tmp/build/package.json", "tmp"),
            ("var/tmp/x", "tmp"),
        ],
    );
}

#[test]
fn documentation_goes_and_its_directories_stay() {
    fates(
        &profile("debian-slim"),
        &[
            ("usr/share/doc/bash", "kept"),
            ("usr/share/doc/bash/changelog.gz", "doc"),
            ("usr/share/doc/git/contrib/x/copyright", "protected"),
            ("usr/share/man/man1", "kept"),
            ("usr/share/man/man1/bash.1.gz", "man"),
            ("usr/share/man/man8/ld-linux.so.8.gz", "man"),
            ("usr/share/man/man7/license.7.gz", "man"),
            ("usr/share/man/de/man1", "kept"),
            ("usr/share/man/de/man1/bash.1.gz", "man"),
            ("etc/alternatives/awk.1.gz", "man"),
            ("etc/alternatives/awk", "kept"),
            ("usr/share/locale/locale.alias", "kept"),
            ("usr/share/locale/de/LC_MESSAGES/git.mo", "locale"),
            ("usr/share/locale/en_GB/LC_MESSAGES/git.mo", "kept"),
            ("usr/share/locale/en@quot/LC_MESSAGES/git.mo", "kept"),
            ("usr/lib/locale/C.utf8/LC_CTYPE", "kept"),
            ("usr/share/zoneinfo/Europe/Berlin", "kept"),
        ],
    );
}

#[test]
fn python_loses_what_no_program_reads() {
    const SITE: &str = "app/.venv/lib/python3.11/site-packages";
    let p = profile("python-slim");
    for (path, expected) in [
        ("pydeck/index.js.map", "source-maps"),
        ("astropy/utils/xml/src/iterparse.map", "kept"),
        ("pandas/tests/io/data.csv", "package-tests"),
        ("tests/test_x.py", "package-tests"),
        ("numpy/_core/tests/_natype.py", "protected"),
        ("numpy/_core/tests/test_umath.py", "package-tests"),
        ("ansible/plugins/test/core.py", "kept"),
        ("ansible/galaxy/data/default/role/tests/inventory", "kept"),
        ("django/test/client.py", "kept"),
        ("jinja2/tests.py", "kept"),
        ("sqlalchemy/testing/__init__.py", "kept"),
        ("boto3/docs/base.py", "kept"),
        ("sklearn/datasets/descr/iris.rst", "kept"),
        ("django/conf/locale/de/LC_MESSAGES/django.po", "gettext-sources"),
        ("django/conf/locale/de/LC_MESSAGES/django.mo", "kept"),
        ("setuptools/cli-64.exe", "windows-launchers"),
        ("pip/_vendor/distlib/t64-arm.exe", "windows-launchers"),
        ("skimage/__init__.pyi", "kept"),
        ("numpy/_core/include/numpy/arrayobject.h", "kept"),
        ("Cython/Includes/libc/math.pxd", "kept"),
        ("x/__pycache__/a.cpython-311.pyc", "kept"),
        ("x/__pycache__/a.cpython-311.opt-1.pyc", "optimized-bytecode"),
    ] {
        assert_eq!(fate(&p, &format!("{SITE}/{path}")), expected, "{path}");
    }
    fates(
        &p,
        &[
            ("usr/local/lib/python3.12/test/test_os.py", "stdlib-tests"),
            ("usr/lib/python3.11/unittest/test/x.py", "stdlib-tests"),
            ("usr/lib/python3.11/unittest/mock.py", "kept"),
            ("root/.local/share/uv/python/cpython-3.12/lib/python3.12/idlelib/run.py", "idle"),
            ("usr/local/lib/python3.12/config-3.12-x86_64-linux-gnu/libpython3.12.a", "libpython-static"),
            ("usr/lib/python3/dist-packages/x/tests/a.py", "package-tests"),
            ("opt/conda/lib/python3.11/site-packages/x/tests/a.py", "package-tests"),
            ("root/.local/lib/python3.9/site-packages/x/tests/a.py", "package-tests"),
            ("app/tests/test_app.py", "kept"),
            ("app/.venv/share/jupyter/nbextensions/x/index.js.map", "source-maps"),
            ("app/static/app.js.map", "kept"),
            ("usr/share/python-wheels/setuptools.whl", "kept"),
        ],
    );
    let p = with_all_opt_ins("python-slim");
    assert_eq!(fate(&p, &format!("{SITE}/x/__pycache__/a.cpython-311.pyc")), "bytecode");
    assert_eq!(fate(&p, &format!("{SITE}/numpy/__init__.pyi")), "stubs");
    assert_eq!(fate(&p, &format!("{SITE}/skimage/filters/__init__.pyi")), "kept");
}

#[test]
fn python_min_drops_what_it_says_and_not_what_lies_beside() {
    const SITE: &str = "app/.venv/lib/python3.11/site-packages";
    let p = profile("python-min");
    for (path, expected) in [
        ("x/__pycache__/a.cpython-311.pyc", "bytecode"),
        ("numpy/_core/include/numpy/arrayobject.h", "headers"),
        ("plotly/labextension/static/1.js", "jupyter-assets"),
        ("plotly/labextension/package.json", "protected"),
        ("plotly/package_data/plotly.min.js", "kept"),
        ("pydeck/nbextension/static/index.js", "kept"),
        ("pyarrow/libarrow_flight.so.2600", "pyarrow-flight"),
        ("pyarrow/_flight.cpython-311-x86_64-linux-gnu.so", "pyarrow-flight"),
        ("pyarrow/libarrow_substrait.so.2600", "kept"),
        ("pyarrow/fs.py", "kept"),
        ("babel/locale-data/de.dat", "kept"),
    ] {
        assert_eq!(fate(&p, &format!("{SITE}/{path}")), expected, "{path}");
    }
    fates(
        &p,
        &[
            ("usr/lib/python3.11/ensurepip/_bundled/pip-23.whl", "ensurepip"),
            ("usr/lib/python3.11/ensurepip/__init__.py", "ensurepip"),
            ("usr/share/python-wheels/setuptools.whl", "ensurepip"),
            ("usr/lib/x86_64-linux-gnu/gconv/SJIS.so", "gconv-extra"),
            ("usr/lib64/gconv/EUC-JP.so", "gconv-extra"),
            ("usr/lib/x86_64-linux-gnu/gconv/ISO8859-15.so", "kept"),
            ("usr/lib/x86_64-linux-gnu/gconv/gconv-modules.cache", "kept"),
            ("usr/lib/x86_64-linux-gnu/libc.so.6", "kept"),
            ("usr/lib/x86_64-linux-gnu/perl/5.36.0/CORE/perl.h", "perl-headers"),
            ("usr/lib/x86_64-linux-gnu/perl/5.36.0/CORE.pm", "kept"),
            ("usr/share/perl/5.36.0/Test/Tutorial.pod", "perl-pod"),
            ("usr/share/perl/5.36.0/pod/perldiag.pod", "kept"),
            ("usr/share/perl/5.36.0/Pod/Usage.pm", "kept"),
            ("usr/share/zoneinfo/right/UTC", "zoneinfo-right"),
            ("usr/share/zoneinfo/UTC", "kept"),
            ("usr/share/i18n/charmaps/UTF-8.gz", "locale-sources"),
            ("usr/share/i18n/SUPPORTED", "kept"),
        ],
    );
}

#[test]
fn rpm_packages_lose_what_nodocs_leaves_out() {
    fates(
        &profile("rpm-slim"),
        &[
            ("usr/share/doc/bash/README", "rpm-doc"),
            ("usr/share/doc/bash/COPYING", "protected"),
            ("usr/share/doc/packages/bash/README", "rpm-doc"),
            ("usr/share/licenses/bash/COPYING", "protected"),
            ("usr/share/man/man1", "kept"),
            ("usr/share/man/man1/bash.1.gz", "rpm-man"),
            ("usr/share/man/de/man1/bash.1.gz", "rpm-man"),
            ("usr/share/info/bash.info.gz", "rpm-info"),
            ("usr/share/locale/de/LC_MESSAGES/bash.mo", "rpm-locale"),
            ("usr/share/locale/en_US/LC_MESSAGES/bash.mo", "kept"),
            ("usr/lib/locale/C.utf8/LC_CTYPE", "kept"),
            ("var/cache/dnf/fedora/repodata/primary.xml.gz", "rpm-cache"),
            ("var/lib/rpm/rpmdb.sqlite", "protected"),
        ],
    );
}

#[test]
fn programs_called_by_name_and_served_files_stay() {
    let request = Request { profiles: &["dind".to_owned()], drop: &["/usr/sbin".to_owned()], ..Request::default() };
    let p = resolve(&request, &|_| Err(std::io::Error::other("no files"))).unwrap();
    let protected = ["iptables", "ip6tables-nft", "modprobe", "docker-proxy", "zfs", "mkfs.xfs", "xfs_growfs", "btrfs"];
    protected.iter().for_each(|name| assert_eq!(fate(&p, &format!("usr/sbin/{name}")), "protected", "{name}"));
    assert_eq!(fate(&p, "usr/sbin/useradd"), "command-line");
    fates(
        &with_all_opt_ins("web-static"),
        &[
            ("var/www/html/app.js", "kept"),
            ("var/www/html/app.js.map", "site-source-maps"),
            ("var/www/html/app.js.gz", "protected"),
            ("usr/local/apache2/manual/index.html", "apache-manual"),
            ("usr/local/apache2/include/httpd.h", "apache-dev"),
            ("usr/local/apache2/icons/a.gif", "kept"),
            ("usr/share/nginx/html/index.html", "kept"),
        ],
    );
    assert_eq!(fate(&profile("web-static"), "var/www/html/app.js.map"), "kept");
}

/// Returns the profiles that `auto` picks for an image with these paths.
fn picked(paths: &[&str]) -> Vec<String> {
    picked_of(&[], paths)
}

/// Returns the profiles that `auto` picks for an image with these paths that is of these distributions.
fn picked_of(ids: &[&str], paths: &[&str]) -> Vec<String> {
    let request = Request { profiles: &["auto".to_owned()], ..Request::default() };
    let read = |_: &str| Err(std::io::Error::other("no files"));
    let all = resolve(&request, &read).unwrap();
    let conditions = Conditions::new(&all).unwrap();
    let mut found = vec![false; all.choices.len()];
    paths.iter().for_each(|p| conditions.matches(p.as_bytes(), |i| found[i] = true));
    let mut of = all.choices.iter().zip(&mut found).filter(|(c, _)| c.os.iter().any(|os| ids.contains(&os.as_str())));
    of.by_ref().for_each(|(_, found)| *found = true);
    let holds = |globs: &[Glob], _: &[String]| all.choices.iter().zip(&found).any(|(c, f)| *f && c.paths == globs);
    resolve_for(&request, &read, &holds).unwrap().picked()
}

#[test]
fn auto_picks_by_what_is_there() {
    assert_eq!(picked(&["bin", "app/server"]), Vec::<String>::new());
    assert_eq!(picked(&["var/lib/dpkg/status"]), ["debian-slim"]);
    assert_eq!(picked(&["var/lib/dpkg/status.d", "usr/lib/python3.11/os.py"]), ["debian-slim", "python-slim"]);
    assert_eq!(picked(&["lib/apk/db/installed", "app/node_modules/x"]), ["alpine-slim", "node-slim"]);
    assert_eq!(picked(&["usr/lib/sysimage/rpm/rpmdb.sqlite"]), ["rpm-slim"]);
    assert_eq!(picked(&["etc/alpine-release", "usr/local/bin/dockerd"]), ["alpine-slim", "dind"]);
    assert_eq!(picked(&["app/venv/lib/python3.12/site-packages"]), Vec::<String>::new());
    assert_eq!(picked(&["usr/sbin/nginx"]), ["web-static"]);
}
