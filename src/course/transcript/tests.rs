//! The grammar, and that a played case keeps its author's lines.

use super::*;

const CASE: &str = "\
# Title
@ cluster nodes=1 cpu=4
@ file a.yaml
  kind: Pod

  metadata: {}
$ kubectl apply -f - <<EOF
> a: 1
> EOF
  out
! err
? 1
@ until 30s kubectl get pod a -o jsonpath='{.items[?(@.a==\"b\")]}' == x y
@ advance 1m30s
";

#[test]
fn steps_keep_their_lines_and_their_meaning() {
    let case = parse(CASE).unwrap();
    let Directive::File { text, .. } = &case.steps[2].what else { panic!("{:?}", case.steps[2]) };
    assert_eq!(text, "kind: Pod\n\nmetadata: {}\n");
    let Directive::Command { line, stdin } = &case.steps[3].what else { panic!("{:?}", case.steps[3]) };
    assert_eq!((line.as_str(), stdin.as_deref()), ("kubectl apply -f -", Some("a: 1\n")));
    let Directive::Until { line, value, .. } = &case.steps[4].what else { panic!("{:?}", case.steps[4]) };
    assert!(line.ends_with(")]}'") && value == "x y", "{line}");
    assert_eq!(case.steps[5].what, Directive::Advance(90_000));
}

#[test]
fn writing_the_expected_output_gives_the_file_back() {
    let case = parse(CASE).unwrap();
    let results: Vec<_> = case.steps.iter().map(|step| step.expected.clone()).collect();
    assert_eq!(write(&case, &results), CASE);
}

#[test]
fn a_fault_that_does_not_exist_is_no_case_and_one_that_cannot_happen_is_noted() {
    for (fault, exists) in [
        ("stop scheduler", true),
        ("pod-fail ${POD} Evicted exit=3 -n shop", true),
        ("pod-unready -n shop web-0", true),
        ("stop everything", false),
        ("pod-ready web-0 web-1", false),
        ("pod-fail web-0 exit=many", false),
        ("pod-ready web-0 -n", false),
    ] {
        let case = parse(&format!("@ cluster nodes=1\n@ fault {fault}\n"));
        assert_eq!(case.as_ref().err().map(|error| error.line), (!exists).then_some(2), "{fault}: {case:?}");
    }
    let case = parse("@ cluster nodes=1\n@ fault stop scheduler\n@ fault node-down worker-9\n").unwrap();
    assert!(write(&case, &play(&case)).ends_with("worker-9\n#! there is no node worker-9\n"));
}
