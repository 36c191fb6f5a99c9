//! HTTP/1.1 as a registry's client needs it: requests whose bodies can be sent again, replies that say where they came from, and
//! redirects that are followed without telling secrets to others.

use super::credentials::environment;
use super::options::Options;
use super::proxy::Proxies;
use super::tls::{Tls, Trust};
use crate::{Error, ErrorKind, Result};
use rustls::CertificateError;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;
use ureq::config::Config;
use ureq::http::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderMap, HeaderName, LOCATION};
use ureq::http::{Method, Request, Uri};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{ConnectProxyConnector, Connector, TcpConnector};
use ureq::{Agent, AsSendBody, BodyReader, Proxy, ProxyProtocol, SendBody};

/// The time for a connection.
const CONNECT: Duration = Duration::from_secs(30);
/// The time in which something has to come, once a request was sent.
const STALL: Duration = Duration::from_secs(30);
/// The time that a registry may take for an upload: a proxy may send it on only once it has all of it.
const COMMIT: Duration = Duration::from_secs(900);
/// The most redirects of one request.
const MAX_REDIRECTS: usize = 10;
/// The bytes that are read of a reply that says what is wrong.
const MAX_MESSAGE: u64 = 64 << 10;

/// The certificate authorities of the host, for all clients of a run.
static AUTHORITIES: LazyLock<Vec<CertificateDer<'static>>> =
    LazyLock::new(|| rustls_native_certs::load_native_certs().certs);

/// A client of HTTP.
pub struct Http {
    /// For hosts that are asked without a proxy.
    direct: Agent,
    /// For all others, by scheme.
    https: Agent,
    http: Agent,
    proxies: Proxies,
}

/// One request. It can be sent any number of times.
#[derive(Clone)]
pub struct Call<'a> {
    /// The method.
    pub method: Method,
    /// The address.
    pub uri: Uri,
    /// The headers, without those about the body's length.
    pub headers: Vec<(HeaderName, String)>,
    /// The body.
    pub payload: Payload<'a>,
}

/// The body of a request.
#[derive(Clone, Copy)]
pub enum Payload<'a> {
    /// None.
    None,
    /// These bytes.
    Bytes(&'a [u8]),
    /// A part of a file.
    File {
        /// The file.
        file: &'a File,
        /// The offset of the first byte.
        at: u64,
        /// The number of bytes.
        len: u64,
    },
}

/// A reply. One of a status from 400 on has been read: its body is in `message`.
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The address that answered, after all redirects.
    pub uri: Uri,
    /// The body.
    pub body: BodyReader<'static>,
    /// The beginning of the body of a reply that says what is wrong.
    pub message: String,
}

/// A request that got no reply.
#[derive(Debug)]
pub struct Failure {
    /// What went wrong.
    pub what: String,
    /// True if it may pass when it is sent again.
    pub transient: bool,
    /// The next step for the user.
    pub hint: Option<&'static str>,
}

impl Http {
    /// A client that trusts the host's certificate authorities, those of `--ca-file` and those that docker and podman have for
    /// `hosts` (`certs.d`): the name of the registry, and the host that is asked.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read or holds no certificate.
    pub fn new(options: &Options, hosts: [&str; 2]) -> Result<Self> {
        let mut trust = Trust { all: !options.tls_verify, ..Trust::default() };
        if let Some(file) = &options.ca_file {
            let found = certificates(file)?;
            if found.is_empty() {
                let error = Error::new(ErrorKind::Usage, "no certificate in it").archive(file.display());
                return Err(error.hint("--ca-file takes certificates in PEM: `-----BEGIN CERTIFICATE-----`"));
            }
            trust.named.extend(found);
        }
        let dirs = ["/etc/docker/certs.d", "/etc/containers/certs.d"];
        for (dir, host) in dirs.iter().flat_map(|dir| hosts.map(|host| (dir, host))) {
            let list = Path::new(dir).join(host).read_dir().into_iter().flatten().flatten().map(|entry| entry.path());
            let files = list.filter(|path| path.extension().is_some_and(|e| e == "crt"));
            trust.named.extend(files.filter_map(|path| certificates(&path).ok()).flatten());
        }
        trust.host.clone_from(&AUTHORITIES);
        let tls = Tls::new(trust).map_err(|e| Error::new(ErrorKind::Remote, "TLS cannot be set up").cause(e))?;
        let proxies = Proxies::new(&environment);
        let proxy = |text: &String| {
            let wrong = |what: &str| Error::new(ErrorKind::Usage, format!("the proxy {} {what}", hidden(text)));
            let proxy = Proxy::new(text).map_err(|e| wrong("has no address").cause(e))?;
            match proxy.protocol() {
                ProxyProtocol::Http | ProxyProtocol::Https => Ok(proxy),
                _ => Err(wrong("is none of HTTP")
                    .hint("slim speaks to proxies of http:// and https://; NO_PROXY names hosts without one")),
            }
        };
        let agent = |proxy: Option<Proxy>| {
            Agent::with_parts(config(options, proxy), connector(&tls), DefaultResolver::default())
        };
        let (https, http) =
            (proxies.https.as_ref().map(proxy).transpose()?, proxies.http.as_ref().map(proxy).transpose()?);
        Ok(Self { direct: agent(None), https: agent(https), http: agent(http), proxies })
    }

