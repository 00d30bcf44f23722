use super::variables::TABLE;
use super::*;

fn layers(pairs: &[(&str, &str)]) -> Layers {
    Layers::environment(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}

fn problems(pairs: &[(&str, &str)]) -> Vec<Problem> {
    Settings::read(&layers(pairs)).unwrap_err().0
}

/// A bad value for each setting that has one, and what the message must say.
const BAD: &[(&str, &str, &str)] = &[
    ("BIND_ADDR", "8080", "IP address and a port"),
    ("BIND_ADDR", "example.com:80", "IP address and a port"),
    ("PUBLIC_URL", "outbound.example.vn", "http"),
    ("HTTP_GRACE_SECONDS", "301", "from 0 to 300"),
    ("HTTP_MAX_CONNECTIONS", "3", "from 4 to 1000000"),
    ("HTTP_REQUEST_SECONDS", "0", "whole seconds from 1 to 600"),
    ("LOG_FORMAT", "xml", "text or json"),
    ("RUST_LOG", "outbound=loud", "level"),
    ("METRICS_TOKEN", "a,b,c", "secret"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318", "http"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "authorization", "name=value"),
    ("OTEL_TRACES_SAMPLER_ARG", "5%", "from 0 to 1"),
    ("DATABASE_URL", "mysql://db", "postgresql://"),
    ("DB_POOL_SIZE", "0", "from 2 to 500"),
    ("RETENTION_DAYS", "-1", "from 0"),
    ("JWT_SECRET", "one,,two", "secret"),
    ("JWT_JWKS_URL", "ftp://keys", "http"),
    ("WORKER_SECRET", ",", "secret"),
    ("N8N_CALLBACK_SECRET", "a,", "secret"),
    ("SERVICE_TOKEN", "a,b,c", "secret"),
    ("API_RATE_LIMIT_PER_SECOND", "0.5", "or off"),
    ("N8N_WEBHOOK_URL", "n8n:5678", "http"),
    ("N8N_WEBHOOK_SECRET", "a,b,c", "secret"),
    ("N8N_WEBHOOK_SECRET", "whsec_?", "base64"),
    ("N8N_TIMEOUT_SECONDS", "10s", "whole seconds from 1 to 300"),
    ("N8N_MAX_PER_SECOND", "1.5", "or off"),
    ("N8N_SIMULATOR", "yes", "on or off"),
    ("WORKER_BATCH_SIZE", "201", "from 1 to 200"),
    ("WORKER_CONCURRENCY", "21", "from 1 to 20"),
    ("WORKER_LEASE_SECONDS", "5", "from 6"),
    ("WORKER_LEASE_SECONDS", "14", "at least 15"),
    ("WORKER_MAX_RUN_SECONDS", "0", "from 1"),
    ("WORKER_INTERVAL_SECONDS", "+5", "from 0"),
    ("CALLBACK_TIMEOUT_SECONDS", "99999999999", "from 1"),
    ("CALLBACK_TIMEOUT_ACTION", "resend", "hold or retry"),
    ("OPS_TZ", "Hanoi", "time zone"),
    ("OPS_QUIET_HOURS", "9pm-8am", "21:00-08:00"),
    ("OPS_QUIET_HOURS", "08:00-08:00", "different"),
    ("OPS_QUIET_HOURS_ZALO", "x", "21:00-08:00"),
    ("OPS_QUIET_HOURS_FB", "x", "21:00-08:00"),
    ("OPS_QUIET_HOURS_SMS", "x", "21:00-08:00"),
    ("OPS_QUIET_HOURS_CALL_NOTE", "x", "21:00-08:00"),
    ("OPS_QUIET_HOURS_EMAIL", "off", "ZALO, FB, SMS, CALL_NOTE"),
    ("WORKER_RATE_LIMIT_PER_MIN", "many", "0 for no limit"),
    ("WORKER_RATE_LIMIT_PER_OWNER_PER_MIN", "1e3", "0 for no limit"),
    ("RETRY_BACKOFF", "2m,soon", "step 2"),
    ("CIRCUIT_FAILURES", "0", "from 1"),
    ("CIRCUIT_OPEN_SECONDS", "half", "whole seconds"),
    ("OPS_DEDUPE_WINDOW_DAYS", "366", "from 0 to 365"),
];

#[test]
fn each_bad_value_is_one_line_with_the_name_the_value_and_what_it_takes() {
    for (name, value, says) in BAD {
        let problems = problems(&[(name, value)]);
        let [problem] = problems.as_slice() else { panic!("{name}={value}: {problems:?}") };
        let line = problem.to_string();
        assert_eq!(problem.name, *name);
        assert!(line.starts_with(name) && line.contains(says) && !line.contains('\n'), "{line}");
        let secret = TABLE.iter().any(|entry| entry.name() == *name && entry.is_secret());
        let named_only = name.ends_with("_EMAIL");
        assert!(secret || named_only || line.contains(&format!("{value:?}")), "{line}");
        assert!(!secret || !line.contains(value) || value.len() < 3, "{line}");
    }
}

#[test]
fn every_setting_with_a_limit_has_a_bad_value_above() {
    let free = ["PG_BIN_DIR", "JWT_ISSUER", "JWT_AUDIENCE"];
    for entry in TABLE {
        let tried = BAD.iter().any(|(name, ..)| *name == entry.name());
        assert!(tried || free.contains(&entry.name()), "{}", entry.name());
    }
}

#[test]
fn all_bad_values_are_reported_together() {
    let found = problems(&[("WORKER_BATCH_SIZE", "x"), ("OPS_TZ", "Hanoi"), ("BIND_ADDR", "nowhere")]);
    let names: Vec<&str> = found.iter().map(|problem| problem.name.as_str()).collect();
    assert_eq!(names, ["BIND_ADDR", "WORKER_BATCH_SIZE", "OPS_TZ"]);
}

#[test]
fn every_default_is_taken() {
    for entry in TABLE {
        assert!(entry.default().is_none_or(|text| entry.accepts(text)), "{}", entry.name());
        assert!(!entry.is_secret() || entry.default().is_none(), "{}", entry.name());
    }
    let settings = Settings::read(&layers(&[])).unwrap();
    assert_eq!(settings.server.bind.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.rules.retry.to_string(), "2m,10m,1h");
    assert_eq!((settings.worker.batch_size, settings.worker.interval), (50, None));
    assert_eq!(settings.rules.limits.global.get(), Some(120));
    assert_eq!(settings.access.closed().len(), 4);
}

#[test]
fn an_empty_value_counts_as_none_and_a_channel_s_quiet_hours_override() {
    let hours =
        [("OPS_QUIET_HOURS", " "), ("OPS_QUIET_HOURS_SMS", "off"), ("OPS_QUIET_HOURS_FB", "22:00-6:00")];
    let rules = Settings::read(&layers(&hours)).unwrap().rules;
    let window = |channel| rules.quiet_hours.window(channel).map(|window| window.to_string());
    use domain::channel::Channel;
    assert_eq!(window(Channel::Sms), None);
    assert_eq!(window(Channel::Facebook).as_deref(), Some("22:00-06:00"));
    assert_eq!(window(Channel::Zalo).as_deref(), Some("21:00-08:00"));
}

#[test]
fn beyond_this_machine_secrets_must_be_chosen_and_long() {
    let open = ("BIND_ADDR", "0.0.0.0:8080");
    for weak in [
        "e8d4e2f6a0b7c193,short",
        "0123456789abcdef",
        "1234567890123456",
        "qwertyuiopasdfgh",
        "aaaaaaaaaaaaaaaaaaaaaaaa",
        "change-me-change-me-please",
        "my-secret-password-123",
        "outbound-secret-token-example",
    ] {
        let found = problems(&[open, ("WORKER_SECRET", weak), ("JWT_SECRET", "e07d15c9a3f2468b")]);
        let [problem] = found.as_slice() else { panic!("{weak}: {found:?}") };
        let line = problem.to_string();
        assert!(
            line.starts_with("WORKER_SECRET ") && line.contains("0.0.0.0:8080") && !line.contains(weak),
            "{line}"
        );
    }
    let shared = problems(&[open, ("WORKER_SECRET", "9b1c63e0f7a2d458"), ("JWT_SECRET", "9b1c63e0f7a2d458")]);
    assert_eq!(shared.len(), 1, "{shared:?}");
    assert!(
        shared[0].to_string().starts_with("WORKER_SECRET ") && shared[0].to_string().contains("JWT_SECRET")
    );
    let generated = Values::from([("JWT_SECRET".to_owned(), "0123456789abcdef0123456789abcdef".to_owned())]);
    let found = Settings::read(&layers(&[open]).below(Origin::Generated, generated.clone())).unwrap_err();
    assert_eq!(found.0[0].name, "JWT_SECRET");
    assert!(Settings::read(&layers(&[]).below(Origin::Generated, generated)).is_ok());
    let clock = problems(&[open, ("OUTBOUND_TEST_CLOCK_FILE", "/tmp/clock")]);
    assert!(clock[0].to_string().contains("loopback"));
}

#[test]
fn the_simulator_needs_the_callback_secret() {
    assert!(problems(&[("N8N_SIMULATOR", "on")])[0].to_string().contains("N8N_CALLBACK_SECRET"));
    assert!(
        Settings::read(&layers(&[("N8N_SIMULATOR", "on"), ("N8N_CALLBACK_SECRET", "s")]))
            .unwrap()
            .n8n
            .simulator
    );
}

#[test]
fn the_list_masks_secrets_and_says_where_values_come_from() {
    let layers = layers(&[
        ("JWT_SECRET", "do-not-show-me"),
        ("DATABASE_URL", "postgresql://me:do-not-show-me@db/x"),
        ("N8N_WEBHOOK_URL", "https://n8n.example.vn/webhook/x?token=do-not-show-me"),
        ("WORKER_BATCH_SIZE", "7"),
    ])
    .above(Origin::CommandLine, Values::from([("BIND_ADDR".to_owned(), "127.0.0.1:0".to_owned())]));
    let shown = listing::show(&layers);
    let table = listing::as_table(&shown);
    let json = serde_json::to_string(&shown).unwrap();
    assert!(
        !table.contains("do-not-show-me")
            && !json.contains("do-not-show-me")
            && !format!("{layers:?}").contains("do-not")
    );
    let line =
        |name: &str| table.lines().find(|line| line.split(' ').next() == Some(name)).unwrap().to_owned();
    assert!(line("JWT_SECRET").contains("********") && line("JWT_SECRET").ends_with("environment"));
    assert!(line("DATABASE_URL").contains("postgresql://me:********@db/x"));
    assert!(line("WORKER_BATCH_SIZE").contains(" 7 "));
    assert!(line("WORKER_CONCURRENCY").ends_with("default") && line("PUBLIC_URL").ends_with("unset"));
    assert!(line("BIND_ADDR").ends_with("option"));
}

#[test]
fn the_example_file_is_the_table() {
    let file = include_str!("../../../../.env.example");
    assert!(file == listing::example(), "write it anew: outbound config --example > .env.example");
}

#[test]
fn rules_are_the_same_when_they_are_made_of_the_texts_that_a_server_leaves() {
    let other: Vec<(&str, &str)> = vec![
        ("OPS_TZ", "Asia/Tokyo"),
        ("OPS_QUIET_HOURS", "off"),
        ("OPS_QUIET_HOURS_ZALO", "20:00-07:00"),
        ("OPS_QUIET_HOURS_FB", "off"),
        ("OPS_QUIET_HOURS_SMS", "19:00-09:00"),
        ("OPS_QUIET_HOURS_CALL_NOTE", "18:00-09:30"),
        ("WORKER_RATE_LIMIT_PER_MIN", "7"),
        ("WORKER_RATE_LIMIT_PER_OWNER_PER_MIN", "3"),
        ("RETRY_BACKOFF", "1m"),
        ("CIRCUIT_FAILURES", "9"),
        ("CIRCUIT_OPEN_SECONDS", "11"),
        ("WORKER_LEASE_SECONDS", "90"),
        ("WORKER_MAX_RUN_SECONDS", "12"),
        ("CALLBACK_TIMEOUT_SECONDS", "13"),
        ("CALLBACK_TIMEOUT_ACTION", "retry"),
        ("OPS_DEDUPE_WINDOW_DAYS", "4"),
        ("N8N_TIMEOUT_SECONDS", "50"),
    ];
    let rules_section = |entry: &&dyn variables::Entry| entry.section() == "Rules";
    for entry in TABLE.iter().copied().filter(|entry| rules_section(entry)) {
        assert!(other.iter().any(|(name, _)| *name == entry.name()), "{}", entry.name());
    }
    let seen = |rules: &Rules| format!("{rules:?}");
    let plain = seen(&Settings::read(&layers(&[])).unwrap().rules);
    for one in &other {
        let given = layers(&[*one]);
        let there = seen(&Settings::read(&given).unwrap().rules);
        assert_ne!(there, plain, "{one:?}");
        let left = Layers::default().below(Origin::Server, rule_texts(&given));
        assert_eq!(seen(&read_rules(&left).unwrap()), there, "{one:?}");
    }
}
