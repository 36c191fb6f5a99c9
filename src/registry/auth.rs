//! Access to a registry: what it asks for is remembered, and tokens are fetched for what is about to be done.
//! Sources: <https://distribution.github.io/distribution/spec/auth/token/>,
//! <https://distribution.github.io/distribution/spec/auth/oauth/>.

use super::challenge::{self, Challenge};
use super::credentials::{self, Credential, Found, environment};
use super::http::{Call, Http, Payload, Reply, shown};
use super::name::is_loopback;
use super::options::{Creds, Options};
use super::retry::{asked, is_busy, is_long, pause};
use crate::{Error, ErrorKind, Result, Warning};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use ureq::http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use ureq::http::{HeaderMap, Method, Uri};

/// The bytes that are read of what a token service says.
const MAX_TOKEN: u64 = 1 << 20;
/// What a value of a query cannot have as it is: all but letters, digits and four marks.
/// Source: <https://www.rfc-editor.org/rfc/rfc3986#section-2.3>.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The time before its end in which a token is not used any more.
const MARGIN: Duration = Duration::from_secs(5);

/// The access to one repository.
pub struct Auth {
    options: Options,
    host: String,
    repository: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What the registry asks for.
    challenge: Option<Challenge>,
    /// The credential, once it was looked for.
    credential: Option<Option<Found>>,
    /// Tokens by their scopes, with the time until which they are good.
    tokens: HashMap<String, (String, Instant)>,
    warnings: Vec<Warning>,
}

/// What a token service answers.
#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    /// OAuth's name for the same.
    access_token: Option<String>,
    expires_in: Option<u64>,
}

