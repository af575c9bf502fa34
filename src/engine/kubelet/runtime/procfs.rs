//! Files the kernel makes up when they are read: `/proc`, `/sys/fs/cgroup`, `/etc/hosts` of the pod.
//!
//! Machine-wide figures are those of a small node, made up; limits and use are the container's own, under
//! the names of both versions of cgroups.
//! Mirrors: Linux Documentation/admin-guide/cgroup-v2.rst, filesystems/proc.rst. Left out: whatever else
//! is there, what a process would read of itself beyond its cgroup and score, and writing to any of it.

use super::kernel::Sys;
use super::process::Pid;

/// The text of a made-up file, if the path names one.
pub fn read(sys: &mut Sys, path: &str) -> Option<String> {
    let limit = |value: Option<u64>| value.map_or("max".to_owned(), |bytes| bytes.to_string());
    let text = match path {
        "/proc/meminfo" => {
            "MemTotal:        4025536 kB\nMemFree:         3600000 kB\nMemAvailable:    3700000 kB\n".to_owned()
        }
        "/proc/cpuinfo" => {
            "processor\t: 0\nmodel name\t: Simulated CPU\nprocessor\t: 1\nmodel name\t: Simulated CPU\n".to_owned()
        }
        "/proc/loadavg" => "0.00 0.00 0.00 1/100 1\n".to_owned(),
        "/proc/version" => "Linux version 6.1.0 (simulated)\n".to_owned(),
        "/proc/uptime" => format!("{}.00 0.00\n", sys.now / 1_000 % 1_000_000),
        "/sys/fs/cgroup/memory.max" => format!("{}\n", limit(sys.kernel.memory_limit)),
        "/sys/fs/cgroup/memory/memory.limit_in_bytes" => {
            format!("{}\n", sys.kernel.memory_limit.unwrap_or(9_223_372_036_854_771_712))
        }
        "/sys/fs/cgroup/memory.current" | "/sys/fs/cgroup/memory/memory.usage_in_bytes" => {
            format!("{}\n", sys.kernel.memory())
        }
        "/sys/fs/cgroup/cpu.max" => match sys.kernel.cpu_limit {
            Some(millicores) => format!("{} 100000\n", millicores * 100),
            None => "max 100000\n".to_owned(),
        },
        "/sys/fs/cgroup/cpu.stat" | "/sys/fs/cgroup/cpu/cpu.stat" => {
            let started = sys.kernel.procs.get(&1).map_or(sys.now, |first| first.started);
            let periods = (sys.now - started) / 100;
            let throttled = if sys.kernel.is_throttled(sys.now) { periods.max(1) } else { 0 };
            format!("nr_periods {periods}\nnr_throttled {throttled}\nthrottled_usec {}\n", throttled * 80_000)
        }
        _ => return process_file(sys, path),
    };
    Some(text)
}

fn process_file(sys: &mut Sys, path: &str) -> Option<String> {
    let (pid, file) = path.strip_prefix("/proc/")?.split_once('/')?;
    let pid: Pid = if pid == "self" { sys.pid } else { pid.parse().ok()? };
    let process = sys.kernel.procs.get(&pid);
    // Whoever asks is not in the table while it does.
    if process.is_none() && pid != sys.pid {
        return None;
    }
    match file {
        // A container sees its own cgroup as the root.
        "cgroup" => return Some("0::/\n".to_owned()),
        "oom_score_adj" => return Some(format!("{}\n", sys.kernel.oom_score)),
        _ => {}
    }
    let process = process?;
    match file {
        "cmdline" => Some(process.argv.iter().map(|arg| format!("{arg}\0")).collect()),
        "comm" => Some(format!("{}\n", super::fs::base_of(process.argv.first()?))),
        "environ" => Some(process.env.iter().map(|(name, value)| format!("{name}={value}\0")).collect()),
        "status" => Some(format!(
            "Name:\t{}\nState:\tS (sleeping)\nPid:\t{pid}\nPPid:\t{}\n",
            super::fs::base_of(process.argv.first()?),
            process.parent
        )),
        _ => None,
    }
}
