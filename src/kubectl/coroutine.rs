//! How a command waits without threads: a resumable state machine, driven from outside.
//!
//! Every verb is an ordinary `async fn`. Nothing here is a runtime: there is no
//! executor, no reactor and no wake-up. The compiler turns the `async fn` into a state
//! machine, and [`Command::resume`] polls it by hand with a waker that does nothing.
//! Whenever the verb needs the outside world it leaves a [`Step`] behind and returns
//! `Pending`; whoever drives the command (the page, the shell, replay, a test) does
//! what the step says and resumes it with the [`Event`] that answers it.
//!
//! ```text
//! host                         Command                      verb (async fn)
//!  │ resume(Continue, now) ──────▶ poll ───────────────────▶ cx.send(GET …).await
//!  │ ◀──────────── Step::Send(req) ◀──────── Pending ───────┘
//!  │ backend.submit(req)
//!  │ resume(Response(res), now) ─▶ poll ───────────────────▶ … cx.out("pod/web created\n")
//!  │ ◀──────────── Step::Output
//!  │ resume(Continue, now) ──────▶
//!  │ ◀──────────── Step::Done(0)
//! ```
//!
//! Steps that need no answer (`Output`, `Upstream`, `Close`) are followed by
//! `resume(Event::Continue, …)`. Time enters only as `now`, milliseconds since the Unix epoch.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use api::wire::{Body, Chunk, Request, Response, StreamId, Upstream};

use crate::env::Env;
use crate::kubeconfig;

/// What the command asks its host to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Submit the request, resume with [`Event::Response`].
    Send(Request),
    /// Sleep until a stream has something, the time has come, or the learner interrupts.
    /// Poll the streams before sleeping: something may have arrived already.
    Wait { until: Option<u64>, streams: Vec<StreamId> },
    /// Show the text.
    Output { stream: Out, text: String },
    /// Send into an open stream.
    Upstream(StreamId, Upstream),
    /// The stream is no longer needed.
    Close(StreamId),
    /// Open the learner's editor on this text; resume with [`Event::Edited`].
    Edit { name: String, text: String },
    /// The command ended with this exit code. Do not resume it again.
    Done(i32),
}

/// Where an output goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Out {
    Stdout,
    Stderr,
}

/// What the host answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Begin, or go on after a step that needs no answer.
    Continue,
    Response(Response),
    Chunks(StreamId, Vec<Chunk>),
    /// The time of [`Step::Wait`] has come.
    Woken,
    /// Ctrl-C.
    Interrupt,
    /// The text as the editor left it; `None` if it was closed without saving.
    Edited(Option<String>),
    /// The learner typed while [`Command::reads_terminal`] holds.
    Typed(Vec<u8>),
    /// Ctrl-D.
    TypedEof,
}

/// Exit code after Ctrl-C, as a shell reports SIGINT.
const INTERRUPTED: i32 = 130;

/// A running command.
pub struct Command {
    future: Option<Pin<Box<dyn Future<Output = i32>>>>,
    link: Rc<Link>,
    code: i32,
    /// What to say when nothing listens at the server's address.
    refused: String,
}

/// The mailbox between the host's side and the verb's side.
#[derive(Default)]
struct Link {
    now: Cell<u64>,
    steps: RefCell<VecDeque<Step>>,
    response: RefCell<Option<Response>>,
    chunks: RefCell<BTreeMap<StreamId, VecDeque<Chunk>>>,
    edited: RefCell<Option<Option<String>>>,
    typed: RefCell<VecDeque<Option<Vec<u8>>>>,
    open: RefCell<BTreeSet<StreamId>>,
    wait: RefCell<(Option<u64>, Vec<StreamId>)>,
    interrupted: Cell<bool>,
    catches_interrupt: Cell<bool>,
    reads_terminal: Cell<bool>,
}

impl Command {
    /// `kubectl WORDS…`, without the leading `kubectl`.
    pub fn start(words: Vec<String>, env: Env) -> Self {
        Self::spawn(env, move |cx| async move { crate::dispatch::run(&cx, &words).await })
    }

    /// A line of the learner's shell: pipes, redirections, several commands.
    pub fn line(text: &str, env: Env) -> Self {
        let text = text.to_string();
        Self::spawn(env, move |cx| async move { crate::shell::run_line(&cx, &text).await })
    }

    /// What the Tab key offers for a line: prints one candidate a line.
    /// They replace the text from [`crate::complete::word_start`] on.
    pub fn complete(text: &str, env: Env) -> Self {
        let text = text.to_string();
        Self::spawn(env, move |cx| async move { crate::complete::run(&cx, &text).await })
    }

