//! What the rules may stand on.

/// No clock, chance, I/O, runtime, SQL or HTTP among them: what is added here is a decision.
const ALLOWED: [&str; 8] = [
    "async-trait",
    "chrono",
    "chrono-tz",
    "futures-util",
    "phonenumber",
    "thiserror",
    "unicode-normalization",
    "uuid",
];

#[test]
fn the_domain_depends_on_nothing_but_what_this_list_allows() {
    let manifest = include_str!("../../Cargo.toml");
    let mut sections = manifest.split("\n[").skip(1).filter_map(|section| section.split_once("]\n"));
    // A table of its own, `[dependencies.x]` or `[target...dependencies]`, would not be looked at.
    let headings: Vec<&str> = sections.clone().map(|(heading, _)| heading).collect();
    assert_eq!(headings, ["lints", "dependencies", "dev-dependencies"]);
    let (_, dependencies) = sections.find(|(heading, _)| *heading == "dependencies").unwrap();
    let named: Vec<&str> = dependencies
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.split(['.', ' ', '=']).next().unwrap())
        .collect();
    assert_eq!(named, ALLOWED);
}

#[test]
fn neither_the_clock_nor_chance_comes_in_by_a_feature() {
    let workspace = include_str!("../../../../Cargo.toml");
    for (name, features) in [("chrono", r#"features = ["std"]"#), ("uuid", r#"features = ["std"]"#)] {
        let line = workspace.lines().find(|line| line.starts_with(&format!("{name} = "))).unwrap();
        assert!(line.contains("default-features = false") && line.contains(features), "{line}");
    }
}
