//! The lesson column: one step at a time, predict, do, checks that tick live and say what is still
//! missing. It shows a `LessonView`; what counts as done is the course's business.

use leptos::{html, prelude::*};

use crate::{
    i18n::use_i18n,
    state::view::{AnswerView, CheckView, FaultButton, Html, LessonView, OrderView, PredictView},
};

/// What a learner can do in the column.
#[derive(Clone, Debug, PartialEq)]
pub enum LessonAct {
    Predict(String),
    Type(String),
    Answer(String),
    /// Press one of the things to be ordered.
    Order(String),
    OrderAgain,
    Press(String),
    Hint,
    Solution,
    Back,
    Next,
}

#[component]
pub fn LessonPanel(
    #[prop(into)] lesson: Signal<LessonView>,
    #[prop(into)] on_act: Callback<LessonAct>,
) -> impl IntoView {
    let i18n = use_i18n();
    let scroll = NodeRef::<html::Div>::new();
    let part = move |read: fn(&LessonView) -> String| Memo::new(move |_| lesson.with(read));
    let title = part(|l| l.title.clone());
    let kills = part(|l| l.kills.clone());
    let situation = part(|l| l.situation.clone());
    let task = part(|l| l.task.clone());
    let step_title = part(|l| l.step_title.clone());
    let step = Memo::new(move |_| lesson.with(|l| (l.step, l.steps)));
    let minutes = Memo::new(move |_| lesson.with(|l| l.minutes));
    let predict = Memo::new(move |_| lesson.with(|l| l.predict.clone()));
    let commands = Memo::new(move |_| lesson.with(|l| l.commands.clone()));
    let checks = Memo::new(move |_| lesson.with(|l| l.checks.clone()));
    let buttons = Memo::new(move |_| lesson.with(|l| l.buttons.clone()));
    let answer = Memo::new(move |_| lesson.with(|l| l.answer.clone()));
    let order = Memo::new(move |_| lesson.with(|l| l.order.clone()));
    let hints = Memo::new(move |_| lesson.with(|l| l.hints.clone()));
    let more_hints = Memo::new(move |_| lesson.with(|l| l.more_hints));
    let solution = Memo::new(move |_| lesson.with(|l| l.solution.clone()));
    let because = Memo::new(move |_| lesson.with(|l| l.because.clone()));
    let done = Memo::new(move |_| lesson.with(|l| l.step_done));
    let finished = Memo::new(move |_| lesson.with(|l| l.finished));
    let stale = Memo::new(move |_| lesson.with(|l| l.stale));
    let has_do = Memo::new(move |_| !commands.read().is_empty() || !buttons.read().is_empty());

    // A new step begins at its top.
    Effect::new(move |before: Option<(usize, usize)>| {
        let now = step.get();
        if before.is_some_and(|before| before != now)
            && let Some(scroll) = scroll.get_untracked()
        {
            scroll.set_scroll_top(0);
        }
        now
    });

    view! {
        <div class="scroll" node_ref=scroll tabindex="0" role="group" aria-label=move || i18n.t().common.lesson>
            <p class="eyebrow">
                <span>{move || (i18n.t().lesson.step)(step.get().0 + 1, step.get().1)}</span>
                <span class="minutes">{move || (minutes.get() > 0).then(|| (i18n.t().home.minutes)(minutes.get()))}</span>
            </p>
            <h2 class="title">{title}</h2>
            <p class="kills" data-refuted=move || finished.get().to_string()>
                <span class="sr">
                    {move || if finished.get() { i18n.t().lesson.refuted } else { i18n.t().lesson.belief }} " "
                </span>
                <span>"“" {kills} "”"</span>
            </p>
            {move || stale.get().then(|| view! { <p class="stale">{i18n.t().lesson.stale}</p> })}
            // Without a prediction before it, the step begins right here.
            <Show when=move || task.read().is_empty() && !step_title.read().is_empty()>
                <h2 class="steptitle">{step_title}</h2>
            </Show>
            <Prose html=situation/>
            {move || predict.get().map(|predict| view! { <Predict predict on_act/> })}
            <Show when=move || !task.read().is_empty()>
                <h2 class="steptitle">{step_title}</h2>
                <Prose html=task/>
            </Show>
            <Show when=move || has_do.get()>
                <h2>{move || i18n.t().lesson.do_it}</h2>
                <div>
                    <For each=move || commands.get() key=|line| line.clone() let:line>
                        <Command line on_act/>
                    </For>
                </div>
                <div class="faults" hidden=move || buttons.read().is_empty()>
                    <For each=move || buttons.get() key=|button| button.id.clone() let:button>
                        <Fault button on_act/>
                    </For>
                </div>
            </Show>
            <Show when=move || checks.with(|c| !c.is_empty()) || answer.with(Option::is_some) || order.with(Option::is_some)>
                <h2>{move || i18n.t().lesson.checks}</h2>
            </Show>
            <ul class="checks">
                <For each=move || checks.get().into_iter().enumerate() key=|row| row.clone() let:row>
                    <Check check=row.1/>
                </For>
            </ul>
            {move || answer.get().map(|answer| view! { <Answer answer on_act/> })}
            {move || order.get().map(|order| view! { <Order order on_act/> })}
            <Show when=move || hints.with(|h| !h.is_empty())>
                <aside class="hint">
                    <h3>{move || i18n.t().lesson.hint}</h3>
                    <For each=move || hints.get() key=|hint| hint.clone() let:hint>
                        <div class="prose" inner_html=hint></div>
                    </For>
                </aside>
            </Show>
            {move || {
                solution
                    .get()
                    .map(|lines| {
                        view! {
                            <aside class="solution">
                                <h3>{move || i18n.t().lesson.solution}</h3>
                                {lines
                                    .into_iter()
                                    .map(|(line, command)| {
                                        if command {
                                            view! { <Command line on_act/> }.into_any()
                                        } else {
                                            view! { <p class="cmd"><code lang="en">{line}</code></p> }.into_any()
                                        }
                                    })
                                    .collect_view()}
                            </aside>
                        }
                    })
            }}
            {move || {
                because
                    .get()
                    .map(|html| {
                        view! {
                            <aside class="because">
                                <b>{move || i18n.t().lesson.because}</b>
                                <div class="prose" inner_html=html></div>
                            </aside>
                        }
                    })
            }}
            <Show when=move || finished.get()>
                <aside class="finished">
                    <h2>{move || i18n.t().lesson.finished}</h2>
                    <p>{move || i18n.t().lesson.finished_text}</p>
                </aside>
            </Show>
        </div>
        <footer>
            <button type="button" class="ghost" disabled=move || !more_hints.get() on:click=move |_| on_act.run(LessonAct::Hint)>
                {move || if hints.with(Vec::is_empty) { i18n.t().lesson.hint } else { i18n.t().lesson.more_hint }}
            </button>
            <button
                type="button"
                class="ghost"
                disabled=move || solution.with(Option::is_some)
                on:click=move |_| on_act.run(LessonAct::Solution)
            >
                {move || i18n.t().lesson.show_solution}
            </button>
            <span class="grow"></span>
            <button
                type="button"
                class="ghost"
                disabled=move || step.get().0 == 0
                on:click=move |_| on_act.run(LessonAct::Back)
            >
                "‹ "
                {move || i18n.t().lesson.back}
            </button>
            <button
                type="button"
                class="primary"
                disabled=move || !done.get()
                on:click=move |_| on_act.run(LessonAct::Next)
            >
                {move || {
                    let t = i18n.t();
                    let (step, steps) = step.get();
                    match (finished.get(), step + 1 == steps) {
                        (true, _) => t.lesson.next_lesson,
                        (false, true) => t.lesson.finish,
                        (false, false) => t.lesson.next,
                    }
                }}
                " ›"
            </button>
        </footer>
        <p class="sr" role="status">
            {move || {
                let passed = checks.with(|c| c.iter().rfind(|check| check.done).map(|check| check.title.clone()));
                passed.map(|title| (i18n.t().lesson.check_passed)(&title))
            }}
        </p>
    }
}

