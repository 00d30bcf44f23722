//! `outbound token`.

use anyhow::{Context as _, bail};
use chrono::TimeDelta;
use clap::Args;
use domain::access::Role;
use domain::ids::{BranchId, OwnerId};
use domain::policy::retry::parse_duration;
use domain::ports::Clock as _;

use super::say;
use crate::clock::SystemClock;
use crate::data_dir::DataDir;
use crate::secrets;
use crate::settings::{Layers, variables as v};
use crate::token::{Holder, issue};

/// Shown below the help.
pub(super) const EXAMPLES: &str = "\
Examples:
  outbound token --role admin --sub boss
  TOKEN=$(outbound token --role telesales --sub u123 --branch hcm --ttl 30m)
  curl -H \"authorization: Bearer $TOKEN\" http://127.0.0.1:8080/api/outbound/stats";

#[derive(Debug, Args)]
pub(super) struct Options {
    /// admin, manager, telesales, direct_page or viewer
    #[arg(long, value_parser = str::parse::<Role>)]
    role: Role,
    /// The user's id, which is the ownerId of what is theirs
    #[arg(long, value_name = "ID")]
    sub: OwnerId,
    /// The user's branch
    #[arg(long, value_name = "ID")]
    branch: Option<BranchId>,
    /// The user's name
    #[arg(long)]
    name: Option<String>,
    /// How long it is good for, such as 30m, 8h or 7d
    #[arg(long, value_name = "TIME", default_value = "8h", value_parser = lifetime)]
    ttl: TimeDelta,
}

fn lifetime(text: &str) -> Result<TimeDelta, String> {
    match parse_duration(text) {
        Ok(time) if time > TimeDelta::zero() => Ok(time),
        Ok(_) => Err("must be longer than 0s".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

pub(super) fn run(options: &Options, layers: Layers, data_dir: &DataDir) -> anyhow::Result<()> {
    let layers = secrets::kept(layers, data_dir)?;
    let Some((secret, _)) = layers.find(v::JWT_SECRET.name) else {
        bail!(
            "there is no JWT_SECRET in the environment, and no server has generated one in {}: start `outbound serve` \
             first, or name its folder by --data-dir",
            data_dir.path().display()
        );
    };
    // The first of two signs.
    let secret = secret.split(',').next().unwrap_or_default().trim();
    let holder = Holder {
        subject: options.sub.to_string(),
        role: options.role,
        branch: options.branch.as_ref().map(BranchId::to_string),
        name: options.name.clone(),
    };
    let token = issue(secret, &holder, SystemClock.now(), options.ttl).context("cannot sign the token")?;
    say(&token);
    Ok(())
}
