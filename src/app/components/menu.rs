//! A menu that opens at a place and closes by itself: Escape, a click elsewhere, or a choice.

use leptos::{html::Div, prelude::*};

use crate::backend::dom;

#[derive(Clone)]
pub struct MenuItem {
    pub label: String,
    /// What is typed instead, or the word "machine".
    pub hint: String,
    pub danger: bool,
    pub action: Callback<()>,
}

/// Where it opens (viewport pixels), what it is about, what can be chosen.
#[derive(Clone)]
pub struct MenuModel {
    pub x: f64,
    pub y: f64,
    pub title: String,
    pub items: Vec<MenuItem>,
}

#[component]
pub fn Menu(model: RwSignal<Option<MenuModel>>) -> impl IntoView {
    let opener = StoredValue::new_local(None::<web_sys::Element>);
    let close = move || {
        if model.get_untracked().is_some() {
            model.set(None);
            if let Some(element) = opener.try_get_value().flatten() {
                dom::focus(&element);
            }
        }
    };
    view! {
        {move || {
            model.get().map(|menu| {
                opener.set_value(document().active_element());
                let node = NodeRef::<Div>::new();
                let (x, y) = (menu.x, menu.y);
                node.on_load(move |element| {
                    // Kept inside the window, whatever its size turned out to be.
                    let window = web_sys::window();
                    let size = |get: fn(&web_sys::Window) -> Result<wasm_bindgen::JsValue, wasm_bindgen::JsValue>| {
                        window.as_ref().and_then(|w| get(w).ok()).and_then(|v| v.as_f64()).unwrap_or(1000.0)
                    };
                    let rect = element.get_bounding_client_rect();
                    let left = x.min(size(web_sys::Window::inner_width) - rect.width() - 8.0).max(8.0);
                    let top = y.min(size(web_sys::Window::inner_height) - rect.height() - 8.0).max(8.0);
                    let style = web_sys::HtmlElement::style(&element);
                    let _ = style.set_property("left", &format!("{left}px"));
                    let _ = style.set_property("top", &format!("{top}px"));
                    dom::rove(&element, "[role=menuitem]", 1);
                });
                dom::listen(&document(), "pointerdown", move |event| {
                    use wasm_bindgen::JsCast;
                    let inside = event
                        .target()
                        .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
                        .is_some_and(|element| element.closest(".menu").ok().flatten().is_some());
                    if !inside {
                        model.set(None);
                    }
                });
                let keys = move |event: web_sys::KeyboardEvent| {
                    let step = match event.key().as_str() {
                        "ArrowDown" => 1,
                        "ArrowUp" => -1,
                        "Escape" | "Tab" => {
                            event.prevent_default();
                            event.stop_propagation();
                            return close();
                        }
                        _ => return,
                    };
                    event.prevent_default();
                    if let Some(element) = node.get_untracked() {
                        dom::rove(&element, "[role=menuitem]", step);
                    }
                };
                view! {
                    <div class="menu" role="menu" aria-label=menu.title.clone() node_ref=node on:keydown=keys>
                        <p class="head" aria-hidden="true">{menu.title.clone()}</p>
                        {menu
                            .items
                            .into_iter()
                            .map(|item| {
                                let action = item.action;
                                view! {
                                    <button
                                        type="button"
                                        role="menuitem"
                                        tabindex="-1"
                                        data-danger=item.danger.to_string()
                                        on:click=move |_| {
                                            close();
                                            action.run(());
                                        }
                                    >
                                        {item.label}
                                        <small>{item.hint}</small>
                                    </button>
                                }
                            })
                            .collect_view()}
                    </div>
                }
            })
        }}
    }
}
