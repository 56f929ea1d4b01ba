//! Who has to wait where several want the machine.

use std::process::Command;

use xtask::real::find;

/// The same command behind others: by 1 to 19, which is behind everybody. As it is where there is no `nice`.
pub(crate) fn behind(by: u8, command: Command) -> Command {
    let Some(nice) = find("nice") else { return command };
    let mut polite = Command::new(nice);
    polite.arg("-n").arg(by.to_string()).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => polite.env(name, value),
            None => polite.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        polite.current_dir(folder);
    }
    polite
}
