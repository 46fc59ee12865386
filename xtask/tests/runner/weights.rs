//! Fetching of pretrained weights, from a server on the loopback.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;

use crate::space::{CHAIN, Space};

/// Bytes of a test's file.
const SIZE: usize = 300_000;

/// A request as the server saw it.
#[derive(Debug, Clone)]
struct Request {
    path: String,
    /// First requested byte.
    start: Option<usize>,
    /// Version that a part must be of.
    if_range: Option<String>,
    /// Requests before it.
    number: usize,
}

/// A response.
#[derive(Debug, Clone, Default)]
struct Reply {
    status: &'static str,
    fields: Vec<String>,
    body: Vec<u8>,
    /// Bytes of the body after which the connection is closed.
    cut: Option<usize>,
    /// Bytes of the body after which nothing more comes, until the client hangs up.
    stall: Option<usize>,
    /// Wait before each tenth of the body.
    pause: Duration,
}

impl Reply {
    fn status(status: &'static str) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }

    /// The file, or the requested rest of it.
    fn file(file: &[u8], request: &Request) -> Self {
        match request.start {
            Some(start) => Self {
                status: "206 Partial Content",
                fields: vec![format!(
                    "Content-Range: bytes {start}-{}/{}",
                    file.len() - 1,
                    file.len()
                )],
                body: file[start..].to_vec(),
                ..Self::default()
            },
            None => Self::whole(file),
        }
    }

    fn whole(file: &[u8]) -> Self {
        Self {
            body: file.to_vec(),
            ..Self::status("200 OK")
        }
    }

    fn with(mut self, field: &str) -> Self {
        self.fields.push(field.to_owned());
        self
    }

    fn cut(self, bytes: usize) -> Self {
        Self {
            cut: Some(bytes),
            ..self
        }
    }
}

struct Server {
    port: u16,
    seen: Arc<Mutex<Vec<Request>>>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn start(reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let is_over = Arc::new(AtomicBool::new(false));
        let (noted, ends) = (Arc::clone(&seen), Arc::clone(&is_over));
        let reply = Arc::new(reply);
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if ends.load(Ordering::Relaxed) {
                    return;
                }
                let (noted, reply) = (Arc::clone(&noted), Arc::clone(&reply));
                // A client that hangs up is a case of some tests.
                thread::spawn(move || serve(&stream.unwrap(), &noted, &*reply));
            }
        });
        Self {
            port,
            seen,
            is_over,
            thread: Some(thread),
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }

    fn starts(&self) -> Vec<Option<usize>> {
        self.seen().iter().map(|request| request.start).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

fn serve(
    stream: &TcpStream,
    seen: &Mutex<Vec<Request>>,
    reply: &impl Fn(&Request) -> Reply,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    for line in BufReader::new(stream).lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        head.push(line);
    }
    let field = |name: &str| {
        { head.iter() }
            .find_map(|line| line.strip_prefix(name))
            .map(str::to_owned)
    };
    let range = field("Range: bytes=");
    let request = Request {
        path: head[0].split(' ').nth(1).unwrap().to_owned(),
        start: range.map(|range| range.trim_end_matches('-').parse().unwrap()),
        if_range: field("If-Range: "),
        number: seen.lock().unwrap().len(),
    };
    seen.lock().unwrap().push(request.clone());
    let reply = reply(&request);
    send(stream, &reply)
}

fn send(mut stream: &TcpStream, reply: &Reply) -> std::io::Result<()> {
    let length = reply.body.len();
    write!(
        stream,
        "HTTP/1.1 {}\r\nContent-Length: {length}\r\nConnection: close\r\n",
        reply.status
    )?;
    for field in &reply.fields {
        write!(stream, "{field}\r\n")?;
    }
    stream.write_all(b"\r\n")?;
    let end = reply.cut.or(reply.stall).unwrap_or(length).min(length);
    for chunk in reply.body[..end].chunks(length.div_ceil(10).max(1)) {
        thread::sleep(reply.pause);
        stream.write_all(chunk)?;
    }
    if reply.stall.is_some() {
        // The client sends nothing more: this ends when it hangs up.
        let _ = BufReader::new(stream).lines().next();
    }
    Ok(())
}

/// A file that begins as PyTorch's archives do; `salt` makes it another.
fn file(salt: u32) -> Vec<u8> {
    let mut state = salt;
    let numbers = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    });
    b"PK\x03\x04"
        .iter()
        .copied()
        .chain(numbers)
        .take(SIZE)
        .collect()
}

fn sha256(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs_err::write(&path, bytes).unwrap();
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program)
            .args(arguments)
            .arg(&path)
            .output()
            .ok()?;
        String::from_utf8(output.stdout)
            .ok()?
            .split(' ')
            .next()
            .map(str::to_owned)
    };
    run("sha256sum", &[])
        .or_else(|| run("shasum", &["-a", "256"]))
        .unwrap()
}