    fn spawn<F: Future<Output = i32> + 'static>(env: Env, body: impl FnOnce(Cx) -> F) -> Self {
        let link = Rc::new(Link::default());
        let server = kubeconfig::host(env.session.borrow().kubeconfig.server()).to_owned();
        let refused = format!("{}\n", kubeconfig::refused(&server));
        let cx = Cx { link: link.clone(), env: Rc::new(env), capture: None, capture_err: None, warned: Rc::default() };
        Self { future: Some(Box::pin(body(cx))), link, code: 0, refused }
    }

    /// Whether the terminal's input belongs to the command now (`exec -it`).
    pub fn reads_terminal(&self) -> bool {
        self.link.reads_terminal.get()
    }

    /// Goes on until the next step.
    pub fn resume(&mut self, event: Event, now: u64) -> Step {
        self.link.now.set(now);
        self.accept(event);
        loop {
            if let Some(step) = self.link.steps.borrow_mut().pop_front() {
                return step;
            }
            let Some(future) = &mut self.future else { return Step::Done(self.code) };
            match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(code) => self.finish(code),
                Poll::Pending if self.link.steps.borrow().is_empty() => {
                    let (until, streams) = self.link.wait.borrow().clone();
                    return Step::Wait { until, streams };
                }
                Poll::Pending => {}
            }
        }
    }

    fn accept(&mut self, event: Event) {
        match event {
            Event::Continue | Event::Woken => {}
            Event::Response(response) if response.is_refused() => {
                self.link
                    .steps
                    .borrow_mut()
                    .push_back(Step::Output { stream: Out::Stderr, text: self.refused.clone() });
                self.finish(1);
            }
            Event::Response(response) => {
                if let Body::Stream(stream) = response.body {
                    self.link.open.borrow_mut().insert(stream);
                }
                *self.link.response.borrow_mut() = Some(response);
            }
            Event::Chunks(stream, chunks) => {
                self.link.chunks.borrow_mut().entry(stream).or_default().extend(chunks);
            }
            Event::Edited(text) => *self.link.edited.borrow_mut() = Some(text),
            Event::Typed(bytes) => self.link.typed.borrow_mut().push_back(Some(bytes)),
            Event::TypedEof => self.link.typed.borrow_mut().push_back(None),
            Event::Interrupt if self.link.catches_interrupt.get() => self.link.interrupted.set(true),
            Event::Interrupt => {
                // What was already printed still reaches the learner.
                self.link.steps.borrow_mut().retain(|step| matches!(step, Step::Output { .. } | Step::Close(_)));
                self.finish(INTERRUPTED);
            }
        }
    }

    /// Drops the verb and closes what it left open.
    fn finish(&mut self, code: i32) {
        self.future = None;
        self.code = code;
        let open = std::mem::take(&mut *self.link.open.borrow_mut());
        self.link.steps.borrow_mut().extend(open.into_iter().map(Step::Close));
    }
}

/// The verb's side: everything a command may do to the world.
#[derive(Clone)]
pub struct Cx {
    link: Rc<Link>,
    pub env: Rc<Env>,
    /// Standard output goes here instead of to the host (pipes, redirections).
    capture: Option<Rc<RefCell<String>>>,
    /// Standard error goes here instead of to the host.
    capture_err: Option<Rc<RefCell<String>>>,
    /// Warnings shown by this command; each is shown once.
    warned: Rc<RefCell<Vec<String>>>,
}

/// Why [`Cx::next`] returned.
#[derive(Debug, Clone, PartialEq)]
pub enum Wake {
    Chunks(StreamId, Vec<Chunk>),
    Deadline,
    Interrupted,
    /// Bytes from the terminal; `None` is the end of input.
    Typed(Option<Vec<u8>>),
}

impl Cx {
    /// Virtual time now, milliseconds since the Unix epoch.
    pub fn now(&self) -> u64 {
        self.link.now.get()
    }

    pub fn out(&self, text: impl AsRef<str>) {
        match &self.capture {
            Some(buffer) => buffer.borrow_mut().push_str(text.as_ref()),
            None => self.print(Out::Stdout, text.as_ref()),
        }
    }

    pub fn err(&self, text: impl AsRef<str>) {
        match &self.capture_err {
            Some(buffer) => buffer.borrow_mut().push_str(text.as_ref()),
            None => self.print(Out::Stderr, text.as_ref()),
        }
    }

