//! The wires: quiet rails from the API server to everyone, and the lit way of the present request.
//! Their ends are measured from the boxes (`data-part`), the way between is computed here.

use std::collections::BTreeMap;

use leptos::prelude::*;
use wasm_bindgen::JsCast;

use crate::state::view::{CaptionView, ClusterView, Part};

/// Pixels inside the map's body.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rect {
    pub x: f64,
    pub y: f64,
    pub w: f64,
    pub h: f64,
}

impl Rect {
    fn middle(self) -> (f64, f64) {
        (self.x + self.w / 2.0, self.y + self.h / 2.0)
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layout(BTreeMap<String, Rect>);

type Point = (f64, f64);

impl Layout {
    fn get(&self, key: &str) -> Option<Rect> {
        self.0.get(key).copied()
    }

    /// The height at which the rail to the nodes runs: just above the first row.
    fn bus(&self) -> Option<f64> {
        let top = self.0.iter().filter(|(key, _)| key.starts_with("node/")).map(|(_, r)| r.y).reduce(f64::min)?;
        Some(top - 13.0)
    }

    /// From the API server to `part`, as corners.
    pub fn way(&self, part: &Part) -> Vec<Point> {
        let way = || {
            let office = self.get("office")?;
            Some(match part {
                Part::ApiServer | Part::Etcd => return None,
                Part::You => {
                    let you = self.get("you")?;
                    vec![(office.x, office.middle().1), (you.x + you.w, office.middle().1)]
                }
                Part::Scheduler | Part::Controllers => {
                    let end = self.get(&part.key())?;
                    // Where the map is narrow they stand below the office, not beside it.
                    let floor = office.y + office.h;
                    if end.y >= floor {
                        let start = self.get("api-server")?.middle().0;
                        let between = (floor + end.y) / 2.0;
                        let (x, _) = end.middle();
                        return Some(vec![(start, floor), (start, between), (x, between), (x, end.y)]);
                    }
                    let bend = end.x - 20.0;
                    let (_, y) = office.middle();
                    vec![(office.x + office.w, y), (bend, y), (bend, end.middle().1), (end.x, end.middle().1)]
                }
                Part::Node(_) => {
                    let end = self.get(&part.key())?;
                    let bus = self.bus()?;
                    let start = self.get("api-server")?.middle().0;
                    let mut way = vec![(start, office.y + office.h), (start, bus)];
                    if end.y < bus + 30.0 {
                        way.extend([(end.middle().0, bus), (end.middle().0, end.y)]);
                    } else {
                        // A later row is reached through the gap beside the column.
                        let gap = end.x - 5.0;
                        let door = end.y + 18.0;
                        way.extend([(gap, bus), (gap, door), (end.x, door)]);
                    }
                    way
                }
            })
        };
        way().unwrap_or_default()
    }
}

/// Reads the boxes' places; None while the map is not laid out (hidden, or on a phone).
pub fn measure(root: &web_sys::Element) -> Option<Layout> {
    let origin = root.get_bounding_client_rect();
    let found = root.query_selector_all("[data-part]").ok()?;
    let mut boxes = BTreeMap::new();
    for index in 0..found.length() {
        let element = found.item(index)?.dyn_into::<web_sys::Element>().ok()?;
        let rect = element.get_bounding_client_rect();
        let key = element.get_attribute("data-part")?;
        let round = |value: f64| (value * 2.0).round() / 2.0;
        boxes.insert(
            key,
            Rect {
                x: round(rect.left() - origin.left()),
                y: round(rect.top() - origin.top()),
                w: round(rect.width()),
                h: round(rect.height()),
            },
        );
    }
    (origin.width() > 0.0).then_some(Layout(boxes))
}

/// Corners as an SVG path with rounded bends.
fn path(points: &[Point]) -> String {
    const RADIUS: f64 = 7.0;
    let mut d = String::new();
    for (index, &(x, y)) in points.iter().enumerate() {
        match (index.checked_sub(1).and_then(|i| points.get(i)), points.get(index + 1)) {
            (None, _) => d.push_str(&format!("M{x:.1} {y:.1}")),
            (Some(_), None) => d.push_str(&format!("L{x:.1} {y:.1}")),
            (Some(&before), Some(&after)) => {
                let (ax, ay) = towards((x, y), before, RADIUS);
                let (bx, by) = towards((x, y), after, RADIUS);
                d.push_str(&format!("L{ax:.1} {ay:.1}Q{x:.1} {y:.1} {bx:.1} {by:.1}"));
            }
        }
    }
    d
}

fn towards((x, y): Point, (tx, ty): Point, far: f64) -> Point {
    let length = ((tx - x).powi(2) + (ty - y).powi(2)).sqrt();
    if length < 0.01 {
        return (x, y);
    }
    let share = (far / length).min(0.5);
    (x + (tx - x) * share, y + (ty - y) * share)
}

#[component]
pub fn Wires(
    layout: RwSignal<Layout>,
    cluster: Signal<ClusterView>,
    caption: Memo<Option<CaptionView>>,
) -> impl IntoView {
    let parts = Memo::new(move |_| {
        cluster.with(|c| {
            let control = [(Part::You, false), (Part::Scheduler, false), (Part::Controllers, false)];
            let nodes = c.nodes.iter().map(|node| (Part::Node(node.name.clone()), !node.powered));
            control.into_iter().chain(nodes).collect::<Vec<_>>()
        })
    });
    view! {
        <svg class="wires" aria-hidden="true">
            <g>
                {move || {
                    layout.with(|layout| {
                        parts
                            .get()
                            .into_iter()
                            .map(|(part, cut)| {
                                view! { <path class="rail" data-cut=cut.to_string() d=path(&layout.way(&part))></path> }
                            })
                            .collect_view()
                    })
                }}
            </g>
            <g>
                {move || {
                    let legs = caption.with(|c| c.as_ref().map(|c| layout.with(|layout| legs(layout, &c.path))))?;
                    let whole: Vec<Point> = legs.iter().flatten().copied().collect();
                    let travel = (whole.len() > 1).then(|| format!("path(\"{}\")", path(&whole)));
                    Some(
                        view! {
                            {legs
                                .iter()
                                .map(|leg| view! { <path class="lit" d=path(leg)></path> })
                                .collect_view()}
                            {travel
                                .map(|way| view! { <circle class="pulse" r="5.5" style:offset-path=way></circle> })}
                        },
                    )
                }}
            </g>
        </svg>
    }
}

/// The request's way, leg by leg, in its direction. Every leg has the API server at one end.
fn legs(layout: &Layout, stations: &[Part]) -> Vec<Vec<Point>> {
    let hub = |part: &Part| matches!(part, Part::ApiServer | Part::Etcd);
    stations
        .windows(2)
        .filter_map(|pair| match (hub(&pair[0]), hub(&pair[1])) {
            (true, false) => Some(layout.way(&pair[1])),
            (false, true) => Some(layout.way(&pair[0]).into_iter().rev().collect()),
            // Inside the office nothing travels; and nobody talks past the API server.
            (true, true) | (false, false) => None,
        })
        .filter(|leg: &Vec<Point>| leg.len() > 1)
        .collect()
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    fn layout() -> Layout {
        let rect = |x, y, w, h| Rect { x, y, w, h };
        Layout(BTreeMap::from([
            ("you".into(), rect(0.0, 0.0, 90.0, 60.0)),
            ("office".into(), rect(130.0, 0.0, 270.0, 60.0)),
            ("api-server".into(), rect(130.0, 0.0, 150.0, 60.0)),
            ("node/a".into(), rect(0.0, 120.0, 200.0, 150.0)),
            ("node/b".into(), rect(0.0, 300.0, 200.0, 150.0)),
        ]))
    }

    #[wasm_bindgen_test]
    fn a_kubelets_report_runs_from_its_node_up_to_the_api_server() {
        let legs = legs(&layout(), &[Part::Node("a".into()), Part::ApiServer, Part::Etcd]);
        assert_eq!(legs, vec![vec![(100.0, 120.0), (100.0, 107.0), (205.0, 107.0), (205.0, 60.0)]]);
    }

    #[wasm_bindgen_test]
    fn a_second_row_is_entered_from_the_side() {
        let way = layout().way(&Part::Node("b".into()));
        assert_eq!(way.last(), Some(&(0.0, 318.0)));
    }

    #[wasm_bindgen_test]
    fn nobody_talks_past_the_api_server() {
        assert!(legs(&layout(), &[Part::You, Part::Node("a".into())]).is_empty());
    }
}
