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
