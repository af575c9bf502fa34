//! A short form of `cargo xtask swarm` and `cargo xtask fuzz`: the same seeds every time.

use tools::{fuzz, swarm};

/// Virtual milliseconds over which a history's actions are spread.
const SPAN: u64 = 10 * 60_000;

#[test]
fn random_faults_leave_nothing_behind() {
    for seed in 1..=6 {
        let outcome = swarm::play(seed, SPAN);
        let told = outcome.told.join("\n");
        assert!(outcome.broken.is_empty(), "seed {seed}: {}\n{told}", outcome.broken.join("\n"));
    }
}

#[test]
fn odd_input_is_answered() {
    let found = fuzz::run(1, |_, cases| cases < 600, None);
    assert_eq!(found.broken, Vec::<String>::new());
    // The cases are worth something only if some of them get through.
    let got_through: usize =
        found.answers.iter().filter(|(what, _)| what.starts_with("20")).map(|(_, count)| count).sum();
    assert!(got_through > 20, "{:?}", found.answers);
}

#[test]
fn long_bodies_hold_nobody_up() {
    assert_eq!(fuzz::long_bodies(1, |done| done < 85, None).broken, Vec::<String>::new());
}

#[test]
fn larger_bodies_take_longer_only_in_proportion() {
    assert_eq!(fuzz::growth(1, |done| done < 12).broken, Vec::<String>::new());
}
