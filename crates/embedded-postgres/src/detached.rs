//! A server that outlives the process that starts it.
use crate::address::Address;
use crate::config::Config;
use crate::error::StartError;
use crate::launch::Launch;

/// Starts a server that ends with the process `follow`, whatever becomes of this one.
///
/// For test runners that run each test in a process of its own: the first one starts the server for all.
pub async fn start_detached(config: Config, follow: u32) -> Result<Address, StartError> {
    let launch = Launch::prepare(config)?;
    launch.run(Some(follow)).await?;
    Ok(launch.address())
}
