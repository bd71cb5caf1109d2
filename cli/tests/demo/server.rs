//! Starts the binary and talks to it.

use serde_json::Value;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use swarmline::core::integrity::tag::Tag;
use tempfile::TempDir;
use tungstenite::WebSocket;
use ureq::http::Response;
use ureq::{Agent, Body};

/// Longest wait for something that is sure to come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A running demo. Killed when dropped.
pub(crate) struct Demo {
    pub(crate) child: Child,
    /// `127.0.0.1:PORT`
    pub(crate) address: String,
    /// What it serves, and `tmp` for its temporary files, empty at first.
    pub(crate) folder: TempDir,
    agent: Agent,
}

/// A folder of its own for one test, with the page's files in it.
pub(crate) fn assets() -> TempDir {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    for sub in ["tmp", "www", "js/dist/wasm", "js/node_modules/hls.js/dist"] {
        fs::create_dir_all(folder.path().join(sub)).unwrap();
    }
    for (file, text) in [
        ("secret.txt", "secret"),
        ("www/index.html", "<!doctype html><title>page</title>"),
        ("js/dist/hls.js", "export {};"),
        ("js/dist/wasm/swarmline_bg.wasm", "\0asm"),
        ("js/node_modules/hls.js/dist/hls.mjs", "export default 1;"),
    ] {
        fs::write(folder.path().join(file), text).unwrap();
    }
    folder
}

/// The command, ready for arguments.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_swarmline"));
    command.arg("demo");
    command
}

impl Demo {
    /// Starts a demo with the built-in stream.
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// Starts a demo with more arguments.
    pub(crate) fn with(arguments: &[&str]) -> Self {
        let folder = assets();
        let mut child = command()
            .env("TMPDIR", folder.path().join("tmp"))
            .args(["--port", "0", "--assets"])
            .arg(folder.path())
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://");
        let address = address.and_then(|rest| rest.strip_suffix('/'));
        Self {
            address: address.unwrap_or_else(|| panic!("{line}")).to_owned(),
            child,
            folder,
            agent: Agent::config_builder()
                .http_status_as_error(false)
                .build()
                .into(),
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn get(&self, path: &str) -> Response<Body> {
        self.agent.get(self.url(path)).call().unwrap()
    }

    pub(crate) fn head(&self, path: &str) -> Response<Body> {
        self.agent.head(self.url(path)).call().unwrap()
    }

    pub(crate) fn range(&self, path: &str, range: &str) -> Response<Body> {
        let request = self.agent.get(self.url(path)).header("Range", range);
        request.call().unwrap()
    }

    pub(crate) fn text(&self, path: &str) -> String {
        let mut response = self.get(path);
        assert_eq!(response.status(), 200, "{path}");
        response.body_mut().read_to_string().unwrap()
    }

    pub(crate) fn bytes(&self, path: &str) -> Vec<u8> {
        let mut response = self.get(path);
        assert_eq!(response.status(), 200, "{path}");
        response.body_mut().read_to_vec().unwrap()
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> Response<Body> {
        self.agent.post(self.url(path)).send(body).unwrap()
    }

    pub(crate) fn faults(&self, json: &str) {
        assert_eq!(self.post("/control/faults", json).status(), 200);
    }

    pub(crate) fn stats(&self) -> Value {
        serde_json::from_str(&self.text("/control/stats")).unwrap()
    }

    /// A raw connection, for what an HTTP client would not send.
    pub(crate) fn raw(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// A tracker socket, if the tracker takes it.
    pub(crate) fn try_tracker(&self) -> Option<WebSocket<TcpStream>> {
        let url = format!("ws://{}/tracker", self.address);
        let connected = tungstenite::client(url, self.raw());
        connected.ok().map(|(socket, _)| socket)
    }

    /// A tracker socket.
    pub(crate) fn tracker(&self) -> WebSocket<TcpStream> {
        self.try_tracker().unwrap()
    }

    /// A media playlist, read.
    pub(crate) fn playlist(&self, path: &str) -> Playlist {
        Playlist::parse(path, &self.text(path))
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks again until the answer is yes.
pub(crate) fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < PATIENCE, "waited for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A sealed media playlist.
#[derive(Debug)]
pub(crate) struct Playlist {
    pub(crate) sequence: u64,
    pub(crate) ended: bool,
    pub(crate) date_time: Option<String>,
    pub(crate) init: String,
    pub(crate) segments: Vec<Segment>,
}

/// One of its segments.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Segment {
    /// Absolute path.
    pub(crate) path: String,
    /// In seconds.
    pub(crate) duration: f64,
    pub(crate) tag: Option<Tag>,
}

impl Playlist {
    /// Reads strictly: what this does not know, no playlist of ours may have.
    pub(crate) fn parse(path: &str, text: &str) -> Self {
        let folder = &path[..=path.rfind('/').unwrap()];
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("#EXTM3U"));
        let (mut tag, mut duration) = (None, None);
        let mut list = Self {
            sequence: 0,
            ended: false,
            date_time: None,
            init: String::new(),
            segments: Vec::new(),
        };
        for line in lines {
            assert!(!list.ended, "{line} after the end");
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            match name {
                "#EXT-X-MEDIA-SEQUENCE" => list.sequence = value.parse().unwrap(),
                "#EXT-X-TARGETDURATION" => assert_eq!(value, "2"),
                "#EXT-X-ENDLIST" => list.ended = true,
                "#EXT-X-MAP" => {
                    let uri = value.strip_prefix("URI=\"").unwrap().strip_suffix('"');
                    list.init = format!("{folder}{}", uri.unwrap());
                }
                "#EXT-X-PROGRAM-DATE-TIME" => list.date_time = Some(value.to_owned()),
                "#EXTINF" => duration = Some(value.strip_suffix(',').unwrap().parse().unwrap()),
                "#EXT-X-SWARMLINE" => tag = Some(Tag::parse(line).unwrap()),
                "#EXT-X-VERSION" | "#EXT-X-INDEPENDENT-SEGMENTS" | "#EXT-X-PLAYLIST-TYPE" => {}
                _ => {
                    assert!(!line.starts_with('#'), "{line}");
                    list.segments.push(Segment {
                        path: format!("{folder}{line}"),
                        duration: duration.take().unwrap(),
                        tag: tag.take(),
                    });
                }
            }
        }
        list
    }
}
