//! A client that is cheap for each request: one connection, one request at a time, bytes made by hand. So the load
//! generator leaves the machine to what is measured.

use std::net::SocketAddr;

use anyhow::{Context as _, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A request as it goes over the wire.
pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(body.len() + 300);
    let _ = write!(text, "{method} {path} HTTP/1.1\r\nhost: bench\r\ncontent-length: {}\r\n", body.len());
    if !body.is_empty() {
        text.push_str("content-type: application/json\r\n");
    }
    for (name, value) in headers {
        let _ = write!(text, "{name}: {value}\r\n");
    }
    text.push_str("\r\n");
    text.push_str(body);
    text.into_bytes()
}

/// One connection that is kept.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer; its body is in the connection's buffer.
pub struct Answer<'a> {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: &'a [u8],
}

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.context("cannot connect")?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(64 * 1024) })
    }

    /// Sends a request and reads its answer.
    pub async fn send(&mut self, request: &[u8]) -> anyhow::Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let head = loop {
            if let Some(head) = head(&self.buffer)? {
                break head;
            }
            self.read().await?;
        };
        while self.buffer.len() < head.end + head.length {
            self.read().await?;
        }
        Ok(Answer { status: head.status, body: self.buffer.get(head.end..).unwrap_or_default() })
    }

    async fn read(&mut self) -> anyhow::Result<()> {
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            bail!("the server closed the connection");
        }
        Ok(())
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    end: usize,
    length: usize,
}

/// The head of an answer, once it is whole.
fn head(bytes: &[u8]) -> anyhow::Result<Option<Head>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let text = std::str::from_utf8(bytes.get(..end).unwrap_or_default()).context("a head that is no text")?;
    let status = text.get(9..12).and_then(|digits| digits.parse().ok()).context("no status")?;
    let length = text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
        .context("an answer without content-length")?;
    Ok(Some(Head { status, end: end + 4, length }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_once_it_is_whole() {
        let answer = b"HTTP/1.1 201 Created\r\nContent-Length: 12\r\nx: y\r\n\r\n{\"ok\":true}\n";
        assert_eq!(head(answer).unwrap(), Some(Head { status: 201, end: 50, length: 12 }));
        assert_eq!(head(&answer[..40]).unwrap(), None);
        assert!(head(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }

    #[test]
    fn a_request_says_how_long_it_is() {
        let bytes = request("POST", "/x", &[("a", "b")], "{}");
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(
            text,
            "POST /x HTTP/1.1\r\nhost: bench\r\ncontent-length: 2\r\ncontent-type: application/json\r\na: b\r\n\r\n{}"
        );
    }
}
