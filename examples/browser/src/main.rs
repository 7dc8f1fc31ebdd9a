//! `bind WASM DIRECTORY` makes the page's files, `serve DIRECTORY` shows them
//! with the mock org. The script `run` in this folder does both.

#[cfg(target_arch = "wasm32")]
fn main() {}

#[cfg(not(target_arch = "wasm32"))]
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    use std::path::Path;

    use sign_out_elsewhere::server;

    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["bind", wasm, directory] => server::bind(Path::new(wasm), Path::new(directory)),
        ["serve", directory] => serve(Path::new(directory)).await,
        _ => Err("usage: bind WASM DIRECTORY, or serve DIRECTORY".into()),
    }
}

#[cfg(not(target_arch = "wasm32"))]
async fn serve(directory: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
    use okta_mock_org::{MockOrg, MockUser};
    use sign_out_elsewhere::server::{Page, listen, serve};

    const ADA: &str = "00uAda";

    let (listener, origin) = listen().await?;
    let org = MockOrg::builder()
        .trusted_origins([&origin])
        .start()
        .await?;
    org.add_user(MockUser::new(ADA).login("ada@example.com").sessions(3));
    let sign_in = org.sign_in_url(&org.sign_in(ADA), &origin);
    println!("Ada has four sessions. Sign in to one of them, in a browser:\n\n  {sign_in}\n");
    println!("Not signed in, so that the org refuses: {origin}");
    println!("Ctrl-C ends the server and prints the remaining sessions.");

    let page = Page::read(directory)?.for_org(&org.url());
    tokio::select! {
        ended = serve(listener, page) => ended?,
        stopped = tokio::signal::ctrl_c() => stopped?,
    }
    if let Some(ada) = org.user(ADA) {
        println!("\nAda's sessions that are left: {}", ada.sessions);
    }
    Ok(())
}
