//! The file that tells kubectl where the cluster is.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

/// The first line of files this program may replace.
const MARK: &str = "# A cluster simulated by Pilothouse. It is gone when the command that serves it ends.";

pub fn text(address: SocketAddr) -> String {
    format!(
        "{MARK}
apiVersion: v1
kind: Config
clusters:
- name: pilothouse
  cluster:
    server: http://{address}
users:
- name: pilothouse
  user: {{}}
contexts:
- name: pilothouse
  context:
    cluster: pilothouse
    user: pilothouse
current-context: pilothouse
"
    )
}

/// Writes a kubeconfig; a file of somebody's other clusters is not touched.
///
/// # Errors
/// A sentence: the file is somebody else's, or cannot be written.
pub fn write(path: &Path, text: &str) -> Result<(), String> {
    match fs::read_to_string(path) {
        Ok(there) if !there.starts_with(MARK) => {
            return Err(format!("{} holds other clusters; name a file that is free", path.display()));
        }
        Ok(_) | Err(_) => {}
    }
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_ours_are_written_over() {
        let path = std::env::temp_dir().join(format!("bridge-kubeconfig-{}", std::process::id()));
        let text = |port| text(SocketAddr::from(([127, 0, 0, 1], port)));
        write(&path, &text(1)).expect("the place is free");
        write(&path, &text(2)).expect("the file is ours");
        assert!(fs::read_to_string(&path).expect("it was written").contains("server: http://127.0.0.1:2\n"));
        fs::write(&path, "apiVersion: v1\n").expect("it can be written");
        assert!(write(&path, &text(3)).expect_err("it is somebody's").contains("holds other clusters"));
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "apiVersion: v1\n");
        fs::remove_file(&path).expect("it was ours");
    }
}
