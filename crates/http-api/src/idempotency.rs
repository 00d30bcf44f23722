//! `Idempotency-Key`: a request that comes twice is done once (contract §10).

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use chrono::TimeDelta;
use domain::ports::{Begin, Claim, Reserved, Stores};
use sha2::{Digest, Sha256};

use crate::answer::Answer;
use crate::api::Api;
use crate::error::ApiError;

/// The header.
const HEADER: &str = "idempotency-key";
/// The longest key, in characters.
const MAX_KEY: usize = 200;
/// How long a key is remembered.
const KEPT_HOURS: i64 = 72;

/// A parameter of handlers that change something: runs their work once for each key, route and actor.
///
/// Successful answers alone are kept. An error undoes the work and frees the key, so that the request can be put right
/// and sent again.
pub(crate) struct Once {
    key: Option<String>,
    route: String,
}

impl FromRequest for Once {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let route = format!("{} {}", request.method(), request.path());
        ready(key(request).map(|key| Self { key, route }))
    }
}

fn key(request: &HttpRequest) -> Result<Option<String>, ApiError> {
    let Some(given) = request.headers().get(HEADER) else { return Ok(None) };
    let sane = given
        .to_str()
        .ok()
        .filter(|key| !key.is_empty() && key.len() <= MAX_KEY && key.bytes().all(|b| b.is_ascii_graphic()));
    match sane {
        Some(key) => Ok(Some(key.to_owned())),
        None => Err(ApiError::field(
            "Idempotency-Key",
            format!("must have 1 to {MAX_KEY} visible ASCII characters"),
        )),
    }
}

impl Once {
    /// Whether there is a key.
    pub(crate) const fn has_key(&self) -> bool {
        self.key.is_some()
    }

    /// Does `work`: with a key in one transaction that also keeps the answer, without one on the plain stores.
    /// For work that is a single call that changes something.
    pub(crate) async fn run<F>(&self, api: &Api, actor: &str, raw: &[u8], work: F) -> Result<Answer, ApiError>
    where
        F: AsyncFnOnce(&dyn Stores) -> Result<Answer, ApiError>,
    {
        match self.claim(api, actor, raw) {
            None => work(api.stores()).await,
            Some(claim) => in_one_piece(api, Some(&claim), work).await,
        }
    }

    /// Does `work` in one transaction, with a key or without: for work of several calls that must not be done by
    /// halves.
    pub(crate) async fn run_whole<F>(
        &self,
        api: &Api,
        actor: &str,
        raw: &[u8],
        work: F,
    ) -> Result<Answer, ApiError>
    where
        F: AsyncFnOnce(&dyn Stores) -> Result<Answer, ApiError>,
    {
        in_one_piece(api, self.claim(api, actor, raw).as_ref(), work).await
    }

    /// Does `work` that can't be one transaction, as it talks to N8N or takes long; the key is taken before it. It goes
    /// on when the client hangs up, and its answer is kept all the same.
    pub(crate) async fn run_reserved<F>(
        &self,
        api: &Api,
        actor: &str,
        raw: &[u8],
        work: F,
    ) -> Result<Answer, ApiError>
    where
        F: Future<Output = Result<Answer, ApiError>> + Send + 'static,
    {
        let Some(claim) = self.claim(api, actor, raw) else { return api.background.run(work).await };
        match api.backend.reserve(&claim).await? {
            Reserved::Replay(stored) => return Answer::replay(&stored),
            Reserved::OtherBody => return Err(ApiError::IdempotencyOtherBody),
            Reserved::Running => return Err(ApiError::IdempotencyRunning),
            Reserved::Fresh => {}
        }
        let backend = api.backend.clone();
        let kept = async move {
            match work.await {
                Ok(answer) => {
                    backend.finish(&claim, answer.stored()?).await?;
                    Ok(answer)
                }
                Err(error) => {
                    backend.release(&claim).await?;
                    Err(error)
                }
            }
        };
        api.background.run(kept).await
    }

    fn claim(&self, api: &Api, actor: &str, raw: &[u8]) -> Option<Claim> {
        let key = self.key.clone()?;
        let now = api.clock.now();
        Some(Claim {
            key,
            route: self.route.clone(),
            actor: actor.to_owned(),
            fingerprint: Sha256::digest(raw).to_vec(),
            now,
            expires_at: now + TimeDelta::hours(KEPT_HOURS),
        })
    }
}

/// Does `work` in one transaction, under the claim where there is one.
pub(crate) async fn in_one_piece<F>(api: &Api, claim: Option<&Claim>, work: F) -> Result<Answer, ApiError>
where
    F: AsyncFnOnce(&dyn Stores) -> Result<Answer, ApiError>,
{
    let unit = match api.backend.begin(claim).await? {
        Begin::Fresh(unit) => unit,
        Begin::Replay(stored) => return Answer::replay(&stored),
        Begin::OtherBody => return Err(ApiError::IdempotencyOtherBody),
        Begin::Running => return Err(ApiError::IdempotencyRunning),
    };
    // An error drops the unit of work: nothing of it is done, and the key is free.
    let answer = work(unit.stores()).await?;
    unit.commit(answer.stored()?).await?;
    Ok(answer)
}
