//! Go templates, as far as `-o go-template` needs them. Pure.
//!
//! Mirrors: text/template with kubectl's `exists` and `base64decode`.

mod functions;
mod parse;
mod run;

use serde_json::Value;

/// A parsed template.
#[derive(Debug, Clone)]
pub struct Template {
    nodes: Vec<Node>,
    /// `{{define "name"}}`.
    defined: Vec<(String, Vec<Node>)>,
}

/// Where in the source something stands, and how it is written there.
#[derive(Debug, Clone, Default)]
struct Place {
    line: usize,
    column: usize,
    text: String,
}

impl Place {
    /// An error of the template of this name.
    fn failed(&self, name: &str, why: impl std::fmt::Display) -> String {
        format!("template: output:{}:{}: executing {name:?} at <{}>: {why}", self.line, self.column, self.text)
    }
}

#[derive(Debug, Clone)]
enum Node {
    Text(String),
    Print(Pipeline),
    If { pipeline: Pipeline, then: Vec<Node>, otherwise: Vec<Node> },
    Range { pipeline: Pipeline, body: Vec<Node>, otherwise: Vec<Node> },
    With { pipeline: Pipeline, body: Vec<Node>, otherwise: Vec<Node> },
    Define { name: String, body: Vec<Node> },
    Call { name: String, pipeline: Option<Pipeline>, place: Place },
}

/// `$a, $b := f x | g`.
#[derive(Debug, Clone, Default)]
struct Pipeline {
    variables: Vec<String>,
    assigns: bool,
    commands: Vec<Vec<Operand>>,
    /// Of each command.
    places: Vec<Place>,
}

#[derive(Debug, Clone)]
enum Operand {
    /// `.a.b` from the dot, a variable or a parenthesis.
    Field(Base, Vec<String>, Place),
    Literal(Value),
    Function(String),
}

#[derive(Debug, Clone)]
enum Base {
    Dot,
    Variable(String),
    Pipeline(Box<Pipeline>),
}

impl Template {
    /// # Errors
    /// What is wrong with the template.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut defined = Vec::new();
        let mut nodes = parse::template(text)?;
        nodes.retain(|node| match node {
            Node::Define { name, body } => {
                defined.push((name.clone(), body.clone()));
                false
            }
            _ => true,
        });
        Ok(Self { nodes, defined })
    }

    /// # Errors
    /// What was printed before, and what cannot be evaluated.
    pub fn execute(&self, object: &Value, allow_missing: bool) -> Result<String, (String, String)> {
        let mut scope = run::Scope::new(&self.defined, object, allow_missing);
        match run::run(&self.nodes, object, &mut scope) {
            Ok(()) => Ok(scope.text),
            Err(why) => Err((scope.text, why)),
        }
    }
}

/// Go's truth: empty things are false.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64().is_some_and(|number| number != 0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn printed(text: &str) -> Result<String, String> {
        let object = json!({"items": [{"name": "a", "n": 1}, {"name": "b", "n": 2}], "map": {"x": "1"}});
        Template::parse(text)?.execute(&object, true).map_err(|(_, why)| why)
    }

    #[test]
    fn scopes_end_where_their_blocks_end() {
        for (text, expected) in [
            ("{{range $i, $v := .items}}{{$i}}{{$v.name}}{{$.map.x}}{{end}}{{$i := 7}}{{$i}}", "0a11b17"),
            ("{{$s := 0}}{{range .items}}{{$s = .n}}{{end}}{{$s}}", "2"),
            ("{{with .map}}{{.x}}{{else}}none{{end}}{{with .none}}some{{else}}{{len .items}}{{end}}", "12"),
            ("{{range .none}}x{{else}}empty{{end}}{{if $x := .map}}{{$x.x}}{{end}}", "empty1"),
            (
                "{{define \"t\"}}{{range .}}[{{.name}}{{template \"u\" $}}]{{end}}{{end}}{{define \"u\"}}{{len .}}{{end}}{{template \"t\" .items}}",
                "[a2][b2]",
            ),
            ("{{range (index .items 1)}}{{.}},{{end}}{{(index .items 0).name}}", "2,b,a"),
        ] {
            assert_eq!(printed(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_goes_on_for_ever_is_stopped() {
        for (text, expected) in [
            (
                "{{define \"a\"}}\n{{template \"a\" .}}{{end}}{{template \"a\" .}}",
                "template: output:2:11: executing \"a\" at <{{template \"a\" .}}>: exceeded maximum template depth (100000)",
            ),
            (
                "{{template \"no\"}}",
                "template: output:1:11: executing \"output\" at <{{template \"no\"}}>: template \"no\" not defined",
            ),
            (
                "{{define \"a\"}}{{range $.items}}{{template \"a\" $}}{{end}}{{end}}{{template \"a\" .}}",
                "template: output:1:42: executing \"a\" at <{{template \"a\" $}}>: exceeded maximum template depth (100000)",
            ),
            (
                "{{$x := \"abcdefgh\"}}{{range $i, $v := .items}}{{$x = print $x $x $x $x $x $x $x $x}}{{$x = print $x $x $x $x $x $x $x $x}}{{$x = print $x $x $x $x $x $x $x $x}}{{$x = print $x $x $x $x $x $x $x $x}}{{end}}",
                "stopped: it takes more than 1000000 steps or makes more than 16 MiB",
            ),
        ] {
            assert_eq!(printed(text).as_ref().map_err(String::as_str), Err(expected), "{text}");
        }
    }
}
