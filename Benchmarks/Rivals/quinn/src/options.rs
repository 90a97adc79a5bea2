//! The command line that all rivals share; ../../../README.md describes it.

use std::collections::HashMap;
use std::fmt::Display;
use std::process::exit;

pub fn fail(why: impl Display) -> ! {
    eprintln!("error: {why}");
    exit(2)
}

/// What was asked for is not something that this program does.
pub fn unsupported(what: impl Display) -> ! {
    eprintln!("unsupported: {what}");
    exit(64)
}

/// `--name value` pairs.
pub struct Options(HashMap<String, String>);

impl Options {
    pub fn parse(words: &[String]) -> Self {
        let mut values = HashMap::new();
        for pair in words.chunks(2) {
            match (pair[0].strip_prefix("--"), pair.get(1)) {
                (Some(name), Some(value)) => values.insert(name.to_string(), value.clone()),
                _ => fail(format!("expected --name value, got '{}'", pair[0])),
            };
        }
        Options(values)
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub fn number(&self, name: &str, otherwise: f64) -> f64 {
        match self.text(name) {
            None => otherwise,
            Some(value) => match value.parse() {
                Ok(number) if number >= 0.0 => number,
                _ => fail(format!("--{name} must be a number, and is '{value}'")),
            },
        }
    }

    pub fn count(&self, name: &str, otherwise: usize) -> usize {
        (self.number(name, otherwise as f64) as usize).max(1)
    }

    pub fn needed(&self, name: &str) -> &str {
        self.text(name).unwrap_or_else(|| fail(format!("--{name} is needed")))
    }
}
