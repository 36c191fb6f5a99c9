//! A layer's instruction as its author wrote it, taken from the builders' version in the history.

/// The text that builders write before a shell command.
const SHELL: &str = "/bin/sh -c ";

/// The least length of a checksum in an instruction, in hexadecimal digits.
const CHECKSUM: usize = 32;

/// Returns `created_by` without the builder's frame: `/bin/sh -c #(nop)  CMD x` is `CMD x`, `/bin/sh -c y` and `RUN |1 A=b
/// /bin/sh -c y # buildkit` are `RUN y`. White space becomes single blanks, so that it fits on a line.
#[must_use]
pub fn clean(created_by: &str) -> String {
    let line = created_by.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.strip_suffix(" # buildkit").unwrap_or(&line);
    if let Some(rest) = line.strip_prefix(SHELL) {
        return rest.strip_prefix("#(nop) ").map_or_else(|| format!("RUN {rest}"), str::to_owned);
    }
    // Build arguments stand before the command: `|2 A=1 B=2 /bin/sh -c`. The classic builder has no `RUN` there.
    let run = line.strip_prefix("RUN ").or_else(|| line.starts_with('|').then_some(line));
    match run.and_then(|run| without_shell(run)) {
        Some(command) => format!("RUN {command}"),
        None => line.to_owned(),
    }
}

/// Returns `created_by` as pages tell it: [`clean`], and without checksums.
#[must_use]
pub fn told(created_by: &str) -> String {
    without_checksums(&clean(created_by))
}

/// Returns a text about instructions without the checksums by which the classic builder names what it copied: `ADD file:c92e… in /`
/// is `ADD a file in /`.
#[must_use]
pub fn without_checksums(text: &str) -> String {
    let name = |word: &str| {
        let (kind, checksum) = word.split_once(':')?;
        let is_checksum = checksum.len() >= CHECKSUM && checksum.bytes().all(|b| b.is_ascii_hexdigit());
        match kind {
            "file" if is_checksum => Some("a file"),
            "dir" if is_checksum => Some("a directory"),
            "multi" if is_checksum => Some("several files"),
            _ => None,
        }
    };
    let words: Vec<&str> = text.split(' ').map(|word| name(word).unwrap_or(word)).collect();
    words.join(" ")
}

fn without_shell(run: &str) -> Option<&str> {
    let start = if run.starts_with('|') { run.find(&format!(" {SHELL}"))? + 1 } else { 0 };
    run[start..].strip_prefix(SHELL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builders_frame_goes() {
        for (created_by, shown) in [
            ("/bin/sh -c #(nop)  CMD [\"bash\"]", "CMD [\"bash\"]"),
            ("/bin/sh -c #(nop) ADD file:0a in / ", "ADD file:0a in /"),
            ("/bin/sh -c apt-get update", "RUN apt-get update"),
            ("RUN /bin/sh -c apt-get update \t&&\n  true # buildkit", "RUN apt-get update && true"),
            ("RUN |2 A=1 B=x y /bin/sh -c make # buildkit", "RUN make"),
            ("|1 A=1 /bin/sh -c make", "RUN make"),
            ("COPY . /app # buildkit", "COPY . /app"),
            ("RUN /bin/bash -o pipefail -c x # buildkit", "RUN /bin/bash -o pipefail -c x"),
            ("RUN |1 A=1 /bin/bash -c x", "RUN |1 A=1 /bin/bash -c x"),
            ("crane append", "crane append"),
            ("", ""),
        ] {
            assert_eq!(clean(created_by), shown, "{created_by}");
        }
    }

    #[test]
    fn what_was_copied_is_not_told_by_its_checksum() {
        let hash = "0a".repeat(32);
        for (made, shown) in [
            (format!("ADD file:{hash} in /"), "ADD a file in /"),
            (
                format!("`COPY dir:{hash} in /app` in layer 2 frees nothing"),
                "`COPY a directory in /app` in layer 2 frees nothing",
            ),
            (format!("COPY multi:{hash} in / "), "COPY several files in / "),
            ("ADD file:///a in /".to_owned(), "ADD file:///a in /"),
            ("RUN echo file:beef".to_owned(), "RUN echo file:beef"),
        ] {
            assert_eq!(without_checksums(&made), shown, "{made}");
        }
    }
}
