//! What a process asks of the kernel: descriptors, files, devices, the world outside.

use std::sync::Arc;

use super::super::fs::{Actor, Errno, View};
use super::super::process::{Fd, Pid, Process, Stream};
use super::{NetRequest, Outbound, Read, Sys};

impl Sys<'_, '_> {
    pub fn view(&mut self) -> View<'_> {
        View {
            root: &mut self.kernel.fs,
            mounts: &self.kernel.mounts,
            volumes: self.world.volumes,
            read_only_root: self.kernel.read_only_root,
            actor: self.kernel.restricted.then(|| Actor {
                user: self.kernel.user.0,
                group: self.kernel.user.1,
                groups: &self.kernel.groups,
            }),
        }
    }

    /// Writes to a descriptor. `false` when nobody reads any more (SIGPIPE).
    pub fn write(&mut self, fd: Option<&Fd>, bytes: &[u8]) -> bool {
        match fd {
            Some(Fd::Log(stream)) => self.kernel.say(self.now, *stream, bytes),
            Some(Fd::Pipe(id)) => {
                if !self.kernel.has_reader(*id) {
                    return false;
                }
                if let Some(pipe) = self.kernel.pipes.get_mut(id) {
                    pipe.data.extend_from_slice(bytes);
                }
            }
            Some(Fd::File { path, .. }) => {
                let now = self.now;
                // A full or vanished file is the writer's problem; busybox goes on.
                let _ = self.view().write(path, bytes, true, now);
            }
            Some(Fd::Null | Fd::Zero | Fd::Text { .. }) | None => {}
        }
        true
    }

    /// Reads what is there from a descriptor.
    pub fn read(&mut self, fd: Option<&mut Fd>) -> Read {
        match fd {
            Some(Fd::Pipe(id)) => {
                let id = *id;
                let writer = self.kernel.has_writer(id, self.pid);
                match self.kernel.pipes.get_mut(&id) {
                    Some(pipe) if !pipe.data.is_empty() => Read::Data(std::mem::take(&mut pipe.data)),
                    Some(_) if writer => Read::Block(id),
                    _ => Read::End,
                }
            }
            Some(Fd::File { path, offset }) => {
                let data = self.file(path).unwrap_or_default();
                let rest = data.get(*offset..).unwrap_or_default().to_vec();
                *offset = data.len();
                if rest.is_empty() { Read::End } else { Read::Data(rest) }
            }
            Some(Fd::Text { data, offset }) => {
                let rest = data.get(*offset..).unwrap_or_default().to_vec();
                *offset = data.len();
                if rest.is_empty() { Read::End } else { Read::Data(rest) }
            }
            Some(Fd::Null | Fd::Zero | Fd::Log(_)) | None => Read::End,
        }
    }

    /// Puts back what was read too far.
    pub fn unread(&mut self, fd: Option<&mut Fd>, bytes: &[u8]) {
        match fd {
            Some(Fd::Pipe(id)) => {
                if let Some(pipe) = self.kernel.pipes.get_mut(id) {
                    pipe.data.splice(0..0, bytes.iter().copied());
                }
            }
            Some(Fd::File { offset, .. } | Fd::Text { offset, .. }) => *offset -= bytes.len().min(*offset),
            Some(Fd::Null | Fd::Zero | Fd::Log(_)) | None => {}
        }
    }

    /// A file's content, the kernel's own files included.
    ///
    /// # Errors
    /// Missing, or a directory.
    pub fn file(&mut self, path: &str) -> Result<Arc<[u8]>, Errno> {
        if let Some(text) = super::super::procfs::read(self, path) {
            return Ok(text.into_bytes().into());
        }
        self.view().read(path)
    }

    /// Asks the world outside; the answer comes as a reply with this token.
    pub fn ask(&mut self, request: NetRequest) -> u64 {
        let token = *self.world.next_token;
        *self.world.next_token += 1;
        self.world.outbox.push(Outbound { token, request });
        token
    }

    /// A device that stands for a descriptor rather than a file.
    pub fn device(&self, process: &Process, path: &str) -> Option<Fd> {
        let inherited = |pid: Pid, number: u32| {
            let owner = if pid == self.pid { Some(process) } else { self.kernel.procs.get(&pid) };
            Some(owner.and_then(|owner| owner.fds.get(&number)).cloned().unwrap_or(Fd::Null))
        };
        match path {
            "/dev/null" | "/dev/tty" => Some(Fd::Null),
            "/dev/zero" => Some(Fd::Zero),
            "/dev/stdin" => inherited(self.pid, 0),
            "/dev/stdout" => inherited(self.pid, 1),
            "/dev/stderr" => inherited(self.pid, 2),
            "/dev/termination-log" => None,
            _ => {
                let (pid, fd) = path.strip_prefix("/proc/")?.split_once("/fd/")?;
                let pid = if pid == "self" { self.pid } else { pid.parse().ok()? };
                inherited(pid, fd.parse().ok()?)
            }
        }
    }

    pub fn log_stdout(&mut self, text: &str) {
        self.kernel.say(self.now, Stream::Stdout, text.as_bytes());
    }
}
