//! Lists by which other files come to refer to modules and directories: entry points, `.pth` files, and the loader's
//! configuration.

use super::{Reference, Target, When, python};

/// Returns the modules of an `entry_points.txt`. Source: <https://packaging.python.org/en/latest/specifications/entry-points/>.
#[must_use]
pub fn entry_points(text: &[u8]) -> Vec<Reference> {
    let entry = |line: &str| {
        let (_, object) = line.split_once('=')?;
        let module = object.split([':', '[']).next()?.trim();
        let good = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        let target = || Target::Import { level: 0, module: module.into(), names: "".into() };
        (!module.is_empty() && module.chars().all(good)).then(target)
    };
    each_line(text, |line| entry(line).into_iter().collect())
}

/// Returns the references of a `.pth` file: lines of code, and directories in which modules are looked for, absolute or
/// relative to the file's directory. Source: <https://docs.python.org/3/library/site.html>.
#[must_use]
pub fn pth(text: &[u8]) -> Vec<Reference> {
    each_line(text, |line| {
        let line = line.trim_end();
        if line.starts_with("import ") || line.starts_with("import\t") {
            let found = python::references(line.as_bytes(), &[]);
            return found.into_iter().map(|reference| reference.target).collect();
        }
        let path = !line.is_empty() && !line.starts_with('#') && line.len() < 4096;
        path.then(|| Target::Join(line.into())).into_iter().collect()
    })
}

/// Returns the directories of `/etc/ld.so.conf` and of the files it includes. Source: ldconfig(8).
#[must_use]
pub fn loader_dirs(text: &[u8]) -> Vec<Reference> {
    each_line(text, |line| {
        let dir = line.split('#').next().unwrap_or_default().trim();
        (dir.starts_with('/') && dir.len() < 4096).then(|| Target::Join(dir.into())).into_iter().collect()
    })
}

fn each_line(text: &[u8], targets: impl Fn(&str) -> Vec<Target>) -> Vec<Reference> {
    let text = String::from_utf8_lossy(text);
    let lines = (1_u32..).zip(text.lines());
    lines
        .flat_map(|(line, text)| {
            targets(text).into_iter().map(move |target| Reference { line, when: When::Mention, target })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(references: Vec<Reference>) -> Vec<String> {
        let one = |r: Reference| match r.target {
            Target::Import { level, module, names } => format!("{} {level} {module} {names}", r.line).trim().to_owned(),
            Target::Join(path) => format!("{} {path:?}", r.line),
            other => format!("{other:?}"),
        };
        references.into_iter().map(one).collect()
    }

    #[test]
    fn lists_name_modules_and_directories() {
        let entries = b"[console_scripts]\na = p.q:main\nb=p.r : x [extra]\n\n[x]\n; no\nbad = a b\n";
        assert_eq!(shown(entry_points(entries)), ["2 0 p.q", "3 0 p.r"]);
        let lines = b"# no\n/app/src\n\nsub/dir\nimport a.b; from c import d\n\xff\n";
        assert_eq!(shown(pth(lines)), ["2 \"/app/src\"", "4 \"sub/dir\"", "5 0 a.b", "5 0 c d", "6 \"\u{fffd}\""]);
        let conf = b"include /etc/ld.so.conf.d/*.conf\n# no\n/usr/local/lib # yes\n relative\n";
        assert_eq!(shown(loader_dirs(conf)), ["3 \"/usr/local/lib\""]);
    }
}
