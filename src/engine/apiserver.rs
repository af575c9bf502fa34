//! The API server: decode → default → admit → validate → store → watch. Everybody else is its client.

pub mod printers;
