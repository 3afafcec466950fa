//! Passwords: argon2id with the parameters OWASP recommends (19 MiB, two passes), off the threads
//! that serve requests and never more than two at once, because each takes memory and a core.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{Error, PasswordHasher, PasswordVerifier};
use stoa_domain::catalog::FieldError;
use tokio::sync::Semaphore;

use super::StaffError;

/// Fewest characters of a password.
pub const PASSWORD_CHARS: usize = 12;
/// Most bytes of a password; more only costs time to hash.
const PASSWORD_BYTES: usize = 1_024;
/// Fewest different characters of a password.
const DIFFERENT_CHARS: usize = 5;

static AT_ONCE: Semaphore = Semaphore::const_new(2);

/// What a password is checked against where there is no user, so that the answer takes as long as
/// where there is one. No password has this hash: the output is all zeros.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c3RvYSBub2JvZHkgISE\
                      $AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Checks a new password against the policy.
pub(super) fn check(password: &str, email: &str, errors: &mut Vec<FieldError>) {
    let mut different: Vec<char> = password.chars().collect();
    different.sort_unstable();
    different.dedup();
    let fault = if password.chars().count() < PASSWORD_CHARS {
        "at least 12 characters; a few unrelated words make a good password"
    } else if password.len() > PASSWORD_BYTES {
        "at most 1,024 bytes"
    } else if different.len() < DIFFERENT_CHARS {
        "at least five different characters"
    } else if password.trim().eq_ignore_ascii_case(email.trim()) {
        "must not be the e-mail address"
    } else {
        return;
    };
    errors.push(FieldError::new("/password", fault));
}

async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, StaffError> {
    let failed = |error: &dyn std::fmt::Display| StaffError::Hashing(error.to_string());
    let _permit = AT_ONCE.acquire().await.map_err(|error| failed(&error))?;
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(failed(&error)),
        Err(error) => Err(failed(&error)),
    }
}

/// Hashes a password with a salt of its own.
pub(super) async fn hash(password: String) -> Result<String, StaffError> {
    off_thread(move || {
        let hash: PasswordHash = Argon2::default().hash_password(password.as_bytes())?;
        Ok(hash.to_string())
    })
    .await
}

/// Whether the password has this hash. Without a hash the answer is no, and takes as long.
pub(super) async fn verify(password: String, hash: Option<String>) -> Result<bool, StaffError> {
    off_thread(move || {
        // Longer ones are never set, and are not worth hashing.
        let password = if password.len() > PASSWORD_BYTES { "" } else { &password };
        let parsed = PasswordHash::new(hash.as_deref().unwrap_or(NOBODY))?;
        match Argon2::default().verify_password(password.as_bytes(), &parsed) {
            Ok(()) => Ok(hash.is_some()),
            Err(Error::PasswordInvalid) => Ok(false),
            Err(error) => Err(error),
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(password: &str) -> Vec<FieldError> {
        let mut errors = Vec::new();
        check(password, "owner@example.com", &mut errors);
        errors
    }

    #[test]
    fn the_policy_asks_for_length_and_variety() {
        assert!(faults("correct horse battery").is_empty());
        assert!(faults("grüße aus köln").is_empty());
        for bad in ["", "short", "aaaaaaaaaaaaaaaa", "Owner@Example.com", &"long ".repeat(300)] {
            assert_eq!(faults(bad).len(), 1, "{bad}");
        }
    }

    #[tokio::test]
    async fn only_the_right_password_verifies_and_nobody_never_does() {
        let stored = hash("correct horse battery".into()).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(NOBODY.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        let matches =
            |password: &str, hash: Option<&String>| verify(password.to_owned(), hash.cloned());
        assert!(matches("correct horse battery", Some(&stored)).await.unwrap());
        assert!(!matches("correct horse batterY", Some(&stored)).await.unwrap());
        assert!(!matches("", None).await.unwrap());
        assert!(matches("x", Some(&"not a hash".to_owned())).await.is_err());
        assert_ne!(stored, hash("correct horse battery".into()).await.unwrap());
    }
}
