//! The tags of a repository, page by page.

use ureq::http::Method;

use super::client::{Call, Client, Target, scope};
use super::exchange::Payload;
use super::{RegistryError, denial};
use crate::reference::Reference;

/// The most that is read of one page, bytes.
const LARGEST: u64 = 4 * 1024 * 1024;
const MOST_PAGES: usize = 1000;
const MOST_TAGS: usize = 100_000;

#[derive(serde::Deserialize)]
struct Page {
    #[serde(default)]
    tags: Option<Vec<String>>,
}

impl Client {
    /// All tags of the name's repository, in the registry's order.
    ///
    /// # Errors
    /// When there is no such repository, or it has more tags than can be meant.
    pub fn tags(&self, reference: &Reference) -> Result<Vec<String>, RegistryError> {
        let mut target = Target::Path(format!("{}/tags/list", reference.path()));
        let mut tags = Vec::new();
        for _ in 0..MOST_PAGES {
            let call = Call {
                method: Method::GET,
                target,
                scopes: vec![scope(reference.path(), "pull")],
                headers: Vec::new(),
                payload: Payload::None,
            };
            let answer = self
                .call(reference.domain(), call)
                .map_err(|error| denial::without_token(reference, error))?;
            if !answer.status.is_success() {
                return Err(denial::reading(reference, answer));
            }
            let next = answer
                .header("Link")
                .and_then(next)
                .and_then(|link| answer.url.join(link));
            let shown = answer.url.shown();
            let bytes = answer.bytes("the list of tags", LARGEST)?;
            let page: Page =
                serde_json::from_slice(&bytes).map_err(|error| RegistryError::Protocol {
                    url: shown,
                    problem: format!("is no list of tags: {error}"),
                })?;
            tags.extend(page.tags.unwrap_or_default());
            match next {
                Some(next) if tags.len() <= MOST_TAGS => target = Target::Url(next),
                Some(_) => break,
                None => return Ok(tags),
            }
        }
        Err(RegistryError::TooLarge {
            what: format!("the list of tags of {}", reference.repository_familiar()),
            limit: MOST_TAGS as u64,
        })
    }
}

/// `</v2/a/tags/list?last=x&n=100>; rel="next"` (RFC 8288).
fn next(link: &str) -> Option<&str> {
    let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
    let parameters = parameters.to_ascii_lowercase();
    (parameters.contains("rel=\"next\"") || parameters.contains("rel=next")).then_some(target)
}

#[cfg(test)]
mod tests {
    use super::next;

    #[test]
    fn only_the_next_page_is_a_next_page() {
        assert_eq!(next("</v2/a?n=1>; rel=\"next\""), Some("/v2/a?n=1"));
        assert_eq!(next("</v2/a>; rel=\"prev\""), None);
        assert_eq!(next("/v2/a; rel=next"), None);
    }
}
