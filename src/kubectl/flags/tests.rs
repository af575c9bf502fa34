//! Words against a verb's table: forms that are read alike, and pflag's complaints.

use super::Args;
use crate::commands::{delete, get};

fn parse(words: &[&str]) -> Result<Args, String> {
    let words: Vec<String> = words.iter().map(ToString::to_string).collect();
    Args::parse(&get::VERB, "kubectl get", &words)
}

#[test]
fn a_value_may_stand_in_four_ways() {
    for words in [&["-o", "yaml"][..], &["-oyaml"], &["-o=yaml"], &["--output", "yaml"], &["--output=yaml"]] {
        assert_eq!(parse(words).unwrap().text("output"), "yaml", "{words:?}");
    }
}

#[test]
fn flags_and_words_mix() {
    let args = parse(&["pods", "-A", "web", "-wl", "app=web", "--", "-x"]).unwrap();
    assert_eq!(args.words, ["pods", "web", "-x"]);
    assert_eq!(args.before_dash, Some(2));
    assert!(args.flag("all-namespaces") && args.flag("watch"));
    assert_eq!(args.text("selector"), "app=web");
    assert!(parse(&["--watch=false"]).unwrap().changed("watch"));
}

#[test]
fn lists_gather() {
    let args = parse(&["-L", "a,b", "-L", "c", "-f", "x,y", "-f", "z"]).unwrap();
    assert_eq!(args.list("label-columns"), ["a", "b", "c"]);
    assert_eq!(args.list("filename"), ["x", "y", "z"]);
}

#[test]
fn complaints_are_pflags() {
    for (words, why) in [
        (&["--nope"][..], "unknown flag: --nope"),
        (&["-z"], "unknown shorthand flag: 'z' in -z"),
        (&["-wz"], "unknown shorthand flag: 'z' in -wz"),
        (&["-o"], "flag needs an argument: 'o' in -o"),
        (&["--output"], "flag needs an argument: --output"),
        (
            &["--chunk-size=x"],
            "invalid argument \"x\" for \"--chunk-size\" flag: strconv.ParseInt: parsing \"x\": invalid syntax",
        ),
        (
            &["--watch=x"],
            "invalid argument \"x\" for \"-w, --watch\" flag: strconv.ParseBool: parsing \"x\": invalid syntax",
        ),
    ] {
        assert_eq!(parse(words).unwrap_err(), why);
    }
    let words = ["--timeout=soon".to_string()];
    assert_eq!(
        Args::parse(&delete::VERB, "kubectl delete", &words).unwrap_err(),
        "invalid argument \"soon\" for \"--timeout\" flag: time: invalid duration \"soon\""
    );
}

#[test]
fn a_flag_without_value_has_its_own() {
    let args = |word: &str| Args::parse(&delete::VERB, "kubectl delete", &[word.to_string()]).unwrap();
    assert_eq!(args("--dry-run").text("dry-run"), "unchanged");
    assert_eq!(args("--dry-run=client").text("dry-run"), "client");
    assert_eq!(args("pods").text("cascade"), "background");
}
