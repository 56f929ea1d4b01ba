//! What a process uses, as `/proc` tells it: this one, or one that was started. What does not live here: allocations,
//! which are counted where they are made.

use std::fs;

use crate::Result;

/// The kernel counts a process's time in hundredths of a second, whatever the machine.
const TICKS: f64 = 100.0;

/// Bytes of memory this process occupies; `None` where `/proc` does not say.
pub fn resident_bytes() -> Option<u64> {
    status_of("self", "VmRSS:")
}

/// A line of a process's status, in bytes.
fn status_of(process: &str, key: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// Seconds of processor time that the threads of this process had so far, user and system, in nanosecond steps. Threads
/// that ended are not in it.
pub fn cpu_seconds() -> Option<f64> {
    let mut nanos = 0_u64;
    for task in fs::read_dir("/proc/self/task").ok()? {
        let path = task.ok()?.path().join("schedstat");
        // A thread may end between the listing and the reading.
        let Ok(text) = fs::read_to_string(path) else {
            continue;
        };
        nanos += text.split_whitespace().next()?.parse::<u64>().ok()?;
    }
    Some(nanos as f64 / 1e9)
}

/// Bytes that this process caused to be written to disks so far.
pub fn written_bytes() -> Option<u64> {
    let io = fs::read_to_string("/proc/self/io").ok()?;
    let line = io.lines().find_map(|line| line.strip_prefix("write_bytes:"))?;
    line.trim().parse().ok()
}

/// Another process, by its number.
#[derive(Clone, Copy, Debug)]
pub struct Other(pub u32);

impl Other {
    /// MiB of memory it occupies.
    pub fn resident_mib(self) -> Result<f64> {
        self.mib("VmRSS:")
    }

    /// The most it ever occupied, in MiB.
    pub fn peak_mib(self) -> Result<f64> {
        self.mib("VmHWM:")
    }

    fn mib(self, key: &str) -> Result<f64> {
        let bytes = status_of(&self.0.to_string(), key).ok_or("/proc does not say what is occupied")?;
        Ok(bytes as f64 / (1024.0 * 1024.0))
    }

    /// Seconds of processor time it had so far, with all threads it ever had.
    pub fn cpu_seconds(self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0))?;
        // The name stands in parentheses and may hold spaces; what is wanted follows it.
        let (_, rest) = stat.rsplit_once(')').ok_or("/proc does not say what was computed")?;
        let mut times = rest.split_whitespace().skip(11).map(str::parse::<f64>);
        let (Some(Ok(user)), Some(Ok(system))) = (times.next(), times.next()) else {
            return Err("/proc does not say what was computed".into());
        };
        Ok((user + system) / TICKS)
    }

    /// How many files and sockets it has open.
    pub fn open_files(self) -> Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/fd", self.0))?.count())
    }

    /// How many threads it has.
    pub fn threads(self) -> Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/task", self.0))?.count())
    }
}

/// One line on where and when: processor, number of cores, load.
pub fn machine() -> String {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model = cpu
        .lines()
        .find(|line| line.starts_with("model name"))
        .and_then(|line| line.split(':').nth(1))
        .map_or("unknown processor", str::trim);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = read("/proc/sys/kernel/osrelease");
    format!(
        "{}, {cores} cores of {model}, Linux {}, load {}",
        jiff::Timestamp::now().strftime("%F %R UTC"),
        kernel.trim(),
        load()
    )
}

/// The load of the last minute, as the system averages it.
pub fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or("unknown").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_process_is_seen_as_it_sees_itself() {
        let me = Other(std::process::id());
        let own = resident_bytes().unwrap() as f64 / (1024.0 * 1024.0);
        let seen = me.resident_mib().unwrap();
        assert!((0.5..2.0).contains(&(seen / own)), "{seen} of {own}");
        assert!(me.peak_mib().unwrap() >= seen * 0.9);
        assert!(me.threads().unwrap() >= 1);
        let before = me.open_files().unwrap();
        let held: Vec<_> = (0..50).map(|_| fs::File::open("/proc/self/stat").unwrap()).collect();
        assert!(me.open_files().unwrap() >= before.max(40));
        drop(held);
        let begun = me.cpu_seconds().unwrap();
        let mut spun = 0_u64;
        while me.cpu_seconds().unwrap() < begun + 0.05 {
            spun = std::hint::black_box(spun + 1);
        }
    }
}
