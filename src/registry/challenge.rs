//! What a registry says that it wants for access: the header `WWW-Authenticate`.
//! Source: <https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1>.

/// One way of getting access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// A name and a password with each request.
    Basic,
    /// A token of a token service.
    Bearer {
        /// The address of the token service.
        realm: String,
        /// The name of the registry there.
        service: Option<String>,
        /// The access that is needed.
        scope: Option<String>,
    },
}

/// Reads the headers of one reply. Of several ways the token is taken, as docker does; ways that are not known are passed over.
pub fn parse<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Challenge> {
    let found: Vec<Challenge> = headers.flat_map(challenges).collect();
    found.iter().find(|c| matches!(c, Challenge::Bearer { .. })).or(found.first()).cloned()
}

fn challenges(header: &str) -> Vec<Challenge> {
    let (mut found, mut scheme, mut params): (Vec<Challenge>, String, Vec<(String, String)>) =
        (Vec::new(), String::new(), Vec::new());
    for part in split(header) {
        let (word, rest) = part.split_once(char::is_whitespace).unwrap_or((part, ""));
        let is_scheme = !word.contains('=') && !rest.trim_start().starts_with('=');
        let param = if is_scheme {
            found.extend(made(&scheme, &params));
            scheme = word.to_ascii_lowercase();
            params.clear();
            rest.trim()
        } else {
            part
        };
        if let Some((key, value)) = param.split_once('=') {
            params.push((key.trim().to_ascii_lowercase(), unquoted(value.trim())));
        }
    }
    found.extend(made(&scheme, &params));
    found
}

fn made(scheme: &str, params: &[(String, String)]) -> Option<Challenge> {
    let get = |key: &str| params.iter().find(|(k, _)| k == key).map(|(_, value)| value.clone());
    match scheme {
        "basic" => Some(Challenge::Basic),
        "bearer" => Some(Challenge::Bearer { realm: get("realm")?, service: get("service"), scope: get("scope") }),
        _ => None,
    }
}

/// The parts between commas, but for commas in quotes: a scope has some.
fn split(header: &str) -> Vec<&str> {
    let (mut parts, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, c) in header.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted => {
                parts.push(header[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(header[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"') else { return value.to_owned() };
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    let (mut out, mut escaped) = (String::new(), false);
    for c in inner.chars() {
        if c == '\\' && !escaped {
            escaped = true;
        } else {
            out.push(c);
            escaped = false;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Option<Challenge> {
        let [service, scope] = [service, scope].map(|value| value.map(str::to_owned));
        Some(Challenge::Bearer { realm: realm.into(), service, scope })
    }

    #[test]
    fn the_token_is_preferred_and_commas_in_quotes_are_no_ends() {
        let docker = r#"Bearer realm="https://a/t",service="r",scope="repository:x:pull,push""#;
        assert_eq!(parse([docker].into_iter()), bearer("https://a/t", Some("r"), Some("repository:x:pull,push")));
        assert_eq!(parse([r#"Basic realm="x, y""#].into_iter()), Some(Challenge::Basic));
        for headers in [&["Basic realm=x", "bearer realm=y"][..], &[r#"Basic realm="x", Bearer realm="y""#]] {
            assert_eq!(parse(headers.iter().copied()), bearer("y", None, None));
        }
        assert_eq!(parse([r#"BEARER realm = "a\"b" , service=s"#].into_iter()), bearer("a\"b", Some("s"), None));
        assert_eq!(parse(["Negotiate", "Bearer", ""].into_iter()), None);
    }
}
