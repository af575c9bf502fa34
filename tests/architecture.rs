//! Rules that no compiler holds.
