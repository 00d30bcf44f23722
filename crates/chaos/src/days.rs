//! Moves the servers through open and quiet hours: an open time runs its two minutes, of the quiet time a few seconds
//! are kept and the rest is jumped over.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::ShiftedClock;
use crate::database::Database;
use crate::hours;
use crate::journal::Journal;
use crate::moment::micros;

/// How long before the next opening a jump ends.
const BEFORE_OPENING: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(250);

/// Lives through the days until `stop`, each with so much of its quiet time.
pub async fn live(
    clock: Arc<ShiftedClock>,
    database: Arc<Database>,
    journal: Arc<Journal>,
    quiet: Duration,
    stop: CancellationToken,
) {
    while stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
        let due = || hours::closed_for(clock.server_now()).is_some_and(|closed| closed >= micros(quiet));
        // A jump over the end of a lease would be a death that nobody died. It may be day by the time that the database
        // has answered, and from there the next opening is a day away.
        if due()
            && nothing_leased(&database).await
            && due()
            && clock.jump_to_opening(BEFORE_OPENING).is_ok_and(|by| by > 0)
        {
            journal.count("mornings");
        }
    }
}

async fn nothing_leased(database: &Database) -> bool {
    let Ok(client) = database.connect().await else { return false };
    let leased =
        client.query_one("select count(*) from outbound_delivery where status = 'LEASED'", &[]).await;
    leased.is_ok_and(|row| row.get::<_, i64>(0) == 0)
}
