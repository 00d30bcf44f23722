//! The files in `ops/`, the image and the compose file, held against the server. That Prometheus and Docker can read
//! them is `scripts/check-ops`' matter.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use app::metrics::Kind;
use app::server::longest_stop;
use app::settings::{Layers, Settings, Values};
use serde_json::Value;
use yaml_rust2::{Yaml, YamlLoader};

use crate::process::Scratch;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn yaml(path: &str) -> Yaml {
    YamlLoader::load_from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}")).remove(0)
}

/// Every query of the alert rules and of the dashboard, with where it stands.
fn queries() -> Vec<(String, String)> {
    let rules = yaml("ops/prometheus/alerts.yml");
    let mut queries = Vec::new();
    for group in rules["groups"].as_vec().unwrap() {
        for rule in group["rules"].as_vec().unwrap() {
            let name = rule["alert"].as_str().unwrap();
            for part in ["severity", "summary"] {
                let holder = if part == "severity" { &rule["labels"] } else { &rule["annotations"] };
                assert!(holder[part].as_str().is_some(), "{name} has no {part}");
            }
            queries.push((name.to_owned(), rule["expr"].as_str().unwrap().to_owned()));
        }
    }
    let dashboard: Value = serde_json::from_str(&read("ops/grafana/outbound.json")).unwrap();
    for panel in dashboard["panels"].as_array().unwrap() {
        let title = panel["title"].as_str().unwrap();
        for target in panel["targets"].as_array().into_iter().flatten() {
            queries.push((title.to_owned(), target["expr"].as_str().unwrap().to_owned()));
        }
    }
    assert!(queries.len() > 30, "{}", queries.len());
    queries
}

/// The words of a query that begin as our metrics do.
fn names(query: &str) -> impl Iterator<Item = &str> {
    let words = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("outbound_"))
}

#[test]
fn every_metric_that_a_rule_or_a_panel_asks_for_is_one_that_the_server_has_and_each_is_asked_for() {
    let mut known: BTreeMap<String, Kind> = BTreeMap::new();
    for (name, kind) in app::metrics::all() {
        match kind {
            Kind::Histogram => {
                known.insert(format!("{name}_bucket"), kind);
            }
            Kind::Counter | Kind::Gauge => {
                known.insert(name.to_owned(), kind);
            }
        }
    }
    let mut asked_for = BTreeSet::new();
    for (place, query) in queries() {
        for name in names(&query) {
            let kind = known.get(name).unwrap_or_else(|| panic!("{place}: there is no metric {name}"));
            let is_rate =
                query.contains(&format!("rate({name}")) || query.contains(&format!("increase({name}"));
            // A histogram's buckets may stand on a line of their own.
            let is_rate = is_rate || (*kind == Kind::Histogram && query.contains("rate("));
            assert_eq!(is_rate, *kind != Kind::Gauge, "{place}: {name} in {query}");
            asked_for.insert(name.to_owned());
        }
    }
    let unseen: Vec<_> = known.keys().filter(|name| !asked_for.contains(*name)).collect();
    assert!(unseen.is_empty(), "neither drawn nor watched: {unseen:?}");
}

#[test]
fn prometheus_asks_the_server_where_it_listens_and_goes_by_the_rules() {
    let config = yaml("ops/prometheus/prometheus.yml");
    assert_eq!(config["rule_files"][0].as_str(), Some("alerts.yml"));
    let job = &config["scrape_configs"][0];
    assert_eq!(job["job_name"].as_str(), Some("outbound"), "the rules ask for up{{job=\"outbound\"}}");
    let compose = yaml("docker-compose.yml");
    let target = job["static_configs"][0]["targets"][0].as_str().unwrap();
    let (host, port) = target.split_once(':').unwrap();
    let bind = compose["services"][host]["environment"]["BIND_ADDR"].as_str().unwrap();
    assert!(bind.ends_with(&format!(":{port}")), "{bind} {target}");
}

