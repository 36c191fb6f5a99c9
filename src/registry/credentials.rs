//! Credentials for a registry, in the order in which podman and docker look for them.
//! Sources: <https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md>,
//! <https://docs.docker.com/reference/cli/docker/login/#credential-stores>.

use super::options::{Creds, Options};
use crate::{Error, Result, Warning};
use docker_credential::{CredentialRetrievalError, DockerCredential, get_credential_from_reader};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A credential, and where it was found.
pub type Found = (Credential, String);

/// What proves who is asking.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// A name and a password.
    Basic(Creds),
    /// A token that a token service gives tokens for.
    Identity(String),
}

/// The variables of the environment that say where credentials are.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The variables of this process.
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Looks for the credential of a repository: in the options, in the files of podman and docker, and in the programs that those
/// name. The first that has one counts. What cannot be read is passed over with a warning, unless the user named it.
///
/// # Errors
/// Returns an error if the file that the user names cannot be read.
pub fn find(
    options: &Options,
    host: &str,
    repository: &str,
    variables: Variables<'_>,
) -> Result<(Option<Found>, Vec<Warning>)> {
    if let Some(creds) = &options.creds {
        return Ok((Some((Credential::Basic(creds.clone()), "--creds".to_owned())), Vec::new()));
    }
    let mut warnings = Vec::new();
    let mut ask = |name: &str, text: &[u8]| match serde_json::from_slice::<Value>(text) {
        Ok(config) => in_config(config, &keys(host, repository), &mut |why| {
            warnings.push(Warning::new("credentials", format!("{name}: {why}")));
        }),
        Err(e) => {
            warnings.push(Warning::new("credentials", format!("{name} is not read: {e}")));
            None
        }
    };
    if let Some(file) = &options.authfile {
        let text = std::fs::read(file).map_err(|e| Error::io("cannot read", e).archive(file.display()))?;
        let name = file.display().to_string();
        let found = ask(&name, &text).map(|found| (found, name));
        return Ok((found, warnings));
    }
    for file in files(variables) {
        let name = file.display().to_string();
        if let Some(found) = std::fs::read(&file).ok().and_then(|text| ask(&name, &text)) {
            return Ok((Some((found, name)), warnings));
        }
    }
    let name = "DOCKER_AUTH_CONFIG";
    let found = variables(name).and_then(|text| ask(name, text.as_bytes())).map(|found| (found, name.to_owned()));
    if let Some(file) = variables("REGISTRY_AUTH_FILE").filter(|file| found.is_none() && !Path::new(file).exists()) {
        warnings.push(Warning::new("credentials", format!("REGISTRY_AUTH_FILE is {file}, which is not there")));
    }
    Ok((found, warnings))
}

/// The files with credentials, in order. `REGISTRY_AUTH_FILE` is the only one of podman's if it is set.
fn files(variables: Variables<'_>) -> Vec<PathBuf> {
    let at = |variable: &str, below: &str| {
        variables(variable).filter(|v| !v.is_empty()).map(|v| PathBuf::from(v).join(below))
    };
    let containers = match at("REGISTRY_AUTH_FILE", "") {
        Some(_) => vec![variables("REGISTRY_AUTH_FILE").map(PathBuf::from)],
        None => vec![
            at("XDG_RUNTIME_DIR", "containers/auth.json"),
            at("XDG_CONFIG_HOME", "containers/auth.json").or_else(|| at("HOME", ".config/containers/auth.json")),
        ],
    };
    let docker = at("DOCKER_CONFIG", "config.json").or_else(|| at("HOME", ".docker/config.json"));
    containers.into_iter().chain([docker]).flatten().collect()
}

/// The keys that may stand for a repository, the most specific one first.
fn keys(host: &str, repository: &str) -> Vec<String> {
    let whole = format!("{host}/{repository}");
    let mut keys: Vec<String> = whole.match_indices('/').map(|(at, _)| whole[..at].to_owned()).collect();
    keys.push(whole.clone());
    keys.reverse();
    if host == "docker.io" {
        // The key that `docker login` and its programs use.
        keys.push("https://index.docker.io/v1/".to_owned());
    }
    keys
}

/// Looks for the first of `keys` in a configuration. A program that does not work is told of, and taken out, so that what else is there
/// still counts; one that has nothing for a key may have something for the next.
fn in_config(config: Value, keys: &[String], tell: &mut dyn FnMut(String)) -> Option<Credential> {
    let mut broken: Vec<String> = Vec::new();
    for key in keys {
        let mut config = config.clone();
        // The store keeps what was logged in to: hosts.
        let is_host = !key.contains('/') || key.starts_with("https://");
        let store = config.get("credsStore").and_then(Value::as_str).map(str::to_owned);
        if !is_host || store.is_some_and(|store| broken.contains(&store)) {
            config.as_object_mut()?.remove("credsStore");
        }
        loop {
            match get_credential_from_reader(config.to_string().as_bytes(), key) {
                Ok(DockerCredential::IdentityToken(token)) => return Some(Credential::Identity(token)),
                // An account without a name and a password is an entry that only says which program has it.
                Ok(DockerCredential::UsernamePassword(user, password)) if user.is_empty() && password.is_empty() => {
                    break;
                }
                Ok(DockerCredential::UsernamePassword(user, password)) => {
                    return Some(Credential::Basic(Creds { user, password }));
                }
                Err(CredentialRetrievalError::NoCredentialConfigured) => break,
                // An entry of `auths` that holds nothing is how docker says that a program has it.
                Err(CredentialRetrievalError::CredentialDecodingError | CredentialRetrievalError::ConfigReadError) => {
                    break;
                }
                Err(error) => {
                    let Some(program) = without_helper(&mut config, key) else { break };
                    if let Some(why) = said(&error).filter(|_| !broken.contains(&program)) {
                        tell(format!("docker-credential-{program} has no credential for {key}: {why}"));
                        broken.push(program);
                    }
                }
            }
        }
    }
    None
}