    fn agent(&self, uri: &Uri) -> &Agent {
        match uri.scheme_str() {
            _ if self.proxies.is_direct(uri) => &self.direct,
            Some("http") => &self.http,
            _ => &self.https,
        }
    }

    /// Sends a request and follows redirects: a GET or HEAD to wherever they lead, but without `Authorization` where that is another
    /// host; anything else only on the same host.
    ///
    /// # Errors
    /// Returns an error if there is no reply.
    pub fn send(&self, call: &Call<'_>) -> Result<Reply, Failure> {
        let mut call = call.clone();
        for _ in 0..=MAX_REDIRECTS {
            let reply = self.once(&call)?;
            let to = match reply.status {
                301 | 302 | 303 | 307 | 308 => reply.header(&LOCATION),
                _ => None,
            };
            let Some(to) = to else { return Ok(reply) };
            let next = join(&reply.uri, to)
                .ok_or_else(|| fatal(format!("it redirects to `{}`, which is no address", without_query(to))))?;
            let safe = matches!(call.method, Method::GET | Method::HEAD);
            if !safe && (!same_origin(&reply.uri, &next) || !matches!(reply.status, 307 | 308)) {
                return Err(fatal(format!("it redirects a {} to {}", call.method, shown(&next))));
            }
            if reply.uri.scheme_str() == Some("https") && next.scheme_str() == Some("http") {
                return Err(fatal(format!("it redirects from HTTPS to {}", shown(&next))));
            }
            if !same_origin(&reply.uri, &next) {
                call.headers.retain(|(name, _)| name != AUTHORIZATION);
            }
            call.uri = next;
        }
        Err(fatal(format!("it redirects more than {MAX_REDIRECTS} times")))
    }

    fn once(&self, call: &Call<'_>) -> Result<Reply, Failure> {
        let response = match call.payload {
            Payload::None => self.run(call, ()),
            Payload::Bytes(bytes) => self.run(call, bytes),
            Payload::File { file, at, len } => {
                let mut part = Part { file, at, end: at + len };
                self.run(&call.with(CONTENT_LENGTH, len.to_string()), SendBody::from_reader(&mut part))
            }
        };
        let (parts, body) = response.map_err(failure)?.into_parts();
        let mut body = body.into_with_config().limit(u64::MAX).reader();
        let (status, mut message) = (parts.status.as_u16(), Vec::new());
        if status >= 400 {
            // What cannot be read says nothing, but the status does.
            let _ = body.by_ref().take(MAX_MESSAGE).read_to_end(&mut message);
        }
        let message = String::from_utf8_lossy(&message).into_owned();
        Ok(Reply { status, headers: parts.headers, uri: call.uri.clone(), body, message })
    }

    fn run(&self, call: &Call<'_>, body: impl AsSendBody) -> Result<ureq::http::Response<ureq::Body>, ureq::Error> {
        let mut request = Request::builder().method(&call.method).uri(&call.uri);
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        let request = request.body(body)?;
        if matches!(call.method, Method::PUT | Method::PATCH) {
            let request = self.agent(&call.uri).configure_request(request).timeout_per_read(Some(COMMIT)).build();
            return self.agent(&call.uri).run(request);
        }
        self.agent(&call.uri).run(request)
    }
}

