//! A server that speaks HTTP/2 frame by frame, so that it can stop anywhere.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

/// The certificate authority that the server's clients trust.
pub const CA: &str = include_str!("../tls/ca.pem");

pub const END_STREAM: u8 = 1;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;

const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

/// A frame on a stream, or on the connection (0) (RFC 9113 §4.1).
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// All fields as literals that are not indexed (RFC 7541 §6.2.2).
pub fn headers(stream: u32, flags: u8, status: u16, fields: &[(&str, &str)]) -> Vec<u8> {
    let status = status.to_string();
    let mut block = Vec::new();
    for (name, value) in [(":status", status.as_str())].iter().chain(fields) {
        block.push(0);
        for text in [name, value] {
            block.push(u8::try_from(text.len()).unwrap());
            block.extend(text.bytes());
        }
    }
    frame(HEADERS, END_HEADERS | flags, stream, &block)
}

pub fn data(stream: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    frame(DATA, flags, stream, payload)
}

pub fn rst_stream(stream: u32, code: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &code.to_be_bytes())
}

pub fn goaway(last_stream: u32, code: u32) -> Vec<u8> {
    let payload = [last_stream.to_be_bytes(), code.to_be_bytes()].concat();
    frame(GOAWAY, 0, 0, &payload)
}

/// With debug data, which is meant for logs only (RFC 9113 §6.8).
pub fn goaway_saying(words: &str) -> Vec<u8> {
    let mut payload = [0_u32.to_be_bytes(), 0_u32.to_be_bytes()].concat();
    payload.extend(words.bytes());
    frame(GOAWAY, 0, 0, &payload)
}

/// The bytes that the server writes in response to a request.
pub struct Script {
    pub bytes: Vec<u8>,
    /// Whether the connection ends after that.
    pub close: bool,
}

type Write = Box<dyn Fn(u32) -> Script + Send>;

/// Responds to each request with the current script.
pub struct Server {
    pub url: String,
    write: Arc<Mutex<Write>>,
}

impl Server {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let write: Write = Box::new(|_| panic!("no script is set"));
        let write = Arc::new(Mutex::new(write));
        let script = write.clone();
        tokio::spawn(async move {
            let tls = acceptor();
            while let Ok((socket, _)) = listener.accept().await {
                let (tls, script) = (tls.clone(), script.clone());
                // An error means that the client has hung up.
                tokio::spawn(async move { connection(tls, socket, &script).await });
            }
        });
        Self { url, write }
    }

    /// From now on, responds with what `script` returns for the request's stream.
    pub fn play(&self, script: impl Fn(u32) -> Script + Send + 'static) {
        *self.write.lock().unwrap() = Box::new(script);
    }
}

async fn connection(
    tls: TlsAcceptor,
    socket: tokio::net::TcpStream,
    write: &Mutex<Write>,
) -> std::io::Result<()> {
    let mut socket = tls.accept(socket).await?;
    let mut preface = [0; 24];
    socket.read_exact(&mut preface).await?;
    socket.write_all(&frame(SETTINGS, 0, 0, &[])).await?;
    loop {
        let mut head = [0; 9];
        socket.read_exact(&mut head).await?;
        let [l0, l1, l2, kind, flags, stream @ ..] = head;
        let stream = u32::from_be_bytes(stream);
        let length = u32::from_be_bytes([0, l0, l1, l2]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        socket.read_exact(&mut payload).await?;
        match kind {
            SETTINGS if flags & ACK == 0 => {
                socket.write_all(&frame(SETTINGS, ACK, 0, &[])).await?;
            }
            PING if flags & ACK == 0 => socket.write_all(&frame(PING, ACK, 0, &payload)).await?,
            HEADERS | DATA if flags & END_STREAM != 0 => {
                let script = write.lock().unwrap()(stream);
                socket.write_all(&script.bytes).await?;
                socket.flush().await?;
                if script.close {
                    return socket.shutdown().await;
                }
            }
            _ => {}
        }
    }
}

/// A TLS acceptor that offers HTTP/2 only.
pub fn acceptor() -> TlsAcceptor {
    let own = include_bytes!("../tls/server.pem");
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(own).unwrap()],
            PrivateKeyDer::from_pem_slice(own).unwrap(),
        )
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}
