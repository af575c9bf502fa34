//! The browser's driver, started on a free port and ended with us.

use crate::install;
use crate::process::{Background, Outcome, free_port, output, program};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// A running chromedriver and the browser it is to start.
pub struct WebDriver {
    pub url: String,
    pub browser: String,
    _process: Background,
}

/// Starts chromedriver and waits until it listens.
pub fn start() -> Outcome<WebDriver> {
    let browser = install::chromium().ok_or("Chromium is missing")?;
    if let Some(version) = output(program(&browser).args(["--version", "--no-sandbox"])) {
        println!("browser: {version}");
    }
    let port = free_port(9515)?;
    // Where the system can do it, the driver ends with us even if we are killed outright.
    let tied = output(program("setpriv").args(["--pdeathsig", "TERM", "true"])).is_some();
    let mut command = program(if tied { "setpriv" } else { "chromedriver" });
    if tied {
        command.args(["--pdeathsig", "TERM", "chromedriver"]);
    }
    command.arg(format!("--port={port}")).stdout(Stdio::null()).stderr(Stdio::null());
    let process = Background::start(&mut command)?;
    let patience = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if Instant::now() > patience {
            return Err("chromedriver does not answer".into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(WebDriver { url: format!("http://127.0.0.1:{port}"), browser, _process: process })
}
