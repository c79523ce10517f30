//! The encrypted channel between two devices: TLS 1.3 between keys that live as long as the program runs.
//!
//! Nobody's certificate is looked at, because nobody has one: the answerer shows a raw public key (RFC 7250) that was
//! made at its start, the caller none. Who is there is proven inside the channel, by both sides, with a signature over
//! its exporter value (RFC 9266). A man in the middle has two channels with two values, and a proof for neither.

use std::net::IpAddr;
use std::sync::Arc;

use rand_core::CryptoRng;
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature_with_raw_key};
use rustls::server::AlwaysResolvesServerRawPublicKeys;
use rustls::sign::CertifiedKey;
use rustls::version::TLS13;
use rustls::{ClientConfig, DigitallySignedStruct, Error, ServerConfig, SignatureScheme};
use rustls_pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, SubjectPublicKeyInfoDer, UnixTime,
};
use sync_protocol::PeerRole;
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

/// RFC 9266.
const EXPORTER: &[u8] = b"EXPORTER-Channel-Binding";
/// PKCS #8 of an Ed25519 key, up to its 32 bytes (RFC 8410).
const PKCS8_ED25519: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// Both ends of channels, with one throw-away key.
pub(super) struct Channel {
    connector: TlsConnector,
    acceptor: TlsAcceptor,
}

/// An encrypted channel and its exporter value.
pub(super) struct Secured {
    pub(super) stream: TlsStream<TcpStream>,
    pub(super) binding: [u8; 32],
}

impl Channel {
    pub(super) fn make(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let client = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&TLS13])
            .expect("ring speaks TLS 1.3")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyRawKey(Arc::clone(&provider))));
        let mut client = client.with_no_client_auth();
        // Each channel has its own exporter value: nothing is taken over from an earlier one.
        client.resumption = Resumption::disabled();
        client.enable_sni = false;
        let keys = AlwaysResolvesServerRawPublicKeys::new(Arc::new(throw_away_key(rng)));
        let server = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .expect("ring speaks TLS 1.3")
            .with_no_client_auth();
        let mut server = server.with_cert_resolver(Arc::new(keys));
        server.send_tls13_tickets = 0;
        Self {
            connector: TlsConnector::from(Arc::new(client)),
            acceptor: TlsAcceptor::from(Arc::new(server)),
        }
    }

    /// Shakes hands; `None` when the other side doesn't.
    pub(super) async fn secure(&self, tcp: TcpStream, role: PeerRole) -> Option<Secured> {
        let mut binding = [0; 32];
        let stream = match role {
            PeerRole::Caller => {
                // Never sent, never looked at.
                let name = ServerName::from(IpAddr::from([127, 0, 0, 1]));
                let stream = self.connector.connect(name, tcp).await.ok()?;
                let connection = stream.get_ref().1;
                binding = connection.export_keying_material(binding, EXPORTER, None).ok()?;
                TlsStream::from(stream)
            }
            PeerRole::Answerer => {
                let stream = self.acceptor.accept(tcp).await.ok()?;
                let connection = stream.get_ref().1;
                binding = connection.export_keying_material(binding, EXPORTER, None).ok()?;
                TlsStream::from(stream)
            }
        };
        Some(Secured { stream, binding })
    }
}

fn throw_away_key(rng: &mut (impl CryptoRng + ?Sized)) -> CertifiedKey {
    let mut pkcs8 = PKCS8_ED25519.to_vec();
    let mut seed = [0; 32];
    rng.fill_bytes(&mut seed);
    pkcs8.extend_from_slice(&seed);
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pkcs8));
    let key = rustls::crypto::ring::sign::any_supported_type(&key).expect("any 32 bytes are an Ed25519 key");
    let public = key.public_key().expect("ring tells the public half of its keys");
    let public = CertificateDer::from(public.as_ref().to_vec());
    CertifiedKey::new(vec![public], key)
}

/// Takes every raw public key whose holder signs the handshake.
#[derive(Debug)]
struct AnyRawKey(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyRawKey {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.3 only".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let key = SubjectPublicKeyInfoDer::from(cert.as_ref());
        verify_tls13_signature_with_raw_key(message, &key, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}
