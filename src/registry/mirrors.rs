//! The places of a registry's images: the mirrors that podman's `registries.conf` names, and the registry itself.
//! Source: <https://github.com/containers/image/blob/main/docs/containers-registries.conf.5.md>.

use super::credentials::Variables;
use super::name::{Name, Version, server};
use crate::{Error, ErrorKind, Result};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// A place that is asked for the images of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The name of the registry, for messages and credentials.
    pub host: String,
    /// The host that is asked, with its port.
    pub server: String,
    /// The repository there.
    pub repository: String,
    /// True if certificates are not checked, and plain HTTP will do.
    pub insecure: bool,
}

#[derive(Deserialize, Default)]
struct Config {
    #[serde(default)]
    registry: Vec<Registry>,
}

#[derive(Deserialize, Clone, Debug)]
#[serde(rename_all = "kebab-case")]
struct Registry {
    prefix: Option<String>,
    #[serde(flatten)]
    place: Place,
    #[serde(default)]
    blocked: bool,
    #[serde(default)]
    mirror_by_digest_only: bool,
    #[serde(default)]
    mirror: Vec<Place>,
}

#[derive(Deserialize, Clone, Debug)]
#[serde(rename_all = "kebab-case")]
struct Place {
    location: Option<String>,
    #[serde(default)]
    insecure: bool,
    pull_from_mirror: Option<String>,
}

/// The place that images are written to: the registry itself.
///
/// # Errors
/// Returns an error if the configuration blocks the registry, or cannot be read.
pub fn own(name: &Name, variables: Variables<'_>) -> Result<Endpoint> {
    let registries = registries(variables)?;
    let found = best(&registries, name);
    found.map_or(Ok(()), |registry| check_blocked(registry, name))?;
    Ok(endpoint(name, found.is_some_and(|registry| registry.place.insecure)))
}

fn check_blocked(registry: &Registry, name: &Name) -> Result<()> {
    if !registry.blocked {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Usage, format!("{} is blocked in registries.conf", name.host)).archive(name))
}

fn endpoint(name: &Name, insecure: bool) -> Endpoint {
    let (host, repository) = (name.host.clone(), name.repository.clone());
    Endpoint { server: server(&host).to_owned(), host, repository, insecure }
}

/// The places that an image is read from, in order; the last one is the registry itself.
///
/// # Errors
/// Returns an error if the configuration blocks the registry, or cannot be read.
pub fn places(name: &Name, variables: Variables<'_>) -> Result<Vec<Endpoint>> {
    resolve(&registries(variables)?, name)
}

fn resolve(registries: &[Registry], name: &Name) -> Result<Vec<Endpoint>> {
    let Some(registry) = best(registries, name) else {
        return Ok(vec![endpoint(name, false)]);
    };
    check_blocked(registry, name)?;
    let by_digest = matches!(name.version, Version::Digest(_));
    let allowed = |mirror: &&Place| match mirror.pull_from_mirror.as_deref() {
        Some("digest-only") => by_digest,
        Some("tag-only") => !by_digest,
        _ => by_digest || !registry.mirror_by_digest_only,
    };
    let whole = format!("{}/{}", name.host, name.repository);
    let rewritten = |place: &Place| {
        let location = place.location.as_deref()?;
        let rest = whole.strip_prefix(prefix(registry)).unwrap_or_else(|| &whole[whole.find('/').unwrap_or(0)..]);
        let (host, repository) =
            format!("{location}{rest}").split_once('/').map(|(h, r)| (h.to_owned(), r.to_owned()))?;
        Some(Endpoint { server: server(&host).to_owned(), host, repository, insecure: place.insecure })
    };
    let mut places: Vec<Endpoint> = registry.mirror.iter().filter(allowed).filter_map(rewritten).collect();
    places.push(rewritten(&registry.place).unwrap_or_else(|| endpoint(name, registry.place.insecure)));
    Ok(places)
}

fn prefix(registry: &Registry) -> &str {
    registry.prefix.as_deref().or(registry.place.location.as_deref()).unwrap_or_default()
}