/// A key of a service, or of what it is merged with.
fn of<'a>(service: &'a Yaml, key: &str) -> &'a Yaml {
    if service[key].is_badvalue() { &service["<<"][key] } else { &service[key] }
}

fn texts(list: &Yaml) -> Vec<&str> {
    list.as_vec().into_iter().flatten().filter_map(Yaml::as_str).collect()
}

#[test]
fn each_service_of_the_compose_file_is_watched_confined_and_open_to_this_machine_alone() {
    let compose = yaml("docker-compose.yml");
    let services = compose["services"].as_hash().unwrap();
    let names: Vec<_> = services.keys().filter_map(Yaml::as_str).collect();
    assert_eq!(names, ["postgres", "outbound", "n8n", "prometheus", "grafana"]);
    for (name, service) in services {
        let name = name.as_str().unwrap();
        assert!(texts(&service["profiles"]).contains(&"all"), "{name}");
        assert!(of(service, "restart").as_str().is_some(), "{name}");
        assert!(!service["healthcheck"]["test"].is_badvalue(), "{name} has no health check");
        assert!(texts(of(service, "security_opt")).contains(&"no-new-privileges:true"), "{name}");
        for port in texts(&service["ports"]) {
            assert!(port.starts_with("127.0.0.1:"), "{name}: {port}");
        }
        let image = of(service, "image").as_str().unwrap();
        assert!(!image.ends_with(":latest") && image.contains(':'), "{name}: {image}");
    }
    for name in ["outbound", "prometheus", "grafana"] {
        let service = &compose["services"][name];
        // Compose refuses to write a secret of the environment into a container that is read-only.
        let takes_secrets = !service["secrets"].is_badvalue();
        assert_eq!(of(service, "read_only").as_bool(), Some(!takes_secrets), "{name}");
        assert_eq!(texts(of(service, "cap_drop")), ["ALL"], "{name}");
    }
}

#[test]
fn the_image_is_built_by_the_pinned_compiler_and_does_not_run_as_root() {
    let dockerfile = read("Dockerfile");
    let toolchain = read("rust-toolchain.toml");
    let version = toolchain.split('"').nth(1).unwrap();
    assert!(dockerfile.contains(&format!("FROM rust:{version}-slim")), "{version}");
    let last_stage = dockerfile.rsplit("FROM ").next().unwrap();
    let user = last_stage.lines().find_map(|line| line.strip_prefix("USER ")).unwrap();
    assert!(!user.starts_with('0') && !user.starts_with("root"), "{user}");
    assert!(last_stage.contains("HEALTHCHECK") && last_stage.contains("/readyz"));
    let ignored = read(".dockerignore");
    assert_eq!(
        ignored.lines().find(|line| !line.starts_with('#')),
        Some("*"),
        "nothing comes in by accident"
    );
    // Cargo wants every member of the workspace, whichever is built.
    let workspace = read("Cargo.toml");
    let members = workspace.lines().find_map(|line| line.strip_prefix("members = [")).unwrap();
    let members = members.split('"').skip(1).step_by(2).map(|member| member.trim_end_matches("/*"));
    let files = ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", "migrations", "integrations"];
    for needed in files.into_iter().chain(members) {
        assert!(root().join(needed).exists(), "{needed}");
        assert!(ignored.lines().any(|line| line == format!("!{needed}")), "{needed}");
    }
}