#[component]
fn Prose(html: Memo<Html>) -> impl IntoView {
    view! { <div class="prose" inner_html=move || html.get()></div> }
}

#[component]
fn Predict(predict: PredictView, on_act: Callback<LessonAct>) -> impl IntoView {
    let i18n = use_i18n();
    let PredictView { ask, options, chosen, truth, kept } = predict;
    let verdict = {
        let chosen = chosen.clone();
        let truth = truth.clone();
        move || {
            let t = i18n.t();
            match (&chosen, &truth) {
                (None, _) => "",
                (Some(_), None) if kept => t.lesson.predict_kept,
                (Some(_), None) => t.lesson.predict_open,
                (Some(chosen), Some(truth)) if chosen == truth => t.lesson.predicted_right,
                (Some(_), Some(_)) => t.lesson.predicted_wrong,
            }
        }
    };
    let settled = truth.is_some();
    view! {
        <fieldset class="predict">
            <legend>{move || i18n.t().lesson.predict_first}</legend>
            <p class="ask" inner_html=ask></p>
            {options
                .into_iter()
                .map(|(key, label)| {
                    let checked = chosen.as_ref() == Some(&key);
                    let truth = truth.as_ref().map(|truth| (*truth == key).to_string());
                    view! {
                        <label data-truth=truth>
                            <input
                                type="radio"
                                name="prediction"
                                prop:checked=checked
                                disabled=settled && !checked
                                on:change=move |_| on_act.run(LessonAct::Predict(key.clone()))
                            />
                            <span inner_html=label></span>
                        </label>
                    }
                })
                .collect_view()}
            <p class="verdict" role="status">{verdict}</p>
        </fieldset>
    }
}

