//! How an engine is reached: by its client program, or else by its socket.

use super::client::{self, Client};
use super::ctr::Ctr;
use super::engine::Engine;
use super::socket::{self, Socket};
use super::{Store, Stored};
use crate::{Error, ErrorKind, Result};
use std::env;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The time that an engine may take to answer a question: ten seconds are what `ctr` itself waits for containerd.
const ANSWER: Duration = Duration::from_secs(60);

/// The engine of an image; `offline` is true if none may be asked.
///
/// # Errors
/// Returns an error if engines must not be asked, or if there is no way to this one.
pub fn engine(stored: &Stored, offline: bool) -> Result<Box<dyn Engine>> {
    if offline {
        let error = Error::new(ErrorKind::Usage, "no engine is asked, as --offline or SLIM_OFFLINE is set");
        return Err(error.hint("without it slim asks the engine that you name"));
    }
    engine_within(stored.store, stored.namespace.clone(), ANSWER)
}

/// The engine of a kind, whose questions end after `limit`.
///
/// # Errors
/// Returns an error if there is no way to it.
pub fn engine_within(store: Store, namespace: Option<String>, limit: Duration) -> Result<Box<dyn Engine>> {
    let program = program(store);
    Ok(match (store, program) {
        (Store::Containerd, Some(program)) => Box::new(Ctr { program, namespace, limit }),
        (Store::Containerd, None) => return Err(client::no_client(store, "containerd is asked by no other way")),
        (_, Some(program)) => Box::new(Client { store, program, limit }),
        (_, None) => Box::new(Socket { store, path: socket(store)?, limit }),
    })
}

/// The client program. As a plugin of docker's, slim asks the docker that has called it.
fn program(store: Store) -> Option<PathBuf> {
    let caller = env::var_os("DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND").filter(|_| store == Store::Docker);
    caller.and_then(|name| on_path(Path::new(&name))).or_else(|| on_path(Path::new(store.program())))
}

/// Looks for a program as a shell does.
fn on_path(name: &Path) -> Option<PathBuf> {
    let is_program = |path: &PathBuf| path.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0);
    if name.components().count() > 1 {
        return Some(name.to_owned()).filter(is_program);
    }
    let dirs = env::var_os("PATH")?;
    env::split_paths(&dirs).map(|dir| dir.join(name)).find(is_program).map(|_| name.to_owned())
}

/// The socket of docker or podman.
fn socket(store: Store) -> Result<PathBuf> {
    let set = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let (address, usual) = match store {
        Store::Podman => {
            let user = set("XDG_RUNTIME_DIR").map(|dir| format!("{dir}/podman/podman.sock"));
            let user = user.filter(|path| Path::new(path).exists());
            (set("CONTAINER_HOST"), user.unwrap_or_else(|| "/run/podman/podman.sock".to_owned()))
        }
        Store::Docker | Store::Containerd => (set("DOCKER_HOST"), "/var/run/docker.sock".to_owned()),
    };
    let context = set("DOCKER_CONTEXT").filter(|name| name != "default" && store == Store::Docker);
    match (address, context) {
        (Some(address), _) => match address.strip_prefix("unix://") {
            Some(path) => Ok(PathBuf::from(path)),
            None => Err(socket::not_local(store, &address)),
        },
        (None, Some(context)) => Err(socket::not_local(store, &format!("the context {context}"))),
        (None, None) if Path::new(&usual).exists() => Ok(PathBuf::from(usual)),
        (None, None) => Err(client::no_client(store, &format!("{usual} is not there"))),
    }
}