    fn print(&self, stream: Out, text: &str) {
        if text.is_empty() {
            return;
        }
        let mut steps = self.link.steps.borrow_mut();
        // Neighbouring outputs travel together.
        if let Some(Step::Output { stream: last, text: pending }) = steps.back_mut()
            && *last == stream
        {
            pending.push_str(text);
            return;
        }
        steps.push_back(Step::Output { stream, text: text.into() });
    }

    /// The same context, with standard output collected into the returned buffer.
    pub fn captured(&self, stdin: Option<String>) -> (Cx, Rc<RefCell<String>>) {
        let buffer = Rc::new(RefCell::new(String::new()));
        let cx = Cx { capture: Some(buffer.clone()), ..self.with_stdin(stdin) };
        (cx, buffer)
    }

    /// The same context, with standard error collected too.
    #[must_use]
    pub fn with_errors_to(&self, buffer: &Rc<RefCell<String>>) -> Cx {
        Cx { capture_err: Some(buffer.clone()), ..self.clone() }
    }

    /// The same context with other standard input.
    pub fn with_stdin(&self, stdin: Option<String>) -> Cx {
        let env = Env { stdin, ..(*self.env).clone() };
        Cx {
            link: self.link.clone(),
            env: Rc::new(env),
            capture: self.capture.clone(),
            capture_err: self.capture_err.clone(),
            warned: Rc::default(),
        }
    }

    /// Shows a server's warning, unless this command has shown it already.
    pub fn warn(&self, warning: &str) {
        let mut warned = self.warned.borrow_mut();
        if !warned.iter().any(|known| known == warning) {
            self.err(format!("Warning: {warning}\n"));
            warned.push(warning.into());
        }
    }

    /// How many different warnings the server gave.
    pub fn warnings(&self) -> usize {
        self.warned.borrow().len()
    }

    /// Sends a request and waits for its answer.
    pub async fn send(&self, request: Request) -> Response {
        self.link.response.borrow_mut().take();
        self.link.steps.borrow_mut().push_back(Step::Send(request));
        poll_fn(|_| match self.link.response.borrow_mut().take() {
            Some(response) => Poll::Ready(response),
            None => Poll::Pending,
        })
        .await
    }

    /// Waits for the next thing to happen on one of the streams, or for the deadline.
    pub async fn next(&self, streams: &[StreamId], deadline: Option<u64>) -> Wake {
        poll_fn(|_| {
            for stream in streams {
                if let Some(queue) = self.link.chunks.borrow_mut().get_mut(stream)
                    && !queue.is_empty()
                {
                    return Poll::Ready(Wake::Chunks(*stream, queue.drain(..).collect()));
                }
            }
            if self.link.interrupted.replace(false) {
                return Poll::Ready(Wake::Interrupted);
            }
            if self.link.reads_terminal.get()
                && let Some(typed) = self.link.typed.borrow_mut().pop_front()
            {
                return Poll::Ready(Wake::Typed(typed));
            }
            if deadline.is_some_and(|deadline| deadline <= self.now()) {
                return Poll::Ready(Wake::Deadline);
            }
            *self.link.wait.borrow_mut() = (deadline, streams.to_vec());
            Poll::Pending
        })
        .await
    }

    /// Lets virtual time pass.
    pub async fn sleep(&self, millis: u64) {
        let deadline = self.now() + millis;
        while self.next(&[], Some(deadline)).await != Wake::Deadline {}
    }

    pub fn upstream(&self, stream: StreamId, data: Upstream) {
        self.link.steps.borrow_mut().push_back(Step::Upstream(stream, data));
    }

    pub fn close(&self, stream: StreamId) {
        if self.link.open.borrow_mut().remove(&stream) {
            self.link.steps.borrow_mut().push_back(Step::Close(stream));
        }
    }

    /// Opens the learner's editor; `None` if it was closed without saving.
    pub async fn edit(&self, name: &str, text: &str) -> Option<String> {
        self.link.edited.borrow_mut().take();
        self.link.steps.borrow_mut().push_back(Step::Edit { name: name.into(), text: text.into() });
        poll_fn(|_| match self.link.edited.borrow_mut().take() {
            Some(text) => Poll::Ready(text),
            None => Poll::Pending,
        })
        .await
    }

    /// From now on Ctrl-C arrives as [`Wake::Interrupted`] instead of ending the command.
    pub fn catch_interrupt(&self, on: bool) {
        self.link.catches_interrupt.set(on);
    }

    /// From now on the terminal's input arrives as [`Wake::Typed`].
    pub fn read_terminal(&self, on: bool) {
        self.link.reads_terminal.set(on);
    }
}
