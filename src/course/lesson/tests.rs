//! The lesson format, and the proof of every lesson of this build.

use super::*;

#[test]
fn answers_are_read_kindly() {
    let answer = |kind: &str, accepts: &[&str], between| Answer {
        kind: kind.into(),
        label: String::new(),
        accepts: accepts.iter().map(|text| text.to_string()).collect(),
        between,
    };
    let cases = [
        // kind       accepts                between          given        right
        ("quantity", &["4Gi"][..], None, "4096Mi", true),
        ("quantity", &["4Gi"][..], None, "4G", false),
        ("text", &["kube-scheduler"][..], None, " Kube-Scheduler ", true),
        ("duration", &[][..], Some((340.0, 365.0)), "350s", true),
        ("duration", &[][..], Some((340.0, 365.0)), "50", false),
    ];
    for (kind, accepts, between, given, right) in cases {
        assert_eq!(answer(kind, accepts, between).accepts(given), right, "{kind} {given}");
    }
}

#[test]
fn every_lesson_is_proven() {
    let catalogue = Catalogue::load().unwrap();
    for lesson in catalogue.lessons() {
        let proof = prove(lesson);
        assert!(proof.faults.is_empty(), "{}: {:#?}", lesson.id(), proof.faults);
    }
}
