//! Requests to one repository: with access, sent again where that helps, and with errors that name host, repository and document.

use super::auth::{Auth, said};
use super::http::{Call, Failure, Http, Payload, Reply, same_origin, shown};
use super::mirrors::Endpoint;
use super::name::is_loopback;
use super::options::Options;
use super::retry::{asked, is_busy, is_long, pause};
use crate::{Error, ErrorKind, Result, Warning};
use std::sync::{Mutex, PoisonError};
use ureq::http::header::{AUTHORIZATION, HeaderName};
use ureq::http::{Method, StatusCode, Uri};

/// How often one request gets new access: a token may run out between two, or be used up by others.
const MAX_RENEWALS: u32 = 3;

/// A client of one repository of one registry.
pub struct Client {
    /// The place for messages: `docker://HOST/REPO`.
    place: String,
    endpoint: Endpoint,
    /// The options.
    pub options: Options,
    http: Http,
    auth: Auth,
    /// `https://HOST`, once it is known to answer.
    base: Mutex<Option<Uri>>,
}

/// A request to a registry.
pub struct Ask<'a> {
    /// The document for messages: `blob sha256:…`.
    pub what: &'a str,
    /// The method.
    pub method: Method,
    /// The address.
    pub uri: Uri,
    /// The headers.
    pub headers: Vec<(HeaderName, String)>,
    /// The body.
    pub payload: Payload<'a>,
    /// The access that it needs.
    pub scopes: &'a [String],
    /// True if it must not be sent again by itself: a part of an upload that has arrived in part would be there twice.
    pub once: bool,
}

impl Client {
    /// A client for an endpoint. Nothing is asked yet.
    ///
    /// # Errors
    /// Returns an error if registries must not be asked, or if a file of certificates cannot be read.
    pub fn new(options: &Options, endpoint: Endpoint) -> Result<Self> {
        let place = format!("docker://{}/{}", endpoint.host, endpoint.repository);
        if options.offline {
            let error = Error::new(ErrorKind::Usage, "no registry is asked, as --offline or SLIM_OFFLINE is set");
            return Err(error.archive(place).hint("without it slim opens a connection to the registry that you name"));
        }
        let options = Options { tls_verify: options.tls_verify && !endpoint.insecure, ..options.clone() };
        let http = Http::new(&options, [&endpoint.host, &endpoint.server])?;
        let auth = Auth::new(&options, &endpoint.host, &endpoint.repository);
        Ok(Self { place, endpoint, options, http, auth, base: Mutex::default() })
    }

