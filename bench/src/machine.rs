//! The machine that the figures were measured on.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

/// Synced writes that the speed of the disk is taken from.
const SYNCS: u32 = 200;

/// Name and value, in the order they are shown.
pub(crate) type Machine = Vec<(&'static str, String)>;

/// Describes the machine and the disk that holds `work`.
pub(crate) fn describe(work: &Path) -> Result<Machine> {
    let read = |path: &str| std::fs::read_to_string(path).with_context(|| path.to_owned());
    let cpu = read("/proc/cpuinfo")?;
    let model = value_after(&cpu, "model name").unwrap_or("unknown").trim().to_owned();
    let cores = std::thread::available_parallelism()?.get();
    let memory_kib: u64 = value_after(&read("/proc/meminfo")?, "MemTotal")
        .and_then(|value| value.split_ascii_whitespace().next()?.parse().ok())
        .unwrap_or(0);
    let work = std::fs::canonicalize(work)?;
    let file_system = file_system_of(&read("/proc/mounts")?, &work).unwrap_or("unknown".into());
    let sync = sync_time(&work)?;
    Ok(vec![
        ("date", now()),
        ("CPU", model),
        ("cores", cores.to_string()),
        ("memory", format!("{} MiB", memory_kib / 1_024)),
        ("kernel", read("/proc/sys/kernel/osrelease")?.trim().to_owned()),
        ("data directory", format!("{file_system}, {} µs a synced write", sync.as_micros())),
        ("load average at the end", first_fields(&read("/proc/loadavg")?, 3)),
    ])
}

#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark says when it was run; nothing replays it"
)]
fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// The value of the first `name: value` line.
fn value_after<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then_some(value)
    })
}

fn first_fields(text: &str, count: usize) -> String {
    let fields: Vec<&str> = text.split_ascii_whitespace().take(count).collect();
    fields.join(" ")
}

/// The type of the mount that holds an absolute path.
fn file_system_of(mounts: &str, path: &Path) -> Option<String> {
    mounts
        .lines()
        .filter_map(|line| {
            let mut fields = line.split_ascii_whitespace().skip(1);
            let (mounted_on, kind) = (PathBuf::from(fields.next()?), fields.next()?);
            path.starts_with(&mounted_on).then_some((mounted_on, kind))
        })
        // Of two mounts on one directory the later one is seen.
        .max_by_key(|(mounted_on, _)| mounted_on.components().count())
        .map(|(_, kind)| kind.to_owned())
}

/// The usual time of a 4 KiB append that reaches the disk: what durability costs here.
fn sync_time(directory: &Path) -> Result<Duration> {
    let path = directory.join("sync-probe");
    let mut file = File::create(&path)?;
    let mut times = Vec::new();
    for _ in 0..SYNCS {
        let begun = Instant::now();
        file.write_all(&[0; 4_096])?;
        file.sync_data()?;
        times.push(begun.elapsed());
    }
    std::fs::remove_file(&path)?;
    times.sort_unstable();
    Ok(times.get(times.len() / 2).copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{describe, file_system_of, first_fields, value_after};

    #[test]
    fn the_longest_mount_holds_the_path() {
        let mounts = "/dev/a / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n/dev/b /tmp/x xfs rw 0 0\n";
        let kind = |path| file_system_of(mounts, Path::new(path));
        assert_eq!(kind("/home/a").as_deref(), Some("ext4"));
        assert_eq!(kind("/tmp/y").as_deref(), Some("tmpfs"));
        assert_eq!(kind("/tmp/x/z").as_deref(), Some("xfs"));
        assert_eq!(kind("/tmpfoo").as_deref(), Some("ext4"));
    }

    #[test]
    fn fields_are_found_by_name() {
        assert_eq!(value_after("a: 1\nmodel name\t: X Y\n", "model name"), Some(" X Y"));
        assert_eq!(value_after("a: 1", "b"), None);
        assert_eq!(first_fields("0.1 0.2 0.3 1/2 99", 3), "0.1 0.2 0.3");
    }

    #[test]
    fn this_machine_can_be_described() {
        let directory = tempfile::tempdir().unwrap();
        let machine = describe(directory.path()).unwrap();
        assert!(machine.iter().all(|(_, value)| !value.is_empty()), "{machine:?}");
        assert!(std::fs::read_dir(directory.path()).unwrap().next().is_none());
    }
}
