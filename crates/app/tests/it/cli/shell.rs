//! What a shell sees of the binary: help, completions, exit codes.

use std::collections::BTreeMap;

use crate::process::{run, text};

const COMMANDS: [&str; 11] = [
    "serve",
    "doctor",
    "explain",
    "stats",
    "requeue",
    "cancel",
    "migrate",
    "config",
    "token",
    "n8n",
    "completions",
];

async fn help(arguments: &[&str]) -> String {
    let ended = run(&BTreeMap::new(), &[arguments, &["--help"]].concat()).await;
    assert!(ended.status.success(), "{arguments:?}");
    text(&ended.stdout)
}

#[tokio::test]
async fn every_command_has_a_line_in_the_help_and_a_help_of_its_own_with_examples() {
    let all = help(&[]).await;
    for command in COMMANDS {
        let own = if command == "n8n" { help(&["n8n", "export"]).await } else { help(&[command]).await };
        assert!(all.contains(&format!("\n  {command} ")), "{command}: {all}");
        assert!(own.contains("Examples:\n  ") && own.contains(&format!("outbound {command}")), "{own}");
    }
}

#[tokio::test]
async fn shells_complete_commands_options_and_words() {
    for shell in ["bash", "zsh", "fish"] {
        let script = text(&run(&BTreeMap::new(), &["completions", shell]).await.stdout);
        for word in COMMANDS.into_iter().chain(["failure-kind", "CALL_NOTE"]) {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    assert_eq!(run(&BTreeMap::new(), &["completions", "csh"]).await.status.code(), Some(2));
}

#[tokio::test]
async fn without_a_database_a_command_says_how_to_name_one_and_makes_none() {
    let ended = run(&BTreeMap::new(), &["--data-dir", "/nonexistent/outbound", "stats"]).await;
    let said = text(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1));
    assert!(said.contains("DATABASE_URL") && said.contains("--data-dir"), "{said}");
}
