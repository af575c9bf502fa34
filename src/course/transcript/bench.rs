//! Where a case is played: a cluster, and a kubectl that speaks to it. The page's own is one; a real one is another.

use std::cell::RefCell;
use std::rc::Rc;

use api::wire::{Backend, Method, Upstream};
use engine::{Cluster, Fault};
use kubectl::kubeconfig::Kubeconfig;
use kubectl::{Env, Files, MemoryFiles, Out, Session};

use super::{Transcript, start};
use crate::pump::Job;

/// A cluster with somebody at its keyboard. Time is the player's: nothing here lets it pass.
pub trait Bench {
    /// A command that was started.
    type Run;

    /// Looks at the cluster, or does something to it.
    fn cluster<R: Send + 'static>(&mut self, look: impl FnOnce(&mut Cluster) -> R + Send + 'static) -> R;

    /// A fault in the words of the format.
    ///
    /// # Errors
    /// No such fault, or nothing there that it could happen to: then it changes nothing.
    fn inject(&mut self, fault: &str) -> Result<(), String>;

    /// The words after `kubectl`.
    fn start(&mut self, words: Vec<String>, stdin: Option<String>) -> Self::Run;

    /// Lets it do everything that can be done at this instant.
    fn pump(&mut self, run: &mut Self::Run);

    /// Once it has ended.
    fn exit_code(&self, run: &Self::Run) -> Option<i32>;

    /// In how many milliseconds it goes on by itself, if it waits for a time.
    fn wakes_in(&self, run: &Self::Run) -> Option<u64>;

    /// What it printed since the last call.
    fn take_output(&mut self, run: &mut Self::Run) -> Vec<(Out, String)>;

    /// Ctrl-C, and whatever it still says.
    fn interrupt(&mut self, run: &mut Self::Run);

    /// GET on the `index`-th port it forwards, which is `local`; whether it could be sent.
    fn ask(&mut self, run: &mut Self::Run, index: usize, local: u16, path: &str) -> bool;

    /// HTTP status and body, once they are there.
    fn answer(&mut self, run: &mut Self::Run) -> Option<(u16, Vec<u8>)>;
}

/// The kubectl of the page, in this process and on the cluster's own clock.
pub struct InPage {
    pub cluster: Cluster,
    files: Rc<dyn Files>,
    session: Rc<RefCell<Session>>,
}

impl InPage {
    /// The start state of a case.
    pub fn new(transcript: &Transcript) -> Self {
        // Transcripts mask the API server's address, which differs from cluster to cluster.
        let session = Session { kubeconfig: Kubeconfig::at("<server>"), ..Session::default() };
        let files = transcript.files().map(|(name, text)| (name.to_owned(), text.to_owned()));
        Self {
            cluster: start::cluster(transcript),
            files: Rc::new(MemoryFiles::new(files)),
            session: Rc::new(RefCell::new(session)),
        }
    }
}

/// A command, and the remote port that was asked something.
pub struct InPageRun {
    job: Job,
    asked: Option<u16>,
}

impl Bench for InPage {
    type Run = InPageRun;

    fn cluster<R: Send + 'static>(&mut self, look: impl FnOnce(&mut Cluster) -> R + Send + 'static) -> R {
        look(&mut self.cluster)
    }

    fn inject(&mut self, fault: &str) -> Result<(), String> {
        self.cluster.inject(fault.parse::<Fault>()?)
    }

    fn start(&mut self, words: Vec<String>, stdin: Option<String>) -> InPageRun {
        let env = Env::new(self.files.clone(), self.session.clone()).with_stdin(stdin);
        InPageRun { job: Job::kubectl(words, env), asked: None }
    }

    fn pump(&mut self, run: &mut InPageRun) {
        run.job.pump(&mut self.cluster);
    }

    fn exit_code(&self, run: &InPageRun) -> Option<i32> {
        run.job.exit_code()
    }

    fn wakes_in(&self, run: &InPageRun) -> Option<u64> {
        run.job.next_wake().map(|unix| unix.saturating_sub(self.cluster.unix_millis()))
    }

    fn take_output(&mut self, run: &mut InPageRun) -> Vec<(Out, String)> {
        run.job.take_output()
    }

    fn interrupt(&mut self, run: &mut InPageRun) {
        run.job.interrupt(&mut self.cluster);
    }

    fn ask(&mut self, run: &mut InPageRun, index: usize, _local: u16, path: &str) -> bool {
        let Some((port, stream)) = run.job.forward(index) else { return false };
        self.cluster.send(stream, Upstream::Http { port, method: Method::Get, path: path.into() });
        run.asked = Some(port);
        true
    }

    fn answer(&mut self, run: &mut InPageRun) -> Option<(u16, Vec<u8>)> {
        run.job.take_answer(run.asked?)
    }
}
