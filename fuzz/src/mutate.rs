//! Changes to JSON that stay JSON: bytes that are flipped at random are refused by the first parser they meet, and what
//! lies behind it is seldom reached. Half of the time the fuzzer's own changes are made.

use libfuzzer_sys::fuzzer_mutate;
use serde_json::{Map, Value};

/// The line between two bodies of one input; `evenkeel_sources::fuzz` takes them apart.
const BETWEEN: &[u8] = b"\n%%\n";

/// Words that mean something to some decoder, and values that numbers, texts and lists tend to break on.
const ODD: &[&str] = &[
    "null",
    "true",
    "false",
    "0",
    "1",
    "-1",
    "65535",
    "65536",
    "4294967296",
    "18446744073709551615",
    "1e300",
    "0.5",
    "-0.0",
    "\"\"",
    "\" \"",
    "\"0\"",
    "\"1\"",
    "\"true\"",
    "\"\\u0000\"",
    "\"\\u001b[2J\"",
    "\"\\n\"",
    "\"é\"",
    "[]",
    "{}",
    "[[]]",
    "[{}]",
    "[null]",
    "{\"id\": 1}",
    "{\"value\": \"active\"}",
    "{\"state\": \"STOPPED\"}",
    "\"running\"",
    "\"exited\"",
    "\"RUNNING\"",
    "\"STOPPED\"",
    "\"online\"",
    "\"offline\"",
    "\"unknown\"",
    "\"qemu\"",
    "\"lxc\"",
    "\"dcim.device\"",
    "\"virtualization.virtualmachine\"",
    "\"dcim.interface\"",
    "\"192.0.2.7/24\"",
    "\"fe80::1%eth0\"",
    "\"9999-12-31T23:59:59Z\"",
    "\"-009999-01-02T01:59:59Z\"",
];

/// Chance, from a seed: what the fuzzer does again does the same again.
struct Dice(u64);

impl Dice {
    /// Below `n`; 0 if that is 0.
    fn roll(&mut self, n: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        usize::try_from(z % u64::try_from(n.max(1)).unwrap_or(1)).unwrap_or(0)
    }
}

/// What a target's `fuzz_mutator!` calls.
pub fn json(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut dice = Dice(seed.into());
    if dice.roll(2) == 0
        && let Some(changed) = changed(&data[..size], &mut dice)
        && changed.len() <= max_size
    {
        data[..changed.len()].copy_from_slice(&changed);
        return changed.len();
    }
    fuzzer_mutate(data, size, max_size)
}

/// The input with a few places of one of its bodies changed; `None` where that is no JSON.
fn changed(input: &[u8], dice: &mut Dice) -> Option<Vec<u8>> {
    let mut starts = vec![0];
    starts.extend(
        input
            .windows(BETWEEN.len())
            .enumerate()
            .filter(|(_, w)| *w == BETWEEN)
            .map(|(at, _)| at + BETWEEN.len()),
    );
    let start = starts[dice.roll(starts.len())];
    // Before the JSON stands what the target is told by.
    let start = start + input[start..].iter().position(|byte| matches!(byte, b'{' | b'['))?;
    let mut stream = serde_json::Deserializer::from_slice(&input[start..]).into_iter::<Value>();
    let mut value = stream.next()?.ok()?;
    let end = start + stream.byte_offset();
    for _ in 0..=dice.roll(4) {
        change(&mut value, dice);
    }
    let mut out = input[..start].to_vec();
    serde_json::to_writer(&mut out, &value).ok()?;
    out.extend_from_slice(&input[end..]);
    Some(out)
}

/// Walks to some place and changes it there.
fn change(value: &mut Value, dice: &mut Dice) {
    match value {
        Value::Array(values) if !values.is_empty() => {
            let at = dice.roll(values.len());
            match dice.roll(8) {
                0 => drop(values.remove(at)),
                1 => values.insert(at, values[at].clone()),
                2 => {
                    let other = dice.roll(values.len());
                    values.swap(at, other);
                }
                3 => values.push(odd(dice)),
                _ => change(&mut values[at], dice),
            }
        }
        Value::Object(map) if !map.is_empty() => {
            let key = map.keys().nth(dice.roll(map.len())).cloned().unwrap_or_default();
            match dice.roll(8) {
                0 => drop(map.remove(&key)),
                1 => drop(map.insert(key, odd(dice))),
                2 => exchange(map, &key, dice),
                _ => {
                    if let Some(inner) = map.get_mut(&key) {
                        change(inner, dice);
                    }
                }
            }
        }
        Value::Number(number) if dice.roll(2) == 0 => {
            let n = number.as_i64().unwrap_or(0);
            *value =
                Value::from([n.wrapping_add(1), n.wrapping_sub(1), n.wrapping_neg(), n ^ 1][dice.roll(4)]);
        }
        Value::String(text) if dice.roll(2) == 0 => *text = bent(text, dice),
        other => *other = odd(dice),
    }
}

/// Puts what stands under one key under another.
fn exchange(map: &mut Map<String, Value>, key: &str, dice: &mut Dice) {
    let other = map.keys().nth(dice.roll(map.len())).cloned().unwrap_or_default();
    if let (Some(one), Some(two)) = (map.get(key).cloned(), map.get(&other).cloned()) {
        map.insert(other, one);
        map.insert(key.to_owned(), two);
    }
}

fn bent(text: &str, dice: &mut Dice) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = dice.roll(chars.len() + 1);
    let (before, after): (String, String) = (chars[..at].iter().collect(), chars[at..].iter().collect());
    match dice.roll(6) {
        0 => before,
        1 => after,
        2 => format!(
            "{before}{}{after}",
            ["0", " ", "/", ":", ",", ".", "=", "%", "\u{0}", "ß"][dice.roll(10)]
        ),
        3 => text.to_uppercase(),
        4 => text.repeat(1 + dice.roll(40)),
        _ => format!("{after}{before}"),
    }
}

fn odd(dice: &mut Dice) -> Value {
    serde_json::from_str(ODD[dice.roll(ODD.len())]).unwrap_or(Value::Null)
}
