//! The generated client's revocations, kept to be copied. Of what it costs to
//! make one, most is reading its URL, of which only the user's id is new.

use std::sync::OnceLock;

use reqwest::Request;

use crate::{Error, UserId, hooks::Operation, id::OrgUrl};

/// One for each way to set the two options, made when first asked for.
#[derive(Default)]
pub(crate) struct Templates([[OnceLock<Template>; 3]; 3]);

impl Templates {
    /// The request that [`Operation::request`] makes.
    pub(crate) async fn request(
        &self,
        operation: &Operation,
        org: &OrgUrl,
        http: &reqwest::Client,
    ) -> Result<Request, Error> {
        let Operation::RevokeUserSessions {
            user,
            oauth_tokens,
            forget_devices,
        } = operation
        else {
            return Box::pin(operation.request(org, http)).await;
        };
        let kept = choose(choose(&self.0, *oauth_tokens), *forget_devices);
        if let Some(request) = kept.get().and_then(|template| template.request(user)) {
            return Ok(request);
        }
        let stand_in = Operation::RevokeUserSessions {
            user: UserId::new(STAND_IN)?,
            oauth_tokens: *oauth_tokens,
            forget_devices: *forget_devices,
        };
        // Boxed, or every call's future would have room for it.
        let request = Box::pin(stand_in.request(org, http)).await?;
        if let Some(template) = Template::new(request) {
            // Where another call was first, its template is the same.
            let _ = kept.set(template);
        }
        Box::pin(operation.request(org, http)).await
    }
}

/// The user in the request that a template is made of.
const STAND_IN: &str = "STAND-IN";

struct Template {
    /// Its path ends before the id.
    request: Request,
    /// The segments of the path behind the id.
    after_id: String,
}

impl Template {
    fn new(mut request: Request) -> Option<Self> {
        let (before, after) = request.url().path().split_once(STAND_IN)?;
        let (before_id, after_id) = (before.to_owned(), after.trim_start_matches('/').to_owned());
        request.url_mut().set_path(before_id.trim_end_matches('/'));
        Some(Self { request, after_id })
    }

    fn request(&self, user: &UserId) -> Option<Request> {
        let mut request = self.request.try_clone()?;
        let mut path = request.url_mut().path_segments_mut().ok()?;
        path.push(user.as_str()).extend(self.after_id.split('/'));
        drop(path);
        Some(request)
    }
}

fn choose<T>([unset, no, yes]: &[T; 3], option: Option<bool>) -> &T {
    match option {
        None => unset,
        Some(false) => no,
        Some(true) => yes,
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_copy_is_the_generated_client_s_request(
            ids in prop::collection::vec("[^/\\\\]{1,20}|[!-.0-~]{1,40}", 1..4),
            oauth_tokens: Option<bool>,
            forget_devices: Option<bool>,
        ) {
            let org = OrgUrl::new("https://acme.okta.com:8443", false).unwrap();
            let http = reqwest::Client::new();
            let templates = Templates::default();
            for user in ids.into_iter().filter_map(|id| UserId::new(id).ok()).chain([UserId::me()]) {
                let operation = Operation::RevokeUserSessions { user, oauth_tokens, forget_devices };
                let generated = operation.request(&org, &http).now_or_never().unwrap().unwrap();
                // The second is a copy.
                for _ in 0..2 {
                    let copy = templates.request(&operation, &org, &http).now_or_never().unwrap();
                    let copy = copy.unwrap();
                    prop_assert_eq!(copy.method(), generated.method());
                    prop_assert_eq!(copy.url().as_str(), generated.url().as_str());
                    prop_assert_eq!(copy.headers(), generated.headers());
                    prop_assert!(copy.body().is_none() && generated.body().is_none());
                }
            }
            let kept = choose(choose(&templates.0, oauth_tokens), forget_devices);
            prop_assert!(kept.get().is_some());
        }
    }
}
