import { generateKeyPairSync } from 'node:crypto';
import { md, pki, ssh } from 'node-forge';

/** What a controller's own certificate authority and its server hold, all PEM. */
export interface Certificates {
  readonly caCert: string;
  readonly caKey: string;
  readonly serverCert: string;
  readonly serverKey: string;
}

const yearMs = 365 * 24 * 3600 * 1000;

/**
 * A certificate authority and one server certificate for `localhost`, `127.0.0.1` and Juju's own
 * names. The keys are new every time: they are the only part of an example that no seed decides.
 */
export function makeCertificates(now: Date, controllerUuid: string): Certificates {
  const ca = rsaKey();
  const server = rsaKey();
  const caName = [
    { name: 'organizationName', value: 'Juju' },
    { name: 'commonName', value: 'juju-ca' },
  ];
  const caCert = certificate(now, '01', ca.publicKey, caName);
  caCert.setIssuer(caName);
  caCert.setExtensions([
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'keyUsage', keyCertSign: true, digitalSignature: true, critical: true },
    { name: 'subjectKeyIdentifier' },
  ]);
  const serverCert = certificate(now, '02', server.publicKey, [
    { name: 'organizationName', value: 'Juju' },
    { name: 'commonName', value: `Juju server certificate - ${controllerUuid.slice(0, 8)}` },
  ]);
  serverCert.setIssuer(caName);
  serverCert.setExtensions([
    { name: 'basicConstraints', cA: false },
    { name: 'keyUsage', digitalSignature: true, keyEncipherment: true },
    { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
    {
      name: 'subjectAltName',
      altNames: [
        ...['localhost', 'juju-apiserver', 'juju-mongodb'].map((value) => ({ type: 2, value })),
        { type: 7, ip: '127.0.0.1' },
      ],
    },
  ]);
  return {
    caCert: pki.certificateToPem(signed(caCert, ca.privateKey)),
    caKey: ca.pem,
    serverCert: pki.certificateToPem(signed(serverCert, ca.privateKey)),
    serverKey: server.pem,
  };
}

/** An RSA key pair as OpenSSH and Juju's system-identity have it. */
export function makeSshKey(comment: string): {
  readonly privateKey: string;
  readonly publicKey: string;
} {
  const key = rsaKey();
  return {
    privateKey: pki.privateKeyToPem(key.privateKey),
    publicKey: ssh.publicKeyToOpenSSH(key.publicKey, comment),
  };
}

function signed(cert: pki.Certificate, key: pki.rsa.PrivateKey): pki.Certificate {
  cert.sign(key, md.sha256.create());
  return cert;
}

function rsaKey(): {
  readonly publicKey: pki.rsa.PublicKey;
  readonly privateKey: pki.rsa.PrivateKey;
  readonly pem: string;
} {
  // Node makes the pair in a tenth of the time of forge, which only signs here.
  const pair = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return {
    publicKey: pki.publicKeyFromPem(pair.publicKey),
    privateKey: pki.privateKeyFromPem(pair.privateKey),
    pem: pair.privateKey,
  };
}

function certificate(
  now: Date,
  serial: string,
  key: pki.rsa.PublicKey,
  subject: pki.CertificateField[],
): pki.Certificate {
  const cert = pki.createCertificate();
  cert.publicKey = key;
  cert.serialNumber = serial;
  cert.validity.notBefore = new Date(now.getTime() - yearMs / 365);
  cert.validity.notAfter = new Date(now.getTime() + 10 * yearMs);
  cert.setSubject(subject);
  return cert;
}
