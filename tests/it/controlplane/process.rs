//! Child processes that cannot outlive the test process, whatever ends it: a return, a panic or a `kill -9`.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};

use anyhow::Context;

/// Runs a program, and kills it by its id as soon as standard input ends.
///
/// Standard input is a pipe that only the test process holds open, so the kernel closes it when that process is gone.
/// A signal for the whole group, as a terminal or `timeout` sends it, reaches these shells too, and must not end them
/// before a program that takes its time.
const SUPERVISE: &str = r#"
exec 3<&0
log=$1; shift
"$@" </dev/null >>"$log" 2>&1 3<&- &
child=$!
trap '' HUP INT TERM
( read -r _ <&3; kill -KILL "$child" ) >/dev/null 2>&1 &
watcher=$!
echo "$child"
exec >/dev/null 3<&-
wait "$child"; status=$?
kill -KILL "$watcher"; wait "$watcher"
exit "$status"
"#;

/// Removes a directory as soon as standard input ends, trying again while killed processes still let go of it.
///
/// An interrupt from the terminal reaches this shell too, and must not keep it from its work.
const REMOVE: &str = r#"trap '' HUP INT TERM; read -r _; for _ in 1 2 3 4 5; do rm -rf "$1" && break; sleep 0.2; done"#;

/// A running program under a supervising shell; dropping it kills the program and waits for its end.
pub struct Process {
    supervisor: Child,
    held: Option<ChildStdin>,
    pid: u32,
}

impl Process {
    /// Starts the program, arguments, variables and directory of `command`; both its outputs are appended to `log`.
    pub fn start(command: &Command, log: &Path) -> anyhow::Result<Self> {
        let mut shell = Command::new("sh");
        shell
            .args(["-c", SUPERVISE, "supervise"])
            .arg(log)
            .arg(command.get_program())
            .args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        if let Some(directory) = command.get_current_dir() {
            shell.current_dir(directory);
        }
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut supervisor = shell.spawn().context("starting `sh`")?;
        let held = supervisor.stdin.take();
        let stdout = supervisor.stdout.take().context("`sh` has no standard output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let pid = line
            .trim()
            .parse()
            .with_context(|| format!("`sh` started no {:?}", command.get_program()))?;
        Ok(Self { supervisor, held, pid })
    }

    /// The process id of the program itself, not of its supervisor.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// How the program ended, or `None` while it runs; after a signal the code is 128 plus its number.
    pub fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.supervisor.try_wait()?)
    }

    /// Sends a signal such as `TERM`.
    pub fn signal(&self, name: &str) -> anyhow::Result<()> {
        let status = Command::new("kill")
            .args(["-s", name, &self.pid.to_string()])
            .status()?;
        anyhow::ensure!(status.success(), "no signal {name} for process {}", self.pid);
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.held.take());
        // The supervisor ends once it has reaped the program; if waiting fails there is nobody left to wait for.
        let _ = self.supervisor.wait();
    }
}

/// A shell script that waits until its standard input ends, and runs when this is dropped or the test process is gone.
pub struct Afterwards(Child);

impl Afterwards {
    /// Starts the script, which has to begin with that wait.
    pub fn run<A: AsRef<OsStr>>(script: &str, arguments: impl IntoIterator<Item = A>) -> anyhow::Result<Self> {
        let mut shell = Command::new("sh");
        shell.args(["-c", script, "afterwards"]).args(arguments);
        shell.stdin(Stdio::piped()).stdout(Stdio::null());
        Ok(Self(shell.spawn().context("starting `sh`")?))
    }
}

impl Drop for Afterwards {
    fn drop(&mut self) {
        // `Child::wait` closes the pipe first, which is what the script waits for.
        let _ = self.0.wait();
    }
}

/// A directory for one test's files, removed when dropped or when the test process is gone.
pub struct Scratch {
    path: PathBuf,
    _remover: Afterwards,
}

