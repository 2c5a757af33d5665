import { generateKeyPairSync } from 'node:crypto';
import forge from 'node-forge';

/** A certificate authority of a test and one server certificate for this computer, as PEM. */
export interface TestCertificates {
  readonly ca: string;
  /** Certificate and private key, as mongod wants them in one file. */
  readonly server: string;
}

function keyPair(): { privateKey: forge.pki.rsa.PrivateKey; publicKey: forge.pki.rsa.PublicKey } {
  const pair = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return {
    privateKey: forge.pki.privateKeyFromPem(pair.privateKey),
    publicKey: forge.pki.publicKeyFromPem(pair.publicKey),
  };
}

function certificate(
  serial: string,
  publicKey: forge.pki.rsa.PublicKey,
  commonName: string,
  issuer: string,
  extensions: object[],
): forge.pki.Certificate {
  const made = forge.pki.createCertificate();
  made.publicKey = publicKey;
  made.serialNumber = serial;
  made.validity.notBefore = new Date(Date.now() - 86_400_000);
  made.validity.notAfter = new Date(Date.now() + 30 * 86_400_000);
  made.setSubject([{ name: 'commonName', value: commonName }]);
  made.setIssuer([{ name: 'commonName', value: issuer }]);
  made.setExtensions(extensions);
  return made;
}

/** Makes an authority and a certificate for 127.0.0.1, localhost and Juju's own name. */
export function makeCertificates(): TestCertificates {
  const authority = keyPair();
  const name = 'holdfast test authority';
  const ca = certificate('01', authority.publicKey, name, name, [
    { name: 'basicConstraints', cA: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, digitalSignature: true },
  ]);
  ca.sign(authority.privateKey, forge.md.sha256.create());

  const holder = keyPair();
  const server = certificate('02', holder.publicKey, '*', name, [
    { name: 'keyUsage', digitalSignature: true, keyEncipherment: true },
    { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
    {
      name: 'subjectAltName',
      altNames: [
        { type: 2, value: 'localhost' },
        { type: 2, value: 'juju-mongodb' },
        { type: 7, ip: '127.0.0.1' },
      ],
    },
  ]);
  server.sign(authority.privateKey, forge.md.sha256.create());
  return {
    ca: forge.pki.certificateToPem(ca),
    server: forge.pki.certificateToPem(server) + forge.pki.privateKeyToPem(holder.privateKey),
  };
}
