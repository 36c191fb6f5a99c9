//! `docker slim`: slim as a plugin of docker's client, which it is when its file is called `docker-slim`. Images are docker's then:
//! IN and OUT are in the daemon of the current context. Source: <https://github.com/docker/cli/blob/master/cli-plugins/metadata/metadata.go>.
//!
//! Docker calls `docker-slim [OPTIONS OF DOCKER] slim …`, and sets no variable for its own options, such as `--context`. So slim
//! starts itself anew with the variables that say the same to every client of docker that it calls.

use super::args::{Args, Command};
use crate::source::Location;
use crate::stores::{Store, Stored};
use crate::{Error, ErrorKind, Result};
use serde_json::json;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

/// The name of the file, by which slim is a plugin.
const FILE: &str = "docker-slim";
/// The usage lines of the plugin.
const USAGE: &str = "docker slim IMAGE [-p PROFILE[,PROFILE...]] [-t REF] [OPTIONS]\n       docker slim COMMAND";
/// The end of the plugin's help.
const HELP: &str = "IMAGE and the new image are in the docker daemon of the current context. Without -t the new image is IMAGE with `-slim` \
    behind its tag: app:v1-slim of app:v1, app:latest-slim of app. Other images have a prefix: docker-archive:PATH, oci:DIR, \
    docker://HOST/REPO:TAG.

Examples:
  docker slim app:v1
  docker slim app:v1 -p python-slim -t app:small
  docker slim analyze app:v1
  docker slim diff app:v1 app:v1-slim";
/// The prefixes that mean what they mean without docker. `docker:` and `registry:` are missing: they are well-known images.
const PREFIXES: [&str; 8] = [
    "docker-archive:",
    "oci-archive:",
    "oci:",
    "docker://",
    "docker-daemon:",
    "podman:",
    "containers-storage:",
    "containerd:",
];
/// The options of docker with a value that have a variable.
const VARIABLES: [(&str, &str); 5] = [
    ("--config", "DOCKER_CONFIG"),
    ("--context", "DOCKER_CONTEXT"),
    ("-c", "DOCKER_CONTEXT"),
    ("--host", "DOCKER_HOST"),
    ("-H", "DOCKER_HOST"),
];

