//! HTTP/1.1 over a Unix socket, as far as an engine's interface needs it. Source: RFC 9112.

use crate::{Error, ErrorKind, Result};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// The number of bytes of a status line with its headers, and of a line of sizes.
const MAX_HEAD: u64 = 64 << 10;
/// The size in bytes of the chunks that are sent.
const CHUNK: usize = 256 << 10;

/// The answer to a request.
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body. It fails where it ends before it should.
    pub body: Box<dyn Read + Send>,
}

/// Sends a request with `body` in chunks, if there is one, and returns the answer to it. No read takes longer than `limit`.
///
/// # Errors
/// Returns an error if nobody answers, or no HTTP.
pub fn send(
    socket: &Path,
    method: &str,
    path: &str,
    body: Option<&mut dyn Read>,
    limit: Option<Duration>,
) -> Result<Answer> {
    let failed = |what: &str, e| Error::new(ErrorKind::Remote, what).cause(e);
    let stream = UnixStream::connect(socket).map_err(|e| failed("no connection", e))?;
    let both = stream.set_read_timeout(limit).and_then(|()| stream.set_write_timeout(limit));
    both.map_err(|e| failed("no connection", e))?;
    let coding = if body.is_some() { "Content-Type: application/x-tar\r\nTransfer-Encoding: chunked\r\n" } else { "" };
    let head = format!("{method} {path} HTTP/1.1\r\nHost: engine\r\nConnection: close\r\n{coding}\r\n");
    // One that refuses the body may close the connection before all is sent: the answer says why.
    let sent = (&stream).write_all(head.as_bytes()).and_then(|()| body.map_or(Ok(()), |from| chunks(from, &stream)));
    let answer = read(BufReader::new(stream));
    match (answer, sent) {
        (Err(_), Err(e)) => Err(failed("it takes no request", e)),
        (answer, _) => answer.map_err(|e| failed("it gives no answer", e)),
    }
}

fn chunks(from: &mut dyn Read, mut to: &UnixStream) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let n = from.read(&mut chunk)?;
        to.write_all(format!("{n:x}\r\n").as_bytes())?;
        to.write_all(&chunk[..n])?;
        to.write_all(b"\r\n")?;
        if n == 0 {
            return Ok(());
        }
    }
}

/// Reads status line and headers.
fn read(mut from: impl BufRead + Send + 'static) -> io::Result<Answer> {
    loop {
        let mut head = from.by_ref().take(MAX_HEAD);
        let status = line(&mut head)?;
        let mut words = status.split(' ');
        let is_http = words.next().is_some_and(|word| word.starts_with("HTTP/1."));
        let code = words.next().and_then(|word| word.parse().ok()).filter(|_| is_http);
        let status: u16 = code.ok_or_else(|| invalid("the answer is no HTTP"))?;
        let (mut chunked, mut length) = (false, None);
        loop {
            let line = line(&mut head)?;
            let Some((name, value)) = line.split_once(':') else { break };
            match name.to_ascii_lowercase().as_str() {
                "transfer-encoding" => chunked = value.trim().eq_ignore_ascii_case("chunked"),
                "content-length" => length = value.trim().parse::<u64>().ok(),
                _ => {}
            }
        }
        // `100 Continue` and its like come before the answer.
        if (100..200).contains(&status) {
            continue;
        }
        let body: Box<dyn Read + Send> = match length {
            _ if chunked => Box::new(Chunked { from, left: 0, first: true, end: false }),
            Some(length) => Box::new(Counted { from, left: length }),
            None => Box::new(from),
        };
        return Ok(Answer { status, body });
    }
}

/// A line without its end.
fn line(from: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    from.read_line(&mut line)?;
    if !line.ends_with('\n') {
        return Err(cut());
    }
    Ok(line.trim_end().to_owned())
}

fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the answer was cut off")
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Reads some of the `left` bytes that have to come.
fn some(from: &mut impl Read, left: &mut u64, buf: &mut [u8]) -> io::Result<usize> {
    let most = usize::try_from(*left).unwrap_or(usize::MAX).min(buf.len());
    let n = from.read(&mut buf[..most])?;
    if n == 0 && most > 0 {
        return Err(cut());
    }
    *left -= n as u64;
    Ok(n)
}

/// A body of known size.
struct Counted<R> {
    from: R,
    left: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        some(&mut self.from, &mut self.left, buf)
    }
}

/// A body in chunks.
struct Chunked<R> {
    from: R,
    /// The bytes of the chunk that are not read yet.
    left: u64,
    first: bool,
    end: bool,
}

impl<R: BufRead> Chunked<R> {
    /// Reads the line with the size of the next chunk.
    fn next(&mut self) -> io::Result<()> {
        let from = &mut self.from.by_ref().take(MAX_HEAD);
        if !std::mem::take(&mut self.first) && !line(from)?.is_empty() {
            return Err(invalid("a chunk of the answer is longer than it says"));
        }
        let size = line(from)?;
        let digits = size.split(';').next().unwrap_or_default().trim();
        self.left = u64::from_str_radix(digits, 16).map_err(|_| invalid("a chunk of the answer has no size"))?;
        self.end = self.left == 0;
        Ok(())
    }
}

impl<R: BufRead> Read for Chunked<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 && !self.end && !buf.is_empty() {
            self.next()?;
        }
        some(&mut self.from, &mut self.left, buf)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &'static str) -> io::Result<(u16, String)> {
        let mut answer = read(text.as_bytes())?;
        let mut body = String::new();
        answer.body.read_to_string(&mut body)?;
        Ok((answer.status, body))
    }

    #[test]
    fn bodies_come_in_all_forms() {
        for (text, found) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef", (200, "abc")),
            ("HTTP/1.1 404 Not Found\r\n\r\nto the end", (404, "to the end")),
            ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", (200, "x")),
            (
                "HTTP/1.0 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n",
                (200, "abc0123456789"),
            ),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", (200, "")),
        ] {
            assert_eq!(body(text).unwrap(), (found.0, found.1.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_cut_or_wrong_is_an_error() {
        let whole = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n";
        assert!(body(whole).is_ok());
        for end in 0..whole.len() {
            assert!(body(&whole[..end]).is_err(), "{:?}", &whole[..end]);
        }
        for text in [
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nabc!\r\n",
            "HTTP/1.1 OK\r\n\r\n",
            "SSH-2.0 200\r\n\r\n",
        ] {
            assert!(body(text).is_err(), "{text}");
        }
    }
}
