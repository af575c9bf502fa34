//! A lesson: the column that tells and checks, beside the workbench.

use leptos::prelude::*;

use super::workbench::Workbench;
use crate::{
    app::Shell,
    state::{session::Session, view::LessonView},
};

#[component]
pub fn LessonPage(id: String) -> impl IntoView {
    let shell = expect_context::<Shell>();
    let session = Session::new(shell.store, &format!("lesson/{id}"));
    session.lesson.set(Some(demo()));
    view! { <Workbench session on_menu=Callback::new(|_| None)/> }
}

fn demo() -> LessonView {
    use crate::state::view::*;
    LessonView {
        id: "container-restart".into(),
        title: "Restart is not relocation".into(),
        kills: "A crashed pod moves to another node.".into(),
        minutes: 9,
        step: 2,
        steps: 5,
        predict: Some(PredictView {
            ask: "After the crash, which of these changes?".into(),
            options: vec![("node".into(), "the node".into()), ("uid".into(), "the pod’s UID".into()), ("count".into(), "only the restart count".into())],
            chosen: Some("count".into()),
            truth: None,
        }),
        situation: "<p>The oven on <code>worker-1</code> is baking. Kill the process inside its container a few times and keep your eye on the pod’s name, UID and node.</p>".into(),
        commands: vec!["kubectl exec oven -- kill 1".into()],
        checks: vec![
            CheckView { done: true, title: "oven has restarted".into(), detail: "restartCount is 2".into() },
            CheckView { done: true, title: "same UID, same node".into(), detail: "4f0e…b21 on worker-1, as before".into() },
            CheckView { done: false, title: "oven is Running again".into(), detail: "Error: its kubelet waits 20 s before the third restart; 6 s to go".into() },
        ],
        because: Some("<p>the kubelet restarts <em>containers</em>. The pod is only scheduled once in its life; nothing ever picks it up and carries it.</p>".into()),
        more_hints: true,
        ..LessonView::default()
    }
}
