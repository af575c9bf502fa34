//! The image catalogue: which images exist, what is in them, and how pulling one goes.
//!
//! Data in YAML ([`BUILTIN`] and whatever a lesson adds), read once and shared. An image is its files, its
//! configuration (entrypoint, command, user, environment) and the programs that do something; a pull takes
//! the time its entry says. What is in no entry does not exist, and the words for that are containerd's.
//! Left out: layers and platforms.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use api::order::Gather;
use serde::Deserialize;

use super::Millis;
use super::fs::{BUILT, FileNode, FileTree};
use super::program::Program;
use super::reference::Reference;
use super::text::{deserialize_bytes, deserialize_duration};

const BUILTIN: &str = include_str!("catalogue.yaml");

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ToolSet {
    Busybox,
    Debian,
    /// Distroless: no shell, no tools.
    #[default]
    None,
}

/// One image, ready to be run.
#[derive(Debug, Clone, Default)]
pub struct Image {
    pub size: u64,
    pub pull: Millis,
    pub tools: ToolSet,
    pub extra_tools: Vec<String>,
    pub user: u32,
    pub workdir: String,
    pub entrypoint: Vec<String>,
    pub cmd: Vec<String>,
    pub env: Vec<(String, String)>,
    pub stop_signal: String,
    pub tree: FileTree,
    pub programs: BTreeMap<String, Arc<Program>>,
}

impl Image {
    /// The directory of a user, as `/etc/passwd` says; `/` for those it does not know.
    pub fn home_of(&self, user: u32) -> String {
        let known = match self.tree.get("/etc/passwd") {
            Some(FileNode::File { data, .. }) => String::from_utf8_lossy(data).into_owned(),
            _ => String::new(),
        };
        let entry = known.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let home = entry.filter(|parts| parts.get(2).and_then(|id| id.parse().ok()) == Some(user));
        let home = home.filter_map(|parts| parts.get(5).map(|home| (*home).to_owned())).next();
        home.unwrap_or_else(|| if user == 0 { "/root".to_owned() } else { "/".to_owned() })
    }
}

/// Why an image could not be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PullError {
    /// The repository does not exist, or nobody may say that it does.
    Denied,
    TagNotFound,
    /// A private repository, and no credentials for it.
    Unauthorized,
    NoSuchHost,
}

#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    /// By full name without tag, then by tag (`*` fits every tag).
    images: BTreeMap<String, BTreeMap<String, Arc<Image>>>,
    registries: Vec<String>,
    private: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    registries: Vec<String>,
    #[serde(default)]
    bases: BTreeMap<String, BTreeMap<String, String>>,
    #[serde(default)]
    images: Vec<ImageSpec>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct ImageSpec {
    names: Vec<String>,
    tags: Vec<String>,
    private: bool,
    #[serde(deserialize_with = "deserialize_bytes")]
    size: u64,
    #[serde(deserialize_with = "deserialize_duration")]
    pull: Millis,
    base: String,
    tools: ToolSet,
    extra_tools: Vec<String>,
    user: u32,
    workdir: String,
    entrypoint: Vec<String>,
    cmd: Vec<String>,
    env: BTreeMap<String, String>,
    stop_signal: String,
    files: BTreeMap<String, String>,
    programs: BTreeMap<String, Program>,
}

impl Catalogue {
    /// The images every cluster knows.
    pub fn builtin() -> Catalogue {
        let mut catalogue = Catalogue::default();
        catalogue.extend(BUILTIN).expect("the built-in catalogue is read by a test");
        catalogue
    }

    /// The same, read only once.
    pub fn shared() -> Arc<Catalogue> {
        static SHARED: OnceLock<Arc<Catalogue>> = OnceLock::new();
        SHARED.get_or_init(|| Arc::new(Catalogue::builtin())).clone()
    }

    /// Adds the images of another document; a later one wins.
    ///
    /// # Errors
    /// What is wrong with the YAML, with its line where the syntax is wrong.
    pub fn extend(&mut self, text: &str) -> Result<(), String> {
        let value = api::yaml::parse_document(text).map_err(|error| error.to_string())?.to_json();
        let document: Document = api::codec::decode(value).map_err(|error| error.to_string())?;
        self.registries.extend(document.registries);
        for spec in document.images {
            let base = document.bases.get(&spec.base);
            let names = spec.names.clone();
            let tags = if spec.tags.is_empty() { vec!["latest".to_owned()] } else { spec.tags.clone() };
            let private = spec.private;
            let image = Arc::new(build(spec, base));
            for name in names {
                let reference = Reference::parse(&name)?;
                if private {
                    self.private.push(reference.name());
                }
                let known = self.images.entry(reference.name()).or_default();
                known.extend(tags.iter().map(|tag| (tag.clone(), image.clone())));
            }
        }
        Ok(())
    }

