//! A secret that somebody types at the terminal. It is not shown from before the question on: who answers at once, as programs do,
//! would otherwise be quicker than `rpassword`, which asks first.

use std::fs::{File, OpenOptions};
use std::io;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// Asks the terminal of this process. An error where it has none.
pub(super) fn ask(question: &str) -> io::Result<String> {
    let _silent = Silent::begin()?;
    rpassword::prompt_password(question)
}

/// A terminal that shows nothing of what is typed, as long as this value lives.
struct Silent {
    terminal: File,
    before: Termios,
}

impl Silent {
    fn begin() -> io::Result<Self> {
        let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
        let before = tcgetattr(&terminal)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&terminal, OptionalActions::Now, &silent)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        // A terminal that went away has nothing to show.
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
    }
}
