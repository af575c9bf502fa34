//! `cluster`: a simulated cluster for a real kubectl.
//!
//! Serves on loopback until it is interrupted. Without `--kubeconfig` the file's text is printed.
//! With `--admin` the machines and the clock are served too, and the speed may be 0:
//! `curl --data 'stop scheduler' http://127.0.0.1:8001/pilothouse/faults`, `--data 30000 …/pilothouse/clock`.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use bridge::{Bridge, Options};
use tools::args::Args;

const USAGE: &str = "cluster [--nodes N] [--port P] [--speed N] [--seed N] [--kubeconfig FILE] [--admin]";

/// More nodes than this take minutes to warm up.
const MOST_NODES: u32 = 1_000;
/// Faster than this no machine is.
const MOST_SPEED: u32 = 1_000;

/// # Errors
/// A sentence on a bad flag, a port that is taken, a file that cannot be written.
pub fn main(words: &[String]) -> Result<(), String> {
    let args = Args::read(USAGE, words)?;
    let admin = args.has("--admin");
    let number = |name: &str, otherwise: u32, from: u32, to: u32| match args.number(name)?.unwrap_or(otherwise) {
        number if (from..=to).contains(&number) => Ok(number),
        _ => Err(args.refused(&format!("{name} takes a number from {from} to {to}"))),
    };
    let nodes = number("--nodes", 2, 0, MOST_NODES)?;
    let port = number("--port", 8001, 0, 65_535)?;
    let speed = number("--speed", 1, u32::from(!admin), MOST_SPEED)?;
    let seed = number("--seed", 1, 0, u32::MAX)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|error| error.to_string())?;
    let now = u64::try_from(now.as_millis()).map_err(|error| error.to_string())?;
    let cluster = bridge::cluster(nodes as usize, u64::from(seed), now);
    let port = u16::try_from(port).map_err(|error| error.to_string())?;
    let bridge = Bridge::start(cluster, &Options { port, speed, admin, ..Options::default() })
        .map_err(|error| format!("cannot listen on 127.0.0.1:{port}: {error}"))?;
    match args.text("--kubeconfig") {
        None => println!("{}", bridge.kubeconfig()),
        Some(file) => {
            bridge::write_kubeconfig(Path::new(file), &bridge.kubeconfig())?;
            eprintln!("kubectl --kubeconfig {file} get nodes");
        }
    }
    eprintln!("A simulated Kubernetes v1.36 listens on http://{}; Ctrl-C ends it.", bridge.address());
    bridge.wait();
    Err("the cluster has stopped".into())
}
