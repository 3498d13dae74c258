//! Certificates of clients.

use crate::facts;
use crate::support::{self, ca, client, link, required, server};
use millrace_error::Code;
use millrace_testkit::contexts::identity;
use millrace_testkit::pki::Wish;
use millrace_tls::{ClientAuth, TlsVersion};

#[test]
fn a_client_certificate_reaches_the_server_and_its_absence_ends_the_handshake() {
    let person = ca().issue(&Wish::new(&["person.test"]));
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let server = server(|options| {
            options.client_auth = required();
            options.max_version = version;
        });
        let with = client(|options| options.identity = Some(identity(&person)));
        let (_, theirs) = facts(&link(&with, &server));
        assert_eq!(theirs.peer_certificates, *std::slice::from_ref(&person.certificate));
        assert_eq!(theirs.authorization_error, None);

        let link = link(&client(|_| {}), &server);
        let error = link.server.error.as_ref().expect("refused");
        assert_eq!(error.code, Code::TlsCertificateRequired, "{error}");
        let told = link.client.error.as_ref().and_then(|error| error.alert);
        assert_eq!(told, Some("certificate_required"));
    }
}

#[test]
fn an_unknown_client_is_refused_or_reported() {
    let stranger = Wish::new(&["stranger.test"]).self_signed();
    let client = client(|options| options.identity = Some(identity(&stranger)));
    let link_ = link(&client, &server(|options| options.client_auth = required()));
    let error = link_.server.error.as_ref().expect("refused");
    assert_eq!(error.code, Code::TlsSelfSigned);
    assert!(error.detail().expect("facts").contains("stranger.test"), "{error}");

    let optional = server(|options| options.client_auth = ClientAuth::DangerouslyOptional(support::trust()));
    let (_, theirs) = facts(&link(&client, &optional));
    assert_eq!(theirs.peer_certificates, [stranger.certificate]);
    assert_eq!(theirs.authorization_error.expect("reported").code, Code::TlsSelfSigned);
    let (_, theirs) = facts(&link(&support::client(|_| {}), &optional));
    assert_eq!(theirs.peer_certificates.len(), 0);
    let reported = theirs.authorization_error.expect("its absence too");
    assert_eq!(reported.code, Code::TlsCertificateRequired);
}
