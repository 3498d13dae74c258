//! Certificates made while a test runs: authorities, what they issue, their CRLs and OCSP responses, and logs.

pub mod crl;
pub mod ct;
pub mod der;
pub mod ocsp;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CustomExtension, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, NameConstraints,
    PublicKeyData, RevokedCertParams, SerialNumber,
};
use time::OffsetDateTime;

/// The time of tests: 2026-06-15, in seconds since 1970.
pub const NOW: u64 = 1_781_481_600;

/// A day, in seconds.
pub const DAY: u64 = 86_400;

fn at(seconds: u64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(seconds as i64).expect("a time in range")
}

/// A certificate with its key, both in DER.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// The certificate.
    pub certificate: Vec<u8>,
    /// Its key, PKCS#8.
    pub key: Vec<u8>,
    /// Its serial number.
    pub serial: u64,
}

impl Leaf {
    /// Its key, to sign with.
    pub fn key_pair(&self) -> KeyPair {
        KeyPair::try_from(self.key.as_slice()).expect("a key of a kind that signs")
    }
}

/// What a certificate is for (extended key usage).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Servers and clients.
    Tls,
    /// Signing OCSP responses.
    Ocsp,
    /// Signing code.
    Code,
    /// Anything, in one word.
    Any,
    /// It does not say.
    Unsaid,
}

/// What a leaf is to be.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Its names: DNS names, wildcards, IP addresses.
    pub names: Vec<String>,
    /// From when it is valid.
    pub not_before: u64,
    /// Until when it is valid.
    pub not_after: u64,
    /// Its serial number.
    pub serial: u64,
    /// Its key; without one a P-256 key is made.
    pub key: Option<Vec<u8>>,
    /// What it is for.
    pub purpose: Purpose,
    /// Whether it is a CA.
    pub is_ca: bool,
    /// Further extensions: OID, value.
    pub extensions: Vec<(Vec<u64>, Vec<u8>)>,
}

impl Wish {
    /// Valid from yesterday for a month.
    pub fn new(names: &[&str]) -> Self {
        Self {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            not_before: NOW - DAY,
            not_after: NOW + 30 * DAY,
            serial: 1000,
            key: None,
            purpose: Purpose::Tls,
            is_ca: false,
            extensions: Vec::new(),
        }
    }

    fn params(&self) -> CertificateParams {
        let mut params = CertificateParams::new(self.names.clone()).expect("names that a certificate can have");
        let name = self.names.first().map_or("nobody", String::as_str);
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = at(self.not_before);
        params.not_after = at(self.not_after);
        params.serial_number = Some(SerialNumber::from(self.serial));
        params.extended_key_usages = match self.purpose {
            Purpose::Tls => vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth],
            Purpose::Ocsp => vec![ExtendedKeyUsagePurpose::OcspSigning],
            Purpose::Code => vec![ExtendedKeyUsagePurpose::CodeSigning],
            Purpose::Any => vec![ExtendedKeyUsagePurpose::Any],
            Purpose::Unsaid => Vec::new(),
        };
        if self.is_ca {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        params.custom_extensions = self
            .extensions
            .iter()
            .map(|(oid, value)| CustomExtension::from_oid_content(oid, value.clone()))
            .collect();
        params
    }

    fn key_pair(&self) -> KeyPair {
        match &self.key {
            Some(key) => KeyPair::try_from(key.as_slice()).expect("a key of a kind that signs"),
            None => KeyPair::generate().expect("a P-256 key"),
        }
    }

    /// Signed by itself.
    pub fn self_signed(&self) -> Leaf {
        let key = self.key_pair();
        let certificate = self.params().self_signed(&key).expect("a certificate");
        self.leaf(certificate.der().to_vec(), &key)
    }

    /// Signed by itself, and a CA: what `openssl req -x509` makes.
    pub fn self_signed_ca(&self) -> Leaf {
        let key = self.key_pair();
        let wish = Self {
            is_ca: true,
            ..self.clone()
        };
        let certificate = wish.params().self_signed(&key).expect("a certificate");
        self.leaf(certificate.der().to_vec(), &key)
    }

    fn leaf(&self, certificate: Vec<u8>, key: &KeyPair) -> Leaf {
        Leaf {
            certificate,
            key: key.serialize_der(),
            serial: self.serial,
        }
    }
}

/// A CA.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: Vec<u8>,
}

impl Authority {
    /// A root.
    pub fn new(name: &str) -> Self {
        let key = KeyPair::generate().expect("a P-256 key");
        let params = Self::params(name);
        let certificate = params.self_signed(&key).expect("a certificate");
        Self {
            certificate: certificate.der().to_vec(),
            issuer: Issuer::new(params, key),
        }
    }

    /// A CA below this one, for all names or only for those below `permitted`.
    pub fn intermediate(&self, name: &str, permitted: Option<&str>) -> Self {
        let key = KeyPair::generate().expect("a P-256 key");
        let mut params = Self::params(name);
        params.name_constraints = permitted.map(|domain| NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName(domain.to_owned())],
            excluded_subtrees: Vec::new(),
        });
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Self {
            certificate: certificate.der().to_vec(),
            issuer: Issuer::new(params, key),
        }
    }

    fn params(name: &str) -> CertificateParams {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = at(NOW - 365 * DAY);
        params.not_after = at(NOW + 3_650 * DAY);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params
    }

    /// The CA's certificate in DER.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// The CA's key.
    pub fn key(&self) -> &KeyPair {
        self.issuer.key()
    }

    /// Issues a certificate.
    pub fn issue(&self, wish: &Wish) -> Leaf {
        let key = wish.key_pair();
        let certificate = wish.params().signed_by(&key, &self.issuer).expect("a certificate");
        wish.leaf(certificate.der().to_vec(), &key)
    }

    /// Issues a certificate for a public key alone, whatever it is.
    pub fn issue_for(&self, wish: &Wish, key: &impl PublicKeyData) -> Vec<u8> {
        let certificate = wish.params().signed_by(key, &self.issuer).expect("a certificate");
        certificate.der().to_vec()
    }

    /// A CRL with these serial numbers, whose next one is due at `next_update`.
    pub fn crl(&self, revoked: &[u64], next_update: u64) -> Vec<u8> {
        let revoked_certs = revoked
            .iter()
            .map(|serial| RevokedCertParams {
                serial_number: SerialNumber::from(*serial),
                revocation_time: at(NOW - DAY),
                reason_code: None,
                invalidity_date: None,
            })
            .collect();
        let params = CertificateRevocationListParams {
            this_update: at(NOW - 2 * DAY),
            next_update: at(next_update),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs,
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).expect("a CRL").der().to_vec()
    }
}
