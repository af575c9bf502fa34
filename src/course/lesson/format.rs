//! The lesson file: YAML front matter, prose by step, and an overlay per further language.

use std::collections::BTreeMap;

use api::meta::hash::{FNV64, fnv64a};
use serde::Deserialize;
use serde_json::Value;

use super::action::{Action, duration};
use super::check::Clause;
use super::markdown::{self, Prose};
use super::stage::fault_of;

/// The languages of the course.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Locale {
    En,
    Ko,
}

/// Why a lesson cannot be used, for its author.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LessonError(pub String);

impl std::fmt::Display for LessonError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A lesson in all its languages.
#[derive(Debug, Clone)]
pub struct Lesson {
    pub front: Front,
    /// Prose by language; English always.
    pub prose: BTreeMap<Locale, Prose>,
    pub overlays: BTreeMap<Locale, Overlay>,
    /// Hash of the English file, which translations name.
    pub source_hash: String,
}

/// The front matter.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Front {
    pub id: String,
    pub format: u32,
    pub chapter: u32,
    pub title: String,
    /// The misconception, in a learner's voice.
    pub kills: String,
    pub minutes: u32,
    #[serde(default)]
    pub needs: Vec<String>,
    pub kubernetes: String,
    #[serde(default)]
    pub seed: u64,
    /// A preset of `clusters.yaml`.
    pub cluster: String,
    /// Applied before the clock starts.
    #[serde(default)]
    pub manifests: Vec<String>,
    /// What the learner finds in the editor: name → file of the lesson.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// What stands on the workbench from the start; empty: everything.
    #[serde(default)]
    pub panels: Vec<Panel>,
    #[serde(default)]
    pub time: TimeSpec,
    /// Commands and machine actions before the clock starts.
    #[serde(default)]
    pub setup: Vec<Action>,
    /// Services that are asked all the time, from the start on.
    #[serde(default)]
    pub traffic: Vec<TrafficSpec>,
    /// Images of this lesson alone, in the format of `engine/kubelet/runtime/catalogue.yaml`.
    #[serde(default)]
    pub images: Value,
    #[serde(default)]
    pub faults: Vec<FaultSpec>,
    pub predict: Option<Predict>,
    pub steps: Vec<Step>,
    /// One line on what is simulated.
    #[serde(default)]
    pub simulated: String,
    #[serde(default)]
    pub real: Value,
}

/// A part of the workbench. The map and the terminal are always there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Panel {
    Map,
    Terminal,
    /// Left out, it comes with the first file.
    Editor,
    Events,
}

impl Front {
    /// What the types alone do not say.
    fn check(&self) -> Result<(), String> {
        if self.format != 1 {
            return Err(format!("format is {}, this course reads 1", self.format));
        }
        if !matches!(self.time.mode.as_str(), "" | "paused" | "running") {
            return Err(format!("time.mode is {:?}: it is paused or running", self.time.mode));
        }
        for fault in &self.faults {
            fault_of(&fault.what, &fault.node, &fault.pod).map_err(|why| format!("fault {}: {why}", fault.id))?;
            if fault.at != "button" {
                return Err(format!("fault {}: at is {:?}, and only button is there", fault.id, fault.at));
            }
        }
        for step in &self.steps {
            if !step.hold.is_empty() && duration(&step.hold).is_none() {
                return Err(format!("step {}: hold is {:?}: write 10s, 5m or 1h", step.id, step.hold));
            }
            if let Some(answer) = &step.answer
                && !matches!(answer.kind.as_str(), "text" | "number" | "quantity" | "duration")
            {
                return Err(format!("step {}: there is no kind of answer {:?}", step.id, answer.kind));
            }
        }
        Ok(())
    }

