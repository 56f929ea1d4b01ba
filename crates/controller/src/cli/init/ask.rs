//! Asking somebody: a question on one stream, an answer on another, and a secret that is not shown.
//!
//! What does not live here: what is asked (`given`, and `init` itself).

use std::io::{self, BufRead, IsTerminal, Write};

use evenkeel_core::Secret;

use crate::cli::hidden;

/// How a secret is asked for without showing it.
type Hidden = Box<dyn FnMut(&str) -> io::Result<String>>;

/// Somebody who can be asked.
pub(super) struct Person {
    input: Box<dyn BufRead>,
    output: Box<dyn Write>,
    hidden: Hidden,
}

impl Person {
    /// Whoever sits at the terminal, if somebody does and may be asked. What is asked goes to standard error: standard output
    /// may be a file.
    pub(super) fn at_terminal(may_be_asked: bool) -> Option<Self> {
        let is_there = io::stdin().is_terminal() && io::stderr().is_terminal();
        (may_be_asked && is_there).then(|| Self {
            input: Box::new(io::BufReader::new(io::stdin())),
            output: Box::new(anstream::stderr()),
            hidden: Box::new(hidden::ask),
        })
    }

    #[cfg(test)]
    pub(super) fn of(input: &'static str, output: impl Write + 'static, secret: &'static str) -> Self {
        Self {
            input: Box::new(input.as_bytes()),
            output: Box::new(output),
            hidden: Box::new(move |_| Ok(secret.to_owned())),
        }
    }

    /// A line; asked again until there is something in it.
    pub(super) fn text(&mut self, question: &str) -> io::Result<String> {
        loop {
            let answer = self.line(&format!("{question} "))?;
            if !answer.is_empty() {
                return Ok(answer);
            }
        }
    }

    /// A secret; asked again until there is something in it.
    pub(super) fn secret(&mut self, question: &str) -> io::Result<Secret> {
        loop {
            let answer = (self.hidden)(&format!("{question} "))?;
            if !answer.trim().is_empty() {
                return Ok(Secret::new(answer.trim()));
            }
        }
    }

    /// Yes or no; an empty line is what is usual.
    pub(super) fn agrees(&mut self, question: &str, usual: bool) -> io::Result<bool> {
        let choice = if usual { "[Y/n]" } else { "[y/N]" };
        loop {
            match self.line(&format!("{question} {choice} "))?.to_lowercase().as_str() {
                "" => return Ok(usual),
                "y" | "yes" => return Ok(true),
                "n" | "no" => return Ok(false),
                _ => writeln!(self.output, "y or n?")?,
            }
        }
    }

    fn line(&mut self, question: &str) -> io::Result<String> {
        self.output.write_all(question.as_bytes())?;
        self.output.flush()?;
        let mut line = String::new();
        match self.input.read_line(&mut line)? {
            // Without this, a terminal that went away would be asked for ever.
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(line.trim().to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_line_is_asked_again_or_what_is_usual() {
        let mut person = Person::of("\n \nhttps://netbox.lan\n\nmaybe\nNO\n", Vec::new(), " s3cret ");
        assert_eq!(person.text("Where?").unwrap(), "https://netbox.lan");
        assert!(person.agrees("Sure?", true).unwrap());
        assert!(!person.agrees("Sure?", true).unwrap());
        assert_eq!(person.secret("Token:").unwrap().expose(), "s3cret");
    }

    #[test]
    fn the_end_of_the_answers_ends_the_questions() {
        let mut person = Person::of("", Vec::new(), "");
        assert_eq!(person.text("Where?").unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(person.agrees("Sure?", false).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
