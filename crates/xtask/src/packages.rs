//! Installs what the tests need from Debian, where it is missing.

use std::path::Path;
use std::process::Command;

use anyhow::bail;

use crate::run::run;

/// Programs the tests need, and the packages that hold them.
const NEEDED: &[(&str, &str)] = &[
    ("cc", "build-essential"),
    ("git", "git"),
    ("node", "nodejs"),
    ("npm", "npm"),
    ("chromium", "chromium"),
    // Tests start servers of their own; those that Debian's packages start are not used.
    ("initdb", "postgresql"),
    ("rabbitmq-server", "rabbitmq-server"),
    ("redis-server", "redis-server"),
];

/// Where Debian keeps the server's programs of each version, which are on nobody's path.
const POSTGRESQL: &str = "/usr/lib/postgresql";

/// Where Debian keeps RabbitMQ's programs, which only root has on the path.
const RABBITMQ: &str = "/usr/lib/rabbitmq/bin";

fn is_installed(program: &str) -> bool {
    let on_path = std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    });
    let mut versions = std::fs::read_dir(POSTGRESQL).into_iter().flatten().filter_map(Result::ok);
    on_path
        || Path::new(RABBITMQ).join(program).is_file()
        || versions.any(|version| version.path().join("bin").join(program).is_file())
}

/// Installs the packages whose programs are not there.
///
/// # Errors
/// Something is missing and cannot be installed from here.
pub(crate) fn install() -> anyhow::Result<()> {
    let missing: Vec<&str> = NEEDED
        .iter()
        .filter(|(program, _)| !is_installed(program))
        .map(|(_, package)| *package)
        .collect();
    if missing.is_empty() {
        println!("nothing is missing");
        return Ok(());
    }
    let names = missing.join(" ");
    if !is_installed("apt-get") {
        bail!("the tests need {names}; this is no Debian, so install them by your system's means");
    }
    let mut prefix: Vec<&str> = Vec::new();
    if !is_root() {
        let may = is_installed("sudo")
            && Command::new("sudo").args(["-n", "true"]).status().is_ok_and(|s| s.success());
        if !may {
            bail!("the tests need {names}; run: sudo apt-get install {names}");
        }
        prefix.push("sudo");
    }
    let apt = |arguments: &[&str]| {
        let mut words = prefix.iter().chain(&["apt-get"]).chain(arguments);
        let mut command = Command::new(words.next().copied().unwrap_or("apt-get"));
        run(command.args(words).env("DEBIAN_FRONTEND", "noninteractive"))
    };
    apt(&["update", "-qq"])?;
    apt(&[&["install", "-y", "-qq", "--no-install-recommends"], missing.as_slice()].concat())
}

/// Whether this process may install packages by itself.
fn is_root() -> bool {
    // The owner of our own entry in /proc is who we are.
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(Path::new("/proc/self")).is_ok_and(|entry| entry.uid() == 0)
}
