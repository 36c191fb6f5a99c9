//! The `#!` line of a script, read as Linux reads it: the program that runs the file.

use bstr::{BString, ByteSlice};

/// The number of bytes at the beginning of a file that the kernel looks at.
const HEAD: usize = 256;

/// The interpreter and argument on a script's first line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shebang {
    /// The path of the interpreter, as written.
    pub interpreter: BString,
    /// The rest of the line, which the kernel passes as one argument.
    pub argument: Option<BString>,
}

/// Returns the `#!` line of a file whose first 256 bytes, or all of them, are `head`. Returns `None` if there is none or the
/// kernel would refuse it.
#[must_use]
pub fn shebang(head: &[u8]) -> Option<Shebang> {
    let whole = head.len() < HEAD;
    // The last byte is reserved by the kernel for a NUL.
    let head = head.get(..HEAD - 1).unwrap_or(head);
    let line = head.strip_prefix(b"#!")?;
    let end = line.find_byte(b'\n');
    let line = line[..end.unwrap_or(line.len())].trim_with(is_blank);
    let name = line.find_byteset(b" \t\0");
    if name.is_none() && end.is_none() && !whole {
        // The path may go on beyond what the kernel reads.
        return None;
    }
    let (interpreter, rest) = line.split_at(name.unwrap_or(line.len()));
    if interpreter.is_empty() {
        return None;
    }
    let argument = if rest.starts_with(b"\0") { &[] } else { rest.trim_start_with(is_blank) };
    let argument = argument.split(|&c| c == 0).next().unwrap_or_default();
    let argument = (!argument.is_empty()).then(|| argument.into());
    Some(Shebang { interpreter: interpreter.into(), argument })
}

fn is_blank(c: char) -> bool {
    c == ' ' || c == '\t'
}

impl Shebang {
    /// Returns the program that `env` is asked to run, to be looked up on PATH unless it has a slash: `#!/usr/bin/env python3`,
    /// `#!/usr/bin/env -S VAR=x python3 -u`. Returns `None` if the interpreter is not `env`, or `env` gets no name.
    #[must_use]
    pub fn env_program(&self) -> Option<BString> {
        if crate::path::split(&self.interpreter).1 != b"env" {
            return None;
        }
        let argument = self.argument.as_ref()?;
        let words = match split_string(argument) {
            Some(words) => words,
            // Without -S a name with blanks is one name.
            None if argument.starts_with(b"-") || argument.contains(&b'=') => return None,
            None => vec![argument.clone()],
        };
        program(words)
    }
}

/// Returns the words of `-S STRING`, also as `-vS`, `-iS` or `--split-string=`.
fn split_string(argument: &[u8]) -> Option<Vec<BString>> {
    if let Some(string) = argument.strip_prefix(b"--split-string") {
        return string.strip_prefix(b"=").or_else(|| string.strip_prefix(b" ")).map(words);
    }
    let flags = argument.strip_prefix(b"-")?;
    let at = flags.iter().position(|c| !matches!(c, b'i' | b'v' | b'0'))?;
    flags[at..].strip_prefix(b"S").map(words)
}

