//! The workflows of `integrations/n8n`, handed out with the URLs filled in.
//!
//! The files work as they are with a server and an N8N on this machine; [`export`] puts other addresses in place of
//! those. Secrets are never part of them: they stay in N8N's credentials and environment.

use url::Url;

/// Where the files say that Outbound is.
pub const BASE_URL: &str = "http://127.0.0.1:8080";
/// Where the files say that N8N takes hand-offs.
pub const WEBHOOK_URL: &str = "http://127.0.0.1:5678/webhook/outbound";
/// The path of the node that takes hand-offs, as the file writes it.
const PATH: &str = r#""path": "outbound""#;
/// What N8N puts before a webhook's own path, when published and while it is tried out in the editor.
const PREFIXES: [&str; 2] = ["webhook", "webhook-test"];

/// One workflow as it lies in the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Workflow {
    /// The file's name.
    pub file: &'static str,
    /// What it holds.
    pub json: &'static str,
}

macro_rules! workflows {
    ($($file:literal),+ $(,)?) => {
        /// Every workflow, in the order in which they are set up.
        pub const WORKFLOWS: &[Workflow] = &[
            $(Workflow { file: $file, json: include_str!(concat!("../../../integrations/n8n/", $file)) }),+
        ];
    };
}

workflows! {
    "1-run-worker.json",
    "2-receive-and-send.json",
    "3-pull-and-send.json",
    "4-jobs.json",
    "5-errors.json",
}

/// Why the workflows can't be handed out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// Not an address.
    #[error("{0} must be an http:// or https:// address without user, query and fragment")]
    NotAUrl(&'static str),
    /// No path for N8N's webhook node.
    #[error(
        "webhook-url must end in the webhook's own path, such as https://n8n.example.vn/webhook/outbound"
    )]
    NoPath,
}

/// Every workflow as `(file name, JSON)`, with these addresses: where N8N takes hand-offs, as in `N8N_WEBHOOK_URL`,
/// and where N8N reaches this server.
pub fn export(webhook_url: &str, base_url: &str) -> Result<Vec<(&'static str, String)>, ExportError> {
    let webhook = address("webhook-url", webhook_url)?;
    let base = address("base-url", base_url)?;
    let base = base.as_str().trim_end_matches('/');
    let path = webhook_path(&webhook).ok_or(ExportError::NoPath)?;
    // An address as `Url` writes it has nothing that JSON or an N8N expression would read otherwise.
    let filled = |json: &str| {
        let addressed = json.replace(WEBHOOK_URL, webhook.as_str()).replace(BASE_URL, base);
        addressed.replace(PATH, &format!(r#""path": "{path}""#))
    };
    Ok(WORKFLOWS.iter().map(|workflow| (workflow.file, filled(workflow.json))).collect())
}

fn address(name: &'static str, text: &str) -> Result<Url, ExportError> {
    let plain = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    };
    Url::parse(text.trim()).ok().filter(plain).ok_or(ExportError::NotAUrl(name))
}

/// The webhook's own path: what follows N8N's prefix, or the last part where N8N was given another prefix.
fn webhook_path(url: &Url) -> Option<String> {
    let parts: Vec<_> = url.path_segments()?.filter(|part| !part.is_empty()).collect();
    let own = match parts.iter().position(|part| PREFIXES.contains(part)) {
        Some(prefix) => parts.get(prefix + 1..)?,
        None => parts.get(parts.len().checked_sub(1)?..)?,
    };
    (!own.is_empty()).then(|| own.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_the_files_own_addresses_nothing_changes() {
        for (workflow, (file, json)) in WORKFLOWS.iter().zip(export(WEBHOOK_URL, BASE_URL).unwrap()) {
            assert_eq!(workflow.file, file);
            assert_eq!(workflow.json, json, "{file}");
        }
    }

    #[test]
    fn no_address_of_this_machine_is_left_and_the_webhook_has_its_path() {
        let files = export("https://n8n.example.vn/webhook/crm/outbound", "https://crm.example.vn/outbound/")
            .unwrap();
        let all: String = files.iter().map(|(_, json)| json.as_str()).collect();
        assert!(!all.contains("127.0.0.1"));
        assert!(all.contains(r#""path": "crm/outbound""#));
        assert!(all.contains("https://crm.example.vn/outbound/api/worker/outbound"));
        assert!(all.contains("N8N_WEBHOOK_URL=https://n8n.example.vn/webhook/crm/outbound"));
    }

    #[test]
    fn the_path_follows_n8n_s_prefix() {
        let path = |url: &str| webhook_path(&Url::parse(url).unwrap());
        assert_eq!(path("http://n8n/webhook/outbound").as_deref(), Some("outbound"));
        assert_eq!(path("http://n8n/n8n/webhook-test/a/b/").as_deref(), Some("a/b"));
        assert_eq!(path("http://n8n/hooks/outbound").as_deref(), Some("outbound"));
        assert_eq!(path("http://n8n/"), None);
        assert_eq!(path("http://n8n/webhook"), None);
    }

    #[test]
    fn what_is_no_plain_address_is_refused() {
        for wrong in [
            "",
            "n8n/webhook/x",
            "ftp://n8n/webhook/x",
            "https://u:p@n8n/webhook/x",
            "https://n8n/webhook/x?y=1",
        ] {
            assert_eq!(export(wrong, BASE_URL), Err(ExportError::NotAUrl("webhook-url")), "{wrong}");
            assert_eq!(export(WEBHOOK_URL, wrong), Err(ExportError::NotAUrl("base-url")), "{wrong}");
        }
        assert_eq!(export("https://n8n.example.vn", BASE_URL), Err(ExportError::NoPath));
    }
}
