//! The answers of package managers, before and after.

use super::ask::LIMITS;
use super::{Finding, Kind, Side, Sweep, lists};
use crate::Result;
use crate::engine::Container;
use std::collections::BTreeSet;
use std::time::Instant;

const SCRIPT: &str = include_str!("../sweeps/packages.sh");

/// The answer of a package manager to a question.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    name: String,
    /// True if it is a list of packages; otherwise a check, which must find nothing new.
    list: bool,
    lines: Vec<String>,
    /// The exit code; empty if the answer was cut off.
    code: String,
}

/// Asks the package managers of both images.
pub(super) fn sweep(before: &Side<'_>, after: &Side<'_>) -> Result<Sweep> {
    let start = Instant::now();
    let mut out = Sweep { sweep: Kind::Packages.name().to_owned(), ..Sweep::default() };
    if before.files.which(&["sh"]).is_none() {
        out.skipped = Some("the image has no shell".to_owned());
        return Ok(out);
    }
    let (first, second) = (ask(before)?, ask(after)?);
    out.tried = first.len();
    for block in first.iter().filter(|b| b.code == "0") {
        out.worked += 1;
        let finding = |why: String| Finding { name: block.name.clone(), path: None, why };
        match second.iter().find(|b| b.name == block.name) {
            None => out.dropped.push(finding("the package manager is not in the image".to_owned())),
            Some(now) => match compare(block, now) {
                Ok(gone) => {
                    out.works += 1;
                    let gone = gone.into_iter().map(|line| finding(format!("gone: {line}")));
                    out.dropped.extend(gone);
                }
                Err(why) => out.regressions.push(finding(why)),
            },
        }
    }
    if first.is_empty() {
        out.skipped = Some("the image has no package manager".to_owned());
    }
    out.seconds = start.elapsed().as_secs_f64();
    Ok(out)
}

/// Returns the packages that went, or a description of the fault.
fn compare(before: &Block, now: &Block) -> Result<Vec<String>, String> {
    let all = |block: &Block| block.lines.iter().cloned().collect::<BTreeSet<String>>();
    let (old, new) = (all(before), all(now));
    let added: Vec<&str> = new.difference(&old).map(String::as_str).collect();
    if now.code != "0" || !added.is_empty() {
        let code = if now.code == "0" { String::new() } else { format!("exit code {}: ", now.code) };
        let more = if added.len() > 3 { format!("; and {} more", added.len() - 3) } else { String::new() };
        return Err(format!("{code}{}{more}", added[..added.len().min(3)].join("; ")));
    }
    Ok(if before.list { old.difference(&new).cloned().collect() } else { Vec::new() })
}

fn ask(side: &Side<'_>) -> Result<Vec<Block>> {
    let has_pip = |dirs: &[String]| dirs.iter().any(|dir| side.files.has(&format!("{dir}/pip/__main__.py")));
    let pythons: Vec<String> =
        lists::pythons(&side.files).into_iter().filter(|(_, d)| has_pip(d)).map(|p| p.0).collect();
    let mut args = vec!["-c", SCRIPT, "sh"];
    args.extend(pythons.iter().map(String::as_str));
    let (user, env) = (Some("0"), &[][..]);
    let ended = side.engine.run(Container {
        image: side.image,
        entrypoint: "sh",
        args: &args,
        user,
        env,
        stdin: None,
        limits: LIMITS,
    })?;
    Ok(parse(&String::from_utf8_lossy(&ended.stdout.head)))
}

fn parse(text: &str) -> Vec<Block> {
    let mut out: Vec<Block> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix("== "), out.last_mut()) {
            (Some(head), _) if head.ends_with(" list") || head.ends_with(" check") => {
                let (name, kind) = head.rsplit_once(' ').unwrap_or((head, ""));
                let list = kind == "list";
                out.push(Block { name: name.to_owned(), list, lines: Vec::new(), code: String::new() });
            }
            (Some(code), Some(block)) => block.code = code.to_owned(),
            (None, Some(block)) if !line.trim().is_empty() => block.lines.push(line.trim_end().to_owned()),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_may_go_but_checks_may_find_nothing_new() {
        let parsed = |text: &str| parse(text).pop().unwrap();
        let list = |lines: &str, code: u8| parsed(&format!("noise\n== dpkg -l list\n{lines}\n\n== {code}\n"));
        assert_eq!(list("ii a 1\nii b 2", 0).lines, ["ii a 1", "ii b 2"]);
        assert_eq!(compare(&list("ii a 1\nii b 2", 0), &list("ii a 1", 0)), Ok(vec!["ii b 2".to_owned()]));
        assert!(compare(&list("ii a 1", 0), &list("rc a 1", 0)).unwrap_err().contains("rc a 1"));
        assert!(compare(&list("ii a 1", 0), &list("ii a 1", 2)).unwrap_err().contains("exit code 2"));
        let check = |lines: &str| parsed(&format!("== p -m pip check check\n{lines}\n== 0\n"));
        assert_eq!(check("x").name, "p -m pip check");
        assert_eq!(compare(&check("a\nb"), &check("a")), Ok(Vec::new()));
        assert!(compare(&check("a"), &check("a\nb")).is_err());
    }
}
