import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { goObject, goTime } from '../../archive/go-json';
import {
  emptyMetadata,
  parseMetadata,
  publicMetadata,
  serializeMetadata,
} from '../../archive/metadata';
import {
  metadataShapeFor,
  metadataShapeOf,
  type MetadataShape,
} from '../../archive/metadata-shape';
import { archiveName, refusalOf } from './sample-archive';

async function fixtureMetadata(): Promise<Buffer> {
  const parser = extract();
  const chunks: Buffer[] = [];
  parser.on('entry', (header, content, next) => {
    content.on('data', (chunk) => {
      if (header.name !== 'juju-backup/metadata.json') return;
      if (Buffer.isBuffer(chunk)) chunks.push(chunk);
    });
    content.on('end', () => next());
  });
  const ended = new Promise<void>((resolve, reject) => {
    parser.on('finish', resolve);
    parser.on('error', reject);
  });
  const source = createReadStream(join(__dirname, '../fixtures', archiveName)).pipe(createGunzip());
  for await (const chunk of source) parser.write(chunk);
  parser.end(undefined);
  await ended;
  return Buffer.concat(chunks);
}

test('metadata that Juju 2.9.21 itself wrote comes back byte for byte', async () => {
  const bytes = await fixtureMetadata();
  const { shape, metadata } = parseMetadata(bytes, archiveName);
  expect(shape).toBe('v1-2.8');
  expect(metadata).toMatchObject({
    version: '2.9.21',
    started: '2026-11-21T09:03:16.897903193Z',
    notes: 'first backup, quiet',
    series: 'focal',
    haNodes: 1,
  });
  expect(serializeMetadata(shape, metadata).equals(bytes)).toBe(true);
  expect(metadataShapeFor(metadata.version)).toBe(shape);
});

const known = emptyMetadata({
  started: '2021-10-01T00:00:00.5Z',
  modelUuid: '11111111-2222-4333-8444-555555555555',
  machine: '2',
  hostname: 'juju-555555-2',
  version: '2.9.17',
  series: 'focal',
  base: 'ubuntu@22.04',
  controllerUuid: '99999999-2222-4333-8444-555555555555',
  haNodes: 3,
  controllerMachineId: '2',
  controllerMachineInstanceId: 'i-0abc',
  caCert: 'CERT',
  caPrivateKey: 'KEY',
});

const times =
  '"Stored":"0001-01-01T00:00:00Z","Started":"2021-10-01T00:00:00.5Z","Finished":"0001-01-01T00:00:00Z","Notes":""';
const file = '"Checksum":"","ChecksumFormat":"","Size":0';
const origin = '"Machine":"2","Hostname":"juju-555555-2","Version":"2.9.17"';
const controller =
  '"ControllerUUID":"99999999-2222-4333-8444-555555555555","HANodes":3,"ControllerMachineID":"2","ControllerMachineInstanceID":"i-0abc"';
const uuid = '"11111111-2222-4333-8444-555555555555"';

test.each<[MetadataShape, string]>([
  ['v0-1.21', `{"ID":"",${file},${times},"Environment":${uuid},${origin}}\n`],
  [
    'v0-2.0',
    `{"ID":"",${file},${times},"Environment":${uuid},${origin},"Series":"focal","CACert":"CERT","CAPrivateKey":"KEY"}\n`,
  ],
  [
    'v1-2.8',
    `{"ID":"","FormatVersion":1,${file},${times},"ModelUUID":${uuid},${origin},"Series":"focal",${controller},"CACert":"CERT","CAPrivateKey":"KEY"}\n`,
  ],
  [
    'v1-3.0',
    `{"ID":"","FormatVersion":1,${file},${times},"ModelUUID":${uuid},${origin},"Base":"ubuntu@22.04",${controller}}\n`,
  ],
  [
    'v2',
    `{"ID":"","FormatVersion":2,${times},"ModelUUID":${uuid},${origin},"Base":"ubuntu@22.04",${controller}}\n`,
  ],
])('%s is written in the order of its fields and read again', (shape, text) => {
  const bytes = serializeMetadata(shape, known);
  expect(bytes.toString('utf8')).toBe(text);
  const parsed = parseMetadata(bytes, archiveName);
  expect(parsed.shape).toBe(shape);
  expect(serializeMetadata(parsed.shape, parsed.metadata).equals(bytes)).toBe(true);
});

