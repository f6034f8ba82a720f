//! `login`.

use std::io::{self, BufRead, IsTerminal, Read};

use rbox_images::{Client, Credential};

use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::stop::{Outcome, Stop};
use crate::engine::credentials::{self, Stored};
use crate::engine::failure::{Context, Failure};
use crate::engine::{registry, terminal};
use crate::output::error;

/// `login`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] [SERVER]",
    about: "Authenticate to a registry",
    arity: Arity::AtMost(1),
    interspersed: true,
    run,
    examples: "\
rbox login registry.example.com
rbox login -u ci --password-stdin registry.example.com < token
",
    ..Spec::of::<Login>()
};

/// The longest password that is read, bytes.
const LONGEST: u64 = 64 * 1024;

#[derive(clap::Parser)]
struct Login {
    /// Password
    #[arg(short, long, value_name = "string")]
    password: Option<String>,
    /// Take the password from stdin
    #[arg(long)]
    password_stdin: bool,
    /// Username
    #[arg(short, long, value_name = "string")]
    username: Option<String>,
    #[arg(hide = true)]
    server: Option<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Login = call.parse()?;
    let server = credentials::hostname(line.server.as_deref().unwrap_or_default()).to_owned();
    let client = registry::client(&call.insecure_registries, error::warn)?;
    let given = given(&line)?;
    let nothing_given = given.is_none() && line.username.is_none();
    if nothing_given && by_what_is_known(&client, &server)? {
        return Ok(0);
    }
    let (username, secret) = match (line.username, given) {
        (Some(username), Some(secret)) => (username, secret),
        (username, secret) => typed(username, secret)?,
    };
    let mut credential = Credential::Password {
        username: username.clone(),
        secret,
    };
    let login = client
        .check(&server, &credential)
        .map_err(|error| registry::failure(&error))?;
    if let Some(token) = login.identity_token {
        credential = Credential::IdentityToken(token);
    }
    let stored = credentials::store(&server, &username, &credential)?;
    if let (Stored::Plain(path), Credential::Password { .. }) = (stored, &credential) {
        error::print_plain(&format!(
            "\nWARNING! Your credentials are stored unencrypted in '{path}'.\n\
             Configure a credential helper to remove this warning. See\n\
             https://docs.docker.com/go/credential-store/\n"
        ));
    }
    say("Login Succeeded\n");
    Ok(0)
}

/// Tries what is kept from an earlier login; false where there is nothing, or it is good no more.
fn by_what_is_known(client: &Client, server: &str) -> Result<bool, Failure> {
    let Some(known) = credentials::find(server)? else {
        return Ok(false);
    };
    let whose = match &known {
        Credential::Password { username, .. } => format!(" [Username: {username}]"),
        Credential::IdentityToken(_) => String::new(),
    };
    say(&format!(
        "Authenticating with existing credentials...{whose}\n"
    ));
    match client.check(server, &known) {
        Ok(_) => {
            say("\nLogin Succeeded\n");
            Ok(true)
        }
        Err(error) => {
            error::print_plain(&format!(
                "Login did not succeed, error: {}",
                registry::failure(&error).message
            ));
            Ok(false)
        }
    }
}

/// The password of the flags.
fn given(line: &Login) -> Result<Option<String>, Stop> {
    if line.password.is_some() {
        error::print_plain(
            "WARNING! Using --password via the CLI is insecure. Use --password-stdin.",
        );
        if line.password_stdin {
            return Err(Stop::failed(
                "--password and --password-stdin are mutually exclusive",
            ));
        }
    }
    if !line.password_stdin {
        return Ok(line
            .password
            .clone()
            .filter(|password| !password.is_empty()));
    }
    if line.username.as_deref().is_none_or(str::is_empty) {
        return Err(Stop::failed(
            "Must provide --username with --password-stdin",
        ));
    }
    let mut text = String::new();
    io::stdin()
        .take(LONGEST)
        .read_to_string(&mut text)
        .context(|| "cannot read the password from stdin".to_owned())?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        return Err(Stop::failed("password is empty"));
    }
    Ok(Some(text.to_owned()))
}

/// Asks on the terminal for what is missing.
fn typed(username: Option<String>, secret: Option<String>) -> Result<(String, String), Failure> {
    if !io::stdin().is_terminal() {
        return Err(
            Failure::new("Cannot perform an interactive login from a non TTY device")
                .hint("give --username and, on stdin, the password: --password-stdin"),
        );
    }
    let username = match username.filter(|name| !name.is_empty()) {
        Some(username) => username,
        None => ask("Username: ", "Non-null Username Required")?,
    };
    let secret = match secret {
        Some(secret) => secret,
        None => {
            let silent = terminal::RawMode::without_echo()
                .context(|| "cannot hide what is typed".to_owned())?;
            let secret = ask("Password: ", "Password Required");
            drop(silent);
            say("\n");
            secret?
        }
    };
    Ok((username, secret))
}

fn ask(prompt: &str, required: &str) -> Result<String, Failure> {
    say(prompt);
    let mut line = String::new();
    io::stdin()
        .lock()
        .take(LONGEST)
        .read_line(&mut line)
        .context(|| "cannot read from the terminal".to_owned())?;
    match line.trim_end_matches(['\n', '\r']) {
        "" => Err(Failure::new(required)),
        text => Ok(text.to_owned()),
    }
}