/// The entry with the longest prefix that fits.
fn best<'a>(registries: &'a [Registry], name: &Name) -> Option<&'a Registry> {
    let whole = format!("{}/{}", name.host, name.repository);
    let fits = |registry: &&Registry| {
        let prefix = prefix(registry);
        if let Some(domain) = prefix.strip_prefix('*') {
            return domain.starts_with('.') && name.host.ends_with(domain);
        }
        let rest = whole.strip_prefix(prefix);
        !prefix.is_empty() && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    registries.iter().filter(fits).max_by_key(|registry| prefix(registry).len())
}

/// All entries of the configuration.
fn registries(variables: Variables<'_>) -> Result<Vec<Registry>> {
    let set = |name: &str| variables(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let user = set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(".config")));
    let user = user.map(|dir| dir.join("containers/registries.conf"));
    let main = set("CONTAINERS_REGISTRIES_CONF")
        .or_else(|| user.clone().filter(|path| path.is_file()))
        .unwrap_or_else(|| PathBuf::from("/etc/containers/registries.conf"));
    let mut files = vec![main];
    let dirs =
        [Some(PathBuf::from("/etc/containers/registries.conf.d")), user.map(|path| path.with_extension("conf.d"))];
    for dir in dirs.into_iter().flatten() {
        let mut more: Vec<PathBuf> = dir.read_dir().into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        more.retain(|path| path.extension().is_some_and(|e| e == "conf"));
        more.sort();
        files.extend(more);
    }
    let mut all = Vec::new();
    for path in &files {
        all.extend(read(path)?);
    }
    Ok(all)
}

/// The entries of a file; none if it is not there. A mistake in it is an error: it may be what blocks a registry.
fn read(path: &Path) -> Result<Vec<Registry>> {
    let Ok(text) = std::fs::read_to_string(path) else { return Ok(Vec::new()) };
    let wrong = |e: toml::de::Error| {
        let at = e.span().map_or(0, |span| text[..span.start].lines().count().max(1));
        Error::new(ErrorKind::Usage, format!("line {at}: {}", e.message())).archive(path.display())
    };
    toml::from_str::<Config>(&text).map(|config| config.registry).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places_in(text: &str, name: &str) -> Vec<String> {
        let config: Config = toml::from_str(text).unwrap();
        let places = resolve(&config.registry, &Name::parse(name).unwrap()).unwrap();
        places
            .iter()
            .map(|p| format!("{}/{}{}", p.server, p.repository, if p.insecure { " insecure" } else { "" }))
            .collect()
    }

    const CONF: &str = r#"
unqualified-search-registries = ["docker.io"]
[[registry]]
location = "docker.io"
[[registry.mirror]]
location = "mirror.io:5000/hub"
insecure = true
[[registry.mirror]]
location = "digests.io"
pull-from-mirror = "digest-only"
[[registry]]
prefix = "docker.io/org"
location = "other.io/moved"
[[registry]]
prefix = "*.example.com"
location = "example.com"
insecure = true
"#;

    #[test]
    fn mirrors_come_first_and_the_longest_prefix_counts() {
        let hub = "registry-1.docker.io/library/x";
        assert_eq!(places_in(CONF, "x"), ["mirror.io:5000/hub/library/x insecure", hub]);
        let digest = format!("x@sha256:{}", "0".repeat(64));
        assert_eq!(places_in(CONF, &digest), ["mirror.io:5000/hub/library/x insecure", "digests.io/library/x", hub]);
        assert_eq!(places_in(CONF, "org/app"), ["other.io/moved/app"]);
        assert_eq!(
            places_in(CONF, "organic/app"),
            ["mirror.io:5000/hub/organic/app insecure", "registry-1.docker.io/organic/app"]
        );
        assert_eq!(places_in(CONF, "a.example.com/b"), ["example.com/b insecure"]);
        assert_eq!(places_in("", "ghcr.io/a/b"), ["ghcr.io/a/b"]);
    }

    #[test]
    fn a_blocked_registry_is_refused() {
        let config: Config = toml::from_str("[[registry]]\nlocation = \"bad.io\"\nblocked = true\n").unwrap();
        let error = resolve(&config.registry, &Name::parse("bad.io/x").unwrap()).unwrap_err();
        assert!(error.to_string().contains("blocked"), "{error}");
    }
}
