//! A few recorded cases through a real kubectl, where there is one: watches, faults, forwarded ports, refusals.
//!
//! `cargo xtask replay --via-kubectl kubectl` is the long form. A step of `cargo xtask test` of its own, behind a
//! feature: the client keeps a clock of its own, so nothing else should want the machine meanwhile.

use std::fs;
use std::path::Path;

use course::transcript::{parse, play_on};
use tools::replay::{Verdict, ViaKubectl, differences, judge, minor_version};

/// Clients that were compared with the recordings; what others print differently nobody has listed.
const COMPARED: std::ops::RangeInclusive<u32> = 32..=36;

fn on_path(program: &Path) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

#[test]
fn a_real_kubectl_prints_what_was_recorded() {
    let program = Path::new("kubectl");
    let minor = match minor_version(program) {
        Ok(minor) if COMPARED.contains(&minor) => minor,
        Ok(minor) => return println!("skipped: kubectl 1.{minor} has not been compared with the recordings"),
        Err(_) if !on_path(program) => return println!("skipped: no kubectl on PATH"),
        Err(why) => return println!("skipped: {why}"),
    };
    let differences = differences(minor).expect("the list can be read");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("via_kubectl");
    let mut wrong = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is part of the repository").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let case = parse(&fs::read_to_string(entry.path()).expect("it was just listed")).expect("it is a case");
        let bench = ViaKubectl::new(program, &case).expect("loopback and a folder can be had");
        let (results, _) = play_on(&case, bench);
        let verdicts = judge(&case, &results, &name, &differences);
        assert!(verdicts.len() > 2, "{name} has steps");
        for (line, _) in verdicts.into_iter().filter(|(_, verdict)| *verdict == Verdict::Other) {
            let at = case.steps.iter().position(|step| step.line == line).expect("it was judged");
            wrong.push(format!("{name}:{line}: {}\n{:#?}", case.steps[at].source[0], results[at]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