/// A workspace whose catalog has `net`.
fn space(url: &str, sha256: &str) -> Space {
    let space = Space::new(CHAIN);
    let sha256 = match sha256 {
        "" => String::new(),
        sha256 => format!("sha256 = \"{sha256}\"\n"),
    };
    space.write(
        "weights.toml",
        &format!(
            "[net]\nresnet = 34\npublisher = \"us\"\nurl = \"{url}\"\n{sha256}license = \"MIT\"\ntraining = \"none\"\n\
             preprocessing = {{ resize_px = 256, crop_px = 224, interpolation = \"bilinear\" }}\n"
        ),
    );
    space
}

fn bytes(space: &Space, name: &str) -> Vec<u8> {
    fs_err::read(space.path(name)).unwrap()
}

fn partial(space: &Space) -> usize {
    fs_err::read_dir(space.path(".atelier/partial")).map_or(0, Iterator::count)
}

#[test]
fn a_download_that_breaks_off_is_continued() {
    let whole = file(1);
    let (served, digest) = (whole.clone(), sha256(&whole));
    let server = Server::start(move |request| match request.number {
        0 => Reply::whole(&served).with("ETag: \"v1\"").cut(100_000),
        1 => Reply::file(&served, request)
            .with("ETag: \"v1\"")
            .cut(50_000),
        _ => Reply::file(&served, request),
    });
    let url = server.url("/net-1.pth");
    let space = space(&url, &digest[..8]);
    let shown = space.ok(&["weights", "get", "net"]).stdout;
    assert_eq!(server.starts(), [None, Some(100_000), Some(150_000)]);
    assert_eq!(server.seen()[1].if_range.as_deref(), Some("\"v1\""));
    assert!(bytes(&space, "data/weights/net.pth") == whole);
    assert_eq!(partial(&space), 0);
    let expected = format!(
        "data/weights/net.pth: 0.3 MB, downloaded\nSHA-256 {digest} (as expected)\nlicense: MIT\n\
         evaluated by its publisher with: 224 px, bilinear, resized to 256 px\n\n\
         to be set in a file of parameters:\n\nmodel.weights = \"data/weights/net.pth\"\nmodel.resnet = 34\n"
    );
    assert_eq!(shown, expected);
    let lock = space.read("sources.lock");
    assert!(
        lock.contains(&format!("from = \"{url}\"\nsha256 = \"{digest}\"\n")),
        "{lock}"
    );
    // Later calls ask no server: the file is there, and then the cache has it.
    drop(server);
    assert!(
        space
            .ok(&["weights", "get", "net"])
            .stdout
            .contains("MB, was there\n")
    );
    space.remove("data/weights/net.pth");
    let listed: Value =
        serde_json::from_str(&space.ok(&["weights", "list", "--json"]).stdout).unwrap();
    assert_eq!(listed[0]["state"], "noted");
    let got: Value =
        serde_json::from_str(&space.ok(&["weights", "get", "net", "--json"]).stdout).unwrap();
    assert_eq!(got["file"]["arrival"], "restored");
    assert_eq!(got["file"]["sha256"], digest.as_str());
    assert_eq!(got["settings"]["model.resnet"], 34);
    assert!(
        space
            .ok(&["weights"])
            .stdout
            .contains("net       34  us         none")
    );
    assert_eq!(space.read("sources.lock"), lock);
}

#[test]
fn a_killed_download_is_continued_by_the_next_command() {
    let whole = file(2);
    let served = whole.clone();
    let server = Server::start(move |request| match request.number {
        0 => Reply {
            stall: Some(200_000),
            ..Reply::whole(&served)
        },
        _ => Reply::file(&served, request),
    });
    let space = space(&server.url("/x.safetensors"), &sha256(&whole));
    let mut command = space.command(&["weights", "get", "net"]);
    let mut child = command
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let arrived = || {
        let parts = fs_err::read_dir(space.path(".atelier/partial")).ok()?;
        let part = parts
            .map(|entry| entry.unwrap().path())
            .find(|path| path.extension().is_some_and(|end| end == "part"))?;
        Some(fs_err::metadata(part).ok()?.len())
    };
    crate::space::wait("200,000 bytes", || arrived() == Some(200_000));
    child.kill().unwrap();
    child.wait().unwrap();
    space.ok(&["weights", "get", "net"]);
    assert_eq!(server.starts(), [None, Some(200_000)]);
    assert!(bytes(&space, "data/weights/net.safetensors") == whole);
}

