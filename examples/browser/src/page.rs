//! What happens when the button is pressed.

use std::{cell::Cell, time::Duration};

use okta_user_sessions::{
    Effect, Error, ErrorKind, RetryPolicy, SessionClient, SessionCredentials, WaitEvent, error_code,
};
use wasm_bindgen::{JsCast, prelude::*};
use web_sys::{Document, HtmlElement, HtmlInputElement};

thread_local! {
    /// The button stays enabled while a call is in progress, or it would lose the
    /// focus; pressing it again does nothing.
    static BUSY: Cell<bool> = const { Cell::new(false) };
}

#[wasm_bindgen(start)]
fn start() {
    let pressed = Closure::<dyn Fn()>::new(|| {
        if !BUSY.replace(true) {
            wasm_bindgen_futures::spawn_local(sign_out());
        }
    });
    element("sign-out").set_onclick(Some(pressed.as_ref().unchecked_ref()));
    pressed.forget(); // It lives as long as the page.
    // Disabled in the file: before this, pressing it would do nothing.
    let _ = element("sign-out").remove_attribute("disabled");
    show("ready", "", "", "");
}

async fn sign_out() {
    let here_too = element("here-too")
        .unchecked_into::<HtmlInputElement>()
        .checked();
    show("busy", "Signing out…", "", "");
    match end_sessions(!here_too).await {
        Ok(()) if here_too => show("done", "You are signed out everywhere, here too.", "", ""),
        Ok(()) => show(
            "done",
            "You are signed out everywhere else. You stay signed in here.",
            "",
            "",
        ),
        Err(error) => show("failed", "", &for_a_person(&error), &error.to_string()),
    }
    BUSY.set(false);
}

async fn end_sessions(keep_current: bool) -> Result<(), Error> {
    let org = element("page").dataset().get("org").unwrap_or_default();
    let me = SessionClient::builder(&org)
        .credentials(SessionCredentials::browser())
        .allow_loopback_http(true) // For the mock org; others stay https only.
        .retry(RetryPolicy::default().with_attempt_timeout(Duration::from_secs(10)))
        .on_wait(tell_wait)
        .build()?;
    me.end_user_sessions().keep_current(keep_current).await?;
    Ok(())
}

fn tell_wait(event: &WaitEvent) {
    let seconds = event.wait.as_secs();
    if seconds > 1 {
        show(
            "busy",
            &format!("Trying again in {seconds} seconds…"),
            "",
            "",
        );
    }
}

/// What happened, what it means for the user, and what to do.
fn for_a_person(error: &Error) -> String {
    const SESSION_ENDED: &str = "Your session here has ended. Sign in again, then try once more.";
    let what = match error.kind() {
        ErrorKind::Unauthorized => SESSION_ENDED,
        ErrorKind::Forbidden if error.error_code() == Some(error_code::INVALID_SESSION) => {
            SESSION_ENDED
        }
        ErrorKind::Unreadable => {
            "Your organization could not be reached from this page. Check that you are online. If you are, your administrator has to allow this page (Trusted Origins)."
        }
        ErrorKind::RateLimited => {
            "Too many people are doing this right now. Wait a minute, then try again."
        }
        ErrorKind::TimedOut => "Your organization did not respond in time. Try again.",
        ErrorKind::ReadOnly => "Your organization is under maintenance. Try again later.",
        _ => "This did not work. Try again. If it fails again, tell your administrator.",
    };
    let effect = match error.effect() {
        Effect::None => "Nothing was signed out.",
        _ => "Other devices may or may not be signed out; trying again does no harm.",
    };
    format!("{what} {effect}")
}

/// Each text goes where a screen reader announces it: progress and success as a
/// status, a problem as an alert.
fn show(state: &str, status: &str, problem: &str, details: &str) {
    let set = |id, text| element(id).set_text_content(Some(text));
    set("status", status);
    set("problem", problem);
    set("details-text", details);
    element("details").set_hidden(details.is_empty());
    let busy = if state == "busy" { "true" } else { "false" };
    // Of DOM elements of our own, so they cannot fail.
    let _ = element("sign-out").set_attribute("aria-disabled", busy);
    let _ = element("page").dataset().set("state", state);
}

/// An element of our own page.
fn element(id: &str) -> HtmlElement {
    let document: Document = web_sys::window()
        .and_then(|window| window.document())
        .expect_throw("this runs in a page");
    document
        .get_element_by_id(id)
        .expect_throw(id)
        .unchecked_into()
}