#[component]
fn Command(line: String, on_act: Callback<LessonAct>) -> impl IntoView {
    let i18n = use_i18n();
    let typed = line.clone();
    view! {
        <div class="cmd">
            <code lang="en">{line}</code>
            <button type="button" class="mini" on:click=move |_| on_act.run(LessonAct::Type(typed.clone()))>
                {move || i18n.t().lesson.type_for_me}
            </button>
        </div>
    }
}

#[component]
fn Fault(button: FaultButton, on_act: Callback<LessonAct>) -> impl IntoView {
    let FaultButton { id, label } = button;
    view! {
        <p>
            <button type="button" class="mini" on:click=move |_| on_act.run(LessonAct::Press(id.clone()))>
                "⚡ "
                {label}
            </button>
        </p>
    }
}

#[component]
fn Check(check: CheckView) -> impl IntoView {
    let i18n = use_i18n();
    let done = check.done;
    view! {
        <li data-done=done.to_string()>
            <i class="mark" aria-hidden="true">{if done { "✓" } else { "◔" }}</i>
            <div>
                <b>
                    <span class="sr">
                        {move || if done { i18n.t().lesson.check_done } else { i18n.t().lesson.check_open }} " "
                    </span>
                    {check.title}
                </b>
                <small>{check.detail}</small>
            </div>
        </li>
    }
}

#[component]
fn Answer(answer: AnswerView, on_act: Callback<LessonAct>) -> impl IntoView {
    let i18n = use_i18n();
    let field = NodeRef::<html::Input>::new();
    let AnswerView { label, given, done, feedback } = answer;
    let mark = done;
    view! {
        <form
            class="answer"
            on:submit=move |event| {
                event.prevent_default();
                if let Some(field) = field.get_untracked() {
                    on_act.run(LessonAct::Answer(field.value()));
                }
            }
        >
            <label for="answer">{if label.is_empty() { i18n.0.get_untracked().text().lesson.answer.to_string() } else { label }}</label>
            <input id="answer" node_ref=field autocomplete="off" spellcheck="false" prop:value=given aria-invalid=(!mark && feedback.is_some()).to_string()/>
            <button type="submit" class="mini">{move || i18n.t().lesson.submit}</button>
            <ul class="checks" hidden=!done>
                <li data-done="true"><i class="mark" aria-hidden="true">"✓"</i></li>
            </ul>
            <p class="wrong" role="status">{feedback}</p>
        </form>
    }
}

#[component]
fn Order(order: OrderView, on_act: Callback<LessonAct>) -> impl IntoView {
    let i18n = use_i18n();
    let OrderView { options, chosen, done } = order;
    let any = !chosen.is_empty();
    view! {
        <p>{move || i18n.t().lesson.order}</p>
        <div class="order" role="group" aria-label=move || i18n.t().lesson.order>
            {options
                .into_iter()
                .map(|(key, label)| {
                    let place = chosen.iter().position(|c| *c == key);
                    view! {
                        <button
                            type="button"
                            aria-pressed=place.is_some().to_string()
                            on:click=move |_| on_act.run(LessonAct::Order(key.clone()))
                        >
                            {place.map(|place| view! { <span class="nth">{place + 1}</span> })}
                            {label}
                        </button>
                    }
                })
                .collect_view()}
            {(any && !done)
                .then(|| {
                    view! {
                        <button type="button" class="mini" on:click=move |_| on_act.run(LessonAct::OrderAgain)>
                            {move || i18n.t().lesson.order_clear}
                        </button>
                    }
                })}
        </div>
    }
}
