//! How a host stood over time, in equal pieces: from what opened and what ended, and from when anybody looked. Pure; not
//! here: where that is read from, and how it is drawn.
//!
//! A moment at which evenkeel did not run is not known, whatever was open before and after; and what began and of whose
//! end nothing is known leaves everything after it unknown rather than good.

use std::collections::HashMap;

use jiff::Timestamp;

/// One drift began or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// When.
    pub at: Timestamp,
    /// Which, by any number that is its own.
    pub drift: u64,
    /// Whether it began; otherwise it ended.
    pub begins: bool,
    /// Whether it says that something could not be seen, rather than that something differs.
    pub blind: bool,
}

/// A drift that is open now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Which, by the same number.
    pub drift: u64,
    /// Since when; `None` where that is not known: it may always have been.
    pub since: Option<Timestamp>,
    /// As in [`Turn`].
    pub blind: bool,
}

/// How it was at one moment, loudest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Beat {
    /// Something could not be seen.
    Blind,
    /// Everything was seen, and something differed.
    Drift,
    /// Nobody looked, or it is not known any more.
    Unknown,
    /// Everything was seen, and nothing differed.
    InSync,
}

impl Beat {
    /// Every one, loudest first.
    pub const ALL: [Self; 4] = [Self::Blind, Self::Drift, Self::Unknown, Self::InSync];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Blind => "blind",
            Self::Drift => "drift",
            Self::Unknown => "unknown",
            Self::InSync => "in-sync",
        }
    }
}

/// A piece of time and how long it was how in it, in microseconds. The four add up to its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
    /// In the order of [`Beat::ALL`].
    pub parts: [i64; 4],
}

impl Bar {
    /// How long it was so.
    pub fn part(&self, beat: Beat) -> i64 {
        self.parts[beat as usize]
    }

    /// What a piece is called that may be several things: the loudest of them. A restart is no hole: what was not seen for
    /// less than a tenth of the piece does not hide what was seen of the rest.
    pub fn beat(&self) -> Beat {
        let whole: i64 = self.parts.iter().sum();
        let unseen = self.part(Beat::Unknown);
        if self.part(Beat::Blind) > 0 {
            Beat::Blind
        } else if self.part(Beat::Drift) > 0 {
            Beat::Drift
        } else if whole == 0 || unseen.saturating_mul(10) >= whole {
            Beat::Unknown
        } else {
            Beat::InSync
        }
    }
}

/// Cuts the time from `from` to `to` into `n` pieces. `runs` is when somebody looked; parts may overlap and come in any
/// order, as may the turns: of two at one moment, the end counts first.
pub fn bars(
    turns: &[Turn],
    open: &[Standing],
    runs: &[(Timestamp, Timestamp)],
    from: Timestamp,
    to: Timestamp,
    n: usize,
) -> Vec<Bar> {
    let (start, end) = (from.as_microsecond(), to.as_microsecond().max(from.as_microsecond()));
    let mut edges = Edges { start, end, all: Vec::new() };
    edges.of_drifts(turns, open);
    for (began, ended) in runs {
        edges.span(began.as_microsecond(), ended.as_microsecond(), Layer::Run);
    }
    edges.all.sort_unstable();
    fill(&edges.all, start, end, n)
}

/// What can be the case at a moment; several may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Layer {
    Blind,
    Drift,
    Lost,
    Run,
}

/// Moments at which a layer begins (1) or ends (-1).
struct Edges {
    start: i64,
    end: i64,
    all: Vec<(i64, Layer, i32)>,
}

impl Edges {
    fn span(&mut self, from: i64, to: i64, layer: Layer) {
        let (from, to) = (from.max(self.start), to.min(self.end));
        if from < to {
            self.all.extend([(from, layer, 1), (to, layer, -1)]);
        }
    }

    fn of_drifts(&mut self, turns: &[Turn], open: &[Standing]) {
        let mut turns: Vec<&Turn> = turns.iter().collect();
        turns.sort_by_key(|turn| (turn.at, turn.begins));
        // Since when each is open, and whether it is blindness; `None`: it ended.
        let mut known: HashMap<u64, Option<(i64, bool)>> = HashMap::new();
        for Turn { at, drift, begins, blind } in turns {
            let at = at.as_microsecond();
            match (known.get(drift).copied(), begins) {
                (Some(Some(_)), true) => {}
                (Some(None) | None, true) => {
                    known.insert(*drift, Some((at, *blind)));
                }
                (Some(Some((since, blind))), false) => {
                    self.span(since, at, layer(blind));
                    known.insert(*drift, None);
                }
                (Some(None), false) => {}
                // It ends, so it was open: since before anything is known.
                (None, false) => {
                    self.span(i64::MIN, at, layer(*blind));
                    known.insert(*drift, None);
                }
            }
        }
        for Standing { drift, since, blind } in open {
            let since = match known.remove(drift).flatten() {
                Some((began, _)) => began,
                None => since.map_or(i64::MIN, Timestamp::as_microsecond),
            };
            self.span(since, i64::MAX, layer(*blind));
        }
        for (since, _) in known.into_values().flatten() {
            self.span(since, i64::MAX, Layer::Lost);
        }
    }
}

fn layer(blind: bool) -> Layer {
    if blind { Layer::Blind } else { Layer::Drift }
}

/// One walk over pieces and edges together.
fn fill(edges: &[(i64, Layer, i32)], start: i64, end: i64, n: usize) -> Vec<Bar> {
    let pieces = i64::try_from(n).unwrap_or(i64::MAX).max(1);
    let place = |i: i64| {
        let along = i128::from(end - start) * i128::from(i) / i128::from(pieces);
        start + i64::try_from(along).unwrap_or(0)
    };
    let moment = |at: i64| Timestamp::from_microsecond(at).unwrap_or(Timestamp::MAX);
    let mut edges = edges.iter().peekable();
    let mut depth = [0i32; 4];
    let mut bars = Vec::with_capacity(n);
    for i in 0..pieces.min(i64::try_from(n).unwrap_or(i64::MAX)) {
        let (from, to) = (place(i), place(i + 1));
        let mut bar = Bar { from: moment(from), to: moment(to), parts: [0; 4] };
        let mut at = from;
        while let Some((next, layer, step)) = edges.next_if(|(next, _, _)| *next < to) {
            bar.parts[beat(&depth) as usize] += next.max(&at) - at;
            at = at.max(*next);
            depth[*layer as usize] += step;
        }
        bar.parts[beat(&depth) as usize] += to - at;
        bars.push(bar);
    }
    bars
}

fn beat(depth: &[i32; 4]) -> Beat {
    let is = |layer: Layer| depth[layer as usize] > 0;
    if !is(Layer::Run) {
        Beat::Unknown
    } else if is(Layer::Blind) {
        Beat::Blind
    } else if is(Layer::Drift) {
        Beat::Drift
    } else if is(Layer::Lost) {
        Beat::Unknown
    } else {
        Beat::InSync
    }
}
