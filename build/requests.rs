//! Keeps the half of progenitor's code that makes requests, and drops the half that
//! sends them.
//!
//! Generated code that sends by itself loses the status and headers of a response
//! that it cannot parse, reads without bound, follows its own time limit, and would
//! send unsigned.

use std::collections::BTreeMap;

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::{
    Attribute, Expr, ExprMethodCall, Fields, File, FnArg, GenericArgument, Ident, ImplItem,
    ImplItemFn, Item, ItemEnum, Lit, LitStr, Local, Meta, Pat, PathArguments, Stmt, Type,
    Visibility, parse_quote,
};

use super::contract::{Kind, Operation, Place};

/// What is left of progenitor's code.
pub(crate) struct Requests {
    pub(crate) code: TokenStream,
    pub(crate) operations: Vec<Request>,
}

/// The function that makes an operation's request.
pub(crate) struct Request {
    pub(crate) function: Ident,
    /// What it takes besides `self`, in order.
    pub(crate) arguments: Vec<Argument>,
    /// By the name in the specification.
    pub(crate) options: BTreeMap<String, Field>,
}

pub(crate) enum Argument {
    PathParameter,
    /// The query parameter of this name in the specification.
    Option(String),
    /// The JSON body, of this type.
    Body(Ident),
}

/// An option as progenitor names and types it.
pub(crate) struct Field {
    pub(crate) name: Ident,
    /// Without the `Option` around it.
    pub(crate) kind: Type,
}

pub(crate) fn cut(client: File, operations: &[Operation]) -> Result<Requests, String> {
    let mut types = Vec::new();
    let mut functions = Vec::new();
    for item in client.items {
        match item {
            Item::Mod(module) if module.ident == "types" => {
                types.extend(module.content.into_iter().flat_map(|(_, items)| items));
            }
            Item::Impl(implementation) if implementation.trait_.is_none() => {
                functions.extend(
                    implementation
                        .items
                        .into_iter()
                        .filter_map(|item| match item {
                            ImplItem::Fn(function) => Some(function),
                            _ => None,
                        }),
                );
            }
            _ => {}
        }
    }
    let mut requests = Vec::new();
    let mut code = Vec::new();
    for operation in operations {
        let named = |function: &ImplItemFn| {
            let name = function.sig.ident.to_string().replace('_', "");
            name == operation.id.to_lowercase()
        };
        let (function, request) = functions
            .iter()
            .find(|function| named(function))
            .ok_or("there is no function of its name")
            .and_then(|function| request(operation, function.clone(), &types))
            .map_err(|what| {
                format!(
                    "{}: progenitor's code has another shape than build/requests.rs cuts: {what}. It was written for progenitor 0.15.1",
                    operation.id
                )
            })?;
        code.push(function);
        requests.push(request);
    }
    // An error of enums alone.
    let uses_error = |item: &Item| {
        item.to_token_stream()
            .to_string()
            .contains("ConversionError")
    };
    let is_error = |item: &Item| matches!(item, Item::Mod(module) if module.ident == "error");
    if !types.iter().any(|item| !is_error(item) && uses_error(item)) {
        types.retain(|item| !is_error(item));
    }
    for item in &mut types {
        if let Item::Enum(item) = item {
            publish(item);
        }
    }
    let code = quote! {
        /// Types used as request bodies, options and responses.
        #[allow(clippy::all, reason = "progenitor's code")]
        pub mod types {
            #(#types)*
        }

        /// Makes requests, and sends none.
        struct Client<'c> {
            client: &'c reqwest::Client,
            org: &'c reqwest::Url,
            /// Empty, so that progenitor's code makes a path with it. The org's URL is
            /// parsed once, not for each request.
            baseurl: &'static str,
        }

        #[allow(clippy::all, reason = "progenitor's code")]
        impl Client<'_> {
            fn at(&self, path: &str) -> reqwest::Url {
                let mut url = self.org.clone();
                url.set_path(path);
                url
            }

            #(#code)*
        }
    };
    Ok(Requests {
        code,
        operations: requests,
    })
}