impl Call<'_> {
    /// The same request with one more header.
    #[must_use]
    pub fn with(&self, name: HeaderName, value: String) -> Self {
        let mut call = self.clone();
        call.headers.push((name, value));
        call
    }
}

impl Reply {
    /// Reads the body, but no more than its first `most` bytes.
    ///
    /// # Errors
    /// Returns an error if it breaks off.
    pub fn bytes(&mut self, most: u64) -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.body.by_ref().take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// The value of a header, if it is text.
    #[must_use]
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A part of a file as a reader.
struct Part<'a> {
    file: &'a File,
    at: u64,
    end: u64,
}

impl Read for Part<'_> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let most = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(buf.len());
        let n = self.file.read_at(&mut buf[..most], self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}

/// The way of a connection: through a proxy if one is set, over TCP, with TLS if the address asks for it.
fn connector(tls: &Tls) -> impl Connector {
    ().chain(ConnectProxyConnector::default()).chain(TcpConnector::default()).chain(tls.clone())
}

fn config(options: &Options, proxy: Option<Proxy>) -> Config {
    Agent::config_builder()
        .proxy(proxy)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(concat!("slim/", env!("CARGO_PKG_VERSION")))
        .accept_encoding("identity")
        .timeout_connect(Some(CONNECT))
        .timeout_resolve(Some(CONNECT))
        .timeout_per_read(Some(STALL))
        .timeout_per_write(Some(STALL))
        .max_idle_connections_per_host(options.jobs.max(1))
        .max_idle_connections(options.jobs.max(1) * 2)
        .build()
}

/// The beginning of an address up to its query, which may hold a signature.
#[must_use]
pub fn without_query(address: &str) -> String {
    address.split('?').next().unwrap_or_default().escape_debug().to_string()
}

/// The address of a proxy without a password in it.
fn hidden(proxy: &str) -> String {
    proxy.rsplit_once('@').map_or(proxy, |(_, host)| host).escape_debug().to_string()
}

/// Returns the certificates of a PEM file.
fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let pem = std::fs::read(file).map_err(|e| Error::io("cannot read", e).archive(file.display()))?;
    // Keys and the like may stand beside them.
    Ok(CertificateDer::pem_slice_iter(&pem).filter_map(std::result::Result::ok).collect())
}

fn fatal(what: String) -> Failure {
    Failure { what, transient: false, hint: None }
}

fn failure(error: ureq::Error) -> Failure {
    let tls = match &error {
        ureq::Error::Other(error) => error.downcast_ref::<rustls::Error>(),
        ureq::Error::Io(error) => error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()),
        _ => None,
    };
    let hint = match tls {
        Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::Other(_))) => Some(
            "--ca-file FILE names the authority that signed it, or the certificate if it signed itself; --tls-verify=false checks nothing",
        ),
        Some(rustls::Error::InvalidCertificate(_)) => Some("is it the right host? --tls-verify=false checks nothing"),
        _ => None,
    };
    let transient = tls.is_none()
        && !matches!(
            error,
            ureq::Error::BadUri(_) | ureq::Error::Http(_) | ureq::Error::LargeResponseHeader(..) | ureq::Error::Tls(_)
        );
    let what = match &error {
        _ if matches!(tls, Some(rustls::Error::InvalidMessage(_))) => "it does not speak TLS".to_owned(),
        _ if matches!(tls, Some(rustls::Error::InvalidCertificate(CertificateError::Other(_)))) => {
            "its certificate signed itself, or is none of a server".to_owned()
        }
        ureq::Error::HostNotFound => "there is no host of that name".to_owned(),
        ureq::Error::Timeout(_) => format!("nothing came for {} seconds", STALL.as_secs()),
        ureq::Error::Io(error) => error.to_string(),
        error => error.to_string(),
    };
    Failure { what, transient, hint }
}

/// Returns true if two addresses have the same scheme, host and port.
#[must_use]
pub fn same_origin(a: &Uri, b: &Uri) -> bool {
    let port = |uri: &Uri| uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
    let host = |uri: &Uri| uri.host().unwrap_or_default().to_ascii_lowercase();
    a.scheme_str() == b.scheme_str() && host(a) == host(b) && port(a) == port(b)
}

