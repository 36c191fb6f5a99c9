//! A stand-in for docker that is a shell script: it knows what was loaded, and each test says what runs in it.

use crate::run::Dir;
use std::os::unix::fs::PermissionsExt;

/// All but `run`, and what it was asked for in the file `log`.
const LOADS: &str = r#"#!/bin/sh
printf '%s\n' "$*" >> "$LOG"
dir=$(dirname "$LOG")
case $1 in
  version) exit 0 ;;
  image) case "$*" in *RepoTags*) echo '[]' ;; esac; for id; do :; done; [ -e "$dir/has-$id" ] ;;
  load) cat > "$dir/loaded.$$"; id=$(tar -xOf "$dir/loaded.$$" manifest.json | sed 's/.*"Config":"\([0-9a-f]*\).*/\1/')
    touch "$dir/has-sha256:$id"; mv "$dir/loaded.$$" "$dir/loaded-sha256:$id"; echo "Loaded image ID: sha256:$id" ;;
  rmi) rm "$dir/has-$2" ;;
"#;

/// Puts it into `dir` as `engine`; `run` is its case for that command.
pub fn install(dir: &mut Dir, run: &str) {
    let path = dir.write("engine", format!("{LOADS}{run}esac\n"));
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let log = dir.join("log").display().to_string();
    dir.env("LOG", &log);
}
