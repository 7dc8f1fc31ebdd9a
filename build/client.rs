//! Runs progenitor, and names the operation that it cannot generate.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use serde_json::{Value, json};

use super::contract::Operation;

/// Progenitor's client for the specification.
pub(crate) fn generate(
    specification: &Value,
    operations: &[Operation],
) -> Result<syn::File, String> {
    attempt(specification).map_err(|what| {
        let culprit = operations.iter().find_map(|operation| {
            let refused = attempt(&alone(specification, operation)).err()?;
            Some((operation.id, refused))
        });
        let (id, what) = culprit.unwrap_or(("the operations together", what));
        format!(
            "{id}: progenitor cannot generate this: {what}. Correct openapi/overlay.yaml, and refuse it in openapi/contract.rs, so that the next message says more"
        )
    })
}

/// Progenitor returns an error for some of what it cannot generate, and panics for the
/// rest.
fn attempt(specification: &Value) -> Result<syn::File, String> {
    let specification: openapiv3::OpenAPI =
        serde_json::from_value(specification.clone()).map_err(|e| e.to_string())?;
    // Positional arguments and merged tags are the defaults.
    let mut generator = progenitor::Generator::default();
    let tokens = catch_unwind(AssertUnwindSafe(|| {
        generator.generate_tokens(&specification)
    }))
    .map_err(|panic| words(&*panic))?
    .map_err(|e| e.to_string())?;
    syn::parse2(tokens).map_err(|e| e.to_string())
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("it panicked").to_owned()
}

/// The specification with one of its operations.
fn alone(specification: &Value, operation: &Operation) -> Value {
    let item = &specification["paths"][operation.path];
    let mut copy = specification.clone();
    copy["paths"] = json!({operation.path: {
        "parameters": item.get("parameters").unwrap_or(&json!([])),
        operation.method: item[operation.method],
    }});
    copy
}

/// Run by the tests of `openapi/trim`, which include the build script.
#[cfg(test)]
mod tests {
    use super::*;

    fn operation(id: &'static str, path: &'static str) -> Operation {
        Operation {
            id,
            method: "get",
            path,
            success: 200,
            options: Vec::new(),
        }
    }

    fn generated(second: Value) -> Result<syn::File, String> {
        let fine = json!({"operationId": "fine", "responses": {"200": {"description": ""}}});
        let specification = json!({
            "openapi": "3.0.3",
            "info": {"title": "Test", "version": "1"},
            "paths": {"/fine": {"get": fine}, "/other": {"get": second}},
        });
        let operations = [operation("fine", "/fine"), operation("other", "/other")];
        generate(&specification, &operations)
    }

    #[test]
    fn an_operation_that_progenitor_panics_at_or_refuses_is_named() {
        let ok = json!({"description": ""});
        assert!(generated(json!({"operationId": "other", "responses": {"200": ok}})).is_ok());
        let content = json!({"description": "", "content": {"text/plain": {}}});
        for (second, what) in [
            (
                json!({"operationId": "other", "responses": {"4XX": content, "404": ok}}),
                "response_types.len() <= 1",
            ),
            (json!({"responses": {"200": ok}}), "missing operation ID"),
        ] {
            let refused = generated(second).map(drop).unwrap_err();
            assert!(
                refused.starts_with("other: progenitor") && refused.contains(what),
                "{refused}"
            );
        }
    }
}