/// An enum is the type of an option, so users see it, and the schemas of the journal
/// and the report hold it.
fn publish(item: &mut ItemEnum) {
    item.attrs.push(parse_quote!(#[non_exhaustive]));
    item.attrs.push(parse_quote!(
        #[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
    ));
    for variant in &mut item.variants {
        let doc = format!(" Okta's `{}`.", renamed(&variant.attrs, &variant.ident));
        variant.attrs.push(parse_quote!(#[doc = #doc]));
    }
}

/// Cuts a function after its request is built.
fn request(
    operation: &Operation,
    mut function: ImplItemFn,
    types: &[Item],
) -> Result<(ImplItemFn, Request), &'static str> {
    let [
        url,
        Stmt::Local(headers),
        Stmt::Expr(append, _),
        Stmt::Local(request),
        Stmt::Local(info),
        ..,
    ] = function.block.stmts.as_slice()
    else {
        return Err("it does not begin with url, header_map, request and info");
    };
    let api_version = |append: &Expr| append.to_token_stream().to_string().contains("api-version");
    if !(matches!(url, Stmt::Local(url) if is_called(url, "url"))
        && is_called(headers, "header_map")
        // Okta does not know this header, and CORS may refuse it.
        && api_version(append)
        && is_called(request, "request")
        && is_called(info, "info"))
    {
        return Err("it does not begin with url, header_map, request and info");
    }
    let built = request.init.as_ref().map(|init| &*init.expr);
    let Some(Expr::Try(built)) = built else {
        return Err("the request is not built with `?`");
    };
    let build = call("build", &built.expr).ok_or("the request does not end with build()")?;
    let headers = call("headers", &build.receiver).ok_or("build() does not follow headers()")?;
    let chain = &headers.receiver;

    let mut options = query_parameters(chain);
    let mut arguments = Vec::new();
    for argument in &function.sig.inputs {
        let FnArg::Typed(argument) = argument else {
            continue;
        };
        let Pat::Ident(name) = &*argument.pat else {
            return Err("an argument has no name");
        };
        let option = options
            .iter_mut()
            .find(|(_, field)| field.name == name.ident);
        arguments.push(match option {
            Some((parameter, field)) => {
                field.kind = in_option(&argument.ty).ok_or("a query parameter is not optional")?;
                Argument::Option(parameter.clone())
            }
            None if name.ident == "body" => {
                let body = last_segment(&argument.ty).ok_or("the body's type has no name")?;
                options.extend(body_properties(&body, types).ok_or("the body is not a struct")?);
                Argument::Body(body)
            }
            None => Argument::PathParameter,
        });
    }
    for option in &operation.options {
        let field = options
            .get(&option.name)
            .ok_or("one of the options is missing")?;
        let kind = last_segment(&field.kind).map(|kind| kind.to_string());
        let fits = match (&option.kind, kind.as_deref()) {
            (Kind::Boolean, kind) => kind == Some("bool"),
            (Kind::Integer, kind) => matches!(kind, Some("i32" | "i64")),
            (Kind::Text, kind) => match option.place {
                Place::Query => kind == Some("str"),
                Place::Body => kind == Some("String"),
            },
            (Kind::OneOf(_), Some(kind)) => types
                .iter()
                .any(|item| matches!(item, Item::Enum(item) if item.ident == kind)),
            (Kind::OneOf(_), None) => false,
        };
        if !fits {
            return Err("one of the options has another type than the specification says");
        }
    }

    let statements = quote!(#url let url = self.at(&url); #chain.build());
    let doc = format!(
        " The request of `{}`: `{} {}`.",
        operation.id,
        operation.method.to_uppercase(),
        operation.path
    );
    function.attrs = vec![parse_quote!(#[doc = #doc])];
    function.vis = Visibility::Inherited;
    function.sig.asyncness = None;
    function.sig.output = parse_quote!(-> reqwest::Result<reqwest::Request>);
    function.block = parse_quote!({ #statements });
    let request = Request {
        function: function.sig.ident.clone(),
        arguments,
        options,
    };
    Ok((function, request))
}

fn is_called(local: &Local, name: &str) -> bool {
    matches!(&local.pat, Pat::Ident(pattern) if pattern.ident == name)
}

fn call<'a>(method: &str, expression: &'a Expr) -> Option<&'a ExprMethodCall> {
    match expression {
        Expr::MethodCall(call) if call.method == method => Some(call),
        _ => None,
    }
}

/// Of every `.query(&QueryParam::new("name", &variable))` in a chain of calls.
fn query_parameters(mut chain: &Expr) -> BTreeMap<String, Field> {
    let mut found = BTreeMap::new();
    while let Expr::MethodCall(call) = chain {
        chain = &call.receiver;
        if call.method == "query"
            && let Some(Expr::Reference(parameter)) = call.args.first()
            && let Expr::Call(new) = &*parameter.expr
            && let (Some(Expr::Lit(name)), Some(Expr::Reference(variable))) =
                (new.args.first(), new.args.last())
            && let (Lit::Str(name), Expr::Path(variable)) = (&name.lit, &*variable.expr)
            && let Some(variable) = variable.path.get_ident()
        {
            let field = Field {
                name: variable.clone(),
                kind: Type::Verbatim(TokenStream::new()),
            };
            found.insert(name.value(), field);
        }
    }
    found
}

/// The properties of a body: its struct's fields, by their names in JSON.
fn body_properties(body: &Ident, types: &[Item]) -> Option<BTreeMap<String, Field>> {
    let fields = types.iter().find_map(|item| match item {
        Item::Struct(item) if item.ident == *body => match &item.fields {
            Fields::Named(fields) => Some(fields),
            _ => None,
        },
        _ => None,
    })?;
    let mut found = BTreeMap::new();
    for field in &fields.named {
        let name = field.ident.clone()?;
        let kind = in_option(&field.ty)?;
        found.insert(renamed(&field.attrs, &name), Field { name, kind });
    }
    Some(found)
}

/// The name in JSON.
fn renamed(attributes: &[Attribute], name: &Ident) -> String {
    let mut json = name.to_string();
    for attribute in attributes {
        if let Meta::List(list) = &attribute.meta
            && list.path.is_ident("serde")
        {
            // What else is in there does not matter here.
            let _ = list.parse_nested_meta(|meta| {
                let value: LitStr = meta.value()?.parse()?;
                if meta.path.is_ident("rename") {
                    json = value.value();
                }
                Ok(())
            });
        }
    }
    json
}

/// `T` of `Option<T>`, and of `Option<&T>`.
fn in_option(kind: &Type) -> Option<Type> {
    let Type::Path(path) = kind else { return None };
    let last = path.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    match arguments.args.first()? {
        GenericArgument::Type(Type::Reference(kind)) if last.ident == "Option" => {
            Some((*kind.elem).clone())
        }
        GenericArgument::Type(kind) if last.ident == "Option" => Some(kind.clone()),
        _ => None,
    }
}

/// `C` of `a::b::C` and of `&a::b::C`.
pub(crate) fn last_segment(kind: &Type) -> Option<Ident> {
    match kind {
        Type::Reference(kind) => last_segment(&kind.elem),
        Type::Path(path) => Some(format_ident!("{}", path.path.segments.last()?.ident)),
        _ => None,
    }
}

/// Run by the tests of `openapi/trim`, which include the build script.
#[cfg(test)]
mod tests {
    use super::super::contract::OperationOption;
    use super::*;

    const PROGENITOR: &str = r#"
        pub mod types {
            pub struct KeepCurrent {
                #[serde(rename = "keepCurrent", default)]
                pub keep_current: ::std::option::Option<bool>,
            }
        }
        impl Client {
            pub async fn end_user_sessions<'a>(&'a self, body: &'a types::KeepCurrent) -> R {
                let url = format!("{}/end", self.baseurl);
                let mut header_map = HeaderMap::with_capacity(1usize);
                header_map.append(HeaderName::from_static("api-version"), "5");
                let mut request = self.client.post(url).json(&body).headers(header_map).build()?;
                let info = OperationInfo { operation_id: "end_user_sessions" };
                self.exec(request, &info).await
            }
        }
    "#;

    fn cut_of(code: &str) -> Result<String, String> {
        let operation = Operation {
            id: "endUserSessions",
            method: "post",
            path: "/end",
            success: 200,
            options: vec![OperationOption {
                name: "keepCurrent".into(),
                description: "Keep it.".into(),
                kind: Kind::Boolean,
                place: Place::Body,
            }],
        };
        let requests = cut(syn::parse_str(code).unwrap(), &[operation])?;
        Ok(requests.code.to_string().replace(char::is_whitespace, ""))
    }

    #[test]
    fn what_sends_is_cut_off() {
        let code = cut_of(PROGENITOR).unwrap();
        assert!(code.contains("self.client.post(url).json(&body).build()}"));
        for gone in ["async", "exec", "header_map", "info", "ResponseValue"] {
            assert!(!code.contains(gone), "{gone}: {code}");
        }
    }

    #[test]
    fn another_shape_is_refused_with_the_name_of_the_operation() {
        for (from, to, what) in [
            ("fn end_user_sessions", "fn end", "no function of its name"),
            ("let url", "let address", "does not begin with url"),
            ("api-version", "x-version", "does not begin with url"),
            (
                "let info",
                "header_map.append(1, 2); let info",
                "does not begin with url",
            ),
            (".build()?", ".build().unwrap()", "not built with `?`"),
            (".build()?", ".finish()?", "does not end with build()"),
            (".headers(header_map)", "", "does not follow headers()"),
            ("body: &'a types::KeepCurrent", "(a, b): T", "has no name"),
            ("pub struct KeepCurrent", "pub struct Keep", "not a struct"),
            (
                "keep_current: ",
                "keep: Never, pub current: ",
                "not a struct",
            ),
            (
                "\"keepCurrent\"",
                "\"keep\"",
                "one of the options is missing",
            ),
            ("<bool>", "<u8>", "another type"),
        ] {
            assert!(PROGENITOR.contains(from), "{from}");
            let refused = cut_of(&PROGENITOR.replace(from, to)).unwrap_err();
            assert!(
                refused.starts_with("endUserSessions: ") && refused.contains(what),
                "{from}: {refused}"
            );
        }
    }
}
