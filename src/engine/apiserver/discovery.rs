//! Discovery: what this server serves, in both shapes that clients ask for.
