//! Everything the browser provides that is not the DOM of a component: storage, frames, focus, the
//! editor's bundle. The only room that speaks `web_sys` for its own sake.

pub mod dom;
pub mod editor;
pub mod storage;
