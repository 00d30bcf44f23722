//! Forms can be sent from our own pages alone.
//!
//! Each form carries a code that is made from a secret cookie of the same visitor: the session's token, or before the
//! sign-in a random seed. Another site can make a browser send the cookie, but can't know the code. As it depends on
//! nothing else, a page that is open while the server restarts goes on to work.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What the code is for, so that no other use of the same secret makes the same.
const PURPOSE: &[u8] = b"outbound: a form of our own";

fn mac(secret: &str) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(PURPOSE);
    Some(mac)
}

/// The code for forms of the holder of this secret.
pub(crate) fn code(secret: &str) -> String {
    let bytes = mac(secret).map(|mac| mac.finalize().into_bytes().to_vec()).unwrap_or_default();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether the code is the one for this secret; takes the same time whatever they have in common.
pub(crate) fn fits(secret: &str, given: &str) -> bool {
    let bytes: Option<Vec<u8>> = (given.len() == 64 && given.is_ascii())
        .then(|| (0..64).step_by(2).map(|at| u8::from_str_radix(given.get(at..at + 2)?, 16).ok()).collect())
        .flatten();
    match (mac(secret), bytes) {
        (Some(mac), Some(bytes)) => mac.verify_slice(&bytes).is_ok(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_fits_the_secret_that_it_was_made_of_and_no_other() {
        let code = code("secret");
        assert_eq!(code.len(), 64);
        assert!(fits("secret", &code));
        for (secret, given) in [
            ("other", code.as_str()),
            ("secret", ""),
            ("secret", &"0".repeat(64)),
            ("secret", &"é".repeat(32)),
        ] {
            assert!(!fits(secret, given));
        }
    }
}
