//! Tests that need no image: findings, and names of packages.

use super::*;

fn findings<'a>() -> Vec<Finding<'a>> {
    let one = |id, severity, path: &'a str| Finding { id, severity, path: BStr::new(path), message: "m" };
    vec![
        one("secret", Severity::Error, "app/.env"),
        one("setuid", Severity::Warning, "bin/su"),
        one("pyc", Severity::Note, "a.pyc"),
    ]
}

fn lint(text: &str, findings: Option<&[Finding<'_>]>) -> (Status, String, Option<String>) {
    let settings = Settings::parse("slim.toml", text).unwrap();
    assert!(settings.needs_lint());
    let row = lint_row(settings.lint.as_ref().unwrap(), findings);
    (row.status, row.found, row.detail)
}

#[test]
fn findings_up_to_a_severity_pass() {
    let all = findings();
    for (max, found) in [("error", 0), ("warning", 1), ("note", 2), ("none", 3)] {
        let (status, number, _) = lint(&format!("[budget.lint]\nmax = \"{max}\"\n"), Some(&all));
        assert_eq!(number, found.to_string(), "{max}");
        assert_eq!(status == Status::Pass, found == 0, "{max}");
    }
    let (_, _, told) = lint("[budget.lint]\n", Some(&all));
    assert_eq!(told.unwrap(), "error secret /app/.env");
    let config = Finding { id: "secret", severity: Severity::Error, path: BStr::new(""), message: "m" };
    assert_eq!(lint("[budget.lint]\n", Some(&[config])).2.unwrap(), "error secret config");
    assert_eq!(lint("[budget.lint]\nignore = [\"secret\"]\n", Some(&all)).0, Status::Pass);
    assert_eq!(lint("[budget.lint]\n", None).0, Status::Skip);
}

#[test]
fn packages_are_known_by_manager_and_name() {
    assert_eq!(key("pip scikit_learn 1.0 rc"), "pip scikit_learn");
    assert_eq!(key("dpkg libc6"), "dpkg libc6");
    assert_eq!(key("(no container sees it)"), "(no container sees it)");
    assert_eq!(normal("pip Scikit_Learn"), "pip scikit-learn");
    assert_eq!(normal("npm A_b"), "npm A_b");
}

#[test]
fn lists_name_the_first_three() {
    let all: Vec<String> = ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec();
    assert_eq!(listed(&all[..3]), "a, b, c");
    assert_eq!(listed(&all), "a, b, c and 2 more");
}

#[test]
fn a_limit_may_be_a_share() {
    let limit =
        |text: &str| Settings::parse("slim.toml", &format!("[budget]\nlayer = \"{text}\"\n")).unwrap().layer.unwrap();
    assert!(limit("2%").allows(20, 1000) && !limit("2%").allows(21, 1000));
    assert!(limit("0.5%").allows(5, 1000) && !limit("0.5%").allows(6, 1000));
    assert!(limit("21").allows(21, 0) && !limit("20B").allows(21, 1000));
    // Of nothing, nothing passes but nothing.
    assert!(limit("50%").allows(0, 0) && !limit("50%").allows(1, 0));
    for wrong in ["%", "x%", "-1%", "1 %x"] {
        assert!(Settings::parse("slim.toml", &format!("[budget]\ntotal = \"{wrong}\"\n")).is_err(), "{wrong}");
    }
}
