//! What the Help dialog says, and the settings that live in it.

use leptos::prelude::*;

use crate::{
    app::Shell,
    components::seg::Seg,
    i18n::use_i18n,
    state::settings::{Motion, Theme},
};

#[component]
pub fn HelpText() -> impl IntoView {
    let i18n = use_i18n();
    let store = expect_context::<Shell>().store;
    let theme = Memo::new(move |_| store.with(|saved| saved.settings.theme));
    let motion = Memo::new(move |_| store.with(|saved| saved.settings.motion));
    view! {
        <section>
            <h3>{move || i18n.t().help.keys}</h3>
            <dl class="keys">
                {move || {
                    i18n.t()
                        .help
                        .rows
                        .iter()
                        .map(|(keys, what)| view! { <dt><kbd>{*keys}</kbd></dt><dd>{*what}</dd> })
                        .collect_view()
                }}
            </dl>
        </section>
        <section>
            <h3>{move || i18n.t().help.settings}</h3>
            <p class="field">
                <span>{move || i18n.t().common.theme}</span>
                <Seg
                    label=Signal::derive(move || i18n.t().common.theme.to_string())
                    choices=Signal::derive(move || {
                        let t = i18n.t();
                        Theme::ALL
                            .map(|theme| {
                                let name = match theme {
                                    Theme::System => t.common.theme_system,
                                    Theme::Light => t.common.theme_light,
                                    Theme::Dark => t.common.theme_dark,
                                };
                                (theme, name.to_string(), name.to_string())
                            })
                            .to_vec()
                    })
                    value=theme
                    on_change=move |theme| store.update(|saved| saved.settings.theme = theme)
                />
            </p>
            <p class="field">
                <span>{move || i18n.t().common.motion}</span>
                <Seg
                    label=Signal::derive(move || i18n.t().common.motion.to_string())
                    choices=Signal::derive(move || {
                        let t = i18n.t();
                        [(Motion::Full, t.common.motion_full), (Motion::Reduced, t.common.motion_reduced)]
                            .map(|(motion, name)| (motion, name.to_string(), name.to_string()))
                            .to_vec()
                    })
                    value=motion
                    on_change=move |motion| store.update(|saved| saved.settings.motion = motion)
                />
            </p>
        </section>
        <section>
            <h3>{move || i18n.t().help.reading}</h3>
            <p>{move || i18n.t().help.reading_text}</p>
        </section>
        <section>
            <h3>{move || i18n.t().help.simulated}</h3>
            <p>{move || i18n.t().help.simulated_text}</p>
        </section>
    }
}
