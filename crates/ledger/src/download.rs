//! Files from the network: fetched by curl, continued after a break, complete or not at all.
//!
//! curl writes to a pipe and this process to the file, so that a curl that outlives its parent cannot be a second
//! writer. A partial file has a note of its origin and version beside it; a later download of the same version
//! continues it by HTTP's `Range` and `If-Range`, and any other starts again.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use store::remove_path;

use crate::error::{Error, Result};
use crate::sha256::Growing;

/// Attempts in a row that bring nothing new.
const FRUITLESS: u32 = 4;
/// Downloads from the start, where a server doesn't continue one.
const STARTS: u32 = 3;
/// Wait after the first fruitless attempt; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// Seconds without a byte after which a connection counts as broken.
const STALLED_S: &str = "30";
/// Bytes that are read at once.
const CHUNK: usize = 1 << 16;

/// Progress of a download.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// Bytes that have arrived, those of earlier attempts included.
    pub bytes: u64,
    /// Bytes of the whole file, if the server has declared them.
    pub total: Option<u64>,
}

/// Origin and version of the file that a part belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    url: String,
    /// ETag or date, by which the server knows a version.
    version: Option<String>,
    total: Option<u64>,
}

/// The end of one attempt.
enum End {
    Complete,
    /// The connection broke; another attempt may continue.
    Broken(String),
    /// The server doesn't continue this part.
    Restart(String),
    /// Another attempt would fail likewise.
    Failed(String),
}

/// A download into the folder `own`, where an unfinished one waits to be continued.
#[derive(Debug)]
pub(crate) struct Download<'a> {
    url: &'a str,
    part: PathBuf,
    note: PathBuf,
    headers: PathBuf,
    /// SHA-256 of the received bytes.
    sha256: Growing,
}

impl<'a> Download<'a> {
    pub(crate) fn new(url: &'a str, own: &Path) -> Self {
        let name = store::Digest::of_bytes(url.as_bytes()).to_string();
        let name = own.join(&name[..16]);
        Self {
            url,
            part: name.with_extension("part"),
            note: name.with_extension("json"),
            headers: name.with_extension("headers"),
            sha256: Growing::default(),
        }
    }

    /// Path of the received file; the caller moves it away.
    pub(crate) fn file(&self) -> &Path {
        &self.part
    }

    /// Fetches the whole file and returns its SHA-256.
    ///
    /// # Errors
    /// curl doesn't start, the server refuses, or the connection breaks again and again; received bytes are kept.
    pub(crate) fn run(&mut self, progress: &mut dyn FnMut(Received)) -> Result<String> {
        let ran = self.attempts(progress);
        if ran.is_err() && self.length() == 0 {
            self.discard()?;
        }
        ran?;
        self.sha256.catch_up(&self.part, self.length())?;
        Ok(self.sha256.text())
    }

    fn attempts(&mut self, progress: &mut dyn FnMut(Received)) -> Result<()> {
        if let Some(folder) = self.part.parent() {
            fs_err::create_dir_all(folder)?;
        }
        let (mut most, mut n_fruitless, mut n_starts) = (self.length(), 0, 0);
        loop {
            match self.attempt(progress)? {
                End::Complete => return Ok(()),
                End::Failed(why) => return Err(self.failed(&why)),
                End::Restart(why) => {
                    self.discard()?;
                    n_starts += 1;
                    if n_starts >= STARTS {
                        return Err(self.failed(&why));
                    }
                }
                End::Broken(why) => {
                    let length = self.length();
                    n_fruitless = if length > most { 0 } else { n_fruitless + 1 };
                    most = most.max(length);
                    if n_fruitless >= FRUITLESS {
                        return Err(self.failed(&format!("{why}; {}", self.kept())));
                    }
                    if n_fruitless > 0 {
                        thread::sleep(FIRST_WAIT * 2_u32.pow(n_fruitless - 1));
                    }
                }
            }
        }
    }

    /// Removes the received bytes.
    pub(crate) fn discard(&self) -> Result<()> {
        for path in [&self.part, &self.note, &self.headers] {
            remove_path(path)?;
        }
        Ok(())
    }

