//! What a figure was measured on.

use std::fs::read_to_string;

/// The processor's name and the sizes of its caches, so that figures of different machines are not compared by mistake.
pub(crate) fn line() -> String {
    let cpus = read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = cpus.lines().find_map(|line| line.strip_prefix("model name"));
    let name = name.map_or("unknown processor", |name| name.trim_start_matches(['\t', ' ', ':']));
    let caches = (0..4).filter_map(|index| {
        let of = |what: &str| read_to_string(format!("/sys/devices/system/cpu/cpu0/cache/index{index}/{what}")).ok();
        let (level, kind, size) = (of("level")?, of("type")?, of("size")?);
        Some(format!(
            "L{} {} {}",
            level.trim(),
            kind.trim().to_lowercase(),
            size.trim()
        ))
    });
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let parts = [format!("{cores} × {name}")].into_iter().chain(caches);
    parts.collect::<Vec<_>>().join(", ")
}