#[test]
fn a_file_that_was_replaced_in_between_is_fetched_from_its_start() {
    let (old, new) = (file(3), file(4));
    let digest = sha256(&new);
    let served = new.clone();
    let server = Server::start(move |request| match (request.number, &request.if_range) {
        (0, _) => Reply::whole(&old).with("ETag: \"old\"").cut(120_000),
        (_, Some(version)) if version == "\"new\"" => Reply::file(&served, request),
        // `If-Range` has the old version: the whole of the new one is the answer.
        _ => Reply::whole(&served).with("ETag: \"new\""),
    });
    let space = space(&server.url("/x.pth"), "");
    let shown = space.ok(&["weights", "get", "net"]).stdout;
    assert!(bytes(&space, "data/weights/net.pth") == new);
    assert_eq!(server.starts(), [None, Some(120_000), None]);
    assert!(
        shown.contains(&format!("SHA-256 {digest} (noted in sources.lock")),
        "{shown}"
    );
}

#[test]
fn a_server_without_ranges_is_asked_from_the_start() {
    let whole = file(5);
    let served = whole.clone();
    let server = Server::start(move |request| match request.number {
        0 => Reply::whole(&served).cut(1000),
        _ => Reply::whole(&served),
    });
    let space = space(&server.url("/x.pth"), &sha256(&whole));
    space.ok(&["weights", "get", "net"]);
    assert!(bytes(&space, "data/weights/net.pth") == whole);
    assert_eq!(server.starts(), [None, Some(1000), None]);
    // One that always breaks off is given up after some attempts.
    let served = whole.clone();
    let server = Server::start(move |_| Reply::whole(&served).cut(2000));
    let space = self::space(&server.url("/x.pth"), "");
    space.fails(
        &["weights", "get", "net"],
        "HTTP server doesn't seem to support byte ranges",
    );
    assert!(server.seen().len() < 10);
}

#[test]
fn bytes_of_another_file_are_refused_and_nothing_is_kept() {
    let whole = file(6);
    let (found, expected) = (sha256(&whole), sha256(&file(7)));
    let served = whole.clone();
    let server = Server::start(move |request| Reply::file(&served, request));
    let space = space(&server.url("/x.pth"), &expected[..8]);
    space.fails(
        &["weights", "get", "net"],
        &format!("is {found}, expected {}…", &expected[..8]),
    );
    assert!(!space.exists("data/weights/net.pth") && !space.exists("sources.lock"));
    assert_eq!(partial(&space), 0);
    // The same where such a file stands in its place.
    fs_err::create_dir_all(space.path("data/weights")).unwrap();
    fs_err::write(space.path("data/weights/net.pth"), &whole).unwrap();
    space.fails(
        &["weights", "get", "net"],
        "`data/weights/net.pth` is there already: move it away to fetch it",
    );
    // And where a page comes instead of weights.
    let server = Server::start(|_| Reply::whole(b"<!DOCTYPE html><title>Sign in</title>"));
    let space = self::space(&server.url("/x.pth"), "");
    space.fails(
        &["weights", "get", "net"],
        "is no file of weights: it begins with `<!DOCTYPE html>",
    );
    assert!(!space.exists("data/weights/net.pth"));
}

#[test]
fn redirects_are_followed_but_not_to_local_files() {
    let whole = file(8);
    let served = whole.clone();
    let server = Server::start(move |request| match request.path.as_str() {
        "/x.pth" => Reply::status("302 Found").with("Location: /there/x"),
        "/there/x" if request.number < 2 => Reply::file(&served, request).cut(70_000),
        "/there/x" => Reply::file(&served, request),
        "/loop.pth" => Reply::status("302 Found").with("Location: /loop.pth"),
        _ => Reply::status("302 Found").with("Location: file:///etc/hostname"),
    });
    let space = space(&server.url("/x.pth"), &sha256(&whole));
    space.ok(&["weights", "get", "net"]);
    assert!(bytes(&space, "data/weights/net.pth") == whole);
    let space = self::space(&server.url("/loop.pth"), "");
    space.fails(
        &["weights", "get", "net"],
        "Maximum (10) redirects followed",
    );
    let space = self::space(&server.url("/local.pth"), "");
    space.fails(
        &["weights", "get", "net"],
        "Protocol \"file\" not supported",
    );
}

#[test]
fn refusals_of_a_server_are_distinguished() {
    let whole = file(9);
    let served = whole.clone();
    let server = Server::start(
        move |request| match (request.path.as_str(), request.number) {
            ("/busy.pth", 0) => Reply::status("503 Service Unavailable"),
            ("/busy.pth", _) => Reply {
                pause: Duration::from_millis(50),
                ..Reply::file(&served, request)
            },
            ("/closed.pth", _) => Reply::status("403 Forbidden"),
            _ => Reply::status("404 Not Found"),
        },
    );
    // A request to a busy server is repeated, and a slow one is waited for.
    let space = space(&server.url("/busy.pth"), &sha256(&whole));
    space.ok(&["weights", "get", "net"]);
    assert_eq!(server.starts(), [None, None]);
    for (path, part) in [
        ("/gone.pth", "404; the address is wrong or out of date"),
        (
            "/closed.pth",
            "403; the server wants a login or an accepted licence",
        ),
    ] {
        let space = self::space(&server.url(path), "");
        space.fails(&["weights", "get", "net"], part);
        assert_eq!(partial(&space), 0);
    }
    assert_eq!(server.seen().len(), 4);
}

