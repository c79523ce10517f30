//! Small charts, drawn here: a line over time, as SVG, without a word of anybody's in it.

use maud::{Markup, html};

/// When (in whole steps) and how much.
pub(crate) type Point = (i64, u64);

const WIDTH: i64 = 600;
const HEIGHT: i64 = 120;

/// One line over time, with what is needed to read it.
pub(crate) struct Chart<'a> {
    pub(crate) title: &'a str,
    /// What stands beside the title: how it is now.
    pub(crate) now: String,
    /// Where a step has no point, there is a gap.
    pub(crate) points: &'a [Point],
    /// The first step and the last.
    pub(crate) span: (i64, i64),
    /// What stands under them.
    pub(crate) ends: (Markup, Markup),
    /// The most, in words.
    pub(crate) most: String,
    /// The height of the chart; the most of the points where there is none.
    pub(crate) top: Option<u64>,
}

impl Chart<'_> {
    pub(crate) fn draw(&self) -> Markup {
        let top = self.top.unwrap_or_else(|| most(self.points)).max(1);
        let base = HEIGHT - 2;
        html! {
            figure {
                figcaption { (self.title) strong { (self.now) } }
                svg.chart viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" preserveAspectRatio="none"
                    aria-label=(format!("{}: {}; {}", self.title, self.now, self.most)) {
                    path.base d=(format!("M0 {base}H{WIDTH}")) fill="none" vector-effect="non-scaling-stroke" {}
                    path.line d=(line(self.points, self.span, top)) fill="none" vector-effect="non-scaling-stroke" {}
                }
                div.axis { span { (self.ends.0) } span { (self.most) } span { (self.ends.1) } }
            }
        }
    }
}

/// The largest of the points.
pub(crate) fn most(points: &[Point]) -> u64 {
    points.iter().map(|(_, value)| *value).max().unwrap_or_default()
}

fn line(points: &[Point], (from, to): (i64, i64), most: u64) -> String {
    let mut drawn = String::new();
    let mut before = None;
    for (at, value) in points.iter().filter(|(at, _)| (from..=to).contains(at)) {
        let x = (at - from) * WIDTH / (to - from).max(1);
        let most = i128::from(most);
        let up = i128::from(*value) * i128::from(HEIGHT - 4) / most;
        let y = HEIGHT - 2 - i64::try_from(up).unwrap_or_default();
        let pen = if before == Some(at - 1) { 'L' } else { 'M' };
        drawn.push_str(&format!("{pen}{x} {y}"));
        if pen == 'M' {
            // A point alone is seen too.
            drawn.push_str("h1");
        }
        before = Some(*at);
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_goes_from_left_to_right_and_has_gaps_where_nothing_was() {
        let drawn = line(&[(0, 0), (1, 10), (3, 5)], (0, 4), 10);
        assert_eq!(drawn, "M0 118h1L150 2M450 60h1");
        assert_eq!(line(&[], (0, 4), 1), "");
        assert_eq!(line(&[(9, 1)], (0, 4), 1), "");
        assert!(line(&[(0, u64::MAX)], (0, 0), u64::MAX).starts_with("M0 2"));
    }
}
