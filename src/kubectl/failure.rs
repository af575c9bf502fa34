//! How a command fails, and what it says then. One place decides the words around an error.
//!
//! Mirrors: kubectl/pkg/cmd/util `checkErr`, `StandardErrorMessage`, `MultilineError`.

use api::Status;
use api::order::once;
use api::wire::{Body, Response};

/// Why a command ended badly.
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    /// `error: TEXT`.
    Plain(String),
    /// A text without anything before it.
    Bare(String),
    /// The API server said no.
    Api(Status),
    /// Several, each on a line of its own.
    Many(Vec<Failure>),
    /// A process in a container ended with this code, which becomes kubectl's.
    Remote(i32),
    /// Everything has been said; only the exit code is left.
    Exit(i32),
}

pub type Result<T = (), E = Failure> = std::result::Result<T, E>;

impl Failure {
    pub fn plain(text: impl Into<String>) -> Self {
        Self::Plain(text.into())
    }

    /// A wrong use of the command line: points at the command's help.
    pub fn usage(command: &str, text: impl AsRef<str>) -> Self {
        Self::Plain(format!("{}\nSee '{command} -h' for help and examples", text.as_ref()))
    }

    /// One failure alone, several together.
    pub fn aggregate(mut failures: Vec<Failure>) -> Result {
        match failures.len() {
            0 => Ok(()),
            1 => Err(failures.remove(0)),
            _ => Err(Self::Many(failures)),
        }
    }

    pub fn status(&self) -> Option<&Status> {
        if let Self::Api(status) = self { Some(status) } else { None }
    }

    pub fn is_reason(&self, reason: &str) -> bool {
        self.status().is_some_and(|status| status.reason == reason)
    }

    pub fn is_not_found(&self) -> bool {
        self.is_reason("NotFound")
    }

    /// The error's own text, as Go's `err.Error()`.
    pub fn text(&self) -> String {
        match self {
            Self::Plain(text) | Self::Bare(text) => text.clone(),
            Self::Api(status) => status.message.clone(),
            Self::Many(all) => {
                let texts = once(all.iter().map(Self::text));
                match texts.as_slice() {
                    [one] => one.clone(),
                    many => format!("[{}]", many.join(", ")),
                }
            }
            Self::Remote(code) => format!("command terminated with exit code {code}"),
            Self::Exit(code) => format!("exit {code}"),
        }
    }

    /// Says what was being done to which source: `error when creating "a.yaml": …`.
    #[must_use]
    pub fn when(self, doing: &str, source: &str) -> Self {
        if source.is_empty() {
            return self;
        }
        self.prefixed(&format!("error when {doing} {source:?}: "))
    }

    /// Puts words before the text, keeping what kind of error it is.
    #[must_use]
    pub fn prefixed(self, prefix: &str) -> Self {
        match self {
            Self::Api(mut status) => {
                status.message = format!("{prefix}{}", status.message);
                Self::Api(status)
            }
            Self::Exit(code) => Self::Exit(code),
            other => Self::Plain(format!("{prefix}{}", other.text())),
        }
    }

    /// Puts words before the text and forgets what kind of error it was, as `fmt.Errorf` does.
    #[must_use]
    pub fn wrapped(self, prefix: &str) -> Self {
        Self::Plain(format!("{prefix}{}", self.text()))
    }

    /// What goes to standard error.
    pub fn render(&self) -> String {
        match self {
            Self::Exit(_) => String::new(),
            Self::Api(status) if status.reason == "Invalid" => invalid(status),
            Self::Api(_) => format!("{}\n", self.standard()),
            Self::Many(all) => all.iter().map(|one| format!("{}\n", one.standard())).collect(),
            Self::Remote(_) | Self::Bare(_) => format!("{}\n", self.text()),
            Self::Plain(text) if text.starts_with("error: ") => format!("{text}\n"),
            Self::Plain(text) => format!("error: {text}\n"),
        }
    }

    pub fn exit_code(&self) -> i32 {
        if let Self::Exit(code) | Self::Remote(code) = self { *code } else { 1 }
    }

    /// One error's line, without `error:` before plain texts.
    pub fn standard(&self) -> String {
        match self {
            Self::Api(status) if status.reason == "Unauthorized" => {
                format!("error: You must be logged in to the server ({})", status.message)
            }
            Self::Api(status) if status.reason.is_empty() => format!("Error from server: {}", status.message),
            Self::Api(status) => format!("Error from server ({}): {}", status.reason, status.message),
            other => other.text(),
        }
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self::Api(status)
    }
}

/// Invalid objects are told cause by cause.
fn invalid(status: &Status) -> String {
    let mut subject = String::from("The request is invalid");
    let Some(details) = &status.details else {
        return if status.message.is_empty() {
            format!("{subject}\n")
        } else {
            format!("{subject}: {}\n", status.message)
        };
    };
    if !details.kind.is_empty() || !details.name.is_empty() {
        subject = format!("The {} {:?} is invalid", details.kind, details.name);
    } else if !status.message.is_empty() && details.causes.is_empty() {
        subject = format!("{subject}: {}", status.message);
    }
    let causes = once(details.causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)));
    match causes.as_slice() {
        [] => format!("{subject}\n"),
        [one] => format!("{subject}: {one}\n"),
        many => {
            let lines: String = many.iter().map(|cause| format!("* {cause}\n")).collect();
            format!("{subject}: \n{lines}")
        }
    }
}

/// The failure inside an answer, if it is one.
///
/// Mirrors: client-go/rest `transformResponse`: answers without a Status get a generic one.
pub fn check(response: &Response) -> Result {
    if response.is_success() {
        return Ok(());
    }
    if let Some(status) = Status::from_value(response.value()) {
        return Err(Failure::Api(status));
    }
    let body = match &response.body {
        Body::Bytes(bytes) => String::from_utf8_lossy(bytes).trim().to_string(),
        Body::Empty | Body::Json(_) | Body::Stream(_) => String::new(),
    };
    let (reason, message) = match response.status {
        401 => ("Unauthorized", "the server has asked for the client to provide credentials".to_string()),
        403 => ("Forbidden", body),
        404 => ("NotFound", "the server could not find the requested resource".into()),
        405 => ("MethodNotAllowed", "the server does not allow this method on the requested resource".into()),
        406 => {
            ("NotAcceptable", "the server was unable to respond with a content type that the client supports".into())
        }
        409 => ("Conflict", "the server reported a conflict".into()),
        415 => ("UnsupportedMediaType", body),
        422 => ("Invalid", "the server rejected our request due to an error in our request".into()),
        429 => {
            ("TooManyRequests", "the server has received too many requests and has asked us to try again later".into())
        }
        500 => {
            ("InternalError", format!("an error on the server ({body:?}) has prevented the request from succeeding"))
        }
        503 => ("ServiceUnavailable", "the server is currently unable to handle the request".into()),
        _ => (
            "",
            format!(
                "the server responded with the status code {} but did not return more information",
                response.status
            ),
        ),
    };
    Err(Failure::Api(Status::failure(response.status, reason, message)))
}