/// An address for messages: without its query, which may hold a signature.
#[must_use]
pub fn shown(uri: &Uri) -> String {
    let port = uri.port_u16().map_or_else(String::new, |port| format!(":{port}"));
    format!("{}://{}{port}{}", uri.scheme_str().unwrap_or("http"), uri.host().unwrap_or_default(), uri.path())
}

/// The address that a `Location` means, which may be relative to the one that it came from; `None` if it is none of HTTP.
/// Source: <https://www.rfc-editor.org/rfc/rfc3986#section-5.2>.
#[must_use]
pub fn join(base: &Uri, location: &str) -> Option<Uri> {
    let (scheme, authority) = (base.scheme_str()?, base.authority()?);
    let location = location.split('#').next().unwrap_or_default().trim();
    let scheme_first = location.split(['/', '?']).next().is_some_and(|first| first.ends_with(':'));
    let whole = if scheme_first && location.contains("://") {
        location.to_owned()
    } else if let Some(rest) = location.strip_prefix("//") {
        format!("{scheme}://{rest}")
    } else if location.starts_with('/') {
        format!("{scheme}://{authority}{location}")
    } else if location.starts_with('?') {
        format!("{scheme}://{authority}{}{location}", base.path())
    } else {
        let dir = base.path().rsplit_once('/').map_or("", |(dir, _)| dir);
        format!("{scheme}://{authority}{dir}/{location}")
    };
    let uri: Uri = without_dots(&whole)?.parse().ok()?;
    (matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty()))
        .then_some(uri)
}

/// An address without the path segments `.` and `..`.
fn without_dots(address: &str) -> Option<String> {
    let start = address.find("://")? + 3;
    let start = address[start..].find('/').map_or(address.len(), |at| start + at);
    let end = address[start..].find('?').map_or(address.len(), |at| start + at);
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = address[start..end].split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let dots = matches!(segment, "." | "..");
        if segment == ".." {
            kept.pop();
        }
        match (dots, segments.peek()) {
            (false, _) => kept.push(segment),
            // What ends in dots is a directory.
            (true, None) => kept.push(""),
            (true, Some(_)) => {}
        }
    }
    let path: String = kept.iter().map(|segment| format!("/{segment}")).collect();
    Some(format!("{}{path}{}", &address[..start], &address[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri {
        text.parse().unwrap()
    }

    #[test]
    fn locations_are_relative_to_the_address_that_gave_them() {
        let base = uri("https://r.io:5000/v2/a/blobs/uploads/?x=1");
        for (location, whole) in [
            ("https://other.io/x?y", "https://other.io/x?y"),
            ("//other.io/x", "https://other.io/x"),
            ("/v2/a/blobs/uploads/7?s=%2F", "https://r.io:5000/v2/a/blobs/uploads/7?s=%2F"),
            ("7?s", "https://r.io:5000/v2/a/blobs/uploads/7?s"),
            ("?s=1", "https://r.io:5000/v2/a/blobs/uploads/?s=1"),
            ("/x#y", "https://r.io:5000/x"),
            ("/x?next=https://y/", "https://r.io:5000/x?next=https://y/"),
            ("../../c?../d", "https://r.io:5000/v2/a/c?../d"),
            ("./e/..", "https://r.io:5000/v2/a/blobs/uploads/"),
            ("/../../x/./y", "https://r.io:5000/x/y"),
            ("https://s.io", "https://s.io/"),
        ] {
            assert_eq!(join(&base, location), Some(uri(whole)), "{location}");
        }
        for location in ["ftp://x/y", "https://", "https:///x", "/a b"] {
            assert_eq!(join(&base, location), None, "{location}");
        }
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        assert!(same_origin(&uri("https://R.io/x"), &uri("https://r.io:443/y")));
        for other in ["http://r.io/", "https://cdn.r.io/", "https://r.io:5000/", "https://r.io.evil.com/"] {
            assert!(!same_origin(&uri("https://r.io/"), &uri(other)), "{other}");
        }
        assert_eq!(shown(&uri("https://u:p@r.io/x?sig=1")), "https://r.io/x");
    }
}
