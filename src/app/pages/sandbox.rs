//! The sandbox: the workbench without a lesson.

use leptos::prelude::*;

use super::workbench::Workbench;
use crate::{app::Shell, state::session::Session};

#[component]
pub fn SandboxPage() -> impl IntoView {
    let shell = expect_context::<Shell>();
    let session = Session::new(shell.store, "sandbox");
    view! { <Workbench session on_menu=Callback::new(|_| None)/> }
}
