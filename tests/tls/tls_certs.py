# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes certificates for the tests: authorities, leaves of every kind, chains, OCSP answers. Knows no server."""

import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)


def now():
    return datetime.datetime.utcnow().replace(microsecond=0)


def new_key(kind="ec"):
    if kind == "ec":
        return ec.generate_private_key(ec.SECP256R1())
    if kind == "ec384":
        return ec.generate_private_key(ec.SECP384R1())
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(65537, int(kind[3:] or 2048))


def digest_for(key):
    return None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()


def general_name(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


class Cert:
    """A certificate with its key and its issuers (leaf first, the root not among them)."""

    def __init__(self, cert, key, chain=()):
        self.cert, self.key, self.chain = cert, key, list(chain)

    @property
    def pem(self):
        return self.cert.public_bytes(serialization.Encoding.PEM)

    @property
    def der(self):
        return self.cert.public_bytes(serialization.Encoding.DER)

    @property
    def sha256(self):
        return self.cert.fingerprint(hashes.SHA256()).hex()

    @property
    def fullchain(self):
        return self.pem + b"".join(c.pem for c in self.chain)

    @property
    def key_pem(self):
        return self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                      serialization.NoEncryption())

    def write(self, directory, stem, fullchain=True):
        cert, key = directory / f"{stem}.pem", directory / f"{stem}.key"
        cert.write_bytes(self.fullchain if fullchain else self.pem)
        key.write_bytes(self.key_pem)
        return cert, key


def subject(cn, organization=None):
    names = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)] if organization else []
    return x509.Name(names + [x509.NameAttribute(NameOID.COMMON_NAME, cn)])


def build(cn, key, issuer=None, sans=(), start=None, end=None, ca=False, must_staple=False, extra_names=(),
          organization=None):
    """issuer: a Cert, or None for self-signed."""
    name = subject(cn, organization)
    signer = issuer.key if issuer else key
    builder = (x509.CertificateBuilder()
               .subject_name(name)
               .issuer_name(issuer.cert.subject if issuer else name)
               .public_key(key.public_key())
               .serial_number(x509.random_serial_number())
               .not_valid_before(start or now() - DAY)
               .not_valid_after(end or now() + 90 * DAY)
               .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True))
    names = [general_name(s) for s in sans] + list(extra_names)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if ca:
        builder = builder.add_extension(
            x509.KeyUsage(True, False, False, False, False, True, True, False, False), critical=True)
    else:
        builder = builder.add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    if must_staple:
        builder = builder.add_extension(x509.TLSFeature([x509.TLSFeatureType.status_request]), critical=False)
    cert = builder.sign(signer, digest_for(signer))
    chain = [issuer] + issuer.chain if issuer and issuer.cert.issuer != issuer.cert.subject else []
    return Cert(cert, key, chain)


class Authority:
    """A root and an intermediate."""

    def __init__(self, name="Test"):
        far = now() + 3650 * DAY
        self.root = build(f"{name} Root", new_key(), ca=True, end=far, start=now() - 3650 * DAY)
        self.intermediate = build(f"{name} Intermediate", new_key(), self.root, ca=True, end=far,
                                  start=now() - 3650 * DAY)

    def leaf(self, *sans, cn=None, kind="ec", key=None, direct=False, **more):
        issuer = self.root if direct else self.intermediate
        return build(cn or sans[0], key or new_key(kind), issuer, sans, **more)

    def write_root(self, directory):
        path = directory / "root.pem"
        path.write_bytes(self.root.pem)
        return path

    def staple(self, leaf, status="good", this=None, next_update=None):
        revoked = status == "revoked"
        answer = ocsp.OCSPResponseBuilder().add_response(
            cert=leaf.cert, issuer=self.intermediate.cert, algorithm=hashes.SHA1(),
            cert_status=ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD,
            this_update=this or now() - DAY, next_update=next_update or now() + 3 * DAY,
            revocation_time=now() - DAY if revoked else None, revocation_reason=None,
        ).responder_id(ocsp.OCSPResponderEncoding.HASH, self.intermediate.cert)
        return answer.sign(self.intermediate.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def self_signed(*sans, cn=None, kind="ec", **more):
    return build(cn or sans[0], new_key(kind), None, sans, **more)
