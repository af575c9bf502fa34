//! A bench with a real kubectl: each command is a process that speaks HTTP to the bridge.
//!
//! The clock is held. While a client has something to do no time passes, however slow the machine
//! is; while it waits for a stream, time goes from event to event until it is told something. A
//! client that waits without one keeps a clock of its own, and so does one with a `--timeout`: up
//! to that span time may run ahead, then it waits for the client.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use bridge::{Bridge, Options, Traffic};
use course::transcript::{Bench, Transcript, cluster};
use engine::Cluster;
use kubectl::Out;

/// Between two looks whether somebody still works.
const LOOK: Duration = Duration::from_millis(1);
/// What a client was told it has taken in after this much rest.
const TOLD: Duration = Duration::from_millis(10);
/// Informers ask themselves ten times a second whether they have the answer to their request.
const ASKED: Duration = Duration::from_millis(120);
/// Where the system does not tell who works: longer than a client takes to answer.
const GRACE: Duration = Duration::from_millis(50);
/// The connections of a process that has ended are closed by then, on a busy machine, too.
const CLOSES: Duration = Duration::from_secs(1);
/// What a client that keeps its own clock is given at a time, in milliseconds.
const SLICE: u64 = 5;
/// The `--timeout` of `kubectl wait` that names none.
const WAIT: u64 = 30_000;
/// In real time; a client that takes longer hangs.
const HANGS: Duration = Duration::from_secs(150);

/// Folders of this process so far.
static FOLDERS: AtomicUsize = AtomicUsize::new(0);

/// The `N` of a kubectl 1.N.
///
/// # Errors
/// A sentence: it cannot be started, or is no kubectl.
pub fn minor_version(program: &Path) -> Result<u32, String> {
    let asked = Command::new(program).args(["version", "--client"]).output();
    let output = asked.map_err(|error| format!("{}: {error}", program.display()))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let minor = text.split_once("Client Version: v1.").and_then(|(_, rest)| rest.split('.').next()?.parse().ok());
    minor.ok_or_else(|| format!("{} is no kubectl of version 1", program.display()))
}

/// A served cluster, and a folder with the files of the case.
pub struct ViaKubectl {
    bridge: Bridge,
    program: PathBuf,
    folder: PathBuf,
    /// Commands so far.
    started: usize,
}

impl ViaKubectl {
    /// The start state of a case.
    ///
    /// # Errors
    /// A sentence: no port, no thread or no folder can be had.
    pub fn new(program: &Path, case: &Transcript) -> Result<Self, String> {
        let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("pilothouse-replay-{}-{number}", std::process::id()));
        let options = Options { speed: 0, admin: true, ..Options::default() };
        let bridge = Bridge::start(cluster(case), &options).map_err(|error| format!("the bridge: {error}"))?;
        let wrote = |result: std::io::Result<()>| result.map_err(|error| format!("{}: {error}", folder.display()));
        wrote(fs::create_dir_all(folder.join("work")))?;
        bridge::write_kubeconfig(&folder.join("config"), &bridge.kubeconfig())?;
        for (name, text) in case.files() {
            let path = folder.join("work").join(name);
            wrote(path.parent().map_or(Ok(()), fs::create_dir_all))?;
            wrote(fs::write(path, text))?;
        }
        Ok(Self { bridge, program: program.into(), folder, started: 0 })
    }

    /// Where kubectl names the server, the recordings have a mask.
    fn masked(&self, text: &str) -> String {
        let address = self.bridge.address().to_string();
        text.replace(&format!("http://{address}"), "<server>").replace(&address, "<server>")
    }

    /// Waits for its end in real time, then its last words.
    fn ended(&self, run: &mut ViaRun, code: i32) {
        for reader in run.readers.drain(..) {
            // A reader does not panic.
            let _ = reader.join();
        }
        run.code = Some(code);
        // What it had open closes; whoever comes next counts from there, and counting too many costs it the
        // virtual clock.
        let end = Instant::now() + CLOSES;
        while self.bridge.traffic().open > run.open && Instant::now() < end {
            sleep(LOOK);
        }
    }

    /// Whether the client has nothing to do for so long, and nothing goes to or from it.
    ///
    /// The rest is the sum of what it sleeps, not one long sleep: an informer looks ten times a second at its
    /// own state, and on a busy machine it stands in the queue for a processor before it does. If what it saw
    /// moved it, traffic tells; if not, it has slept as long as on an idle machine.
    fn rests(&self, run: &mut ViaRun, traffic: Traffic, rest: Duration) -> bool {
        let (mut slept, mut looked) = (Duration::ZERO, Instant::now());
        let mut slept_before = true;
        loop {
            let quiet = self.bridge.is_quiet(run.child.id());
            if self.bridge.traffic() != traffic || matches!(run.child.try_wait(), Ok(Some(_))) {
                sleep(LOOK);
                return false;
            }
            if run.began.elapsed() > HANGS {
                return false;
            }
            let (sleeps, now) = (quiet != Some(false), Instant::now());
            if sleeps && slept_before {
                slept += now - looked;
            }
            (slept_before, looked) = (sleeps, now);
            if sleeps && slept >= if quiet.is_some() { rest } else { rest.max(GRACE) } {
                return true;
            }
            sleep(LOOK);
        }
    }

    fn kill(&self, run: &mut ViaRun, code: i32) {
        // It may have ended by itself.
        let _ = run.child.kill();
        let _ = run.child.wait();
        self.ended(run, code);
    }
}