/// What docker wants of the plugin.
#[derive(Debug, PartialEq, Eq)]
pub enum Call {
    /// The description of the plugin.
    Metadata,
    /// Words that complete a command line: slim has none.
    Completion,
    /// A run with these arguments, with variables that have to be set first.
    Run(Vec<OsString>, Vec<(&'static str, OsString)>),
}

impl Call {
    /// Returns the call if slim is a plugin; `arguments` are those of the process, its own name first.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Usage`] for an option of docker that slim cannot hand on.
    pub fn of(arguments: &[OsString]) -> Result<Option<Self>> {
        let Some((own, arguments)) = arguments.split_first() else { return Ok(None) };
        if Path::new(own).file_name() != Some(OsStr::new(FILE)) {
            return Ok(None);
        }
        let first = arguments.first().and_then(|word| word.to_str()).unwrap_or_default();
        if first == "docker-cli-plugin-metadata" {
            return Ok(Some(Self::Metadata));
        }
        if first.starts_with("__complete") {
            return Ok(Some(Self::Completion));
        }
        let (mut rest, mut set) = (arguments.iter(), Vec::new());
        let mut words: Vec<OsString> = Vec::new();
        while let Some(word) = rest.next() {
            let text = word.to_string_lossy();
            let (name, value) = text.split_once('=').map_or((&*text, None), |(name, value)| (name, Some(value.into())));
            match name {
                // What follows is slim's own. `docker help slim` asks for help.
                "slim" => words.extend(rest.by_ref().cloned()),
                "help" => {
                    words = rest.by_ref().skip(1).cloned().collect();
                    words.push("--help".into());
                }
                "-D" | "--debug" => {}
                "--tls" => set.push(("DOCKER_TLS", "1".into())),
                "--tlsverify" => set.push(("DOCKER_TLS_VERIFY", "1".into())),
                "-l" | "--log-level" => drop(value.or_else(|| rest.next().cloned())),
                _ => match VARIABLES.iter().find(|(option, _)| *option == name) {
                    Some((_, variable)) => {
                        let missing = || Error::new(ErrorKind::Usage, format!("`{name}` needs a value"));
                        set.push((*variable, value.or_else(|| rest.next().cloned()).ok_or_else(missing)?));
                    }
                    None if name.starts_with("--tls") => {
                        let error = Error::new(ErrorKind::Usage, format!("`{name}` cannot be handed on to docker"));
                        return Err(
                            error.hint("DOCKER_CERT_PATH names the directory with ca.pem, cert.pem and key.pem")
                        );
                    }
                    // Called by hand, without `slim`.
                    None => {
                        words.push(word.clone());
                        words.extend(rest.by_ref().cloned());
                    }
                },
            }
        }
        Ok(Some(Self::Run(words, set)))
    }
}

/// Returns the description that docker asks for.
pub fn metadata() -> String {
    let description = "Drop what a running container never needs out of an image";
    let (version, url) = (env!("CARGO_PKG_VERSION"), "");
    json!({"SchemaVersion": "0.1.0", "Vendor": "slim", "Version": version, "ShortDescription": description, "URL": url})
        .to_string()
}

/// Starts slim anew as a plugin, with variables. Returns only if that fails.
pub fn restart(words: &[OsString], set: &[(&'static str, OsString)]) -> Error {
    let own = std::env::current_exe().unwrap_or_else(|_| FILE.into());
    let mut command = std::process::Command::new(own);
    command.arg0(FILE).arg("slim").args(words).envs(set.iter().map(|(name, value)| (name, value)));
    Error::io("slim cannot start itself anew", command.exec())
}

/// Returns the definition of the plugin's command line.
pub fn definition(command: clap::Command) -> clap::Command {
    command.bin_name("docker slim").override_usage(USAGE).after_help(HELP).after_long_help(HELP)
}

/// Gives the arguments the meaning that they have for docker's images.
///
/// # Errors
/// Returns [`ErrorKind::Usage`] if there is no name for the new image.
pub fn for_docker(args: &mut Args) -> Result<()> {
    let image = |text: &mut String| *text = in_docker(text);
    match &mut args.command {
        None => {
            args.request.image.input.iter_mut().for_each(image);
            if let (Some(input), None, false) = (&args.request.image.input, &args.output, args.dry_run) {
                let name = if args.tags.is_empty() { slimmed(input)? } else { args.tags.remove(0) };
                args.output = Some(format!("docker-daemon:{name}"));
            }
        }
        Some(Command::Analyze(analyze)) => {
            analyze.image.input.iter_mut().chain(&mut analyze.second).for_each(image);
        }
        Some(Command::Diff(diff)) => [&mut diff.before, &mut diff.after].into_iter().for_each(image),
        Some(Command::Compare(compare)) => compare.image.input.iter_mut().for_each(image),
        Some(Command::Plan(plan)) => plan.request.image.input.iter_mut().for_each(image),
        Some(Command::Verify(verify)) => {
            verify.request.image.input.iter_mut().chain(&mut verify.against).for_each(image);
        }
        Some(_) => {}
    }
    Ok(())
}

/// Returns the location of an image as docker's command line names it.
fn in_docker(text: &str) -> String {
    let elsewhere =
        text == "-" || text.starts_with(['/', '.']) || PREFIXES.iter().any(|prefix| text.starts_with(prefix));
    if elsewhere { text.to_owned() } else { format!("docker-daemon:{text}") }
}

/// Returns the name of the image that is made of `input`.
fn slimmed(input: &str) -> Result<String> {
    let location = Location::parse(input)?;
    let name = location.stored().filter(|stored| stored.store == Store::Docker).and_then(Stored::name);
    let error =
        || Error::new(ErrorKind::Usage, format!("{input} has no name that one for the new image could be made of"));
    name.map(|name| format!("{}-slim", name.familiar())).ok_or_else(|| error().hint("name it: `-t NAME:TAG`"))
}

/// Puts the link into docker's directory of plugins, and returns a line about it.
///
/// # Errors
/// Returns an error if something else is there, or the file system fails.
pub fn install() -> Result<String> {
    let (link, own) = (link()?, std::env::current_exe().map_err(|e| Error::io("slim does not find its own file", e))?);
    remove_link(&link)?;
    let failed = |e: io::Error| Error::io("cannot be made", e).archive(link.display());
    link.parent().map_or(Ok(()), std::fs::create_dir_all).map_err(failed)?;
    std::os::unix::fs::symlink(&own, &link).map_err(failed)?;
    Ok(format!("{} -> {}\n`docker slim --help` says more", link.display(), own.display()))
}

/// Removes the link, and returns a line about it.
///
/// # Errors
/// Returns an error if something else is there, or the file system fails.
pub fn remove() -> Result<String> {
    let link = link()?;
    Ok(if remove_link(&link)? { format!("{} is removed", link.display()) } else { "it was not installed".to_owned() })
}

/// The place of the link.
fn link() -> Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let dir = set("DOCKER_CONFIG").or_else(|| Some(set("HOME")?.join(".docker")));
    let error = || Error::new(ErrorKind::Usage, "neither DOCKER_CONFIG nor HOME is set");
    Ok(dir.ok_or_else(error)?.join("cli-plugins").join(FILE))
}

/// Removes a link, if one is there. What is no link is somebody else's.
fn remove_link(link: &Path) -> Result<bool> {
    let failed = |e| Error::io("cannot be replaced", e).archive(link.display());
    match link.symlink_metadata() {
        Ok(found) if found.is_symlink() => std::fs::remove_file(link).map(|()| true).map_err(failed),
        Ok(_) => {
            let error = Error::new(ErrorKind::Usage, "this is no link, so slim did not put it there");
            Err(error.archive(link.display()).hint(format!("move it away first: `mv {0} {0}.old`", link.display())))
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(failed(e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(line: &str) -> Option<Call> {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        Call::of(&words).unwrap()
    }

    fn run(line: &str) -> (String, Vec<(&'static str, String)>) {
        let Some(Call::Run(words, set)) = call(line) else { panic!("{line}") };
        let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        (words.join(" "), set.into_iter().map(|(name, value)| (name, value.to_string_lossy().into_owned())).collect())
    }

    #[test]
    fn docker_calls_it_by_its_file_name() {
        assert_eq!(call("/usr/bin/slim docker-cli-plugin-metadata"), None);
        assert_eq!(call("/x/docker-slim docker-cli-plugin-metadata"), Some(Call::Metadata));
        assert_eq!(call("docker-slim __completeNoDesc slim x"), Some(Call::Completion));
        assert_eq!(run("docker-slim slim app:v1 -p x"), ("app:v1 -p x".into(), vec![]));
        assert_eq!(run("docker-slim slim slim help"), ("slim help".into(), vec![]));
        assert_eq!(run("docker-slim help slim analyze"), ("analyze --help".into(), vec![]));
        assert_eq!(run("docker-slim app --dry-run"), ("app --dry-run".into(), vec![]));
        let json: serde_json::Value = serde_json::from_str(&metadata()).unwrap();
        assert_eq!((json["SchemaVersion"].as_str(), json["Vendor"].as_str()), (Some("0.1.0"), Some("slim")));
    }

    #[test]
    fn dockers_own_options_become_variables() {
        let (words, set) =
            run("docker-slim -D --context foo -H=tcp://h:1 --config /c --tls -l debug --tlsverify slim app -c x");
        assert_eq!(words, "app -c x");
        let expected = [
            ("DOCKER_CONTEXT", "foo"),
            ("DOCKER_HOST", "tcp://h:1"),
            ("DOCKER_CONFIG", "/c"),
            ("DOCKER_TLS", "1"),
            ("DOCKER_TLS_VERIFY", "1"),
        ];
        assert_eq!(set, expected.map(|(name, value)| (name, value.to_owned())));
        for line in ["docker-slim --tlscert x slim app", "docker-slim --context"] {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert_eq!(Call::of(&words).unwrap_err().kind, ErrorKind::Usage, "{line}");
        }
    }

    #[test]
    fn a_word_is_an_image_of_dockers() {
        for (text, location) in [
            ("app:v1", "docker-daemon:app:v1"),
            ("docker:dind", "docker-daemon:docker:dind"),
            ("registry:2", "docker-daemon:registry:2"),
            ("h:5000/a", "docker-daemon:h:5000/a"),
            ("-", "-"),
            ("./app.tar", "./app.tar"),
            ("oci:dir", "oci:dir"),
            ("docker://alpine", "docker://alpine"),
        ] {
            assert_eq!(in_docker(text), location);
        }
        assert_eq!(slimmed("docker-daemon:app:v1").unwrap(), "app:v1-slim");
        assert_eq!(slimmed("docker-daemon:h:5000/a").unwrap(), "h:5000/a:latest-slim");
        for text in ["docker-daemon:sha256:0123456789ab", "podman:app", "app.tar"] {
            assert!(slimmed(text).unwrap_err().hint.unwrap().contains("-t"), "{text}");
        }
    }
}
