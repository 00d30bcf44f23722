//! The secrets of a server with a private PostgreSQL: generated where they are not set, and kept with the data. A
//! server with a database of its owner's never makes any up.

use crate::data_dir::{DataDir, new_secret};
use crate::settings::{Layers, Origin, Values, variables as v};

/// Adds the secrets that are kept, for a server with a private PostgreSQL.
pub fn kept(layers: Layers, data_dir: &DataDir) -> anyhow::Result<Layers> {
    if is_own(&layers) {
        return Ok(layers);
    }
    let kept = data_dir.secrets()?;
    let wanted = wanted(&layers);
    let kept = kept.into_iter().filter(|(name, _)| wanted.contains(&name.as_str())).collect();
    Ok(layers.below(Origin::Generated, kept))
}

/// The same, and makes up those that are missing. They are only kept once [`DataDir::keep_secrets`] has been told.
pub fn complete(layers: Layers, data_dir: &DataDir) -> anyhow::Result<(Layers, Values)> {
    let layers = kept(layers, data_dir)?;
    if is_own(&layers) {
        return Ok((layers, Values::new()));
    }
    let missing = wanted(&layers).into_iter().filter(|name| !layers.has(name));
    let new: Values = missing.map(|name| (name.to_owned(), new_secret())).collect();
    Ok((layers.below(Origin::Generated, new.clone()), new))
}

/// Whether the database is its owner's own.
fn is_own(layers: &Layers) -> bool {
    layers.has(v::DATABASE_URL.name)
}

fn wanted(layers: &Layers) -> Vec<&'static str> {
    let mut wanted = vec![v::WORKER_SECRET.name, v::N8N_CALLBACK_SECRET.name, v::SERVICE_TOKEN.name];
    // Keys of somebody else's check the tokens; a second way in would be a surprise.
    if !layers.has(v::JWT_JWKS_URL.name) {
        wanted.push(v::JWT_SECRET.name);
    }
    wanted
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn layers(pairs: &[(&str, &str)]) -> Layers {
        Layers::environment(
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        )
    }

    #[test]
    fn only_a_private_database_comes_with_secrets_and_only_with_those_that_are_missing() {
        let nowhere = DataDir::new(Path::new("/nonexistent/outbound")).unwrap();
        let names = |pairs: &[(&str, &str)]| {
            let (layers, new) = complete(layers(pairs), &nowhere).unwrap();
            assert!(new.keys().all(|name| layers.find(name).unwrap().1 == Origin::Generated));
            new.into_keys().collect::<Vec<_>>()
        };
        assert_eq!(names(&[]), ["JWT_SECRET", "N8N_CALLBACK_SECRET", "SERVICE_TOKEN", "WORKER_SECRET"]);
        assert_eq!(
            names(&[("JWT_JWKS_URL", "https://x/keys"), ("WORKER_SECRET", "mine")]),
            ["N8N_CALLBACK_SECRET", "SERVICE_TOKEN"]
        );
        assert!(names(&[("DATABASE_URL", "postgresql://db/x")]).is_empty());
    }
}