impl Scratch {
    /// Makes an empty directory below the system's one for temporary files.
    pub fn new() -> anyhow::Result<Self> {
        let path = tempfile::Builder::new().prefix("stateward-test-").tempdir()?.keep();
        let remover = Afterwards::run(REMOVE, [&path])?;
        Ok(Self {
            path,
            _remover: remover,
        })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file of that name and returns its path.
    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> anyhow::Result<PathBuf> {
        let path = self.path.join(name);
        fs::write(&path, contents).with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use std::env;
    use std::io::Read;
    use std::os::unix::process::CommandExt;
    use std::panic;

    use super::super::eventually;
    use super::*;

    /// Set in the copy of the test binary that `killed_test_process_leaves_nothing_behind` starts and kills.
    const HOLDER: &str = "STATEWARD_TEST_HOLDER";

    fn sleeper(scratch: &Scratch) -> Process {
        Process::start(Command::new("sleep").arg("600"), &scratch.path().join("sleep.log")).unwrap()
    }

    fn alive(pid: u32) -> bool {
        Command::new("kill")
            .args(["-0", &pid.to_string()])
            .stderr(Stdio::null())
            .status()
            .unwrap()
            .success()
    }

    #[test]
    fn dropped_process_is_gone() {
        let scratch = Scratch::new().unwrap();
        let process = sleeper(&scratch);
        let pid = process.pid();
        assert!(alive(pid));
        drop(process);
        assert!(!alive(pid));
        let path = scratch.path().to_owned();
        drop(scratch);
        assert!(!path.exists());
    }

    #[test]
    fn panic_ends_the_process() {
        let scratch = Scratch::new().unwrap();
        let process = sleeper(&scratch);
        let pid = process.pid();
        let result = panic::catch_unwind(panic::AssertUnwindSafe(move || {
            let _process = process;
            panic::resume_unwind(Box::new("a failing test"));
        }));
        assert!(result.is_err());
        assert!(!alive(pid));
    }

    #[tokio::test]
    async fn exit_code_and_output_are_the_programs_own() {
        let scratch = Scratch::new().unwrap();
        let log = scratch.path().join("log");
        let script = r#"trap 'exit 7' TERM; echo "$GREETING"; while :; do sleep 0.05; done"#;
        let mut process =
            Process::start(Command::new("sh").args(["-c", script]).env("GREETING", "hello"), &log).unwrap();
        eventually("the greeting", async || {
            fs::read_to_string(&log).ok().filter(|text| text == "hello\n")
        })
        .await;
        assert!(process.ended().unwrap().is_none());
        process.signal("TERM").unwrap();
        let status = eventually("the exit", async || process.ended().unwrap()).await;
        assert_eq!(status.code(), Some(7));
    }

    #[tokio::test]
    async fn killed_test_process_leaves_nothing_behind() {
        for (signal, whom) in [("KILL", ""), ("TERM", "-"), ("INT", "-"), ("HUP", "-")] {
            leaves_nothing_behind(signal, whom).await;
        }
    }

    /// Sends a signal to the process, or with `-` to its whole group.
    async fn leaves_nothing_behind(signal: &str, whom: &str) {
        let mut holder = Command::new(env::current_exe().unwrap())
            .args(["--exact", "--nocapture", "controlplane::process::tests::holder"])
            .env(HOLDER, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let found = BufReader::new(holder.stdout.take().unwrap())
            .lines()
            .map(Result::unwrap)
            .find_map(|line| line.split_once("held: ").map(|(_, rest)| rest.to_owned()))
            .unwrap();
        let (pid, directory) = found.split_once(' ').unwrap();
        let pid = pid.parse().unwrap();
        assert!(alive(pid) && Path::new(directory).exists());
        let whom = format!("{whom}{}", holder.id());
        let sent = Command::new("kill").args(["-s", signal, "--", &whom]).status();
        assert!(sent.unwrap().success());
        holder.wait().unwrap();
        eventually("the end of the program", async || (!alive(pid)).then_some(())).await;
        eventually("the end of its directory", async || {
            (!Path::new(directory).exists()).then_some(())
        })
        .await;
    }

    /// The other half of the test above; on its own it does nothing.
    #[test]
    fn holder() {
        if env::var_os(HOLDER).is_none() {
            return;
        }
        let scratch = Scratch::new().unwrap();
        // As an API server, which takes its time where its etcd is gone.
        let stubborn = "trap '' HUP INT TERM; while :; do sleep 0.1; done";
        let process = Process::start(
            Command::new("sh").args(["-c", stubborn]),
            &scratch.path().join("holder.log"),
        )
        .unwrap();
        let line = format!("held: {} {}\n", process.pid(), scratch.path().display());
        std::io::Write::write_all(&mut std::io::stdout(), line.as_bytes()).unwrap();
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    }
}
