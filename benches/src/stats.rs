//! Means, ratios, and how sure they are.

/// A mean and the half of its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// How far the interval reaches to each side.
    pub half: f64,
}

impl Estimate {
    /// Returns the upper end of the interval.
    pub fn upper(self) -> f64 {
        self.mean + self.half
    }

    /// Says who is ahead, if the interval of this ratio of ours to the peer's leaves no doubt.
    pub fn ahead(self) -> &'static str {
        if self.upper() < 1.0 {
            "ours"
        } else if self.mean - self.half > 1.0 {
            "the peer"
        } else {
            "neither"
        }
    }
}

/// Returns the mean of the blocks.
pub fn mean(blocks: &[f64]) -> Estimate {
    let n = blocks.len() as f64;
    let mean = blocks.iter().sum::<f64>() / n;
    let variance = blocks.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    Estimate { mean, half: t(blocks.len()) * (variance / n).sqrt() }
}

/// Returns the ratio of two means that were measured in the same blocks (delta method).
pub fn ratio(above: &[f64], below: &[f64]) -> Estimate {
    let n = above.len() as f64;
    let (mean_above, mean_below) = (mean(above).mean, mean(below).mean);
    let ratio = mean_above / mean_below;
    let residuals = above.iter().zip(below).map(|(a, b)| (a - ratio * b).powi(2)).sum::<f64>();
    let error = (residuals / (n - 1.0) / n).sqrt() / mean_below.abs();
    Estimate { mean: ratio, half: t(above.len()) * error }
}

/// Returns the middle value.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values[middle]
    } else {
        f64::midpoint(values[middle - 1], values[middle])
    }
}

/// Student's t for 95 %, both sides, for this many blocks: within 0.3 % from ten blocks on.
fn t(blocks: usize) -> f64 {
    let freedom = blocks as f64 - 1.0;
    1.959_96 + 2.372 / freedom + 2.8 / freedom.powi(2)
}

#[cfg(test)]
mod tests {
    use super::{mean, median, ratio, t};

    #[test]
    fn intervals_are_those_of_the_tables() {
        for (blocks, expected) in [(10, 2.262), (30, 2.045), (41, 2.021), (121, 1.980)] {
            assert!((t(blocks) / expected - 1.0).abs() < 0.003, "{blocks}: {}", t(blocks));
        }
        let ten = mean(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0]);
        assert!((ten.mean - 5.5).abs() < 1e-9);
        assert!((ten.half - 2.1659).abs() < 0.01, "{}", ten.half);
    }

    #[test]
    fn a_ratio_of_proportional_blocks_is_certain() {
        let below = [10.0, 12.0, 9.0, 11.0];
        let above = below.map(|x| x / 4.0);
        let ratio = ratio(&above, &below);
        assert!((ratio.mean - 0.25).abs() < 1e-12 && ratio.half < 1e-12);
    }

    #[test]
    fn the_median_is_the_middle() {
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median(vec![4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < f64::EPSILON);
    }
}
