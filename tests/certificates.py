"""What RFC 5280 wants of a certificate, which Python checks to the letter from 3.13 on (`ssl.VERIFY_X509_STRICT`)."""

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec


def with_usage(
    builder: x509.CertificateBuilder,
    own: ec.EllipticCurvePublicKey,
    issuer: ec.EllipticCurvePublicKey,
    *,
    is_authority: bool,
) -> x509.CertificateBuilder:
    """*builder* with the identifiers of both keys, and with what *own* may be used for."""
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(own), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer), critical=False)
        .add_extension(usage, critical=True)
    )
