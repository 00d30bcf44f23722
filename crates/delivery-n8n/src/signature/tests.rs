use super::*;
use proptest::prelude::*;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const AT: i64 = 1_614_265_330;
const BODY: &[u8] = br#"{"test": 2432232314}"#;
const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

fn signer(secrets: &[&str]) -> Signer {
    Signer::new(secrets.iter().map(|secret| Secret::parse(secret).unwrap()).collect())
}

fn check(signer: &Signer, timestamp: &str, signature: &str, now: i64) -> Result<(), SignatureError> {
    let now = DateTime::from_timestamp(now, 0).unwrap();
    signer.verify(&WebhookHeaders { id: ID, timestamp, signature }, BODY, now)
}

/// What others publish: secret, id, time, body, signature.
const PUBLISHED: [(&str, &str, i64, &str, &str); 3] = [
    // standard-webhooks/standard-webhooks, the tests of its libraries for C#, Go, Java, JavaScript, PHP, Python, Ruby.
    (SECRET, ID, AT, r#"{"test": 2432232314}"#, SIGNATURE),
    // The same, the test of its library for Rust.
    (
        "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
        "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
        1_649_367_553,
        r#"{"email":"test@example.com","username":"test_user"}"#,
        "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
    ),
    // https://docs.svix.com/receiving/verifying-payloads/how-manual
    (
        "whsec_plJ3nmyCDGBKInavdOK15jsl",
        "msg_loFOjxBNrRLzqYUf",
        1_731_705_121,
        r#"{"event_type":"ping","data":{"success":true}}"#,
        "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
    ),
];
/// Signatures of the libraries' tests that fit nothing, beside one that is too short and one without its text.
const OTHERS: [&str; 6] = [
    "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=",
    "v2,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=",
    "v1,R3PTzyfHASBKHH98a7yexTwaJ4yNIcGhFQc1yuN+BPU=",
    "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OA=",
    "v1,g0hM9",
    "v1,",
];

#[test]
fn signs_and_verifies_as_the_published_vectors_do() {
    for (secret, id, at, body, signature) in PUBLISHED {
        let signer = signer(&[secret]);
        assert_eq!(signer.sign(id, at, body.as_bytes()).as_deref(), Some(signature), "{id}");
        let timestamp = at.to_string();
        let now = DateTime::from_timestamp(at, 0).unwrap();
        let verify = |signature: &str| {
            signer.verify(&WebhookHeaders { id, timestamp: &timestamp, signature }, body.as_bytes(), now)
        };
        assert_eq!(verify(signature), Ok(()), "{id}");
        for other in OTHERS {
            assert_eq!(verify(other), Err(SignatureError::Mismatch), "{id}: {other}");
        }
        assert_eq!(verify(&OTHERS.join(" ")), Err(SignatureError::Mismatch), "{id}");
        assert_eq!(verify(&format!("{} {signature} {}", OTHERS[0], OTHERS[1])), Ok(()), "{id}");
    }
}

#[test]
fn the_reference_library_takes_what_is_signed_with_the_same_secret() {
    let theirs = standardwebhooks::Webhook::new(SECRET).unwrap();
    assert_eq!(theirs.sign(ID, AT, BODY).unwrap(), SIGNATURE);
    let plain = standardwebhooks::Webhook::from_bytes(b"a plain secret".to_vec()).unwrap();
    assert_eq!(signer(&["a plain secret"]).sign(ID, AT, BODY), plain.sign(ID, AT, BODY).ok());
}

#[test]
fn every_secret_signs_and_any_verifies() {
    let both = signer(&["the new one", SECRET]);
    let signature = both.sign(ID, AT, BODY).unwrap();
    let new = signer(&["the new one"]);
    assert_eq!(signature, format!("{} {SIGNATURE}", new.sign(ID, AT, BODY).unwrap()));
    // Whichever of the two sides knows only one of the secrets yet, or still.
    for one in [new, signer(&[SECRET])] {
        assert_eq!(check(&one, &AT.to_string(), &signature, AT), Ok(()));
    }
    assert_eq!(check(&both, &AT.to_string(), SIGNATURE, AT), Ok(()));
}

#[test]
fn one_right_signature_among_several_is_enough() {
    let header = format!("v1a,AAAA v1,not*base64 v1,AAAA nonsense {SIGNATURE}");
    assert_eq!(check(&signer(&[SECRET]), &AT.to_string(), &header, AT), Ok(()));
}

#[test]
fn a_signature_counts_for_five_minutes_either_way() {
    let signer = signer(&[SECRET]);
    let at = AT.to_string();
    assert_eq!(check(&signer, &at, SIGNATURE, AT + 300), Ok(()));
    assert_eq!(check(&signer, &at, SIGNATURE, AT - 300), Ok(()));
    assert_eq!(check(&signer, &at, SIGNATURE, AT + 301), Err(SignatureError::TooOld));
    assert_eq!(check(&signer, &at, SIGNATURE, AT - 301), Err(SignatureError::InFuture));
}

#[test]
fn a_wrong_secret_body_time_or_version_does_not_fit() {
    let at = AT.to_string();
    assert_eq!(check(&signer(&["another"]), &at, SIGNATURE, AT), Err(SignatureError::Mismatch));
    let ours = signer(&[SECRET]);
    assert_eq!(check(&ours, &(AT + 1).to_string(), SIGNATURE, AT), Err(SignatureError::Mismatch));
    assert_eq!(check(&ours, &at, &SIGNATURE.replace("v1,", "v2,"), AT), Err(SignatureError::Mismatch));
    assert_eq!(check(&ours, &at, "", AT), Err(SignatureError::Mismatch));
    let headers = WebhookHeaders { id: ID, timestamp: &at, signature: SIGNATURE };
    let now = DateTime::from_timestamp(AT, 0).unwrap();
    assert_eq!(ours.verify(&headers, b"{}", now), Err(SignatureError::Mismatch));
}

#[test]
fn a_time_that_is_no_number_is_refused() {
    for timestamp in ["", "now", "1e9", "99999999999999999999"] {
        assert_eq!(check(&signer(&[SECRET]), timestamp, SIGNATURE, AT), Err(SignatureError::Timestamp));
    }
    assert_eq!(check(&signer(&[SECRET]), &i64::MIN.to_string(), SIGNATURE, AT), Err(SignatureError::TooOld));
}

#[test]
fn without_a_secret_nothing_is_signed_or_believed() {
    let none = Signer::default();
    assert_eq!(none.sign(ID, AT, BODY), None);
    assert_eq!(check(&none, &AT.to_string(), SIGNATURE, AT), Err(SignatureError::NoSecret));
}

#[test]
fn an_empty_or_badly_encoded_secret_is_refused_and_none_is_printed() {
    assert_eq!(Secret::parse("").err(), Some(SecretError::Empty));
    assert_eq!(Secret::parse("whsec_").err(), Some(SecretError::Empty));
    assert_eq!(Secret::parse("whsec_!").err(), Some(SecretError::NotBase64));
    assert_eq!(format!("{:?}", signer(&["hush"])), "Signer { secrets: [Secret(..)] }");
}

proptest! {
    #[test]
    fn what_is_signed_verifies_and_what_is_changed_does_not(body: Vec<u8>, flip: prop::sample::Index) {
        let signer = signer(&[SECRET]);
        let (signature, at) = (signer.sign(ID, AT, &body).unwrap(), AT.to_string());
        let headers = WebhookHeaders { id: ID, timestamp: &at, signature: &signature };
        let now = DateTime::from_timestamp(AT, 0).unwrap();
        prop_assert_eq!(signer.verify(&headers, &body, now), Ok(()));
        let mut changed = body.clone();
        changed.push(0);
        let place = flip.index(changed.len());
        changed[place] ^= 1;
        prop_assert_eq!(signer.verify(&headers, &changed, now), Err(SignatureError::Mismatch));
    }
}
