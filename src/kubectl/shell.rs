//! stub
use crate::coroutine::Cx;
pub async fn run_line(cx: &Cx, text: &str) -> i32 {
    let words: Vec<String> = text.split_whitespace().skip(1).map(String::from).collect();
    crate::dispatch::run(cx, &words).await
}
