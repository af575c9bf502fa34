//! The pieces of the page, strangers to one another: each takes signals and callbacks, holds view
//! state only, and is styled by class and `data-*` from `style/components/`. Pages put them together.

pub mod dialog;
pub mod editor;
pub mod events;
pub mod glyph;
pub mod lesson_panel;
pub mod map;
pub mod menu;
pub mod panic;
pub mod seg;
pub mod tabs;
pub mod terminal;
pub mod time_bar;
pub mod topbar;
pub mod tree;
pub mod why;
