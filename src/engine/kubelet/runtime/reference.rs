//! Image names: how a short name is completed, and what makes one invalid.
//!
//! Mirrors: distribution/reference `ParseNormalizedNamed`.

use api::meta::hash::{FNV64, fnv64a};

/// A complete image name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    pub domain: String,
    /// With `library/` for Docker Hub's own.
    pub repository: String,
    pub tag: Option<String>,
    pub digest: Option<String>,
}

impl Reference {
    /// # Errors
    /// The parser's words, for `InvalidImageName`.
    pub fn parse(text: &str) -> Result<Reference, String> {
        let (name, digest) =
            text.split_once('@').map_or((text, None), |(name, digest)| (name, Some(digest.to_owned())));
        let slash = name.rfind('/').map_or(0, |at| at + 1);
        let (path, tag) = match name[slash..].find(':') {
            Some(at) => (&name[..slash + at], Some(name[slash + at + 1..].to_owned())),
            None => (name, None),
        };
        let (domain, rest) = match path.split_once('/') {
            Some((first, rest))
                if first.contains(['.', ':'])
                    || first == "localhost"
                    || first.chars().any(|c| c.is_ascii_uppercase()) =>
            {
                (first, rest)
            }
            _ => ("docker.io", path),
        };
        let domain = if domain == "index.docker.io" { "docker.io" } else { domain };
        let repository =
            if domain == "docker.io" && !rest.contains('/') { format!("library/{rest}") } else { rest.to_owned() };
        if repository.chars().any(|c| c.is_ascii_uppercase()) {
            return Err(format!("invalid reference format: repository name ({repository}) must be lowercase"));
        }
        let part_ok = |part: &str| {
            let inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
            let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
            part.chars().all(inside) && edge(part.chars().next()) && edge(part.chars().next_back())
        };
        let tag_ok = |tag: &String| {
            let inside = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            !tag.is_empty() && tag.len() <= 128 && tag.chars().all(inside) && !tag.starts_with(['.', '-'])
        };
        let digest_ok = |digest: &String| {
            digest.split_once(':').is_some_and(|(algorithm, hex)| !algorithm.is_empty() && hex.len() >= 32)
        };
        if !repository.split('/').all(part_ok)
            || !tag.iter().all(tag_ok)
            || !digest.iter().all(digest_ok)
            || rest.is_empty()
        {
            return Err("invalid reference format".to_owned());
        }
        Ok(Reference { domain: domain.to_owned(), repository, tag, digest })
    }

    /// `docker.io/library/nginx`
    pub fn name(&self) -> String {
        format!("{}/{}", self.domain, self.repository)
    }

    /// The tag that is meant: `latest` when nothing is said.
    pub fn tag_or_latest(&self) -> &str {
        self.tag.as_deref().unwrap_or("latest")
    }

    /// `docker.io/library/nginx:1.27`
    pub fn full(&self) -> String {
        match &self.digest {
            Some(digest) => format!("{}@{digest}", self.name()),
            None => format!("{}:{}", self.name(), self.tag_or_latest()),
        }
    }

    /// Sixty-four hexadecimal digits that stand for this content, always the same.
    pub fn content_digest(&self) -> String {
        if let Some(digest) = &self.digest {
            return digest.clone();
        }
        format!("sha256:{}", hex_of(&self.full()))
    }
}

/// A stable 64-digit hexadecimal text made from `seed`; not a cryptographic digest.
pub fn hex_of(seed: &str) -> String {
    let mut state = fnv64a(FNV64, seed.bytes());
    let mut out = String::new();
    for _ in 0..4 {
        // splitmix64: spreads the seed over all digits.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        out.push_str(&format!("{:016x}", word ^ (word >> 31)));
    }
    out
}
