//! Rounds become a figure, a figure a verdict.

use serde::Serialize;

/// What a case is held to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Bar {
    /// The figure must not be smaller.
    AtLeast {
        /// What must hold.
        must: f64,
        /// What is wished for.
        aim: f64,
    },
    /// The figure must not be larger.
    AtMost {
        /// What must hold.
        must: f64,
        /// What is wished for.
        aim: f64,
    },
    /// Shown, held to nothing.
    Open,
}

/// How a figure stands to its bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// It reaches what is wished for.
    Aim,
    /// It reaches what must hold.
    Holds,
    /// It does not.
    Short,
    /// There is no bar.
    Open,
}

impl Bar {
    /// How this figure stands.
    pub fn judge(self, figure: f64) -> Verdict {
        let reached = match self {
            Self::AtLeast { must, aim } => (figure >= must, figure >= aim),
            Self::AtMost { must, aim } => (figure <= must, figure <= aim),
            Self::Open => return Verdict::Open,
        };
        match reached {
            (_, true) => Verdict::Aim,
            (true, false) => Verdict::Holds,
            (false, false) => Verdict::Short,
        }
    }
}

impl Verdict {
    /// The word in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aim => "aim reached",
            Self::Holds => "holds",
            Self::Short => "FALLS SHORT",
            Self::Open => "",
        }
    }
}

/// The middle of some figures, or between the two middle ones; 0 for none.
pub fn median(figures: &[f64]) -> f64 {
    percentile(figures, 0.5)
}

/// The figure that this share of all does not exceed, interpolated; 0 for none.
pub fn percentile(figures: &[f64], share: f64) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let place = share.clamp(0.0, 1.0) * last as f64;
    let at = |index: usize| sorted.get(index.min(last)).copied().unwrap_or_default();
    let (below, part) = (place.floor() as usize, place.fract());
    at(below) + (at(below + 1) - at(below)) * part
}

/// One line of the table.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// What was measured.
    pub case: String,
    /// Of which the figures are.
    pub unit: &'static str,
    /// Ours, by rounds.
    pub ours: Vec<f64>,
    /// What it is measured against, by rounds; empty where the figure stands alone.
    pub raw: Vec<f64>,
    /// The ratio of the medians, or the figure itself.
    pub figure: f64,
    /// What the figure is held to.
    pub bar: Bar,
    /// How it stands.
    pub verdict: Verdict,
}

impl Row {
    /// A figure against its counterpart, measured in turns: the median of the rounds' ratios.
    pub fn ratio(
        case: impl Into<String>,
        unit: &'static str,
        ours: Vec<f64>,
        raw: Vec<f64>,
        bar: Bar,
    ) -> Self {
        let ratios: Vec<f64> = ours.iter().zip(&raw).map(|(ours, raw)| ours / raw).collect();
        let figure = median(&ratios);
        Self { case: case.into(), unit, ours, raw, figure, bar, verdict: bar.judge(figure) }
    }

    /// A figure that stands alone.
    pub fn alone(case: impl Into<String>, unit: &'static str, ours: Vec<f64>, bar: Bar) -> Self {
        let figure = median(&ours);
        Self { case: case.into(), unit, ours, raw: Vec::new(), figure, bar, verdict: bar.judge(figure) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_middle_and_a_percentile_is_interpolated() {
        assert_eq!(median(&[]), 0.0);
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(percentile(&[0.0, 10.0], 0.95), 9.5);
        assert_eq!(percentile(&[7.0], 0.95), 7.0);
    }

    #[test]
    fn a_verdict_reads_the_bar_in_its_own_direction() {
        let more = Bar::AtLeast { must: 0.5, aim: 0.75 };
        assert_eq!(
            [0.4, 0.5, 0.75].map(|figure| more.judge(figure)),
            [Verdict::Short, Verdict::Holds, Verdict::Aim]
        );
        let less = Bar::AtMost { must: 3.0, aim: 2.0 };
        assert_eq!(
            [3.1, 3.0, 2.0].map(|figure| less.judge(figure)),
            [Verdict::Short, Verdict::Holds, Verdict::Aim]
        );
        assert_eq!(Bar::Open.judge(1.0), Verdict::Open);
    }

    #[test]
    fn a_ratio_compares_each_round_with_its_own_counterpart() {
        // A slow minute hits both: the ratio is the same in it.
        let row = Row::ratio("case", "/s", vec![50.0, 10.0, 60.0], vec![100.0, 20.0, 100.0], Bar::Open);
        assert_eq!(row.figure, 0.5);
    }
}