    fn failed(&self, why: &str) -> Error {
        Error::Download {
            url: self.url.to_owned(),
            why: why.to_owned(),
        }
    }

    fn kept(&self) -> String {
        let total = match self.noted().total {
            Some(total) => format!(" of {total}"),
            None => String::new(),
        };
        format!(
            "{}{total} bytes are kept, and the same command continues",
            self.length()
        )
    }

    fn length(&self) -> u64 {
        fs_err::metadata(&self.part).map_or(0, |found| found.len())
    }

    /// Note of the part; empty if it is of another origin.
    fn noted(&self) -> Note {
        let text = fs_err::read_to_string(&self.note).unwrap_or_default();
        let note: Note = serde_json::from_str(&text).unwrap_or_default();
        if note.url == self.url {
            note
        } else {
            Note::default()
        }
    }

    fn attempt(&mut self, progress: &mut dyn FnMut(Received)) -> Result<End> {
        let note = self.noted();
        if note.url.is_empty() {
            self.discard()?;
        }
        let start = self.length();
        if note.total == Some(start) {
            return Ok(End::Complete);
        }
        remove_path(&self.headers)?;
        let mut curl = self.start(start, &note)?;
        let received = self.receive(&mut curl, start, progress);
        if received.is_err() {
            // It has no reader, and may have ended by itself.
            let _ = curl.kill();
        }
        let output = curl.wait_with_output()?;
        received?;
        let response = Response::read(&self.headers);
        if let Some(total) = response.total(start).filter(|_| output.status.success()) {
            progress(Received {
                bytes: self.length(),
                total: Some(total),
            });
        }
        let message = String::from_utf8_lossy(&output.stderr);
        Ok(self.end(output.status.code(), message.trim(), &response, start))
    }

    fn start(&self, start: u64, note: &Note) -> Result<Child> {
        let mut command = Command::new("curl");
        command.args([
            "--fail",
            "--location",
            "--silent",
            "--show-error",
            "--no-buffer",
            "--globoff",
        ]);
        command.args(["--proto", "=http,https,ftp,file", "--max-redirs", "10"]);
        // A redirect leads neither to this machine's files nor from an encrypted connection to a plain one.
        let is_encrypted = self.url.starts_with("https:");
        command.args([
            "--proto-redir",
            if is_encrypted {
                "=https"
            } else {
                "=http,https"
            },
        ]);
        command.args([
            "--connect-timeout",
            "30",
            "--speed-limit",
            "1",
            "--speed-time",
            STALLED_S,
        ]);
        command.arg("--dump-header").arg(&self.headers);
        if start > 0 {
            command.args(["--continue-at", &start.to_string()]);
            if let Some(version) = &note.version {
                command.args(["--header", &format!("If-Range: {version}")]);
            }
        }
        command.args(["--url", self.url]).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().map_err(|error| {
            self.failed(&format!(
                "curl does not start ({error}): install it, or put the file in its place by hand"
            ))
        })
    }

    /// Appends curl's output to the part, and writes the note at the first byte.
    fn receive(
        &mut self,
        curl: &mut Child,
        start: u64,
        progress: &mut dyn FnMut(Received),
    ) -> Result<()> {
        let Some(mut body) = curl.stdout.take() else {
            return Ok(());
        };
        self.sha256.catch_up(&self.part, start)?;
        let mut file = fs_err::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.part)?;
        let mut chunk = vec![0; CHUNK];
        let (mut bytes, mut total) = (start, None);
        loop {
            let n = match body.read(&mut chunk) {
                Ok(0) => return Ok(()),
                Ok(n) => n,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            if bytes == start {
                let response = Response::read(&self.headers);
                total = response.total(start);
                self.write_note(&response, total)?;
            }
            file.write_all(&chunk[..n])?;
            self.sha256.update(&chunk[..n]);
            bytes += n as u64;
            progress(Received { bytes, total });
        }
    }

