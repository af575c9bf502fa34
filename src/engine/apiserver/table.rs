//! Tables: objects as rows, for clients that ask for `as=Table`.