    /// The repository at the endpoint.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.endpoint.repository
    }

    /// The warnings that came up so far.
    pub fn warnings(&self) -> Vec<Warning> {
        self.auth.warnings()
    }

    /// The address of a path below `/v2/`, such as `org/app/manifests/v1`.
    ///
    /// # Errors
    /// Returns an error if the registry does not answer.
    pub fn uri(&self, path: &str) -> Result<Uri> {
        let base = self.base()?;
        let text = format!("{}v2/{path}", base);
        text.parse().map_err(|e| self.error(&format!("{text} is no address")).cause(e))
    }

    /// Finds out how the registry is reached, and what it asks for.
    fn base(&self) -> Result<Uri> {
        let mut known = self.base.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(base) = &*known {
            return Ok(base.clone());
        }
        let server = &self.endpoint.server;
        let name = server.rsplit_once(':').map_or(server.as_str(), |(name, _)| name);
        let plain = !self.options.tls_verify || is_loopback(name) || is_loopback(server);
        let mut first: Option<Failure> = None;
        for attempt in 0..=self.options.retries {
            for scheme in ["https", "http"].iter().take(if plain { 2 } else { 1 }) {
                let base: Uri = format!("{scheme}://{server}/")
                    .parse()
                    .map_err(|e| self.error(&format!("{server} is no host")).cause(e))?;
                let uri =
                    format!("{base}v2/").parse().map_err(|e| self.error(&format!("{server} is no host")).cause(e))?;
                let call = Call { method: Method::GET, uri, headers: Vec::new(), payload: Payload::None };
                match self.http.send(&call) {
                    Ok(reply) => {
                        if reply.status == 401 && same_origin(&reply.uri, &base) {
                            self.auth.learn(&reply.headers, false);
                        }
                        return Ok(known.insert(base).clone());
                    }
                    // A certificate that is wrong is no reason to speak without one.
                    Err(failure) if failure.hint.is_some() => return Err(self.unreachable(&failure)),
                    Err(failure) => drop(first.get_or_insert(failure)),
                }
            }
            if first.as_ref().is_some_and(|failure| !failure.transient && !plain) {
                break;
            }
            if attempt < self.options.retries {
                std::thread::sleep(pause(attempt, None));
            }
        }
        let failure = first.unwrap_or(Failure { what: String::new(), transient: false, hint: None });
        Err(self.unreachable(&failure))
    }

    fn unreachable(&self, failure: &Failure) -> Error {
        let error =
            self.error(&format!("the registry at {} cannot be reached: {}", self.endpoint.server, failure.what));
        let hint = failure
            .hint
            .unwrap_or("is the host right? A proxy is taken from HTTPS_PROXY; --tls-verify=false allows plain HTTP");
        error.hint(hint)
    }

    /// Sends a request, again where the registry is busy or the connection breaks, and with new access where that has run out.
    /// A reply that refuses is returned all the same.
    ///
    /// # Errors
    /// Returns an error if there is no reply, or no access.
    pub fn send(&self, ask: &Ask<'_>) -> Result<Reply> {
        let base = self.base()?;
        let own = same_origin(&base, &ask.uri);
        let retries = if ask.once { 0 } else { self.options.retries };
        let (mut attempt, mut renewed) = (0, 0);
        loop {
            let mut headers = ask.headers.clone();
            let access = if own { self.auth.header(&self.http, ask.scopes)? } else { None };
            let password = access.as_ref().is_some_and(|value| value.starts_with("Basic "));
            headers.extend(access.map(|value| (AUTHORIZATION, value)));
            let call = Call { method: ask.method.clone(), uri: ask.uri.clone(), headers, payload: ask.payload };
            let wait = match self.http.send(&call) {
                Ok(reply) => {
                    let here = own && same_origin(&reply.uri, &ask.uri);
                    match reply.status {
                        // A password that was refused is not tried again: some lock an account after few tries.
                        401 if here && renewed < MAX_RENEWALS && self.auth.learn(&reply.headers, password) => {
                            renewed += 1;
                            continue;
                        }
                        401 if here => return Err(self.refused(ask.what, &reply)),
                        // Some say only in words that a token has run out.
                        400 | 403 if here && renewed < MAX_RENEWALS && is_about_token(&reply.message) => {
                            self.auth.forget();
                            renewed += 1;
                            continue;
                        }
                        401 if ask.method == Method::GET
                            && let Some(reply) = self.elsewhere(&call, &reply) =>
                        {
                            return Ok(reply);
                        }
                        401 if attempt >= retries => {
                            let what = format!(
                                "{}: {} asks for credentials, where the registry sent slim to",
                                ask.what,
                                shown(&reply.uri)
                            );
                            return Err(self.error(&what));
                        }
                        // The address that a registry sends to may be good for a short time only.
                        401 => None,
                        status if is_busy(status) && attempt < retries && !is_long(&reply) => asked(&reply),
                        _ => return Ok(reply),
                    }
                }
                Err(failure) if failure.transient && attempt < retries => None,
                Err(failure) => {
                    let error = self.error(&format!("{}: {}", ask.what, failure.what));
                    return Err(failure.hint.into_iter().fold(error, Error::hint));
                }
            };
            std::thread::sleep(pause(attempt, wait));
            attempt += 1;
        }
    }

    /// Asks another host, which the registry led to, once more with the token that anybody gets there.
    fn elsewhere(&self, call: &Call<'_>, refused: &Reply) -> Option<Reply> {
        let token = self.auth.anonymous(&self.http, &refused.headers)?;
        let mut call = Call { uri: refused.uri.clone(), ..call.clone() };
        call.headers.retain(|(name, _)| name != AUTHORIZATION);
        call.headers.push((AUTHORIZATION, token));
        self.http.send(&call).ok().filter(|reply| reply.status < 400)
    }

    /// The error for a reply that refuses, with what the registry says.
    pub fn refused(&self, what: &str, reply: &Reply) -> Error {
        let status = StatusCode::from_u16(reply.status).ok().and_then(|s| s.canonical_reason());
        let status = status.map_or_else(|| reply.status.to_string(), |reason| format!("{} {reason}", reply.status));
        let error = self.error(&format!("{what}: the registry answers {status}{}", said(&reply.message)));
        match reply.status {
            401 | 403 => error.hint(self.auth.hint()),
            405 => error.hint("does it take pushes? Some registries are for reading alone"),
            429 => error.hint("too many requests: wait, log in, or give --retry-times more"),
            _ => error,
        }
    }

    /// An error with the place.
    pub fn error(&self, what: &str) -> Error {
        Error::new(ErrorKind::Remote, what).archive(&self.place)
    }

    /// The access for reading a repository.
    #[must_use]
    pub fn to_pull(&self) -> [String; 1] {
        [format!("repository:{}:pull", self.endpoint.repository)]
    }

    /// The access for writing to a repository.
    #[must_use]
    pub fn to_push(&self) -> [String; 1] {
        [format!("repository:{}:pull,push", self.endpoint.repository)]
    }
}

/// True if a registry's words are about a token that is not good any more, as ECR's are.
fn is_about_token(message: &str) -> bool {
    let message = message.to_lowercase();
    message.contains("expired") || message.contains("token")
}
