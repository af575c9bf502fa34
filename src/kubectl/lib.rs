//! kubectl as a library: words in, requests out, text back.
pub mod describe;
