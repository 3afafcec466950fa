//! A shell that starts servers for tests, and kills and starts them when told to. It ends them when its
//! standard input ends, which it does with the process at the other end of the pipe, however that ends.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, bail};

/// A shell that ends with this value.
#[derive(Debug)]
pub(crate) struct Guard {
    child: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Guard {
    /// Runs a script with a shell, and gives the line it says once its servers are there.
    ///
    /// # Errors
    /// There is no shell, or the servers do not start.
    pub(crate) fn start(shell: &mut Command, script: &str) -> anyhow::Result<(Self, String)> {
        let mut child = shell
            .args(["-c", script])
            // A group of its own: Ctrl-C ends the tests, and the end of the tests ends the servers.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the servers' guard")?;
        let commands = Some(child.stdin.take().context("the guard's pipe")?);
        let answers = BufReader::new(child.stdout.take().context("the guard's answers")?);
        let mut guard = Self { child, commands, answers };
        let said = guard.answer()?;
        Ok((guard, said))
    }

    fn answer(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        match line.trim_end() {
            "" => bail!("the servers have not started; above is what they said"),
            line => Ok(line.to_owned()),
        }
    }

    /// Says a word, and waits until what it means is done.
    ///
    /// # Errors
    /// The servers have ended, or do not start.
    pub(crate) fn tell(&mut self, word: &str) -> anyhow::Result<()> {
        writeln!(self.commands.as_mut().context("the servers have ended")?, "{word}")?;
        self.answer().map(drop)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.commands = None;
        // Best effort: it ends by itself.
        let _ended = self.child.wait();
    }
}
