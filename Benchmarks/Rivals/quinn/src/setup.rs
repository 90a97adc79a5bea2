//! Endpoints as fast as quinn can be made: large windows, datagrams of 1,452 bytes, AES-128 first. Segmentation offload
//! is on by itself.

use crate::options::{fail, Options};
use quinn::{ClientConfig, Endpoint, EndpointConfig, IdleTimeout, ServerConfig, TransportConfig, VarInt};
use rustls::client::{ClientSessionMemoryCache, NoClientSessionStorage, StoresClientSessions};
use rustls::{Certificate, PrivateKey, RootCertStore};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;

pub const PROTOCOL: &[u8] = b"bench";
const UDP_PAYLOAD_BYTES: u16 = 1452;

/// quinn sets each stream that the peer may open up when the connection begins, so more would make handshakes slow.
const STREAMS_AT_ONCE: u32 = 1024;

fn transport(streams_of_peer: u32) -> Arc<TransportConfig> {
    let mut transport = TransportConfig::default();
    transport
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .max_concurrent_bidi_streams(VarInt::from_u32(streams_of_peer))
        .stream_receive_window(VarInt::from_u32(8 << 20))
        .receive_window(VarInt::from_u32(32 << 20))
        .send_window(16 << 20)
        .initial_max_udp_payload_size(UDP_PAYLOAD_BYTES)
        .initial_rtt(Duration::from_millis(1))
        .datagram_receive_buffer_size(Some(4 << 20))
        .datagram_send_buffer_size(4 << 20)
        .max_idle_timeout(Some(IdleTimeout::from(VarInt::from_u32(30_000))));
    Arc::new(transport)
}

fn socket(port: u16) -> UdpSocket {
    let socket = UdpSocket::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        .unwrap_or_else(|error| fail(format!("cannot bind port {port}: {error}")));
    for option in [libc::SO_RCVBUFFORCE, libc::SO_SNDBUFFORCE, libc::SO_RCVBUF, libc::SO_SNDBUF] {
        let bytes: libc::c_int = 4 << 20;
        unsafe {
            libc::setsockopt(
                std::os::unix::io::AsRawFd::as_raw_fd(&socket),
                libc::SOL_SOCKET,
                option,
                &bytes as *const _ as *const libc::c_void,
                std::mem::size_of_val(&bytes) as u32,
            )
        };
    }
    socket
}

fn read(path: &str) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| fail(format!("{path}: {error}")))
}

fn certificates(path: &str) -> Vec<Certificate> {
    let chain = rustls_pemfile::certs(&mut read(path).as_slice()).unwrap_or_default();
    chain.into_iter().map(Certificate).collect()
}

pub fn server(options: &Options) -> Endpoint {
    let key = rustls_pemfile::pkcs8_private_keys(&mut read(options.needed("key")).as_slice()).unwrap_or_default();
    let key = key.into_iter().next().unwrap_or_else(|| fail("--key has no PKCS#8 key"));
    let mut tls = rustls::ServerConfig::builder()
        .with_safe_default_cipher_suites()
        .with_safe_default_kx_groups()
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(certificates(options.needed("cert")), PrivateKey(key))
        .unwrap_or_else(|error| fail(format!("--cert and --key: {error}")));
    tls.alpn_protocols = vec![PROTOCOL.to_vec()];
    let mut configuration = ServerConfig::with_crypto(Arc::new(tls));
    configuration.transport_config(transport(STREAMS_AT_ONCE));
    configuration.concurrent_connections(100_000);
    let socket = socket(options.number("port", 0.0) as u16);
    endpoint(Some(configuration), socket)
}

/// A client, and how often it found a session to resume.
pub fn client(options: &Options, resumes: bool) -> (Endpoint, Arc<Sessions>) {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(options.needed("ca")) {
        roots.add(&certificate).unwrap_or_else(|error| fail(format!("--ca: {error}")));
    }
    let mut tls = rustls::ClientConfig::builder()
        .with_cipher_suites(&[
            rustls::cipher_suite::TLS13_AES_128_GCM_SHA256,
            rustls::cipher_suite::TLS13_AES_256_GCM_SHA384,
        ])
        .with_safe_default_kx_groups()
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![PROTOCOL.to_vec()];
    let sessions = Arc::new(Sessions { cache: ClientSessionMemoryCache::new(256), found: AtomicU64::new(0) });
    tls.session_storage = if resumes { sessions.clone() } else { Arc::new(NoClientSessionStorage {}) };
    let mut configuration = ClientConfig::new(Arc::new(tls));
    configuration.transport_config(transport(0));
    let mut endpoint = endpoint(None, socket(0));
    endpoint.set_default_client_config(configuration);
    (endpoint, sessions)
}

fn endpoint(server: Option<ServerConfig>, socket: UdpSocket) -> Endpoint {
    let mut configuration = EndpointConfig::default();
    configuration.max_udp_payload_size(UDP_PAYLOAD_BYTES.into()).unwrap();
    Endpoint::new(configuration, server, socket, quinn::TokioRuntime).unwrap_or_else(|error| fail(error))
}

pub struct Sessions {
    cache: Arc<ClientSessionMemoryCache>,
    found: AtomicU64,
}

impl Sessions {
    pub fn found(&self) -> u64 {
        self.found.load(Ordering::Relaxed)
    }
}

impl StoresClientSessions for Sessions {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        self.cache.put(key, value)
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        let value = self.cache.get(key);
        // Handshakes ask for other things too, such as the group that the server likes.
        if key.starts_with(b"session") && value.is_some() {
            self.found.fetch_add(1, Ordering::Relaxed);
        }
        value
    }
}