#[test]
fn a_new_env_is_all_that_the_compose_file_asks_for_and_lets_the_server_bind_publicly() {
    let scratch = Scratch::new("new-env");
    let within = |path: &str| scratch.path().join(path);
    fs::create_dir(within("scripts")).unwrap();
    for file in ["scripts/new-env", "scripts/lib.sh", "docker-compose.yml"] {
        fs::copy(root().join(file), within(file)).unwrap();
    }
    let make = || Command::new(within("scripts/new-env")).stderr(Stdio::null()).status().unwrap().success();
    assert!(make());
    assert!(!make(), "what is there is never overwritten");
    let mode = fs::metadata(within(".env")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let env = fs::read_to_string(within(".env")).unwrap();
    let mut values: Values = env
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let compose = read("docker-compose.yml");
    for part in compose.split("${").skip(1) {
        let name = part.split(['}', ':', '-']).next().unwrap();
        let has_default = part[name.len()..].starts_with(":-");
        assert!(has_default || values.contains_key(name), "{name} is in no .env that scripts/new-env makes");
    }
    let secrets = yaml("docker-compose.yml")["secrets"].clone();
    for (name, secret) in secrets.as_hash().unwrap() {
        let variable = secret["environment"].as_str().unwrap();
        assert!(values.contains_key(variable), "{name:?}: {variable}");
    }
    assert_eq!(values["PROMETHEUS_TOKEN"], values["METRICS_TOKEN"]);
    values.extend(
        [("BIND_ADDR", "0.0.0.0:8080"), ("DATABASE_URL", "postgresql://outbound:x@postgres:5432/outbound")]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    Settings::read(&Layers::environment(values)).unwrap();
}

#[test]
fn the_systemd_unit_gives_the_server_no_rights_and_time_to_stop() {
    let unit = read("ops/systemd/outbound.service");
    for line in [
        "ExecStart=/usr/local/bin/outbound serve",
        "DynamicUser=yes",
        "NoNewPrivileges=yes",
        "CapabilityBoundingSet=",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "PrivateDevices=yes",
        "SystemCallFilter=@system-service",
        "Restart=always",
    ] {
        assert!(unit.lines().any(|one| one == line), "{line}");
    }
}

#[test]
fn whoever_stops_the_server_waits_for_as_long_as_that_may_take() {
    let longest = |pairs: &[(&str, &str)]| {
        let values = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        longest_stop(&Settings::read(&Layers::environment(values)).unwrap()).as_secs()
    };
    for (timeout, grace) in [(10, 0), (1, 300), (50, 7)] {
        let (timeout_text, grace_text) = (timeout.to_string(), grace.to_string());
        let settings = [("N8N_TIMEOUT_SECONDS", &*timeout_text), ("HTTP_GRACE_SECONDS", &*grace_text)];
        assert_eq!(longest(&settings), 2 * timeout + grace + 15, "the formula that the documents give");
    }
    let formula = "2 x `N8N_TIMEOUT_SECONDS` + `HTTP_GRACE_SECONDS` + 15 seconds";
    assert!(read("docs/OPERATIONS.md").contains(formula), "{formula}");
    let plain = formula.replace('`', "");
    let (unit, compose) = (read("ops/systemd/outbound.service"), read("docker-compose.yml"));
    assert!(unit.contains(&plain) && compose.contains(&plain), "{plain}");
    let allowed = [
        unit.lines().find_map(|line| line.strip_prefix("TimeoutStopSec=")).unwrap(),
        yaml("docker-compose.yml")["services"]["outbound"]["stop_grace_period"].as_str().unwrap(),
    ]
    .map(|text| text.trim_end_matches('s').parse::<u64>().unwrap());
    assert!(allowed.iter().all(|seconds| *seconds >= longest(&[])), "{allowed:?}");
}

#[test]
fn whoever_is_alerted_finds_what_to_do() {
    let told: BTreeSet<String> = read("docs/OPERATIONS.md")
        .lines()
        .filter_map(|line| Some(line.strip_prefix("| `Outbound")?.split_once('`')?.0.to_owned()))
        .collect();
    let rules = yaml("ops/prometheus/alerts.yml");
    let groups = rules["groups"].as_vec().unwrap().iter();
    let alerts = groups.flat_map(|group| group["rules"].as_vec().unwrap());
    let alerts: BTreeSet<String> = alerts
        .map(|rule| rule["alert"].as_str().unwrap().trim_start_matches("Outbound").to_owned())
        .collect();
    assert_eq!(told, alerts);
}
