//! "Why here?": which nodes could take a pod, and what each plugin gave those that could.
//! Draws a `WhyView`; plugins and reasons keep the scheduler's own words.

use leptos::prelude::*;

use super::dialog::Dialog;
use crate::{
    i18n::use_i18n,
    state::why::{Attempt, ScoreRow, Verdict, WhyStory, WhyView},
};

#[component]
pub fn Why(#[prop(into)] why: RwSignal<Option<WhyView>>) -> impl IntoView {
    let i18n = use_i18n();
    let open = RwSignal::new(false);
    Effect::new(move |_| open.set(why.with(Option::is_some)));
    Effect::new(move |_| {
        if !open.get() && why.with_untracked(Option::is_some) {
            why.set(None);
        }
    });
    let title = Signal::derive(move || {
        let t = i18n.t();
        why.with(|why| {
            why.as_ref().map_or_else(String::new, |why| {
                let nowhere = match &why.story {
                    WhyStory::NotYet => true,
                    WhyStory::Attempt(attempt) => attempt.node.is_none(),
                    WhyStory::Static | WhyStory::Named(_) | WhyStory::Looking | WhyStory::Forgotten => false,
                };
                format!("{} · {}", if nowhere { t.why.nowhere } else { t.why.here }, why.pod)
            })
        })
    });
    view! {
        <Dialog open title>
            {move || why.get().map(|why| view! { <Story story=why.story/> })}
        </Dialog>
    }
}

#[component]
fn Story(story: WhyStory) -> impl IntoView {
    let i18n = use_i18n();
    let told = story.clone();
    let sentence = move || {
        let t = &i18n.t().why;
        match &told {
            WhyStory::Static => t.from_disk.to_string(),
            WhyStory::Named(node) => (t.named)(node),
            WhyStory::NotYet => t.not_yet.to_string(),
            WhyStory::Looking => t.looking.to_string(),
            WhyStory::Forgotten => t.forgotten.to_string(),
            WhyStory::Attempt(attempt) => {
                let feasible = attempt.verdicts.iter().filter(|verdict| verdict.refused.is_none()).count();
                let all = attempt.verdicts.len() + attempt.not_visited;
                match &attempt.node {
                    None => t.no_place.to_string(),
                    Some(node) if feasible == 1 => (t.only)(node, all),
                    Some(node) if attempt.tied => (t.tied)(node, feasible, all),
                    Some(node) => (t.best)(node, feasible, all),
                }
            }
        }
    };
    let attempt = match story {
        WhyStory::Attempt(attempt) => Some(attempt),
        WhyStory::Static | WhyStory::Named(_) | WhyStory::NotYet | WhyStory::Looking | WhyStory::Forgotten => None,
    };
    view! {
        <p class="why-sentence" role="status">{sentence}</p>
        {attempt.map(|attempt| view! { <Tables attempt/> })}
    }
}

#[component]
fn Tables(attempt: Attempt) -> impl IntoView {
    let i18n = use_i18n();
    let Attempt { node, message, nominated, verdicts, not_visited, columns, hidden, scores, totals, .. } = attempt;
    let has_scores = !scores.is_empty();
    let chosen = node.clone();
    view! {
        {(!message.is_empty()).then(|| view! { <pre class="why-message" lang="en">{message}</pre> })}
        {nominated.map(|node| view! { <p>{move || (i18n.t().why.nominated)(&node)}</p> })}
        <section>
            <h3>{move || i18n.t().why.filters}</h3>
            <ul class="why-filters">
                {verdicts.into_iter().map(|verdict| view! { <NodeVerdict verdict/> }).collect_view()}
            </ul>
            {(not_visited > 0).then(|| view! { <p>{move || (i18n.t().why.not_visited)(not_visited)}</p> })}
        </section>
        {has_scores
            .then(|| {
                view! {
                    <section>
                        <h3>{move || i18n.t().why.scores}</h3>
                        <p>{move || i18n.t().why.how}</p>
                        <div class="why-scores" tabindex="0" role="group" aria-label=move || i18n.t().why.scores>
                            <table>
                                <thead>
                                    <tr>
                                        <th scope="col">{move || i18n.t().why.plugin}</th>
                                        {columns
                                            .into_iter()
                                            .map(|name| {
                                                let here = chosen.as_deref() == Some(name.as_str());
                                                view! {
                                                    <th scope="col" lang="en" data-chosen=here.to_string()>
                                                        {here.then_some("● ")}
                                                        {name}
                                                    </th>
                                                }
                                            })
                                            .collect_view()}
                                    </tr>
                                </thead>
                                <tbody>{scores.into_iter().map(|row| view! { <Plugin row/> }).collect_view()}</tbody>
                                <tfoot>
                                    <tr>
                                        <th scope="row">{move || i18n.t().why.sum}</th>
                                        {totals.into_iter().map(|total| view! { <td>{total}</td> }).collect_view()}
                                    </tr>
                                </tfoot>
                            </table>
                        </div>
                        {(hidden > 0).then(|| view! { <p>{move || (i18n.t().why.hidden)(hidden)}</p> })}
                    </section>
                }
            })}
    }
}

#[component]
fn NodeVerdict(verdict: Verdict) -> impl IntoView {
    let i18n = use_i18n();
    let Verdict { node, refused } = verdict;
    let fits = refused.is_none();
    view! {
        <li data-fits=fits.to_string()>
            <i class="mark" aria-hidden="true">{if fits { "✓" } else { "✕" }}</i>
            <b lang="en">{node}</b>
            {match refused {
                None => view! { <span>{move || i18n.t().why.fits}</span> }.into_any(),
                Some((plugin, reasons)) => {
                    view! {
                        <span lang="en">
                            {reasons}
                            <small>{plugin}</small>
                        </span>
                    }
                        .into_any()
                }
            }}
        </li>
    }
}

#[component]
fn Plugin(row: ScoreRow) -> impl IntoView {
    let ScoreRow { plugin, weight, scores } = row;
    view! {
        <tr>
            <th scope="row" lang="en">{plugin}</th>
            {scores
                .into_iter()
                .map(|score| {
                    view! {
                        <td>
                            {score * weight}
                            {(weight != 1).then(|| view! { <small>{format!("{score} × {weight}")}</small> })}
                        </td>
                    }
                })
                .collect_view()}
        </tr>
    }
}
