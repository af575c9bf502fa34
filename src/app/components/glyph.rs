//! Icons and state shapes, drawn once. Icons are decoration: the control beside them has words.

use leptos::prelude::*;

use crate::state::view::PodState;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Icon {
    Play,
    Pause,
    Step,
    Skip,
    Undo,
    Reset,
    Menu,
    Theme,
    Help,
    Plus,
    Lesson,
    Map,
    File,
    Terminal,
    Close,
}

impl Icon {
    fn path(self) -> &'static str {
        match self {
            Icon::Play => "M7 4.5v11l9-5.5z",
            Icon::Pause => "M6.5 5v10M13.5 5v10",
            Icon::Step => "M5 5v10l7-5zM15 5v10",
            Icon::Skip => "M3 5v10l6-5zM10 5v10l6-5zM17.5 5v10",
            Icon::Undo => "M7 4 3.5 7.5 7 11M4 7.5h7.5a4.5 4.5 0 0 1 0 9H8",
            Icon::Reset => "M4 4v4h4M4.6 8A6.2 6.2 0 1 1 4 11.5",
            Icon::Menu => "M3 5.5h14M3 10h14M3 14.5h14",
            Icon::Theme => "M10 3a7 7 0 1 0 0 14zM10 3a7 7 0 0 1 0 14",
            Icon::Help => {
                "M7.6 7.6a2.4 2.4 0 1 1 3.3 2.2c-.7.3-.9.8-.9 1.7M10 14.4v.1M10 2.8a7.2 7.2 0 1 0 0 14.4 7.2 7.2 0 0 0 0-14.4"
            }
            Icon::Plus => "M10 4.5v11M4.5 10h11",
            Icon::Lesson => {
                "M4 4.5h5a1.5 1.5 0 0 1 1 .6 1.5 1.5 0 0 1 1-.6h5v10.5h-5a1.5 1.5 0 0 0-1 .6 1.5 1.5 0 0 0-1-.6H4zM10 5.3v10"
            }
            Icon::Map => "M7.5 3h5v4h-5zM2.5 13h5v4h-5zM12.5 13h5v4h-5zM10 7v3M5 13v-3h10v3",
            Icon::File => "M5 2.8h6.5L15.5 7v10.2H5zM11.2 3v4.2h4M7.5 10.5h5M7.5 13.5h5",
            Icon::Terminal => "M2.8 4.5h14.4v11H2.8zM5.5 8l2.5 2-2.5 2M10 12.5h4",
            Icon::Close => "M5 5l10 10M15 5 5 15",
        }
    }
}

#[component]
pub fn Glyph(icon: Icon) -> impl IntoView {
    view! {
        <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
            <path d=icon.path()></path>
        </svg>
    }
}

/// The ship's wheel.
#[component]
pub fn Wheel() -> impl IntoView {
    view! {
        <svg viewBox="0 0 32 32" aria-hidden="true">
            <g fill="none" stroke="currentColor" stroke-width="2.2" stroke-linecap="round">
                <circle cx="16" cy="16" r="8"></circle>
                <circle cx="16" cy="16" r="2.4" fill="currentColor" stroke="none"></circle>
                <path d="M16 2.5v5M16 24.5v5M2.5 16h5M24.5 16h5M6.5 6.5l3.6 3.6M21.9 21.9l3.6 3.6M25.5 6.5l-3.6 3.6M10.1 21.9l-3.6 3.6M16 8v5.6M16 18.4V24M8 16h5.6M18.4 16H24"></path>
            </g>
        </svg>
    }
}

/// The shape of a state. The word must stand beside it.
#[component]
pub fn StateGlyph(#[prop(into)] state: Signal<PodState>) -> impl IntoView {
    view! { <i class="g" data-state=move || state.get().key() aria-hidden="true"></i> }
}
