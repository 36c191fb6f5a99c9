//! What commands read and how they reach it, resolved: the options of registries with the password.

use super::args::{ReadingArgs, RegistryArgs};
use crate::pipeline::{Reading, RegistryCreds, RegistryOptions, check_creds};
use crate::source::Location;
use crate::{Error, ErrorKind, Result};
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// The variable with the password of `--creds`.
const PASSWORD: &str = "SLIM_REGISTRY_PASSWORD";
/// The password, once it was asked for.
static ASKED: Mutex<Option<String>> = Mutex::new(None);
/// The most bytes of a password on standard input.
const MAX_PASSWORD: u64 = 64 << 10;

impl ReadingArgs {
    /// Returns what the options mean for these images, as they are named on the command line.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Usage`] if `--creds` names a user and there is no password, or if it is for two registries.
    pub fn resolve(&self, images: &[&str]) -> Result<Reading> {
        let piped = || images.iter().any(|image| Location::parse(image).is_ok_and(|location| location.is_std()));
        if self.registry.password_stdin && piped() {
            let error = Error::new(ErrorKind::Usage, "standard input cannot be an image and a password");
            return Err(error.hint(format!("set {PASSWORD}, or save the image to a file first")));
        }
        // `--tls-verify false` leaves `false` to be an image.
        if let Some(word) =
            images.iter().find(|image| matches!(**image, "true" | "false") && !Path::new(image).exists())
        {
            let error = Error::new(ErrorKind::Usage, format!("there is no image `{word}`"));
            return Err(error.hint(format!("a value stands behind `=`: --tls-verify={word}")));
        }
        let reading = Reading { platform: self.platform.clone(), registry: self.registry.resolve()? };
        check_creds(images, &reading)?;
        Ok(reading)
    }
}

impl RegistryArgs {
    fn resolve(&self) -> Result<RegistryOptions> {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let offline = set("SLIM_OFFLINE").is_some_and(|value| !matches!(value.as_str(), "0" | "false" | "no"));
        if let Some(file) = &self.authfile {
            File::open(file).map_err(|e| Error::io("cannot open", e).archive(file.display()))?;
        }
        Ok(RegistryOptions {
            creds: self.creds.as_deref().map(|creds| self.creds(creds, set(PASSWORD))).transpose()?,
            authfile: self.authfile.clone(),
            tls_verify: self.tls_verify,
            ca_file: self.ca_file.clone(),
            retries: self.retry_times,
            jobs: self.jobs as usize,
            offline: self.offline || offline,
            upload_hosts: self.allow_upload_to.clone(),
        })
    }

    fn creds(&self, creds: &str, variable: Option<String>) -> Result<RegistryCreds> {
        let (user, given) = creds.split_once(':').map_or((creds, None), |(user, given)| (user, Some(given)));
        if given.is_some() && self.password_stdin {
            let error = Error::new(ErrorKind::Usage, "--creds has a password, and --password-stdin says that it comes");
            return Err(error.hint("--creds USER --password-stdin"));
        }
        // Standard input and people are asked once, whoever needs the answer.
        let mut asked = ASKED.lock().unwrap_or_else(PoisonError::into_inner);
        let password = match (given, variable) {
            (None, _) if asked.is_some() => asked.clone().unwrap_or_default(),
            (Some(given), _) if asked.is_some() => given.to_owned(),
            (Some(given), _) => {
                eprintln!(
                    "warning: a password on the command line is seen by all users: {PASSWORD} or --password-stdin hide it"
                );
                given.to_owned()
            }
            (None, _) if self.password_stdin => {
                let mut text = String::new();
                io::stdin()
                    .take(MAX_PASSWORD)
                    .read_to_string(&mut text)
                    .map_err(|e| Error::io("cannot read the password", e))?;
                text.trim_end_matches(['\r', '\n']).to_owned()
            }
            (None, Some(password)) => password,
            (None, None) if io::stderr().is_terminal() => rpassword::prompt_password(format!("Password of {user}: "))
                .map_err(|e| Error::io("cannot read the password", e))?,
            (None, None) => {
                let error = Error::new(ErrorKind::Usage, format!("there is no password for the user {user}"));
                return Err(error.hint(format!("set {PASSWORD}, or pipe it to --password-stdin")));
            }
        };
        if password.is_empty() {
            let error = Error::new(ErrorKind::Usage, format!("the password of {user} is empty"));
            return Err(error.hint("is the secret set that it comes from?"));
        }
        *asked = Some(password.clone());
        Ok(RegistryCreds { user: user.to_owned(), password })
    }
}