test.each<[string, MetadataShape]>([
  ['1.25.6', 'v0-1.21'],
  ['2.0.0', 'v0-2.0'],
  ['2.0-beta1', 'v0-2.0'],
  ['2.7.8', 'v0-2.0'],
  ['2.8-beta1', 'v1-2.8'],
  ['2.8.0', 'v1-2.8'],
  ['2.9.21', 'v1-2.8'],
  ['2.9.31.1', 'v1-2.8'],
  ['2.9.57', 'v1-2.8'],
  ['2.9.58', 'v2'],
  ['3.0.0', 'v1-3.0'],
  ['3.6-beta2', 'v1-3.0'],
  ['3.6.21', 'v1-3.0'],
  ['3.6.22', 'v2'],
  ['4.0.1', 'v2'],
  ['unknown', 'v2'],
])('Juju %s writes %s', (version, shape) => {
  expect(metadataShapeFor(version)).toBe(shape);
});

test('a format that the operator asks for is written as close to the version as there is', () => {
  expect(metadataShapeOf(1, '2.9.60')).toBe('v1-2.8');
  expect(metadataShapeOf(1, '3.6.24')).toBe('v1-3.0');
  expect(metadataShapeOf(0, '2.9.21')).toBe('v0-2.0');
  expect(metadataShapeOf(2, '2.9.21')).toBe('v2');
  expect(metadataShapeOf(0, '1.25.6')).toBe('v0-1.21');
});

test('names are read in any case and unknown ones passed over, as Go does', () => {
  const text =
    '{"version":"2.9.1","FORMATVERSION":1,"notes":null,"Extra":{"a":1},"Series":"focal"}';
  const { shape, metadata } = parseMetadata(Buffer.from(text), archiveName);
  expect(shape).toBe('v1-2.8');
  expect(metadata).toEqual(emptyMetadata({ version: '2.9.1', formatVersion: 1, series: 'focal' }));
});

test.each([
  ['{"FormatVersion":3}', 'HF-ARCHIVE-003'],
  ['{"FormatVersion":"1"}', 'HF-ARCHIVE-001'],
  ['{"HANodes":"three"}', 'HF-ARCHIVE-001'],
  ['[]', 'HF-ARCHIVE-001'],
  ['null', 'HF-ARCHIVE-001'],
  ['{"ID":', 'HF-ARCHIVE-001'],
])('%s is refused with %s', async (text, code) => {
  const refusal = await refusalOf(() => parseMetadata(Buffer.from(text), archiveName));
  expect(refusal.code).toBe(code);
});

test('text and times look as Go writes them', () => {
  expect(goObject([['a', '<b> & "c"\\\n\t\u0001\u2028\u007f\ud800é☃']])).toBe(
    '{"a":"\\u003cb\\u003e \\u0026 \\"c\\"\\\\\\n\\t\\u0001\\u2028\u007f\\ufffdé☃"}\n',
  );
  expect(goTime(new Date('2026-11-21T09:03:16.890Z'))).toBe('2026-11-21T09:03:16.89Z');
  expect(goTime(new Date('2026-11-21T09:03:10.000Z'))).toBe('2026-11-21T09:03:10Z');
});

test('the certificate authority stays out of what is public', () => {
  const open = publicMetadata('v1-2.8', known);
  expect(open).toMatchObject({ ModelUUID: known.modelUuid, HANodes: 3, FormatVersion: 1 });
  expect(JSON.stringify(open)).not.toMatch(/CERT|KEY|CACert/);
});
