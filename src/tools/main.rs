//! Native command-line tools on the simulated cluster.
fn main() {}
