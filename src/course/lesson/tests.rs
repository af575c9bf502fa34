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

fn minimal(extra: &str) -> String {
    format!(
        "---\nid: x\nformat: 1\nchapter: 1\ntitle: t\nkills: k\nminutes: 1\nkubernetes: \"1.36\"\n\
         cluster: pizzeria-small\n{extra}\n---\n\n## Step: one\n\ntext\n"
    )
}

#[test]
fn what_a_lesson_says_has_an_effect_or_is_refused() {
    let step = "steps: [{ id: one }]";
    assert!(Lesson::parse(&minimal(step), None).is_ok());
    for (wrong, why) in [
        ("panels: [sofa]\nsteps: [{ id: one }]", "sofa"),
        ("time: { mode: walking }\nsteps: [{ id: one }]", "paused or running"),
        ("faults: [{ id: a, at: noon, do: power-off, node: w }]\nsteps: [{ id: one }]", "only button"),
        ("faults: [{ id: a, at: button, do: sneeze }]\nsteps: [{ id: one }]", "sneeze"),
        ("steps: [{ id: one, hold: long }]", "hold"),
        ("steps: [{ id: one, answer: { kind: song, accepts: [la] } }]", "song"),
        ("steps: [{ id: one, checks: [{ pod: x, colour: red, event: { reason: y } }] }]", "event.on"),
        ("stepz: []", "stepz"),
    ] {
        let error = Lesson::parse(&minimal(wrong), None).expect_err(wrong).0;
        assert!(error.contains(why), "{wrong}: {error}");
    }
}

#[test]
fn a_lesson_brings_its_own_images() {
    let own = "images:\n- { names: [my/oven], tags: [\"7\"], size: 1000000, pull: 500ms, entrypoint: [/oven], \
               programs: { /oven: { log: [{ text: hot }] } } }\nsteps: [{ id: one }]";
    let lesson = Lesson::parse(&minimal(own), None).unwrap();
    let mut stage = Stage::new(&lesson).unwrap();
    let run = Action::Command("kubectl run oven --image=my/oven:7".into());
    stage.act(&run, None, &lesson).unwrap();
    let ready = "pod: oven\nready: 'True'";
    let ready = serde_json::from_value(api::yaml::parse_document(ready).unwrap().to_json()).unwrap();
    stage.act(&Action::WaitFor(Box::new(ready)), None, &lesson).unwrap();
    let broken = own.replace("log: [{", "logg: [{");
    let broken = Lesson::parse(&minimal(&broken), None).unwrap();
    let why = Stage::new(&broken).err().expect("its image cannot be read");
    assert!(why.contains("images: ") && why.contains("logg"), "{why}");
}
