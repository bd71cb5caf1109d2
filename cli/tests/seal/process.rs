//! Running the binary.

use super::folders::{Folders, PATIENCE, REST, eventually};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

/// `swarmline seal`, ready for arguments.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_swarmline"));
    command.arg("seal");
    command
}

/// What a run that ended by itself has left.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    /// All it said.
    pub(crate) said: String,
}

/// Seals once.
pub(crate) fn once(folders: &Folders, flags: &[&str]) -> Ended {
    between(&folders.input(), &folders.output(), flags)
}

/// Seals any two folders once.
pub(crate) fn between(input: &Path, output: &Path, flags: &[&str]) -> Ended {
    let Output {
        status,
        stdout,
        stderr,
    } = command()
        .args(flags)
        .arg(input)
        .arg(output)
        .output()
        .unwrap();
    assert_eq!(stdout, b"", "what it says goes to standard error");
    Ended {
        code: status.code(),
        said: String::from_utf8(stderr).unwrap(),
    }
}

impl Ended {
    pub(crate) fn success(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.said);
        self
    }

    pub(crate) fn failure(self) -> Self {
        assert_eq!(self.code, Some(1), "{}", self.said);
        self
    }

    #[track_caller]
    pub(crate) fn says(&self, what: &str) -> &Self {
        assert!(
            self.said.contains(what),
            "{what:?} is not in:\n{}",
            self.said
        );
        self
    }
}

/// A running `seal`. Killed when dropped.
pub(crate) struct Watch {
    child: Child,
    said: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Watch {
    pub(crate) fn start(folders: &Folders, flags: &[&str]) -> Self {
        Self::spawn(folders, &[&["--watch", "--interval", "10"], flags].concat())
    }

    /// One that looks seldom, and so takes a longer rest for the end of writing ([`REST`]).
    pub(crate) fn patient(folders: &Folders, flags: &[&str]) -> Self {
        let interval = REST.as_millis().to_string();
        Self::spawn(
            folders,
            &[&["--watch", "--interval", &interval], flags].concat(),
        )
    }

    /// Any long-running `seal`.
    pub(crate) fn spawn(folders: &Folders, flags: &[&str]) -> Self {
        let mut child = command()
            .args(flags)
            .args([folders.input(), folders.output()])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let reader = std::thread::spawn({
            let said = said.clone();
            move || {
                for line in stderr.lines().map_while(Result::ok) {
                    let mut said = said.lock().unwrap();
                    said.push_str(&line);
                    said.push('\n');
                }
            }
        });
        Self {
            child,
            said,
            reader: Some(reader),
        }
    }

    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    pub(crate) fn wait_until_it_says(&self, what: &str) {
        eventually(&format!("the words {what:?}"), || {
            self.said().contains(what)
        });
    }

    /// Returns after the sealer has surely looked at everything that is in the folder now, and had
    /// the time to act on it: it has taken up two playlists that were written one after the other.
    pub(crate) fn has_looked(&self, folders: &Folders) {
        for beat in ["first", "second"] {
            let text = format!(
                "#EXTM3U\n#EXT-X-TARGETDURATION:1\n# {beat} {:?}\n",
                Instant::now()
            );
            folders.write("heartbeat.m3u8", &text);
            folders.wait_for("heartbeat.m3u8", |sealed| sealed == text);
        }
    }

    /// Kills it as a crash would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends a signal, waits for the end and returns what it said.
    pub(crate) fn end(mut self, signal: &str) -> Ended {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", signal, &id])
                .status()
                .unwrap()
                .success()
        );
        let status = self.wait();
        self.reader.take().unwrap().join().unwrap();
        Ended {
            code: status.code(),
            said: self.said(),
        }
    }

    fn wait(&mut self) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(
                began.elapsed() < PATIENCE,
                "does not end; it said:\n{}",
                self.said()
            );
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("the sealer said:\n{}", self.said());
        }
    }
}