    pub fn find(&self, reference: &Reference) -> Option<Arc<Image>> {
        let tags = self.images.get(&reference.name())?;
        tags.get(reference.tag_or_latest()).or_else(|| tags.get("*")).cloned()
    }

    /// What the registry answers.
    ///
    /// # Errors
    /// Why there is no image.
    pub fn pull(&self, reference: &Reference, has_credentials: bool) -> Result<Arc<Image>, PullError> {
        if !self.registries.contains(&reference.domain) {
            return Err(PullError::NoSuchHost);
        }
        if self.private.contains(&reference.name()) && !has_credentials {
            return Err(PullError::Unauthorized);
        }
        match (self.find(reference), self.images.contains_key(&reference.name())) {
            (Some(image), _) => Ok(image),
            (None, true) => Err(PullError::TagNotFound),
            (None, false) if reference.domain == "docker.io" => Err(PullError::Denied),
            (None, false) => Err(PullError::TagNotFound),
        }
    }
}

impl PullError {
    /// containerd's words.
    pub fn text(&self, reference: &Reference) -> String {
        let full = reference.full();
        let cause = match self {
            PullError::Denied => {
                "pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed".to_owned()
            }
            PullError::TagNotFound => format!("{full}: not found"),
            PullError::Unauthorized => {
                "pull access denied, repository does not exist or may require authorization: authorization failed: no basic auth credentials".to_owned()
            }
            PullError::NoSuchHost => {
                // Docker Hub's images lie elsewhere than its name says.
                let domain = if reference.domain == "docker.io" { "registry-1.docker.io" } else { &reference.domain };
                let manifest = format!("{}/manifests/{}", reference.repository, reference.tag_or_latest());
                format!("failed to do request: Head \"https://{domain}/v2/{manifest}\": dial tcp: lookup {domain} on 10.255.255.53:53: no such host")
            }
        };
        format!("failed to pull and unpack image \"{full}\": failed to resolve image: {cause}")
    }
}

fn build(spec: ImageSpec, base: Option<&BTreeMap<String, String>>) -> Image {
    let mut tree = FileTree::default();
    let own: &[&str] = match spec.tools {
        ToolSet::Busybox => &["/lib", "/lib64", "/usr/sbin", "/var/spool/mail", "/var/www", "/var/run", "/var/log"],
        ToolSet::Debian => &[
            "/boot",
            "/lib",
            "/lib64",
            "/media",
            "/mnt",
            "/opt",
            "/run",
            "/sbin",
            "/srv",
            "/usr/bin",
            "/usr/lib",
            "/usr/local",
            "/usr/sbin",
            "/usr/share",
            "/var/cache",
            "/var/lib",
            "/var/log",
            "/var/run",
            "/var/tmp",
        ],
        ToolSet::None => &["/var/run"],
    };
    for dir in ["/etc", "/root", "/home", "/usr", "/tmp"].iter().chain(own) {
        tree.put_dir(dir, if *dir == "/tmp" { 0o1777 } else { 0o755 }, BUILT);
    }
    if spec.tools != ToolSet::None {
        tree.put_dir("/bin", 0o755, BUILT);
    }
    for (path, text) in base.into_iter().flatten().chain(&spec.files) {
        match text.strip_prefix("-> ") {
            Some(target) => tree.put_link(path, target, BUILT),
            None if path.ends_with('/') => tree.put_dir(path.trim_end_matches('/'), 0o755, BUILT),
            None => tree.put(path, text.as_bytes(), if text.starts_with("#!") { 0o755 } else { 0o644 }, BUILT),
        }
    }
    let mut env: Vec<(String, String)> =
        vec![("PATH".to_owned(), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned())];
    env.extend(spec.env);
    Image {
        size: spec.size,
        pull: spec.pull,
        tools: spec.tools,
        extra_tools: spec.extra_tools,
        user: spec.user,
        workdir: if spec.workdir.is_empty() { "/".to_owned() } else { spec.workdir },
        entrypoint: spec.entrypoint,
        cmd: spec.cmd,
        env,
        stop_signal: spec.stop_signal,
        tree,
        programs: spec.programs.into_iter().map(|(path, program)| (path, Arc::new(program))).into_map(),
    }
}
