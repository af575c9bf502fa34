//! The proof of a lesson: the start passes no step, the solution passes every step, near-misses pass none.

use std::sync::Arc;

use super::format::{Lesson, Locale};
use super::markdown::words;
use super::run::Run;
use super::stage::Stage;

/// What was proven, step by step.
#[derive(Debug, Clone, Default)]
pub struct Proof {
    pub steps: usize,
    pub near_misses: usize,
    /// Virtual minutes the solution took.
    pub minutes: u64,
    /// Everything that is wrong with the lesson.
    pub faults: Vec<String>,
    /// What an author should look at, but may leave.
    pub warnings: Vec<String>,
}

/// Time given to the cluster after a near-miss or a solution, in virtual milliseconds.
const PATIENCE: u64 = 30_000;
const MAX_WORDS: usize = 120;
const MAX_LETTERS_KO: usize = 350;

/// Plays a lesson in all the ways that decide whether it is one.
pub fn prove(lesson: &Arc<Lesson>) -> Proof {
    let mut proof = Proof { steps: lesson.front.steps.len(), ..Proof::default() };
    read(lesson, &mut proof);
    if let Err(why) = play(lesson, &mut proof) {
        proof.faults.push(why);
    }
    proof
}

/// What can be seen without playing: both languages, lengths, the prediction's truth.
fn read(lesson: &Arc<Lesson>, proof: &mut Proof) {
    if !lesson.prose.contains_key(&Locale::Ko) {
        proof.faults.push("there is no lesson.ko.md".into());
    }
    if lesson.is_stale(Locale::Ko) {
        proof.warnings.push(format!("the English is newer; its source-hash is {}", lesson.source_hash));
    }
    for (id, step) in &lesson.prose(Locale::En).steps {
        if words(&step.text) > MAX_WORDS {
            proof.faults.push(format!("step {id}: {} words, at most {MAX_WORDS}", words(&step.text)));
        }
    }
    for (id, step) in &lesson.prose(Locale::Ko).steps {
        if step.text.chars().count() > MAX_LETTERS_KO {
            proof.warnings.push(format!("step {id}: {} Korean letters", step.text.chars().count()));
        }
    }
    if let Some(predict) = &lesson.front.predict {
        if !predict.options.contains_key(&predict.truth) {
            proof.faults.push(format!("predict.truth {:?} is no option", predict.truth));
        }
        let korean = lesson.predict(Locale::Ko).map(|predict| predict.options).unwrap_or_default();
        if korean.keys().ne(predict.options.keys()) {
            proof.faults.push("the Korean prediction has other options".into());
        }
    }
    for step in &lesson.front.steps {
        if step.answer.is_some() && lesson.overlays.get(&Locale::Ko).is_some_and(|o| !o.answers.contains_key(&step.id))
        {
            proof.faults.push(format!("step {}: its answer has no Korean label", step.id));
        }
    }
}

fn play(lesson: &Arc<Lesson>, proof: &mut Proof) -> Result<(), String> {
    let mut stage = Stage::new(lesson)?;
    for index in 0..lesson.front.steps.len() {
        let mut run = Run::new(lesson.clone(), &stage.snapshot());
        run.go_to(index, &stage.snapshot());
        if run.observe(&stage.snapshot()) {
            proof.faults.push(format!("step {}: the start state passes it", run.step().id));
        }
    }
    let began = stage.cluster.now();
    let mut run = Run::new(lesson.clone(), &stage.snapshot());
    for (index, step) in lesson.front.steps.iter().enumerate() {
        run.go_to(index, &stage.snapshot());
        for (number, miss) in step.near_misses.iter().enumerate() {
            proof.near_misses += 1;
            let (mut other, mut fork) = (stage.fork(), run.clone());
            let mut passed = false;
            for action in miss {
                other.act(action, Some(&mut fork), lesson)?;
                passed |= fork.observe(&other.snapshot());
            }
            passed |= settle(&mut other, &mut fork);
            if passed {
                proof.faults.push(format!("step {}: near-miss {} passes", step.id, number + 1));
            }
        }
        for action in &step.solution {
            stage.act(action, Some(&mut run), lesson).map_err(|why| format!("step {}: {why}", step.id))?;
            run.observe(&stage.snapshot());
        }
        if !run.step_done() && !settle(&mut stage, &mut run) {
            let open: Vec<String> = run
                .checks(&stage.snapshot(), Locale::En)
                .into_iter()
                .filter(|line| !line.done)
                .map(|line| format!("{} ({})", line.title, line.detail))
                .collect();
            proof.faults.push(format!("step {}: its solution does not pass: {}", step.id, open.join("; ")));
            return Ok(());
        }
    }
    proof.minutes = (stage.cluster.now() - began) / 60_000;
    Ok(())
}

/// Gives the cluster time, looking after every instant; `true` when the step was passed.
fn settle(stage: &mut Stage, run: &mut Run) -> bool {
    let end = stage.cluster.now() + PATIENCE;
    while stage.cluster.now() < end {
        if run.observe(&stage.snapshot()) {
            return true;
        }
        let version = stage.cluster.version();
        while stage.cluster.version() == version && stage.cluster.now() < end {
            crate::pump::step_to(&mut stage.cluster, end);
        }
    }
    run.observe(&stage.snapshot())
}