/// Takes the program that is asked for `key` out of a configuration, and returns its name.
fn without_helper(config: &mut Value, key: &str) -> Option<String> {
    let of_key = config.get_mut("credHelpers").and_then(Value::as_object_mut).and_then(|helpers| helpers.remove(key));
    let name = of_key.filter(|name| name.as_str().is_some_and(|name| !name.is_empty()));
    let name = name.or_else(|| config.as_object_mut()?.remove("credsStore"))?;
    name.as_str().map(str::to_owned)
}

/// The meaning of a program's failure for the user; `None` if it only says that it has nothing. Its standard output, where secrets are
/// written, is not shown.
fn said(error: &CredentialRetrievalError) -> Option<String> {
    match error {
        CredentialRetrievalError::HelperFailure { stdout, stderr, .. } => {
            let all = format!("{stdout} {stderr}").to_lowercase();
            let nothing = ["not found", "no credentials", "not exist"].iter().any(|words| all.contains(words));
            let words = || stderr.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect();
            (!nothing).then(words)
        }
        CredentialRetrievalError::HelperCommunicationError => Some("it cannot be run".to_owned()),
        error => Some(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn basic(user: &str, password: &str) -> Option<Credential> {
        Some(Credential::Basic(Creds { user: user.into(), password: password.into() }))
    }

    fn find_in(files: &[(&str, &str)], variables: &[(&str, &str)], host: &str, repository: &str) -> Option<Credential> {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let at = |value: &str| value.replace('~', dir.path().to_str().unwrap());
        let variables: HashMap<String, String> = variables.iter().map(|(k, v)| ((*k).into(), at(v))).collect();
        find(&Options::default(), host, repository, &|name| variables.get(name).cloned())
            .unwrap()
            .0
            .map(|(found, _)| found)
    }

    impl std::fmt::Debug for Credential {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            match self {
                Self::Basic(Creds { user, password }) => write!(f, "{user}:{password}"),
                Self::Identity(token) => write!(f, "token {token}"),
            }
        }
    }

    #[test]
    fn files_are_asked_in_podmans_order_and_then_dockers() {
        let podman = r#"{"auths":{"r.io":{"auth":"YTpi"}}}"#;
        let docker = r#"{"auths":{"r.io":{"auth":"Yzpk"},"s.io":{"username":"e","password":"f"}}}"#;
        let files = [("run/containers/auth.json", podman), (".docker/config.json", docker), ("x.json", "{}")];
        let home = ("HOME", "~");
        let run = ("XDG_RUNTIME_DIR", "~/run");
        assert_eq!(find_in(&files, &[home, run], "r.io", "x"), basic("a", "b"));
        assert_eq!(find_in(&files, &[home], "r.io", "x"), basic("c", "d"));
        assert_eq!(find_in(&files, &[home, run], "s.io", "x"), basic("e", "f"));
        assert_eq!(find_in(&files, &[home, run, ("REGISTRY_AUTH_FILE", "~/x.json")], "r.io", "x"), basic("c", "d"));
        assert_eq!(find_in(&files, &[home, ("DOCKER_CONFIG", "~/none")], "r.io", "x"), None);
        let inline = ("DOCKER_AUTH_CONFIG", r#"{"auths":{"r.io":{"auth":"YTpi"}}}"#);
        assert_eq!(find_in(&[], &[inline], "r.io", "x"), basic("a", "b"));
        assert_eq!(find_in(&[(".docker/config.json", "{ no json")], &[home, inline], "r.io", "x"), basic("a", "b"));
    }

    #[test]
    fn the_most_specific_key_counts_and_dockers_own_key_is_known() {
        let text = r#"{"auths":{"r.io":{"auth":"YTpi"},"r.io/org":{"auth":"Yzpk"},"https://index.docker.io/v1/":{"identitytoken":"t"}}}"#;
        let files = [(".docker/config.json", text)];
        let home = [("HOME", "~")];
        assert_eq!(find_in(&files, &home, "r.io", "org/app"), basic("c", "d"));
        assert_eq!(find_in(&files, &home, "r.io", "other/app"), basic("a", "b"));
        assert_eq!(find_in(&files, &home, "docker.io", "library/x"), Some(Credential::Identity("t".into())));
        assert_eq!(find_in(&files, &home, "ghcr.io", "x"), None);
    }

    #[test]
    fn one_missing_program_does_not_spoil_the_others() {
        let text = r#"{"auths":{"r.io":{"auth":"YTpi"},"s.io":{}},"credHelpers":{"r.io":"no-such-program"},"credsStore":"nor-this"}"#;
        let files = [(".docker/config.json", text)];
        assert_eq!(find_in(&files, &[("HOME", "~")], "r.io", "x"), basic("a", "b"));
        assert_eq!(find_in(&files, &[("HOME", "~")], "s.io", "x"), None);
        let config: Value = serde_json::from_str(text).unwrap();
        let mut told = Vec::new();
        in_config(config, &keys("r.io", "x"), &mut |why| told.push(why));
        assert!(told.iter().any(|t| t.contains("docker-credential-no-such-program")), "{told:?}");
    }
}
