//! What the last release measured, and how it is compared: a figure of then, corrected by the two runs' yardsticks.
//!
//! `bench --keep` writes the figures of this run in their place; that is done at a release, on an idle machine.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, OnceLock};

const YARDSTICK: &str = "yardstick";
/// `name = figure`, a line each; the first says of which release.
const KEPT: &str = include_str!("last.txt");

/// This run: its yardstick in milliseconds, and what was measured so far.
static RUN: OnceLock<Mutex<BTreeMap<String, f64>>> = OnceLock::new();

/// Begins a run; `yardstick` in milliseconds.
pub fn begin(yardstick: f64) {
    RUN.get_or_init(|| Mutex::new(BTreeMap::from([(YARDSTICK.to_owned(), yardstick)])));
}

/// Takes down a figure and says what the last release would have shown on this machine, today.
pub fn beside(name: &str, figure: f64, unit: &str) -> Option<f64> {
    let mut run = RUN.get()?.lock().ok()?;
    let now = *run.get(YARDSTICK)?;
    run.insert(name.to_owned(), figure);
    let kept = figures(KEPT);
    Some(corrected(*kept.get(name)?, unit, now / kept.get(YARDSTICK)?))
}

/// A machine that takes twice as long for the yardstick takes twice as long for the work, and does half in a second.
fn corrected(figure: f64, unit: &str, slower: f64) -> f64 {
    match unit {
        "ms" | "% of a core" => figure * slower,
        "a second" | "bindings/s" => figure / slower,
        _ => figure,
    }
}

fn figures(text: &str) -> BTreeMap<&str, f64> {
    let pairs = text.lines().filter_map(|line| line.split_once(" = "));
    pairs.filter_map(|(name, figure)| Some((name, figure.parse().ok()?))).collect()
}

/// Writes this run's figures where the next runs will look; what was not measured stays as it was.
///
/// # Errors
/// The file cannot be written.
pub fn keep() -> Result<(), String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/last.txt");
    let run = RUN.get().and_then(|run| run.lock().ok()).map(|run| run.clone()).unwrap_or_default();
    let mut kept: BTreeMap<String, f64> =
        figures(KEPT).into_iter().map(|(name, figure)| (name.to_owned(), figure)).collect();
    kept.extend(run);
    let lines: String = kept.into_iter().map(|(name, figure)| format!("{name} = {figure:.1}\n")).collect();
    let text = format!("release {}\n{lines}", env!("CARGO_PKG_VERSION"));
    std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slower_machine_is_given_credit() {
        assert_eq!(corrected(100.0, "ms", 2.0), 200.0);
        assert_eq!(corrected(100.0, "a second", 2.0), 50.0);
        assert_eq!(corrected(100.0, "KiB", 2.0), 100.0);
    }

    #[test]
    fn the_kept_figures_have_a_yardstick() {
        assert!(figures(KEPT).get(YARDSTICK).is_some_and(|millis| *millis > 0.0));
    }
}