impl Drop for ViaKubectl {
    fn drop(&mut self) {
        // What is left over lies in the folder for temporary files.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// HTTP status and body.
type Answer = (u16, Vec<u8>);
type Said = Arc<Mutex<Vec<(Out, String)>>>;

/// A process.
pub struct ViaRun {
    number: usize,
    child: Child,
    readers: Vec<JoinHandle<()>>,
    said: Said,
    code: Option<i32>,
    began: Instant,
    /// The streams that were open before it began.
    open: usize,
    /// The traffic when it last had nothing to do.
    seen: Traffic,
    /// Its own `--timeout`, as an instant of the cluster.
    patience: Option<u64>,
    /// It waits in real time.
    slow: bool,
    asked: Option<JoinHandle<Option<Answer>>>,
}

impl Bench for ViaKubectl {
    type Run = ViaRun;

    fn cluster<R: Send + 'static>(&mut self, look: impl FnOnce(&mut Cluster) -> R + Send + 'static) -> R {
        self.bridge.look(look)
    }

    fn inject(&mut self, fault: &str) -> Result<(), String> {
        let done = fetch(self.bridge.address(), "POST", "/pilothouse/faults", fault);
        match done.expect("the bridge answers") {
            (200, _) => Ok(()),
            (_, why) => Err(String::from_utf8_lossy(&why).trim_end().to_owned()),
        }
    }

    fn start(&mut self, words: Vec<String>, stdin: Option<String>) -> ViaRun {
        let timeout = words.iter().filter_map(|word| word.split_once("timeout=")).find_map(|(_, span)| seconds(span));
        let timeout = timeout.or_else(|| words.first().filter(|verb| *verb == "wait").map(|_| WAIT));
        let now = self.bridge.look(|cluster| cluster.now());
        let mut command = Command::new(&self.program);
        command.args(words).current_dir(self.folder.join("work")).env_clear();
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.env("HOME", &self.folder).env("TMPDIR", &self.folder).env("KUBECONFIG", self.folder.join("config"));
        command.stdin(if stdin.is_some() { Stdio::piped() } else { Stdio::null() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let open = self.bridge.traffic().open;
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", self.program.display()));
        let said = Said::default();
        let mut readers = Vec::new();
        if let (Some(mut pipe), Some(text)) = (child.stdin.take(), stdin) {
            // A command that reads nothing may have closed it already.
            readers.push(spawn(move || drop(pipe.write_all(text.as_bytes()))));
        }
        readers.extend(child.stdout.take().map(|pipe| listen(pipe, Out::Stdout, said.clone())));
        readers.extend(child.stderr.take().map(|pipe| listen(pipe, Out::Stderr, said.clone())));
        self.started += 1;
        ViaRun {
            number: self.started,
            child,
            readers,
            said,
            code: None,
            began: Instant::now(),
            open,
            seen: Traffic { behind: true, ..self.bridge.traffic() },
            patience: timeout.map(|millis| now + millis),
            slow: false,
            asked: None,
        }
    }

    fn pump(&mut self, run: &mut ViaRun) {
        while run.code.is_none() {
            if let Ok(Some(status)) = run.child.try_wait() {
                self.ended(run, status.code().unwrap_or(-1));
                return;
            }
            if run.began.elapsed() > HANGS {
                self.kill(run, -1);
                return;
            }
            let traffic = self.bridge.traffic();
            if run.seen == traffic {
                let now = run.patience.map(|_| self.bridge.look(|cluster| cluster.now()));
                run.slow = traffic.open <= run.open || now.zip(run.patience).is_some_and(|(now, end)| now >= end);
                if run.slow {
                    sleep(Duration::from_millis(SLICE));
                }
                return;
            }
            // What is asked while a later command runs is asked by that.
            let ours = run.number == self.started && run.seen.asked != traffic.asked;
            let rest = if ours { ASKED } else { TOLD };
            if self.rests(run, traffic, rest) {
                run.seen = traffic;
            }
        }
    }

    fn exit_code(&self, run: &ViaRun) -> Option<i32> {
        run.code
    }

    fn wakes_in(&self, run: &ViaRun) -> Option<u64> {
        (run.slow && run.code.is_none()).then_some(SLICE)
    }

    fn take_output(&mut self, run: &mut ViaRun) -> Vec<(Out, String)> {
        let said = std::mem::take(&mut *run.said.lock().unwrap_or_else(PoisonError::into_inner));
        said.into_iter().map(|(out, text)| (out, self.masked(&text))).collect()
    }

    fn interrupt(&mut self, run: &mut ViaRun) {
        if run.code.is_some() {
            return;
        }
        let pid = run.child.id().to_string();
        // Without a `kill` it is ended below.
        let _ = Command::new("kill").args(["-INT", &pid]).status();
        let end = Instant::now() + Duration::from_secs(2);
        while Instant::now() < end {
            if let Ok(Some(status)) = run.child.try_wait() {
                self.ended(run, status.code().unwrap_or(-1));
                return;
            }
            sleep(LOOK);
        }
        self.kill(run, -1);
    }

    fn ask(&mut self, run: &mut ViaRun, _index: usize, local: u16, path: &str) -> bool {
        let (address, path) = (SocketAddr::from((Ipv4Addr::LOCALHOST, local)), path.to_owned());
        run.asked = Some(spawn(move || fetch(address, "GET", &path, "")));
        true
    }

    fn answer(&mut self, run: &mut ViaRun) -> Option<(u16, Vec<u8>)> {
        let end = Instant::now() + GRACE;
        while run.asked.as_ref().is_some_and(|asked| !asked.is_finished()) {
            if Instant::now() >= end {
                return None;
            }
            sleep(LOOK);
        }
        run.asked.take()?.join().ok()?
    }
}

/// Collects what comes out of a pipe until it closes.
fn listen(mut pipe: impl Read + Send + 'static, out: Out, said: Said) -> JoinHandle<()> {
    spawn(move || {
        let mut text = Vec::new();
        let mut bytes = [0; 1 << 16];
        while let Ok(count @ 1..) = pipe.read(&mut bytes) {
            text.extend_from_slice(&bytes[..count]);
            // A letter may come in two halves.
            let whole = match std::str::from_utf8(&text) {
                Err(error) if error.error_len().is_none() => error.valid_up_to(),
                _ => text.len(),
            };
            let part: Vec<u8> = text.drain(..whole).collect();
            let part = String::from_utf8_lossy(&part).into_owned();
            said.lock().unwrap_or_else(PoisonError::into_inner).push((out, part));
        }
    })
}

/// `90s`, `1m`, in milliseconds. 0 is no limit.
fn seconds(span: &str) -> Option<u64> {
    let (number, unit) = span.split_at(span.len().checked_sub(1)?);
    let factor = match unit {
        "s" => 1_000,
        "m" => 60_000,
        _ => return None,
    };
    number.parse::<u64>().ok().filter(|number| *number > 0).map(|number| number * factor)
}

/// One HTTP exchange on a connection of its own.
fn fetch(address: SocketAddr, method: &str, path: &str, body: &str) -> Option<Answer> {
    let mut socket = TcpStream::connect(address).ok()?;
    socket.set_read_timeout(Some(HANGS)).ok()?;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(head.as_bytes()).ok()?;
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).ok()?;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let status = String::from_utf8_lossy(&answer[..end]).split(' ').nth(1)?.parse().ok()?;
    Some((status, answer.split_off(end + 4)))
}
