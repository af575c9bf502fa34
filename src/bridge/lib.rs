//! The cluster behind HTTP, for real clients: kubectl, kube-rs, k9s. Native only, and on loopback only.
//!
//! Two threads. One owns the cluster and lets real time drive its virtual time ([`owner`]); the
//! other serves connections ([`server`]). They meet in a channel, so no client can stop the clock.
//! HTTP becomes the wire's requests in [`exchange`]; exec, attach and port-forward begin in [`remote`],
//! over WebSocket or, for old clients, SPDY. Whoever serves a cluster may also hold its clock and let
//! time pass by hand ([`Bridge::look`], [`Bridge::is_quiet`]); [`admin`] is that for programs outside.
//!
//! Left out: TLS and credentials (whoever reaches loopback is the administrator, as in the page),
//! and HTTP/2.

mod admin;
mod channels;
mod duct;
mod exchange;
mod forward;
mod guard;
mod kubeconfig;
mod lanes;
mod openapi;
mod owner;
mod patience;
mod protobuf;
mod quiet;
mod remote;
mod server;
mod spdy;
pub mod target;
mod tty;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::thread::JoinHandle;
use std::time::Duration;

use engine::{Cluster, ClusterConfig, NodeConfig};
use tokio::sync::oneshot;

pub use kubeconfig::write as write_kubeconfig;
pub use owner::Traffic;

/// Nodes are Ready and loops quiet before the first client comes.
const WARM_UP: u64 = 120_000;

/// How a cluster is served.
#[derive(Debug, Clone)]
pub struct Options {
    /// 0 takes any free port.
    pub port: u16,
    /// Virtual seconds in a real one; 0 leaves it to [`Bridge::look`] to let time pass.
    pub speed: u32,
    /// Whether `/pilothouse/` is served: faults and time, for whoever reaches loopback.
    pub admin: bool,
    /// Connections beyond these are turned away.
    pub connections: usize,
    /// How long a client may leave the server waiting: for the rest of a request, or for room to write.
    pub patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { port: 0, speed: 1, admin: false, connections: 256, patience: Duration::from_secs(30) }
    }
}

/// A cluster that is ready to be served: a control plane and `nodes` workers, warmed up so that it is
/// `unix_millis` on its clock. Clients compute ages from their own clock, so that should be theirs.
pub fn cluster(nodes: usize, seed: u64, unix_millis: u64) -> Cluster {
    let workers = (1..=nodes).map(|number| NodeConfig::worker(&format!("worker-{number}")));
    let mut cluster = Cluster::new(ClusterConfig {
        seed,
        epoch_unix_millis: unix_millis.saturating_sub(WARM_UP),
        nodes: std::iter::once(NodeConfig::control_plane()).chain(workers).collect(),
        ..ClusterConfig::default()
    });
    cluster.run_for(WARM_UP, usize::MAX);
    cluster
}

/// A cluster being served. Dropping it ends the server and every connection.
pub struct Bridge {
    address: SocketAddr,
    /// Gone before the threads are waited for.
    handle: Option<owner::Handle>,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
    owner: Option<JoinHandle<()>>,
}

impl Bridge {
    /// Begins to listen on loopback and to let time pass.
    ///
    /// # Errors
    /// The port is taken, or the system gives no thread.
    pub fn start(cluster: Cluster, options: &Options) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (handle, owner) = owner::start(cluster, options.speed)?;
        let (stop, stopped) = oneshot::channel();
        let limits =
            server::Limits { connections: options.connections, patience: options.patience, admin: options.admin };
        let ours = Some(handle.clone());
        let server = std::thread::Builder::new()
            .name("bridge".into())
            .spawn(move || runtime.block_on(server::serve(listener, handle, limits, stopped)))?;
        Ok(Self { address, handle: ours, stop: Some(stop), server: Some(server), owner: Some(owner) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What kubectl needs to find the cluster.
    pub fn kubeconfig(&self) -> String {
        kubeconfig::text(self.address)
    }

    /// Does something to the cluster between two requests of its clients.
    ///
    /// # Panics
    /// The cluster's thread has died, or dies of this: there is nothing left to look at.
    pub fn look<R: Send + 'static>(&self, look: impl FnOnce(&mut Cluster) -> R + Send + 'static) -> R {
        self.handle.as_ref().and_then(|handle| handle.look(look)).expect("the cluster is served until the bridge goes")
    }

    /// What went between the cluster and its clients until now.
    pub fn traffic(&self) -> Traffic {
        self.handle.as_ref().and_then(owner::Handle::traffic).unwrap_or_default()
    }

    /// Whether nobody has anything to do before more time passes: neither the bridge nor the
    /// client that runs as this process. `None` where the system does not tell.
    pub fn is_quiet(&self, client: u32) -> Option<bool> {
        quiet::is_quiet(self.traffic().behind, client)
    }

    /// Serves until the cluster's thread dies, which only a defect of the engine brings about.
    pub fn wait(mut self) {
        drop(self.handle.take());
        // A panic has already said its words on standard error.
        let _ = self.owner.take().map(JoinHandle::join);
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        drop(self.stop.take());
        drop(self.handle.take());
        // Both threads end by themselves now: the server's runtime takes its connections with it,
        // and with the last of their handles the owner's channel closes.
        let _ = self.server.take().map(JoinHandle::join);
        let _ = self.owner.take().map(JoinHandle::join);
    }
}

#[cfg(test)]
mod tests;
