//! All tests of the whole.
