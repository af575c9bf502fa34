//! `bench [NAME]`: the numbers the README states, each measured by a file of its own.

mod scheduling;

/// Runs the named measurement, or all of them.
///
/// # Errors
/// An unknown name.
pub fn main(args: &[String]) -> Result<(), String> {
    match args.first().map(String::as_str) {
        None | Some("scheduling") => {
            scheduling::main();
            Ok(())
        }
        Some(other) => Err(format!("no measurement is called {other:?}; there is: scheduling")),
    }
}