#[test]
fn without_a_connection_the_file_can_be_put_by_hand() {
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let whole = file(10);
    let space = space(&format!("http://127.0.0.1:{port}/x.pth"), &sha256(&whole));
    space.fails(&["weights", "get", "net"], "is this machine offline?");
    space.fails(
        &["weights", "get", "net"],
        "put it at `data/weights/net.pth` and run `cargo xtask weights get net` again",
    );
    fs_err::create_dir_all(space.path("data/weights")).unwrap();
    fs_err::write(space.path("data/weights/net.pth"), &whole).unwrap();
    let shown = space.ok(&["weights", "get", "net"]).stdout;
    assert!(
        shown.contains("MB, was there\nSHA-256") && shown.contains("(as expected)"),
        "{shown}"
    );
}

#[test]
fn a_hash_that_was_trusted_once_is_checked_from_then_on() {
    let served = Arc::new(Mutex::new(file(11)));
    let now = Arc::clone(&served);
    let server = Server::start(move |request| Reply::file(&now.lock().unwrap(), request));
    let space = space(&server.url("/x.pth"), "");
    let shown = space.ok(&["weights", "get", "net"]).stdout;
    assert!(shown.contains("none was known before"), "{shown}");
    space.remove("data/weights/net.pth");
    space.remove(".atelier");
    let shown = space.ok(&["weights", "get", "net"]).stdout;
    assert!(shown.contains("(as expected)"), "{shown}");
    *served.lock().unwrap() = file(12);
    space.remove("data/weights/net.pth");
    space.remove(".atelier");
    space.fails(
        &["weights", "get", "net"],
        "if the publisher has replaced the file, remove `data/weights/net.pth` from there",
    );
    space.fails(
        &["checkout", "data/weights/net.pth"],
        "is not what it was when",
    );
    assert!(!space.exists("data/weights/net.pth"));
}

#[test]
fn files_of_the_hub_are_fetched_by_owner_and_name() {
    let whole = [&64_u64.to_le_bytes()[..], b"{\"a\":0}"].concat();
    let served = whole.clone();
    let server = Server::start(move |request| Reply::file(&served, request));
    let space = space("hf:us/net", "");
    let get = |name: &str| {
        let mut command = space.command(&["weights", "get", name]);
        let output = command
            .env("HF_ENDPOINT", server.url("/"))
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let shown = get("net");
    assert!(
        shown.contains("model.weights = \"data/weights/net.safetensors\"\n"),
        "{shown}"
    );
    let shown = get("hf:them/convnext_tiny.x@v2");
    assert!(
        shown.contains("backbone-features.backbones = [\"convnext_tiny.x\"]\n"),
        "{shown}"
    );
    assert!(bytes(&space, "data/weights/convnext_tiny.x.safetensors") == whole);
    let paths: Vec<String> = server
        .seen()
        .into_iter()
        .map(|request| request.path)
        .collect();
    assert_eq!(
        paths,
        [
            "/us/net/resolve/main/model.safetensors",
            "/them/convnext_tiny.x/resolve/v2/model.safetensors"
        ]
    );
}

#[test]
fn wrong_names_and_catalogs_are_refused() {
    let space = space("http://127.0.0.1:1/x.pth", "");
    space.fails(&["weights", "get", "nat"], "; did you mean `net`?");
    space.fails(
        &["weights", "get", "hf:net"],
        "expected `hf:OWNER/NAME[/FILE][@REVISION]`",
    );
    let completed = space
        .ok(&["__complete", "cargo xtask weights get n"])
        .stdout;
    assert_eq!(completed, "net\n");
    let text = space.read("weights.toml");
    space.write("weights.toml", &text.replace("[net]", "[\"../net\"]"));
    space.fails(&["weights"], "`../net` in `weights.toml` is no name");
    space.write("weights.toml", &text.replace("license", "licence"));
    space.fails(
        &["weights"],
        "cannot use `weights.toml`: unknown field `licence`",
    );
    space.write(
        "weights.toml",
        &text.replace("[net]\n", "[net]\nsha256 = \"abc\"\n"),
    );
    space.fails(
        &["weights"],
        "`net.sha256` in `weights.toml` is `abc`: expected 8 to 64 hexadecimal digits",
    );
    space.remove("weights.toml");
    space.fails(&["weights"], "`weights.toml` does not exist");
}
