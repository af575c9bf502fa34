//! The lessons in this build, by chapter. Embedded from `lessons/`; a folder there is a lesson here.

use std::sync::Arc;

use serde::Deserialize;

use super::format::{Lesson, LessonError, Locale};

include!(concat!(env!("OUT_DIR"), "/lessons.rs"));

/// A file below `lessons/`.
pub fn file(path: &str) -> Option<&'static str> {
    FILES.iter().find(|(name, _)| *name == path).map(|(_, text)| *text)
}

/// All lessons that exist, in the order of the course.
#[derive(Debug, Clone)]
pub struct Catalogue {
    pub chapters: Vec<Chapter>,
}

#[derive(Debug, Clone)]
pub struct Chapter {
    pub number: u32,
    en: String,
    ko: String,
    pub lessons: Vec<Arc<Lesson>>,
}

#[derive(Deserialize)]
struct ChapterLine {
    number: u32,
    en: String,
    ko: String,
    lessons: Vec<String>,
}

impl Catalogue {
    /// Reads every lesson of this build.
    ///
    /// # Errors
    /// The first lesson that is not one; the tests read all of them, so the page never sees this.
    pub fn load() -> Result<Self, LessonError> {
        let wrong = |why: String| LessonError(format!("chapters.yaml: {why}"));
        let text = file("chapters.yaml").ok_or_else(|| wrong("missing".into()))?;
        let document = api::yaml::parse_document(text).map_err(|error| wrong(error.converting()))?;
        let lines: Vec<ChapterLine> =
            api::codec::decode(document.to_json()).map_err(|error| wrong(error.to_string()))?;
        let mut chapters = Vec::new();
        for line in lines {
            let mut lessons = Vec::new();
            for id in line.lessons {
                // Lessons that are not written yet have no folder.
                let Some(english) = file(&format!("{id}/lesson.md")) else { continue };
                let korean = file(&format!("{id}/lesson.ko.md"));
                let lesson =
                    Lesson::parse(english, korean).map_err(|LessonError(why)| LessonError(format!("{id}: {why}")))?;
                if lesson.id() != id {
                    return Err(LessonError(format!("{id}: its front matter says {:?}", lesson.id())));
                }
                lessons.push(Arc::new(lesson));
            }
            chapters.push(Chapter { number: line.number, en: line.en, ko: line.ko, lessons });
        }
        let folders = FILES.iter().filter_map(|(path, _)| path.strip_suffix("/lesson.md"));
        let known = |id: &str| chapters.iter().flat_map(|chapter: &Chapter| &chapter.lessons).any(|l| l.id() == id);
        match folders.into_iter().find(|id| !known(id)) {
            Some(lost) => Err(wrong(format!("no chapter names {lost}, so nobody would find it"))),
            None => Ok(Self { chapters }),
        }
    }

    pub fn lessons(&self) -> impl Iterator<Item = &Arc<Lesson>> {
        self.chapters.iter().flat_map(|chapter| &chapter.lessons)
    }

    pub fn lesson(&self, id: &str) -> Option<&Arc<Lesson>> {
        self.lessons().find(|lesson| lesson.id() == id)
    }
}

impl Chapter {
    pub fn title(&self, locale: Locale) -> &str {
        match locale {
            Locale::En => &self.en,
            Locale::Ko => &self.ko,
        }
    }
}