/// Splits at blanks; quotes and backslashes mean what they mean to `env`, without its variables.
fn words(string: &[u8]) -> Vec<BString> {
    let mut words: Vec<BString> = Vec::new();
    let (mut word, mut quote) = (None::<BString>, None);
    let mut bytes = string.iter().copied();
    while let Some(c) = bytes.next() {
        match (c, quote) {
            (b'\\', _) => word.get_or_insert_default().extend(bytes.next()),
            (b'"' | b'\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (_, Some(open)) if c == open => quote = None,
            (b' ' | b'\t', None) => words.extend(word.take()),
            (b'#', None) if word.is_none() => break,
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// Returns the first word that is neither an option of `env`, nor an option's value, nor `VAR=x`.
fn program(words: Vec<BString>) -> Option<BString> {
    let mut words = words.into_iter();
    let mut options = true;
    while let Some(word) = words.next() {
        if options && word.len() > 1 && word.starts_with(b"-") {
            options = word != "--";
            // Their value is the next word.
            if ["-u", "-C", "-a", "--unset", "--chdir", "--argv0"].iter().any(|option| word == *option) {
                words.next();
            }
        } else if word == "-" {
            // The old name of -i.
        } else if word.contains(&b'=') {
            options = false;
        } else {
            return Some(word);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(head: &str) -> Option<(String, Option<String>)> {
        shebang(head.as_bytes()).map(|s| (s.interpreter.to_string(), s.argument.map(|a| a.to_string())))
    }

    fn program_of(head: &str) -> Option<String> {
        shebang(head.as_bytes())?.env_program().map(|p| p.to_string())
    }

    #[test]
    fn the_line_is_a_path_and_one_argument() {
        let line = |path: &str, argument: Option<&str>| Some((path.to_owned(), argument.map(str::to_owned)));
        assert_eq!(read("#!/bin/sh\necho"), line("/bin/sh", None));
        assert_eq!(read("#! \t/bin/sh"), line("/bin/sh", None));
        assert_eq!(read("#!/bin/sh  -e -u \t\nx"), line("/bin/sh", Some("-e -u")));
        assert_eq!(read("#!/bin/sh\r\n"), line("/bin/sh\r", None));
        assert_eq!(read("#!/bin/sh\0-e\n"), line("/bin/sh", None));
        assert_eq!(read("#!/bin/sh -e\0junk\n"), line("/bin/sh", Some("-e")));
        for none in ["", "#", "#!", "#! \n/bin/sh", " #!/bin/sh", "#\n!/bin/sh", "#!\0/bin/sh\n", "\u{feff}#!/bin/sh"] {
            assert_eq!(read(none), None, "{none:?}");
        }
    }

    #[test]
    fn the_line_ends_where_the_kernel_stops_to_read() {
        let long = format!("#!/{}\n", "a".repeat(300));
        assert_eq!(read(&long), None);
        let fits = format!("#!/{}\n", "a".repeat(251));
        assert_eq!(read(&fits).unwrap().0.len(), 252);
        let cut = format!("#!/bin/sh {}\n", "a".repeat(300));
        assert_eq!(read(&cut).unwrap().1.unwrap().len(), 255 - "#!/bin/sh ".len());
    }

    #[test]
    fn env_runs_the_first_word_that_is_a_program() {
        for (line, program) in [
            ("#!/usr/bin/env python3", Some("python3")),
            ("#!/bin/env python3", Some("python3")),
            ("#!/usr/bin/env -S python3 -u", Some("python3")),
            ("#!/usr/bin/env -Spython3 -u", Some("python3")),
            ("#!/usr/bin/env -vS -i -u HOME A=b B='c d' -x", Some("-x")),
            ("#!/usr/bin/env -S -u HOME A=b B='c d' /opt/x/run", Some("/opt/x/run")),
            ("#!/usr/bin/env --split-string=node --experimental", Some("node")),
            ("#!/usr/bin/env -S \"my prog\" x", Some("my prog")),
            ("#!/usr/bin/env -S -- prog", Some("prog")),
            ("#!/usr/bin/env python3 -u", Some("python3 -u")),
            ("#!/usr/bin/env -i", None),
            ("#!/usr/bin/env A=b", None),
            ("#!/usr/bin/env -S A=b # prog", None),
            ("#!/usr/bin/env", None),
            ("#!/usr/bin/python3 x", None),
        ] {
            assert_eq!(program_of(line).as_deref(), program, "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_head_makes_it_panic(line in "[ -~\\t\\n\\x00]{0,300}", bytes: Vec<u8>) {
            for head in [&[b"#!/usr/bin/env -S ", line.as_bytes()].concat(), &[b"#!", line.as_bytes()].concat(), &bytes] {
                if let Some(found) = shebang(head) {
                    prop_assert!(!found.interpreter.is_empty());
                    let _ = found.env_program();
                }
            }
        }
    }
}