    /// Whether the lesson begins with this panel.
    pub fn shows(&self, panel: Panel) -> bool {
        self.panels.is_empty() || self.panels.contains(&panel)
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TimeSpec {
    /// `paused` or `running`.
    #[serde(default)]
    pub mode: String,
    /// Event reasons at which the clock stops by itself.
    #[serde(default)]
    pub auto_pause: Vec<String>,
}

/// `{ service: default/web, rps: 10 }`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrafficSpec {
    pub service: String,
    /// Requests per second.
    pub rps: u32,
}

/// A fault the lesson offers as a button.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FaultSpec {
    pub id: String,
    /// `button`; other moments come with later lessons.
    pub at: String,
    #[serde(rename = "do")]
    pub what: String,
    #[serde(default)]
    pub node: String,
    #[serde(default)]
    pub pod: String,
    #[serde(default)]
    pub label: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Predict {
    pub ask: String,
    /// Key → label. The order is the file's, sorted by key.
    pub options: BTreeMap<String, String>,
    pub truth: String,
    /// The lesson that answers; until then the guess is kept. Empty: this lesson answers at its end.
    #[serde(default)]
    pub opens_in: String,
    #[serde(default)]
    pub replay: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Step {
    pub id: String,
    #[serde(default)]
    pub checks: Vec<Clause>,
    pub answer: Option<Answer>,
    /// The right order of these keys.
    #[serde(default)]
    pub order: Vec<String>,
    /// All checks must hold this long, `10s`.
    #[serde(default)]
    pub hold: String,
    #[serde(default)]
    pub hints: Vec<HintWhen>,
    #[serde(default)]
    pub solution: Vec<Action>,
    #[serde(default)]
    pub near_misses: Vec<Vec<Action>>,
}

/// When a hint fits: at a state, or always.
#[derive(Debug, Clone, Deserialize)]
pub struct HintWhen {
    pub when: Option<Clause>,
}

/// A question the learner answers in words.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Answer {
    /// `text`, `number`, `quantity` or `duration`.
    pub kind: String,
    #[serde(default)]
    pub label: String,
    /// Any of these is right.
    #[serde(default)]
    pub accepts: Vec<String>,
    /// For numbers and durations in seconds: from, to.
    pub between: Option<(f64, f64)>,
}

/// A translation: words only, no logic.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Overlay {
    pub id: String,
    pub locale: String,
    #[serde(default)]
    pub source_hash: String,
    pub title: String,
    pub kills: String,
    #[serde(default)]
    pub simulated: String,
    pub predict: Option<OverlayPredict>,
    /// Answer labels by step.
    #[serde(default)]
    pub answers: BTreeMap<String, String>,
    /// Labels of fault buttons by id.
    #[serde(default)]
    pub faults: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverlayPredict {
    pub ask: String,
    pub options: BTreeMap<String, String>,
}

impl Lesson {
    /// Reads a lesson from its English file and its translations.
    ///
    /// # Errors
    /// A sentence naming the file's mistake.
    pub fn parse(english: &str, korean: Option<&str>) -> Result<Self, LessonError> {
        let (front, body) = front_matter(english)?;
        let front: Front = api::codec::decode(front).map_err(|error| LessonError(format!("lesson.md: {error}")))?;
        front.check().map_err(|why| LessonError(format!("lesson.md: {why}")))?;
        let ids: Vec<&str> = front.steps.iter().map(|step| step.id.as_str()).collect();
        let mut prose = BTreeMap::new();
        let mut overlays = BTreeMap::new();
        prose.insert(Locale::En, markdown::prose(body, &ids).map_err(|why| LessonError(format!("lesson.md: {why}")))?);
        if let Some(text) = korean {
            let (overlay, body) = front_matter(text)?;
            let overlay: Overlay =
                api::codec::decode(overlay).map_err(|error| LessonError(format!("lesson.ko.md: {error}")))?;
            prose.insert(
                Locale::Ko,
                markdown::prose(body, &ids).map_err(|why| LessonError(format!("lesson.ko.md: {why}")))?,
            );
            overlays.insert(Locale::Ko, overlay);
        }
        Ok(Self { front, prose, overlays, source_hash: short_hash(english) })
    }

    pub fn id(&self) -> &str {
        &self.front.id
    }

    pub fn title(&self, locale: Locale) -> &str {
        self.overlays.get(&locale).map_or(&self.front.title, |overlay| &overlay.title)
    }

    pub fn kills(&self, locale: Locale) -> &str {
        self.overlays.get(&locale).map_or(&self.front.kills, |overlay| &overlay.kills)
    }

    pub fn simulated(&self, locale: Locale) -> &str {
        match self.overlays.get(&locale) {
            Some(overlay) if !overlay.simulated.is_empty() => &overlay.simulated,
            _ => &self.front.simulated,
        }
    }

    /// The question before the first step, in the learner's language.
    pub fn predict(&self, locale: Locale) -> Option<Predict> {
        let mut predict = self.front.predict.clone()?;
        if let Some(translated) = self.overlays.get(&locale).and_then(|overlay| overlay.predict.as_ref()) {
            predict.ask.clone_from(&translated.ask);
            predict.options.clone_from(&translated.options);
        }
        Some(predict)
    }

    pub fn answer_label(&self, step: &Step, locale: Locale) -> String {
        let translated = self.overlays.get(&locale).and_then(|overlay| overlay.answers.get(&step.id));
        translated.cloned().or_else(|| step.answer.as_ref().map(|answer| answer.label.clone())).unwrap_or_default()
    }

    pub fn fault_label(&self, fault: &FaultSpec, locale: Locale) -> String {
        let translated = self.overlays.get(&locale).and_then(|overlay| overlay.faults.get(&fault.id));
        translated.cloned().unwrap_or_else(|| fault.label.clone())
    }

    pub fn prose(&self, locale: Locale) -> &Prose {
        self.prose.get(&locale).unwrap_or_else(|| &self.prose[&Locale::En])
    }

    /// The English text changed since the translation was written.
    pub fn is_stale(&self, locale: Locale) -> bool {
        self.overlays.get(&locale).is_some_and(|overlay| overlay.source_hash != self.source_hash)
    }
}

impl Answer {
    /// Whether what the learner typed is right.
    pub fn accepts(&self, given: &str) -> bool {
        let typed = given.trim().trim_matches(['"', '\'', '`']);
        let given = typed.to_lowercase();
        if let Some((from, to)) = self.between {
            let number = given.trim_end_matches(['s', '초', ' ']).trim().parse::<f64>();
            return number.is_ok_and(|number| (from..=to).contains(&number));
        }
        self.accepts.iter().any(|right| {
            // Units are told apart by case: 4Gi and 4gi are not the same.
            let equal_amount = || {
                use api::meta::quantity::canonical;
                !typed.is_empty() && canonical(typed) == canonical(right)
            };
            given == right.to_lowercase() || self.kind == "quantity" && equal_amount()
        })
    }
}

/// Splits `---` front matter from the body.
fn front_matter(text: &str) -> Result<(Value, &str), LessonError> {
    let text = text.trim_start_matches('\u{feff}');
    let rest = text.strip_prefix("---\n").ok_or_else(|| LessonError("a lesson begins with ---".into()))?;
    let (front, body) =
        rest.split_once("\n---\n").ok_or_else(|| LessonError("the front matter has no closing ---".into()))?;
    match api::yaml::parse_document(front) {
        Ok(document) => Ok((document.to_json(), body)),
        Err(error) => Err(LessonError(error.converting())),
    }
}

/// Seven hex digits: enough to notice a change.
pub fn short_hash(text: &str) -> String {
    format!("{:016x}", fnv64a(FNV64, text.bytes()))[..7].to_string()
}