    fn write_note(&self, response: &Response, total: Option<u64>) -> Result<()> {
        let note = Note {
            url: self.url.to_owned(),
            version: response.version(),
            total,
        };
        let text = serde_json::to_string(&note).map_err(|error| self.failed(&error.to_string()))?;
        Ok(fs_err::write(&self.note, text)?)
    }

    /// The end of an attempt by curl's exit status (EXIT CODES of curl(1)) and the server's.
    fn end(&self, code: Option<i32>, message: &str, response: &Response, start: u64) -> End {
        let why = message.to_owned();
        match (code, response.status) {
            (Some(0), _) => End::Complete,
            (Some(22), Some(416)) if start > 0 => End::Restart(why),
            (Some(33 | 36), _) => End::Restart(why),
            (Some(22), Some(408 | 425 | 429 | 500..=599)) => End::Broken(why),
            (Some(22), Some(401 | 403)) => End::Failed(format!(
                "{why}; the server wants a login or an accepted licence"
            )),
            (Some(22), Some(404 | 410)) => {
                End::Failed(format!("{why}; the address is wrong or out of date"))
            }
            (Some(5..=7), _) if start > 0 => End::Broken(why),
            (Some(5..=7), _) => End::Failed(format!("{why}; is this machine offline?")),
            (Some(16 | 18 | 28 | 52 | 55 | 56 | 92 | 95) | None, _) => End::Broken(why),
            _ => End::Failed(why),
        }
    }
}

/// The head of the last response, after all redirects.
#[derive(Debug, Default, PartialEq, Eq)]
struct Response {
    status: Option<u16>,
    /// Names in lower case.
    fields: Vec<(String, String)>,
}

impl Response {
    /// Reads the headers that curl has dumped so far.
    fn read(path: &Path) -> Self {
        let text = fs_err::read(path).unwrap_or_default();
        Self::parse(&String::from_utf8_lossy(&text))
    }

    fn parse(text: &str) -> Self {
        let mut response = Self::default();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("HTTP/") {
                let status = rest.split_whitespace().nth(1);
                response = Self {
                    status: status.and_then(|status| status.parse().ok()),
                    fields: Vec::new(),
                };
            } else if let Some((name, value)) = line.split_once(':') {
                let field = (name.to_ascii_lowercase(), value.trim().to_owned());
                response.fields.push(field);
            }
        }
        response
    }

    fn field(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(field, _)| field == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Bytes of the whole file, of which `start` were there before.
    fn total(&self, start: u64) -> Option<u64> {
        if let Some(range) = self.field("content-range") {
            return range.rsplit('/').next()?.parse().ok();
        }
        if self.field("content-encoding").is_some() {
            return None;
        }
        let length: u64 = self.field("content-length")?.parse().ok()?;
        // A local file's is that of the rest.
        Some(if self.status.is_none() {
            start + length
        } else {
            length
        })
    }

    /// The server's identifier of the version: a strong ETag, else the date.
    fn version(&self) -> Option<String> {
        let etag = self.field("etag").filter(|etag| !etag.starts_with("W/"));
        etag.or_else(|| self.field("last-modified"))
            .map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_response_counts() {
        let text = "HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 5\r\n\r\n\
                    HTTP/1.1 206 Partial Content\r\nETag: \"v1\"\r\nContent-Length: 60\r\n\
                    Content-Range: bytes 40-99/100\r\n\r\n";
        let response = Response::parse(text);
        assert_eq!(response.status, Some(206));
        assert_eq!(response.total(40), Some(100));
        assert_eq!(response.version().as_deref(), Some("\"v1\""));
    }

    #[test]
    fn a_weak_etag_stands_for_no_bytes() {
        let response = Response::parse(
            "HTTP/2 200\r\netag: W/\"v1\"\r\nlast-modified: Mon\r\ncontent-length: 7\r\n",
        );
        assert_eq!(response.version().as_deref(), Some("Mon"));
        assert_eq!((response.status, response.total(0)), (Some(200), Some(7)));
        assert_eq!(Response::parse("HTTP/1.1 200 OK\r\n\r\n").version(), None);
    }
}