impl Auth {
    /// The access to a repository, about which nothing is known yet.
    #[must_use]
    pub fn new(options: &Options, host: &str, repository: &str) -> Self {
        let (host, repository) = (host.to_owned(), repository.to_owned());
        Self { options: options.clone(), host, repository, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers what a reply of status 401 asks for. Returns false if it asks for nothing that slim can do: with `password`, the
    /// request had one.
    pub fn learn(&self, headers: &HeaderMap, password: bool) -> bool {
        let texts = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let found = challenge::parse(texts);
        let mut state = self.state();
        state.tokens.clear();
        if found.is_some() {
            state.challenge = found;
        }
        state.challenge.as_ref().is_some_and(|challenge| !password || *challenge != Challenge::Basic)
    }

    /// Forgets tokens and credentials, as they are not good any more: programs that have them may know better ones.
    pub fn forget(&self) {
        let mut state = self.state();
        state.tokens.clear();
        state.credential = None;
        state.warnings.clear();
    }

    /// The warnings that came up so far.
    pub fn warnings(&self) -> Vec<Warning> {
        self.state().warnings.clone()
    }

    /// Returns the value of `Authorization` for another host that a registry led to and that asks for a token: one that anybody gets.
    /// The user's credentials are for the registry alone.
    pub fn anonymous(&self, http: &Http, headers: &HeaderMap) -> Option<String> {
        let texts = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let Some(Challenge::Bearer { realm, service, scope }) = challenge::parse(texts) else { return None };
        let scopes: Vec<&str> = scope.as_deref().into_iter().collect();
        let Token { token, access_token, .. } = self.fetch(http, &realm, service.as_deref(), &scopes, None).ok()?;
        token.or(access_token).map(|token| format!("Bearer {token}"))
    }

    /// The hint where the registry refuses: with what went wrong with the credentials.
    pub fn hint(&self) -> String {
        let origin = self.state().credential.clone().flatten().map(|(_, origin)| origin);
        let told: Vec<String> = self.warnings().into_iter().map(|warning| warning.message).collect();
        let hint = access_hint(&self.host, origin.as_deref());
        if told.is_empty() { hint } else { format!("{hint} ({})", told.join("; ")) }
    }

    /// Returns the value of `Authorization` for a request that needs `scopes`, such as `repository:org/app:pull`; `None` if the
    /// registry has asked for nothing.
    ///
    /// # Errors
    /// Returns an error if the file of credentials cannot be read, or no token is to be had.
    pub fn header(&self, http: &Http, scopes: &[String]) -> Result<Option<String>> {
        // One token is fetched at a time: others may need the same.
        let mut state = self.state();
        let Some(challenge) = state.challenge.clone() else { return Ok(None) };
        let credential = self.credential(&mut state)?;
        let (realm, service, scope) = match challenge {
            Challenge::Basic => {
                let Some(Credential::Basic(creds)) = credential else { return Ok(None) };
                return Ok(Some(basic(&creds)));
            }
            Challenge::Bearer { realm, service, scope } => (realm, service, scope),
        };
        let key = scopes.join(" ");
        if let Some((token, _)) = state.tokens.get(&key).filter(|(_, until)| Instant::now() + MARGIN < *until) {
            return Ok(Some(format!("Bearer {token}")));
        }
        let scopes: Vec<&str> = if scopes.is_empty() {
            scope.as_deref().into_iter().collect()
        } else {
            scopes.iter().map(String::as_str).collect()
        };
        let Token { token, access_token, expires_in } =
            self.fetch(http, &realm, service.as_deref(), &scopes, credential.as_ref())?;
        let token = token
            .or(access_token)
            .filter(|token| !token.is_empty())
            .ok_or_else(|| self.error(&realm, "it answers with no token"))?;
        // The specification's default; more than a day is as good as a day.
        let good = Duration::from_secs(expires_in.unwrap_or(60).clamp(MARGIN.as_secs() * 2, 86_400));
        let header = format!("Bearer {token}");
        state.tokens.insert(key, (token, Instant::now() + good));
        Ok(Some(header))
    }

    fn credential(&self, state: &mut State) -> Result<Option<Credential>> {
        if state.credential.is_none() {
            let (found, warnings) = credentials::find(&self.options, &self.host, &self.repository, &environment)?;
            state.warnings.extend(warnings);
            state.credential = Some(found);
        }
        Ok(state.credential.clone().flatten().map(|(credential, _)| credential))
    }

    fn fetch(
        &self,
        http: &Http,
        realm: &str,
        service: Option<&str>,
        scopes: &[&str],
        credential: Option<&Credential>,
    ) -> Result<Token> {
        let uri: Uri = realm.parse().map_err(|_| self.error(realm, "it is no address"))?;
        let secret = credential.is_some() && uri.scheme_str() != Some("https");
        if secret && self.options.tls_verify && !uri.host().is_some_and(is_loopback) {
            let error = self.error(realm, "it would get the password without encryption");
            return Err(error.hint("--tls-verify=false allows that"));
        }
        let service = service.map(|service| ("service", service));
        let scopes: Vec<(&str, &str)> =
            service.into_iter().chain(scopes.iter().map(|scope| ("scope", *scope))).collect();
        let mut answer = None;
        if let Some(Credential::Identity(token)) = credential {
            let joined =
                scopes.iter().filter(|(key, _)| *key == "scope").map(|(_, scope)| *scope).collect::<Vec<_>>().join(" ");
            let mut form =
                vec![("grant_type", "refresh_token"), ("client_id", "slim"), ("refresh_token", token.as_str())];
            form.extend(service);
            form.push(("scope", &joined));
            let body = query(&form);
            let headers = vec![(CONTENT_TYPE, "application/x-www-form-urlencoded".to_owned())];
            let call =
                Call { method: Method::POST, uri: uri.clone(), headers, payload: Payload::Bytes(body.as_bytes()) };
            let reply = self.ask(http, realm, &call)?;
            // Some know the older way alone.
            answer = (!matches!(reply.status, 401 | 404 | 405)).then_some(reply);
        }
        let answer = match answer {
            Some(answer) => answer,
            None => {
                let separator = if realm.contains('?') { '&' } else { '?' };
                let whole =
                    if scopes.is_empty() { realm.to_owned() } else { format!("{realm}{separator}{}", query(&scopes)) };
                let uri = whole.parse().map_err(|_| self.error(realm, "it is no address"))?;
                let creds = match credential {
                    Some(Credential::Basic(creds)) => Some(creds.clone()),
                    // As docker sends a token where a password is wanted.
                    Some(Credential::Identity(token)) => {
                        Some(Creds { user: "<token>".into(), password: token.clone() })
                    }
                    None => None,
                };
                let headers = creds.iter().map(|creds| (AUTHORIZATION, basic(creds))).collect();
                self.ask(http, realm, &Call { method: Method::GET, uri, headers, payload: Payload::None })?
            }
        };
        self.token(realm, answer, credential.is_some())
    }

    fn token(&self, realm: &str, mut answer: Reply, known: bool) -> Result<Token> {
        if answer.status >= 400 {
            let error = self.error(realm, &format!("it answers {}{}", answer.status, said(&answer.message)));
            return Err(error.hint(access_hint(&self.host, known.then_some("the first place that has some"))));
        }
        let text = answer.bytes(MAX_TOKEN).map_err(|e| self.error(realm, "its answer breaks off").cause(e))?;
        serde_json::from_slice(&text).map_err(|e| self.error(realm, "it answers with no token").cause(e))
    }

    /// Asks the token service, again where that helps.
    fn ask(&self, http: &Http, realm: &str, call: &Call<'_>) -> Result<Reply> {
        let mut attempt = 0;
        loop {
            let last = attempt >= self.options.retries;
            let wait = match http.send(call) {
                Ok(reply) if !last && is_busy(reply.status) && !is_long(&reply) => asked(&reply),
                Ok(reply) => return Ok(reply),
                Err(failure) if failure.transient && !last => None,
                Err(failure) => return Err(self.error(realm, &failure.what)),
            };
            std::thread::sleep(pause(attempt, wait));
            attempt += 1;
        }
    }

    fn error(&self, realm: &str, what: &str) -> Error {
        let realm = realm.parse::<Uri>().map_or_else(|_| realm.escape_debug().to_string(), |uri| shown(&uri));
        Error::new(ErrorKind::Remote, format!("{}: the token service {realm}: {what}", self.host))
    }
}

/// The hint where a registry refuses.
fn access_hint(host: &str, origin: Option<&str>) -> String {
    match origin {
        Some("--creds") => format!("{host} refuses the user and password of --creds"),
        Some(origin) => format!("{host} refuses the credentials in {origin}: log in again there, or `--creds USER`"),
        None => format!("no credentials for {host} were found: `docker login {host}`, or `--creds USER`"),
    }
}

/// What a registry says about an error, on one line and without control characters, behind a colon; empty if it says nothing.
/// Source: <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes>.
pub fn said(body: &str) -> String {
    let json: Option<serde_json::Value> = serde_json::from_str(body).ok();
    let text =
        |value: &serde_json::Value, key: &str| value.get(key).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
    let told = match &json {
        Some(json) => {
            let first = json.pointer("/errors/0").unwrap_or(json);
            let parts = [text(first, "code"), text(first, "message"), text(first, "details"), text(first, "error")];
            parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")
        }
        None if body.trim_start().starts_with('<') => String::new(),
        None => body.to_owned(),
    };
    let plain: String = told.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect();
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    if plain.is_empty() { plain } else { format!(": {plain}") }
}

fn basic(creds: &Creds) -> String {
    format!("Basic {}", STANDARD.encode(format!("{}:{}", creds.user, creds.password)))
}

/// A query, or the body of a form.
pub fn query(pairs: &[(&str, &str)]) -> String {
    let pair = |(key, value): &(&str, &str)| format!("{key}={}", utf8_percent_encode(value, RESERVED));
    pairs.iter().map(pair).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_registries_say_is_one_plain_line() {
        assert_eq!(said(r#"{"errors":[{"code":"DENIED","message":"no\u001b[2J way"}]}"#), ": DENIED: no [2J way");
        assert_eq!(said(r#"{"details":"incorrect username"}"#), ": incorrect username");
        assert_eq!(said("<html>"), "");
        assert_eq!(said("plain\ntext"), ": plain text");
    }

    #[test]
    fn queries_are_encoded() {
        assert_eq!(
            query(&[("scope", "repository:a/b:pull,push"), ("x", "ä")]),
            "scope=repository%3Aa%2Fb%3Apull%2Cpush&x=%C3%A4"
        );
    }
}
